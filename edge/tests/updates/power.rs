//! The power goes, or the program is killed, at any step of an update: the bin starts with the old model or the new one,
//! never with none; what it believed of the repository is not forgotten; and the update can be made again.

use std::path::PathBuf;

use pilah_models::bundle::Bundle;
use pilah_repository::RoleType;
use pilah_trust::TrustError;

use crate::bench::{Bench, Bin, now, small, wish};
use crate::disk::{Disk, Draws, Record, lay_out, record};

/// What a bin has come to when a step of its life has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It believes this list of targets.
    Believes(u64),
    /// It has this model in force.
    Runs(u32),
}

struct Life {
    bench: Bench,
    models: Vec<Bundle>,
    record: Record<Mark>,
}

/// Checks, installs, follows a new root, begins what breaks off, installs again, takes back, and goes back when told.
fn live() -> Life {
    let bench = Bench::new();
    let models: Vec<Bundle> = (1..=4).map(|n| small(&format!("m{n}"), n)).collect();
    bench.publish(&[&models[1]]);
    bench.copy("first");
    let bin = bench.bin("bin");
    let record = record(|mark| {
        bin.check(now()).1.expect("believed");
        mark(Mark::Believes(2));
        bin.update(&wish(&models[1]), now()).expect("it is signed");
        mark(Mark::Runs(2));
        bench.publish(&[&models[1], &models[2], &models[3]]);
        bench.hub.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
        bin.check(now()).1.expect("believed");
        mark(Mark::Believes(3));
        bench.traffic.lock().expect("whole").breaks_after = Some(1_500);
        bin.update(&wish(&models[2]), now()).map(drop).expect_err("the link breaks");
        bench.honest();
        bin.update(&wish(&models[2]), now()).expect("it is signed");
        mark(Mark::Runs(3));
        bin.update_and(&wish(&models[3]), now(), |standing| {
            mark(Mark::Runs(4));
            let back = standing.take_back("it is sure of nothing").expect("the one before is there");
            assert_eq!(back.version().as_str(), "m3");
            mark(Mark::Runs(3));
        })
        .expect("it is signed");
        bin.update(&wish(&models[1]), now()).expect("it is signed, still");
        mark(Mark::Runs(2));
    });
    Life { bench, models, record }
}

impl Life {
    fn root(&self) -> PathBuf {
        self.bench.path("bin")
    }

    /// The marks that lie before a step, and the one after it.
    fn around(&self, steps: usize, is: impl Fn(&Mark) -> bool) -> (Option<Mark>, Option<Mark>) {
        let mut before = None;
        for (at, mark) in self.record.marks.iter().filter(|(_, mark)| is(mark)) {
            if *at > steps {
                return (before, Some(*mark));
            }
            before = Some(*mark);
        }
        (before, None)
    }

    /// A bin on what was left behind so many steps.
    fn starts(&self, bin: &Bin, steps: usize, what: &str) {
        let (before, after) = self.around(steps, |mark| matches!(mark, Mark::Runs(_)));
        let version = |mark: Option<Mark>| match mark {
            Some(Mark::Runs(n)) => Some(format!("m{n}")),
            _ => None,
        };
        let old = version(before).unwrap_or_else(|| "m1".to_owned());
        let starts = bin.begin().0.version().to_string();
        assert!(starts == old || Some(&starts) == version(after).as_ref(), "{what}: {starts} after {old}");
        let (Some(Mark::Believes(believed)), _) = self.around(steps, |mark| matches!(mark, Mark::Believes(_))) else {
            return;
        };
        let standing = bin.repository.standing();
        // With new keys nothing is believed until they have signed something.
        let between = standing.root == Some(2) && standing.targets.is_none();
        assert!(between || standing.targets >= Some(believed), "{what}: {standing:?} after {believed}");
        if believed == 3 {
            self.bench.play("first");
            let error = bin.check(now()).1.expect_err("an old list is played back");
            assert!(
                matches!(
                    error,
                    pilah_edge::model_store::UpdateError::Trust(
                        TrustError::Rollback { .. } | TrustError::WrongKeys { .. }
                    )
                ),
                "{what}: {error}"
            );
            self.bench.honest();
        }
    }

