use std::path::Path;

use pilah_models::bundle::Bundle;

use super::*;
use crate::testing::bundle;

const SECOND: Duration = Duration::from_secs(1);

const SURE: Seen = Seen { unsure: false, milliseconds: 100 };
const UNSURE: Seen = Seen { unsure: true, milliseconds: 100 };

fn rules() -> StandingRules {
    StandingRules { probation: Some(ProbationRules::default()), starts: StartRules::default() }
}

/// A bin's models, and a program that runs on them until it is stopped or killed.
struct Bin {
    folder: tempfile::TempDir,
    store: ModelStore,
    boot: u32,
    running: Option<(InForce, Standing)>,
    skipped: Vec<String>,
    frames: u64,
    now: Instant,
}

impl Bin {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        bundle("m1", 1).write(&folder.path().join("shipped")).expect("writes");
        let store = ModelStore::new(folder.path().join("models"), folder.path().join("shipped"));
        let now = Instant::now();
        let mut bin = Self { folder, store, boot: 0, running: None, skipped: Vec::new(), frames: 0, now };
        bin.start();
        bin
    }

    /// Starts the program; one that ran was killed.
    fn start(&mut self) -> String {
        self.running = None;
        let (in_force, standing) = self
            .store
            .begin(rules(), Some(self.boot.to_string()), |why| self.skipped.push(why.to_owned()))
            .expect("there is a model");
        self.running = Some((in_force, standing));
        self.version()
    }

    fn stop(&mut self) {
        let (_, mut standing) = self.running.take().expect("it runs");
        standing.handle_stop();
    }

    fn parts(&mut self) -> (&mut InForce, &mut Standing) {
        let (in_force, standing) = self.running.as_mut().expect("it runs");
        (in_force, standing)
    }

    fn version(&mut self) -> String {
        self.parts().0.version().to_string()
    }

    /// What an update does, once all has come.
    fn update(&mut self, bundle: &Bundle) -> Result<(), UpdateError> {
        for bytes in [bundle.manifest_bytes(), bundle.backbone(), bundle.head()] {
            durable::write(&self.store.object_path(&ContentId::of(bytes)), bytes).expect("writes");
        }
        let classifier = self.store.load_stored(&bundle.id()).expect("a good model");
        let prepared = InForce { classifier, id: bundle.id() };
        let (in_force, standing) = self.parts();
        let current = in_force.version().clone();
        standing.put_in_force(&prepared, &current)?;
        *in_force = prepared;
        Ok(())
    }

    /// Time passes, and pictures come.
    fn pass(&mut self, time: Duration) {
        let steps = u32::try_from(time.as_secs() / 10).unwrap_or(u32::MAX);
        for _ in 0..=steps {
            self.frames += 100;
            let (frames, now) = (self.frames, self.now);
            self.parts().1.handle_turn(frames, 0, now);
            self.now += 10 * SECOND;
        }
    }

    /// Items come, each ten seconds after the one before, until the trial ends; tells how.
    fn see(&mut self, items: u64, seen: Seen) -> Option<Verdict> {
        for _ in 0..items {
            self.parts().1.handle_item(seen);
            self.pass(Duration::ZERO);
            match self.parts().1.poll_verdict() {
                Verdict::GoOn => {}
                Verdict::Commit => {
                    self.parts().1.commit();
                    return Some(Verdict::Commit);
                }
                Verdict::TakeBack { reason } => {
                    let (in_force, standing) = self.parts();
                    *in_force = standing.take_back(&reason).expect("there is one before");
                    return Some(Verdict::TakeBack { reason });
                }
            }
        }
        None
    }

    fn blocked(&mut self) -> Vec<String> {
        self.parts().1.blocked().map(|one| one.version.to_string()).collect()
    }

    /// What would be in force after a power cut now.
    fn after_a_cut(&self) -> String {
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_folder(&self.folder.path().join("models"), &copy.path().join("models"));
        let store = ModelStore::new(copy.path().join("models"), self.folder.path().join("shipped"));
        let (in_force, _) = store.begin(rules(), Some("later".into()), |_| {}).expect("never without a model");
        in_force.version().to_string()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creates");
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copies");
        }
    }
}

#[test]
fn a_trial_goes_on_after_a_kill_and_is_passed_once() {
    let mut bin = Bin::new();
    assert_eq!(bin.see(50, SURE), None, "what shipped is on no trial");
    bin.update(&bundle("m2", 2)).expect("it can be written");
    assert_eq!(bin.see(60, SURE), None);
    let before = bin.parts().1.probation().expect("it is on trial");
    assert_eq!((before.before.as_str(), before.items, before.of_items), ("m1", 60, 100));
    assert_eq!(bin.start(), "m2");
    let after = bin.parts().1.probation().expect("it still is");
    assert_eq!(after.items, 60);
    assert!(after.seconds + 15 >= before.seconds, "{after:?} after {before:?}");
    assert!(bin.parts().1.poll_timeout().is_none(), "no picture came yet");
    assert_eq!(bin.see(100, SURE), Some(Verdict::Commit));
    assert_eq!((bin.parts().1.probation(), bin.start().as_str()), (None, "m2"));
    assert!(bin.parts().1.poll_timeout().is_none() && bin.parts().1.poll_verdict() == Verdict::GoOn);
}

