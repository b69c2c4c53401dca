//! How the model in force stands: on trial or not, and what becomes of it. The rim around [`super::trial`],
//! [`super::starts`] and [`super::record`], which decide: it reads and writes the disk, and is told the time.
//!
//! ```text
//! models/active.json    the record: written before a model is loaded at the start, with each item of a trial, and
//!                       with each verdict
//! models/figures.json   how the model that is not on trial did with its last items: now and then, and at the end
//! ```
//!
//! A disk that cannot be written is told, and the trial goes on in memory. After a kill, the items since the last
//! write are lost; after one between a verdict and its write, the verdict is found again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pilah_models::durable;
use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::wire::{self, TakenBack};
use tracing::{error, info, warn};

use super::figures::{Figures, Seen};
use super::record::{New, Record};
use super::starts::{HEALTHY_FRAMES, StartRules, Starts};
use super::trial::{Before, ProbationRules, Verdict};
use super::{InForce, ModelStore, NoModel, UpdateError};

/// How often it is looked whether pictures still come.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Pictures that are further apart count as so long a time and no more.
const LONGEST_GAP: Duration = Duration::from_secs(30);

/// How often the time of a trial without items, and the figures, are written: a card wears with every write.
const SAVE_EVERY: Duration = Duration::from_secs(600);

/// What a new model has to go through.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StandingRules {
    /// Its trial; `None`: it has none.
    pub probation: Option<ProbationRules>,
    /// When it is taken back for crashes.
    pub starts: StartRules,
}

/// How the model in force stands.
#[derive(Debug)]
pub struct Standing {
    store: ModelStore,
    rules: StandingRules,
    /// When the machine was started, as far as it says.
    boot: Option<String>,
    /// What is on disk, or would be if that could be written; `None`: nothing was ever put in force.
    record: Option<Record>,
    in_force: ContentId,
    figures: Figures,
    /// Pictures and time in this run with this model.
    frames: u64,
    active: Duration,
    /// When pictures were seen to come the last time, and how many there were, and failed, until then.
    last: Option<(Instant, u64, u64)>,
    saved: Option<Instant>,
    disk_works: bool,
}

impl Standing {
    pub(super) fn new(
        store: ModelStore,
        rules: StandingRules,
        boot: Option<String>,
        record: Option<Record>,
        in_force: ContentId,
    ) -> Self {
        let figures = store.figures(&in_force);
        let mut standing = Self {
            store,
            rules,
            boot,
            record,
            in_force,
            figures,
            frames: 0,
            active: Duration::ZERO,
            last: None,
            saved: None,
            disk_works: true,
        };
        if !standing.is_recorded()
            && let Some(starts) = standing.record.as_mut().and_then(|record| record.starts.as_mut())
        {
            // It could not even be loaded: whatever happens now is not its fault.
            starts.handle_stop();
            standing.save();
        }
        standing
    }

    /// The model in force has classified an item.
    pub fn handle_item(&mut self, seen: Seen) {
        self.figures.handle_item(seen);
        if !self.is_recorded() {
            return;
        }
        let Some(record) = &mut self.record else { return };
        let is_news = record.starts.as_mut().is_some_and(Starts::handle_item);
        record.forget_starts();
        let on_trial = match (&mut record.trial, &self.rules.probation) {
            (Some(trial), Some(rules)) => {
                trial.handle_item(seen, rules);
                true
            }
            _ => false,
        };
        if is_news || on_trial {
            self.save();
        }
    }

    /// So many pictures have gone through the pipeline since the program began, and so many could not be answered.
    pub fn handle_turn(&mut self, frames: u64, failures: u64, now: Instant) {
        let Some((at, frames_then, failures_then)) = self.last else {
            self.last = Some((now, frames, failures));
            return;
        };
        let passed = now.saturating_duration_since(at);
        if frames == frames_then && passed < LONGEST_GAP {
            return;
        }
        self.last = Some((now, frames, failures));
        if frames == frames_then {
            return;
        }
        let passed = passed.min(LONGEST_GAP);
        self.frames += frames.saturating_sub(frames_then);
        self.active = self.active.saturating_add(passed);
        if self.is_recorded()
            && let Some(record) = &mut self.record
        {
            if let Some(trial) = &mut record.trial {
                trial.handle_time(passed);
                trial.handle_failures(failures.saturating_sub(failures_then));
            }
            if self.frames >= HEALTHY_FRAMES && self.active >= self.rules.starts.healthy_after {
                let is_news = record.starts.as_mut().is_some_and(Starts::handle_healthy);
                record.forget_starts();
                if is_news {
                    self.save();
                }
            }
        }
        if self.saved.is_none_or(|saved| now.saturating_duration_since(saved) >= SAVE_EVERY) {
            self.saved = Some(now);
            if self.probation().is_some() {
                self.save();
            } else {
                self.save_figures();
            }
        }
    }

