//! What somebody between hub and bin, with a stolen key, or with the hub's database may try: each is refused with an error
//! of its own, and the old model is still at work.

use std::fs;

use pilah_edge::model_store::UpdateError;
use pilah_edge::model_store::signed::Unsigned;
use pilah_models::bundle::Bundle;
use pilah_models::labels::Labels;
use pilah_models::name::TargetName;
use pilah_models::wire::{DesiredModel, TrustBy};
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::{Repository as Hub, RoleType};
use pilah_trust::TrustError;
use serde_json::json;

use crate::bench::{Answer, Bench, Bin, later, model, now, offers, small, wish};

/// An error with all its sources.
fn words(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

struct Stage {
    bench: Bench,
    bin: Bin,
    /// In force, and wanted next.
    second: Bundle,
    third: Bundle,
}

impl Stage {
    /// A bin with `m2` in force, and a hub that has published `m3`.
    fn new() -> Self {
        let (bench, second, third) = (Bench::new(), small("m2", 2), small("m3", 3));
        bench.publish(&[&second]);
        let bin = bench.bin("bin");
        bin.update(&wish(&second), now()).expect("it is signed");
        bench.copy("before");
        bench.publish(&[&second, &third]);
        Self { bench, bin, second, third }
    }

    /// A thief's keys of one role.
    fn stolen(&self, role: &str) -> KeyFolders {
        let stolen = self.bench.path("stolen");
        let copied = std::process::Command::new("cp").arg("-rp").arg(self.bench.path("keys")).arg(&stolen).status();
        assert!(copied.expect("copies").success());
        for other in ["root", "timestamp", "snapshot", "targets"].into_iter().filter(|other| *other != role) {
            fs::remove_dir_all(stolen.join(other)).expect("removes");
        }
        KeyFolders::one_machine(&stolen)
    }
}

/// Changes a letter of signed content, in a file that still is JSON.
fn changed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    text.replace("\"expires\":\"20", "\"expires\":\"21").into_bytes()
}

