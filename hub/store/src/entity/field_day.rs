//! Table `field_days`.

use sea_orm::entity::prelude::*;

/// What a bin's items of a day, a model and a label came to: events, added up as they come in.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "field_days")]
pub struct Model {
    /// The model that said so.
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    /// Days since 1970-01-01, of UTC, by when the items were.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// The bin.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bin: String,
    /// The likeliest class, sure or not.
    #[sea_orm(primary_key, auto_increment = false)]
    pub label: String,
    /// How many items.
    pub items: i64,
    /// How many of them were unsure.
    pub unsure: i64,
    /// The sum of their confidences.
    pub confidence: f64,
    /// The sum of the squares of their confidences.
    pub confidence_squares: f64,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
