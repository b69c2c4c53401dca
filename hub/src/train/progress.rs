//! How far a training is: pure.

use pilah_evaluate::EpochFigures;
use pilah_models::train::EpochReport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::live::TrainingProgress;

/// Of 100, how much the embeddings are when some have to be computed.
const EMBEDDING_SHARE: f64 = 60.0;

/// Of 100, where the evaluation begins.
const EVALUATION_FROM: f64 = 95.0;

/// A step of a training.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Images are embedded.
    Embedding {
        /// How many are done.
        done: u64,
        /// How many there are to do.
        total: u64,
        /// How many were done before.
        cached: u64,
    },
    /// The fit goes on from a checkpoint with these epochs.
    Resumed(Vec<EpochReport>),
    /// An epoch of the fit is over.
    Epoch(EpochReport),
    /// Something that the log should tell.
    Note(String),
    /// The fit is over; the model is sealed, evaluated and judged.
    Evaluating,
    /// It is over.
    Ended {
        /// `succeeded`, `failed` or `cancelled`.
        state: EndState,
        /// What came of it, in words.
        message: String,
        /// Accuracy on the test split, 0 to 1.
        accuracy: Option<f64>,
    },
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndState {
    /// There is a new model, whatever the gate says of it.
    Succeeded,
    /// There is none, for a reason.
    Failed,
    /// There is none, because somebody wanted none.
    Cancelled,
}

impl EndState {
    /// The name in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far the training is that runs, or what came of the last one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingStatus {
    /// Whether one is queued or runs.
    pub in_progress: bool,
    /// Its number; `null` before the first.
    pub id: Option<i32>,
    /// `idle`, `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// `embedding`, `fitting` or `evaluating`; empty when none runs.
    pub phase: String,
    /// Epochs done.
    pub current_epoch: u32,
    /// Epochs at most; early stopping may end it before.
    pub total_epochs: u32,
    /// Of the whole, 0 to 100.
    pub progress: f64,
    /// What it is doing, or what came of it, in words.
    pub message: String,
    /// While it runs, on the validation split; then on the test split. 0 to 1.
    pub accuracy: Option<f64>,
    /// Mean loss of the last epoch on the training split.
    pub loss: Option<f64>,
    /// Mean loss on the validation split after the last epoch.
    pub validation_loss: Option<f64>,
    /// Images to embed in this training.
    pub images_total: u64,
    /// Images embedded so far.
    pub images_done: u64,
    /// Images that had been embedded before.
    pub images_cached: u64,
    /// The process that runs it or ran it last.
    #[serde(default)]
    pub worker: Option<String>,
    /// How many processes have taken it; more than one if some died.
    #[serde(default)]
    pub attempt: u32,
    /// The epoch of the checkpoint that it was last taken up from.
    #[serde(default)]
    pub resumed_from: Option<u32>,
    /// Every epoch so far.
    pub history: Vec<EpochFigures>,
}

impl TrainingStatus {
    /// No training has run yet.
    #[must_use]
    pub fn idle() -> Self {
        Self { state: "idle".into(), message: "no training has run yet".into(), ..Self::default() }
    }

    /// A training waits for somebody to run it.
    #[must_use]
    pub fn queued(id: i32, epochs: usize) -> Self {
        Self {
            in_progress: true,
            id: Some(id),
            state: "queued".into(),
            total_epochs: count(epochs),
            message: "waiting for a worker".into(),
            ..Self::default()
        }
    }

    /// A process begins a training, or takes it up again.
    #[must_use]
    pub fn taken(id: i32, epochs: i32, worker: &str, attempt: i32) -> Self {
        Self {
            state: "running".into(),
            phase: "embedding".into(),
            message: "reading the dataset".into(),
            worker: Some(worker.to_owned()),
            attempt: u32::try_from(attempt).unwrap_or(0),
            ..Self::queued(id, usize::try_from(epochs).unwrap_or(0))
        }
    }

    /// The process that runs it stops.
    pub fn hand_back(&mut self) {
        self.state = "queued".into();
        self.phase = String::new();
        self.worker = None;
        self.message = "waiting for a worker to go on".into();
    }

