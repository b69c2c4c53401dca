//! The one place that starts, watches and cancels trainings.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::job::{self, Parts};
use super::progress::{EndState, Step, TrainingStatus};
use super::{BackboneFile, OnStep, TrainError, TrainParams, TrainReport, store};
use crate::error::Chain;
use crate::live::{Live, LiveEvent};

/// Watchers are told no more often than this, except of the end.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How often a running training is written down.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// A training that does not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One runs.
    #[error("training {0} is running: wait for it, or cancel it")]
    Running(i32),
    /// The parameters make no sense, or the dataset does not suffice.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl From<DbErr> for StartError {
    fn from(error: DbErr) -> Self {
        Self::Train(error.into())
    }
}

/// A training in the background.
type Job = JoinHandle<Result<TrainReport, TrainError>>;

/// Starts, watches and cancels trainings. Clones share the one that runs.
#[derive(Clone)]
pub struct Trainer(Arc<Inner>);

struct Inner {
    parts: Parts,
    live: Live,
    shutdown: CancellationToken,
    current: Mutex<Current>,
}

struct Current {
    status: TrainingStatus,
    told: Option<Instant>,
    stop: CancellationToken,
}

impl fmt::Debug for Trainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer").field("status", &self.current().status).finish_non_exhaustive()
    }
}

impl Trainer {
    /// A trainer of this hub. A training that an earlier process left running has failed.
    ///
    /// # Errors
    /// The database's.
    pub async fn open(parts: Parts, live: Live, shutdown: CancellationToken) -> Result<Self, DbErr> {
        let interrupted = store::fail_interrupted(parts.store.db()).await?;
        if interrupted > 0 {
            tracing::warn!(trainings = interrupted, "marked as failed: the hub ended while they ran");
        }
        let last = store::newest(parts.store.db(), 1).await?;
        let status = last.first().map_or_else(TrainingStatus::idle, store::status_of);
        let current = Mutex::new(Current { status, told: None, stop: CancellationToken::new() });
        Ok(Self(Arc::new(Inner { parts, live, shutdown, current })))
    }

    /// How far the training is that runs, or what came of the last one.
    #[must_use]
    pub fn status(&self) -> TrainingStatus {
        self.current().status.clone()
    }

    /// Starts a training in the background and gives its number.
    ///
    /// # Errors
    /// [`StartError`]: one runs, or the parameters make no sense.
    pub async fn start(&self, params: TrainParams, who: &str) -> Result<i32, StartError> {
        let (id, _job) = self.spawn(params, None, who).await?;
        Ok(id)
    }

    /// Trains, and waits for the end: for the command.
    ///
    /// # Errors
    /// [`StartError`]: one runs, or the training failed.
    pub async fn train(
        &self,
        params: TrainParams,
        backbone: Option<BackboneFile>,
        who: &str,
    ) -> Result<TrainReport, StartError> {
        let (_id, job) = self.spawn(params, backbone, who).await?;
        Ok(job.await.expect("a training does not panic and is not aborted")?)
    }

    /// Cancels a training. `false` if it is not the one that runs.
    #[must_use]
    pub fn cancel(&self, id: i32) -> bool {
        let current = self.current();
        let runs = current.status.in_progress && current.status.id == Some(id);
        if runs {
            current.stop.cancel();
        }
        runs
    }

    /// Begins a training in a task of its own, so that a caller who hangs up halfway leaves nothing half
    /// begun.
    async fn spawn(
        &self,
        params: TrainParams,
        backbone: Option<BackboneFile>,
        who: &str,
    ) -> Result<(i32, Job), StartError> {
        let (trainer, who) = (self.clone(), who.to_owned());
        let begin = tokio::spawn(async move { trainer.begin(params, backbone, &who).await });
        begin.await.expect("beginning a training does not panic and is not aborted")
    }

    async fn begin(
        &self,
        params: TrainParams,
        backbone: Option<BackboneFile>,
        who: &str,
    ) -> Result<(i32, Job), StartError> {
        let epochs = params.head()?.epochs;
        job::check(&self.0.parts, &params, backbone.is_some()).await?;
        // Taken before the row is written, so that of two requests at once only one gets through.
        let stop = self.0.shutdown.child_token();
        let before = {
            let mut current = self.current();
            if current.status.in_progress {
                return Err(StartError::Running(current.status.id.unwrap_or_default()));
            }
            current.stop = stop.clone();
            std::mem::replace(&mut current.status, TrainingStatus::started(0, epochs))
        };
        let id = match store::begin(self.0.parts.store.db(), &params, epochs, who).await {
            Ok(id) => id,
            Err(error) => {
                self.current().status = before;
                return Err(error.into());
            }
        };
        self.current().status.id = Some(id);
        tracing::info!(training = id, who, "training started");
        self.tell(true);
        let trainer = self.clone();
        Ok((id, tokio::spawn(async move { trainer.run(id, params, backbone, stop).await })))
    }

    async fn run(
        self,
        id: i32,
        params: TrainParams,
        backbone: Option<BackboneFile>,
        stop: CancellationToken,
    ) -> Result<TrainReport, TrainError> {
        let watcher = self.clone();
        let on_step: OnStep = Arc::new(move |step| watcher.step(&step));
        let mut save = tokio::time::interval(SAVE_EVERY);
        let parts = self.0.parts.clone();
        let mut job = tokio::spawn(async move { job::run(&parts, id, &params, backbone, &on_step, &stop).await });
        let result = loop {
            tokio::select! {
                ended = &mut job => break ended.unwrap_or_else(|defect| Err(defect.into())),
                _ = save.tick() => self.save().await,
            }
        };
        let (state, message) = match &result {
            Ok(report) if report.in_service => {
                (EndState::Succeeded, format!("{} is in service: {}", report.model, report.gate.summary()))
            }
            Ok(report) => (EndState::Succeeded, format!("{} was refused: {}", report.model, report.gate.summary())),
            Err(error @ TrainError::Cancelled) => (EndState::Cancelled, error.to_string()),
            Err(error) => (EndState::Failed, Chain(error).to_string()),
        };
        tracing::info!(training = id, state = state.name(), message = message.as_str(), "training ended");
        let accuracy = result.as_ref().ok().map(|report| report.evaluation.accuracy);
        // The row is written before the status says that it is over: who sees that can read the row.
        let mut status = self.status();
        status.apply(&Step::Ended { state, message, accuracy });
        if let Err(error) = store::end(self.0.parts.store.db(), &status, state, result.as_ref().ok()).await {
            tracing::error!(training = id, %error, "the end of a training is not written down");
        }
        self.current().status = status;
        self.tell(true);
        result
    }

    async fn save(&self) {
        let status = self.status();
        if let Err(error) = store::update(self.0.parts.store.db(), &status).await {
            // The training goes on: its end is written down as well, or fails for the same reason.
            tracing::warn!(training = status.id, %error, "progress not written down");
        }
    }

    fn step(&self, step: &Step) {
        self.current().status.apply(step);
        self.tell(matches!(step, Step::Evaluating));
    }

    fn tell(&self, at_once: bool) {
        let mut current = self.current();
        if at_once || current.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            current.told = Some(Instant::now());
            self.0.live.publish(LiveEvent::Training(current.status.live()));
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
