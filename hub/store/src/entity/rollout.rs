//! Table `rollouts`.

use sea_orm::entity::prelude::*;

/// A version on its way to the bins, or one that was.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollouts")]
pub struct Model {
    /// Counted from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// What it brings.
    pub version: String,
    /// What was in service when it began.
    pub before: String,
    /// The name of its phase.
    pub state: String,
    /// 1 while it is under way, or nothing: at most one is.
    pub open: Option<i32>,
    /// Who began it.
    pub by: String,
    /// Why a version that the gate refused is brought out all the same.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// When it began.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// A `pilah_rollout::plan::Plan`.
    #[sea_orm(column_type = "Text")]
    pub plan_json: String,
    /// A `pilah_rollout::progress::Progress`.
    #[sea_orm(column_type = "Text")]
    pub progress_json: String,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
