//! For tests: a data folder, a tiny model, and pictures that it can tell apart.

use std::path::Path;

use image::{Rgb, RgbImage};
use pilah_models::bundle::{Bundle, FileRef, InputSpec, Lineage, Manifest, uniform_thresholds};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::ModelVersion;
use pilah_models::onnx;

use super::Registry;
use crate::live::Live;
use crate::registry::Parts;
use crate::store::{Blobs, DataFolder, Store};

/// Side of the tiny backbone's input.
pub(crate) const SIDE: u32 = 32;

/// Length of its embeddings.
pub(crate) const EMBEDDING: usize = 16;

/// A hub's parts over a temporary folder, which goes with this value.
pub(crate) struct Hub {
    pub(crate) parts: Parts,
    pub(crate) live: Live,
    pub(crate) temporary: tempfile::TempDir,
    _folder: DataFolder,
}

impl Hub {
    /// A hub with an untrained model of these labels in service, or without any.
    pub(crate) async fn open(labels: Option<&Labels>) -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let initial = temporary.path().join("initial");
        if let Some(labels) = labels {
            untrained("m1", labels).write(&initial).expect("writes");
        }
        let folder = DataFolder::open(&temporary.path().join("data")).expect("opens");
        let store = Store::open(&folder).await.expect("opens");
        let blobs = Blobs::open(&folder).expect("opens");
        let live = Live::default();
        let registry = Registry::open(store.clone(), blobs.clone(), live.clone(), Some(&initial)).await.expect("opens");
        Self { parts: Parts { store, blobs, registry }, live, temporary, _folder: folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.temporary.path()
    }
}

/// A tiny backbone of random weights.
pub(crate) fn backbone() -> Vec<u8> {
    onnx::tiny_backbone(7, SIDE, EMBEDDING)
}

/// A model that says the first label of everything, barely.
pub(crate) fn untrained(version: &str, labels: &Labels) -> Bundle {
    let (backbone, classes) = (backbone(), labels.len());
    let mut bias = vec![0.0; classes];
    bias[0] = 0.1;
    let head = onnx::write_head(&vec![0.0; classes * EMBEDDING], &bias, classes, EMBEDDING);
    let input = InputSpec::square(SIDE);
    let loaded = (
        Backbone::load(&backbone, &input).expect("a network"),
        Head::load(&head, EMBEDDING, classes).expect("a network"),
    );
    let manifest = Manifest {
        format: 1,
        version: ModelVersion::new(version).expect("valid"),
        created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        labels: labels.clone(),
        embedding: EMBEDDING,
        backbone: FileRef::of(&backbone),
        head: FileRef::of(&head),
        thresholds: uniform_thresholds(labels, 0.5),
        golden: golden::record(&loaded.0, &loaded.1, &input, 0.001).expect("runs"),
        input,
        lineage: Lineage::default(),
    };
    Bundle::seal(manifest, backbone, head).expect("consistent")
}

/// A picture of class `class`, number `number`: a shade of its own colour with patches that no other
/// picture has, so that no two look alike.
pub(crate) fn picture(class: usize, number: u32) -> RgbImage {
    let mut state = number.wrapping_mul(2_654_435_761).wrapping_add(class as u32 * 7919 + 12345);
    let patches: [u8; 64] = std::array::from_fn(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 % 40
    });
    RgbImage::from_fn(48, 40, |x, y| {
        let patch = patches[(y / 5 * 8 + x / 6) as usize];
        let mut colour = [40 + patch; 3];
        colour[class % 3] = 150 + (number * 11 % 60) as u8 + patch;
        Rgb(colour)
    })
}

/// Writes a class folder of pictures, each of which stands alone: their numbers are far apart.
pub(crate) fn write_class(root: &Path, label: &str, class: usize, numbers: std::ops::Range<u32>) {
    let folder = root.join(label);
    std::fs::create_dir_all(&folder).expect("makes the folder");
    for number in numbers {
        let path = folder.join(format!("{label}{}.png", number * 20));
        picture(class, number).save(path).expect("writes the picture");
    }
}
