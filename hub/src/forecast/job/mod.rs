//! Trainings of the forecasts: merged data, a new artefact, results of every product.
//!
//! One runs at a time. The old artefact answers until the new one is on disk, then it is swapped. A training that
//! the end of the hub cut off has failed: what was merged stays, and training again needs no file.

/// Fits for plans.
mod bins;

/// Fits for questions.
mod fits;

/// What is told of a training.
mod training;

/// A training at work.
mod work;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use pilah_forecast::artefact::Artefact;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::bins::BinFits;
use self::fits::Fits;
pub(crate) use self::training::{JobError, Order, Training};
pub use self::training::{TrainingEvent, TrainingStatus};
use crate::store::entity::forecast_training;
use crate::store::{Store, now_ms};

/// How many trainings that are over are remembered with all their events.
const OVER_KEPT: usize = 16;

/// What is said of a training that the end of the hub cut off.
const INTERRUPTED: &str = "the hub ended while it ran; what was merged stays: train again";

/// The forecasts of a hub. Clones share them.
#[derive(Debug, Clone)]
pub struct Forecasts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    stop: CancellationToken,
    file: PathBuf,
    trained: RwLock<Option<Arc<Artefact>>>,
    fits: Mutex<Fits>,
    fitting: Arc<Semaphore>,
    bins: tokio::sync::Mutex<BinFits>,
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
        let fitting = Arc::new(Semaphore::new(fits::FITS_AT_ONCE));
        Ok(Self(Arc::new(Inner {
            store,
            stop,
            file,
            trained,
            fits,
            fitting,
            bins: tokio::sync::Mutex::default(),
            trainings,
        })))
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

    /// The training that runs, if there is one.
    pub(crate) fn running(&self) -> Option<String> {
        self.trainings().running.clone()
    }

    /// A training whose events are remembered.
    pub(crate) fn training(&self, id: &str) -> Option<Arc<Training>> {
        self.trainings().known.get(id).cloned()
    }

    /// How far a training is, or what came of it.
    pub(crate) async fn status(&self, id: &str) -> Result<Option<TrainingStatus>, DbErr> {
        let row = forecast_training::Entity::find_by_id(id).one(self.0.store.db()).await?;
        Ok(row.map(|row| self.status_of(row)))
    }

    /// The last trainings, the newest first.
    pub(crate) async fn list(&self, limit: u64) -> Result<Vec<TrainingStatus>, DbErr> {
        let newest = forecast_training::Entity::find().order_by_desc(forecast_training::Column::Id).limit(limit);
        Ok(newest.all(self.0.store.db()).await?.into_iter().map(|row| self.status_of(row)).collect())
    }

    fn status_of(&self, row: forecast_training::Model) -> TrainingStatus {
        TrainingStatus {
            last: self.training(&row.id).and_then(|training| training.events.borrow().last().cloned()),
            id: row.id,
            state: row.state,
            by: row.by,
            file: row.file,
            started_ms: row.started_ms,
            finished_ms: row.finished_ms,
            report: row.report_json.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            error: row.error,
        }
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
}
