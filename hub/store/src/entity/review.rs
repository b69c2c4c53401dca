//! Table `reviews`.

use sea_orm::entity::prelude::*;

/// What is known of a sample's worth to a reviewer, and who has it in hand.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reviews")]
pub struct Model {
    /// The sample.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sample_id: String,
    /// `open`, `second`, `disputed` or `done`.
    pub state: String,
    /// What a review is expected to bring, 0 to 1; the queue's order.
    pub value: f64,
    /// Its place in the random share, from 0; `None` if it is not in that share.
    pub random_rank: Option<f64>,
    /// How unsure the model is, 0 to 1.
    pub unsure: Option<f64>,
    /// How much the guesses on its group disagree, 0 to 1.
    pub disagreement: Option<f64>,
    /// How strongly the model contradicts its label, 0 to 1.
    pub suspect: Option<f64>,
    /// How far it is from what is labelled, 0 to 1.
    pub novelty: Option<f64>,
    /// Whether someone at the bin said that the bin was wrong.
    pub marked_wrong: bool,
    /// Whether a reviewer has looked at its label again.
    pub checked: bool,
    /// The likeliest class by the model that scored it.
    pub guess: Option<String>,
    /// The class that its label should probably be, if the label is suspect.
    pub suggested: Option<String>,
    /// The model that scored it; `None` until it is scored by its embedding.
    pub model: Option<String>,
    /// Who has it in hand.
    pub leased_by: Option<String>,
    /// Until when.
    pub leased_until_ms: Option<i64>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
