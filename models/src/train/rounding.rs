//! Weights in 8 bits, a quarter of the bytes: rounded such that it shows least in what a layer puts out.
//!
//! An error of a weight shows by as much as the layer's input varies, so steps are the finer the more it does; and as
//! the input is not 0 on average, all errors of an output together shift it: its bias takes that back. Each layer is
//! measured on what the layers before it, as rounded, make of the training examples. An input that never varied has no
//! say, as in the fit.

use ndarray::{ArrayView1, ArrayView2};

use super::Examples;
use super::scale::Scale;
use crate::onnx::LinearLayer;

/// So many examples are computed at once.
const BATCH: usize = 1024;

/// Rounds all layers of a head.
pub(super) fn round(layers: &mut [LinearLayer], train: &Examples) {
    let mut scale = Scale::of(train);
    for index in 0..layers.len() {
        if index > 0 {
            let (before, inputs) = (&layers[..index], layers[index].inputs);
            scale = Scale::of_rows(inputs, train.len(), |see| visit(before, train, see));
        }
        round_layer(&mut layers[index], &scale);
    }
}

fn round_layer(layer: &mut LinearLayer, scale: &Scale) {
    let exact = layer.weights.clone();
    for row in layer.weights.chunks_mut(layer.inputs) {
        row.iter_mut()
            .zip(&scale.inverse)
            .filter(|(_, inverse)| **inverse == 0.0)
            .for_each(|(weight, _)| *weight = 0.0);
    }
    let spread: Vec<f32> =
        scale.inverse.iter().map(|&inverse| if inverse == 0.0 { 1.0 } else { 1.0 / inverse }).collect();
    layer.round(&spread);
    let rows = layer.weights.chunks(layer.inputs).zip(exact.chunks(layer.inputs));
    for ((rounded, exact), bias) in rows.zip(&mut layer.bias) {
        let errors = rounded.iter().zip(exact).map(|(rounded, exact)| f64::from(*exact) - f64::from(*rounded));
        let shift: f64 = errors.zip(&scale.mean).map(|(error, mean)| error * f64::from(*mean)).sum();
        *bias = (f64::from(*bias) + shift) as f32;
    }
}

