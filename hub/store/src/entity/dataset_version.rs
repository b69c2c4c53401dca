//! Table `dataset_versions`.

use sea_orm::entity::prelude::*;

/// A frozen version of the dataset. Its content lies in the object storage under its id.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dataset_versions")]
pub struct Model {
    /// The SHA-256 of its manifest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it was first frozen.
    pub created_ms: i64,
    /// By whom.
    pub by: String,
    /// What for, in words.
    #[sea_orm(column_type = "Text")]
    pub note: String,
    /// How many samples it has.
    pub samples: i64,
    /// How many of each label and split: a JSON object of objects.
    #[sea_orm(column_type = "Text")]
    pub counts_json: String,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
