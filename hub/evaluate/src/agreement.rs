//! Whether trainer and runtime compute the same: the head as it was fitted, in 64-bit numbers, beside the
//! head as it was written to ONNX, read back and run.

use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::train::FittedHead;

/// Compares both on the golden inputs, whose embeddings `backbone` computes. Gives the largest difference in
/// a probability.
///
/// # Errors
/// What differs by more than `tolerance`, or why the runtime failed, in words.
pub fn trainer_and_runtime(
    fitted: &FittedHead,
    backbone: &Backbone,
    head: &Head,
    tolerance: f32,
) -> Result<f64, String> {
    let mut largest: f64 = 0.0;
    for (input, image) in golden::images(backbone.input()).iter().enumerate() {
        let embedding = backbone.embed(image).map_err(|error| error.to_string())?;
        let ran = head.probabilities(&embedding).map_err(|error| error.to_string())?;
        let trained = fitted.probabilities(&embedding);
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

#[cfg(test)]
mod tests {
    use pilah_models::bundle::InputSpec;
    use pilah_models::onnx::{self, LinearLayer};

    use super::*;

    fn fitted(bias: Vec<f32>) -> FittedHead {
        let classes = bias.len();
        let weights = (0..classes * 4).map(|i| i as f32 * 0.1 - 0.3).collect();
        let layers = vec![LinearLayer { inputs: 4, outputs: classes, weights, bias, steps: None }];
        FittedHead { classes, embedding: 4, layers, temperature: 1.0, best_epoch: 1, history: Vec::new() }
    }

    #[test]
    fn the_same_head_agrees_and_another_does_not() {
        let backbone = Backbone::load(&onnx::tiny_backbone(3, 16, 4), &InputSpec::square(16)).expect("loads");
        let head = Head::load(&fitted(vec![0.1, -0.1]).to_onnx(), 4, 2).expect("loads");
        let compare = |bias: Vec<f32>| trainer_and_runtime(&fitted(bias), &backbone, &head, 1e-4);
        assert!(compare(vec![0.1, -0.1]).expect("agrees") < 1e-5);
        assert!(compare(vec![0.1, 0.4]).expect_err("differs").contains("golden input 0"));
        assert!(compare(vec![f32::NAN, 0.4]).is_err(), "NaN never agrees");
        let more = compare(vec![0.1; 5]).expect_err("five classes");
        assert!(more.contains("5 classes, the runtime 2"), "{more}");
    }
}
