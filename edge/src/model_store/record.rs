//! What is in force, as it is on disk: `models/active.json`, which is replaced in one step. Pure; each change makes a
//! whole new record.
//!
//! ```json
//! {"version": 1, "manifest": SHA-256, "previous": SHA-256,
//!  "trial": {…}, "starts": {…}, "blocked": [{"version": …, "manifest": …, "reason": …}]}
//! ```
//!
//! It stays version 1: a program from before trials reads what it knows, and starts with the same model, so that
//! the program's package can be gone back to while a model is on trial. What such a program writes knows no trial
//! and no blocked models; the next update begins anew with both.
//!
//! `previous` is a model that was here and passed: while one is on trial and the hub wants another, `previous`
//! stays, and the newest is on trial against that. What the hub goes back to is not on trial.

use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::wire::TakenBack;
use serde::{Deserialize, Serialize};

use super::starts::{StartRules, Starts};
use super::trial::{Before, Trial};

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The most models that are blocked; the oldest goes. Each takes 200 bytes and came by an update that failed.
const BLOCKED: usize = 64;

/// What is in force, and what was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) version: u32,
    pub(super) manifest: ContentId,
    #[serde(default)]
    pub(super) previous: Option<ContentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trial: Option<Trial>,
    /// How the starts with it ended, as long as that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) starts: Option<Starts>,
    /// Models that are not installed again, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) blocked: Vec<TakenBack>,
}

/// A model that is put in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct New<'a> {
    pub(super) manifest: &'a ContentId,
    pub(super) version: &'a ModelVersion,
}

impl Record {
    /// A new model in force while `current` was. `before`: what `current` did with its last items, if the new one is
    /// to go on trial.
    pub(super) fn installed(old: Option<&Self>, new: New<'_>, current: &ContentId, before: Option<Before>) -> Self {
        let on_trial = old.filter(|old| old.manifest == *current).and_then(|old| old.trial.as_ref());
        let previous = match (on_trial, old) {
            (Some(_), Some(old)) => old.previous.clone(),
            _ => Some(current.clone()),
        };
        let was_here = old.is_some_and(|old| old.previous.as_ref() == Some(new.manifest));
        let before = before.map(|before| on_trial.map_or(before, |trial| trial.before.clone()));
        let trial = before.filter(|_| !was_here).map(|before| Trial::new(new.version.clone(), before));
        Self {
            version: VERSION,
            manifest: new.manifest.clone(),
            previous: previous.filter(|previous| previous != new.manifest),
            trial,
            starts: Some(Starts::of((!was_here).then(|| new.version.clone()))),
            blocked: old.map(|old| old.blocked.clone()).unwrap_or_default(),
        }
    }

    /// The program starts. If the model has brought it down too often, the record is of the one before it, or of
    /// the shipped one; what was given up is told in words. To be written before anything is loaded.
    pub(super) fn handle_start(
        &mut self,
        boot: Option<&str>,
        rules: &StartRules,
        shipped: Option<&ContentId>,
    ) -> Option<String> {
        let starts = self.starts.as_mut()?;
        starts.handle_start(boot);
        let reason = starts.poll_loop(rules)?;
        let given_up = self.manifest.clone();
        let back = self.taken_back(&reason, shipped)?;
        *self = back;
        if let Some(starts) = &mut self.starts {
            starts.handle_start(boot);
        }
        Some(format!("the model with manifest {given_up} is given up: {reason}"))
    }

    /// The record of the model before this one, or else of the shipped one. A model that came as a new one is blocked;
    /// one that was gone back to is not, for it was sound once, and the hub may want it again. `None`: there is no
    /// other.
    pub(super) fn taken_back(&self, reason: &str, shipped: Option<&ContentId>) -> Option<Self> {
        let manifest = self.before(shipped)?.clone();
        let installed = self.trial.as_ref().map(|trial| trial.version.clone());
        let installed = installed.or_else(|| self.starts.as_ref().and_then(|starts| starts.installed.clone()));
        let mut blocked = self.blocked.clone();
        if let Some(version) = installed {
            blocked.retain(|blocked| blocked.manifest != self.manifest);
            blocked.push(TakenBack { version, manifest: self.manifest.clone(), reason: reason.to_owned() });
            blocked.drain(..blocked.len().saturating_sub(BLOCKED));
        }
        // From the shipped one there is nowhere to go.
        let starts = (shipped != Some(&manifest)).then(|| Starts::of(None));
        Some(Self { version: VERSION, manifest, previous: None, trial: None, starts, blocked })
    }

