use std::fs;

use pilah_models::labels::Labels;
use pilah_models::name::{BinId, ModelVersion};
use pilah_models::wire::{
    Event, Header, LARGEST_JPEG, Message, Outcome, Probabilities, Sample, SampleMeta, SampleReason,
};
use proptest::prelude::*;

use super::*;
use crate::camera::chamber::{Chamber, ChamberConfig};
use crate::camera::{Camera, Frame};
use crate::samples::SampleRules;

const RULES: OutboxRules = OutboxRules { max_bytes: 1 << 20, segment_bytes: 2000 };

fn body(seq: u64, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (seq as usize * 31 + i) as u8).collect()
}

fn add(outbox: &mut Outbox, kind: Kind, bytes: usize) -> Key {
    let key = outbox.next_key();
    outbox.append(key, kind, 3, body(key.seq, bytes));
    outbox.sync().expect("synced");
    outbox.handle_sent(key);
    key
}

fn waiting(outbox: &Outbox) -> Vec<Key> {
    let mut keys: Vec<_> = outbox.in_order().map(|(key, _)| key).collect();
    keys.sort();
    keys
}

fn assert_whole(outbox: &mut Outbox, bytes: usize) {
    for key in waiting(outbox) {
        assert_eq!(outbox.body(key), Some(body(key.seq, bytes)), "{key:?}");
    }
}

fn segments(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("lists").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "seg")).count()
}

#[test]
fn entries_are_found_again_until_they_are_acknowledged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut outbox = Outbox::open(folder.path(), RULES).expect("opens");
    let keys: Vec<_> = (0..40).map(|_| add(&mut outbox, Kind::Event, 100)).collect();
    assert!(segments(folder.path()) > 1);
    for key in &keys[..25] {
        assert_eq!(outbox.acknowledge(*key), Acknowledged::Taken);
        assert_eq!(outbox.acknowledge(*key), Acknowledged::Before);
    }
    drop(outbox);
    let mut outbox = Outbox::open(folder.path(), RULES).expect("opens again");
    assert_eq!(waiting(&outbox), keys[25..]);
    assert_whole(&mut outbox, 100);
    let never = Key { epoch: keys[0].epoch ^ 1, seq: 1 };
    assert_eq!(outbox.acknowledge(never), Acknowledged::Unknown);
    assert_eq!(outbox.acknowledge(Key { seq: 1 << 40, ..keys[0] }), Acknowledged::Unknown);
    for key in &keys[25..] {
        outbox.acknowledge(*key);
    }
    assert!(outbox.is_empty());
    outbox.close().expect("closes");
    assert!(segments(folder.path()) <= 1, "what is done with is deleted");
}

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut outbox = Outbox::open(folder.path(), RULES).expect("opens");
    let key = outbox.next_key();
    outbox.append(key, Kind::Event, 0, body(key.seq, 100));
    assert_eq!(outbox.acknowledge(key), Acknowledged::Unknown);
    assert_eq!(outbox.body(key), Some(body(key.seq, 100)), "it stays");
    outbox.handle_sent(key);
    assert_eq!(outbox.acknowledge(key), Acknowledged::Taken);
    let waits = outbox.next_key();
    outbox.append(waits, Kind::Event, 0, body(waits.seq, 100));
    outbox.close().expect("closes");
    let mut outbox = Outbox::open(folder.path(), RULES).expect("opens again");
    assert_eq!(outbox.acknowledge(waits), Acknowledged::Taken, "the last run may have sent it");
}

