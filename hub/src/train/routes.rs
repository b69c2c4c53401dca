//! Trainings over HTTP: start, watch, cancel, list.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_evaluate::EpochFigures;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::params::{self, Parameter};
use super::plan::LEAST_PER_CLASS;
use super::report::ThresholdFigures;
use super::store::LogEntry;
use super::{AcceptedContamination, StartError, TrainError, TrainParams, TrainReport, Trainer, TrainingStatus, store};
use crate::auth::{Access, Admin, User};
use crate::error::HttpError;
use crate::store::Store;
use crate::store::entity::training;

/// How many trainings a list has at most, and if nothing else is said.
const MOST_LISTED: u64 = 200;
const LISTED: u64 = 20;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(start, status, parameters, list, one, cancel),
    components(schemas(
        TrainParams,
        Parameter,
        TrainingParameters,
        TrainReport,
        ThresholdFigures,
        TrainingStatus,
        EpochFigures,
        LogEntry,
        Started,
        TrainingList,
        TrainingView
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Trainer: FromRef<S>,
    AcceptedContamination: FromRef<S>,
{
    Router::new()
        .route("/api/train", post(start))
        .route("/api/training-status", get(status))
        .route("/api/v1/trainings", get(list))
        .route("/api/v1/trainings/parameters", get(parameters))
        .route("/api/v1/trainings/{id}", get(one))
        .route("/api/v1/trainings/{id}/cancel", post(cancel))
}

/// A training that was queued.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Started {
    /// Its number.
    id: i32,
    /// How far it is.
    status: TrainingStatus,
}

/// Starts a training on all labelled images. The body may be left out. It waits in a queue until the hub,
/// or a worker beside it, takes it: at once, as a rule.
#[utoipa::path(post, path = "/api/train", tag = "training", request_body = Option<TrainParams>, responses(
    (status = 202, description = "It is queued; follow /api/training-status", body = Started),
    (status = 400, description = "The body is no JSON"),
    (status = 409, description = "One is queued or runs: `training` is its number, `job` how far it is"),
    (status = 422, description = "A parameter is out of its range, or there is too little to train on"),
    (status = 503, description = "No model is in service whose backbone could be used"),
))]
pub(crate) async fn start(
    State(trainer): State<Trainer>,
    State(AcceptedContamination(accepted)): State<AcceptedContamination>,
    Admin(user): Admin,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Started>), HttpError> {
    let body = body.map_err(|error| HttpError::new(error.status(), "bad-body", error.body_text()))?;
    let params = if body.trim_ascii().is_empty() {
        TrainParams::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| HttpError::bad_request("bad-json", error.to_string()))?
    };
    let accepted_contamination = params.accepted_contamination.or(Some(accepted));
    let id = trainer.start(TrainParams { accepted_contamination, ..params }, &user.name).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { id, status: trainer.status() })))
}

/// How far the training is that runs, or what came of the last one.
#[utoipa::path(get, path = "/api/training-status", tag = "training", responses(
    (status = 200, description = "The status", body = TrainingStatus),
))]
pub(crate) async fn status(State(trainer): State<Trainer>, _user: User) -> Json<TrainingStatus> {
    Json(trainer.status())
}

/// What a training can be told, and what it needs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrainingParameters {
    /// Every number, with its defaults and its range.
    parameters: Vec<Parameter>,
    /// How many labelled images a class needs at least.
    least_images: u64,
}

/// What a training can be told, with the defaults and ranges that hold, and what it needs.
#[utoipa::path(get, path = "/api/v1/trainings/parameters", tag = "training", responses(
    (status = 200, description = "The parameters", body = TrainingParameters),
))]
pub(crate) async fn parameters(_user: User) -> Json<TrainingParameters> {
    Json(TrainingParameters { parameters: params::parameters(), least_images: LEAST_PER_CLASS })
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// 1 to 200; 20 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// Trainings, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TrainingList {
    /// The trainings.
    trainings: Vec<TrainingView>,
}

