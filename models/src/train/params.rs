//! How a fit is done, with the range of each parameter.

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

    /// Checks the range of each parameter.
    ///
    /// # Errors
    /// [`TrainError::Parameter`], which names the first that is out of its range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let whole = |key, value: usize, range: std::ops::RangeInclusive<usize>, words| {
            if range.contains(&value) { Ok(()) } else { Err(out_of_range(key, value.to_string(), words)) }
        };
        // A range contains no NaN.
        let real = |key, value: f64, highest: f64, words| {
            if (0.0..=highest).contains(&value) { Ok(()) } else { Err(out_of_range(key, value.to_string(), words)) }
        };
        whole("hidden", self.hidden, 0..=4096, "0 to 4096")?;
        whole("epochs", self.epochs, 1..=10_000, "1 to 10000")?;
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return Err(out_of_range("learning_rate", self.learning_rate.to_string(), "above 0 and at most 1"));
        }
        whole("batch_size", self.batch_size, 1..=65_536, "1 to 65536")?;
        real("weight_decay", self.weight_decay, 10.0, "0 to 10")?;
        real("input_dropout", self.input_dropout, 0.9, "0 to 0.9")?;
        real("dropout", self.dropout, 0.9, "0 to 0.9")?;
        real("label_smoothing", self.label_smoothing, 0.5, "0 to 0.5")?;
        real("mixup", self.mixup, 1.0, "0 to 1")?;
        whole("patience", self.patience, 1..=10_000, "1 to 10000")
    }
}

fn out_of_range(key: &'static str, value: String, range: &'static str) -> TrainError {
    TrainError::Parameter { key, value, range }
}
