//! A training: what it is started with, what it tells, and why it ends.

use pilah_forecast::ensemble::Settings;
use pilah_forecast::intake::{Report, Row};
use pilah_forecast::lstm;
use pilah_forecast::training::{Progress, TrainingError};
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// Something that a training did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastTrainingEvent)]
pub struct TrainingEvent {
    /// `validated`, `merged`, `prophet`, `lstm`, `products`, `saved`, `result`, `failed` or `cancelled`.
    pub stage: String,
    /// In words.
    pub message: String,
    /// Of the whole, 0 to 100.
    pub progress: f64,
    /// More, by stage.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

impl TrainingEvent {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self.stage.as_str(), "result" | "failed" | "cancelled")
    }
}

/// How far a training is, or what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastTraining)]
pub struct TrainingStatus {
    /// Its id.
    pub id: String,
    /// `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// Who wanted it.
    pub by: String,
    /// The file that came with it.
    pub file: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// The last thing that it did, while it is remembered.
    pub last: Option<TrainingEvent>,
    /// What came of it.
    #[schema(value_type = Object)]
    pub report: Option<serde_json::Value>,
    /// Why it failed, in words.
    pub error: Option<String>,
}

/// What a training is started with.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) by: String,
    pub(crate) file: Option<String>,
    /// New rows, and what was found in their file.
    pub(crate) rows: Option<(Vec<Row>, Report)>,
    pub(crate) settings: Settings,
}

/// A training at work.
#[derive(Debug)]
pub(crate) struct Training {
    pub(crate) id: String,
    pub(super) cancel: CancellationToken,
    pub(super) events: watch::Sender<Vec<TrainingEvent>>,
}

impl Training {
    /// All events so far, and those to come.
    pub(crate) fn events(&self) -> watch::Receiver<Vec<TrainingEvent>> {
        self.events.subscribe()
    }

    /// Says what it did.
    pub(super) fn tell(&self, stage: &str, message: impl Into<String>, progress: f64, data: serde_json::Value) {
        let event = TrainingEvent { stage: stage.into(), message: message.into(), progress, data };
        self.events.send_modify(|events| events.push(event));
    }

    /// Says how far the work is.
    pub(super) fn hear(&self, progress: Progress) {
        match progress {
            Progress::Prophet => self.tell("prophet", "Prophet is fitted to the total", 50.0, json!({})),
            Progress::LstmTested(epoch) => self.epoch("tests the network on the past", 5.0, epoch),
            Progress::Lstm(epoch) => self.epoch("trains the network", 50.0, epoch),
            Progress::Products { done, of } => {
                // A hundred events are enough for any number of products.
                if done % of.div_ceil(100).max(1) == 0 {
                    let share = done as f64 / of.max(1) as f64;
                    let data = json!({ "done": done, "of": of });
                    self.tell("products", format!("{done} of {of} products"), 85.0 + 10.0 * share, data);
                }
            }
        }
    }

    fn epoch(&self, what: &str, from: f64, epoch: lstm::Epoch) {
        let share = epoch.epoch as f64 / epoch.epochs as f64;
        let message = format!("{what}: epoch {} of {}", epoch.epoch, epoch.epochs);
        self.tell("lstm", message, from + 35.0 * share, json!(epoch));
    }
}

/// Why a training does not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// What a question takes cannot be forecast.
    #[error("what is asked for cannot be forecast: {0}")]
    Part(String),
    /// Another one runs.
    #[error("training {0} is running: wait for it, or cancel it")]
    Running(String),
    /// There is no data.
    #[error("there is no data yet: send a CSV file with it")]
    NoData,
    /// The training itself.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The artefact cannot be written.
    #[error("the trained forecast cannot be saved")]
    Save(#[source] std::io::Error),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}