    /// The model in force and the one before, in the order in which they are tried.
    pub(super) fn ids(&self) -> impl Iterator<Item = &ContentId> {
        std::iter::once(&self.manifest).chain(&self.previous)
    }

    /// The model to which a bin would go back.
    pub(super) fn before<'a>(&'a self, shipped: Option<&'a ContentId>) -> Option<&'a ContentId> {
        self.previous.as_ref().or(shipped).filter(|before| **before != self.manifest)
    }

    /// The trial is passed.
    pub(super) fn handle_passed(&mut self) {
        self.trial = None;
        self.forget_starts();
    }

    /// Counts starts no longer if the model has proven itself.
    pub(super) fn forget_starts(&mut self) {
        if self.trial.is_none() && self.starts.as_ref().is_some_and(Starts::is_sound) {
            self.starts = None;
        }
    }

    /// Lets a model be installed again: the one with this name or with this manifest, or all. Tells which.
    pub(super) fn unblock(&mut self, which: Option<&str>) -> Vec<TakenBack> {
        let is_meant = |blocked: &TakenBack| {
            which.is_none_or(|which| blocked.version.as_str() == which || blocked.manifest.as_str() == which)
        };
        let (unblocked, blocked) = std::mem::take(&mut self.blocked).into_iter().partition(is_meant);
        self.blocked = blocked;
        unblocked
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::figures::Figures;
    use super::*;

    fn id(name: &str) -> ContentId {
        ContentId::of(name.as_bytes())
    }

    fn version(name: &str) -> ModelVersion {
        ModelVersion::new(name).expect("valid")
    }

    fn before(name: &str) -> Option<Before> {
        Some(Before::of(version(name), &Figures::new(id(name))))
    }

    fn installed(old: Option<&Record>, new: &str, current: &str) -> Record {
        let (manifest, version) = (id(new), version(new));
        Record::installed(old, New { manifest: &manifest, version: &version }, &id(current), before(current))
    }

    #[test]
    fn a_new_model_is_on_trial_against_the_last_one_that_passed() {
        let mut m2 = installed(None, "m2", "shipped");
        assert_eq!((&m2.manifest, &m2.previous), (&id("m2"), &Some(id("shipped"))));
        let m3 = installed(Some(&m2), "m3", "m2");
        assert_eq!(m3.previous, Some(id("shipped")), "m2 has not passed");
        assert_eq!(m3.trial.as_ref().map(|trial| trial.before.version.as_str()), Some("shipped"));
        m2.handle_passed();
        let m3 = installed(Some(&m2), "m3", "m2");
        assert_eq!(m3.previous, Some(id("m2")));
        assert_eq!(m3.trial.as_ref().map(|trial| trial.before.version.as_str()), Some("m2"));
        let back = installed(Some(&m3), "m2", "m3");
        assert_eq!((back.trial, back.previous), (None, None), "what the hub goes back to has been here");
        let mut passed = m3.clone();
        passed.handle_passed();
        let back = installed(Some(&passed), "m2", "m3");
        assert_eq!((back.trial, back.previous), (None, Some(id("m3"))));
        let off = Record::installed(None, New { manifest: &id("m2"), version: &version("m2") }, &id("m1"), None);
        assert_eq!(off.trial, None, "nothing is on trial where that is off");
    }

    #[test]
    fn what_is_taken_back_is_blocked_until_somebody_says_otherwise() {
        let m2 = installed(None, "m2", "shipped");
        let mut back = m2.taken_back("it was bad", Some(&id("shipped"))).expect("there is one before");
        assert_eq!((&back.manifest, &back.previous, &back.trial, &back.starts), (&id("shipped"), &None, &None, &None));
        let TakenBack { version, manifest, reason } = &back.blocked[0];
        assert_eq!((version.as_str(), manifest, reason.as_str()), ("m2", &id("m2"), "it was bad"));
        assert!(back.unblock(Some("m9")).is_empty());
        let again = installed(Some(&back), "m3", "shipped");
        assert_eq!(again.blocked.len(), 1, "another model changes nothing of that");
        assert_eq!(back.unblock(Some("m2")).len(), 1);
        assert!(back.blocked.is_empty());
        for n in 0..100 {
            let next = installed(Some(&back), &format!("n{n}"), "shipped");
            back = next.taken_back("bad", Some(&id("shipped"))).expect("there is one before");
        }
        assert_eq!((back.blocked.len(), back.blocked[63].version.as_str()), (64, "n99"));
        assert_eq!(back.unblock(Some(id("n98").as_str())).len(), 1);
        assert_eq!(back.unblock(None).len(), 63);
    }

    #[test]
    fn a_model_that_crashes_goes_to_the_one_before_and_from_there_to_the_shipped_one_and_no_further() {
        let (rules, shipped) = (StartRules::default(), id("shipped"));
        let mut m2 = installed(None, "m2", "shipped");
        m2.handle_passed();
        let mut record = installed(Some(&m2), "m3", "m2");
        let mut seen = Vec::new();
        for _ in 0..20 {
            if let Some(words) = record.handle_start(Some("boot"), &rules, Some(&shipped)) {
                seen.push(words);
            }
        }
        assert_eq!((&record.manifest, record.starts.as_ref()), (&shipped, None));
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].contains(id("m3").as_str()) && seen[0].contains("crashed 3 times in a row"), "{seen:?}");
        let blocked: Vec<_> = record.blocked.iter().map(|blocked| blocked.version.as_str()).collect();
        assert_eq!(blocked, ["m3"], "m2 was sound once, and may be wanted again");

