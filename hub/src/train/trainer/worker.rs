//! Takes queued trainings, one at a time, and runs them: a reconciler. It is nudged when something is
//! queued here, and looks once a second for what others queued, left behind, or did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use super::super::checkpoints::Checkpoints;
use super::super::job::{self, Claim};
use super::super::progress::{EndState, Step, TrainingStatus};
use super::super::queue::{self, Beat, LEASE};
use super::super::store::{self, LogEntry};
use super::super::{OnStep, TrainError, TrainParams, TrainReport};
use super::{StoredBackbone, Trainer};
use crate::error::Chain;
use crate::registry::BackboneFile;
use crate::store::entity::training;
use crate::store::{StoreError, now_ms};

/// How often a worker looks for what others did, and says that it lives: far below [`LEASE`].
const EVERY: Duration = Duration::from_secs(1);

/// Why a running training is to end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody wants none.
    Cancelled,
    /// Another process has it: what is done here is for nothing.
    Lost,
    /// This process stops.
    Stopping,
}

/// Works until the trainer's `shutdown`. If it does not run trainings itself, it watches those of
/// others.
pub(super) async fn work(trainer: Trainer, runs: bool) {
    let shutdown = trainer.0.shutdown.clone();
    while !shutdown.is_cancelled() {
        if let Err(error) = turn(&trainer, runs).await {
            tracing::warn!(%error, "the queue of trainings cannot be read; it is tried again");
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = trainer.0.nudge.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn turn(trainer: &Trainer, runs: bool) -> Result<(), DbErr> {
    let inner = &trainer.0;
    if runs && let Some(row) = queue::claim(inner.parts.store.db(), &inner.worker, now_ms()).await? {
        run(trainer, &row).await;
    }
    follow(trainer).await
}

/// Shows what another process does.
async fn follow(trainer: &Trainer) -> Result<(), DbErr> {
    let newest = store::newest(trainer.0.parts.store.db(), 1).await?;
    if let Some(status) = newest.first().map(store::status_of)
        && status != trainer.status()
    {
        let queued = status.state == "queued";
        trainer.current().status = status;
        if !queued {
            trainer.tell(true);
        }
    }
    Ok(())
}

async fn run(trainer: &Trainer, row: &training::Model) {
    let inner = &trainer.0;
    let (id, worker, db) = (row.id, inner.worker.as_str(), inner.parts.store.db());
    let stop = CancellationToken::new();
    {
        let mut current = trainer.current();
        current.status = TrainingStatus::taken(id, row.epochs, worker, row.attempt);
        current.log = store::log_of(row.log_json.as_deref());
        current.running = Some((id, stop.clone()));
    }
    tracing::info!(training = id, worker, attempt = row.attempt, "training taken");
    trainer.tell(true);
    let (result, why) = drive(trainer, row, &stop).await;
    trainer.current().running = None;
    let ended_early = matches!(result, Err(TrainError::Cancelled | TrainError::Lost));
    match why {
        Some(Why::Stopping) if ended_early => {
            let (mut status, mut log) = now(trainer);
            status.hand_back();
            log.push(LogEntry { at_ms: now_ms(), message: format!("given back by {worker}, which stops") });
            tracing::info!(training = id, "training given back: it goes on at the next start");
            if let Err(error) = queue::release(db, worker, &status, &log, row.attempt).await {
                tracing::warn!(training = id, %error, "not given back; it goes on when its lease is over");
            }
            trainer.current().status = status;
        }
        Some(Why::Lost) if ended_early => {
            tracing::warn!(training = id, "another worker has this training; what was done here is dropped");
        }
        _ => end(trainer, id, &result).await,
    }
}

/// Runs the training beside its heartbeat.
async fn drive(
    trainer: &Trainer,
    row: &training::Model,
    stop: &CancellationToken,
) -> (Result<TrainReport, TrainError>, Option<Why>) {
    let inner = &trainer.0;
    let (params, backbone) = match what(trainer, row).await {
        Ok(what) => what,
        Err(error) => return (Err(error), None),
    };
    let watcher = trainer.clone();
    let on_step: OnStep = Arc::new(move |step| watch(&watcher, &step));
    let claim = Claim { store: inner.parts.store.clone(), id: row.id, worker: inner.worker.clone() };
    let (parts, stopped) = (inner.parts.clone(), stop.clone());
    let mut job = tokio::spawn(async move { job::run(&parts, &claim, &params, backbone, &on_step, &stopped).await });
    let mut beat = tokio::time::interval(EVERY);
    let (mut held, mut why) = (Instant::now(), None);
    let result = loop {
        tokio::select! {
            ended = &mut job => break ended.unwrap_or_else(|defect| Err(defect.into())),
            () = inner.shutdown.cancelled(), if why.is_none() => why = Some(Why::Stopping),
            _ = beat.tick(), if why != Some(Why::Lost) => {
                let (status, log) = now(trainer);
                match queue::beat(inner.parts.store.db(), &inner.worker, &status, &log, now_ms()).await {
                    Ok(Beat::Held) => held = Instant::now(),
                    Ok(Beat::Cancelled) => why = why.or(Some(Why::Cancelled)),
                    Ok(Beat::Lost) => why = Some(Why::Lost),
                    // It goes on: its end is written down as well, or fails for the same reason.
                    Err(error) if held.elapsed() < LEASE => {
                        tracing::warn!(training = row.id, %error, "progress not written down");
                    }
                    Err(error) => {
                        tracing::error!(training = row.id, %error, "the lease is over and cannot be renewed");
                        why = Some(Why::Lost);
                    }
                }
            }
        }
        if why.is_some() {
            stop.cancel();
        }
    };
    (result, why)
}

/// What a row asks for.
async fn what(trainer: &Trainer, row: &training::Model) -> Result<(TrainParams, Option<BackboneFile>), TrainError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt {
        table: "trainings",
        row: row.id.to_string(),
        problem: error.to_string(),
    };
    let params = serde_json::from_str(&row.params_json).map_err(corrupt)?;
    let Some(json) = &row.backbone_json else { return Ok((params, None)) };
    let StoredBackbone { sha256, input } = serde_json::from_str(json).map_err(corrupt)?;
    let onnx = trainer.0.parts.blobs.get(&sha256).await?;
    Ok((params, Some(BackboneFile { onnx, input })))
}

fn watch(trainer: &Trainer, step: &Step) {
    {
        let mut current = trainer.current();
        current.status.apply(step);
        if let Some(message) = step.worth_a_log_entry() {
            current.log.push(LogEntry { at_ms: now_ms(), message });
        }
    }
    trainer.tell(matches!(step, Step::Evaluating));
}

fn now(trainer: &Trainer) -> (TrainingStatus, Vec<LogEntry>) {
    let current = trainer.current();
    (current.status.clone(), current.log.clone())
}

async fn end(trainer: &Trainer, id: i32, result: &Result<TrainReport, TrainError>) {
    let inner = &trainer.0;
    let (state, message) = match result {
        Ok(report) if report.in_service => {
            (EndState::Succeeded, format!("{} is in service: {}", report.model, report.gate.summary()))
        }
        Ok(report) => (EndState::Succeeded, format!("{} was refused: {}", report.model, report.gate.summary())),
        Err(error @ TrainError::Cancelled) => (EndState::Cancelled, error.to_string()),
        Err(error) => (EndState::Failed, Chain(error).to_string()),
    };
    tracing::info!(training = id, state = state.name(), message = message.as_str(), "training ended");
    let (mut status, mut log) = now(trainer);
    log.push(LogEntry { at_ms: now_ms(), message: message.clone() });
    let accuracy = result.as_ref().ok().map(|report| report.evaluation.accuracy);
    status.apply(&Step::Ended { state, message, accuracy });
    // The row is written before the status says that it is over: who sees that can read the row.
    let report = result.as_ref().ok();
    match queue::end(inner.parts.store.db(), &inner.worker, &status, &log, state, report).await {
        Ok(true) => {
            let kept = Checkpoints::of(inner.parts.store.folder(), id);
            let cleared = tokio::task::spawn_blocking(move || kept.clear()).await;
            cleared.expect("removing files does not panic and is not aborted");
        }
        Ok(false) => tracing::warn!(training = id, "another worker has this training"),
        Err(error) => tracing::error!(training = id, %error, "the end of a training is not written down"),
    }
    trainer.current().status = status;
    trainer.tell(true);
}
