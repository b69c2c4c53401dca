//! Samples by what is known of them, and by what they look like.
//!
//! A list is paged by keys, not by numbers: the next page begins after the last sample of the one
//! before, so that what comes meanwhile neither repeats nor hides anything, and page 1,000 is as fast as
//! page 1.
//!
//! Likeness is the cosine of embeddings by the backbone in service. All of them are looked at
//! (docs/adr/0008-exact-similarity-search.md), so that the most alike are found, always.

use std::fmt;
use std::str::FromStr;

use pilah_models::name::ContentId;

use crate::dataset::{DatasetError, Split};

/// Samples in the database.
pub mod store;

/// HTTP: search, similar.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

/// Which samples are asked for; all conditions hold at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// With this label, or `unusable`.
    pub label: Option<String>,
    /// Without a label.
    pub unlabelled: bool,
    /// That the model in service takes for this class.
    pub guess: Option<String>,
    /// Of this bin.
    pub bin: Option<String>,
    /// `bin`, `upload` or `import`.
    pub source: Option<String>,
    /// In this split.
    pub split: Option<Split>,
    /// Received at this time or later.
    pub from_ms: Option<i64>,
    /// Received before this time.
    pub to_ms: Option<i64>,
    /// Of which the model is at least so unsure, 0 to 1.
    pub unsure_from: Option<f64>,
    /// Of which the model is at most so unsure, 0 to 1.
    pub unsure_to: Option<f64>,
    /// In the random share, whose labels are an unbiased sample.
    pub random: bool,
    /// With a label that is suspect.
    pub suspect: bool,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// Those of which the model is least sure first; those that have not been scored are left out.
    Unsure,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// How unsure the model is of the last sample, in that order.
    pub unsure: Option<f64>,
    /// The last sample.
    pub sample: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unsure {
            Some(unsure) => write!(f, "{unsure}:{}", self.sample),
            None => f.write_str(&self.sample),
        }
    }
}

impl FromStr for Cursor {
    type Err = SearchError;
    fn from_str(text: &str) -> Result<Self, SearchError> {
        let bad = || SearchError::Cursor(text.chars().take(80).collect());
        let Some((unsure, sample)) = text.split_once(':') else {
            return Ok(Self { unsure: None, sample: text.to_owned() });
        };
        let unsure: f64 = unsure.parse().map_err(|_| bad())?;
        if !unsure.is_finite() {
            return Err(bad());
        }
        Ok(Self { unsure: Some(unsure), sample: sample.to_owned() })
    }
}

/// A search that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// No page ends there.
    #[error("{0:?} is not where a page of this order ended: send the \"next\" of the page before, or nothing")]
    Cursor(String),
    /// A value that a filter cannot have.
    #[error("{key} is {value:?}; it must be {rule}")]
    Filter {
        /// Which.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        rule: &'static str,
    },
    /// There is nothing to compare by yet.
    #[error("image {0} has no embedding yet: try again in some seconds")]
    NotYet(ContentId),
    /// There will be nothing to compare by.
    #[error("image {content} has no embedding: {reason}")]
    Unreadable {
        /// The image.
        content: ContentId,
        /// Why.
        reason: String,
    },
    /// Another model has just been put into service.
    #[error("the embeddings of the samples are being read: try again in some seconds")]
    Busy,
    /// The dataset's.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl From<sea_orm::DbErr> for SearchError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Dataset(error.into())
    }
}

#[cfg(test)]
mod tests;