    fn goes_on(&self, bin: &Bin, what: &str) {
        for (n, model) in [(3, &self.models[2]), (4, &self.models[3])] {
            bin.update(&wish(model), now()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(bin.version(), format!("m{n}"), "{what}");
        }
    }
}

#[test]
fn a_thousand_power_cuts_and_a_kill_at_every_step_leave_a_model_and_an_update_that_can_be_made() {
    let life = live();
    let steps = life.record.steps.len();
    assert!(steps > 80, "{steps} steps");
    let (mut disk, mut cuts, mut draws) = (Disk::default(), 0, Draws(16));
    let each = 1_000_usize.div_ceil(steps + 1);
    for done in 0..=steps {
        if done > 0 {
            disk.apply(&life.record.steps[done - 1], &life.root());
        }
        let left = |n: usize, draws: &mut Draws| match n {
            0 => disk.killed(),
            1 => disk.synced(),
            _ => disk.cut(draws),
        };
        for n in 0..each + 2 {
            let what = format!("behind step {done} of {steps}, {n}");
            let folder = life.bench.path("left");
            lay_out(&left(n, &mut draws), &folder);
            let bin = life.bench.bin("left");
            life.starts(&bin, done, &what);
            // The whole of the next update takes longer than a start: of some.
            if n < 2 || draws.up_to(7) == 0 {
                life.goes_on(&bin, &what);
            }
            cuts += usize::from(n > 0);
        }
    }
    assert!(cuts >= 1_000, "{cuts} cuts");
    println!("{steps} steps, {cuts} power cuts, {} kills: no bin without a model", steps + 1);
}

#[cfg(unix)]
mod killed {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use nix::sys::signal::{Signal, raise};
    use pilah_models::durable::watch::watched;

    use super::*;

    /// The number of the step behind which the child of this process ends itself, and the folder of its bench.
    const STEP: &str = "PILAH_TEST_KILLED_BEHIND";
    const FOLDER: &str = "PILAH_TEST_BENCH";

    /// In a child of [`a_program_that_is_killed_behind_a_step_starts_again_with_a_model`]: updates, and is killed.
    #[test]
    fn child() {
        let (Ok(step), Ok(folder)) = (std::env::var(STEP), std::env::var(FOLDER)) else {
            // Run as a test of its own it has nothing to do.
            return;
        };
        let last: usize = step.parse().expect("a number");
        let bench = Bench::at(folder.into());
        let bin = bench.bin("bin");
        let mut steps = 0;
        let end_behind = move |_| {
            steps += 1;
            if steps == last {
                raise(Signal::SIGKILL).expect("a signal");
            }
        };
        watched(end_behind, || bin.update(&wish(&small("m2", 2)), now()).map(drop)).expect("it is signed");
        // All is done: the parent tells that from being killed.
        std::process::exit(7);
    }

    #[test]
    fn a_program_that_is_killed_behind_a_step_starts_again_with_a_model() {
        let bench = Bench::new();
        let second = small("m2", 2);
        bench.publish(&[&second]);
        let mut kills = 0;
        for step in (1..).step_by(5) {
            std::fs::remove_dir_all(bench.path("bin")).ok();
            let program = std::env::current_exe().expect("this test");
            let ended = Command::new(program)
                .args(["--exact", "power::killed::child", "--nocapture"])
                .env(STEP, step.to_string())
                .env(FOLDER, bench.folder.path())
                .output()
                .expect("it starts");
            let bin = bench.bin("bin");
            if ended.status.code() == Some(7) {
                assert_eq!(bin.version(), "m2");
                break;
            }
            assert_eq!(ended.status.signal(), Some(9), "{}", String::from_utf8_lossy(&ended.stderr));
            assert!(["m1", "m2"].contains(&bin.version().as_str()), "behind step {step}");
            bin.update(&wish(&second), now()).expect("it can be made");
            assert_eq!(bin.version(), "m2");
            kills += 1;
        }
        assert!(kills >= 5, "{kills} kills");
    }
}
