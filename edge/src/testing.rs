//! What the tests of several modules need: tiny models and photos.

use image::{Rgb, RgbImage};
use pilah_models::bundle::{Bundle, FileRef, Golden, InputSpec, Lineage, Manifest, uniform_thresholds};
use pilah_models::infer::{Backbone, Classifier, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::ModelVersion;
use pilah_models::onnx;

const SIDE: u32 = 32;
const EMBEDDING: usize = 8;

/// A bundle that loads, with a head drawn from `seed`; the backbone is the same for all seeds.
pub(crate) fn bundle(version: &str, seed: u32) -> Bundle {
    let labels = Labels::waste();
    let input = InputSpec::square(SIDE);
    let backbone = onnx::tiny_backbone(1, SIDE, EMBEDDING);
    let weights: Vec<f32> = (0..labels.len() * EMBEDDING)
        .map(|i| ((i as u32 + 1).wrapping_mul(seed.wrapping_mul(2_654_435_761)) >> 16) as f32 / 32_768.0 - 1.0)
        .collect();
    let head = onnx::write_head(&weights, &vec![0.1; labels.len()], labels.len(), EMBEDDING);
    let loaded = Backbone::load(&backbone, &input).expect("the backbone loads");
    let runnable = Head::load(&head, EMBEDDING, labels.len()).expect("the head loads");
    let golden = golden::record(&loaded, &runnable, &input, 0.001).expect("inference works");
    sealed(version, labels, input, golden, backbone, head)
}

/// As [`bundle`], but the manifest promises other outputs than the model gives.
pub(crate) fn lying_bundle(version: &str, seed: u32) -> Bundle {
    let honest = bundle(version, seed);
    let mut manifest = honest.manifest().clone();
    manifest.golden.probabilities[0].reverse();
    manifest.golden.probabilities[0][0] += 0.2;
    Bundle::seal(manifest, honest.backbone().to_vec(), honest.head().to_vec()).expect("consistent")
}

/// The same model, sure of what it takes for likelier than this.
pub(crate) fn with_threshold(bundle: &Bundle, threshold: f32) -> Bundle {
    let mut manifest = bundle.manifest().clone();
    manifest.thresholds = uniform_thresholds(&manifest.labels, threshold);
    Bundle::seal(manifest, bundle.backbone().to_vec(), bundle.head().to_vec()).expect("consistent")
}

fn sealed(version: &str, labels: Labels, input: InputSpec, golden: Golden, backbone: Vec<u8>, head: Vec<u8>) -> Bundle {
    let manifest = Manifest {
        format: 1,
        version: ModelVersion::new(version).expect("a valid version"),
        created_at: "2026-01-02T03:04:05Z".parse().expect("a valid time"),
        thresholds: uniform_thresholds(&labels, 0.5),
        labels,
        input,
        embedding: EMBEDDING,
        backbone: FileRef::of(&backbone),
        head: FileRef::of(&head),
        golden,
        lineage: Lineage::default(),
    };
    Bundle::seal(manifest, backbone, head).expect("consistent")
}

/// A model that classifies.
pub(crate) fn classifier(version: &str, seed: u32) -> Classifier {
    Classifier::load(&bundle(version, seed)).expect("it loads")
}

/// A folder of `count` photos in folders of three labels.
pub(crate) fn photos(count: u8) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for n in 0..count {
        let class = ["glass", "metal", "paper"][usize::from(n % 3)];
        let path = folder.path().join(class).join(format!("{n}.png"));
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        let photo = RgbImage::from_fn(64, 48, |x, y| Rgb([n.wrapping_mul(40), (x * 3) as u8, (y * 5) as u8]));
        photo.save(path).expect("saves");
    }
    folder
}
