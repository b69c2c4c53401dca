//! Table `rollout_events`.

use sea_orm::entity::prelude::*;

/// Something that happened to a rollout.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollout_events")]
pub struct Model {
    /// In the order in which they happened.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// To which.
    pub rollout: i64,
    /// When.
    pub at_ms: i64,
    /// A `pilah_rollout::progress::Happening`.
    #[sea_orm(column_type = "Text")]
    pub happening_json: String,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
