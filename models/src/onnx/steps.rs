//! Weights in 8 bits: each is a whole number of steps, −127 to 127, and its step is that of its output times that of its
//! input.
//!
//! **Nothing is rounded twice.** The step of an output has 17 binary digits at most and that of an input is a power of
//! two, so that their product with a number of 7 digits fits the 24 of an `f32`: it is exact, whoever computes it and in
//! whatever order. A layer that was rounded holds the weights that every runtime sees; rounded, or written and read,
//! again, it is the same, bit for bit.
//!
//! Steps of inputs are there for networks of which some features vary a thousand times as much as others: their weights
//! are as much smaller, and one step for all of an output would make them 0.

use super::LinearLayer;

/// The most steps of a weight.
const MOST: f32 = 127.0;
/// The lower bits of an `f32`'s fraction, which the step of an output leaves 0: 17 digits of 24 are left.
const LOWER: u32 = 0x7f;
/// Steps of outputs stay within 2^±60 and those of inputs within 2^±32, so that no product leaves what an `f32` holds.
const LEAST: f32 = 1.0 / LARGEST;
const LARGEST: f32 = (1_u64 << 60) as f32;
const FARTHEST: i32 = 32;

/// The steps of a layer's weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    /// One per output.
    pub(super) outputs: Vec<f32>,
    /// One per input.
    pub(super) inputs: Vec<f32>,
}

impl Steps {
    /// The weight of so many steps.
    fn weight(&self, steps: i8, output: usize, input: usize) -> f32 {
        f32::from(steps) * self.outputs[output] * self.inputs[input]
    }

    /// The weights of a layer, row by row.
    pub(super) fn weights(&self, steps: &[i8]) -> Vec<f32> {
        let width = self.inputs.len();
        steps.iter().enumerate().map(|(place, &n)| self.weight(n, place / width, place % width)).collect()
    }

    /// Whether the weights tell how many steps they are.
    pub(super) fn are_of(&self, weights: &[f32], steps: &[i8]) -> bool {
        in_steps(weights, self) == steps
    }
}

impl LinearLayer {
    /// Rounds the weights to 8 bits. `spread` is how far each input varies: the more, the finer its steps. What is not
    /// finite is left as it is, for whoever loads it to find.
    ///
    /// # Panics
    /// If there is not a spread for each input.
    pub fn round(&mut self, spread: &[f32]) {
        assert_eq!(spread.len(), self.inputs, "each input has a spread");
        if !self.weights.iter().all(|weight| weight.is_finite()) {
            return;
        }
        let inputs: Vec<f32> = spread.iter().map(|&spread| step_of_input(spread)).collect();
        let largest = |row: &[f32]| row.iter().zip(&inputs).fold(0.0_f32, |most, (w, step)| most.max((w / step).abs()));
        let outputs = self.weights.chunks(self.inputs).map(|row| step_of_output(f64::from(largest(row)) / 127.0));
        let steps = Steps { outputs: outputs.collect(), inputs };
        self.weights = steps.weights(&in_steps(&self.weights, &steps));
        self.steps = Some(steps);
    }

    /// Divides weights and bias by a number above 0. Weights in 8 bits remain so, with as many steps: each output's step
    /// is divided, and rounded to its 17 digits.
    pub fn divide(&mut self, by: f32) {
        self.bias.iter_mut().for_each(|bias| *bias /= by);
        match &mut self.steps {
            None => self.weights.iter_mut().for_each(|weight| *weight /= by),
            Some(steps) => {
                let kept = in_steps(&self.weights, steps);
                steps.outputs.iter_mut().for_each(|step| *step = step_of_output(f64::from(*step) / f64::from(by)));
                self.weights = steps.weights(&kept);
            }
        }
    }

    /// How many steps each weight has, if the weights are in 8 bits.
    ///
    /// # Panics
    /// If a weight was changed since it was rounded.
    pub(super) fn in_steps(&self) -> Option<(&Steps, Vec<i8>)> {
        let steps = self.steps.as_ref()?;
        let whole = in_steps(&self.weights, steps);
        assert_eq!(steps.weights(&whole), self.weights, "every weight is a whole number of steps");
        Some((steps, whole))
    }
}

fn in_steps(weights: &[f32], Steps { outputs, inputs }: &Steps) -> Vec<i8> {
    let rows = weights.chunks(inputs.len()).zip(outputs);
    rows.flat_map(|(row, output)| row.iter().zip(inputs).map(move |(w, input)| (w / input / output).round()))
        .map(|steps| steps.clamp(-MOST, MOST) as i8)
        .collect()
}

/// The power of two that is next to 1 / `spread`, from above.
fn step_of_input(spread: f32) -> f32 {
    if spread.is_normal() && spread > 0.0 {
        let exponent = (spread.to_bits() >> 23) as i32 - 127;
        2.0_f32.powi(-exponent.clamp(-FARTHEST, FARTHEST))
    } else {
        1.0
    }
}

