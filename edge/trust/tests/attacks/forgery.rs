//! Files that nobody signed, or that were changed, mixed, or replaced by something else.

use std::fs;

use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::{Repository, RoleType};
use pilah_trust::TrustError;

use crate::bench::{Answer, Bench, believed, check, later, now, publish, refused};

/// One letter of signed content changed, in a file that still is JSON.
fn changed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let other = text.replace("\"expires\":\"20", "\"expires\":\"21");
    assert_ne!(text, other);
    other.into_bytes()
}

#[test]
fn an_arbitrary_target_is_deleted_and_never_has_a_name() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let trusted = check(&bin, now()).expect("believed").trusted;
    let target = trusted.target("model").expect("named");
    let store = bench.path("store");
    for evil in ["two", "one and more", "one\0"] {
        bench.bytes(&bench.target_file("model"), evil);
        let error = bin.fetch(target, &store, 1024).expect_err(evil);
        assert!(matches!(&error, TrustError::ArbitraryTarget { name, .. } if name == "model"), "{evil}: {error}");
        assert_eq!(fs::read_dir(&store).expect("lists").count(), 0, "nothing is left of {evil}");
    }
    bench.answer(&bench.target_file("model"), Answer::NotThere);
    assert!(matches!(bin.fetch(target, &store, 1024), Err(TrustError::Lacking { .. })));
    assert!(matches!(bin.fetch(target, &store, 2), Err(TrustError::TargetTooLarge { length: 3, most: 2, .. })));
    assert!(matches!(trusted.target("other"), Err(TrustError::NoSuchTarget(name)) if name == "other"));
    bench.honest();
    assert_eq!(fs::read(bin.fetch(target, &store, 1024).expect("fetched").path).expect("reads"), b"one");
}

#[test]
fn metadata_changed_after_it_was_signed_is_told_from_the_rest() {
    for file in ["timestamp.json", "3.snapshot.json", "3.targets.json", "2.root.json"] {
        let bench = Bench::new();
        let bin = bench.bin("bin");
        check(&bin, now()).expect("believed");
        bench.publish(&[("model", "two")]);
        bench.repository.rotate(&bench.keys, RoleType::Root, now()).expect("new keys");
        bench.bytes(file, changed(&bench.metadata(file)));
        let error = refused(&bin, now());
        assert!(matches!(&error, TrustError::Tampered { file: named } if named == file), "{file}: {error}");
        bench.honest();
        assert_eq!(check(&bin, now()).expect("believed").trusted.versions.targets, 3);
    }
}

#[test]
fn any_byte_changed_anywhere_is_refused() {
    for file in ["timestamp.json", "3.snapshot.json", "3.targets.json", "2.root.json"] {
        let bench = Bench::new();
        let bin = bench.bin("bin");
        check(&bin, now()).expect("believed");
        bench.publish(&[("model", "two")]);
        bench.repository.rotate(&bench.keys, RoleType::Root, now()).expect("new keys");
        let whole = bench.metadata(file);
        // `tough` passes over the word after `_type`, and verifies as if the right one had been there.
        let word = whole.windows(9).position(|bytes| bytes == b"\"_type\":\"").expect("a type") + 9;
        let word = word..word + whole[word..].iter().position(|byte| *byte == b'"').expect("its end");
        for at in (0..whole.len()).step_by(7).filter(|at| !word.contains(at)) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            bench.bytes(file, changed);
            let error = check(&bin, now()).expect_err("refused");
            assert_eq!(believed(&bin), ["model"], "{file} {at}: {error}");
        }
        for length in (0..whole.len()).step_by(31) {
            bench.bytes(file, &whole[..length]);
            refused(&bin, now());
        }
        bench.honest();
        assert_eq!(check(&bin, now()).expect("believed").trusted.versions.targets, 3);
    }
}

#[test]
fn another_repositorys_keys_are_not_believed() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    let other = Repository::new(bench.path("other"), Policy::default());
    let keys = KeyFolders::one_machine(&bench.path("other keys"));
    other.init(&keys, now()).expect("keys");
    publish(&other, &keys, &[("model", "evil")]);
    publish(&other, &keys, &[("model", "worse")]);
    bench.play(&other);
    let error = refused(&bin, now());
    assert!(
        matches!(&error, TrustError::WrongKeys { file, role: RoleType::Timestamp, root: 1 } if file == "timestamp.json"),
        "{error}"
    );

    // A root that it made itself, as the next one.
    other.rotate(&keys, RoleType::Root, now()).expect("new keys");
    bench.play(&other);
    let error = refused(&bin, now());
    assert!(
        matches!(&error, TrustError::WrongKeys { file, role: RoleType::Root, .. } if file == "2.root.json"),
        "{error}"
    );
    assert_eq!(believed(&bin), ["model"]);
}

