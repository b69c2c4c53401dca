//! How far a rollout has come, and what happened on the way.

use std::collections::{BTreeMap, BTreeSet};

use pilah_models::name::{BinId, ContentId, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fleet::{Fleet, Model};

/// How far a rollout has come: all that is kept of it, besides its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// When each group that was reached was, in milliseconds since 1970, in order.
    pub reached_ms: Vec<i64>,
    /// Since when the last of them has had what it takes to go on.
    pub ready_ms: Option<i64>,
    /// Whether a person agreed to the next step.
    pub approved: bool,
    /// Bins that had failed at this version before this attempt, with the number of the message that said so: what
    /// they said then does not count.
    pub forgiven: BTreeMap<BinId, (u32, u64)>,
    /// Bins whose failure is in the history.
    pub failed: BTreeSet<BinId>,
    /// Bins with a model that this hub does not have, which is in the history.
    pub strangers: BTreeMap<BinId, ContentId>,
}

/// What a rollout is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "phase", rename_all = "snake_case")]
#[schema(as = RolloutPhase)]
pub enum Phase {
    /// It goes on by itself.
    Rolling,
    /// The next group waits for a person.
    Waiting,
    /// Something holds it, or a person lets it go on.
    Held {
        /// What, in words.
        words: String,
    },
    /// A person stopped it for now: no bin more gets the new version.
    Paused,
    /// It stopped by itself: all go back to the version before.
    Stopped {
        /// Why, in words.
        words: String,
    },
    /// A person ended it: all go back to the version before.
    Cancelled,
    /// Everybody has it, and it is in service.
    Completed,
}

impl Phase {
    /// Whether it is under way: no other may begin, and nothing else goes into service.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Rolling | Self::Waiting | Self::Held { .. } | Self::Paused)
    }

    /// Its name, as in answers and in the database.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::Waiting => "waiting",
            Self::Held { .. } => "held",
            Self::Paused => "paused",
            Self::Stopped { .. } => "stopped",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }
}

impl Progress {
    /// The beginning of an attempt: nobody has been reached.
    #[must_use]
    pub fn begin(new: &Model, fleet: &Fleet) -> Self {
        let forgiven = fleet.bins.iter().filter_map(|bin| {
            let says = bin.says.as_ref()?;
            let failed = says.took_back(new).is_some() || says.refuses(new).is_some();
            failed.then(|| (bin.id.clone(), says.number))
        });
        Self {
            phase: Phase::Rolling,
            reached_ms: Vec::new(),
            ready_ms: None,
            approved: false,
            forgiven: forgiven.collect(),
            failed: BTreeSet::new(),
            strangers: BTreeMap::new(),
        }
    }
}

/// Something that happened to a rollout: its history, and what the audit log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = RolloutHappening)]
pub enum Happening {
    /// A person began it.
    Started {
        /// Who.
        by: String,
        /// What it brings.
        #[schema(value_type = String)]
        version: ModelVersion,
        /// What was in service.
        #[schema(value_type = String)]
        before: ModelVersion,
    },
    /// A group began.
    Reached {
        /// Its name.
        group: String,
        /// How many bins it has.
        bins: usize,
    },
    /// A group was passed over.
    Skipped {
        /// Its name.
        group: String,
    },
    /// A group has what it takes to go on, and is watched.
    Ready {
        /// Its name.
        group: String,
        /// Bins that have the new version for good.
        committed: usize,
        /// Of how many that count.
        counted: usize,
    },
    /// A group does not have any more what it takes to go on.
    Unready {
        /// Its name.
        group: String,
    },
    /// The next group waits for a person.
    Awaits {
        /// Its name.
        group: String,
    },
    /// A person agreed to the next step.
    Approved {
        /// Who.
        by: String,
    },
    /// Something holds it.
    Held {
        /// What, in words.
        words: String,
    },
    /// Nothing holds it any more.
    Released,
    /// A person paused it.
    Paused {
        /// Who.
        by: String,
    },
    /// A person let it go on.
    Resumed {
        /// Who.
        by: String,
    },
    /// A bin took the new version back.
    TookBack {
        /// Which.
        #[schema(value_type = String)]
        bin: BinId,
        /// Why, in its words.
        reason: String,
    },
    /// A bin refused the new version.
    Refused {
        /// Which.
        #[schema(value_type = String)]
        bin: BinId,
        /// Why, in its words.
        error: String,
    },
    /// A bin has a model that this hub does not have.
    Stranger {
        /// Which.
        #[schema(value_type = String)]
        bin: BinId,
        /// What it calls it.
        #[schema(value_type = String)]
        version: ModelVersion,
        /// SHA-256 of its manifest.
        #[schema(value_type = String)]
        manifest: ContentId,
    },
    /// It stopped by itself.
    Stopped {
        /// Why, in words.
        words: String,
    },
    /// A person ended it.
    Cancelled {
        /// Who.
        by: String,
    },
    /// A person has it begin anew.
    Retried {
        /// Who.
        by: String,
    },
    /// Everybody has it.
    Completed,
}