/// The figures in the essay of the module.
#[test]
fn a_week_offline_fits() {
    const ITEMS: u64 = 7 * 24 * 60;
    let mut chamber =
        Chamber::new(ChamberConfig { width: 640, height: 480, ..ChamberConfig::default() }).expect("valid");
    let lies = |frame: &Frame| frame.truth.is_some() && frame.at.as_secs_f32() > 2.5;
    let frame = std::iter::repeat_with(|| chamber.next_frame().expect("it never ends")).find(lies).expect("an item");
    let (jpeg, width, height) = SampleRules::default().encode(&frame.rgb).expect("fits");
    let probabilities: Probabilities = Labels::waste().as_slice().iter().map(|l| (l.clone(), 1.0 / 6.0)).collect();
    let header = Header {
        v: 1,
        bin: BinId::new("kantin-lantai-2").expect("valid"),
        epoch: u32::MAX,
        seq: ITEMS,
        at: "2026-11-22T10:15:30.123456789Z".parse().expect("valid"),
        clock_synced: true,
    };
    let outcome = Outcome::Unsure { guess: Labels::waste().as_slice()[0].clone() };
    let model = ModelVersion::new("m12-5f2c81aa").expect("valid");
    let meta = SampleMeta {
        header: header.clone(),
        event: ITEMS,
        reason: SampleReason::Unsure,
        outcome: outcome.clone(),
        confidence: 0.412_345_67,
        probabilities: probabilities.clone(),
        model: model.clone(),
        width,
        height,
        truth: None,
    };
    let event = Event {
        header,
        outcome,
        confidence: 0.412_345_67,
        probabilities,
        model,
        latency_ms: 212.512_34,
        frames: 3,
        truth: None,
    };
    let event = u64::from(segment::record_bytes(&event.encode()));
    let image = u64::from(segment::record_bytes(&Sample { meta, jpeg }.encode()));
    eprintln!("an event takes {event} bytes, an image {image}; {ITEMS} items {} bytes", ITEMS * (event + image / 4));
    let most = OutboxRules::default().max_bytes;
    assert!((350..500).contains(&event) && (50_000..100_000).contains(&image), "{event}, {image}");
    assert!(ITEMS * (event + image / 4) < most * 4 / 5, "with an image of every fourth item");
    assert!(ITEMS * event + ITEMS / 5 * LARGEST_JPEG as u64 <= most, "with the largest image of every fifth");
}

#[test]
fn a_cut_at_any_byte_loses_only_what_it_cuts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rules = OutboxRules { segment_bytes: 1 << 20, ..RULES };
    let mut outbox = Outbox::open(folder.path(), rules).expect("opens");
    let keys: Vec<_> = (0..4).map(|_| add(&mut outbox, Kind::Event, 20)).collect();
    drop(outbox);
    let segment = segment::path(folder.path(), 1);
    let whole = fs::read(&segment).expect("reads");
    let record = (whole.len() - 8) / 4;
    for cut in 0..=whole.len() {
        let other = tempfile::tempdir().expect("a temporary folder");
        for file in fs::read_dir(folder.path()).expect("lists") {
            let file = file.expect("an entry").path();
            fs::copy(&file, other.path().join(file.file_name().expect("a name"))).expect("copies");
        }
        fs::write(segment::path(other.path(), 1), &whole[..cut]).expect("cuts");
        let mut outbox = Outbox::open(other.path(), rules).expect("opens");
        let left = cut.saturating_sub(8) / record;
        assert_eq!(waiting(&outbox), keys[..left], "cut at {cut}");
        assert_whole(&mut outbox, 20);
        let torn = cut > 8 && !(cut - 8).is_multiple_of(record);
        assert_eq!(outbox.state().damaged, u64::from(torn), "cut at {cut}");
        let next = add(&mut outbox, Kind::Event, 20);
        assert!(!keys.contains(&next), "{next:?} was used before");
        assert_eq!(waiting(&Outbox::open(other.path(), rules).expect("opens")).len(), left + 1);
    }
}

