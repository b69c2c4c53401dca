//! The queue of trainings, and who runs what.
//!
//! ```text
//! enqueue → queued ──claim──→ running ──end──→ succeeded, failed, cancelled
//!              ↑                 │ release (its process stops), or the lease runs out (it died)
//!              └─────────────────┘
//! ```
//!
//! Each arrow is one UPDATE that states what it expects to find, so that of two processes one succeeds.
//! A process has a training until its lease ends, and puts the end off while it lives; the clocks of
//! machines that share a database must agree within some seconds.

use std::time::Duration;

use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};

use super::progress::{EndState, TrainingStatus};
use super::store::{LogEntry, find, logged};
use super::{TrainParams, TrainReport};
use crate::audit;
use crate::store::entity::training;
use crate::store::entity::training::{Column, Entity};
use crate::store::now_ms;

/// The one dataset of this hub.
const DATASET: &str = "main";

/// How long a process has a training without saying that it lives. It says so every second; a process
/// that is that late is dead, or on a machine that does nothing else any more.
pub(super) const LEASE: Duration = Duration::from_secs(20);

/// A training whose process died this often is what kills them.
const MOST_ATTEMPTS: i32 = 5;

/// What became of an attempt to queue a training.
pub(super) enum Enqueued {
    /// It has this number.
    Queued(i32),
    /// There is one already that is not over.
    Busy(Box<training::Model>),
}

/// What a process hears when it says that it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Go on.
    Held,
    /// Somebody wants it to end.
    Cancelled,
    /// Another has it now, or it is over.
    Lost,
}