#[test]
fn each_attack_is_refused_by_its_name_and_the_old_model_is_still_at_work() {
    type Attack = fn(&Stage) -> DesiredModel;
    type Is = fn(&UpdateError) -> bool;
    let attacks: Vec<(&str, i64, Attack, Is)> = vec![
        (
            "arbitrary target",
            0,
            |s| {
                let evil = vec![7; s.third.head().len()];
                s.bench.answer(&s.bench.file_of(s.third.head()), Answer::Bytes(evil));
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::ArbitraryTarget { .. })),
        ),
        (
            "tampered metadata",
            0,
            |s| {
                s.bench.answer("3.targets.json", Answer::Bytes(changed(&s.bench.metadata("3.targets.json"))));
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::Tampered { .. })),
        ),
        (
            "rollback",
            0,
            |s| {
                assert!(s.bin.check(now()).1.is_ok());
                s.bench.play("before");
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::Rollback { .. })),
        ),
        (
            "freeze",
            30,
            |s| {
                s.bench.play("before");
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::Frozen { .. })),
        ),
        (
            "mix and match",
            0,
            |s| {
                // Another list under the number that the new snapshot names, signed by the right keys.
                let other = s.bench.copy("other");
                other.publish(&s.bench.keys, offers(&s.second), now()).expect("publishes");
                let list = fs::read(other.metadata_folder().join("4.targets.json")).expect("reads");
                s.bench.publish(&[&s.third]);
                s.bench.answer("4.targets.json", Answer::Bytes(list));
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::MixAndMatch { .. })),
        ),
        (
            "endless data",
            0,
            |s| {
                s.bench.answer("timestamp.json", Answer::Endless(b'{'));
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::TooLarge { .. })),
        ),
        (
            "an endless target",
            0,
            |s| {
                s.bench.answer(&s.bench.file_of(s.third.head()), Answer::Endless(b'x'));
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::ArbitraryTarget { .. })),
        ),
        (
            "expired timestamp",
            30,
            |s| wish(&s.third),
            |e| matches!(e, UpdateError::Trust(TrustError::Expired { role: RoleType::Timestamp, .. })),
        ),
        (
            "wrong keys",
            0,
            |s| {
                let other = Hub::new(s.bench.path("evil"), Policy::default());
                let keys = KeyFolders::one_machine(&s.bench.path("evil keys"));
                other.init(&keys, now()).expect("keys");
                for _ in 0..3 {
                    other.publish(&keys, offers(&s.third), now()).expect("publishes");
                }
                s.bench.play("evil");
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::WrongKeys { role: RoleType::Timestamp, .. })),
        ),
        (
            "a timestamp key that was stolen and exchanged",
            3,
            |s| {
                let (copy, keys) = (s.bench.copy("copy"), s.stolen("timestamp"));
                s.bench.hub.rotate(&s.bench.keys, RoleType::Timestamp, now()).expect("new keys");
                assert_eq!(s.bin.check(now()).0.root, Some(2), "the new root is known");
                copy.renew(&keys, later(3)).expect("signs with the old key");
                s.bench.play("copy");
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::WrongKeys { role: RoleType::Timestamp, root: 2, .. })),
        ),
        (
            "a page in HTML",
            0,
            |s| {
                let page = b"<!doctype html><title>Log in to the network</title>".to_vec();
                for file in ["2.root.json", "timestamp.json"] {
                    s.bench.answer(file, Answer::Bytes(page.clone()));
                }
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::Html { .. })),
        ),
        (
            "a target that is deleted",
            0,
            |s| {
                fs::remove_file(s.bench.hub.targets_folder().join(s.bench.file_of(s.third.head()))).expect("removes");
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Trust(TrustError::Lacking { .. })),
        ),
        (
            "a name that nobody signed",
            0,
            |s| DesiredModel { target: Some(TargetName::new("m9.json").expect("a name")), ..wish(&s.third) },
            |e| matches!(e, UpdateError::Trust(TrustError::NoSuchTarget(name)) if name == "m9.json"),
        ),
        (
            "no name",
            0,
            |s| DesiredModel { target: None, ..wish(&s.third) },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::NotPublished(_))),
        ),
        (
            "a database that says otherwise than the repository",
            0,
            |s| DesiredModel { manifest: small("m3", 33).id(), ..wish(&s.third) },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::OtherThanSigned { .. })),
        ),
        (
            "a database that wants another version by its own name",
            0,
            |s| DesiredModel { target: wish(&s.second).target, ..wish(&s.third) },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::OtherThanSigned { .. })),
        ),
        (
            "a network in place of a model",
            0,
            |s| {
                let head = offers(&s.third).pop().expect("the head");
                DesiredModel {
                    target: Some(head.name),
                    manifest: s.third.manifest().head.sha256.clone(),
                    ..wish(&s.third)
                }
            },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::NoModel(_))),
        ),
        (
            "signed as another version",
            0,
            |s| {
                let mut offers = offers(&s.third);
                offers[0].custom.insert("version".into(), json!("m4"));
                s.bench.offer(offers);
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::OtherVersion { signed, .. }) if signed == "m4"),
        ),
        (
            "signed for other labels",
            0,
            |s| {
                let mut offers = offers(&s.third);
                offers[0].custom.insert("labels".into(), json!(["cat", "dog"]));
                s.bench.offer(offers);
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::OtherLabels { .. })),
        ),
        (
            "a bundle for other labels",
            0,
            |s| {
                let pets = model("m4", 4, &Labels::parse(["cat", "dog"]).expect("labels"), 8);
                s.bench.publish(&[&s.second, &pets]);
                wish(&pets)
            },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::NothingInCommon { .. })),
        ),
        (
            "a network that nobody signed",
            0,
            |s| {
                let mut offers = offers(&s.third);
                offers.truncate(2);
                s.bench.offer(offers);
                wish(&s.third)
            },
            |e| matches!(e, UpdateError::Unsigned(Unsigned::Network { part: "head", .. })),
        ),
    ];
    let mut said = Vec::new();
    for (name, days, attack, is) in attacks {
        let stage = Stage::new();
        let wanted = attack(&stage);
        let when = if days == 0 { now() } else { later(days) };
        let error = stage.bin.update(&wanted, when).map(|now| now.version().clone()).expect_err(name);
        assert!(is(&error), "{name}: {error:?}");
        assert_eq!(stage.bin.version(), "m2", "{name}");
        let objects = fs::read_dir(stage.bench.path("bin/models/objects")).expect("lists");
        let evil = objects.map(|entry| fs::read(entry.expect("an entry").path()).expect("reads"));
        assert!(evil.into_iter().all(|bytes| !bytes.starts_with(&[7; 8]) && !bytes.starts_with(b"xxxx")), "{name}");
        said.push(words(&error));
    }
    let different: std::collections::BTreeSet<&String> = said.iter().collect();
    assert!(different.len() + 2 >= said.len(), "each has words of its own: {said:#?}");
}

