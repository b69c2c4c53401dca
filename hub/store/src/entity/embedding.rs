//! Table `embeddings`.

use sea_orm::entity::prelude::*;

/// What a backbone made of an image, kept so that it is computed once.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "embeddings")]
pub struct Model {
    /// The backbone.
    #[sea_orm(primary_key, auto_increment = false)]
    pub backbone_sha256: String,
    /// The image.
    #[sea_orm(primary_key, auto_increment = false)]
    pub content_sha256: String,
    /// 32-bit little-endian floats.
    pub vector: Vec<u8>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
