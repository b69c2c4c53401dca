//! The one place that queues, watches and cancels trainings.
//!
//! A trainer shows the training that this process or another one runs: it reads the database once a
//! second, and at once what happens here.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pilah_models::bundle::InputSpec;
use pilah_models::name::ContentId;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::job;
use super::progress::{EndState, TrainingStatus};
use super::queue::{self, Enqueued};
use super::store::LogEntry;
use super::{TrainError, TrainParams, TrainReport, checkpoints, store};
use crate::live::{Live, LiveEvent};
use crate::registry::{BackboneFile, Parts};
use crate::store::{StoreError, now_ms};

/// Takes queued trainings and runs them.
mod worker;

/// Watchers are told no more often than this, except of the end.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How often one who waits for a training that another process runs looks whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A training that does not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One is queued or runs.
    #[error("training {id} is {}: wait for it, or cancel it", status.state)]
    Running {
        /// Which.
        id: i32,
        /// How far it is.
        status: Box<TrainingStatus>,
    },
    /// The parameters make no sense, or the dataset does not suffice.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl From<DbErr> for StartError {
    fn from(error: DbErr) -> Self {
        Self::Train(error.into())
    }
}

/// Queues, watches and cancels trainings. Clones share one.
#[derive(Clone)]
pub struct Trainer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) parts: Parts,
    pub(super) live: Live,
    pub(super) shutdown: CancellationToken,
    /// The name of this process among those that share the database.
    pub(super) worker: String,
    pub(super) nudge: Notify,
    pub(super) current: Mutex<Current>,
    working: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Current {
    pub(super) status: TrainingStatus,
    pub(super) log: Vec<LogEntry>,
    pub(super) told: Option<Instant>,
    /// The training that this process runs, and what stops it.
    pub(super) running: Option<(i32, CancellationToken)>,
}

/// A backbone as a row names it; its bytes are in the object storage.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredBackbone {
    pub(super) sha256: ContentId,
    pub(super) input: InputSpec,
}

impl fmt::Debug for Trainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer").field("status", &self.current().status).finish_non_exhaustive()
    }
}

impl Trainer {
    /// A trainer that runs what is queued, one at a time, until `shutdown`: it then gives back what it
    /// runs.
    ///
    /// # Errors
    /// The database's.
    pub async fn open(parts: Parts, live: Live, shutdown: CancellationToken) -> Result<Self, DbErr> {
        Self::begin(parts, live, shutdown, true).await
    }

