//! Bins and models, as a rollout sees them.

use std::collections::BTreeMap;

use pilah_models::name::{BinId, ContentId, ModelVersion};
use pilah_models::wire::{Reported, UpdateState};
use serde::{Deserialize, Serialize};

use crate::compare::Verdict;

/// A model: a name may be given to another on another hub, so that the SHA-256 of its manifest belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub version: ModelVersion,
    /// SHA-256 of its manifest.
    pub manifest: ContentId,
}

/// All that a decision is made from, besides the plan and how far it has come.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The bins that are enrolled and not retired, in any order.
    pub bins: Vec<Bin>,
    /// Since when the hub has been hearing bins without a break, in milliseconds since 1970: nobody is silent towards a
    /// hub that does not listen.
    pub listening_since_ms: i64,
    /// Versions that the hub has, by name.
    pub known: BTreeMap<ModelVersion, ContentId>,
    /// What the comparison in the field says.
    pub verdict: Verdict,
}

/// A bin.
#[derive(Debug, Clone)]
pub struct Bin {
    /// Its id.
    pub id: BinId,
    /// The group that people put it into on the page of bins.
    pub tag: Option<String>,
    /// The time zone of where it stands, by its IANA name.
    pub time_zone: Option<String>,
    /// When it was last heard of, by the hub's clock, in milliseconds since 1970.
    pub last_seen_ms: Option<i64>,
    /// The version that it was last told to have.
    pub told: Option<ModelVersion>,
    /// What it last said of its model; `None` before it has.
    pub says: Option<Says>,
}

/// What a bin says of its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// Epoch and number of the message.
    pub number: (u32, u64),
    /// The model in force.
    pub model: Model,
    /// Whether that is on trial.
    pub on_probation: bool,
    /// How far the last update came.
    pub update: UpdateState,
    /// What it took back by itself and does not install again: the manifest, and why.
    pub taken_back: Vec<(ContentId, String)>,
}

impl From<&Reported> for Says {
    fn from(reported: &Reported) -> Self {
        let taken_back = reported.taken_back.iter().map(|taken| (taken.manifest.clone(), taken.reason.clone()));
        Self {
            number: (reported.header.epoch, reported.header.seq),
            model: Model { version: reported.model.clone(), manifest: reported.manifest.clone() },
            on_probation: reported.probation.is_some(),
            update: reported.update.clone(),
            taken_back: taken_back.collect(),
        }
    }
}

impl Says {
    /// Why it took this model back, if it did.
    #[must_use]
    pub fn took_back(&self, model: &Model) -> Option<&str> {
        self.taken_back.iter().find(|(manifest, _)| *manifest == model.manifest).map(|(_, reason)| reason.as_str())
    }

    /// Why it refuses this model, if it does.
    #[must_use]
    pub fn refuses(&self, model: &Model) -> Option<&str> {
        match &self.update {
            UpdateState::Failed { target, error } if *target == model.version => Some(error),
            _ => None,
        }
    }
}
