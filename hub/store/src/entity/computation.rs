//! Table `computations`.

use sea_orm::entity::prelude::*;

/// A result that took long, kept with what it was computed from.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "computations")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// When it was computed.
    pub computed_ms: i64,
    /// What it was computed from: when that has changed, it is computed anew.
    #[sea_orm(column_type = "Text")]
    pub inputs_json: String,
    /// The result.
    #[sea_orm(column_type = "Text")]
    pub result_json: String,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