    /// When to look again, without an item.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let counts = self.record.as_ref().is_some_and(|record| record.trial.is_some() || record.starts.is_some());
        self.last.filter(|_| counts && self.is_recorded()).map(|(at, _, _)| at + LOOK_EVERY)
    }

    /// What is to become of the model in force.
    pub fn poll_verdict(&mut self) -> Verdict {
        if !self.is_recorded() {
            return Verdict::GoOn;
        }
        match (self.record.as_mut().and_then(|record| record.trial.as_mut()), &self.rules.probation) {
            (Some(trial), Some(rules)) => trial.poll_verdict(rules),
            // It was switched off meanwhile.
            (Some(_), None) => Verdict::Commit,
            (None, _) => Verdict::GoOn,
        }
    }

    /// Puts a model in force that was prepared while `current` was.
    ///
    /// # Errors
    /// It cannot be written; the model that was in force still is.
    pub fn put_in_force(&mut self, prepared: &InForce, current: &ModelVersion) -> Result<(), UpdateError> {
        let before = self.rules.probation.map(|_| Before::of(current.clone(), &self.figures));
        let new = New { manifest: &prepared.id, version: prepared.version() };
        let mut record = Record::installed(self.record.as_ref(), new, &self.in_force, before);
        if let Some(starts) = &mut record.starts {
            starts.handle_swap(self.boot.as_deref());
        }
        let was_on_trial = self.probation().is_some();
        self.store.write_record(&record).map_err(UpdateError::Store)?;
        if !was_on_trial {
            self.save_figures();
        }
        self.record = Some(record);
        self.begin(prepared.id.clone());
        self.store.delete_unused(&[]);
        Ok(())
    }

    /// The trial is passed.
    pub fn commit(&mut self) {
        if let Some(record) = &mut self.record {
            record.handle_passed();
            self.save();
            self.save_figures();
        }
    }

    /// Goes back to the model before: it is loaded, and then in force on disk; the other one is blocked.
    ///
    /// # Errors
    /// No other model can be loaded; the one in force still is.
    pub fn take_back(&mut self, reason: &str) -> Result<InForce, NoModel> {
        let shipped = self.store.shipped_id();
        let back = self.record.as_ref().and_then(|record| record.taken_back(reason, shipped.as_ref()));
        let ids: Vec<ContentId> = back.iter().map(|record| record.manifest.clone()).collect();
        let in_force = self.store.first_of(&ids, |why| warn!(reason = why, "model skipped"))?;
        if let Some(mut record) = back {
            if let Some(starts) = &mut record.starts {
                starts.handle_swap(self.boot.as_deref());
            }
            self.record = Some(record);
            self.save();
        }
        self.begin(in_force.id.clone());
        Ok(in_force)
    }

    /// The program stops in order.
    pub fn handle_stop(&mut self) {
        if let Some(starts) = self.record.as_mut().and_then(|record| record.starts.as_mut()) {
            starts.handle_stop();
            self.save();
        }
        if self.probation().is_none() {
            self.save_figures();
        }
    }

    /// The trial that the model in force is on.
    #[must_use]
    pub fn probation(&self) -> Option<wire::Probation> {
        let trial = self.record.as_ref().filter(|_| self.is_recorded())?.trial.as_ref()?;
        Some(trial.state(self.rules.probation.as_ref()?))
    }

    /// How far the trial is, in tenths: what is worth a message.
    #[must_use]
    pub fn tenths(&self) -> Option<(u64, u64)> {
        let trial = self.record.as_ref().filter(|_| self.is_recorded())?.trial.as_ref()?;
        Some(trial.tenths(self.rules.probation.as_ref()?))
    }

    /// The models that were taken back and are not installed again, the last first.
    pub fn blocked(&self) -> impl Iterator<Item = &TakenBack> {
        self.record.iter().flat_map(|record| record.blocked.iter().rev())
    }

    /// Whether what is on disk is what is in force: if not, that could not be loaded.
    fn is_recorded(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.manifest == self.in_force)
    }

    fn begin(&mut self, in_force: ContentId) {
        self.figures = self.store.figures(&in_force);
        self.in_force = in_force;
        (self.frames, self.active) = (0, Duration::ZERO);
    }

    fn save(&mut self) {
        let Some(record) = &self.record else { return };
        match (self.store.write_record(record), self.disk_works) {
            (Ok(()), true) | (Err(_), false) => {}
            (Ok(()), false) => {
                info!("what is known of the model in force is on disk again");
                self.disk_works = true;
            }
            (Err(e), true) => {
                error!(error = %e, "what is known of the model in force cannot be written: it is kept in memory");
                self.disk_works = false;
            }
        }
    }

    /// The figures of what is not on trial. Lost, they are collected anew.
    fn save_figures(&self) {
        if self.figures.items() > 0 {
            self.store.write_figures(&self.figures).ok();
        }
    }
}