        // Without a shipped one, the last one stays.
        let mut alone = installed(None, "m2", "m1");
        for _ in 0..20 {
            alone.handle_start(None, &rules, None);
        }
        assert_eq!(alone.manifest, id("m1"));
    }

    #[test]
    fn a_program_from_before_trials_reads_the_same_model_and_what_it_wrote_is_read() {
        #[derive(Serialize, Deserialize)]
        struct Active {
            version: u32,
            manifest: ContentId,
            #[serde(default)]
            previous: Option<ContentId>,
        }
        let record = installed(None, "m2", "m1");
        let text = serde_json::to_string(&record).expect("plain");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("reads"), record);
        let old: Active = serde_json::from_str(&text).expect("an older program reads it");
        assert_eq!((old.version, &old.manifest, &old.previous), (1, &record.manifest, &record.previous));
        let written = serde_json::to_string(&old).expect("plain");
        let read: Record = serde_json::from_str(&written).expect("reads");
        assert_eq!((read.manifest, read.trial, read.starts), (record.manifest, None, None));
    }

    proptest! {
        /// Whatever comes and is taken back, a bin goes back only to what passed here or shipped, never to what is
        /// blocked, and a model that is blocked is neither in force nor the one before.
        #[test]
        fn nothing_that_was_taken_back_comes_back(steps in prop::collection::vec((0_u8..4, 0_u8..6), 0..60)) {
            let shipped = id("shipped");
            let mut passed = vec![shipped.clone()];
            let mut record: Option<Record> = None;
            for (what, n) in steps {
                let current = record.as_ref().map_or(shipped.clone(), |record| record.manifest.clone());
                match (what, record.as_mut()) {
                    (0, _) => {
                        let (manifest, version) = (id(&format!("m{n}")), version(&format!("m{n}")));
                        let is_blocked =
                            |record: &Record| record.blocked.iter().any(|blocked| blocked.manifest == manifest);
                        if manifest != current && !record.as_ref().is_some_and(is_blocked) {
                            let new = New { manifest: &manifest, version: &version };
                            record = Some(Record::installed(record.as_ref(), new, &current, before("m0")));
                        }
                    }
                    (1, Some(record)) => {
                        record.handle_passed();
                        passed.push(record.manifest.clone());
                    }
                    (2, Some(record)) if record.trial.is_some() => {
                        let back = record.taken_back("bad", Some(&shipped));
                        *record = back.expect("the shipped one is always there");
                        prop_assert!(passed.contains(&record.manifest));
                    }
                    (3, Some(record)) => {
                        record.handle_start(Some("boot"), &StartRules::default(), Some(&shipped));
                    }
                    _ => {}
                }
                if let Some(record) = &record {
                    let of = [Some(&record.manifest), record.previous.as_ref()];
                    let blocked = |id: &&ContentId| record.blocked.iter().any(|blocked| blocked.manifest == **id);
                    prop_assert!(!of.into_iter().flatten().any(|id| blocked(&id)), "{:?}", record);
                    prop_assert!(record.previous.as_ref().is_none_or(|id| passed.contains(id) || record.trial.is_none()));
                }
            }
        }
    }
}
