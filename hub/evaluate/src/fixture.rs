//! For tests: a tiny model.

use pilah_models::bundle::{Bundle, FileRef, InputSpec, Lineage, Manifest, uniform_thresholds};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::ModelVersion;
use pilah_models::onnx;

const SIDE: u32 = 32;
const EMBEDDING: usize = 16;

/// A model that says the first label of everything, barely.
pub(crate) fn untrained(version: &str, labels: &Labels) -> Bundle {
    let (backbone, classes) = (onnx::tiny_backbone(7, SIDE, EMBEDDING), labels.len());
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
