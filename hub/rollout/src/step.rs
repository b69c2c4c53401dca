//! What happens next.
//!
//! [`step`] goes as far as it can without time passing, so that asking again changes nothing. Errors and silence stop a
//! rollout whatever else it is doing, a pause included; all else happens group by group:
//!
//! ```text
//! rolling ──enough have it for good, watched for long enough──▶ the next group, or completed
//!    │  ╰──▶ waiting (for a person) ──approve──╯   held (worse in the field) ──no more, or approve──╯
//!    ├──▶ paused ──resume──▶ rolling
//!    ├──▶ stopped (errors, silence) ──retry──▶ rolling, from the first group
//!    └──▶ cancelled ──retry──▶ rolling, from the first group
//! ```

use std::collections::{BTreeMap, BTreeSet};

use pilah_models::name::BinId;

use crate::compare::Verdict;
use crate::fleet::{Fleet, Says};
use crate::plan::{FieldRule, Plan};
use crate::progress::{Happening, Phase, Progress};
use crate::standing::{Standing, Survey, survey};

/// What a person asks of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// No bin more gets the new version, until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// The next step may be taken, though it waits or is held.
    Approve,
    /// It ends, and its bins go back.
    Cancel,
    /// One that stopped or was cancelled begins anew.
    Retry,
}

/// What cannot be asked of a rollout in this state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rollout is {phase}: {words}")]
pub struct AskError {
    /// The name of its phase.
    pub phase: &'static str,
    /// Why not, and what can be done.
    pub words: &'static str,
}

/// How far a rollout has come now, and what happened.
#[must_use]
pub fn step(plan: &Plan, progress: &Progress, fleet: &Fleet, now_ms: i64) -> (Progress, Vec<Happening>) {
    let mut next = Next { plan, fleet, now_ms, progress: progress.clone(), happened: Vec::new() };
    while next.progress.phase.is_open() {
        let survey = survey(plan, &next.progress, fleet, now_ms);
        next.note(&survey);
        if let Some(words) = next.must_stop(&survey) {
            next.happened.push(Happening::Stopped { words: words.clone() });
            next.progress.phase = Phase::Stopped { words };
        }
        if !next.progress.phase.is_open() || next.progress.phase == Phase::Paused || !next.advance(&survey) {
            break;
        }
    }
    (next.progress, next.happened)
}

/// Does what a person asks.
///
/// # Errors
/// [`AskError`]: it makes no sense in its state.
pub fn ask(
    plan: &Plan,
    progress: &Progress,
    fleet: &Fleet,
    ask: Ask,
    by: &str,
) -> Result<(Progress, Happening), AskError> {
    let phase = &progress.phase;
    let refuse = |words| Err(AskError { phase: phase.name(), words });
    let by = by.to_owned();
    let mut next = progress.clone();
    let happening = match (ask, phase) {
        (Ask::Retry, Phase::Stopped { .. } | Phase::Cancelled) => {
            let known: BTreeSet<&BinId> = fleet.bins.iter().map(|bin| &bin.id).collect();
            next = Progress::begin(&plan.new, fleet);
            for (bin, number) in progress.forgiven.iter().filter(|(bin, _)| known.contains(bin)) {
                next.forgiven.entry(bin.clone()).or_insert(*number);
            }
            Happening::Retried { by }
        }
        (Ask::Retry, Phase::Completed) => return refuse("it has nothing left to do"),
        (Ask::Retry, _) => return refuse("it is under way; cancel it first, if it is to begin anew"),
        (_, Phase::Completed) => return refuse("it is over"),
        (_, Phase::Stopped { .. } | Phase::Cancelled) => return refuse("it is over; it can be tried again"),
        (Ask::Pause, Phase::Paused) => return refuse("it is so already"),
        (Ask::Pause, _) => {
            next.phase = Phase::Paused;
            Happening::Paused { by }
        }
        (Ask::Resume, Phase::Paused) => {
            next.phase = Phase::Rolling;
            Happening::Resumed { by }
        }
        (Ask::Resume, _) => return refuse("only one that is paused can be resumed"),
        (Ask::Approve, Phase::Waiting | Phase::Held { .. }) => {
            next.approved = true;
            next.phase = Phase::Rolling;
            Happening::Approved { by }
        }
        (Ask::Approve, _) => return refuse("nothing waits for a person to agree"),
        (Ask::Cancel, _) => {
            next.phase = Phase::Cancelled;
            Happening::Cancelled { by }
        }
    };
    Ok((next, happening))
}

/// Holds a rollout for a reason from outside, such as a version that cannot be put into service. What it holds is tried
/// again with each step.
#[must_use]
pub fn hold(progress: &Progress, words: String) -> (Progress, Option<Happening>) {
    let is_said = matches!(&progress.phase, Phase::Held { words: before } if *before == words);
    let happening = (!is_said).then(|| Happening::Held { words: words.clone() });
    (Progress { phase: Phase::Held { words }, ..progress.clone() }, happening)
}

/// Stops a rollout that is under way for a reason from outside, such as another version in service than the one that
/// its bins would go back to.
#[must_use]
pub fn stop(progress: &Progress, words: String) -> (Progress, Happening) {
    let happening = Happening::Stopped { words: words.clone() };
    (Progress { phase: Phase::Stopped { words }, ..progress.clone() }, happening)
}

struct Next<'a> {
    plan: &'a Plan,
    fleet: &'a Fleet,
    now_ms: i64,
    progress: Progress,
    happened: Vec<Happening>,
}