/// Shows what layers with a ReLU behind each make of every example.
fn visit(layers: &[LinearLayer], examples: &Examples, see: &mut dyn FnMut(&[f32])) {
    for rows in examples.embeddings.chunks(BATCH * examples.embedding) {
        let shape = (rows.len() / examples.embedding, examples.embedding);
        let mut x = ArrayView2::from_shape(shape, rows).expect("rows of one length").to_owned();
        for LinearLayer { inputs, outputs, weights, bias, .. } in layers {
            let weights = ArrayView2::from_shape((*outputs, *inputs), weights).expect("a layer's weights");
            x = (x.dot(&weights.t()) + ArrayView1::from(bias)).mapv_into(|x| x.max(0.0));
        }
        x.rows().into_iter().for_each(|row| see(&row.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::logits;
    use super::super::{FittedHead, HeadParams, fit};
    use super::*;
    use std::ops::ControlFlow;

    /// Features of one sign, as a ReLU leaves them, of which one varies by a ten-thousandth and one not at all.
    fn examples() -> Examples {
        let mut examples = Examples::new(8);
        for row in 0..300_usize {
            let mut numbers = [0.0; 8];
            for (place, x) in numbers.iter_mut().enumerate() {
                let noise = ((row * 8 + place) as f32 * 0.618_034).fract();
                *x = 2.0 + noise + if place == row % 3 { 0.8 } else { 0.0 };
            }
            numbers[6] = 5.0 + 1e-4 * numbers[0];
            numbers[7] = 3.0;
            examples.push(&numbers, row % 3);
        }
        examples
    }

    /// Layers that depend on what is called random here.
    fn layers(hidden: usize) -> Vec<LinearLayer> {
        let sizes = if hidden == 0 { vec![8, 3] } else { vec![8, hidden, 3] };
        let layer = |(index, pair): (usize, &[usize])| {
            let number = |i: usize| ((i * 37 + index * 11) % 101) as f32 / 50.0 - 1.0;
            let mut weights: Vec<f32> = (0..pair[0] * pair[1]).map(number).collect();
            if index == 0 {
                weights.iter_mut().skip(6).step_by(8).for_each(|w| *w *= 1e4);
                weights.iter_mut().skip(7).step_by(8).for_each(|w| *w = 0.0);
            }
            let centre = |row: &[f32]| -row.iter().zip(&examples().embeddings[..8]).map(|(w, x)| w * x).sum::<f32>();
            let bias = if index == 0 { weights.chunks(8).map(centre).collect() } else { vec![0.1; pair[1]] };
            LinearLayer { inputs: pair[0], outputs: pair[1], weights, bias, steps: None }
        };
        sizes.windows(2).enumerate().map(layer).collect()
    }

    fn head(layers: Vec<LinearLayer>) -> FittedHead {
        FittedHead { classes: 3, embedding: 8, layers, temperature: 1.0, best_epoch: 1, history: Vec::new() }
    }

    #[test]
    fn logits_stay_where_they_were_and_are_not_shifted() {
        let examples = examples();
        for hidden in [0, 12] {
            let exact = head(layers(hidden));
            let mut rounded = exact.clone();
            round(&mut rounded.layers, &examples);
            assert!(rounded.layers.iter().all(|layer| layer.steps.is_some()));
            let (mut shifts, mut squares, mut spread) = ([0.0; 3], 0.0, 0.0);
            for row in examples.embeddings.chunks(8) {
                for (class, (found, exact)) in logits(&rounded, row).iter().zip(logits(&exact, row)).enumerate() {
                    shifts[class] += (found - exact) / examples.len() as f64;
                    squares += (found - exact).powi(2);
                    spread += exact.powi(2);
                }
            }
            assert!((squares / spread).sqrt() < 0.01, "hidden {hidden}: {squares} of {spread}");
            // The biases are near 50,000, where an f32 has steps of 0.004.
            assert!(shifts.iter().all(|shift| shift.abs() < 0.01), "hidden {hidden}: {shifts:?}");
        }
    }

    #[test]
    fn an_input_that_never_varied_has_no_say_but_what_it_always_said_stays() {
        let (examples, mut exact) = (examples(), layers(0));
        exact[0].weights.iter_mut().skip(7).step_by(8).for_each(|w| *w = 1000.0);
        let mut rounded = exact.clone();
        round(&mut rounded, &examples);
        assert!(rounded[0].weights.iter().skip(7).step_by(8).all(|w| *w == 0.0));
        let row = &examples.embeddings[..8];
        let (found, exact) = (logits(&head(rounded), row), logits(&head(exact), row));
        assert!(found.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 0.05), "{found:?} {exact:?}");
    }

    #[test]
    fn a_head_is_rounded_once_and_calibrated_as_it_ships() {
        let examples = examples();
        for params in [HeadParams { hidden: 16, epochs: 10, ..HeadParams::default() }, HeadParams::linear()] {
            let quiet = &mut |_: &_| ControlFlow::Continue(());
            let fitted = fit(&examples, &examples, 3, &params, quiet).expect("fits");
            let read = crate::onnx::read_layers(&fitted.to_onnx()).expect("a head of ours");
            assert_eq!(read, fitted.layers, "what was decided about is what ships");
            assert!(read.iter().all(|layer| layer.steps.is_some()));
            // No other temperature would make the validation examples likelier.
            let loss = |by: f32| {
                let mut head = fitted.clone();
                head.layers.last_mut().expect("a layer").divide(by);
                let likelihood = |(row, target): (&[f32], &usize)| -head.probabilities(row)[*target].ln();
                examples.embeddings.chunks(8).zip(&examples.targets).map(likelihood).sum::<f64>()
            };
            let inside = fitted.temperature > 0.51;
            assert!(loss(1.0) <= loss(1.02) && (!inside || loss(1.0) <= loss(0.98)), "{}", fitted.temperature);
        }
    }
}
