//! The head while it is fitted: one or two linear layers, their gradients, and AdamW.
//!
//! The gradients are written out. A library's backward pass would compute the one by the features as
//! well, which nobody needs and which is larger than all else.

use std::cell::RefCell;

use candle_core::{CpuStorage, D, DType, Device, InplaceOp2, Layout, Tensor};
use candle_nn::ops::log_softmax;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::TrainError;
use super::batches::Batch;
use crate::onnx::LinearLayer;

/// AdamW's decay of the moments, and what keeps it from dividing by 0 (Loshchilov and Hutter,
/// "Decoupled Weight Decay Regularization", 2019).
const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// A tensor that is fitted, with AdamW's moments.
pub(super) struct Parameter {
    pub(super) value: Tensor,
    pub(super) moments: Moments,
    decays: bool,
}

/// Running means of the gradient and of its square.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

/// Weights `[inputs, outputs]` and bias `[outputs]` of each layer.
pub(super) struct Network {
    pub(super) layers: Vec<[Parameter; 2]>,
    /// How many steps were made.
    pub(super) steps: i32,
}

/// How long a step is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    /// Share of the hidden numbers that a step leaves out (Srivastava et al., "Dropout", 2014).
    pub(super) dropout: f64,
}

impl Parameter {
    pub(super) fn new(value: Vec<f32>, shape: &[usize], decays: bool) -> Result<Self, TrainError> {
        let moments = Moments { first: vec![0.0; value.len()], second: vec![0.0; value.len()] };
        Ok(Self { value: Tensor::from_vec(value, shape, &Device::Cpu)?, moments, decays })
    }

    /// The same parameter with other numbers, as many of them.
    pub(super) fn with(&self, value: Vec<f32>, moments: Moments) -> Result<Self, TrainError> {
        let value = Tensor::from_vec(value, self.value.dims(), &Device::Cpu)?;
        Ok(Self { value, moments, decays: self.decays })
    }
}

impl Network {
    /// A head of one layer starts at 0: its problem is convex. With a hidden layer, all starts uniform
    /// within ±1/√inputs, or its numbers would stay equal to each other for ever.
    pub(super) fn new(
        embedding: usize,
        hidden: usize,
        classes: usize,
        dice: &mut Xoshiro256PlusPlus,
    ) -> Result<Self, TrainError> {
        let sizes = if hidden == 0 { vec![embedding, classes] } else { vec![embedding, hidden, classes] };
        let mut layers = Vec::with_capacity(sizes.len() - 1);
        for pair in sizes.windows(2) {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bound = if hidden == 0 { 0.0 } else { 1.0 / (inputs as f32).sqrt() };
            let mut draw =
                |count: usize| -> Vec<f32> { (0..count).map(|_| (2.0 * dice.random::<f32>() - 1.0) * bound).collect() };
            layers.push([
                Parameter::new(draw(inputs * outputs), &[inputs, outputs], true)?,
                // The bias must not decay: it is where the classes' shares are.
                Parameter::new(draw(outputs), &[outputs], false)?,
            ]);
        }
        Ok(Self { layers, steps: 0 })
    }

    /// What the softmax gets, `[n, classes]`.
    pub(super) fn logits(&self, features: &Tensor) -> Result<Tensor, TrainError> {
        let mut x = features.clone();
        for (index, [weights, bias]) in self.layers.iter().enumerate() {
            if index > 0 {
                x = x.relu()?;
            }
            x = x.matmul(&weights.value)?.broadcast_add(&bias.value)?;
        }
        Ok(x)
    }

    /// Moves all weights one step down the gradient of a batch; tells the batch's mean loss before it.
    pub(super) fn step(&mut self, batch: &Batch, pace: Pace, dice: &mut Xoshiro256PlusPlus) -> Result<f32, TrainError> {
        let (loss, gradients) = self.gradients(batch, pace, dice)?;
        self.steps += 1;
        for (parameter, gradient) in self.layers.iter_mut().flatten().zip(&gradients) {
            let decay = if parameter.decays { pace.learning_rate * pace.weight_decay } else { 0.0 };
            let update = Update {
                moments: RefCell::new(&mut parameter.moments),
                rate: pace.learning_rate as f32,
                keep: (1.0 - decay) as f32,
                correction: [1.0 - BETA1.powi(self.steps), 1.0 - BETA2.powi(self.steps)],
            };
            parameter.value.inplace_op2(gradient, &update)?;
        }
        Ok(loss)
    }

    /// The mean loss of a batch, −Σ target·log p, and its gradients, in the order of the parameters.
    fn gradients(
        &self,
        batch: &Batch,
        pace: Pace,
        dice: &mut Xoshiro256PlusPlus,
    ) -> Result<(f32, Vec<Tensor>), TrainError> {
        let Batch { features, targets } = batch;
        let linear =
            |x: &Tensor, [weights, bias]: &[Parameter; 2]| x.matmul(&weights.value)?.broadcast_add(&bias.value);
        let hidden = match &self.layers[..] {
            [first, _] => {
                let active = linear(features, first)?.relu()?;
                let gate = active.gt(0.0_f32)?.to_dtype(DType::F32)?;
                let gate = match pace.dropout {
                    dropout if dropout > 0.0 => (gate * mask(active.dims(), dropout, dice)?)?,
                    _ => gate,
                };
                Some(((active * &gate)?, gate))
            }
            _ => None,
        };
        let last = self.layers.last().expect("a head has a layer");
        let input = hidden.as_ref().map_or(features, |(active, _)| active);
        let log_p = log_softmax(&linear(input, last)?, D::Minus1)?;
        let count = targets.dim(0)? as f64;
        let loss = ((targets * &log_p)?.sum_all()?.to_scalar::<f32>()? as f64 / -count) as f32;
        let by_logits = ((log_p.exp()?.broadcast_mul(&targets.sum_keepdim(D::Minus1)?)? - targets)? / count)?;
        let mut gradients = vec![input.t()?.matmul(&by_logits)?, by_logits.sum(0)?];
        if let Some((_, gate)) = &hidden {
            let by_hidden = (by_logits.matmul(&last[0].value.t()?)? * gate)?;
            gradients.splice(0..0, [features.t()?.matmul(&by_hidden)?, by_hidden.sum(0)?]);
        }
        Ok((loss, gradients))
    }

