//! Clocks that were never set, were set back, or are ahead.

use std::time::Duration;

use jiff::Timestamp;
use pilah_trust::clock::{Clock, Doubt, GoBy};
use pilah_trust::{Note, Outcome, TrustError};

use crate::bench::{Bench, at, check, later, now, refused};

#[test]
fn a_clock_of_1970_goes_by_versions_and_says_so() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let first = check(&bin, Timestamp::UNIX_EPOCH).expect("believed");
    assert_eq!(
        (first.by, &first.notes[..]),
        (GoBy::Versions(Doubt::NeverSet), &[Note::VersionsOnly(Doubt::NeverSet)][..])
    );
    assert!(first.notes[0].to_string().contains("old news would not be noticed"), "{}", first.notes[0]);
    // Versions count all the same.
    let old = bench.copy("old");
    bench.publish(&[("model", "two")]);
    check(&bin, Timestamp::UNIX_EPOCH).expect("believed");
    bench.play(&old);
    assert!(matches!(refused(&bin, Timestamp::UNIX_EPOCH), TrustError::Rollback { .. }));
    bench.honest();
    assert_eq!(check(&bin, now()).expect("set").notes, []);
}

#[test]
fn a_clock_of_2099_is_an_error_and_is_forgotten_once_it_is_right() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    let ahead = "2099-01-01T00:00:00Z".parse().expect("a time");
    let error = refused(&bin, ahead);
    assert!(matches!(error, TrustError::Expired { role: pilah_repository::RoleType::Root, .. }), "{error}");
    assert!(error.to_string().contains("2099") && error.to_string().contains("this clock is ahead"), "{error}");
    bench.publish(&[("model", "two")]);
    let checked = check(&bin, later(1)).expect("it does not stay blocked");
    assert_eq!((checked.by, checked.notes.len(), checked.new), (GoBy::Time(later(1)), 0, true));
}

#[test]
fn a_clock_that_is_not_synchronised_is_waited_for_up_to_a_limit() {
    let bench = Bench::new();
    let bin = bench.patient_bin("bin", Duration::from_secs(600));
    let clock = |waited| Clock { now: later(9_999), synchronised: false, waited: Duration::from_secs(waited) };
    assert_eq!(bin.check(clock(0)).expect("waits"), Outcome::Waiting(Duration::from_secs(600)));
    assert_eq!(bin.check(clock(590)).expect("waits"), Outcome::Waiting(Duration::from_secs(10)));
    assert_eq!(bench.asked().0, Vec::<String>::new(), "nothing is fetched meanwhile");
    let Outcome::Checked(checked) = bin.check(clock(600)).expect("believed") else { panic!("it waits for ever") };
    assert_eq!(checked.notes, [Note::VersionsOnly(Doubt::NotSynchronised)]);
    // Synchronised, it is gone by at once; and the wrong time before has left no trace.
    let Outcome::Checked(checked) = bin.check(at(now())).expect("believed") else { panic!("it waits") };
    assert_eq!((checked.by, checked.notes), (GoBy::Time(now()), vec![]));
}

#[test]
fn a_clock_that_was_set_back_goes_by_versions_and_says_from_when() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, later(3)).expect("believed");
    let checked = check(&bin, later(1)).expect("believed");
    assert_eq!(checked.notes, [Note::VersionsOnly(Doubt::SetBack { from: later(3) })]);
    assert_eq!(check(&bin, later(4)).expect("believed").notes, []);
}
