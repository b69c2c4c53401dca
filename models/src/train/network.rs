//! The head while it is fitted: one or two linear layers, their gradients, and AdamW.
//!
//! The gradients are written out. A library's backward pass would compute the one by the features as
//! well, which nobody needs and which is larger than all else.

use ndarray::{Array, Array1, Array2, ArrayView2, Axis, Dimension, Ix1, Ix2, Zip};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::batches::Batch;
use crate::onnx::LinearLayer;

/// AdamW's decay of the moments, and what keeps it from dividing by 0 (Loshchilov and Hutter,
/// "Decoupled Weight Decay Regularization", 2019).
const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Numbers that are fitted, row by row in memory, with AdamW's moments: running means of the gradient and of its
/// square.
#[derive(Debug)]
pub(super) struct Parameter<D: Dimension> {
    pub(super) value: Array<f32, D>,
    pub(super) first: Array<f32, D>,
    pub(super) second: Array<f32, D>,
}

/// Weights `[inputs, outputs]` and bias `[outputs]`.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) weights: Parameter<Ix2>,
    pub(super) bias: Parameter<Ix1>,
}

/// The layers, and how many steps they were moved.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) layers: Vec<Layer>,
    pub(super) steps: i32,
}

/// The gradient by a layer.
#[derive(Debug)]
struct Gradient {
    weights: Array2<f32>,
    bias: Array1<f32>,
}

/// How long a step is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    /// Share of the hidden numbers that a step leaves out (Srivastava et al., "Dropout", 2014).
    pub(super) dropout: f64,
}

impl<D: Dimension> Parameter<D> {
    fn new(value: Array<f32, D>) -> Self {
        let moment = Array::zeros(value.raw_dim());
        Self { first: moment.clone(), second: moment, value }
    }

    /// One step of AdamW, in place: no memory is allocated, however many steps there are.
    fn step(&mut self, gradient: &Array<f32, D>, step: AdamW) {
        let AdamW { rate, keep, correction } = step;
        let moved = Zip::from(&mut self.value).and(&mut self.first).and(&mut self.second).and(gradient);
        moved.for_each(|value, first, second, &gradient| {
            *first = BETA1 * *first + (1.0 - BETA1) * gradient;
            *second = BETA2 * *second + (1.0 - BETA2) * gradient * gradient;
            let step = (*first / correction[0]) / ((*second / correction[1]).sqrt() + EPSILON);
            *value = *value * keep - rate * step;
        });
    }
}

/// What a step of AdamW is made with.
#[derive(Debug, Clone, Copy)]
struct AdamW {
    rate: f32,
    /// The share of a value that its decay leaves.
    keep: f32,
    /// What makes up for moments that began at 0.
    correction: [f32; 2],
}

impl Layer {
    fn forward(&self, x: &ArrayView2<'_, f32>) -> Array2<f32> {
        x.dot(&self.weights.value) + &self.bias.value
    }
}

