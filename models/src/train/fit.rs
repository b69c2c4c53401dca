//! The fit: cross-entropy over standardised features, AdamW, early stopping.

use std::f64::consts::PI;
use std::ops::ControlFlow;

use candle_core::{D, Device, Tensor};
use candle_nn::ops::log_softmax;

use super::batches::{Batches, dice};
use super::checkpoint::{self, Checkpoint};
use super::network::{Network, Pace};
use super::scale::Scale;
use super::stopping::Stopping;
use super::{EpochReport, Examples, FittedHead, HeadParams, TrainError, calibrate};
use crate::onnx::LinearLayer;

/// A fit after an epoch, for whoever wants to keep it.
pub struct Resumable<'a> {
    of: &'a [u8],
    network: &'a Network,
    stopping: &'a Stopping,
    best: &'a [LinearLayer],
    history: &'a [EpochReport],
}

impl Resumable<'_> {
    /// The fit as it is now; some milliseconds of work.
    ///
    /// # Errors
    /// The tensor library failed.
    pub fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        Checkpoint::take(self.of, self.network, self.stopping, self.best, self.history)
    }
}

pub(super) fn fit(
    train: &Examples,
    validation: &Examples,
    class_weights: &[f32],
    params: &HeadParams,
    from: Option<&Checkpoint>,
    on_epoch: &mut dyn FnMut(&EpochReport, &Resumable<'_>) -> ControlFlow<()>,
) -> Result<FittedHead, TrainError> {
    // One thread: others wait for each other by spinning, which takes ten times as long where other
    // programs want the processors, and those are to go on classifying meanwhile.
    gemm::set_threading_threshold(usize::MAX);
    let (embedding, classes) = (train.embedding, class_weights.len());
    let of = checkpoint::identity(train, validation, classes, params);
    let scale = Scale::of(train);
    let batches = Batches::new(train, scale.standardise(train), class_weights, params);
    let shape = (validation.len(), embedding);
    let held_out = Tensor::from_vec(scale.standardise(validation), shape, &Device::Cpu)?;

    let mut network = Network::new(embedding, params.hidden, classes, &mut dice(params.seed, 0))?;
    let mut stopping = Stopping::new(params.patience);
    let (mut best, mut history) = (Vec::new(), Vec::new());
    if let Some(checkpoint) = from {
        if !checkpoint.is_of(train, validation, classes, params) {
            return Err(TrainError::OtherCheckpoint);
        }
        best = checkpoint.restore(&mut network).ok_or(TrainError::OtherCheckpoint)?;
        (stopping, history) = (checkpoint.stopping.clone(), checkpoint.history.clone());
    }

    let done = history.len();
    for epoch in done + 1..=params.epochs {
        if epoch > 1 && stopping.ends(epoch - 1) {
            break;
        }
        let mut dice = dice(params.seed, epoch);
        let pace = Pace {
            learning_rate: params.learning_rate * learning_rate_factor(epoch, params.epochs),
            weight_decay: params.weight_decay,
            dropout: params.dropout,
        };
        let order = batches.order(&mut dice);
        let mut loss_sum = 0.0;
        for rows in batches.of(&order) {
            let batch = batches.batch(rows, &mut dice)?;
            loss_sum += network.step(&batch, pace, &mut dice)? * rows.len() as f32;
        }
        let logits = network.logits(&held_out)?;
        let train_loss = loss_sum / train.len() as f32;
        if !(train_loss.is_finite() && log_softmax(&logits, D::Minus1)?.sum_all()?.to_scalar::<f32>()?.is_finite()) {
            return Err(TrainError::Diverged(epoch));
        }
        let losses = calibrate::calibrated_losses(&logits.to_vec2()?, &validation.targets);
        let report = EpochReport {
            epoch,
            epochs: params.epochs,
            train_loss,
            validation_loss: losses.iter().sum::<f32>() / losses.len() as f32,
            validation_accuracy: accuracy(&logits, &validation.targets)?,
        };
        history.push(report);
        if stopping.is_to_be_kept(epoch, &losses) {
            best = network.layers()?;
        }
        let now = Resumable { of: &of, network: &network, stopping: &stopping, best: &best, history: &history };
        if on_epoch(&report, &now).is_break() {
            return Err(TrainError::Cancelled(epoch));
        }
    }
    let mut layers = best;
    let first = layers.first_mut().expect("the first epoch is kept, and there is one");
    scale.fold(&mut first.weights, &mut first.bias);
    Ok(FittedHead { classes, embedding, layers, temperature: 1.0, best_epoch: stopping.kept, history })
}

/// From 1 in the first epoch down to almost 0 in the last, along half a cosine.
fn learning_rate_factor(epoch: usize, epochs: usize) -> f64 {
    0.5 * (1.0 + (PI * (epoch - 1) as f64 / epochs as f64).cos())
}

fn accuracy(logits: &Tensor, targets: &[usize]) -> Result<f32, TrainError> {
    let answers: Vec<u32> = logits.argmax(D::Minus1)?.to_vec1()?;
    let right = answers.iter().zip(targets).filter(|(answer, target)| **answer as usize == **target).count();
    Ok(right as f32 / targets.len() as f32)
}