    /// A step was done.
    pub fn apply(&mut self, step: &Step) {
        match step {
            Step::Embedding { done, total, cached } => {
                (self.images_done, self.images_total, self.images_cached) = (*done, *total, *cached);
                self.phase = "embedding".into();
                self.progress = EMBEDDING_SHARE * *done as f64 / (*total).max(1) as f64;
                self.message = format!("embedded {done} of {total} images, {cached} were known");
            }
            Step::Epoch(report) => {
                let from = if self.images_total > 0 { EMBEDDING_SHARE } else { 0.0 };
                let share = report.epoch as f64 / report.epochs.max(1) as f64;
                self.phase = "fitting".into();
                self.progress = from + (EVALUATION_FROM - from) * share;
                (self.current_epoch, self.total_epochs) = (count(report.epoch), count(report.epochs));
                self.accuracy = Some(f64::from(report.validation_accuracy));
                self.loss = Some(f64::from(report.train_loss));
                self.validation_loss = Some(f64::from(report.validation_loss));
                self.message = format!("epoch {} of at most {}", report.epoch, report.epochs);
                self.history.push(report.into());
            }
            Step::Resumed(epochs) => {
                self.history = epochs.iter().map(EpochFigures::from).collect();
                self.resumed_from = Some(count(epochs.len()));
                self.current_epoch = count(epochs.len());
            }
            Step::Note(_) => {}
            Step::Evaluating => {
                self.phase = "evaluating".into();
                self.progress = EVALUATION_FROM;
                self.message = "evaluating on the test split".into();
            }
            Step::Ended { state, message, accuracy } => {
                self.in_progress = false;
                self.phase = String::new();
                self.state = state.name().into();
                self.message.clone_from(message);
                if *state == EndState::Succeeded {
                    self.progress = 100.0;
                    self.accuracy = *accuracy;
                }
            }
        }
    }

    /// The part that is told live.
    #[must_use]
    pub fn live(&self) -> TrainingProgress {
        TrainingProgress {
            id: self.id.unwrap_or_default(),
            state: self.state.clone(),
            phase: self.phase.clone(),
            epoch: self.current_epoch,
            epochs: self.total_epochs,
            progress: self.progress,
            message: self.message.clone(),
            accuracy: self.accuracy,
            loss: self.loss,
        }
    }
}

impl Step {
    /// What the log says of it, if it is worth that.
    #[must_use]
    pub fn worth_a_log_entry(&self) -> Option<String> {
        match self {
            Self::Embedding { done: 0, total, cached } => Some(format!("{total} images to embed, {cached} were known")),
            Self::Resumed(epochs) => Some(format!("the fit goes on from its checkpoint of epoch {}", epochs.len())),
            Self::Note(message) => Some(message.clone()),
            Self::Evaluating => Some("the fit is done; evaluating".into()),
            Self::Embedding { .. } | Self::Epoch(_) | Self::Ended { .. } => None,
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize) -> Step {
        Step::Epoch(EpochReport { epoch, epochs: 10, train_loss: 0.5, validation_loss: 0.6, validation_accuracy: 0.75 })
    }

    #[test]
    fn progress_only_grows_until_it_is_100() {
        let end = Step::Ended { state: EndState::Succeeded, message: "m2".into(), accuracy: Some(0.8) };
        for total in [0, 64] {
            let mut status = TrainingStatus::taken(1, 10, "w", 1);
            let mut steps = vec![
                Step::Embedding { done: 0, total, cached: 5 },
                Step::Embedding { done: total / 2, total, cached: 5 },
                Step::Embedding { done: total, total, cached: 5 },
            ];
            steps.extend((1..=10).map(epoch));
            steps.extend([Step::Evaluating, end.clone()]);
            let mut last = 0.0;
            for step in &steps {
                status.apply(step);
                assert!((last..=100.0).contains(&status.progress), "{step:?}: {status:?}");
                last = status.progress;
            }
            assert!((last - 100.0).abs() < 1e-9 && !status.in_progress);
            assert_eq!((status.history.len(), status.accuracy, status.state.as_str()), (10, Some(0.8), "succeeded"));
        }
    }

    #[test]
    fn a_training_that_is_taken_up_again_has_each_epoch_once() {
        let reports: Vec<EpochReport> = (1..=4)
            .map(|n| if let Step::Epoch(report) = epoch(n) { report } else { unreachable!("an epoch") })
            .collect();
        let mut status = TrainingStatus::taken(1, 10, "w", 2);
        status.apply(&Step::Resumed(reports));
        status.apply(&epoch(5));
        let epochs: Vec<u32> = status.history.iter().map(|epoch| epoch.epoch).collect();
        assert_eq!((epochs, status.resumed_from, status.attempt), (vec![1, 2, 3, 4, 5], Some(4), 2));
        status.hand_back();
        assert_eq!((status.state.as_str(), status.in_progress, status.worker), ("queued", true, None));
    }

    #[test]
    fn a_failure_keeps_what_was_reached_and_says_why() {
        let mut status = TrainingStatus::taken(1, 10, "w", 1);
        status.apply(&epoch(4));
        let reached = status.progress;
        status.apply(&Step::Ended { state: EndState::Failed, message: "disk full".into(), accuracy: None });
        assert_eq!((status.progress, status.message.as_str(), status.in_progress), (reached, "disk full", false));
    }
}
