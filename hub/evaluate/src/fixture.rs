//! For tests: what a report needs of a model.

use pilah_models::bundle::{FileRef, Golden, InputSpec, Lineage, Manifest, uniform_thresholds};
use pilah_models::labels::Labels;
use pilah_models::name::ModelVersion;

/// The manifest of a model of these classes, whose networks nobody runs.
pub(crate) fn manifest(version: &str, labels: &Labels) -> Manifest {
    Manifest {
        format: 1,
        version: ModelVersion::new(version).expect("valid"),
        created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        labels: labels.clone(),
        input: InputSpec::square(32),
        embedding: 16,
        backbone: FileRef::of(b"a backbone"),
        head: FileRef::of(b"a head"),
        thresholds: uniform_thresholds(labels, 0.5),
        golden: Golden { tolerance: 0.001, probabilities: Vec::new() },
        lineage: Lineage::default(),
    }
}
