//! Table `backbones`.

use sea_orm::entity::prelude::*;

/// A backbone that was imported for trainings to come.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "backbones")]
pub struct Model {
    /// Its content id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: String,
    /// The name of the file that it came as.
    pub name: String,
    /// How large it is.
    pub bytes: i64,
    /// What it takes: an `InputSpec` as JSON.
    #[sea_orm(column_type = "Text")]
    pub input_json: String,
    /// How many numbers it gives per image.
    pub embedding: i32,
    /// The median time for an image when it was imported, in milliseconds.
    pub median_ms: f64,
    /// When it was imported.
    pub created_ms: i64,
    /// Who imported it.
    pub created_by: String,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
