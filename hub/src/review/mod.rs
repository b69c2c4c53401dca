//! What a person should look at next, and what they say.
//!
//! ```text
//! samples → score (job) → queue → batch with a lease → answer → label, or another opinion
//!              ▲ embeddings, head in service, out-of-fold probabilities        │
//!              └────────────────────── undo ◀──────────────────────────────────┘
//! ```
//!
//! Each sample has a review in one of four states:
//!
//! | state      | meaning                                                          | given to                     |
//! |------------|------------------------------------------------------------------|------------------------------|
//! | `open`     | no label yet, or a label that is suspect or was marked wrong      | anybody                      |
//! | `second`   | a reviewer asked for a second opinion; it has no label meanwhile  | who has no opinion on it     |
//! | `disputed` | opinions differ; it has no label until a third or an administrator decides | the same, and administrators |
//! | `done`     | it has a label, or is unusable                                    | nobody                       |
//!
//! The queue is ordered by [`value`], stored per sample and indexed. A share of the unlabelled samples,
//! drawn by their ids alone ([`value::draw`]), stays out of that order and is given out in the order of
//! the draw, a few in each batch: what is labelled of it is an unbiased sample of what the hub received,
//! whatever the values are. Everything else is not, and figures about the field must not use it.
//!
//! A batch is leased to one reviewer. A lease that ends gives its items to others; an answer that comes
//! late is taken as long as nobody else has the item. Every answer is kept with what it changed, so that
//! its author can take back one after the other.
//!
//! Labels given elsewhere (`POST /api/v1/samples/{id}/label`) are answers, too, that need no lease.

use std::time::Duration;

use crate::dataset::DatasetError;
use crate::store::StoreError;

/// What a review is expected to bring: pure.
pub mod value;

/// A batch that is not a hundred of the same: pure.
pub mod diverse;

/// Which labels are probably wrong: pure.
pub mod noise;

/// Heads that judge what they did not see.
pub mod folds;

/// Several people on one sample: pure.
pub mod opinions;

/// The signals of each sample: computation without IO.
mod score;

/// The next batch, and who has what in hand.
pub mod queue;

/// What reviewers say.
pub mod answer;

/// What reviewers take back.
pub mod undo;

/// What was seen to be wrong at the bin.
pub mod wrong;

/// Reviews in the database, as the job keeps them.
pub(crate) mod store;

/// Keeps the queue up to date.
pub mod job;

/// HTTP: next, answer, undo, agreement.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

/// The share of unlabelled samples that is reviewed whatever its value, unless the hub is told otherwise.
pub const RANDOM_SHARE: f64 = 0.05;

/// How long a reviewer has an item to themselves, unless the hub is told otherwise: long enough for a
/// hundred images with a pause, short enough that a closed browser does not hold them for the day.
pub const LEASE: Duration = Duration::from_secs(15 * 60);

/// How reviews are given out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReviewConfig {
    /// The share of unlabelled samples that is reviewed whatever its value, 0 to 1. A change applies to
    /// samples that come from then on.
    pub random_share: f64,
    /// How long a reviewer has an item to themselves.
    pub lease: Duration,
}

impl Default for ReviewConfig {
    fn default() -> Self {
        Self { random_share: RANDOM_SHARE, lease: LEASE }
    }
}

/// Where a review is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for an answer.
    Open,
    /// It waits for another reviewer.
    Second,
    /// Reviewers differ.
    Disputed,
    /// It needs nobody.
    Done,
}

impl State {
    /// The name in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Second => "second",
            Self::Disputed => "disputed",
            Self::Done => "done",
        }
    }

    /// The state of this name; `None` for one that no build has ever written.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Open, Self::Second, Self::Disputed, Self::Done].into_iter().find(|state| state.name() == name)
    }
}

/// Who reviews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// Login name.
    pub name: String,
    /// Whether their word ends a dispute.
    pub is_administrator: bool,
}

/// Something that cannot be done with a review.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Someone else has it in hand.
    #[error("{by} has this sample in hand for another {seconds} s: take the next one")]
    Held {
        /// Who.
        by: String,
        /// For how long.
        seconds: i64,
    },
    /// Somebody else answered meanwhile.
    #[error(
        "this sample needs no review any more: {}. To change its label, POST /api/v1/samples/{{id}}/label",
        described(.label.as_deref(), .by.as_deref())
    )]
    Done {
        /// Its label now.
        label: Option<String>,
        /// Who gave it.
        by: Option<String>,
    },
    /// They have said what they think of it.
    #[error("you have given your opinion on this sample: it waits for another reviewer")]
    AlreadySaid,
    /// It is wanted already.
    #[error("a second opinion on this sample is wanted already: say what it shows, or skip it")]
    AlreadyWanted,
    /// There is nothing to take back.
    #[error("there is nothing of yours to take back")]
    NothingToUndo,
    /// Somebody else went on from there.
    #[error(
        "{by} has worked on the sample since: label it anew instead, or take back what you did before with \
         ?before={action}"
    )]
    Superseded {
        /// Who.
        by: String,
        /// The action that cannot be taken back.
        action: i64,
    },
    /// The bin sent no image of that item.
    #[error("there is no image of item {event} of bin {bin}: it kept none, or it has not come yet")]
    NoImage {
        /// The bin.
        bin: String,
        /// The item's number.
        event: i64,
    },
    /// The dataset's, such as a sample that was deleted.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl From<sea_orm::DbErr> for ReviewError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Dataset(error.into())
    }
}

impl From<StoreError> for ReviewError {
    fn from(error: StoreError) -> Self {
        Self::Dataset(error.into())
    }
}

fn described(label: Option<&str>, by: Option<&str>) -> String {
    match (label, by) {
        (Some(label), Some(by)) => format!("{by} labelled it {label}"),
        (Some(label), None) => format!("it is labelled {label}"),
        (None, _) => "its label was taken back elsewhere".to_owned(),
    }
}

#[cfg(test)]
mod tests;
