//! What comes over the network, and what does not have to come again.

use std::fs;

use pilah_trust::target::{STEP, absent};
use pilah_trust::{Note, TrustError};

use crate::bench::{Answer, Bench, check, now};

#[test]
fn only_what_is_new_is_fetched() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    check(&bin, now()).expect("believed");
    assert_eq!(bench.asked().0, ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"]);
    let second = check(&bin, now()).expect("believed");
    let (asked, bytes) = bench.asked();
    assert_eq!((asked, second.new), (vec!["2.root.json".to_owned(), "timestamp.json".to_owned()], false));
    assert_eq!((bytes, second.bytes), (bench.metadata("timestamp.json").len() as u64, bytes));
    assert!(bytes < 600, "a check without news costs {bytes} bytes");
    // A snapshot that is signed anew names the same list.
    bench.repository.renew(&bench.keys, crate::bench::later(40)).expect("signs");
    check(&bin, crate::bench::later(40)).expect("believed");
    assert_eq!(bench.asked().0, ["2.root.json", "timestamp.json", "3.snapshot.json"]);
}

#[test]
fn a_number_that_was_used_twice_is_fetched_anew_and_said() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let before = bench.copy("before");
    bench.publish(&[("model", "two")]);
    check(&bin, now()).expect("believed");
    // The hub was restored from a copy, has published something else under the same number, and signs on.
    fs::remove_dir_all(bench.path("repository")).expect("lost");
    fs::rename(bench.path("before"), bench.path("repository")).expect("restored");
    drop(before);
    bench.publish(&[("model", "other")]);
    for day in [2, 4] {
        bench.repository.renew(&bench.keys, crate::bench::later(day)).expect("signs");
    }
    let checked = check(&bin, crate::bench::later(4)).expect("believed");
    assert_eq!((checked.notes, checked.trusted.versions.targets), (vec![Note::NumberUsedTwice], 3));
}

/// Text that does not repeat.
fn text(length: usize) -> String {
    let mut text: String =
        (0..length / 8 + 1).map(|i| format!("{:08x}", i.wrapping_mul(2_654_435_761) & 0xffff_ffff)).collect();
    text.truncate(length);
    text
}

#[test]
fn a_target_that_broke_off_at_any_byte_is_taken_up_there() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let text = text(200_000);
    bench.publish(&[("model", &text)]);
    let trusted = check(&bin, now()).expect("believed").trusted;
    let target = trusted.target("model").expect("named");
    let file = format!("{}.model", target.sha256);
    for at in [0, 1, 4_095, 4_096, 65_535, 65_536, 65_537, 131_072, 199_999] {
        let store = bench.path(&format!("store {at}"));
        bench.asked();
        bench.answer(&file, Answer::BreaksAt(at));
        assert!(matches!(bin.fetch(target, &store, 1 << 20), Err(TrustError::Unreachable { .. })), "{at}");
        let (lacking, bytes) = absent(trusted.targets(), &store);
        assert_eq!((lacking.len(), bytes), (1, 200_000 - at));
        bench.honest();
        let fetched = bin.fetch(target, &store, 1 << 20).expect("taken up");
        assert_eq!((fetched.resumed, fetched.bytes), (at, 200_000 - at));
        assert_eq!(bench.asked().1, 200_000, "no byte twice");
        assert_eq!(fs::read_to_string(&fetched.path).expect("reads"), text);
        assert_eq!(absent(trusted.targets(), &store), (vec![], 0));
        assert_eq!(bin.fetch(target, &store, 1 << 20).expect("there").bytes, 0);
        assert_eq!(bench.asked().0, Vec::<String>::new(), "what is there is not asked for");
    }
    // What is on its way to the disk when the power fails is less than what may be fetched again.
    const { assert!(2 * STEP <= 64 * 1024) };
}

#[test]
fn a_part_that_is_wrong_is_fetched_once_more_from_the_start() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let text = text(100_000);
    bench.publish(&[("model", &text)]);
    let trusted = check(&bin, now()).expect("believed").trusted;
    let target = trusted.target("model").expect("named");
    let store = bench.path("store");
    fs::create_dir_all(&store).expect("makes");
    for part in [vec![0; 40_000], vec![0; 100_000], vec![0; 100_001]] {
        fs::write(store.join(format!("{}.part", target.sha256)), &part).expect("a card lost blocks");
        let fetched = bin.fetch(target, &store, 1 << 20).expect("mended");
        assert_eq!(fs::read_to_string(&fetched.path).expect("reads"), text);
        assert_eq!(fs::read_dir(&store).expect("lists").count(), 1);
        fs::remove_file(&fetched.path).expect("removes");
    }
    // A whole file that went bad is fetched again, too.
    fs::write(store.join(&target.sha256), vec![1; 100_000]).expect("bad");
    assert!(!target.is_in(&store));
    assert_eq!(bin.fetch(target, &store, 1 << 20).expect("mended").bytes, 100_000);
}

#[test]
fn a_server_without_ranges_is_read_from_the_first_byte() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let text = text(90_000);
    bench.publish(&[("model", &text)]);
    let trusted = check(&bin, now()).expect("believed").trusted;
    let target = trusted.target("model").expect("named");
    let file = format!("{}.model", target.sha256);
    bench.answer(&file, Answer::BreaksAt(50_000));
    bin.fetch(target, &bench.path("store"), 1 << 20).expect_err("broken off");
    bench.answer(&file, Answer::NoRanges);
    let fetched = bin.fetch(target, &bench.path("store"), 1 << 20).expect("fetched");
    assert_eq!((fetched.resumed, fetched.bytes), (0, 90_000));
    assert_eq!(fs::read_to_string(fetched.path).expect("reads"), text);
}

#[test]
fn a_new_head_costs_a_bin_less_than_64_kib_in_all() {
    let bench = Bench::new();
    let bin = bench.bin("bin");
    let heads: Vec<(String, String)> =
        (0..50).map(|i| (format!("head-{i}.onnx"), text(31_000)[i..].to_owned())).collect();
    let listed = |count: usize| heads[..count].iter().map(|(name, head)| (&**name, &**head)).collect::<Vec<_>>();
    bench.publish(&listed(49));
    check(&bin, now()).expect("believed");
    bench.publish(&listed(50));
    bench.asked();
    let trusted = check(&bin, now()).expect("believed").trusted;
    let metadata = bench.asked().1;
    bin.fetch(trusted.target("head-49.onnx").expect("named"), &bench.path("store"), 1 << 20).expect("fetched");
    let head = bench.asked().1;
    assert!(metadata < 50 * 160 + 1_600, "metadata of 50 targets: {metadata} bytes");
    assert!(metadata + head < 64 * 1024, "{metadata} + {head} bytes");
    println!("metadata {metadata}, head {head}");
}
