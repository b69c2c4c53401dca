//! Table `audit`.

use sea_orm::entity::prelude::*;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Row number.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// When.
    pub at_ms: i64,
    /// A user, `bin:…`, or `hub`.
    pub who: String,
    /// What, as `noun.verb`.
    pub what: String,
    /// More, a JSON object without secrets.
    #[sea_orm(column_type = "Text", nullable)]
    pub detail_json: Option<String>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