/// Queues a training and writes down who wanted it.
pub(super) async fn enqueue(
    db: &impl ConnectionTrait,
    params: &TrainParams,
    backbone: Option<String>,
    epochs: usize,
    who: &str,
) -> Result<Enqueued, DbErr> {
    let params = serde_json::to_string(params).expect("parameters have string keys");
    let status = TrainingStatus::queued(0, epochs);
    let row = training::ActiveModel {
        state: Set(status.state.clone()),
        params_json: Set(params.clone()),
        started_ms: Set(now_ms()),
        epochs: Set(i32::try_from(epochs).unwrap_or(i32::MAX)),
        message: Set(status.message.clone()),
        active: Set(Some(DATASET.to_owned())),
        attempt: Set(0),
        cancel: Set(false),
        status_json: Set(Some(serde_json::to_string(&status).expect("a status has string keys"))),
        backbone_json: Set(backbone),
        log_json: Set(Some(logged(None, format!("queued by {who}")))),
        ..Default::default()
    };
    let id = match Entity::insert(row).exec(db).await {
        Ok(inserted) => inserted.last_insert_id,
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            // It may have ended between the two statements: then there is no reason any more.
            let running = Entity::find().filter(Column::Active.eq(DATASET)).one(db).await?;
            return running.map(|row| Enqueued::Busy(Box::new(row))).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    // Read back from its text, in which a share is 0.05 and not the nearest number of twice the bits.
    let params: serde_json::Value = serde_json::from_str(&params).expect("written above");
    audit::note(db, who, "training.start", &serde_json::json!({ "id": id, "params": params })).await?;
    Ok(Enqueued::Queued(id))
}

/// The training that is queued or running.
pub(super) async fn active(db: &impl ConnectionTrait) -> Result<Option<training::Model>, DbErr> {
    Entity::find().filter(Column::Active.eq(DATASET)).one(db).await
}

/// A training that nobody has: queued, or of a process that died.
fn is_free(now: i64) -> Condition {
    let expired = Condition::any().add(Column::LeaseUntilMs.is_null()).add(Column::LeaseUntilMs.lt(now));
    let left = Condition::all().add(Column::State.eq("running")).add(expired);
    Condition::all().add(Column::Active.is_not_null()).add(Condition::any().add(Column::State.eq("queued")).add(left))
}

/// Takes a training that nobody has, if there is one. One whose process died too often has failed.
pub(super) async fn claim(db: &impl ConnectionTrait, worker: &str, now: i64) -> Result<Option<training::Model>, DbErr> {
    for row in Entity::find().filter(is_free(now)).order_by_asc(Column::Id).all(db).await? {
        if row.cancel || row.attempt >= MOST_ATTEMPTS {
            let (state, message) = if row.cancel {
                (EndState::Cancelled, "cancelled after its worker had died".to_owned())
            } else {
                (EndState::Failed, format!("it was taken up {MOST_ATTEMPTS} times, and each time its worker died"))
            };
            end_free(db, &row, now, state, &message).await?;
            continue;
        }
        let words = if row.state == "queued" { "taken by" } else { "taken up again, its worker having died, by" };
        let taken = Entity::update_many()
            .col_expr(Column::State, Expr::value("running"))
            .col_expr(Column::Worker, Expr::value(worker))
            .col_expr(Column::LeaseUntilMs, Expr::value(lease_end(now)))
            .col_expr(Column::Attempt, Expr::value(row.attempt + 1))
            .col_expr(Column::StartedMs, Expr::value(if row.attempt == 0 { now } else { row.started_ms }))
            .col_expr(Column::LogJson, Expr::value(logged(row.log_json.as_deref(), format!("{words} {worker}"))))
            .filter(Column::Id.eq(row.id))
            .filter(Column::Attempt.eq(row.attempt))
            .filter(is_free(now))
            .exec(db)
            .await?;
        if taken.rows_affected == 1 {
            return Entity::find_by_id(row.id).one(db).await;
        }
    }
    Ok(None)
}

fn lease_end(now: i64) -> i64 {
    now + i64::try_from(LEASE.as_millis()).expect("some seconds")
}

/// Ends a training that nobody has. `false` if somebody had it after all.
async fn end_free(
    db: &impl ConnectionTrait,
    row: &training::Model,
    now: i64,
    state: EndState,
    message: &str,
) -> Result<bool, DbErr> {
    let ended = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.name()))
        .col_expr(Column::Message, Expr::value(message))
        .col_expr(Column::Error, Expr::value(message))
        .col_expr(Column::FinishedMs, Expr::value(now))
        .col_expr(Column::Active, Expr::value(None::<String>))
        .col_expr(Column::LogJson, Expr::value(logged(row.log_json.as_deref(), message.to_owned())))
        .filter(Column::Id.eq(row.id))
        .filter(is_free(now))
        .exec(db)
        .await?;
    Ok(ended.rows_affected == 1)
}

/// Says that a process lives and how far its training is.
pub(super) async fn beat(
    db: &impl ConnectionTrait,
    worker: &str,
    status: &TrainingStatus,
    log: &[LogEntry],
    now: i64,
) -> Result<Beat, DbErr> {
    let Some(id) = status.id else { return Ok(Beat::Lost) };
    let held = with_status(status, log)
        .col_expr(Column::LeaseUntilMs, Expr::value(lease_end(now)))
        .filter(is_held(id, worker))
        .exec(db)
        .await?;
    if held.rows_affected == 0 {
        return Ok(Beat::Lost);
    }
    let cancel: Option<bool> = Entity::find_by_id(id).select_only().column(Column::Cancel).into_tuple().one(db).await?;
    Ok(if cancel == Some(true) { Beat::Cancelled } else { Beat::Held })
}

fn is_held(id: i32, worker: &str) -> Condition {
    Condition::all().add(Column::Id.eq(id)).add(Column::Worker.eq(worker)).add(Column::State.eq("running"))
}

fn with_status(status: &TrainingStatus, log: &[LogEntry]) -> sea_orm::UpdateMany<Entity> {
    let without_epochs = TrainingStatus { history: Vec::new(), ..status.clone() };
    let json = |value: Result<String, serde_json::Error>| value.expect("it has string keys");
    Entity::update_many()
        .col_expr(Column::Epoch, Expr::value(i32::try_from(status.current_epoch).unwrap_or(i32::MAX)))
        .col_expr(Column::Message, Expr::value(status.message.clone()))
        .col_expr(Column::Accuracy, Expr::value(status.accuracy))
        .col_expr(Column::Loss, Expr::value(status.loss))
        .col_expr(Column::StatusJson, Expr::value(json(serde_json::to_string(&without_epochs))))
        .col_expr(Column::HistoryJson, Expr::value(json(serde_json::to_string(&status.history))))
        .col_expr(Column::LogJson, Expr::value(json(serde_json::to_string(log))))
}

