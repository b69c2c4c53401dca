use std::sync::Arc;

use super::*;
use crate::bundle::{BundleError, Golden, InputSpec, Lineage, uniform_thresholds};
use crate::labels::Labels;
use crate::name::ModelVersion;
use crate::onnx;

const SIDE: u32 = 24;
const EMBEDDING: usize = 8;

fn backbone(seed: u64) -> Vec<u8> {
    onnx::tiny_backbone(seed, SIDE, EMBEDDING)
}

fn head(bias: f32) -> Vec<u8> {
    let weights: Vec<f32> = (0..3 * EMBEDDING).map(|i| (i % 5) as f32 - 2.0).collect();
    onnx::write_head(&weights, &[bias, 0.0, 0.0], 3, EMBEDDING)
}

fn manifest(golden: Golden) -> Manifest {
    let labels = Labels::parse(["glass", "metal", "paper"]).expect("valid");
    Manifest {
        format: 1,
        version: ModelVersion::new("t1").expect("valid"),
        created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        thresholds: uniform_thresholds(&labels, 0.6),
        labels,
        input: InputSpec::square(SIDE),
        embedding: EMBEDDING,
        backbone: crate::bundle::FileRef::of(b""),
        head: crate::bundle::FileRef::of(b""),
        golden,
        lineage: Lineage::default(),
    }
}

/// A bundle that computes what it says, then changed before it is sealed.
fn sealed(change: impl FnOnce(&mut Manifest, &mut Vec<u8>, &mut Vec<u8>)) -> Result<Bundle, BundleError> {
    let (mut backbone, mut head) = (backbone(1), head(0.0));
    let spec = InputSpec::square(SIDE);
    let loaded = Backbone::load(&backbone, &spec).expect("loads");
    let golden = golden::record(&loaded, &Head::load(&head, EMBEDDING, 3).expect("loads"), &spec, 0.001).expect("runs");
    let mut manifest = manifest(golden);
    change(&mut manifest, &mut backbone, &mut head);
    Bundle::seal(manifest, backbone, head)
}

fn refusal(change: impl FnOnce(&mut Manifest, &mut Vec<u8>, &mut Vec<u8>)) -> String {
    let bundle = sealed(change).expect("the hashes are right");
    Classifier::load(&bundle).expect_err("it must not be used").to_string()
}

#[test]
fn a_bundle_that_computes_what_it_says_is_loaded_and_classifies() {
    let classifier = Classifier::load(&sealed(|_, _, _| {}).expect("consistent")).expect("loads");
    let image = RgbImage::from_fn(80, 60, |x, y| image::Rgb([x as u8 * 3, y as u8 * 4, 90]));
    let prediction = classifier.classify(&image).expect("runs");
    assert_eq!(prediction.embedding.len(), EMBEDDING);
    assert!((prediction.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    let (index, confidence) = prediction.best();
    assert!(prediction.probabilities.iter().all(|&p| p <= confidence) && prediction.probabilities[index] == confidence);
}

#[test]
fn the_next_bundle_shares_the_backbone_if_it_is_the_same() {
    let first = Classifier::load(&sealed(|_, _, _| {}).expect("consistent")).expect("loads");
    let again = first.load_next(&sealed(|m, _, _| m.lineage.seed = Some(1)).expect("consistent")).expect("loads");
    assert!(Arc::ptr_eq(first.backbone(), again.backbone()));
    let error = first.load_next(&sealed(|_, b, _| *b = backbone(2)).expect("consistent"));
    assert!(matches!(error, Err(LoadError::Golden { .. })), "another backbone is loaded, not taken for the same");
}

#[test]
fn a_bundle_that_computes_something_else_is_refused_in_words() {
    let wrong_head = refusal(|_, _, h| *h = head(0.5));
    assert!(wrong_head.starts_with("golden input 0: the model answers ["), "{wrong_head}");
    let wrong_golden = refusal(|m, _, _| m.golden.probabilities[2] = vec![0.0, 0.0, 1.0]);
    assert!(wrong_golden.starts_with("golden input 2: "), "{wrong_golden}");
    let few = refusal(|m, _, _| drop(m.golden.probabilities.pop()));
    assert_eq!(few, "the manifest has 3 golden outputs for 4 golden inputs");
}

#[test]
fn a_network_of_other_shapes_is_refused_with_both() {
    assert_eq!(refusal(|m, _, _| m.embedding = 9), "the backbone gives 8 numbers per image, the manifest says 9");
    assert_eq!(
        refusal(|_, _, h| *h = onnx::write_head(&[0.0; 32], &[0.0; 4], 4, EMBEDDING)),
        "the head gives [1, 4], not [1, 3], a probability per label"
    );
    let narrow = refusal(|_, _, h| *h = onnx::write_head(&[0.0; 21], &[0.0; 3], 3, 7));
    assert!(narrow.starts_with("the head is no network that can be run: "), "{narrow}");
    let side = refusal(|m, _, _| m.input = InputSpec::square(6000 / SIDE));
    assert!(side.starts_with("golden input") || side.starts_with("the backbone"), "{side}");
}

#[test]
fn numbers_that_are_not_finite_never_pass() {
    let nan = refusal(|_, _, h| *h = onnx::write_head(&[f32::NAN; 24], &[0.0; 3], 3, EMBEDDING));
    assert_eq!(nan, "the head is no network that can be run: head: it gave NaN");
    let logits = {
        // A head without its Softmax gives numbers, but no probabilities.
        use prost::Message as _;
        let mut model = onnx::parse(&head(3.0)).expect("a network");
        let graph = model.graph.as_mut().expect("a graph");
        graph.node.pop().expect("the Softmax");
        graph.output[0].name = "logits".into();
        model.encode_to_vec()
    };
    let unnormalised = refusal(|_, _, h| *h = logits);
    assert!(unnormalised.ends_with("which are no probabilities"), "{unnormalised}");
}

#[test]
fn an_input_of_another_size_is_an_error() {
    let backbone = Backbone::load(&backbone(1), &InputSpec::square(SIDE)).expect("loads");
    let error = backbone.embed_tensor(&[0.0; 5]).expect_err("five numbers are no image");
    assert_eq!(error.to_string(), "inference failed: backbone: 5 numbers for an input [1, 3, 24, 24]");
}

#[test]
fn a_classifier_may_be_used_from_many_threads() {
    let classifier = Classifier::load(&sealed(|_, _, _| {}).expect("consistent")).expect("loads");
    let image = RgbImage::from_pixel(30, 30, image::Rgb([10, 200, 90]));
    let alone = classifier.classify(&image).expect("runs");
    std::thread::scope(|scope| {
        let together: Vec<_> = (0..4).map(|_| scope.spawn(|| classifier.classify(&image).expect("runs"))).collect();
        for thread in together {
            assert_eq!(thread.join().expect("no panic"), alone);
        }
    });
}

#[test]
fn the_best_of_equal_probabilities_is_the_first() {
    assert_eq!(best(&[0.2, 0.4, 0.4]), (1, 0.4));
}
