//! Trainings as rows of the database, and what they say.

use pilah_evaluate::EpochFigures;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::progress::{EndState, TrainingStatus};
use crate::store::entity::training::{self, Column, Entity};
use crate::store::now_ms;

/// Something that happened to a training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogEntry {
    /// When, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// What, in words.
    pub(crate) message: String,
}

/// The training of this number.
pub(super) async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<training::Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// The newest trainings.
pub(super) async fn newest(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<training::Model>, DbErr> {
    Entity::find().order_by_desc(Column::Id).limit(limit).all(db).await
}

/// A log with one entry more.
pub(super) fn logged(json: Option<&str>, message: String) -> String {
    let mut log = log_of(json);
    log.push(LogEntry { at_ms: now_ms(), message });
    serde_json::to_string(&log).expect("a log has string keys")
}

/// What happened to a training; rows of earlier builds have no log.
pub(super) fn log_of(json: Option<&str>) -> Vec<LogEntry> {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// How far the training of a row is.
pub(super) fn status_of(row: &training::Model) -> TrainingStatus {
    let history: Vec<EpochFigures> =
        row.history_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let stored: TrainingStatus =
        row.status_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let in_progress = row.active.is_some();
    TrainingStatus {
        in_progress,
        id: Some(row.id),
        state: row.state.clone(),
        phase: if in_progress { stored.phase.clone() } else { String::new() },
        current_epoch: u32::try_from(row.epoch).unwrap_or(0),
        total_epochs: u32::try_from(row.epochs).unwrap_or(0),
        progress: if row.state == EndState::Succeeded.name() { 100.0 } else { stored.progress },
        message: row.message.clone(),
        accuracy: row.accuracy,
        loss: row.loss,
        validation_loss: history.last().map(|epoch| epoch.validation_loss),
        worker: row.worker.clone(),
        attempt: u32::try_from(row.attempt).unwrap_or(0),
        history,
        ..stored
    }
}
