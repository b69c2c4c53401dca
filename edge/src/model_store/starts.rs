//! Whether a model brings the program down: how often it was started with a model, and how that ended. Pure; it is on
//! disk, synced, before the model is loaded, so that a crash while it loads counts as well.
//!
//! ```text
//! start ──▶ a run begins ──▶ pictures for some minutes: healthy ──▶ and an item classified: sound
//!               │                  │                                   │
//!               ▼                  ▼                                   ▼
//!   killed:  crashed + 1        crashed + 1                          late + 1
//!   power:   cut + 1            nothing                              nothing
//!   stopped: nothing            nothing                              nothing
//! ```
//!
//! A run that is healthy forgets the power cuts, one that is sound the crashes; nothing else does. It is a loop after
//! [`StartRules::most`] crashes in a row, or after three times as many ends of all kinds: a model that takes the whole
//! machine down, or leaks memory until it is killed, ends in no other way than power that fails.
//!
//! *Power* it was if the machine has started anew since (the kernel's `boot_id`); where that is not known, all is
//! a crash. An orderly stop is said before it is done, so that a thread that does not end is not the model's fault.
//!
//! What hangs is killed and counts as a crash: while the model loads by the service's time to start, later by its
//! watchdog (`health/service.rs`).
//!
//! Counted is a model on trial, and one that has not been sound since it was put in force. A model that was sound
//! and is not on trial is never taken back: what brings the program down then is something else.

use std::time::Duration;

use pilah_models::name::ModelVersion;
use serde::{Deserialize, Serialize};

/// Pictures that a run takes to be healthy.
pub const HEALTHY_FRAMES: u64 = 20;

/// How many ends of all kinds weigh as much as one crash of a row.
const ALL_KINDS: u32 = 3;

/// When starts are a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartRules {
    /// Crashes in a row; 0: they are not counted.
    pub most: u32,
    /// How long pictures have to come through the pipeline for a run to be healthy.
    pub healthy_after: Duration,
}

impl Default for StartRules {
    fn default() -> Self {
        Self { most: 3, healthy_after: Duration::from_secs(120) }
    }
}

/// How the starts with one model ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    /// The model's name, if it was put in force as a new one; absent: it is one that was gone back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<ModelVersion>,
    /// Crashes since the last sound run.
    #[serde(default)]
    crashed: u32,
    /// Runs that ended with the machine before they were healthy, since the last healthy one.
    #[serde(default)]
    cut: u32,
    /// Crashes of sound runs.
    #[serde(default)]
    late: u32,
    /// Whether a run was sound.
    #[serde(default)]
    sound: bool,
    /// The run that has not been stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    #[serde(default)]
    boot: Option<String>,
    #[serde(default)]
    healthy: bool,
    #[serde(default)]
    classified: bool,
}

impl Starts {
    /// Those of a model that is put in force: as a new one of this name, or as one that is gone back to.
    #[must_use]
    pub fn of(installed: Option<ModelVersion>) -> Self {
        Self { installed, ..Self::default() }
    }

    /// A run begins on the machine that was started so; what became of the one before is counted.
    pub fn handle_start(&mut self, boot: Option<&str>) {
        match self.run.take() {
            None => {}
            Some(run) if run.boot.is_some() && run.boot.as_deref() != boot => self.cut += u32::from(!run.healthy),
            Some(run) if run.healthy && run.classified => self.late += 1,
            Some(_) => self.crashed += 1,
        }
        self.run = Some(Run { boot: boot.map(str::to_owned), ..Run::default() });
    }

    /// The model is put in force while the program runs. It has loaded already, and may still end it.
    pub fn handle_swap(&mut self, boot: Option<&str>) {
        self.run = Some(Run { boot: boot.map(str::to_owned), ..Run::default() });
    }

    /// The model has classified an item in this run. Tells whether that is news.
    pub fn handle_item(&mut self) -> bool {
        let news = self.run.as_mut().is_some_and(|run| !std::mem::replace(&mut run.classified, true));
        news && self.note_sound()
    }

    /// Pictures have come for long enough. Tells whether that is news.
    pub fn handle_healthy(&mut self) -> bool {
        let news = self.run.as_mut().is_some_and(|run| !std::mem::replace(&mut run.healthy, true));
        if news {
            self.cut = 0;
            self.note_sound();
        }
        news
    }

    /// The program is stopped, or goes on with another model.
    pub fn handle_stop(&mut self) {
        self.run = None;
    }

