//! What every runtime must do alike: one network as a file of each kind, the same pictures, the same
//! numbers, the same refusals.
//!
//! `golden/infer/make.py` writes the TFLite files and the numbers, and says how. With the feature `litert`,
//! these tests need LiteRT's library (`PILAH_LITERT`); the MobileNet is compared where it is to be had, in
//! `data/backbones` of the folder that `PILAH_SHARED` names.

use serde::Deserialize;

use super::*;
use crate::bundle::{FileRef, InputSpec, Lineage, uniform_thresholds};
use crate::labels::Labels;
use crate::name::ModelVersion;
use crate::onnx;

#[derive(Deserialize)]
struct Golden {
    seed: u64,
    side: u32,
    embedding: usize,
    outputs: Vec<Vec<f32>>,
}

fn golden_numbers() -> Golden {
    serde_json::from_str(include_str!("../../golden/infer/tiny.json")).expect("as make.py writes it")
}

/// The same network for every runtime of this build, by the runtime's name.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let Golden { seed, side, embedding, .. } = golden_numbers();
    vec![
        ("tract", onnx::tiny_backbone(seed, side, embedding)),
        #[cfg(feature = "litert")]
        ("litert", include_bytes!("../../golden/infer/tiny.tflite").to_vec()),
    ]
}

fn close(found: &[f32], expected: &[f32], tolerance: f32) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn each_runtime_gives_the_golden_numbers() {
    let expected = golden_numbers();
    let spec = InputSpec::square(expected.side);
    for (runtime, file) in files() {
        let backbone = Backbone::load(&file, &spec).unwrap_or_else(|e| panic!("{runtime}: {e}"));
        assert_eq!(backbone.embedding_len(), expected.embedding, "{runtime}");
        for (image, expected) in golden::images(&spec).iter().zip(&expected.outputs) {
            let found = backbone.embed(image).expect("it runs");
            assert!(close(&found, expected, 1e-4), "{runtime}: {found:?} in place of {expected:?}");
        }
    }
}

#[test]
fn an_input_of_another_size_and_a_network_for_another_size_are_refused() {
    let side = golden_numbers().side;
    for (runtime, file) in files() {
        let backbone = Backbone::load(&file, &InputSpec::square(side)).expect("it loads");
        let error = backbone.embed_tensor(&[0.0; 5]).expect_err("five numbers are no picture").to_string();
        assert!(error.contains("5 numbers for an input [1, 3, 16, 16]"), "{runtime}: {error}");
        // tract can often fit a network to another size; that is then the network's own affair.
        if runtime != "tract" {
            let error = Backbone::load(&file, &InputSpec::square(side + 8)).expect_err("another size").to_string();
            assert!(error.contains("[1, 16, 16, 3]") && error.contains("[1, 3, 24, 24]"), "{runtime}: {error}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let spec = InputSpec::square(golden_numbers().side);
    for (runtime, file) in files() {
        for share in [0, 1, 10, 50, 90, 99] {
            let cut = &file[..file.len() * share / 100];
            assert!(Backbone::load(cut, &spec).is_err(), "{runtime}: {share} % of it");
        }
    }
}

#[test]
fn many_threads_get_the_same_numbers() {
    let spec = InputSpec::square(golden_numbers().side);
    let images = golden::images(&spec);
    for (runtime, file) in files() {
        let backbone = Backbone::load(&file, &spec).expect("it loads");
        let alone: Vec<_> = images.iter().map(|image| backbone.embed(image).expect("it runs")).collect();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| images.iter().map(|i| backbone.embed(i).expect("it runs")).collect::<Vec<_>>()))
                .collect();
            for thread in threads {
                assert_eq!(thread.join().expect("no panic"), alone, "{runtime}");
            }
        });
    }
}

#[test]
fn a_bundle_recorded_by_one_runtime_is_accepted_with_the_network_of_another() {
    let Golden { side, embedding, .. } = golden_numbers();
    let (spec, labels) = (InputSpec::square(side), Labels::waste());
    let weights: Vec<f32> = (0..labels.len() * embedding).map(|i| (i % 5) as f32 - 2.0).collect();
    let head = onnx::write_head(&weights, &vec![0.1; labels.len()], labels.len(), embedding);
    let recorder = Backbone::load(&files()[0].1, &spec).expect("it loads");
    let loaded = Head::load(&head, embedding, labels.len()).expect("it loads");
    let golden = golden::record(&recorder, &loaded, &spec, 0.001).expect("it runs");
    for (runtime, backbone) in files() {
        let manifest = Manifest {
            format: crate::bundle::FORMAT,
            version: ModelVersion::new("t1").expect("valid"),
            created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
            thresholds: uniform_thresholds(&labels, 0.5),
            labels: labels.clone(),
            input: spec.clone(),
            embedding,
            backbone: FileRef::of(&backbone),
            head: FileRef::of(&head),
            golden: golden.clone(),
            lineage: Lineage::default(),
        };
        let bundle = Bundle::seal(manifest, backbone, head.clone()).expect("consistent");
        Classifier::load(&bundle).unwrap_or_else(|e| panic!("{runtime}: {e}"));
    }
}

#[cfg(not(feature = "litert"))]
#[test]
fn without_the_feature_a_tflite_file_is_refused_in_words() {
    let file = include_bytes!("../../golden/infer/tiny.tflite");
    let error = Backbone::load(file, &InputSpec::square(16)).expect_err("no runtime for it").to_string();
    assert!(error.contains("a TFLite file") && error.contains("without the feature litert"), "{error}");
}

#[cfg(feature = "litert")]
#[test]
fn a_quantised_mobilenet_gives_what_its_makers_interpreter_does() {
    #[derive(Deserialize)]
    struct Answers {
        sha256: String,
        classes: usize,
        outputs: Vec<std::collections::BTreeMap<usize, f32>>,
    }
    const NAME: &str = "mobilenet_v2_1.0_224_quant";
    /// Two steps of its 8-bit output: processors have different integer kernels.
    const TOLERANCE: f32 = 2.0 / 256.0;
    let shared = std::env::var_os("PILAH_SHARED").unwrap_or_else(|| "../../shared".into());
    let path = std::path::Path::new(&shared).join(format!("data/backbones/{NAME}.tflite"));
    let Ok(file) = std::fs::read(&path) else { return };
    let expected: Answers =
        serde_json::from_str(include_str!("../../golden/infer/mobilenet_v2_1.0_224_quant.json")).expect("valid");
    assert_eq!(crate::name::ContentId::of(&file).as_str(), expected.sha256, "{} is another file", path.display());
    let spec = InputSpec::square(224);
    let network = Backbone::load(&file, &spec).expect("it loads");
    assert_eq!(network.embedding_len(), expected.classes);
    for (image, expected) in golden::images(&spec).iter().zip(&expected.outputs) {
        let found = network.embed(image).expect("it runs");
        for (place, value) in found.iter().enumerate() {
            let due = expected.get(&place).copied().unwrap_or_default();
            assert!((value - due).abs() <= TOLERANCE, "class {place}: {value} in place of {due}");
        }
    }
}