impl Network {
    /// A head of one layer starts at 0: its problem is convex. With a hidden layer, all starts uniform
    /// within ±1/√inputs, or its numbers would stay equal to each other for ever.
    pub(super) fn new(embedding: usize, hidden: usize, classes: usize, dice: &mut Xoshiro256PlusPlus) -> Self {
        let sizes = if hidden == 0 { vec![embedding, classes] } else { vec![embedding, hidden, classes] };
        let layer = |pair: &[usize]| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bound = if hidden == 0 { 0.0 } else { 1.0 / (inputs as f32).sqrt() };
            let mut draw = || (2.0 * dice.random::<f32>() - 1.0) * bound;
            Layer {
                weights: Parameter::new(Array2::from_shape_simple_fn((inputs, outputs), &mut draw)),
                bias: Parameter::new(Array1::from_shape_simple_fn(outputs, &mut draw)),
            }
        };
        Self { layers: sizes.windows(2).map(layer).collect(), steps: 0 }
    }

    /// What the softmax gets, `[n, classes]`.
    pub(super) fn logits(&self, features: &Array2<f32>) -> Array2<f32> {
        let (first, rest) = self.layers.split_first().expect("a head has a layer");
        rest.iter().fold(first.forward(&features.view()), |x, layer| layer.forward(&relu(x).view()))
    }

    /// Moves all weights one step down the gradient of a batch; tells the batch's mean loss before it.
    pub(super) fn step(&mut self, batch: &Batch, pace: Pace, dice: &mut Xoshiro256PlusPlus) -> f32 {
        let (loss, gradients) = self.gradients(batch, pace, dice);
        self.steps += 1;
        let step = AdamW {
            rate: pace.learning_rate as f32,
            keep: (1.0 - pace.learning_rate * pace.weight_decay) as f32,
            correction: [1.0 - BETA1.powi(self.steps), 1.0 - BETA2.powi(self.steps)],
        };
        for (layer, gradient) in self.layers.iter_mut().zip(&gradients) {
            layer.weights.step(&gradient.weights, step);
            // The bias must not decay: it is where the classes' shares are.
            layer.bias.step(&gradient.bias, AdamW { keep: 1.0, ..step });
        }
        loss
    }

    /// The mean loss of a batch, −Σ target·log p, and its gradients, in the order of the layers.
    fn gradients(&self, batch: &Batch, pace: Pace, dice: &mut Xoshiro256PlusPlus) -> (f32, Vec<Gradient>) {
        let Batch { features, targets } = batch;
        let hidden = match &self.layers[..] {
            [first, _] => {
                let active = first.forward(&features.view());
                let mut gate = active.mapv(|x| if x > 0.0 { 1.0 } else { 0.0 });
                if pace.dropout > 0.0 {
                    leave_out(&mut gate, pace.dropout, dice);
                }
                Some((active * &gate, gate))
            }
            _ => None,
        };
        let last = self.layers.last().expect("a head has a layer");
        let input = hidden.as_ref().map_or(features, |(active, _)| active).view();
        let log_p = log_softmax(last.forward(&input));
        let count = targets.nrows() as f32;
        let loss = -(targets * &log_p).sum() / count;
        let weights = targets.sum_axis(Axis(1)).insert_axis(Axis(1));
        let by_logits = (log_p.mapv_into(f32::exp) * weights - targets) / count;
        let mut gradients = vec![Gradient::of(&input, &by_logits)];
        if let Some((_, gate)) = &hidden {
            let by_hidden = by_logits.dot(&last.weights.value.t()) * gate;
            gradients.insert(0, Gradient::of(&features.view(), &by_hidden));
        }
        (loss, gradients)
    }

    /// The layers as they are written into a file.
    pub(super) fn layers(&self) -> Vec<LinearLayer> {
        let layer = |Layer { weights, bias }: &Layer| {
            let (inputs, outputs) = weights.value.dim();
            let weights = weights.value.t().iter().copied().collect();
            LinearLayer { inputs, outputs, weights, bias: bias.value.to_vec(), steps: None }
        };
        self.layers.iter().map(layer).collect()
    }
}

impl Gradient {
    /// By a layer with this input, given the gradient by what it put out.
    fn of(input: &ArrayView2<'_, f32>, by_output: &Array2<f32>) -> Self {
        Self { weights: input.t().dot(by_output), bias: by_output.sum_axis(Axis(0)) }
    }
}

fn relu(x: Array2<f32>) -> Array2<f32> {
    // Not `max`, which would make 0 of what is no number.
    x.mapv_into(|x| if x < 0.0 { 0.0 } else { x })
}

/// The logarithms of the probabilities that a softmax gives, row by row.
pub(super) fn log_softmax(mut logits: Array2<f32>) -> Array2<f32> {
    for mut row in logits.rows_mut() {
        let highest = row.fold(f32::NEG_INFINITY, |highest, &x| highest.max(x));
        row -= highest;
        let sum: f32 = row.iter().map(|x| x.exp()).sum();
        row -= sum.ln();
    }
    logits
}

