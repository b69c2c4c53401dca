//! How a fit is done, with the range of each parameter.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TrainError;

/// How a fit is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeadParams {
    /// How many numbers the hidden layer has, 0 to 4,096; with 0 there is none, and the fit is a
    /// multinomial logistic regression.
    pub hidden: usize,
    /// The most passes over the examples, 1 to 10,000.
    pub epochs: usize,
    /// AdamW's step, above 0, at most 1. It falls to 0 over the epochs along half a cosine.
    pub learning_rate: f64,
    /// How many examples a step looks at, 1 to 65,536; fewer if that would leave an epoch with few steps.
    pub batch_size: usize,
    /// AdamW's decay of the weights (not of the bias), 0 to 10.
    pub weight_decay: f64,
    /// The share of an embedding's numbers that each step leaves out, 0 to 0.9.
    pub input_dropout: f64,
    /// The share of the hidden numbers that each step leaves out, 0 to 0.9.
    pub dropout: f64,
    /// The share of a target's probability that is spread over all classes, 0 to 0.5.
    pub label_smoothing: f64,
    /// α of the Beta distribution by which examples are mixed, 0 (none) to 1.
    pub mixup: f64,
    /// How many epochs may be worse than the best beyond chance before the fit ends, 1 to 10,000.
    pub patience: usize,
    /// Whether every class counts the same, however many examples it has.
    pub class_weights: bool,
    /// Of the order of the examples, and of all else that is random.
    pub seed: u64,
}

impl Default for HeadParams {
    /// A hidden layer; see `docs/adr/0010-a-hidden-layer-in-the-head.md` for the measurement.
    fn default() -> Self {
        Self {
            hidden: 128,
            epochs: 40,
            learning_rate: 0.001,
            batch_size: 64,
            weight_decay: 0.01,
            input_dropout: 0.5,
            dropout: 0.3,
            label_smoothing: 0.05,
            mixup: 0.0,
            patience: 15,
            class_weights: true,
            seed: 0,
        }
    }
}

impl HeadParams {
    /// Multinomial logistic regression: as good as scikit-learn's at its best C on TrashNet, and a head
    /// of a twentieth of the size.
    #[must_use]
    pub fn linear() -> Self {
        Self {
            hidden: 0,
            epochs: 100,
            weight_decay: 3.0,
            input_dropout: 0.0,
            dropout: 0.0,
            label_smoothing: 0.0,
            ..Self::default()
        }
    }

    /// Every number with its range, but for the seed, which may be any.
    #[must_use]
    pub fn numbers(&self) -> [(Range, f64); 10] {
        let whole =
            |name, least, most, value: usize| (Range { is_whole: true, ..real(name, least, most) }, value as f64);
        [
            whole("hidden", 0.0, 4096.0, self.hidden),
            whole("epochs", 1.0, 10_000.0, self.epochs),
            (Range { is_above: true, ..real("learning_rate", 0.0, 1.0) }, self.learning_rate),
            whole("batch_size", 1.0, 65_536.0, self.batch_size),
            (real("weight_decay", 0.0, 10.0), self.weight_decay),
            (real("input_dropout", 0.0, 0.9), self.input_dropout),
            (real("dropout", 0.0, 0.9), self.dropout),
            (real("label_smoothing", 0.0, 0.5), self.label_smoothing),
            (real("mixup", 0.0, 1.0), self.mixup),
            whole("patience", 1.0, 10_000.0, self.patience),
        ]
    }

    /// Checks the range of each parameter.
    ///
    /// # Errors
    /// [`TrainError::Parameter`], which names the first that is out of its range.
    pub fn validate(&self) -> Result<(), TrainError> {
        match self.numbers().into_iter().find(|(range, value)| !range.contains(*value)) {
            Some((range, value)) => Err(TrainError::Parameter { range, value }),
            None => Ok(()),
        }
    }
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The parameter's name.
    pub name: &'static str,
    /// The least that it may be.
    pub least: f64,
    /// Whether it must be above that.
    pub is_above: bool,
    /// The most that it may be.
    pub most: f64,
    /// Whether it is a whole number.
    pub is_whole: bool,
}

impl Range {
    /// Whether a value lies in it; NaN does not.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.least..=self.most).contains(&value) && !(self.is_above && value <= self.least)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_above {
            write!(f, "above {} and at most {}", self.least, self.most)
        } else {
            write!(f, "{} to {}", self.least, self.most)
        }
    }
}

fn real(name: &'static str, least: f64, most: f64) -> Range {
    Range { name, least, is_above: false, most, is_whole: false }
}
