//! Where each bin stands, and what it should have.
//!
//! *Who counts.* A bin is there if it was heard of since its group was reached, or not long before: no longer than after
//! which it would be silent. One that is not there is told all the same, gets the new version when it comes, and counts
//! from then on. If there are windows, it is told in the first one in which it is there.
//!
//! *What is an error.* A bin that refused the new version, or took it back. One that took it back keeps that from
//! itself; it is told to have the version before. If it did so before this attempt, it does not count at all.
//!
//! *Who is silent.* A bin that is there and was told, and of which nothing was heard for long, while the hub listened.

use pilah_models::wire::UpdateState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fleet::{Bin, Fleet, Model};
use crate::plan::{Plan, Rules};
use crate::progress::{Phase, Progress};
use crate::window::Openings;

/// Where a bin stands with the new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = BinStanding)]
pub enum Standing {
    /// Its group was not reached, or the rollout was paused before it was told.
    Later,
    /// It was not heard of since its group was reached. It does not count.
    Away,
    /// It waits for a window.
    Window,
    /// It is told, and has said nothing of it yet.
    Told,
    /// It fetches and checks it.
    Fetching,
    /// It classifies with it, on trial.
    Trial,
    /// It has it for good.
    Committed,
    /// It refused it.
    Refused {
        /// Why, in its words.
        error: String,
    },
    /// It took it back.
    TookBack {
        /// Why, in its words.
        reason: String,
    },
    /// It took it back before this attempt. It does not count.
    Blocked {
        /// Why, in its words.
        reason: String,
    },
    /// Nothing is heard of it any more.
    Silent,
    /// It has the new version, which is not wanted there any more.
    GoingBack,
    /// It goes on with the version before, or has gone back to it.
    Back,
}

/// A bin in a rollout.
#[derive(Debug)]
pub struct Placed<'a> {
    /// Which.
    pub bin: &'a Bin,
    /// Its group.
    pub group: usize,
    /// Where it stands.
    pub standing: Standing,
    /// Whether it should have the new version now.
    pub gets_new: bool,
}

/// How many bins of a group stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StandingCount)]
pub struct Count {
    /// Bins in all.
    pub bins: usize,
    /// Not heard of since the group was reached: they do not count.
    pub away: usize,
    /// They took it back before this attempt: they do not count.
    pub blocked: usize,
    /// They have it for good.
    pub committed: usize,
    /// They have it on trial.
    pub trial: usize,
    /// They refused it or took it back.
    pub errors: usize,
    /// Nothing is heard of them any more.
    pub silent: usize,
}

impl Count {
    fn add(&mut self, standing: &Standing) {
        self.bins += 1;
        match standing {
            Standing::Away => self.away += 1,
            Standing::Blocked { .. } => self.blocked += 1,
            Standing::Committed => self.committed += 1,
            Standing::Trial => self.trial += 1,
            Standing::Refused { .. } | Standing::TookBack { .. } => self.errors += 1,
            Standing::Silent => self.silent += 1,
            Standing::Later
            | Standing::Window
            | Standing::Told
            | Standing::Fetching
            | Standing::GoingBack
            | Standing::Back => {}
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            bins: self.bins + other.bins,
            away: self.away + other.away,
            blocked: self.blocked + other.blocked,
            committed: self.committed + other.committed,
            trial: self.trial + other.trial,
            errors: self.errors + other.errors,
            silent: self.silent + other.silent,
        }
    }

    /// Those that could take it at all.
    #[must_use]
    pub fn able(&self) -> usize {
        self.bins - self.blocked
    }

    /// Those that count.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.able() - self.away
    }

    /// Whether there are enough that have it for good.
    #[must_use]
    pub fn is_enough(&self, rules: &Rules) -> bool {
        let counted = self.counted();
        let is_there = counted > 0 && counted * 100 >= self.able() * usize::from(rules.present_percent);
        self.able() == 0 || (is_there && self.committed * 100 >= counted * usize::from(rules.success_percent))
    }

    fn too_many(&self, some: usize, percent: u8) -> bool {
        some * 100 > self.counted() * usize::from(percent)
    }

    /// Why it has to stop, if it has to.
    #[must_use]
    pub fn stops(&self, rules: &Rules) -> Option<String> {
        let counted = self.counted();
        if self.too_many(self.errors, rules.error_percent) {
            let (errors, percent) = (self.errors, rules.error_percent);
            return Some(format!("{errors} of {counted} bins refused it or took it back, more than {percent} %"));
        }
        if self.too_many(self.silent, rules.silent_percent) {
            let (silent, percent) = (self.silent, rules.silent_percent);
            return Some(format!("of {silent} of {counted} bins nothing is heard any more, more than {percent} %"));
        }
        None
    }
}

