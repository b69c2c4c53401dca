//! Table `quantities`.

use sea_orm::entity::prelude::*;

/// How much of a product there was at a time.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "quantities")]
pub struct Model {
    /// Of what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product: String,
    /// Where; empty if there is one place only.
    #[sea_orm(primary_key, auto_increment = false)]
    pub store: String,
    /// When, in seconds since 1970-01-01, as the date was written.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    /// How much.
    pub quantity: f64,
    /// Of what kind the product is.
    pub category: Option<String>,
    /// What one costs the buyer.
    pub price: Option<f64>,
    /// What was in stock.
    pub on_hand: Option<f64>,
    /// Days from an order to its arrival.
    pub lead_time_days: Option<f64>,
    /// What one costs.
    pub unit_cost: Option<f64>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
