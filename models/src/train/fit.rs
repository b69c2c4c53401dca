//! The fit: cross-entropy over standardised features, AdamW, early stopping.

use std::f64::consts::PI;
use std::ops::ControlFlow;

use candle_core::backprop::GradStore;
use candle_core::{D, Device, Tensor, Var};
use candle_nn::ops::log_softmax;
use candle_nn::optim::{AdamW, Optimizer, ParamsAdamW};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::{EpochReport, Examples, FittedHead, HeadParams, TrainError};

/// A feature that varies less than this is constant and says nothing.
const LEAST_DEVIATION: f32 = 1e-6;

/// Mean of each feature, and 1 / standard deviation, or 0 for a constant feature.
struct Scale {
    mean: Vec<f32>,
    inverse: Vec<f32>,
}

/// Examples as tensors: standardised features, targets, and what each example counts.
struct Batch {
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
}

/// Weights `[embedding, classes]` and bias `[classes]`.
struct Linear {
    weights: Var,
    bias: Var,
}

pub(super) fn fit(
    train: &Examples,
    validation: &Examples,
    class_weights: &[f32],
    params: &HeadParams,
    on_epoch: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<FittedHead, TrainError> {
    let (embedding, classes) = (train.embedding, class_weights.len());
    let scale = Scale::of(train);
    let train = Batch::new(train, &scale, class_weights)?;
    let validation = Batch::new(validation, &scale, class_weights)?;
    let linear = Linear::zeros(embedding, classes)?;
    let mut optimisers = linear.optimisers(params)?;
    let mut order: Vec<u32> = (0..train.len() as u32).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(params.seed);
    let mut history: Vec<EpochReport> = Vec::new();
    let mut best: Option<(EpochReport, Vec<f32>, Vec<f32>)> = None;

    for epoch in 1..=params.epochs {
        let rate = params.learning_rate * learning_rate_factor(epoch, params.epochs);
        optimisers.iter_mut().for_each(|optimiser| optimiser.set_learning_rate(rate));
        order.shuffle(&mut rng);
        let mut loss_sum = 0.0;
        for rows in order.chunks(params.batch_size) {
            let (loss, gradients) = linear.gradients(&train.select(rows)?)?;
            for optimiser in &mut optimisers {
                optimiser.step(&gradients)?;
            }
            loss_sum += loss * rows.len() as f32;
        }
        let logits = linear.logits(&validation.features)?;
        let report = EpochReport {
            epoch,
            epochs: params.epochs,
            train_loss: loss_sum / train.len() as f32,
            validation_loss: validation.loss(&logits)?.to_scalar()?,
            validation_accuracy: validation.accuracy(&logits)?,
        };
        if !(report.train_loss.is_finite() && report.validation_loss.is_finite()) {
            return Err(TrainError::Diverged(epoch));
        }
        history.push(report);
        if best.as_ref().is_none_or(|(best, ..)| report.validation_loss < best.validation_loss) {
            best = Some((report, linear.weights.t()?.flatten_all()?.to_vec1()?, linear.bias.to_vec1()?));
        }
        if on_epoch(&report).is_break() {
            return Err(TrainError::Cancelled(epoch));
        }
        if best.as_ref().is_some_and(|(best, ..)| epoch - best.epoch >= params.patience) {
            break;
        }
    }
    let (report, mut weights, mut bias) = best.expect("there is at least one epoch");
    scale.fold(&mut weights, &mut bias);
    Ok(FittedHead { classes, embedding, weights, bias, temperature: 1.0, best_epoch: report.epoch, history })
}

/// From 1 in the first epoch down to almost 0 in the last, along half a cosine.
fn learning_rate_factor(epoch: usize, epochs: usize) -> f64 {
    0.5 * (1.0 + (PI * (epoch - 1) as f64 / epochs as f64).cos())
}

impl Scale {
    fn of(examples: &Examples) -> Self {
        let count = examples.len() as f64;
        let mut sums = vec![0.0_f64; examples.embedding];
        for row in examples.embeddings.chunks(examples.embedding) {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let mut squares = vec![0.0_f64; examples.embedding];
        for row in examples.embeddings.chunks(examples.embedding) {
            for ((square, &x), mean) in squares.iter_mut().zip(row).zip(&means) {
                *square += (f64::from(x) - mean).powi(2);
            }
        }
        let inverse = |square: &f64| match (square / count).sqrt() as f32 {
            deviation if deviation > LEAST_DEVIATION => 1.0 / deviation,
            _ => 0.0,
        };
        Self { mean: means.iter().map(|&mean| mean as f32).collect(), inverse: squares.iter().map(inverse).collect() }
    }

    fn standardise(&self, row: &[f32]) -> impl Iterator<Item = f32> {
        row.iter().zip(&self.mean).zip(&self.inverse).map(|((x, mean), inverse)| (x - mean) * inverse)
    }

    /// Makes weights and bias for standardised features those for the features as they come.
    fn fold(&self, weights: &mut [f32], bias: &mut [f32]) {
        for (row, bias) in weights.chunks_mut(self.mean.len()).zip(bias) {
            let mut shift = 0.0_f64;
            for ((weight, mean), inverse) in row.iter_mut().zip(&self.mean).zip(&self.inverse) {
                *weight *= inverse;
                shift += f64::from(*weight) * f64::from(*mean);
            }
            *bias -= shift as f32;
        }
    }
}

impl Batch {
    fn new(examples: &Examples, scale: &Scale, class_weights: &[f32]) -> Result<Self, TrainError> {
        let rows = examples.len();
        let features: Vec<f32> =
            examples.embeddings.chunks(examples.embedding).flat_map(|row| scale.standardise(row)).collect();
        let targets: Vec<u32> = examples.targets.iter().map(|&target| target as u32).collect();
        let weights: Vec<f32> = examples.targets.iter().map(|&target| class_weights[target]).collect();
        Ok(Self {
            features: Tensor::from_vec(features, (rows, examples.embedding), &Device::Cpu)?,
            targets: Tensor::from_vec(targets, (rows, 1), &Device::Cpu)?,
            weights: Tensor::from_vec(weights, (rows, 1), &Device::Cpu)?,
        })
    }

    fn len(&self) -> usize {
        self.targets.elem_count()
    }

    fn select(&self, rows: &[u32]) -> Result<Self, TrainError> {
        let rows = Tensor::new(rows, &Device::Cpu)?;
        let pick = |tensor: &Tensor| tensor.index_select(&rows, 0);
        Ok(Self { features: pick(&self.features)?, targets: pick(&self.targets)?, weights: pick(&self.weights)? })
    }

    /// Mean of −log p(target), each counted by its weight.
    fn loss(&self, logits: &Tensor) -> Result<Tensor, TrainError> {
        let likelihood = log_softmax(logits, D::Minus1)?.gather(&self.targets, 1)?;
        Ok((likelihood * &self.weights)?.mean_all()?.neg()?)
    }

    fn accuracy(&self, logits: &Tensor) -> Result<f32, TrainError> {
        let right = logits.argmax_keepdim(D::Minus1)?.eq(&self.targets)?;
        Ok(right.to_dtype(candle_core::DType::F32)?.mean_all()?.to_scalar()?)
    }
}

impl Linear {
    /// The problem is convex, so the fit may start anywhere.
    fn zeros(embedding: usize, classes: usize) -> Result<Self, TrainError> {
        let zeros = |shape: &[usize]| Var::zeros(shape, candle_core::DType::F32, &Device::Cpu);
        Ok(Self { weights: zeros(&[embedding, classes])?, bias: zeros(&[classes])? })
    }

    fn logits(&self, features: &Tensor) -> Result<Tensor, TrainError> {
        Ok(features.matmul(&self.weights)?.broadcast_add(&self.bias)?)
    }

    /// The loss of a batch and its gradients by weights and bias.
    ///
    /// A backward pass through the product of features and weights would compute the gradient by the
    /// features as well. Nobody needs it, and it is larger than all else: large enough for the library
    /// to hand it to threads that wait for each other by spinning, which takes ten times as long where
    /// other programs want the processors. So the pass ends at the product, and the last step is here.
    fn gradients(&self, batch: &Batch) -> Result<(f32, GradStore), TrainError> {
        let product = Var::from_tensor(&batch.features.matmul(&self.weights.as_detached_tensor())?)?;
        let loss = batch.loss(&product.broadcast_add(&self.bias)?)?;
        let mut gradients = loss.backward()?;
        let by_product = gradients.remove(&product).expect("the loss depends on the product");
        gradients.insert(&self.weights, batch.features.t()?.matmul(&by_product)?);
        Ok((loss.to_scalar()?, gradients))
    }

    /// One for the weights, which decay, and one for the bias, which must not.
    fn optimisers(&self, params: &HeadParams) -> Result<[AdamW; 2], TrainError> {
        let adam = |var: &Var, weight_decay| {
            AdamW::new(
                vec![var.clone()],
                ParamsAdamW { lr: params.learning_rate, weight_decay, ..ParamsAdamW::default() },
            )
        };
        Ok([adam(&self.weights, params.weight_decay)?, adam(&self.bias, 0.0)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_the_scale_changes_no_logit() {
        let mut examples = Examples::new(3);
        for row in [[1.0, 100.0, 5.0], [3.0, 300.0, 5.0], [2.0, -100.0, 5.0]] {
            examples.push(&row, 0);
        }
        let scale = Scale::of(&examples);
        let (weights, bias) = ([0.5, -2.0, 7.0], [0.25]);
        let (mut folded, mut folded_bias) = (weights, bias);
        scale.fold(&mut folded, &mut folded_bias);
        assert_eq!(folded[2], 0.0, "a constant feature has no say");
        for row in examples.embeddings.chunks(3) {
            let standardised: f32 = scale.standardise(row).zip(weights).map(|(x, w)| x * w).sum::<f32>() + bias[0];
            let direct: f32 = row.iter().zip(folded).map(|(x, w)| x * w).sum::<f32>() + folded_bias[0];
            assert!((standardised - direct).abs() < 1e-5, "{standardised} and {direct}");
        }
    }
}
