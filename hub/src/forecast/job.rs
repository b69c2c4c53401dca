//! Trainings of the forecasts: merged data, a new artefact, results of every product.
//!
//! One runs at a time. The old artefact answers until the new one is on disk, then it is swapped. A training that
//! the end of the hub cut off has failed: what was merged stays, and training again needs no file.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use rayon::prelude::*;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{self, Question};
use super::artefact::Artefact;
use super::ensemble::{Ensemble, Settings};
use super::intake::{Report, Row};
use super::store::{self, Filter};
use super::training::{self, Progress, TrainingError};
use crate::error::Chain;
use crate::store::entity::forecast_training;
use crate::store::{Store, now_ms};

/// How many fits of filtered data are kept: an ensemble of two years of days takes some 50 kB.
const FITS_KEPT: usize = 64;

/// How many trainings that are over are remembered with all their events.
const OVER_KEPT: usize = 16;

/// How far ahead the stored results go, in days.
const RESULT_DAYS: u32 = 90;

/// What is said of a training that the end of the hub cut off.
const INTERRUPTED: &str = "the hub ended while it ran; what was merged stays: train again";

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
    cancel: CancellationToken,
    events: watch::Sender<Vec<TrainingEvent>>,
}

impl Training {
    /// All events so far, and those to come.
    pub(crate) fn events(&self) -> watch::Receiver<Vec<TrainingEvent>> {
        self.events.subscribe()
    }

    fn tell(&self, stage: &str, message: impl Into<String>, progress: f64, data: serde_json::Value) {
        let event = TrainingEvent { stage: stage.into(), message: message.into(), progress, data };
        self.events.send_modify(|events| events.push(event));
    }

    fn hear(&self, progress: Progress) {
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

    fn epoch(&self, what: &str, from: f64, epoch: super::lstm::Epoch) {
        let share = epoch.epoch as f64 / epoch.epochs as f64;
        let message = format!("{what}: epoch {} of {}", epoch.epoch, epoch.epochs);
        self.tell("lstm", message, from + 35.0 * share, json!(epoch));
    }
}

/// Why a training does not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
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

/// The forecasts of a hub. Clones share them.
#[derive(Debug, Clone)]
pub struct Forecasts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    stop: CancellationToken,
    file: PathBuf,
    trained: RwLock<Option<Arc<Artefact>>>,
    fits: Mutex<VecDeque<(String, Arc<Ensemble>)>>,
    trainings: Mutex<Trainings>,
}

#[derive(Debug, Default)]
struct Trainings {
    running: Option<String>,
    known: HashMap<String, Arc<Training>>,
    over: VecDeque<String>,
}

