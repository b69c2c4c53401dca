//! Table `forecast_trainings`.

use sea_orm::entity::prelude::*;

/// A training of the forecasts, running or over.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "forecast_trainings")]
pub struct Model {
    /// A UUID, version 7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// Who wanted it.
    pub by: String,
    /// The file that came with it, as its sender calls it.
    pub file: Option<String>,
    /// Whether rows were merged.
    pub merged: bool,
    /// When it began.
    pub started_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// What came of it.
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
