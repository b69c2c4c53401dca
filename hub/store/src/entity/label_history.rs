//! Table `label_history`.

use sea_orm::entity::prelude::*;

/// A change of a sample's label.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "label_history")]
pub struct Model {
    /// Row number.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The sample.
    pub sample_id: String,
    /// The label before.
    pub was: Option<String>,
    /// The label after.
    pub label: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at_ms: i64,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
