//! Table `imports`.

use sea_orm::entity::prelude::*;

/// A zip that was sent to be imported.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    /// A UUID, version 7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// Who sent it.
    pub by: String,
    /// The file's name, as its sender calls it.
    pub file: String,
    /// When it was there.
    pub started_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// What became of each file.
    #[sea_orm(column_type = "Text", nullable)]
    pub report_json: Option<String>,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