/// A training, running or over.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TrainingView {
    /// Its number.
    id: i32,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    state: String,
    /// When it was asked for; once it runs, when it began, in milliseconds since 1970.
    started_ms: i64,
    /// When it ended.
    finished_ms: Option<i64>,
    /// What it was started with.
    #[schema(value_type = Object)]
    params: serde_json::Value,
    /// What it is doing, or what came of it, in words.
    message: String,
    /// The model that came of it.
    model: Option<String>,
    /// The process that runs it or ran it last.
    worker: Option<String>,
    /// How many processes have taken it; more than one if some died.
    attempts: u32,
    /// What happened when.
    log: Vec<LogEntry>,
    /// Every epoch.
    history: Vec<EpochFigures>,
    /// All figures, if it succeeded.
    report: Option<TrainReport>,
}

impl From<training::Model> for TrainingView {
    fn from(row: training::Model) -> Self {
        Self {
            history: store::status_of(&row).history,
            params: serde_json::from_str(&row.params_json).unwrap_or_default(),
            report: row.report_json.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            log: store::log_of(row.log_json.as_deref()),
            attempts: u32::try_from(row.attempt).unwrap_or(0),
            worker: row.worker,
            id: row.id,
            state: row.state,
            started_ms: row.started_ms,
            finished_ms: row.finished_ms,
            message: row.message,
            model: row.model_version,
        }
    }
}

/// Trainings, newest first.
#[utoipa::path(get, path = "/api/v1/trainings", tag = "training", params(ListQuery), responses(
    (status = 200, description = "The trainings", body = TrainingList),
))]
pub(crate) async fn list(
    State(store): State<Store>,
    _user: User,
    Query(query): Query<ListQuery>,
) -> Result<Json<TrainingList>, HttpError> {
    let limit = query.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    let rows = store::newest(store.db(), limit).await?;
    Ok(Json(TrainingList { trainings: rows.into_iter().map(TrainingView::from).collect() }))
}

/// A training with its whole log and curves.
#[utoipa::path(get, path = "/api/v1/trainings/{id}", tag = "training",
    params(("id" = i32, Path, description = "The training")), responses(
        (status = 200, description = "The training", body = TrainingView),
        (status = 404, description = "There is none of this number"),
    ))]
pub(crate) async fn one(
    State(store): State<Store>,
    _user: User,
    Path(id): Path<i32>,
) -> Result<Json<TrainingView>, HttpError> {
    let row = store::find(store.db(), id).await?;
    let row = row.ok_or_else(|| HttpError::not_found(format!("there is no training {id}")))?;
    Ok(Json(row.into()))
}

/// Cancels a training. It ends within a second; what was embedded is kept for the next one.
#[utoipa::path(post, path = "/api/v1/trainings/{id}/cancel", tag = "training",
    params(("id" = i32, Path, description = "The training")), responses(
        (status = 202, description = "It ends", body = TrainingStatus),
        (status = 409, description = "It does not run"),
    ))]
pub(crate) async fn cancel(
    State(trainer): State<Trainer>,
    Admin(user): Admin,
    Path(id): Path<i32>,
) -> Result<(StatusCode, Json<TrainingStatus>), HttpError> {
    if !trainer.cancel(id, &user.name).await? {
        return Err(HttpError::conflict("not-running", format!("training {id} is neither queued nor running")));
    }
    tracing::info!(training = id, user = user.name, "training cancelled");
    Ok((StatusCode::ACCEPTED, Json(trainer.status())))
}

impl From<StartError> for HttpError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Running { id, ref status } => {
                let job = serde_json::to_value(status).expect("a status has string keys");
                Self::conflict("training-running", error.to_string()).with("training", id).with("job", job)
            }
            StartError::Train(error) => error.into(),
        }
    }
}

impl From<TrainError> for HttpError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Plan(_) => Self::unprocessable("too-little-data", error.to_string()),
            TrainError::Fit(_) | TrainError::Contamination(_) => {
                Self::unprocessable("bad-parameter", error.to_string())
            }
            TrainError::NoBackbone => Self::unavailable("no-model", error.to_string()),
            TrainError::Dataset(error) => error.into(),
            TrainError::Registry(error) => error.into(),
            TrainError::Store(error) => error.into(),
            TrainError::Blob(error) => error.into(),
            error => Self::internal(error),
        }
    }
}