/// Whether a process still has a training.
pub(super) async fn is_still_held(db: &impl ConnectionTrait, id: i32, worker: &str) -> Result<bool, DbErr> {
    let held = Entity::update_many()
        .col_expr(Column::LeaseUntilMs, Expr::value(lease_end(now_ms())))
        .filter(is_held(id, worker))
        .exec(db)
        .await?;
    Ok(held.rows_affected == 1)
}

/// Gives a training back, for another process or for this one's next start.
pub(super) async fn release(
    db: &impl ConnectionTrait,
    worker: &str,
    status: &TrainingStatus,
    log: &[LogEntry],
    attempt: i32,
) -> Result<(), DbErr> {
    let Some(id) = status.id else { return Ok(()) };
    with_status(status, log)
        .col_expr(Column::State, Expr::value("queued"))
        .col_expr(Column::Worker, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntilMs, Expr::value(None::<i64>))
        // Nothing died.
        .col_expr(Column::Attempt, Expr::value(attempt - 1))
        .filter(is_held(id, worker))
        .exec(db)
        .await?;
    Ok(())
}

/// Writes down what a training came to. `false` if another process has it now.
pub(super) async fn end(
    db: &impl ConnectionTrait,
    worker: &str,
    status: &TrainingStatus,
    log: &[LogEntry],
    end: EndState,
    report: Option<&TrainReport>,
) -> Result<bool, DbErr> {
    let Some(id) = status.id else { return Ok(false) };
    let report_json = report.map(|report| serde_json::to_string(report).expect("a report has string keys"));
    let ended = with_status(status, log)
        .col_expr(Column::State, Expr::value(end.name()))
        .col_expr(Column::FinishedMs, Expr::value(now_ms()))
        .col_expr(Column::Active, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntilMs, Expr::value(None::<i64>))
        .col_expr(Column::ReportJson, Expr::value(report_json))
        .col_expr(Column::ModelVersion, Expr::value(report.map(|report| report.model.to_string())))
        .col_expr(Column::Error, Expr::value((end != EndState::Succeeded).then(|| status.message.clone())))
        .filter(is_held(id, worker))
        .exec(db)
        .await?;
    Ok(ended.rows_affected == 1)
}

/// Has a training end: at once if no process has it, else as soon as that one hears of it. `false` if
/// it is over, or there is none.
pub(super) async fn cancel(db: &impl ConnectionTrait, id: i32, who: &str, now: i64) -> Result<bool, DbErr> {
    let Some(row) = find(db, id).await?.filter(|row| row.active.is_some()) else { return Ok(false) };
    if end_free(db, &row, now, EndState::Cancelled, &format!("cancelled by {who}")).await? {
        return Ok(true);
    }
    let asked = Entity::update_many()
        .col_expr(Column::Cancel, Expr::value(true))
        .filter(Column::Id.eq(id))
        .filter(Column::Active.is_not_null())
        .exec(db)
        .await?;
    Ok(asked.rows_affected == 1)
}

/// Marks trainings as failed that a build without a queue left running. Tells how many.
pub(super) async fn fail_interrupted(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    const INTERRUPTED: &str = "interrupted: the hub ended while it ran";
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(EndState::Failed.name()))
        .col_expr(Column::Message, Expr::value(INTERRUPTED))
        .col_expr(Column::Error, Expr::value(INTERRUPTED))
        .col_expr(Column::FinishedMs, Expr::value(now_ms()))
        .filter(Column::State.eq("running"))
        .filter(Column::Active.is_null())
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}
