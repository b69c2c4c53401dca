//! Table `fill_days`.

use sea_orm::entity::prelude::*;

/// What the fill sensor of a bin told in a day. Levels are shares of what the bin holds, 0 to 1.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fill_days")]
pub struct Model {
    /// The bin.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bin: String,
    /// Days since 1970-01-01, of UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// The last reading.
    pub last: f64,
    /// When the hub received it.
    pub last_at_ms: i64,
    /// The highest reading of the day.
    pub highest: f64,
    /// The highest reading since the bin was last emptied.
    pub peak: f64,
    /// What came in.
    pub gained: f64,
    /// How often the bin was emptied.
    pub collections: i32,
    /// How many readings there are; 0 if the day is filled in between others.
    pub readings: i32,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
