//! Probabilities that mean what they say: temperature scaling (Guo et al., "On Calibration of
//! Modern Neural Networks", 2017).
//!
//! One number, by which all logits are divided, is chosen so that the validation examples' classes
//! are likeliest. It changes no ranking, only how sure the model says it is.

use super::{Examples, FittedHead};

/// The temperature stays within these bounds: a handful of validation examples that are all right
/// would otherwise make the model claim certainty.
const COLDEST: f64 = 0.5;
const HOTTEST: f64 = 20.0;

/// Finds the temperature on the validation examples and folds it into the last layer.
pub(super) fn calibrate(head: &mut FittedHead, validation: &Examples) {
    let logits: Vec<Vec<f64>> =
        validation.embeddings.chunks(validation.embedding).map(|row| logits(head, row)).collect();
    let temperature = temperature(&logits, &validation.targets) as f32;
    let last = head.layers.last_mut().expect("a head has a layer");
    last.divide(temperature);
    head.temperature = temperature;
}

/// The loss of each example in nats, at the temperature that is best for all of them.
pub(super) fn calibrated_losses(logits: &[Vec<f32>], targets: &[usize]) -> Vec<f32> {
    let logits: Vec<Vec<f64>> = logits.iter().map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
    let temperature = temperature(&logits, targets);
    logits.iter().zip(targets).map(|(row, &target)| loss(row, target, temperature) as f32).collect()
}

pub(super) fn logits(head: &FittedHead, embedding: &[f32]) -> Vec<f64> {
    let mut x: Vec<f64> = embedding.iter().map(|&x| f64::from(x)).collect();
    for (index, layer) in head.layers.iter().enumerate() {
        if index > 0 {
            x.iter_mut().for_each(|x| *x = x.max(0.0));
        }
        let dot = |row: &[f32]| row.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        x = layer.weights.chunks(layer.inputs).zip(&layer.bias).map(|(row, &b)| dot(row) + f64::from(b)).collect();
    }
    x
}

/// The temperature with the lowest mean cross-entropy, by golden-section search over its logarithm:
/// the loss is convex in its inverse, so it has one minimum.
fn temperature(logits: &[Vec<f64>], targets: &[usize]) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    let loss = |log_t: f64| cross_entropy(logits, targets, log_t.exp());
    let (mut low, mut high) = (COLDEST.ln(), HOTTEST.ln());
    while high - low > 1e-4 {
        let (left, right) = (high - RATIO * (high - low), low + RATIO * (high - low));
        if loss(left) <= loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    f64::midpoint(low, high).exp()
}

/// The mean loss of some examples in nats.
fn cross_entropy(logits: &[Vec<f64>], targets: &[usize], temperature: f64) -> f64 {
    let losses = logits.iter().zip(targets).map(|(row, &target)| loss(row, target, temperature));
    losses.sum::<f64>() / targets.len() as f64
}

/// −log softmax(logits / temperature)\[target\] in nats.
fn loss(logits: &[f64], target: usize, temperature: f64) -> f64 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|x| ((x - highest) / temperature).exp()).sum();
    sum.ln() - (logits[target] - highest) / temperature
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of four answers with logits ±`gap`, three are right: calibrated, they claim 75 %.
    fn three_of_four(gap: f64) -> (Vec<Vec<f64>>, Vec<usize>) {
        (vec![vec![gap, 0.0]; 4], vec![0, 0, 0, 1])
    }

    #[test]
    fn the_claimed_probability_becomes_the_share_that_is_right() {
        for gap in [2.0, 5.0, 12.0] {
            let (logits, targets) = three_of_four(gap);
            let t = temperature(&logits, &targets);
            let claimed = 1.0 / (1.0 + (-gap / t).exp());
            assert!((claimed - 0.75).abs() < 1e-3, "gap {gap}: T = {t} claims {claimed}");
        }
    }

    #[test]
    fn it_stays_within_bounds() {
        let all_right = temperature(&[vec![1.0, 0.0], vec![0.0, 1.0]], &[0, 1]);
        assert!((all_right - COLDEST).abs() < 1e-3, "{all_right}");
        let all_wrong = temperature(&[vec![1.0, 0.0], vec![0.0, 1.0]], &[1, 0]);
        assert!((all_wrong - HOTTEST).abs() < 1e-2, "{all_wrong}");
    }
}