    /// A trainer that leaves what is queued to `pilah-hub worker`.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_watching(parts: Parts, live: Live, shutdown: CancellationToken) -> Result<Self, DbErr> {
        Self::begin(parts, live, shutdown, false).await
    }

    async fn begin(parts: Parts, live: Live, shutdown: CancellationToken, runs: bool) -> Result<Self, DbErr> {
        let db = parts.store.db();
        let interrupted = queue::fail_interrupted(db).await?;
        if interrupted > 0 {
            tracing::warn!(trainings = interrupted, "marked as failed: the hub ended while they ran");
        }
        // Listed before the database is asked, so that none goes that has begun since.
        let kept = checkpoints::list(parts.store.folder());
        let active = queue::active(db).await?.map(|row| row.id);
        kept.iter().filter(|(id, _)| Some(*id) != active).for_each(|(_, folder)| checkpoints::remove(folder));
        let status = store::newest(db, 1).await?.first().map_or_else(TrainingStatus::idle, store::status_of);
        let worker = format!("{}-{}", std::process::id(), &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let current = Mutex::new(Current { status, log: Vec::new(), told: None, running: None });
        let (nudge, working) = (Notify::new(), Mutex::default());
        let trainer = Self(Arc::new(Inner { parts, live, shutdown, worker, nudge, current, working }));
        let working = tokio::spawn(worker::work(trainer.clone(), runs));
        *trainer.0.working.lock().unwrap_or_else(PoisonError::into_inner) = Some(working);
        Ok(trainer)
    }

    /// How far the training is that is queued or runs, or what came of the last one.
    #[must_use]
    pub fn status(&self) -> TrainingStatus {
        self.current().status.clone()
    }

    /// Queues a training and gives its number.
    ///
    /// # Errors
    /// [`StartError`]: one is queued or runs, the parameters make no sense, or there is too little data.
    pub async fn start(&self, params: TrainParams, who: &str) -> Result<i32, StartError> {
        self.start_with(params, None, who).await
    }

    /// As [`Trainer::start`], with another backbone than that of the model in service.
    ///
    /// # Errors
    /// As [`Trainer::start`].
    pub async fn start_with(
        &self,
        params: TrainParams,
        backbone: Option<BackboneFile>,
        who: &str,
    ) -> Result<i32, StartError> {
        // In a task of its own, so that a caller who hangs up halfway leaves nothing half begun.
        let (trainer, who) = (self.clone(), who.to_owned());
        let begin = tokio::spawn(async move { trainer.enqueue(params, backbone, &who).await });
        begin.await.expect("queueing a training does not panic and is not aborted")
    }

    async fn enqueue(&self, params: TrainParams, backbone: Option<BackboneFile>, who: &str) -> Result<i32, StartError> {
        let epochs = params.head()?.epochs;
        let parts = &self.0.parts;
        job::check(parts, &params, backbone.is_some()).await?;
        let backbone = match backbone {
            Some(BackboneFile { onnx, input }) => {
                let sha256 = parts.blobs.put(onnx).await.map_err(TrainError::from)?;
                let row = StoredBackbone { sha256, input };
                Some(serde_json::to_string(&row).expect("a backbone's row has string keys"))
            }
            None => None,
        };
        match queue::enqueue(parts.store.db(), &params, backbone, epochs, who).await? {
            Enqueued::Busy(row) => Err(StartError::Running { id: row.id, status: Box::new(store::status_of(&row)) }),
            Enqueued::Queued(id) => {
                tracing::info!(training = id, who, "training queued");
                let mut current = self.current();
                // Unless it has been taken already.
                if current.status.id.is_none_or(|known| known < id) {
                    current.status = TrainingStatus::queued(id, epochs);
                }
                self.0.nudge.notify_one();
                Ok(id)
            }
        }
    }

    /// Waits for the end of a training, whoever runs it.
    ///
    /// # Errors
    /// [`TrainError::Failed`] or [`TrainError::Cancelled`], or the database failed.
    pub async fn wait(&self, id: i32) -> Result<TrainReport, TrainError> {
        loop {
            let row = store::find(self.0.parts.store.db(), id).await?;
            let row = row.ok_or_else(|| TrainError::Failed(format!("training {id} is gone")))?;
            if row.active.is_some() {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            if row.state == EndState::Cancelled.name() {
                return Err(TrainError::Cancelled);
            }
            let Some(report) = row.report_json else {
                return Err(TrainError::Failed(row.error.unwrap_or(row.message)));
            };
            let corrupt = |error: serde_json::Error| StoreError::Corrupt {
                table: "trainings",
                row: id.to_string(),
                problem: error.to_string(),
            };
            return Ok(serde_json::from_str(&report).map_err(corrupt)?);
        }
    }

    /// Trains, and waits for the end.
    ///
    /// # Errors
    /// As [`Trainer::start`] and [`Trainer::wait`].
    pub async fn train(
        &self,
        params: TrainParams,
        backbone: Option<BackboneFile>,
        who: &str,
    ) -> Result<TrainReport, StartError> {
        let id = self.start_with(params, backbone, who).await?;
        Ok(self.wait(id).await?)
    }

    /// Cancels a training, whoever runs it. `false` if it is over, or there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn cancel(&self, id: i32, who: &str) -> Result<bool, DbErr> {
        let cancelled = queue::cancel(self.0.parts.store.db(), id, who, now_ms()).await?;
        if cancelled {
            let current = self.current();
            if let Some((_, stop)) = current.running.as_ref().filter(|(running, _)| *running == id) {
                stop.cancel();
            }
            self.0.nudge.notify_one();
        }
        Ok(cancelled)
    }

    /// Waits, after `shutdown`, until what this process runs is given back.
    pub async fn stopped(&self) {
        let working = self.0.working.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(working) = working
            && let Err(error) = working.await
        {
            tracing::error!(%error, "the trainer did not stop in order");
        }
    }

    pub(super) fn tell(&self, at_once: bool) {
        let mut current = self.current();
        if at_once || current.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            current.told = Some(Instant::now());
            self.0.live.publish(LiveEvent::Training(current.status.live()));
        }
    }

    pub(super) fn current(&self) -> MutexGuard<'_, Current> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