#[test]
fn too_few_of_several_keys_are_not_enough() {
    let bench = Bench::new();
    let mut policy = Policy::default();
    (policy.timestamp.keys, policy.timestamp.threshold) = (2, 2);
    Repository::new(bench.path("repository"), policy)
        .rotate(&bench.keys, RoleType::Timestamp, now())
        .expect("new keys");
    let bin = bench.bin("bin");
    check(&bin, now()).expect("both signed");
    let mut one: serde_json::Value = serde_json::from_slice(&bench.metadata("timestamp.json")).expect("JSON");
    let signatures = one["signatures"].as_array_mut().expect("a list");
    // Of three, one is by the key before; one of the two that count is taken away, and one that counts is there twice.
    assert_eq!(signatures.len(), 3);
    let root: serde_json::Value = serde_json::from_slice(&bench.metadata("2.root.json")).expect("JSON");
    let counts = root["signed"]["roles"]["timestamp"]["keyids"].as_array().expect("a list").clone();
    signatures.retain(|signature| counts.contains(&signature["keyid"]));
    signatures.pop();
    bench.bytes("timestamp.json", one.to_string());
    assert!(matches!(refused(&bin, now()), TrustError::WrongKeys { role: RoleType::Timestamp, root: 2, .. }));
    let signatures = one["signatures"].as_array_mut().expect("a list");
    signatures.push(signatures[0].clone());
    bench.bytes("timestamp.json", one.to_string());
    refused(&bin, now());
}

#[test]
fn files_of_different_times_are_not_mixed() {
    for (file, other) in [("3.snapshot.json", "2.snapshot.json"), ("3.targets.json", "2.targets.json")] {
        let bench = Bench::new();
        let bin = bench.bin("bin");
        check(&bin, now()).expect("believed");
        bench.publish(&[("model", "two")]);
        bench.bytes(file, bench.metadata(other));
        let error = refused(&bin, now());
        assert!(matches!(&error, TrustError::MixAndMatch { file: named } if named == file), "{error}");
    }
}

#[test]
fn data_without_end_is_read_up_to_its_ceiling() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    bench.publish(&[("model", "two")]);
    bench.asked();
    for (file, most) in [("2.root.json", 64), ("timestamp.json", 16), ("3.snapshot.json", 64), ("3.targets.json", 1024)]
    {
        for byte in [b' ', b'[', 0] {
            bench.answer(file, Answer::Endless(byte));
            let error = refused(&bin, now());
            assert!(
                matches!(&error, TrustError::TooLarge { file: named, most: limit } if named == file && *limit == most * 1024),
                "{error}"
            );
            let (_, bytes) = bench.asked();
            assert!(bytes <= (most + 8) * 1024, "{file}: {bytes}");
        }
        bench.honest();
    }
    let trusted = check(&bin, now()).expect("believed").trusted;
    let target = trusted.target("model").expect("named");
    let file = bench.target_file("model");
    bench.asked();
    for name in [file, format!("{}.model", target.sha256)] {
        bench.answer(&name, Answer::Endless(b'x'));
    }
    let error = bin.fetch(target, &bench.path("store"), 1024).expect_err("endless");
    assert!(matches!(error, TrustError::ArbitraryTarget { .. }), "{error}");
    assert_eq!(bench.asked().1, 4, "one byte more than was signed");
}

#[test]
fn what_is_no_repository_is_told_from_a_forgery() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    for file in ["2.root.json", "timestamp.json"] {
        bench.bytes(file, "\n <!doctype html><title>Log in</title>");
        assert!(matches!(refused(&bin, now()), TrustError::Html { file: named } if named == file));
        bench.bytes(file, "{\"signed\":");
        assert!(matches!(refused(&bin, now()), TrustError::Unreadable { file: named, .. } if named == file));
        bench.bytes(file, "");
        assert!(matches!(refused(&bin, now()), TrustError::Unreadable { .. }));
        bench.answer(file, Answer::BreaksAt(100));
        if file == "timestamp.json" {
            assert!(matches!(refused(&bin, now()), TrustError::Unreachable { .. }));
        }
        bench.honest();
    }
    bench.answer("timestamp.json", Answer::NotThere);
    let error = refused(&bin, now());
    assert!(matches!(&error, TrustError::Lacking { file } if file == "timestamp.json"), "{error}");
    assert!(error.to_string().contains("is the address right"), "{error}");
}

#[test]
fn a_server_out_of_order_does_not_keep_keys_in_force_that_were_exchanged() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    let old = bench.copy("old");
    let thief = KeyFolders::one_machine(&bench.path("stolen"));
    fs::create_dir_all(bench.path("stolen")).expect("makes");
    std::process::Command::new("cp")
        .arg("-rp")
        .arg(bench.path("keys/."))
        .arg(bench.path("stolen"))
        .status()
        .expect("copies");
    bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
    old.renew(&thief, later(3)).expect("signs with the old key");
    bench.play(&old);
    bench.answer("2.root.json", Answer::Error);
    let error = refused(&bin, later(3));
    assert!(matches!(&error, TrustError::Unreachable { file, .. } if file == "2.root.json"), "{error}");
}

#[test]
fn a_root_of_trust_that_is_none_is_refused_at_the_start() {
    let bench = Bench::new();
    let source = || pilah_trust::source::Source::folder(bench.path("repository"));
    let client = |name: &str| {
        pilah_trust::Client::new(&bench.path(name), bench.path("bin"), source(), std::time::Duration::ZERO)
    };
    let error = client("none").expect_err("no file").to_string();
    assert!(error.contains("none") && error.contains("enrolment"), "{error}");
    for bad in
        [b"".to_vec(), b"<html>".to_vec(), changed(&bench.metadata("1.root.json")), bench.metadata("timestamp.json")]
    {
        fs::write(bench.path("bad"), bad).expect("writes");
        assert!(matches!(client("bad"), Err(TrustError::BadRoot { .. })));
    }
}
