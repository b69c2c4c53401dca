//! Model versions, to the bins: the one in service to all, and a new one group by group.
//!
//! A rollout says which bins have the new version and which the one in service; without one, all have that. What
//! happens when is decided in the crate `pilah-rollout`, and carried out by [`course`].
//!
//! The hub never tells a bin to install something: it states, retained, which model it wants, and the
//! bin reports which one it has. The [`job`] states it again whenever it may have been lost: at the
//! start, after each connection to the broker, to a new bin, and when another model goes into service.
//! A bin that refuses a model keeps its own, says why, and is shown as failed until another is wanted.

use std::sync::Arc;

use pilah_models::name::ModelVersion;
use pilah_models::wire::{DesiredModel, Reported, UpdateState};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;

/// States what is desired until the hub stops.
mod job;

/// Rollouts from step to step.
mod course;

/// How the new version does in the field.
mod field;

/// Bins with what they reported, rollouts and their history, in the database.
mod store;

/// HTTP: rollouts.
mod staged;

/// HTTP: how far the bins are.
pub(crate) mod routes;

/// The running reconciler. Clones share it.
#[derive(Debug, Clone)]
pub struct Rollout {
    nudge: Arc<Notify>,
    course: Arc<course::Course>,
}

impl Rollout {
    /// Has it look at once, rather than in some seconds: a bin was enrolled or retired.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }
}

pub use job::start;

/// How far a bin is with the model that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Stage {
    /// It has said nothing of it yet.
    Waiting,
    /// It fetches and checks it.
    Fetching,
    /// It refused it, and goes on with its own.
    Failed {
        /// Why, in words.
        error: String,
    },
    /// It classifies with it.
    InForce,
}

/// How far a bin is, by what it last reported.
#[must_use]
pub fn stage(desired: &DesiredModel, reported: Option<&Reported>) -> Stage {
    let Some(reported) = reported else { return Stage::Waiting };
    let is_wanted = |target: &ModelVersion| *target == desired.version;
    match &reported.update {
        _ if is_wanted(&reported.model) && reported.manifest == desired.manifest => Stage::InForce,
        UpdateState::Failed { target, error } if is_wanted(target) => Stage::Failed { error: error.clone() },
        UpdateState::Fetching { target } if is_wanted(target) => Stage::Fetching,
        _ => Stage::Waiting,
    }
}

#[cfg(test)]
mod tests;
