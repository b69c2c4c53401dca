//! From labelled embeddings to a head, on one core: multinomial logistic regression, or one
//! hidden layer.
//!
//! ```text
//! examples → check → standardise → fit (AdamW, early stopping) → round → calibrate → thresholds
//! ```
//!
//! The backbone stays as it is, so an image's embedding is computed once and a retraining takes
//! seconds. The features are standardised for the fit; their scale, and the temperature that
//! calibrates the probabilities, are folded into weights and bias, so that the head that ships is
//! linear layers and a softmax. Its weights have 8 bits each, for a bin on a thin link loads every head; they are
//! rounded here, once, before anything is decided about the head. The same examples, parameters and seed give the same head, byte for
//! byte, on the same machine, also if the fit was interrupted and taken up from a [`Checkpoint`].
//! Memory is that of the examples and of three copies of the head, however many epochs there are.

/// How a fit is done, with the range of each parameter.
mod params;

/// The scale of each feature.
mod scale;

/// What each step of the fit sees.
mod batches;

/// The head while it is fitted.
mod network;

/// When the fit ends, and which epoch's weights are kept.
mod stopping;

/// A fit in between, as bytes.
mod checkpoint;

/// The fit itself.
mod fit;

/// Weights in 8 bits.
mod rounding;

/// Probabilities that mean what they say.
mod calibrate;

/// From which probability an answer counts as sure.
pub mod thresholds;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

pub use checkpoint::{Checkpoint, CheckpointError};
pub use fit::Resumable;
pub use params::{HeadParams, Range};

use crate::onnx::{self, LinearLayer};

/// Embeddings and what they are of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Examples {
    /// How many numbers an embedding has.
    pub embedding: usize,
    /// The embeddings, row by row: `targets.len() × embedding` numbers.
    pub embeddings: Vec<f32>,
    /// The class of each row, as its place among the labels.
    pub targets: Vec<usize>,
}

impl Examples {
    /// No examples yet, of embeddings of this length.
    #[must_use]
    pub fn new(embedding: usize) -> Self {
        Self { embedding, ..Self::default() }
    }

    /// Adds one.
    ///
    /// # Panics
    /// If the embedding has another length.
    pub fn push(&mut self, embedding: &[f32], target: usize) {
        assert_eq!(embedding.len(), self.embedding, "embeddings of one backbone are equally long");
        self.embeddings.extend_from_slice(embedding);
        self.targets.push(target);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

/// What a fit was given that it cannot work with, or why it ended without a head.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A split has no examples.
    #[error("there are no {0} examples")]
    NoExamples(&'static str),
    /// There is nothing to tell apart.
    #[error("all training examples are of one class; at least two are needed")]
    OneClass,
    /// The model would never answer this class.
    #[error("class {0} has no training example")]
    EmptyClass(usize),
    /// A class that the model does not have.
    #[error("{split} example {row} is of class {target}; there are {classes}")]
    UnknownClass {
        /// `training` or `validation`.
        split: &'static str,
        /// Its number, from 0.
        row: usize,
        /// The class it states.
        target: usize,
        /// How many there are.
        classes: usize,
    },
    /// An embedding that is no embedding.
    #[error("the embedding of {split} example {row} is not finite")]
    NotFinite {
        /// `training` or `validation`.
        split: &'static str,
        /// Its number, from 0.
        row: usize,
    },
    /// Embeddings that do not fit each other, or their targets.
    #[error("{split}: {found} numbers for {rows} examples of {embedding} each")]
    Dimension {
        /// `training` or `validation`.
        split: &'static str,
        /// How many numbers there are.
        found: usize,
        /// How many targets there are.
        rows: usize,
        /// How many numbers an embedding has.
        embedding: usize,
    },
    /// A parameter that makes no sense.
    #[error("{} is {value}; it must be {range}", range.name)]
    Parameter {
        /// Which, and what it may be.
        range: Range,
        /// What it is.
        value: f64,
    },
    /// The loss left all bounds: the learning rate is too high for these features.
    #[error("the fit diverged in epoch {0}; lower the learning rate")]
    Diverged(usize),
    /// Whoever watched the fit stopped it.
    #[error("cancelled after epoch {0}")]
    Cancelled(usize),
    /// A checkpoint of other examples or parameters.
    #[error("the checkpoint is of another fit")]
    OtherCheckpoint,
}

/// How far a fit came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch that ended, from 1.
    pub epoch: usize,
    /// The most epochs there will be; early stopping may end it before.
    pub epochs: usize,
    /// Mean cross-entropy of the epoch's batches in nats, weighted by class if that was asked for.
    pub train_loss: f32,
    /// Mean cross-entropy of the validation examples in nats, after the epoch, at the temperature that
    /// is best for them.
    pub validation_loss: f32,
    /// Share of the validation examples that are labelled right, 0 to 1.
    pub validation_accuracy: f32,
}

/// A head as it ships, with scale and temperature folded in and weights in 8 bits.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedHead {
    /// How many classes it tells apart.
    pub classes: usize,
    /// How many numbers an embedding has.
    pub embedding: usize,
    /// One, or two with a ReLU between them.
    pub layers: Vec<LinearLayer>,
    /// What the logits were divided by to calibrate them; above 1 the fit was too sure of itself.
    pub temperature: f32,
    /// The epoch whose weights these are, from 1.
    pub best_epoch: usize,
    /// Every epoch, in order.
    pub history: Vec<EpochReport>,
}