#[test]
fn what_was_refused_is_installed_once_nobody_is_in_between() {
    let stage = Stage::new();
    for answer in
        [Answer::NotThere, Answer::Bytes(b"<html>".to_vec()), Answer::Bytes(b"{}".to_vec()), Answer::Endless(0)]
    {
        stage.bench.answer("timestamp.json", answer);
        let error = stage.bin.update(&wish(&stage.third), now()).map(drop).expect_err("refused");
        assert!(error.may_pass(), "{error}");
    }
    stage.bench.honest();
    stage.bin.update(&wish(&stage.third), now()).expect("it is signed");
    assert_eq!(stage.bin.version(), "m3");
    // Back to the one before, which is still signed: that is the hub's to say.
    stage.bench.came();
    stage.bin.update(&wish(&stage.second), now()).expect("it is signed");
    assert_eq!(stage.bin.version(), "m2");
    let (timestamp, came) = (stage.bench.metadata("timestamp.json").len() as u64, stage.bench.came());
    assert_eq!(came, timestamp, "all of it is still on disk");
}

#[test]
fn a_root_that_was_exchanged_over_three_versions_is_followed() {
    let stage = Stage::new();
    for role in [RoleType::Root, RoleType::Targets, RoleType::Root] {
        stage.bench.hub.rotate(&stage.bench.keys, role, now()).expect("new keys");
    }
    stage.bin.update(&wish(&stage.third), now()).expect("by the newest root");
    assert_eq!((stage.bin.version().as_str(), stage.bin.check(now()).0.root), ("m3", Some(4)));
}

#[test]
fn a_bin_whose_root_of_trust_is_gone_works_installs_nothing_and_says_so() {
    let stage = Stage::new();
    for (bad, fault) in [(None, "cannot read the root of trust"), (Some("<html>"), "not a signed root.json")] {
        fs::remove_file(stage.bench.path("root.json")).ok();
        if let Some(bad) = bad {
            fs::write(stage.bench.path("root.json"), bad).expect("writes");
        }
        let error = stage.bin.update(&wish(&stage.third), now()).map(drop).expect_err("nothing is trusted");
        assert!(error.may_pass() && error.to_string().contains(fault), "{error}");
        let (standing, (trust, _)) = (stage.bin.repository.standing(), stage.bin.check(now()));
        assert_eq!((standing.root, standing.targets, standing.by), (None, None, TrustBy::Signatures));
        assert!([standing, trust].iter().all(|trust| trust.fault.as_ref().is_some_and(|words| words.contains(fault))));
        assert_eq!(stage.bin.version(), "m2");
    }
    let root = fs::read(stage.bench.hub.metadata_folder().join("1.root.json")).expect("reads");
    fs::write(stage.bench.path("root.json"), root).expect("writes");
    stage.bin.update(&wish(&stage.third), now()).expect("without a restart");
    assert_eq!(stage.bin.repository.standing().targets, Some(3));
}

#[test]
fn an_unset_clock_is_waited_for_and_then_versions_decide_and_it_is_said() {
    let stage = Stage::new();
    let gate = pilah_edge::model_store::gate::Gate::open();
    let patient = stage.bin.repository.clone().patient(std::time::Duration::from_secs(3600));
    let (trust, waits) = patient.check(now(), false, &gate);
    assert_eq!((trust.by, trust.targets, gate.bytes()), (TrustBy::WaitingForTime, Some(2), 0));
    assert!(waits.map(drop).is_err_and(|error| matches!(error, UpdateError::ClockAwaited(_)) && error.may_pass()));
    for now in ["1970-01-01T00:00:07Z", "2099-01-01T00:00:00Z"] {
        let (trust, signed) = stage.bin.repository.check(now.parse().expect("a time"), false, &gate);
        assert_eq!((trust.by, trust.targets), (TrustBy::SignaturesWithoutTime, Some(3)), "{trust:?}");
        assert!(trust.fault.is_some_and(|words| words.contains("not synchronised")));
        signed.expect("believed");
    }
    // A clock in 2099 that says that it is right is not believed against the signatures, and nothing of it stays.
    let (trust, signed) = stage.bin.repository.check("2099-01-01T00:00:00Z".parse().expect("a time"), true, &gate);
    assert!(signed.is_err() && trust.fault.is_some_and(|words| words.contains("this clock is ahead")));
    assert!(stage.bin.check(now()).1.is_ok());
}