#[test]
fn a_flipped_bit_costs_one_entry_and_is_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rules = OutboxRules { segment_bytes: 1 << 20, ..RULES };
    let mut outbox = Outbox::open(folder.path(), rules).expect("opens");
    let keys: Vec<_> = (0..4).map(|_| add(&mut outbox, Kind::Event, 20)).collect();
    let segment = segment::path(folder.path(), 1);
    let mut bytes = fs::read(&segment).expect("reads");
    let record = (bytes.len() - 8) / 4;
    bytes[8 + record + 30] ^= 1;
    fs::write(&segment, &bytes).expect("writes");
    assert_eq!(outbox.body(keys[1]), None, "found while running");
    assert_eq!((outbox.state().damaged, outbox.state().entries), (1, 3));
    fs::write(&segment, &bytes).expect("writes");
    drop(outbox);
    let outbox = Outbox::open(folder.path(), rules).expect("opens");
    assert_eq!(waiting(&outbox), [keys[0], keys[2], keys[3]]);
    assert_eq!(outbox.state().damaged, 1);
}

#[test]
fn a_full_outbox_drops_images_before_events_and_counts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rules = OutboxRules { max_bytes: 10_000, segment_bytes: 2000 };
    let mut outbox = Outbox::open(folder.path(), rules).expect("opens");
    for round in 0..60 {
        let kind = if round % 2 == 0 { Kind::Sample } else { Kind::Event };
        add(&mut outbox, kind, 300);
        assert!(outbox.state().bytes <= rules.max_bytes);
    }
    let kinds: Vec<_> = outbox.in_order().map(|(_, kind)| kind).collect();
    assert!(kinds.iter().filter(|kind| **kind == Kind::Event).count() >= 30, "no event was dropped: {kinds:?}");
    let state = outbox.state();
    assert_eq!((state.dropped_events, state.dropped_samples), (0, 60 - state.entries));
    for _ in 0..60 {
        add(&mut outbox, Kind::Event, 300);
    }
    let state = outbox.state();
    assert_eq!((state.dropped_samples, state.dropped_events), (30, 90 - state.entries));
    assert_whole(&mut outbox, 300);
    let on_disk: u64 = fs::read_dir(folder.path())
        .expect("lists")
        .map(|entry| entry.and_then(|e| e.metadata()).expect("a file").len())
        .sum();
    assert!(on_disk < rules.max_bytes * 5 / 4 + 3 * rules.segment_bytes, "{on_disk} bytes on disk");
}

#[test]
fn an_old_entry_does_not_keep_the_files_growing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut outbox = Outbox::open(folder.path(), RULES).expect("opens");
    let mut stuck = Vec::new();
    for round in 0..400 {
        let key = add(&mut outbox, Kind::Event, 100);
        if round % 40 == 0 {
            stuck.push(key);
        } else {
            outbox.acknowledge(key);
        }
    }
    assert!(segments(folder.path()) <= 4, "{} segments", segments(folder.path()));
    drop(outbox);
    let mut outbox = Outbox::open(folder.path(), RULES).expect("opens");
    assert_eq!(waiting(&outbox), stuck);
    assert_whole(&mut outbox, 100);
}

#[test]
fn without_a_disk_the_bin_goes_on_in_memory_within_bounds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    fs::write(&path, b"in the way").expect("writes");
    let error = Outbox::open(&path, RULES).expect_err("a file is no folder");
    assert_eq!(error.to_string(), format!("the outbox cannot use {}", path.display()));

    let mut outbox = Outbox::in_memory(OutboxRules::default());
    let key = add(&mut outbox, Kind::Event, 50);
    assert_eq!(outbox.body(key), Some(body(key.seq, 50)));
    for _ in 0..50 {
        add(&mut outbox, Kind::Sample, 100_000);
    }
    let state = outbox.state();
    assert!(state.dropped_samples > 0 && state.entries + state.dropped_samples == 51, "{state:?}");
    assert_eq!(outbox.acknowledge(key), Acknowledged::Taken);
}

