//! Models that have learned nothing yet, made on the spot.

use std::path::Path;

use pilah_models::bundle::{self, Bundle, FileRef, InputSpec, Lineage, Manifest};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::ModelVersion;
use pilah_models::onnx;

use crate::program::repository;

/// Width and height of the small one's input.
const SIDE: u32 = 64;
/// Length of its embedding.
const EMBEDDING: usize = 24;

/// Makes a bundle with random features and a head that knows nothing.
///
/// # Panics
/// If the runtime cannot run it.
#[must_use]
pub fn untrained(version: &str) -> Bundle {
    headless(version, Labels::waste(), InputSpec::square(SIDE), EMBEDDING, onnx::tiny_backbone(7, SIDE, EMBEDDING))
}

/// Makes a bundle with the backbone that ships and a head that knows nothing: it can learn.
///
/// # Panics
/// If the model that ships cannot be run.
#[must_use]
pub fn teachable(version: &str) -> Bundle {
    let shipped = Bundle::read(&repository().join("models/default")).expect("the model that ships is whole");
    let Manifest { labels, input, embedding, .. } = shipped.manifest().clone();
    headless(version, labels, input, embedding, shipped.backbone().to_vec())
}

/// A backbone with a head that finds all classes equally likely. Each version has a head of its own
/// content: a bias that is the same for all classes changes the bytes and nothing else.
fn headless(version: &str, labels: Labels, input: InputSpec, embedding: usize, backbone: Vec<u8>) -> Bundle {
    let bias = version.bytes().map(f32::from).sum::<f32>() / 1000.0;
    let (weights, biases) = (vec![0.0; labels.len() * embedding], vec![bias; labels.len()]);
    let head = onnx::write_head(&weights, &biases, labels.len(), embedding);
    let recorded = golden::record(
        &Backbone::load(&backbone, &input).expect("a valid network"),
        &Head::load(&head, embedding, labels.len()).expect("a valid head"),
        &input,
        1e-3,
    );
    let manifest = Manifest {
        format: bundle::FORMAT,
        version: ModelVersion::new(version).expect("a valid version"),
        created_at: "2026-01-01T00:00:00Z".parse().expect("a valid time"),
        thresholds: bundle::uniform_thresholds(&labels, 0.3),
        labels,
        input,
        embedding,
        backbone: FileRef::of(&backbone),
        head: FileRef::of(&head),
        golden: recorded.expect("the model runs"),
        lineage: Lineage::default(),
    };
    Bundle::seal(manifest, backbone, head).expect("consistent")
}

/// As [`untrained`], but its manifest promises other answers than it gives.
///
/// # Panics
/// As [`untrained`].
#[must_use]
pub fn with_wrong_golden_outputs(version: &str) -> Bundle {
    let honest = untrained(version);
    let mut golden = honest.manifest().golden.clone();
    golden.probabilities[0].fill(0.0);
    golden.probabilities[0][0] = 1.0;
    let manifest = Manifest { golden, ..honest.manifest().clone() };
    Bundle::seal(manifest, honest.backbone().to_vec(), honest.head().to_vec()).expect("consistent")
}

/// As [`untrained`], sure of everything it says: what it says is worth nothing, and no bin finds that out by itself.
///
/// # Panics
/// As [`untrained`].
#[must_use]
pub fn sure(version: &str) -> Bundle {
    with_threshold(version, 0.0)
}

/// As [`untrained`], sure of nothing: a bin finds that out by itself.
///
/// # Panics
/// As [`untrained`].
#[must_use]
pub fn never_sure(version: &str) -> Bundle {
    with_threshold(version, bundle::CLOSED)
}

fn with_threshold(version: &str, threshold: f32) -> Bundle {
    let bundle = untrained(version);
    let thresholds = bundle::uniform_thresholds(&bundle.manifest().labels, threshold);
    let manifest = Manifest { thresholds, ..bundle.manifest().clone() };
    Bundle::seal(manifest, bundle.backbone().to_vec(), bundle.head().to_vec()).expect("consistent")
}

/// Writes a bundle to `folder`.
///
/// # Panics
/// If the folder cannot be written.
pub fn write(bundle: &Bundle, folder: &Path) {
    bundle.write(folder).expect("the bundle can be written");
}