impl Next<'_> {
    /// Writes down what bins did that is not in the history yet, by bin.
    fn note(&mut self, survey: &Survey<'_>) {
        let mut new: BTreeMap<&BinId, Happening> = BTreeMap::new();
        let mut failing = BTreeSet::new();
        for placed in &survey.bins {
            let bin = placed.bin.id.clone();
            let failure = match &placed.standing {
                Standing::TookBack { reason } => Happening::TookBack { bin, reason: reason.clone() },
                Standing::Refused { error } => Happening::Refused { bin, error: error.clone() },
                _ => continue,
            };
            failing.insert(placed.bin.id.clone());
            if !self.progress.failed.contains(&placed.bin.id) {
                new.insert(&placed.bin.id, failure);
            }
        }
        self.happened.extend(new.into_values());
        self.progress.failed = failing;
        self.note_strangers();
    }

    fn note_strangers(&mut self) {
        let mut new = BTreeMap::new();
        let mut strangers = BTreeMap::new();
        for bin in &self.fleet.bins {
            let Some(says) = &bin.says else { continue };
            let model = &says.model;
            if self.fleet.known.get(&model.version) == Some(&model.manifest) {
                continue;
            }
            strangers.insert(bin.id.clone(), model.manifest.clone());
            if self.progress.strangers.get(&bin.id) != Some(&model.manifest) {
                let (version, manifest) = (model.version.clone(), model.manifest.clone());
                new.insert(&bin.id, Happening::Stranger { bin: bin.id.clone(), version, manifest });
            }
        }
        self.happened.extend(new.into_values());
        self.progress.strangers = strangers;
    }

    fn must_stop(&self, survey: &Survey<'_>) -> Option<String> {
        let last = self.progress.reached_ms.len().checked_sub(1)?;
        let of_group = survey.counts[last].stops(&self.plan.rules);
        let of_group = of_group.map(|words| format!("in group {}, {words}", self.plan.groups[last].name));
        of_group.or_else(|| survey.up_to(last).stops(&self.plan.rules).map(|words| format!("in all groups, {words}")))
    }

    /// Goes on, if it can; tells whether another group was reached.
    fn advance(&mut self, survey: &Survey<'_>) -> bool {
        let reached = self.progress.reached_ms.len();
        if reached > 0 && !self.is_done(survey, reached - 1) {
            self.roll();
            return false;
        }
        let approved = self.progress.approved;
        if let Some(words) = self.held().filter(|_| reached > 0 && !approved) {
            if !matches!(self.progress.phase, Phase::Held { .. }) {
                self.happened.push(Happening::Held { words: words.clone() });
            }
            self.progress.phase = Phase::Held { words };
            return false;
        }
        let Some(group) = self.plan.groups.get(reached) else {
            self.happened.push(Happening::Completed);
            self.progress.phase = Phase::Completed;
            return false;
        };
        let (name, count) = (group.name.clone(), survey.counts[reached]);
        let takes_it = |says: &Says| says.took_back(&self.plan.new).is_none();
        let mut in_group = survey.bins.iter().filter(|placed| placed.group == reached);
        if !in_group.any(|placed| placed.bin.says.as_ref().is_none_or(takes_it)) {
            self.happened.push(Happening::Skipped { group: name });
            self.reach();
            return true;
        }
        if group.approval && !approved {
            if self.progress.phase != Phase::Waiting {
                self.happened.push(Happening::Awaits { group: name });
            }
            self.progress.phase = Phase::Waiting;
            return false;
        }
        self.progress.approved = false;
        self.roll();
        self.happened.push(Happening::Reached { group: name, bins: count.bins });
        self.reach();
        true
    }

    fn reach(&mut self) {
        self.progress.reached_ms.push(self.now_ms);
        self.progress.ready_ms = None;
    }

    fn roll(&mut self) {
        if matches!(self.progress.phase, Phase::Held { .. }) {
            self.happened.push(Happening::Released);
        }
        self.progress.phase = Phase::Rolling;
    }

    /// Whether a group has the new version, and has been watched for long enough.
    fn is_done(&mut self, survey: &Survey<'_>, group: usize) -> bool {
        let (count, name) = (survey.counts[group], &self.plan.groups[group].name);
        if count.able() == 0 {
            return true;
        }
        if !count.is_enough(&self.plan.rules) {
            if self.progress.ready_ms.take().is_some() {
                self.happened.push(Happening::Unready { group: name.clone() });
            }
            return false;
        }
        let Some(ready_ms) = self.progress.ready_ms else {
            let (committed, counted) = (count.committed, count.counted());
            self.happened.push(Happening::Ready { group: name.clone(), committed, counted });
            self.progress.ready_ms = Some(self.now_ms);
            return self.plan.rules.soak_s == 0;
        };
        self.now_ms.saturating_sub(ready_ms) >= i64::from(self.plan.rules.soak_s) * 1000
    }

    /// What the comparison in the field says against another step.
    fn held(&self) -> Option<String> {
        match (self.plan.rules.field, &self.fleet.verdict) {
            (FieldRule::HoldIfWorse | FieldRule::HoldUntilNoWorse, Verdict::Worse { words }) => {
                Some(format!("the new version is worse in the field: {words}"))
            }
            (FieldRule::HoldUntilNoWorse, Verdict::NotYet) => {
                Some("it is not known yet whether the new version holds in the field".to_owned())
            }
            _ => None,
        }
    }
}