#[test]
fn in_memory_images_make_room_for_events() {
    let mut outbox = Outbox::in_memory(OutboxRules::default());
    while outbox.state().dropped_samples == 0 {
        add(&mut outbox, Kind::Sample, 100_000);
    }
    let events: Vec<_> = (0..200).map(|_| add(&mut outbox, Kind::Event, 1000)).collect();
    assert_eq!(outbox.state().dropped_events, 0);
    assert!(events.iter().all(|key| outbox.kind(*key) == Some(Kind::Event)));
}

#[test]
fn a_disk_that_goes_away_is_told_and_used_again_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("outbox");
    let mut outbox = Outbox::open(&path, RULES).expect("opens");
    let first = add(&mut outbox, Kind::Event, 1500);
    fs::rename(&path, folder.path().join("away")).expect("renames");
    let lost = outbox.next_key();
    outbox.append(lost, Kind::Event, 0, body(lost.seq, 1500));
    assert!(outbox.sync().is_err(), "the folder is gone");
    assert_eq!(outbox.body(lost), Some(body(lost.seq, 1500)), "it waits in memory");
    fs::rename(folder.path().join("away"), &path).expect("renames back");
    let third = add(&mut outbox, Kind::Event, 100);
    drop(outbox);
    assert_eq!(waiting(&Outbox::open(&path, RULES).expect("opens")), [first, lost, third], "nothing is lost");
}

#[derive(Debug, Clone)]
enum Step {
    Add {
        sample: bool,
        bytes: usize,
    },
    Acknowledge(usize),
    Reopen,
    /// Reopen after the last bytes of the newest segment were lost.
    Cut(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), 1_usize..400).prop_map(|(sample, bytes)| Step::Add { sample, bytes }),
        4 => any::<usize>().prop_map(Step::Acknowledge),
        1 => Just(Step::Reopen),
        1 => (1_usize..300).prop_map(Step::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Against a model: what was added and not acknowledged is there, whole and in order of age;
    /// after a cut, all but what was written last; no number is used twice.
    #[test]
    fn behaves_as_its_model(steps in prop::collection::vec(step(), 1..80)) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut outbox = Outbox::open(folder.path(), RULES).expect("opens");
        let mut model: BTreeMap<Key, Vec<u8>> = BTreeMap::new();
        let mut used = BTreeSet::new();
        for step in steps {
            match step {
                Step::Add { sample, bytes } => {
                    let key = outbox.next_key();
                    prop_assert!(used.insert(key), "{:?} twice", key);
                    let body = body(key.seq, bytes);
                    outbox.append(key, if sample { Kind::Sample } else { Kind::Event }, 0, body.clone());
                    outbox.sync().expect("synced");
                    outbox.handle_sent(key);
                    model.insert(key, body);
                }
                Step::Acknowledge(which) => {
                    if let Some(key) = model.keys().nth(which % model.len().max(1)).copied() {
                        prop_assert_eq!(outbox.acknowledge(key), Acknowledged::Taken);
                        model.remove(&key);
                    }
                }
                Step::Reopen => {
                    outbox.close().expect("closes");
                    outbox = Outbox::open(folder.path(), RULES).expect("opens");
                }
                Step::Cut(bytes) => {
                    let newest = outbox.segments.keys().last().copied();
                    drop(outbox);
                    if let Some(path) = newest.map(|id| segment::path(folder.path(), id)) {
                        let whole = fs::read(&path).expect("reads");
                        fs::write(&path, &whole[..whole.len().saturating_sub(bytes)]).expect("cuts");
                    }
                    outbox = Outbox::open(folder.path(), RULES).expect("opens");
                    let left = waiting(&outbox);
                    prop_assert!(left.iter().all(|key| model.contains_key(key)), "nothing comes back from the dead");
                    model.retain(|key, _| left.contains(key));
                }
            }
            let there = waiting(&outbox);
            prop_assert_eq!(&there, &model.keys().copied().collect::<Vec<_>>());
        }
        for (key, body) in model {
            prop_assert_eq!(outbox.body(key), Some(body));
        }
    }
}
