//! Whether trainer and runtime compute the same: the head as it was fitted, in 64-bit numbers, beside the
//! head as it was written to ONNX, read back and run.

use pilah_models::infer::{Backbone, Head, golden};

/// Compares both on the golden inputs, whose embeddings `backbone` computes; `fitted` gives the trainer's
/// probabilities of an embedding. Gives the largest difference in a probability.
///
/// # Errors
/// What differs by more than `tolerance`, or why the runtime failed, in words.
pub fn trainer_and_runtime(
    fitted: &dyn Fn(&[f32]) -> Vec<f64>,
    backbone: &Backbone,
    head: &Head,
    tolerance: f32,
) -> Result<f64, String> {
    let mut largest: f64 = 0.0;
    for (input, image) in golden::images(backbone.input()).iter().enumerate() {
        let embedding = backbone.embed(image).map_err(|error| error.to_string())?;
        let ran = head.probabilities(&embedding).map_err(|error| error.to_string())?;
        let trained = fitted(&embedding);
        if ran.len() != trained.len() {
            return Err(format!("the trainer has {} classes, the runtime {}", trained.len(), ran.len()));
        }
        let difference = ran.iter().zip(&trained).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        // A NaN is not larger than anything and must not pass.
        if difference > f64::from(tolerance) || trained.iter().any(|p| !p.is_finite()) {
            return Err(format!(
                "golden input {input}: the trainer says {trained:.4?}, the runtime {ran:.4?}; {tolerance} is allowed"
            ));
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

/// The probabilities of a head of linear layers with a ReLU between them and a softmax at the end, in 64-bit
/// numbers. Each layer is its weights, `[outputs, inputs]` row by row, and its bias.
#[must_use]
pub fn layers_softmax(layers: &[(&[f32], &[f32])], embedding: &[f32]) -> Vec<f64> {
    let mut values: Vec<f64> = embedding.iter().map(|x| f64::from(*x)).collect();
    for (index, (weights, bias)) in layers.iter().enumerate() {
        let dot = |row: &[f32]| row.iter().zip(&values).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        let sums = weights.chunks(values.len().max(1)).zip(*bias).map(|(row, bias)| dot(row) + f64::from(*bias));
        let is_last = index + 1 == layers.len();
        values = sums.map(|sum| if is_last { sum } else { sum.max(0.0) }).collect();
    }
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = values.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f64 = raised.iter().sum();
    raised.iter().map(|x| x / sum).collect()
}

#[cfg(test)]
mod tests {
    use pilah_models::bundle::InputSpec;
    use pilah_models::onnx;

    use super::*;

    const WEIGHTS: [f32; 8] = [0.5, -0.25, 1.0, 0.0, -0.5, 0.75, 0.0, 2.0];
    const BIAS: [f32; 2] = [0.1, -0.1];

    fn parts() -> (Backbone, Head) {
        let backbone = Backbone::load(&onnx::tiny_backbone(3, 16, 4), &InputSpec::square(16)).expect("loads");
        let head = Head::load(&onnx::write_head(&WEIGHTS, &BIAS, 2, 4), 4, 2).expect("loads");
        (backbone, head)
    }

    #[test]
    fn the_same_head_agrees_and_another_does_not() {
        let (backbone, head) = parts();
        let same = trainer_and_runtime(&|e| layers_softmax(&[(&WEIGHTS, &BIAS)], e), &backbone, &head, 1e-4);
        assert!(same.expect("agrees") < 1e-5);
        let other = trainer_and_runtime(&|e| layers_softmax(&[(&WEIGHTS, &[0.1, 0.4])], e), &backbone, &head, 1e-3);
        assert!(other.expect_err("differs").contains("golden input 0"));
        let broken = trainer_and_runtime(&|_| vec![f64::NAN; 2], &backbone, &head, 1e-3);
        assert!(broken.is_err(), "NaN never agrees");
        let more = trainer_and_runtime(&|_| vec![0.2; 5], &backbone, &head, 1e-3).expect_err("five classes");
        assert!(more.contains("5 classes, the runtime 2"), "{more}");
    }

    #[test]
    fn a_hidden_layer_is_cut_off_below_zero() {
        // Hidden: x and −x, of which the ReLU keeps the one above 0; then both are added for class 1.
        let layers: [(&[f32], &[f32]); 2] = [(&[1.0, -1.0], &[0.0, 0.0]), (&[0.0, 0.0, 1.0, 1.0], &[0.0, 0.0])];
        for x in [2.0, -2.0] {
            let found = layers_softmax(&layers, &[x]);
            assert!((found[1] - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-12, "|x| whatever its sign: {found:?}");
        }
    }
}
