//! Trainings in the database.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::progress::{EndState, TrainingStatus};
use super::{TrainParams, TrainReport};
use crate::store::entity::{audit, training};
use crate::store::now_ms;

/// What a training says that the hub's end interrupted.
const INTERRUPTED: &str = "interrupted: the hub ended while it ran";

/// Writes down that a training begins, and who wanted it.
pub(super) async fn begin(
    db: &impl ConnectionTrait,
    params: &TrainParams,
    epochs: usize,
    who: &str,
) -> Result<i32, DbErr> {
    let params = serde_json::to_string(params).expect("parameters have string keys");
    let row = training::ActiveModel {
        state: Set("running".to_owned()),
        params_json: Set(params.clone()),
        started_ms: Set(now_ms()),
        epochs: Set(i32::try_from(epochs).unwrap_or(i32::MAX)),
        message: Set("reading the dataset".to_owned()),
        ..Default::default()
    };
    let id = training::Entity::insert(row).exec(db).await?.last_insert_id;
    let entry = audit::ActiveModel {
        at_ms: Set(now_ms()),
        who: Set(who.to_owned()),
        what: Set("training.start".to_owned()),
        detail_json: Set(Some(format!("{{\"id\":{id},\"params\":{params}}}"))),
        ..Default::default()
    };
    audit::Entity::insert(entry).exec_without_returning(db).await?;
    Ok(id)
}

/// Writes down how far a training is.
pub(super) async fn update(db: &impl ConnectionTrait, status: &TrainingStatus) -> Result<(), DbErr> {
    let Some(id) = status.id else { return Ok(()) };
    row(id, status).update(db).await?;
    Ok(())
}

/// Writes down what a training came to.
pub(super) async fn end(
    db: &impl ConnectionTrait,
    status: &TrainingStatus,
    end: EndState,
    report: Option<&TrainReport>,
) -> Result<(), DbErr> {
    let Some(id) = status.id else { return Ok(()) };
    let json = |report: &TrainReport| serde_json::to_string(report).expect("a report has string keys");
    let mut row = row(id, status);
    row.finished_ms = Set(Some(now_ms()));
    row.report_json = Set(report.map(json));
    row.model_version = Set(report.map(|report| report.model.to_string()));
    row.error = Set((end != EndState::Succeeded).then(|| status.message.clone()));
    row.update(db).await?;
    Ok(())
}

fn row(id: i32, status: &TrainingStatus) -> training::ActiveModel {
    training::ActiveModel {
        id: Set(id),
        state: Set(status.state.clone()),
        epoch: Set(i32::try_from(status.current_epoch).unwrap_or(i32::MAX)),
        message: Set(status.message.clone()),
        accuracy: Set(status.accuracy),
        loss: Set(status.loss),
        history_json: Set(Some(serde_json::to_string(&status.history).expect("epochs have string keys"))),
        ..Default::default()
    }
}

/// Marks trainings as failed that still count as running although none can be. Tells how many.
pub(super) async fn fail_interrupted(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let done = training::Entity::update_many()
        .col_expr(training::Column::State, Expr::value(EndState::Failed.name()))
        .col_expr(training::Column::Message, Expr::value(INTERRUPTED))
        .col_expr(training::Column::Error, Expr::value(INTERRUPTED))
        .col_expr(training::Column::FinishedMs, Expr::value(now_ms()))
        .filter(training::Column::State.eq("running"))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

/// The newest trainings.
pub(super) async fn newest(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<training::Model>, DbErr> {
    training::Entity::find().order_by_desc(training::Column::Id).limit(limit).all(db).await
}

/// A training as its last status; its counts of images are not kept.
pub(super) fn status_of(row: &training::Model) -> TrainingStatus {
    let history: Vec<super::progress::EpochFigures> =
        row.history_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    TrainingStatus {
        in_progress: row.state == "running",
        id: Some(row.id),
        state: row.state.clone(),
        current_epoch: u32::try_from(row.epoch).unwrap_or(0),
        total_epochs: u32::try_from(row.epochs).unwrap_or(0),
        progress: if row.state == EndState::Succeeded.name() { 100.0 } else { 0.0 },
        message: row.message.clone(),
        accuracy: row.accuracy,
        loss: row.loss,
        validation_loss: history.last().map(|epoch| epoch.validation_loss),
        history,
        ..TrainingStatus::default()
    }
}