/// The whole fleet in a rollout.
#[derive(Debug)]
pub struct Survey<'a> {
    /// Every bin, in the order of the fleet.
    pub bins: Vec<Placed<'a>>,
    /// By group.
    pub counts: Vec<Count>,
}

impl Survey<'_> {
    /// The groups up to this one together.
    #[must_use]
    pub fn up_to(&self, group: usize) -> Count {
        self.counts.iter().take(group + 1).fold(Count::default(), |sum, count| sum.with(*count))
    }
}

/// What this bin should have.
#[must_use]
pub fn wanted<'a>(plan: &'a Plan, placed: &Placed<'_>) -> &'a Model {
    if placed.gets_new { &plan.new } else { &plan.before }
}

/// Where every bin stands now.
#[must_use]
pub fn survey<'a>(plan: &'a Plan, progress: &Progress, fleet: &'a Fleet, now_ms: i64) -> Survey<'a> {
    let openings = Openings::new(&plan.rules.windows, &plan.rules.time_zone, now_ms);
    let mut eye = Eye { plan, progress, fleet, openings, now_ms };
    let mut counts = vec![Count::default(); plan.groups.len()];
    let place = |bin| {
        let group = plan.group_of(bin);
        let (standing, gets_new) = eye.look(bin, group);
        if let Some(count) = counts.get_mut(group) {
            count.add(&standing);
        }
        Placed { bin, group, standing, gets_new }
    };
    let bins = fleet.bins.iter().map(place).collect();
    Survey { bins, counts }
}

struct Eye<'a, 'b> {
    plan: &'a Plan,
    progress: &'b Progress,
    fleet: &'a Fleet,
    openings: Openings<'a>,
    now_ms: i64,
}

impl<'a> Eye<'a, '_> {
    fn look(&mut self, bin: &'a Bin, group: usize) -> (Standing, bool) {
        let (plan, phase) = (self.plan, &self.progress.phase);
        let reached = self.progress.reached_ms.get(group).copied();
        let Some(reached_ms) = reached else { return (Standing::Later, false) };
        let says = bin.says.as_ref();
        let forgiven = self.progress.forgiven.get(&bin.id);
        if let Some(reason) = says.and_then(|says| says.took_back(&plan.new)) {
            let reason = reason.to_owned();
            let standing =
                if forgiven.is_some() { Standing::Blocked { reason } } else { Standing::TookBack { reason } };
            return (standing, false);
        }
        let patience_ms = i64::from(plan.rules.silent_after_s) * 1000;
        let last_seen_ms = bin.last_seen_ms;
        let is_there = last_seen_ms.is_some_and(|seen| seen >= reached_ms.saturating_sub(patience_ms));
        let installed = says.is_some_and(|says| says.model == plan.new);
        if !phase.is_open() && *phase != Phase::Completed {
            return (if installed { Standing::GoingBack } else { Standing::Back }, false);
        }
        if !installed && bin.told.as_ref() != Some(&plan.new.version) {
            return match is_there {
                // What is retained would reach it outside of its window.
                _ if *phase == Phase::Paused => (Standing::Later, false),
                false => (Standing::Away, plan.rules.windows.is_empty()),
                true if !self.openings.is_open(bin.time_zone.as_deref()) => (Standing::Window, false),
                true => (Standing::Told, true),
            };
        }
        let heard_ms = last_seen_ms.unwrap_or(i64::MIN).max(self.fleet.listening_since_ms);
        let standing = match says {
            _ if !is_there => Standing::Away,
            _ if self.now_ms.saturating_sub(heard_ms) > patience_ms => Standing::Silent,
            None => Standing::Told,
            Some(says) if installed && says.on_probation => Standing::Trial,
            Some(_) if installed => Standing::Committed,
            Some(says) => match (&says.update, says.refuses(&plan.new)) {
                (_, Some(error)) if forgiven != Some(&says.number) => Standing::Refused { error: error.to_owned() },
                (UpdateState::Fetching { target }, _) if *target == plan.new.version => Standing::Fetching,
                _ => Standing::Told,
            },
        };
        (standing, true)
    }
}
