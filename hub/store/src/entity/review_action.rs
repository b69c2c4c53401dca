//! Table `review_actions`.

use sea_orm::entity::prelude::*;

/// Something that a reviewer did.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_actions")]
pub struct Model {
    /// Row number.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The sample.
    pub sample_id: String,
    /// Who.
    pub reviewer: String,
    /// `label`, `unusable`, `skip`, `second_opinion` or `take_back`.
    pub action: String,
    /// What they say it shows; `unusable` takes it out.
    pub label: Option<String>,
    /// Why it is unusable: `blurred`, `empty` or `person`.
    pub reason: Option<String>,
    /// When.
    pub at_ms: i64,
    /// The state of the review before.
    pub state_before: String,
    /// The sample's label before.
    pub label_before: Option<String>,
    /// Whether its label had been looked at again before.
    pub checked_before: bool,
    /// Whether they took it back.
    pub undone: bool,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
