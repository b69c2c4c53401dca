//! Old states played back, held, or let expire.

use pilah_repository::RoleType;
use pilah_trust::TrustError;

use crate::bench::{Bench, check, later, now, refused};

#[test]
fn an_old_state_is_not_played_back() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let old = bench.copy("old");
    bench.publish(&[("model", "two")]);
    check(&bin, now()).expect("believed");
    bench.play(&old);
    let error = refused(&bin, now());
    assert!(matches!(error, TrustError::Rollback { role: RoleType::Timestamp, had: 3, offered: 2 }), "{error}");
    assert!(error.to_string().contains("this bin has seen 3"), "{error}");
}

#[test]
fn a_bin_that_is_kept_from_news_notices_when_what_it_has_expires() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    bench.play(&bench.copy("held"));
    bench.publish(&[("model", "two")]);
    bench.repository.renew(&bench.keys, later(5)).expect("the hub signs");
    assert_eq!(check(&bin, later(7)).expect("still holds").trusted.versions.targets, 2);
    let error = refused(&bin, later(8));
    assert!(matches!(error, TrustError::Frozen { until } if until == later(7)), "{error}");
    assert!(error.to_string().contains("keeps its news from this bin"), "{error}");
    bench.honest();
    assert_eq!(check(&bin, later(8)).expect("news").trusted.versions.targets, 3);
}

#[test]
fn a_timestamp_that_has_expired_is_not_taken_for_news() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    bench.publish(&[("model", "two")]);
    let error = refused(&bin, later(8));
    let TrustError::Expired { role: RoleType::Timestamp, until, now: said } = error else { panic!("{error}") };
    assert_eq!((until, said), (later(7), later(8)));
    // On its first day a bin has nothing to compare with.
    assert!(matches!(check(&bench.bin("new"), later(8)), Err(TrustError::Expired { role: RoleType::Timestamp, .. })));
}

#[test]
fn each_role_that_has_expired_is_named() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    for (keep, day, expected) in
        [("snapshot", 61, RoleType::Snapshot), ("targets", 181, RoleType::Targets), ("root", 731, RoleType::Root)]
    {
        let away = bench.path("away");
        std::fs::rename(bench.path("keys").join(keep), &away).expect("the key is away");
        bench.repository.renew(&bench.keys, later(day)).expect("the rest is signed");
        std::fs::rename(&away, bench.path("keys").join(keep)).expect("the key is back");
        let error = check(&bin, later(day)).expect_err("expired");
        assert!(matches!(error, TrustError::Expired { role, .. } if role == expected), "{keep}: {error}");
        bench.repository.renew(&bench.keys, later(day)).expect("signs");
        check(&bin, later(day)).expect("believed");
    }
}