impl Forecasts {
    /// The forecasts of a data folder: what was trained last answers at once.
    ///
    /// # Errors
    /// The database's.
    pub async fn open(store: Store, stop: CancellationToken) -> Result<Self, DbErr> {
        forecast_training::Entity::update_many()
            .col_expr(forecast_training::Column::State, Expr::value("failed"))
            .col_expr(forecast_training::Column::Error, Expr::value(INTERRUPTED))
            .col_expr(forecast_training::Column::FinishedMs, Expr::value(now_ms()))
            .filter(forecast_training::Column::State.eq("running"))
            .exec(store.db())
            .await?;
        let file = store.folder().join("forecast").join("current.pilah");
        let trained = match std::fs::read(&file).map(|bytes| Artefact::from_bytes(&bytes)) {
            Ok(Ok(artefact)) => Some(Arc::new(artefact)),
            Ok(Err(error)) => {
                tracing::warn!(%error, file = %file.display(), "the trained forecast cannot be used");
                None
            }
            Err(_) => None,
        };
        let (trained, fits, trainings) = (RwLock::new(trained), Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { store, stop, file, trained, fits, trainings })))
    }

    /// What was trained last.
    pub(crate) fn trained(&self) -> Option<Arc<Artefact>> {
        self.0.trained.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts a training in the background.
    pub(crate) async fn start(&self, order: Order) -> Result<Arc<Training>, JobError> {
        let id = Uuid::now_v7().to_string();
        let training = Arc::new(Training {
            id: id.clone(),
            cancel: self.0.stop.child_token(),
            events: watch::Sender::new(Vec::new()),
        });
        {
            let mut trainings = self.trainings();
            if let Some(running) = &trainings.running {
                return Err(JobError::Running(running.clone()));
            }
            trainings.running = Some(id.clone());
            trainings.known.insert(id.clone(), Arc::clone(&training));
        }
        let row = forecast_training::ActiveModel {
            id: Set(id),
            state: Set("running".into()),
            by: Set(order.by.clone()),
            file: Set(order.file.clone()),
            merged: Set(false),
            started_ms: Set(now_ms()),
            ..Default::default()
        };
        if let Err(error) = forecast_training::Entity::insert(row).exec_without_returning(self.0.store.db()).await {
            self.over(&training.id);
            return Err(error.into());
        }
        let (this, own) = (self.clone(), Arc::clone(&training));
        tokio::spawn(async move { this.run(&own, order).await });
        Ok(training)
    }

    /// Ends a training, as soon as it looks. Whether there is one that runs.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let trainings = self.trainings();
        let running = trainings.running.as_deref() == Some(id);
        if running && let Some(training) = trainings.known.get(id) {
            training.cancel.cancel();
        }
        running
    }

    /// How far a training is, or what came of it.
    pub(crate) async fn status(&self, id: &str) -> Result<Option<TrainingStatus>, DbErr> {
        let last = self.trainings().known.get(id).and_then(|training| training.events.borrow().last().cloned());
        let row = forecast_training::Entity::find_by_id(id).one(self.0.store.db()).await?;
        Ok(row.map(|row| TrainingStatus {
            id: row.id,
            state: row.state,
            by: row.by,
            file: row.file,
            started_ms: row.started_ms,
            finished_ms: row.finished_ms,
            last,
            report: row.report_json.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            error: row.error,
        }))
    }

    /// A model of the rows that a filter takes, kept until the data changes; `None` if there are none.
    pub(crate) async fn fitted(&self, filter: &Filter) -> Result<Option<Arc<Ensemble>>, JobError> {
        let version = store::version(self.0.store.db()).await?;
        let key = format!("{version} {filter:?}");
        if let Some((_, fit)) = self.fits().iter().find(|(kept, _)| *kept == key) {
            return Ok(Some(Arc::clone(fit)));
        }
        if let (Some(product), Some(artefact)) = (&filter.product, self.trained()) {
            let only = Filter { product: Some(product.clone()), ..Filter::default() };
            if *filter == only && artefact.metadata.data == version && artefact.products.contains_key(product) {
                return Ok(artefact.products.get(product).cloned().map(Arc::new));
            }
        }
        let rows = store::rows(self.0.store.db(), filter).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let fit = move || {
            let points = training::total(&rows);
            training::fit(&points, &Settings::default(), |_| ControlFlow::Continue(()))
        };
        let fit = Arc::new(tokio::task::spawn_blocking(fit).await.expect("a fit does not panic")?);
        let mut fits = self.fits();
        fits.push_back((key, Arc::clone(&fit)));
        if fits.len() > FITS_KEPT {
            fits.pop_front();
        }
        Ok(Some(fit))
    }

    async fn run(&self, training: &Arc<Training>, order: Order) {
        let result = self.train(training, order).await;
        let mut row = forecast_training::ActiveModel { id: Set(training.id.clone()), ..Default::default() };
        row.finished_ms = Set(Some(now_ms()));
        let event = match result {
            Ok(report) => {
                row.state = Set("succeeded".into());
                row.report_json = Set(Some(report.to_string()));
                ("result", "the new forecast answers".to_owned(), report)
            }
            Err(error) => {
                let cancelled = matches!(error, JobError::Training(TrainingError::Cancelled));
                let state = if cancelled { "cancelled" } else { "failed" };
                if !cancelled {
                    tracing::warn!(training = training.id, error = %Chain(&error), "forecast training failed");
                }
                let words = match &error {
                    // The cause is the hub's own affair.
                    JobError::Save(_) | JobError::Database(_) => "the hub failed to do this; its log says why".into(),
                    error => error.to_string(),
                };
                row.state = Set(state.into());
                row.error = Set(Some(words.clone()));
                (state, words, json!({}))
            }
        };
        if let Err(error) = forecast_training::Entity::update(row).exec(self.0.store.db()).await {
            tracing::error!(%error, training = training.id, "the end of a training is not written down");
        }
        self.over(&training.id);
        training.tell(event.0, event.1, 100.0, event.2);
    }

    async fn train(&self, training: &Arc<Training>, order: Order) -> Result<serde_json::Value, JobError> {
        let db = self.0.store.db();
        if let Some((rows, report)) = order.rows {
            training.tell("validated", format!("{} of {} rows are good", report.good, report.rows), 1.0, json!(report));
            let merged = store::merge(&self.0.store, &rows).await?;
            forecast_training::Entity::update(forecast_training::ActiveModel {
                id: Set(training.id.clone()),
                merged: Set(true),
                ..Default::default()
            })
            .exec(db)
            .await?;
            let words = format!("{} new, {} updated, {} unchanged", merged.new, merged.updated, merged.unchanged);
            training.tell("merged", words, 3.0, json!(merged));
        }
        let version = store::version(db).await?;
        let rows = store::rows(db, &Filter::default()).await?;
        if rows.is_empty() {
            return Err(JobError::NoData);
        }
        let (own, settings) = (Arc::clone(training), order.settings);
        let work = move || {
            let watch = |progress| {
                own.hear(progress);
                if own.cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let mut artefact = training::train(&rows, &settings, Timestamp::now(), &watch)?;
            artefact.metadata.data = version;
            let bytes = artefact.to_bytes();
            Ok::<_, TrainingError>((results(&artefact), artefact, bytes))
        };
        let (results, artefact, bytes) =
            tokio::task::spawn_blocking(work).await.expect("a training does not panic and is not aborted")?;
        if training.cancel.is_cancelled() {
            return Err(TrainingError::Cancelled.into());
        }
        store::put_results(&self.0.store, &training.id, results).await?;
        let (file, size) = (self.0.file.clone(), bytes.len());
        let write = move || pilah_models::durable::write(&file, &bytes);
        tokio::task::spawn_blocking(write).await.expect("writing does not panic").map_err(JobError::Save)?;
        training.tell("saved", format!("{size} bytes"), 99.0, json!({ "bytes": size }));
        let report = json!({
            "training": training.id, "metadata": artefact.metadata, "weights": artefact.total.weights,
            "accuracy": artefact.total.accuracy, "ensemble_accuracy": artefact.total.ensemble_accuracy,
            "notes": artefact.total.notes,
        });
        *self.0.trained.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(artefact));
        Ok(report)
    }

    fn over(&self, id: &str) {
        let mut trainings = self.trainings();
        trainings.running = None;
        trainings.over.push_back(id.to_owned());
        if trainings.over.len() > OVER_KEPT
            && let Some(oldest) = trainings.over.pop_front()
        {
            trainings.known.remove(&oldest);
        }
    }

    fn trainings(&self) -> MutexGuard<'_, Trainings> {
        self.0.trainings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fits(&self) -> MutexGuard<'_, VecDeque<(String, Arc<Ensemble>)>> {
        self.0.fits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an artefact says of every product and of the total, as it is stored.
fn results(artefact: &Artefact) -> Vec<(String, String)> {
    let all = artefact.products.par_iter().map(|(product, ensemble)| (product.clone(), Some(product), ensemble));
    let all = all.chain(rayon::iter::once((String::new(), None, &artefact.total)));
    all.filter_map(|(key, product, ensemble)| {
        let question = Question { days: Some(RESULT_DAYS), product_id: product.cloned(), ..Question::default() };
        let answer = answer::answer(ensemble, &question, None).ok()?;
        Some((key, serde_json::to_string(&answer).expect("an answer is JSON")))
    })
    .collect()
}