/// The next step from above that has 17 digits; rounded down, the largest weight would be more than 127 of them.
fn step_of_output(exact: f64) -> f32 {
    let step = (exact as f32).clamp(LEAST, LARGEST);
    f32::from_bits((step.to_bits() + LOWER) & !LOWER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::onnx::{read_layers, write_layers};

    fn layer(inputs: usize, weights: Vec<f32>) -> LinearLayer {
        let outputs = weights.len() / inputs;
        LinearLayer { inputs, outputs, weights, bias: vec![0.5; outputs], steps: None }
    }

    fn rounded(inputs: usize, weights: Vec<f32>, spread: &[f32]) -> LinearLayer {
        let mut layer = layer(inputs, weights);
        layer.round(spread);
        layer
    }

    #[test]
    fn the_largest_weight_of_an_output_has_127_steps_and_the_rest_lies_within_half_a_step() {
        let weights = vec![1.0, -0.3, 0.004, 0.0, -0.02, 0.0101, 0.0, 0.007];
        let rounded = rounded(4, weights.clone(), &[1.0; 4]);
        let (steps, whole) = rounded.in_steps().expect("in 8 bits");
        assert_eq!(whole, [127, -38, 1, 0, -127, 64, 0, 44]);
        for (place, (found, exact)) in rounded.weights.iter().zip(&weights).enumerate() {
            assert!((found - exact).abs() <= steps.outputs[place / 4] * 0.5001, "{exact} became {found}");
        }
    }

    #[test]
    fn a_feature_that_hardly_varies_does_not_drown_the_others() {
        // The first feature varies by a ten-thousandth, so its weight is ten thousand times as large.
        let (spread, weights) = ([1e-4, 1.0, 0.7], vec![9_000.0, 0.4, -0.9]);
        let error = |layer: &LinearLayer| -> f32 {
            let off = layer.weights.iter().zip(&weights).map(|(found, exact)| (found - exact).abs());
            off.zip(spread).map(|(off, spread)| off * spread).fold(0.0, f32::max)
        };
        assert!(error(&rounded(3, weights.clone(), &spread)) < 0.01);
        assert!(error(&rounded(3, weights.clone(), &[1.0; 3])) > 0.3, "one step for all loses the rest");
    }

    #[test]
    fn weights_of_no_size_and_of_any_size_have_steps() {
        for largest in [0.0, 1e-45, 1e-38, 1e-20, 1e20, f32::MAX] {
            for spread in [0.0, 1e-40, 1e-6, 1.0, 1e30, f32::INFINITY, f32::NAN] {
                let rounded = rounded(2, vec![largest, -largest / 2.0], &[spread, 1.0]);
                assert!(rounded.weights.iter().all(|w| w.is_finite()), "{largest} {spread}: {rounded:?}");
                assert!(rounded.in_steps().is_some());
            }
        }
        for strange in [f32::NAN, f32::INFINITY] {
            let kept = rounded(2, vec![strange, 1.0], &[1.0, 1.0]);
            assert!(kept.steps.is_none() && !kept.weights[0].is_finite(), "a loader is to find it: {kept:?}");
        }
    }

    #[test]
    fn dividing_keeps_every_number_of_steps() {
        let mut found = rounded(3, vec![0.3, -0.2, 0.1, 0.05, 0.01, -0.02], &[1.0, 0.01, 30.0]);
        let before = found.clone();
        found.divide(1.37);
        assert_eq!(found.in_steps().expect("in 8 bits").1, before.in_steps().expect("in 8 bits").1);
        for (found, before) in found.weights.iter().zip(&before.weights) {
            assert!((found - before / 1.37).abs() <= 2e-5 * before.abs(), "{before} became {found}");
        }
        assert_eq!(found.bias, [0.5 / 1.37; 2]);
        let mut floats = layer(1, vec![3.0]);
        floats.divide(2.0);
        assert_eq!((floats.weights, floats.bias), (vec![1.5], vec![0.25]));
    }

    proptest! {
        #[test]
        fn what_was_rounded_is_rounded_and_written_again_to_the_same_bits(
            weights in prop::collection::vec(-3.0_f32..3.0, 12),
            scales in prop::collection::vec(1e-5_f32..1e5, 4),
            temperature in 0.5_f32..20.0,
        ) {
            let weights: Vec<f32> = weights.iter().enumerate().map(|(i, w)| w / scales[i % 4]).collect();
            let mut once = rounded(4, weights, &scales);
            once.divide(temperature);
            let mut twice = once.clone();
            twice.round(&scales);
            prop_assert_eq!(&twice, &once);
            let file = write_layers(std::slice::from_ref(&once));
            let read = read_layers(&file).expect("a head of ours");
            prop_assert_eq!(&read, &[once]);
            prop_assert_eq!(write_layers(&read), file);
            // Exact in whatever order, and in more digits.
            let (steps, whole) = read[0].in_steps().expect("in 8 bits");
            for (place, (n, weight)) in whole.iter().zip(&read[0].weights).enumerate() {
                let (output, input) = (steps.outputs[place / 4], steps.inputs[place % 4]);
                prop_assert_eq!(output * input * f32::from(*n), *weight);
                prop_assert_eq!(f64::from(*n) * f64::from(output) * f64::from(input), f64::from(*weight));
            }
        }
    }
}