    /// Whether a run was sound since the model was put in force.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.sound
    }

    /// Why the model is to be taken back, in words.
    #[must_use]
    pub fn poll_loop(&self, rules: &StartRules) -> Option<String> {
        let Self { crashed, cut, late, .. } = self;
        let all = crashed.saturating_add(*cut).saturating_add(*late);
        if rules.most == 0 {
            None
        } else if *crashed >= rules.most {
            Some(format!("the program crashed {crashed} times in a row with it, before it had run well"))
        } else if all >= rules.most.saturating_mul(ALL_KINDS) {
            Some(format!(
                "of the runs with it {crashed} crashed before they had run well, {late} later, and {cut} ended with the \
                 machine"
            ))
        } else {
            None
        }
    }

    fn note_sound(&mut self) -> bool {
        let sound = self.run.as_ref().is_some_and(|run| run.healthy && run.classified);
        if sound {
            (self.crashed, self.sound) = (0, true);
        }
        sound
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: StartRules = StartRules { most: 3, healthy_after: Duration::from_secs(120) };

    /// What becomes of one run.
    #[derive(Debug, Clone, Copy)]
    enum End {
        Stopped,
        Killed,
        Power,
    }

    fn run(starts: &mut Starts, boot: &mut u32, healthy: bool, classified: bool, end: End) {
        starts.handle_start(Some(&boot.to_string()));
        if classified {
            starts.handle_item();
        }
        if healthy {
            starts.handle_healthy();
        }
        match end {
            End::Stopped => starts.handle_stop(),
            End::Killed => {}
            End::Power => *boot += 1,
        }
    }

    #[test]
    fn a_loop_is_a_row_of_crashes_and_only_what_is_the_models_fault_counts() {
        use End::{Killed, Power, Stopped};
        type Runs<'a> = &'a [(bool, bool, End)];
        let early = |end| (false, false, end);
        let cases: [(&str, Runs<'_>, u32, bool); 9] = [
            ("three crashes while loading", &[early(Killed)], 3, true),
            ("two", &[early(Killed)], 2, false),
            ("stopped before it was healthy", &[early(Stopped)], 50, false),
            ("stopped in between does not help", &[early(Killed), early(Stopped)], 6, true),
            ("power that fails now and then", &[early(Power), (true, false, Power)], 100, false),
            ("power that fails always: it may be the model", &[early(Power)], 9, true),
            ("healthy until the first item comes", &[(true, false, Killed)], 3, true),
            ("a sound run in between", &[early(Killed), early(Killed), (true, true, Stopped)], 30, false),
            ("killed after a while, again and again", &[(true, true, Killed)], 9, true),
        ];
        for (name, runs, count, is_loop) in cases {
            let (mut starts, mut boot) = (Starts::of(None), 0);
            for (healthy, classified, end) in runs.iter().cycle().take(count as usize) {
                assert_eq!(starts.poll_loop(&RULES), None, "{name}: not yet");
                run(&mut starts, &mut boot, *healthy, *classified, *end);
            }
            starts.handle_start(Some(&boot.to_string()));
            assert_eq!(starts.poll_loop(&RULES).is_some(), is_loop, "{name}: {starts:?}");
            assert_eq!(starts.poll_loop(&StartRules { most: 0, ..RULES }), None, "{name}: off");
        }
    }

    #[test]
    fn a_machine_that_does_not_say_when_it_started_has_crashes_only() {
        let mut starts = Starts::of(None);
        for _ in 0..4 {
            starts.handle_start(None);
        }
        assert!(starts.poll_loop(&RULES).is_some_and(|words| words.contains("3 times in a row")));
    }

    #[test]
    fn news_is_told_once() {
        let mut starts = Starts::of(None);
        assert!(!starts.handle_item() && !starts.handle_healthy(), "nothing runs");
        starts.handle_start(Some("a"));
        assert!(!starts.handle_item(), "an item makes no run sound before it is healthy");
        assert!(starts.handle_healthy() && starts.is_sound());
        assert!(!starts.handle_healthy() && !starts.handle_item());
    }

    proptest! {
        /// However it ends: with no run healthy and none stopped, it is a loop at the latest after nine; with all stopped
        /// in order, never.
        #[test]
        fn what_never_runs_well_does_not_stay(ends in prop::collection::vec((any::<bool>(), any::<bool>()), 9)) {
            let (mut starts, mut boot) = (Starts::of(None), 0);
            let mut stopped = starts.clone();
            for (power, healthy) in ends {
                run(&mut starts, &mut boot, false, healthy, if power { End::Power } else { End::Killed });
                run(&mut stopped, &mut 0, healthy, false, End::Stopped);
            }
            starts.handle_start(Some(&boot.to_string()));
            let kept: Starts = serde_json::from_str(&serde_json::to_string(&starts).expect("plain")).expect("reads");
            prop_assert_eq!(&kept, &starts);
            prop_assert!(starts.poll_loop(&RULES).is_some());
            prop_assert_eq!(stopped.poll_loop(&RULES), None);
        }
    }
}
