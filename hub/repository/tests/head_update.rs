//! What a bin on a thin link pays for a new head: everything that it loads, from the question whether there is news to
//! the last byte of the head, uncompressed. Sizes, not times: the same on every machine.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use pilah_models::bundle::{FileRef, Manifest};
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, Label, ModelVersion, TargetName};
use pilah_models::train::{Examples, HeadParams, fit};
use pilah_repository::Repository;
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::publish::{Content, Offer};
use pilah_trust::clock::Clock;
use pilah_trust::source::Source;
use pilah_trust::{Checked, Client, Outcome};
use serde_json::{Map, Value, json};

/// The most that it may cost, in bytes.
const MOST: u64 = 64 * 1024;

/// How many versions a hub publishes at most: in service, the one before, and those of an open rollout.
const VERSIONS: u32 = 4;

fn now() -> Timestamp {
    "2026-12-01T02:30:00Z".parse().expect("a time")
}

fn labels(classes: usize) -> Labels {
    Labels::new((0..classes).map(|class| Label::new(format!("class_of_waste_{class}")).expect("a name")).collect())
        .expect("labels")
}

/// A head as a training makes it: for the backbone that ships, with the hidden layer that is the default.
fn head(classes: usize, embedding: usize, seed: u64) -> Vec<u8> {
    let mut examples = Examples::new(embedding);
    for row in 0..classes * 10 {
        let number = |place: usize| ((row * embedding + place) as f32 * 0.618_034).fract();
        let numbers: Vec<f32> = (0..embedding).map(number).collect();
        examples.push(&numbers, row % classes);
    }
    let params = HeadParams { epochs: 1, seed, ..HeadParams::default() };
    let fitted = fit(&examples, &examples, classes, &params, &mut |_| ControlFlow::Continue(()));
    fitted.expect("fits").to_onnx()
}

/// The manifest of a version, with all that a manifest can say.
fn manifest(number: u32, labels: &Labels, head: &[u8]) -> Manifest {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/default/manifest.json");
    let mut manifest = Manifest::parse(&fs::read(shipped).expect("models/default")).expect("a manifest");
    let id = ContentId::of(head);
    manifest.version = ModelVersion::new(format!("m{number}-{}", &id.as_str()[..8])).expect("a version");
    manifest.labels = labels.clone();
    manifest.head = FileRef::of(head);
    let probability = |place: usize| (place as f32 * 0.618_034).fract() / 1000.0;
    manifest.thresholds = labels.as_slice().iter().cloned().zip((1..).map(probability)).collect();
    let row = |input: usize| (1..=labels.len()).map(|class| probability(input * 100 + class)).collect();
    manifest.golden.probabilities = (0..4).map(row).collect();
    manifest.lineage.parent = Some(manifest.version.clone());
    manifest
}

fn offer(name: String, bytes: Vec<u8>, custom: Value) -> Offer {
    let custom: Map<String, Value> = serde_json::from_value(custom).expect("an object");
    Offer { name: TargetName::new(name).expect("a name"), content: Content::Bytes(bytes), custom }
}

fn network(kind: &str, bytes: &[u8]) -> Offer {
    let name = format!("{kind}-{}.onnx", &ContentId::of(bytes).as_str()[..16]);
    offer(name, bytes.to_vec(), json!({"kind": "network"}))
}

/// What is in force with these versions, and a program for each kind of machine.
fn offers(versions: impl Iterator<Item = u32>, classes: usize, embedding: usize) -> Vec<Offer> {
    let mut offers = vec![network("backbone", b"shared by all versions")];
    let labels = labels(classes);
    for number in versions {
        let head = head(classes, embedding, number.into());
        let manifest = manifest(number, &labels, &head);
        let version = manifest.version.as_str();
        let custom = json!({"kind": "model", "version": version, "labels": labels});
        offers.extend([offer(format!("{version}.json"), manifest.to_bytes(), custom), network("head", &head)]);
    }
    for arch in ["amd64", "arm64"] {
        let custom = json!({"kind": "program", "version": "0.2.0", "arch": arch});
        offers.push(offer(format!("pilah-edge_0.2.0_{arch}.deb"), arch.into(), custom));
    }
    offers
}

fn check(bin: &Client) -> Checked {
    match bin.check(Clock { now: now(), synchronised: true, waited: Duration::ZERO }).expect("believed") {
        Outcome::Checked(checked) => checked,
        Outcome::Waiting(left) => panic!("waits {left:?}"),
    }
}

/// What a bin that is up to date loads when the newest of the versions is published: metadata, manifest, head.
fn update(classes: usize, embedding: usize) -> [u64; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let repository = Repository::new(folder.path().join("repository"), Policy::default());
    let keys = KeyFolders::one_machine(&folder.path().join("keys"));
    repository.init(&keys, now()).expect("the first keys");
    let root = folder.path().join("trusted.json");
    fs::write(&root, repository.root_of_trust().expect("a root")).expect("writes");
    let source = Source::folder(folder.path().join("repository"));
    let bin = Client::new(&root, folder.path().join("bin"), source, Duration::ZERO).expect("a client");
    let store = folder.path().join("models");
    fs::create_dir(&store).expect("a folder");

    repository.publish(&keys, offers(1..VERSIONS, classes, embedding), now()).expect("publishes");
    for target in check(&bin).trusted.targets() {
        bin.fetch(target, &store, MOST * 16).expect("fetches");
    }
    repository.publish(&keys, offers(1..VERSIONS + 1, classes, embedding), now()).expect("publishes");
    let checked = check(&bin);
    let (mut manifest, mut head) = (0, 0);
    for target in checked.trusted.targets() {
        let fetched = bin.fetch(target, &store, MOST * 16).expect("fetches").bytes;
        *if target.custom["kind"] == "model" { &mut manifest } else { &mut head } += fetched;
    }
    [checked.bytes, manifest, head]
}

#[test]
fn a_new_head_costs_a_bin_at_most_64_kib_with_all_that_is_signed() {
    for classes in [6, 12, 40] {
        let [metadata, manifest, head] = update(classes, 256);
        let all = metadata + manifest + head;
        println!("{classes} classes: {metadata} of metadata, {manifest} of manifest, {head} of head: {all}");
        assert!(metadata > 0 && manifest > 0 && head > 32 * 1024, "all three were loaded");
        assert!(all <= MOST, "{classes} classes: {metadata} + {manifest} + {head} = {all} bytes");
    }
}