impl ModelStore {
    /// Loads the model that is to be in force when the program starts, as [`ModelStore::load`] does. Before anything is
    /// loaded, the start is counted and on disk; a model that has brought the program down too often is passed over.
    ///
    /// # Errors
    /// Not even the configured bundle can be used.
    pub fn begin(
        &self,
        rules: StandingRules,
        boot: Option<String>,
        mut skipped: impl FnMut(&str),
    ) -> Result<(InForce, Standing), NoModel> {
        self.delete_leftovers();
        let mut record = self.record().unwrap_or_else(|error| {
            skipped(&error.to_string());
            None
        });
        if let Some(record) = record.as_mut().filter(|record| record.starts.is_some()) {
            if let Some(given_up) = record.handle_start(boot.as_deref(), &rules.starts, self.shipped_id().as_ref()) {
                skipped(&given_up);
            }
            if let Err(error) = self.write_record(record) {
                skipped(&format!("starts cannot be counted: {error}"));
            }
        }
        let ids: Vec<ContentId> = record.iter().flat_map(Record::ids).cloned().collect();
        let in_force = self.first_of(&ids, skipped)?;
        let standing = Standing::new(self.clone(), rules, boot, record, in_force.id.clone());
        Ok((in_force, standing))
    }

    /// The trial of the model in force and the models that are blocked, as they are on disk: for whoever looks in
    /// beside a bin that runs.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn look_at_trial(&self, rules: &StandingRules) -> io::Result<(Option<wire::Probation>, Vec<TakenBack>)> {
        let Some(record) = self.record()? else { return Ok((None, Vec::new())) };
        let probation = record.trial.as_ref().zip(rules.probation.as_ref()).map(|(trial, rules)| trial.state(rules));
        Ok((probation, record.blocked.iter().rev().cloned().collect()))
    }

    /// Lets models be installed again that were taken back: the one with this name or this SHA-256 of its manifest, or
    /// all. Tells which. No bin may run on this folder meanwhile.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn unblock(&self, which: Option<&str>) -> io::Result<Vec<TakenBack>> {
        let Some(mut record) = self.record()? else { return Ok(Vec::new()) };
        let unblocked = record.unblock(which);
        if !unblocked.is_empty() {
            self.write_record(&record)?;
        }
        Ok(unblocked)
    }

    fn figures_path(&self) -> PathBuf {
        self.folder.join("figures.json")
    }

    /// What is known of how this model did; nothing, if that was never written or cannot be read.
    fn figures(&self, of: &ContentId) -> Figures {
        let read = fs::read(self.figures_path()).ok().and_then(|bytes| serde_json::from_slice::<Figures>(&bytes).ok());
        read.filter(|figures| figures.manifest == *of).unwrap_or_else(|| Figures::new(of.clone()))
    }

    fn write_figures(&self, figures: &Figures) -> io::Result<()> {
        let text = serde_json::to_vec(figures).map_err(io::Error::other)?;
        durable::write(&self.figures_path(), &text)
    }
}

#[cfg(test)]
mod tests;
