//! Table `events`.

use sea_orm::entity::prelude::*;

/// An item that a bin classified.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// Row number, in the order of arrival.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The bin.
    pub bin: String,
    /// The incarnation of its counter, in the lower 32 bits. Above them, counted from 1, which of several messages
    /// under one number it is.
    pub epoch: i64,
    /// The number of the message.
    pub seq: i64,
    /// When, by the bin's clock.
    pub at_ms: i64,
    /// When the hub got it.
    pub received_ms: i64,
    /// `label` or `unsure`.
    pub outcome: String,
    /// The likeliest class, sure or not.
    pub label: String,
    /// Its probability, 0 to 1.
    pub confidence: f64,
    /// Probability by label, a JSON object.
    #[sea_orm(column_type = "Text")]
    pub probabilities_json: String,
    /// The model that said so.
    pub model: String,
    /// From the settled item to the decision.
    pub latency_ms: f64,
    /// What it truly was, from a camera that is not a real one.
    pub truth_label: Option<String>,
    /// `virtual` or `replay`.
    pub truth_source: Option<String>,
    /// SHA-256 of the message: another one under its number is no duplicate. Null: it came before this was kept.
    pub fingerprint: Option<String>,
    /// When it was: `at_ms` if the bin's clock can be right, else `received_ms`. Days are counted by it.
    pub seen_ms: Option<i64>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
