//! What a bin remembers, and what cards do to it.

use std::fs;

use pilah_trust::state::Floor;
use pilah_trust::{Client, Note, TrustError};

use crate::bench::{Bench, believed, check, later, now, refused};

const COPIES: [&str; 2] = ["bin/believed.json", "bin/believed.2.json"];

#[test]
fn a_truncated_copy_is_found_mended_and_keeps_the_floor() {
    for copy in COPIES {
        for length in [0, 1, 65, 500] {
            let bench = Bench::new();
            let bin = bench.bin("bin");
            let old = bench.copy("old");
            bench.publish(&[("model", "two")]);
            check(&bin, now()).expect("believed");
            let whole = fs::read(bench.path(copy)).expect("reads");
            fs::write(bench.path(copy), &whole[..length]).expect("cuts");
            bench.play(&old);
            assert!(matches!(refused(&bin, now()), TrustError::Rollback { .. }), "{copy} {length}");
            bench.honest();
            assert_eq!(check(&bin, now()).expect("believed").notes, [Note::StateMended], "{copy} {length}");
            assert_eq!(check(&bin, now()).expect("believed").notes, [], "{copy} {length}");
            assert_eq!(
                fs::read(bench.path(COPIES[0])).expect("reads"),
                fs::read(bench.path(COPIES[1])).expect("reads")
            );
        }
    }
}

#[test]
fn both_copies_lost_are_said_and_begin_from_the_root_of_trust() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    for copy in COPIES {
        fs::write(bench.path(copy), "").expect("empties");
    }
    let checked = check(&bin, now()).expect("believed");
    assert_eq!(checked.notes, [Note::StateLost]);
    assert!(checked.notes[0].to_string().contains("could not tell an older state from a newer one"));
    assert_eq!(check(&bin, now()).expect("believed").notes, []);
}

#[test]
fn another_root_of_trust_forgets_what_was_believed_by_the_old_one() {
    let bench = Bench::new();
    check(&bench.bin("bin"), now()).expect("believed");
    let other = Bench::new();
    other.publish(&[("other", "hub")]);
    let source = pilah_trust::source::Source::folder(other.path("repository"));
    let moved = Client::new(&other.path("trusted.json"), bench.path("bin"), source, std::time::Duration::ZERO)
        .expect("a client");
    assert_eq!(check(&moved, now()).expect("believed").notes, [Note::OtherRoot]);
    assert_eq!(believed(&moved), ["other"]);
    assert_eq!(check(&moved, now()).expect("believed").notes, []);
}

#[test]
fn what_toughs_datastore_holds_in_pieces_does_not_matter() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let old = bench.copy("old");
    bench.publish(&[("model", "two")]);
    check(&bin, now()).expect("believed");
    // A power cut in the midst of a check.
    let scratch = bench.path("bin/scratch");
    fs::create_dir_all(&scratch).expect("makes");
    for name in ["timestamp.json", "snapshot.json", "root.json", "latest_known_time.json"] {
        fs::write(scratch.join(name), "\"2099-01-01T00:00:00Z\"").expect("writes");
    }
    bench.play(&old);
    assert!(matches!(refused(&bin, now()), TrustError::Rollback { .. }));
    bench.honest();
    check(&bin, now()).expect("no time of old blocks it");
}

#[test]
fn the_card_is_written_when_something_changes_and_once_a_day_for_the_time() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    let content = || fs::read(bench.path(COPIES[0])).expect("reads");
    let first = content();
    for minutes in [5, 10, 600] {
        check(&bin, now() + jiff::SignedDuration::from_mins(minutes)).expect("believed");
        assert_eq!(content(), first, "after {minutes} minutes");
    }
    check(&bin, later(1)).expect("believed");
    assert_ne!(content(), first);
    assert!(!bench.path("bin/scratch").exists());
}

#[test]
fn what_was_believed_is_known_without_a_network() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    assert_eq!(bin.believed().expect("reads"), None);
    let checked = check(&bin, now()).expect("believed");
    assert!(checked.new);
    bench.asked();
    let trusted = bin.believed().expect("reads").expect("something");
    assert_eq!(trusted, checked.trusted);
    assert_eq!(trusted.versions, Floor { root: 1, timestamp: 2, snapshot: 2, targets: 2 });
    assert_eq!(trusted.until, later(7));
    assert_eq!(bench.asked().0, Vec::<String>::new());
}
