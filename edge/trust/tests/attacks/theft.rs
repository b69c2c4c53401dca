//! Stolen keys, and what their exchange mends; chains of roots.

use std::process::Command;

use pilah_repository::keys::KeyFolders;
use pilah_repository::{Repository, RoleType};
use pilah_trust::TrustError;

use crate::bench::{Answer, Bench, believed, check, later, now, refused};

/// A thief's copy of keys and repository, with the keys of one role alone.
fn stolen(bench: &Bench, role: &str) -> (Repository, KeyFolders) {
    let copied =
        Command::new("cp").arg("-rp").arg(bench.path("keys")).arg(bench.path("stolen")).status().expect("copies");
    assert!(copied.success());
    for other in ["root", "timestamp", "snapshot", "targets"].into_iter().filter(|other| *other != role) {
        std::fs::remove_dir_all(bench.path("stolen").join(other)).expect("removes");
    }
    (bench.copy("copy"), KeyFolders::one_machine(&bench.path("stolen")))
}

#[test]
fn a_stolen_timestamp_key_brings_no_target_and_loses_its_power_with_the_next_root() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let (copy, keys) = stolen(&bench, "timestamp");
    // The thief drives its number up, as far as a lost timestamp's goes.
    std::fs::remove_file(copy.metadata_folder().join("timestamp.json")).expect("removes");
    copy.renew(&keys, now()).expect("signs");
    bench.play(&copy);
    let high = check(&bin, now()).expect("signed by the right key").trusted;
    assert!(high.versions.timestamp > 1_000_000_000);
    assert_eq!(believed(&bin), ["model"], "and names what the hub signed");
    bench.honest();

    // The hub goes on counting where it was: the bin cannot tell that from an old state.
    bench.publish(&[("model", "two"), ("second", "2")]);
    assert!(matches!(refused(&bin, now()), TrustError::Rollback { role: RoleType::Timestamp, .. }));
    bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
    let mended = check(&bin, now()).expect("the numbers begin anew").trusted;
    assert!(mended.versions.timestamp < 10);
    assert_eq!(believed(&bin), ["model", "second"]);

    // The thief signs once more.
    copy.renew(&keys, later(3)).expect("signs");
    bench.bytes("timestamp.json", std::fs::read(copy.metadata_folder().join("timestamp.json")).expect("reads"));
    let error = refused(&bin, later(3));
    assert!(matches!(error, TrustError::WrongKeys { role: RoleType::Timestamp, root: 2, .. }), "{error}");
    // Also if the thief keeps the new root from the bin, which has seen it.
    bench.answer("2.root.json", Answer::NotThere);
    assert!(matches!(refused(&bin, later(3)), TrustError::WrongKeys { role: RoleType::Timestamp, root: 2, .. }));
}

#[test]
fn a_stolen_timestamp_key_does_not_take_a_bin_back_to_an_older_snapshot() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let (copy, keys) = stolen(&bench, "timestamp");
    bench.publish(&[("model", "two")]);
    check(&bin, now()).expect("believed");
    for day in [2, 4, 6] {
        copy.renew(&keys, later(day)).expect("signs the old snapshot under a higher number");
    }
    bench.play(&copy);
    let error = refused(&bin, later(6));
    assert!(matches!(error, TrustError::Rollback { role: RoleType::Snapshot, had: 3, offered: 2 }), "{error}");
}

#[test]
fn a_root_of_three_versions_ago_is_followed_to_the_newest() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    for role in [RoleType::Root, RoleType::Root, RoleType::Root] {
        bench.repository.rotate(&bench.keys, role, now()).expect("new keys");
    }
    bench.publish(&[("model", "two")]);
    bench.asked();
    assert_eq!(check(&bin, now()).expect("believed").trusted.versions.root, 4);
    let (asked, _) = bench.asked();
    assert_eq!(asked[..4], ["2.root.json", "3.root.json", "4.root.json", "5.root.json"]);
    assert_eq!(check(&bin, now()).expect("believed").trusted.versions.root, 4);
    assert_eq!(bench.asked().0[0], "5.root.json", "it does not begin from the first again");
    assert_eq!(check(&bench.bin("new"), now()).expect("believed").trusted.versions.root, 4);

    // A version that is missing in between: no way past it.
    let late = bench.bin("late");
    bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
    bench.publish(&[("model", "three")]);
    bench.answer("3.root.json", Answer::NotThere);
    let error = check(&late, now()).expect_err("not by the keys of root 2");
    assert!(matches!(error, TrustError::WrongKeys { role: RoleType::Timestamp, root: 2, .. }), "{error}");
    // One version in the place of another.
    bench.bytes("3.root.json", bench.metadata("2.root.json"));
    let error = check(&late, now()).expect_err("a root in the place of another");
    assert!(matches!(error, TrustError::Rollback { role: RoleType::Root, had: 2, offered: 2 }), "{error}");
    bench.bytes("3.root.json", bench.metadata("4.root.json"));
    let error = check(&late, now()).expect_err("a root too far");
    assert!(matches!(&error, TrustError::WrongKeys { role: RoleType::Root, root: 2, .. }), "{error}");
    bench.honest();
    assert_eq!(check(&late, now()).expect("believed").trusted.versions.root, 5);
}

#[test]
fn revoked_keys_stay_revoked_though_the_rest_of_that_check_failed() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    let (copy, keys) = stolen(&bench, "timestamp");
    bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
    bench.answer("timestamp.json", Answer::Error);
    assert!(matches!(check(&bin, now()), Err(TrustError::Unreachable { .. })));
    // Next time the new root is kept from it, and the thief signs.
    bench.honest();
    copy.renew(&keys, later(3)).expect("signs");
    bench.play(&copy);
    bench.answer("2.root.json", Answer::NotThere);
    let error = check(&bin, later(3)).expect_err("revoked");
    assert!(matches!(error, TrustError::WrongKeys { role: RoleType::Timestamp, root: 2, .. }), "{error}");
    bench.honest();
    assert_eq!(check(&bin, later(1)).expect("believed").trusted.versions.root, 2);
}
