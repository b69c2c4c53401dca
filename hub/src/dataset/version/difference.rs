//! What is different between two versions.

use std::cmp::Ordering;

use pilah_models::name::ContentId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Frozen, Samples};
use crate::dataset::{DatasetError, Split};
use crate::store::Blobs;

/// How many samples a difference names at most.
pub const NAMED: usize = 1000;

/// What is different between two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// How many samples are new.
    pub added: u64,
    /// How many are gone.
    pub removed: u64,
    /// How many have another label.
    pub relabelled: u64,
    /// How many have another split. A split that was given never changes; one that was missing may come.
    pub moved: u64,
    /// How many are as they were.
    pub same: u64,
    /// The samples that differ, at most 1000.
    pub samples: Vec<Changed>,
}

/// A sample that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The sample.
    pub id: String,
    /// Label and split before, as `glass train`; `null` if it is new.
    pub was: Option<String>,
    /// Label and split after; `null` if it is gone.
    pub is: Option<String>,
}

/// Compares two versions.
///
/// # Errors
/// The object storage failed, or a version is not as it was written.
pub async fn compare(blobs: &Blobs, from: &ContentId, to: &ContentId) -> Result<Difference, DatasetError> {
    let (mut from, mut to) = (Samples::of(blobs, from).await?, Samples::of(blobs, to).await?);
    let (mut was, mut is) = (from.next().await?, to.next().await?);
    let mut difference = Difference::default();
    while was.is_some() || is.is_some() {
        let order = match (&was, &is) {
            (Some(was), Some(is)) => was.id.cmp(&is.id),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let (before, after) = match order {
            Ordering::Less => (std::mem::replace(&mut was, from.next().await?), None),
            Ordering::Greater => (None, std::mem::replace(&mut is, to.next().await?)),
            Ordering::Equal => {
                (std::mem::replace(&mut was, from.next().await?), std::mem::replace(&mut is, to.next().await?))
            }
        };
        difference.count(before, after);
    }
    Ok(difference)
}

impl Difference {
    fn count(&mut self, was: Option<Frozen>, is: Option<Frozen>) {
        match (&was, &is) {
            (None, _) => self.added += 1,
            (_, None) => self.removed += 1,
            (Some(was), Some(is)) if was.label == is.label && was.split == is.split => {
                self.same += 1;
                return;
            }
            (Some(was), Some(is)) => {
                self.relabelled += u64::from(was.label != is.label);
                self.moved += u64::from(was.split != is.split);
            }
        }
        if self.samples.len() < NAMED {
            let words = |sample: &Frozen| format!("{} {}", sample.label, sample.split.map_or("none", Split::name));
            let id = is.as_ref().or(was.as_ref()).map(|sample| sample.id.clone()).unwrap_or_default();
            self.samples.push(Changed { id, was: was.as_ref().map(words), is: is.as_ref().map(words) });
        }
    }
}