/// Multiplies by 0 the share that is left out, and the rest by what makes up for it.
fn leave_out(gate: &mut Array2<f32>, share: f64, dice: &mut Xoshiro256PlusPlus) {
    let (out, rest) = (share as f32, (1.0 / (1.0 - share)) as f32);
    gate.mapv_inplace(|open| open * if dice.random::<f32>() < out { 0.0 } else { rest });
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::batches::dice;
    use super::*;

    fn batch() -> Batch {
        Batch { features: array![[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], targets: array![[0.9, 0.1], [0.4, 1.6]] }
    }

    /// The number at a place among the weights, and behind them the biases.
    fn number(layer: &mut Layer, place: usize) -> &mut f32 {
        let Layer { weights, bias } = layer;
        weights.value.iter_mut().chain(&mut bias.value).nth(place).expect("a number of the layer")
    }

    /// Each gradient against the slope of the loss, measured.
    #[test]
    fn the_gradients_are_those_of_the_loss() {
        for hidden in [0, 4] {
            let mut network = Network::new(3, hidden, 2, &mut dice(5, 0));
            let pace = Pace { learning_rate: 0.1, weight_decay: 0.0, dropout: 0.4 };
            // The same dice for every call, so that the same numbers are left out.
            let (_, gradients) = network.gradients(&batch(), pace, &mut dice(9, 1));
            assert_eq!(gradients.len(), network.layers.len());
            for (index, Gradient { weights, bias }) in gradients.iter().enumerate() {
                assert_eq!(weights.dim(), network.layers[index].weights.value.dim());
                for (place, expected) in weights.iter().chain(bias).enumerate() {
                    let mut loss = |by: f32| {
                        let kept = *number(&mut network.layers[index], place);
                        *number(&mut network.layers[index], place) = kept + by;
                        let loss = network.gradients(&batch(), pace, &mut dice(9, 1)).0;
                        *number(&mut network.layers[index], place) = kept;
                        f64::from(loss)
                    };
                    let slope = (loss(1e-2) - loss(-1e-2)) / 2e-2;
                    assert!(
                        (slope - f64::from(*expected)).abs() < 2e-3,
                        "{hidden} {index} {place}: {slope} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_step_is_as_long_as_the_rate_and_weights_decay() {
        let mut network = Network::new(3, 0, 2, &mut dice(5, 0));
        network.layers[0].weights = Parameter::new(Array2::ones((3, 2)));
        let pace = Pace { learning_rate: 0.1, weight_decay: 0.5, dropout: 0.0 };
        network.step(&batch(), pace, &mut dice(1, 1));
        let layer = &network.layers()[0];
        // Adam's first step is the sign of the gradient; the decay takes 0.1 × 0.5 of the weight before it.
        assert!(layer.weights.iter().all(|w| ((w - 0.95).abs() - 0.1).abs() < 1e-4), "{layer:?}");
        assert!(layer.bias.iter().all(|b| (b.abs() - 0.1).abs() < 1e-4), "{layer:?}");
    }

    #[test]
    fn a_layer_is_written_output_by_output() {
        let mut network = Network::new(3, 0, 2, &mut dice(5, 0));
        network.layers[0].weights = Parameter::new(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        network.layers[0].bias = Parameter::new(array![7.0, 8.0]);
        let layer = &network.layers()[0];
        assert_eq!((layer.inputs, layer.outputs), (3, 2));
        assert_eq!(layer.weights, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!(layer.bias, [7.0, 8.0]);
    }

    #[test]
    fn logarithms_of_probabilities_bear_large_logits_and_show_what_is_no_number() {
        let found = log_softmax(array![[1000.0, 1000.0 - 2.0_f32.ln()], [-3.0, -3.0]]);
        let expected: Array2<f32> = array![[2.0 / 3.0, 1.0 / 3.0], [0.5, 0.5]];
        assert!((&found.mapv(f32::exp) - &expected).iter().all(|off| off.abs() < 1e-5), "{found}");
        for logits in [array![[f32::NAN, 0.0]], array![[f32::INFINITY, 0.0]], array![[f32::NAN, f32::NAN]]] {
            assert!(!log_softmax(logits.clone()).sum().is_finite(), "{logits}");
        }
    }
}