#[test]
fn a_bad_model_is_taken_back_at_once_on_disk_and_stays_blocked_over_starts() {
    let mut bin = Bin::new();
    bin.see(50, SURE);
    bin.update(&bundle("m2", 2)).expect("it can be written");
    let Some(Verdict::TakeBack { reason }) = bin.see(100, UNSURE) else { panic!("it is unsure of everything") };
    assert!(reason.starts_with("it was unsure of 10 of 10 items"), "{reason}");
    assert_eq!((bin.version(), bin.after_a_cut()), ("m1".into(), "m1".into()));
    for _ in 0..2 {
        assert_eq!(bin.blocked(), ["m2"]);
        bin.stop();
        assert_eq!(bin.start(), "m1");
    }
    assert!(bin.skipped.is_empty(), "{:?}", bin.skipped);
    // The next one is compared with the same figures: those of m1 were not lost.
    bin.update(&bundle("m3", 3)).expect("it can be written");
    assert!(bin.see(10, UNSURE).is_some());
    assert_eq!(bin.blocked(), ["m3", "m2"], "the last first");
    bin.stop();
    assert_eq!(bin.store.unblock(Some("m4")).expect("reads").len(), 0);
    assert_eq!(bin.store.unblock(Some(bundle("m2", 2).id().as_str())).expect("writes").len(), 1);
    bin.start();
    assert_eq!(bin.blocked(), ["m3"]);
}

#[test]
fn killed_at_any_step_a_bin_starts_with_the_old_or_the_new_model_and_never_with_a_bad_one() {
    let mut bin = Bin::new();
    bin.see(50, SURE);
    assert_eq!(bin.after_a_cut(), "m1");
    bin.update(&bundle("m2", 2)).expect("it can be written");
    for _ in 0..9 {
        assert_eq!(bin.see(1, UNSURE), None);
        assert_eq!(bin.after_a_cut(), "m2", "it is on trial");
    }
    // Killed between the verdict and its write, the verdict is found again with the next item.
    bin.parts().1.handle_item(UNSURE);
    assert!(matches!(bin.parts().1.poll_verdict(), Verdict::TakeBack { .. }));
    assert_eq!(bin.start(), "m2");
    assert!(matches!(bin.see(1, UNSURE), Some(Verdict::TakeBack { .. })));
    assert_eq!(bin.after_a_cut(), "m1");
    bin.update(&bundle("m3", 3)).expect("it can be written");
    assert_eq!(bin.see(100, SURE), Some(Verdict::Commit));
    assert_eq!(bin.after_a_cut(), "m3");
    bin.update(&bundle("m4", 4)).expect("it can be written");
    assert!(bin.see(20, UNSURE).is_some());
    assert_eq!((bin.version(), bin.after_a_cut()), ("m3".into(), "m3".into()));
}

#[test]
fn a_model_that_crashes_three_times_is_given_up_and_the_one_before_after_three_more() {
    let mut bin = Bin::new();
    bin.update(&bundle("m2", 2)).expect("it can be written");
    bin.see(100, SURE).expect("it passes");
    bin.update(&bundle("m3", 3)).expect("it can be written");
    let started: Vec<String> = (0..8).map(|_| bin.start()).collect();
    // The swap itself was a run, too: killed in it, it counts as the starts do.
    assert_eq!(started, ["m3", "m3", "m2", "m2", "m2", "m1", "m1", "m1"]);
    assert_eq!(bin.blocked(), ["m3"], "m2 ran well once: it may be wanted again");
    assert_eq!(
        bin.skipped.iter().filter(|why| why.contains("crashed 3 times in a row")).count(),
        2,
        "{:?}",
        bin.skipped
    );
}

#[test]
fn stops_in_order_and_power_cuts_are_no_crashes_and_a_run_that_is_well_forgets_them() {
    let mut bin = Bin::new();
    bin.update(&bundle("m2", 2)).expect("it can be written");
    for _ in 0..10 {
        bin.stop();
        assert_eq!(bin.start(), "m2");
    }
    for _ in 0..5 {
        bin.boot += 1;
        assert_eq!(bin.start(), "m2", "the power failed");
    }
    for _ in 0..3 {
        bin.start();
        assert_eq!(bin.start(), "m2", "two crashes");
        bin.see(1, SURE);
        bin.pass(130 * SECOND);
    }
    // The camera's fault, long after the trial: nobody counts.
    bin.see(100, SURE).expect("it passes");
    for _ in 0..20 {
        assert_eq!(bin.start(), "m2");
    }
    assert!(bin.skipped.is_empty(), "{:?}", bin.skipped);
}