impl Happening {
    /// Its name, as in the audit log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Reached { .. } => "reached",
            Self::Skipped { .. } => "skipped",
            Self::Ready { .. } => "ready",
            Self::Unready { .. } => "unready",
            Self::Awaits { .. } => "awaits",
            Self::Approved { .. } => "approved",
            Self::Held { .. } => "held",
            Self::Released => "released",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::TookBack { .. } => "took_back",
            Self::Refused { .. } => "refused",
            Self::Stranger { .. } => "stranger",
            Self::Stopped { .. } => "stopped",
            Self::Cancelled { .. } => "cancelled",
            Self::Retried { .. } => "retried",
            Self::Completed => "completed",
        }
    }

    /// Who did it, if a person did.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::Started { by, .. }
            | Self::Approved { by }
            | Self::Paused { by }
            | Self::Resumed { by }
            | Self::Cancelled { by }
            | Self::Retried { by } => Some(by),
            _ => None,
        }
    }

    /// The bin that it is about, if it is about one.
    #[must_use]
    pub fn bin(&self) -> Option<&BinId> {
        match self {
            Self::TookBack { bin, .. } | Self::Refused { bin, .. } | Self::Stranger { bin, .. } => Some(bin),
            _ => None,
        }
    }

    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Started { by, version, before } => {
                format!("{by} began to bring {version} to bins that have {before}")
            }
            Self::Reached { group, bins: 1 } => format!("group {group} begins: 1 bin"),
            Self::Reached { group, bins } => format!("group {group} begins: {bins} bins"),
            Self::Skipped { group } => format!("group {group} is passed over: no bin of it could take the version"),
            Self::Ready { group, committed, counted } => {
                format!("group {group} has it: {committed} of {counted} bins; it is watched")
            }
            Self::Unready { group } => format!("too few bins of group {group} have it any more"),
            Self::Awaits { group } => format!("group {group} waits for a person to agree"),
            Self::Approved { by } => format!("{by} agreed to the next step"),
            Self::Held { words } => format!("held: {words}"),
            Self::Released => "nothing holds it any more".to_owned(),
            Self::Paused { by } => format!("{by} paused it"),
            Self::Resumed { by } => format!("{by} let it go on"),
            Self::TookBack { bin, reason } => format!("{bin} took it back: {reason}"),
            Self::Refused { bin, error } => format!("{bin} refused it: {error}"),
            Self::Stranger { bin, version, manifest } => {
                format!("{bin} has a model that this hub never had: it calls it {version}, its manifest is {manifest}")
            }
            Self::Stopped { words } => format!("stopped, and its bins go back: {words}"),
            Self::Cancelled { by } => format!("{by} ended it; its bins go back"),
            Self::Retried { by } => format!("{by} has it begin anew"),
            Self::Completed => "every group has it: it is in service".to_owned(),
        }
    }
}