impl FittedHead {
    /// The head as an ONNX file.
    #[must_use]
    pub fn to_onnx(&self) -> Vec<u8> {
        onnx::write_layers(&self.layers)
    }

    /// The probability of each class, computed here and not by the runtime, in 64-bit numbers.
    #[must_use]
    pub fn probabilities(&self, embedding: &[f32]) -> Vec<f64> {
        let logits = calibrate::logits(self, embedding);
        let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let raised: Vec<f64> = logits.iter().map(|logit| (logit - highest).exp()).collect();
        let sum: f64 = raised.iter().sum();
        raised.iter().map(|x| x / sum).collect()
    }
}

/// Fits a head to the training examples. The validation examples decide which epoch is kept, and set
/// the temperature; so neither tells how good the head is: use a test split.
///
/// `on_epoch` is called after each epoch; if it breaks, the fit ends with [`TrainError::Cancelled`].
///
/// # Errors
/// [`TrainError`], which names the example or parameter that is at fault.
pub fn fit(
    train: &Examples,
    validation: &Examples,
    classes: usize,
    params: &HeadParams,
    on_epoch: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<FittedHead, TrainError> {
    fit_from(None, train, validation, classes, params, &mut |report, _| on_epoch(report))
}

/// As [`fit()`], from a checkpoint if there is one; `on_epoch` can take another after each epoch.
///
/// # Errors
/// As [`fit()`]; also [`TrainError::OtherCheckpoint`], see [`Checkpoint::is_of`].
pub fn fit_from(
    checkpoint: Option<&Checkpoint>,
    train: &Examples,
    validation: &Examples,
    classes: usize,
    params: &HeadParams,
    on_epoch: &mut dyn FnMut(&EpochReport, &Resumable<'_>) -> ControlFlow<()>,
) -> Result<FittedHead, TrainError> {
    params.validate()?;
    check("training", train, train.embedding, classes)?;
    check("validation", validation, train.embedding, classes)?;
    let counts = counts(train, classes);
    if counts.iter().filter(|&&n| n > 0).count() < 2 {
        return Err(TrainError::OneClass);
    }
    if let Some(empty) = counts.iter().position(|&n| n == 0) {
        return Err(TrainError::EmptyClass(empty));
    }
    let class_weights = class_weights(&counts, params.class_weights);
    let mut fitted = fit::fit(train, validation, &class_weights, params, checkpoint, on_epoch)?;
    rounding::round(&mut fitted.layers, train);
    calibrate::calibrate(&mut fitted, validation);
    Ok(fitted)
}

fn check(split: &'static str, examples: &Examples, embedding: usize, classes: usize) -> Result<(), TrainError> {
    let Examples { embeddings, targets, .. } = examples;
    if targets.is_empty() {
        return Err(TrainError::NoExamples(split));
    }
    if embedding == 0 || examples.embedding != embedding || embeddings.len() != targets.len() * embedding {
        return Err(TrainError::Dimension { split, found: embeddings.len(), rows: targets.len(), embedding });
    }
    if let Some(row) = targets.iter().position(|&target| target >= classes) {
        return Err(TrainError::UnknownClass { split, row, target: targets[row], classes });
    }
    match embeddings.chunks(embedding).position(|row| row.iter().any(|x| !x.is_finite())) {
        Some(row) => Err(TrainError::NotFinite { split, row }),
        None => Ok(()),
    }
}

fn counts(examples: &Examples, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &target in &examples.targets {
        counts[target] += 1;
    }
    counts
}

/// What an example of each class counts: 1, or such that every class counts the same in sum.
fn class_weights(counts: &[usize], balanced: bool) -> Vec<f32> {
    let examples: usize = counts.iter().sum();
    let weight = |&n: &usize| if balanced { examples as f32 / (counts.len() * n) as f32 } else { 1.0 };
    counts.iter().map(weight).collect()
}

#[cfg(test)]
mod tests;