#[test]
fn time_counts_only_while_pictures_come() {
    let mut bin = Bin::new();
    bin.update(&bundle("m2", 2)).expect("it can be written");
    bin.pass(60 * SECOND);
    let counted = bin.parts().1.probation().expect("on trial").seconds;
    assert!((50..=70).contains(&counted), "{counted}");
    let (frames, mut now) = (bin.frames, bin.now);
    for _ in 0..1000 {
        now += 7 * SECOND;
        bin.parts().1.handle_turn(frames, 0, now);
    }
    assert_eq!(bin.parts().1.probation().expect("on trial").seconds, counted, "the camera was away for two hours");
    bin.parts().1.handle_turn(frames + 1, 0, now + 3600 * SECOND);
    let counted = bin.parts().1.probation().expect("on trial").seconds - counted;
    assert!(counted <= LONGEST_GAP.as_secs(), "{counted}");
}

#[test]
fn pictures_that_are_not_answered_end_a_trial() {
    let mut bin = Bin::new();
    bin.update(&bundle("m2", 2)).expect("it can be written");
    bin.pass(10 * SECOND);
    let (frames, now) = (bin.frames, bin.now);
    bin.parts().1.handle_turn(frames + 20, 20, now + SECOND);
    let Verdict::TakeBack { reason } = bin.parts().1.poll_verdict() else { panic!("it answers nothing") };
    assert_eq!(reason, "it could not answer 20 pictures in a row");
}

#[test]
fn a_disk_that_cannot_be_written_stops_no_trial() {
    let mut bin = Bin::new();
    bin.see(50, SURE);
    bin.update(&bundle("m2", 2)).expect("it can be written");
    // A folder in the place of the file.
    let path = bin.store.active_path();
    let kept = fs::read(&path).expect("reads");
    fs::remove_file(&path).and_then(|()| fs::create_dir_all(path.join("in the way"))).expect("writes");
    bin.update(&bundle("m3", 3)).expect_err("what cannot be written is not put in force");
    assert_eq!(bin.version(), "m2");
    assert!(matches!(bin.see(10, UNSURE), Some(Verdict::TakeBack { .. })));
    assert_eq!((bin.version(), bin.blocked()), ("m1".into(), vec!["m2".into()]), "in memory all the same");
    fs::remove_dir_all(&path).and_then(|()| fs::write(&path, kept)).expect("writes");
    bin.stop();
    assert_eq!(bin.start(), "m2", "what was not written is found again");
    bin.see(10, UNSURE).expect("it is as bad as before");
    assert_eq!(bin.after_a_cut(), "m1");
}

#[test]
fn a_model_on_trial_that_has_rotted_is_passed_over_and_not_blamed() {
    let mut bin = Bin::new();
    let next = bundle("m2", 2);
    bin.update(&next).expect("it can be written");
    let head = bin.store.object_path(&next.manifest().head.sha256);
    fs::write(&head, b"rot").expect("damages");
    for _ in 0..6 {
        assert_eq!(bin.start(), "m1");
        assert_eq!((bin.parts().1.probation(), bin.blocked()), (None, Vec::new()));
        assert_eq!(bin.see(30, UNSURE), None, "what m1 does is not m2's fault");
    }
    fs::write(&head, next.head()).expect("mends");
    assert_eq!(bin.start(), "m2");
    assert_eq!(bin.parts().1.probation().map(|trial| trial.items), Some(0));
}

/// The other side of [`a_model_that_aborts_the_program_while_it_loads_is_given_up_after_three_times`].
const CHILD: &str = "PILAH_TEST_MODELS";

#[test]
fn a_model_that_aborts_the_program_while_it_loads_is_given_up_after_three_times() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let folder = PathBuf::from(folder);
        let store = ModelStore::new(folder.join("models"), folder.join("shipped"));
        // Its head is damaged, which is noticed while it loads, and told.
        let begun = store.begin(rules(), Some("boot".into()), |why| {
            if why.contains("head is not the one") {
                std::process::abort();
            }
        });
        assert_eq!(begun.expect("there is a model").0.version().as_str(), "m1");
        return;
    }
    let mut bin = Bin::new();
    bin.update(&bundle("m2", 2)).expect("it can be written");
    bin.stop();
    fs::write(bin.store.object_path(&bundle("m2", 2).manifest().head.sha256), b"rot").expect("damages");
    let ends: Vec<bool> = (0..5)
        .map(|_| {
            let name = "model_store::standing::tests::a_model_that_aborts_the_program_while_it_loads_is_given_up_after_three_times";
            let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
            let output = child.args(["--exact", name]).env(CHILD, bin.folder.path()).output();
            output.expect("it can be started").status.success()
        })
        .collect();
    assert_eq!(ends, [false, false, false, true, true]);
    assert_eq!(bin.start(), "m1");
    assert_eq!(bin.blocked(), ["m2"]);
}
