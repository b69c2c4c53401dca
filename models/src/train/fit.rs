//! The fit: cross-entropy over standardised features, AdamW, early stopping.

use std::f64::consts::PI;
use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView1};

use super::batches::{Batches, by_row, dice};
use super::checkpoint::{self, Checkpoint};
use super::network::{Network, Pace, log_softmax};
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
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
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
    let (embedding, classes) = (train.embedding, class_weights.len());
    let of = checkpoint::identity(train, validation, classes, params);
    let scale = Scale::of(train);
    let batches = Batches::new(train, scale.standardise(train), class_weights, params);
    let held_out = by_row(scale.standardise(validation), validation.len());

    let mut network = Network::new(embedding, params.hidden, classes, &mut dice(params.seed, 0));
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
            let batch = batches.batch(rows, &mut dice);
            loss_sum += network.step(&batch, pace, &mut dice) * rows.len() as f32;
        }
        let logits = network.logits(&held_out);
        let train_loss = loss_sum / train.len() as f32;
        if !(train_loss.is_finite() && log_softmax(logits.clone()).sum().is_finite()) {
            return Err(TrainError::Diverged(epoch));
        }
        let rows: Vec<Vec<f32>> = logits.rows().into_iter().map(|row| row.to_vec()).collect();
        let losses = calibrate::calibrated_losses(&rows, &validation.targets);
        let report = EpochReport {
            epoch,
            epochs: params.epochs,
            train_loss,
            validation_loss: losses.iter().sum::<f32>() / losses.len() as f32,
            validation_accuracy: accuracy(&logits, &validation.targets),
        };
        history.push(report);
        if stopping.is_to_be_kept(epoch, &losses) {
            best = network.layers();
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

fn accuracy(logits: &Array2<f32>, targets: &[usize]) -> f32 {
    let right = logits.rows().into_iter().zip(targets).filter(|(row, target)| answer(row) == **target).count();
    right as f32 / targets.len() as f32
}

/// The class with the highest logit, the first of equal ones.
fn answer(logits: &ArrayView1<'_, f32>) -> usize {
    let higher = |best: (usize, f32), (class, &x): (usize, &f32)| if x > best.1 { (class, x) } else { best };
    logits.iter().enumerate().fold((0, f32::NEG_INFINITY), higher).0
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn an_answer_is_the_highest_logit_and_the_first_of_equal_ones() {
        let logits = array![[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [-3.0, -2.0, -1.0]];
        for (targets, expected) in [([1, 0, 2], 1.0), ([0, 1, 2], 1.0 / 3.0), ([2, 2, 1], 0.0)] {
            assert_eq!(accuracy(&logits, &targets), expected, "{targets:?}");
        }
    }
}
