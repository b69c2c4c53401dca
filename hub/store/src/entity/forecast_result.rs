//! Table `forecast_results`.

use sea_orm::entity::prelude::*;

/// What the last training says of a product.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "forecast_results")]
pub struct Model {
    /// The product; empty for the total.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product: String,
    /// The training.
    pub training: String,
    /// Forecast and errors.
    #[sea_orm(column_type = "Text")]
    pub result_json: String,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