    /// The layers as they are written into a file.
    pub(super) fn layers(&self) -> Result<Vec<LinearLayer>, TrainError> {
        let layer = |[weights, bias]: &[Parameter; 2]| {
            let (inputs, outputs) = weights.value.dims2()?;
            Ok(LinearLayer {
                inputs,
                outputs,
                weights: weights.value.t()?.flatten_all()?.to_vec1()?,
                bias: bias.value.to_vec1()?,
            })
        };
        self.layers.iter().map(layer).collect()
    }
}

/// 0 for the share that is left out, and for the rest what makes up for it.
fn mask(shape: &[usize], dropout: f64, dice: &mut Xoshiro256PlusPlus) -> Result<Tensor, TrainError> {
    let (out, rest) = (dropout as f32, (1.0 / (1.0 - dropout)) as f32);
    let draw = |_| if dice.random::<f32>() < out { 0.0 } else { rest };
    let mask: Vec<f32> = (0..shape.iter().product()).map(draw).collect();
    Ok(Tensor::from_vec(mask, shape, &Device::Cpu)?)
}

/// One step of AdamW for one parameter, in place: no memory is allocated, however many steps there are.
struct Update<'a> {
    moments: RefCell<&'a mut Moments>,
    rate: f32,
    keep: f32,
    correction: [f32; 2],
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(
        &self,
        value: &mut CpuStorage,
        value_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(value), CpuStorage::F32(gradient)) = (value, gradient) else {
            candle_core::bail!("heads are fitted in 32-bit floats");
        };
        let (Some(at), Some(from)) = (value_layout.contiguous_offsets(), gradient_layout.contiguous_offsets()) else {
            candle_core::bail!("weights and gradients lie in one piece");
        };
        let mut moments = self.moments.borrow_mut();
        let Moments { first, second } = &mut **moments;
        let pairs = value[at.0..at.1].iter_mut().zip(&gradient[from.0..from.1]);
        for ((value, &gradient), (first, second)) in pairs.zip(first.iter_mut().zip(second.iter_mut())) {
            *first = BETA1 * *first + (1.0 - BETA1) * gradient;
            *second = BETA2 * *second + (1.0 - BETA2) * gradient * gradient;
            let step = (*first / self.correction[0]) / ((*second / self.correction[1]).sqrt() + EPSILON);
            *value = *value * self.keep - self.rate * step;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::batches::dice;
    use super::*;

    fn batch() -> Batch {
        let features = Tensor::new(&[[0.5_f32, -1.0, 2.0], [1.5, 0.3, -0.7]], &Device::Cpu).expect("a matrix");
        let targets = Tensor::new(&[[0.9_f32, 0.1], [0.4, 1.6]], &Device::Cpu).expect("a matrix");
        Batch { features, targets }
    }

    /// Each gradient against the slope of the loss, measured.
    #[test]
    fn the_gradients_are_those_of_the_loss() {
        for hidden in [0, 4] {
            let mut network = Network::new(3, hidden, 2, &mut dice(5, 0)).expect("a network");
            let pace = Pace { learning_rate: 0.1, weight_decay: 0.0, dropout: 0.4 };
            // The same dice for every call, so that the same numbers are left out.
            let (_, gradients) = network.gradients(&batch(), pace, &mut dice(9, 1)).expect("computes");
            let expected: Vec<Vec<f32>> =
                gradients.iter().map(|g| g.flatten_all().and_then(|g| g.to_vec1()).expect("floats")).collect();
            for (index, expected) in expected.iter().enumerate() {
                for (place, expected) in expected.iter().enumerate() {
                    let mut loss = |by: f32| {
                        let parameter = &mut network.layers[index / 2][index % 2];
                        let kept = parameter.value.clone();
                        let mut values: Vec<f32> = kept.flatten_all().and_then(|v| v.to_vec1()).expect("floats");
                        values[place] += by;
                        parameter.value = Tensor::from_vec(values, kept.dims(), &Device::Cpu).expect("of this shape");
                        let loss = network.gradients(&batch(), pace, &mut dice(9, 1)).expect("computes").0;
                        network.layers[index / 2][index % 2].value = kept;
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
        let mut network = Network::new(3, 0, 2, &mut dice(5, 0)).expect("a network");
        network.layers[0][0] = Parameter::new(vec![1.0; 6], &[3, 2], true).expect("of this shape");
        let pace = Pace { learning_rate: 0.1, weight_decay: 0.5, dropout: 0.0 };
        network.step(&batch(), pace, &mut dice(1, 1)).expect("steps");
        let layer = &network.layers().expect("floats")[0];
        // Adam's first step is the sign of the gradient; the decay takes 0.1 × 0.5 of the weight before it.
        assert!(layer.weights.iter().all(|w| ((w - 0.95).abs() - 0.1).abs() < 1e-4), "{layer:?}");
        assert!(layer.bias.iter().all(|b| (b.abs() - 0.1).abs() < 1e-4), "{layer:?}");
    }
}
