//! Trainings over HTTP: start, watch, cancel, list.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::progress::EpochFigures;
use super::{StartError, TrainError, TrainParams, TrainReport, TrainingStatus, store};
use crate::auth::User;
use crate::error::{HttpError, Problem};
use crate::state::AppState;
use crate::store::entity::training;

/// How many trainings a list has at most, and if nothing else is said.
const MOST_LISTED: u64 = 200;
const LISTED: u64 = 20;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(start, status, list, cancel),
    components(schemas(TrainParams, TrainReport, TrainingStatus, EpochFigures, Started, TrainingList, TrainingView))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/train", post(start))
        .route("/api/training-status", get(status))
        .route("/api/v1/trainings", get(list))
        .route("/api/v1/trainings/{id}/cancel", post(cancel))
}

/// A training that began.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Started {
    /// Its number.
    id: i32,
    /// How far it is.
    status: TrainingStatus,
}

/// Starts a training on all labelled images. The body may be left out.
#[utoipa::path(post, path = "/api/train", tag = "training", request_body = Option<TrainParams>, responses(
    (status = 202, description = "It runs; follow /api/training-status", body = Started),
    (status = 400, description = "The body is no JSON", body = Problem),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 409, description = "One runs already: `training` is its number", body = Problem),
    (status = 422, description = "A parameter is out of its range, or there is too little to train on", body = Problem),
    (status = 503, description = "No model is in service whose backbone could be used", body = Problem),
))]
pub(crate) async fn start(
    State(state): State<AppState>,
    user: User,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Started>), HttpError> {
    let body = body.map_err(|error| HttpError::new(error.status(), "bad-body", error.body_text()))?;
    let params = if body.trim_ascii().is_empty() {
        TrainParams::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| HttpError::bad_request("bad-json", error.to_string()))?
    };
    let id = state.trainer.start(params, &user.name).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { id, status: state.trainer.status() })))
}

/// How far the training is that runs, or what came of the last one.
#[utoipa::path(get, path = "/api/training-status", tag = "training", responses(
    (status = 200, description = "The status", body = TrainingStatus),
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn status(State(state): State<AppState>, _user: User) -> Json<TrainingStatus> {
    Json(state.trainer.status())
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// 1 to 200; 20 if left out.
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
    /// `running`, `succeeded`, `failed` or `cancelled`.
    state: String,
    /// When it began, in milliseconds since 1970.
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
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _user: User,
    Query(query): Query<ListQuery>,
) -> Result<Json<TrainingList>, HttpError> {
    let limit = query.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    let rows = store::newest(state.store.db(), limit).await?;
    Ok(Json(TrainingList { trainings: rows.into_iter().map(TrainingView::from).collect() }))
}

/// Cancels a training. It ends within a second; what was embedded is kept for the next one.
#[utoipa::path(post, path = "/api/v1/trainings/{id}/cancel", tag = "training",
    params(("id" = i32, Path, description = "The training")), responses(
        (status = 202, description = "It ends", body = TrainingStatus),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 409, description = "It does not run", body = Problem),
    ))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    user: User,
    Path(id): Path<i32>,
) -> Result<(StatusCode, Json<TrainingStatus>), HttpError> {
    if !state.trainer.cancel(id) {
        return Err(HttpError::conflict("not-running", format!("training {id} does not run")));
    }
    tracing::info!(training = id, user = user.name, "training cancelled");
    Ok((StatusCode::ACCEPTED, Json(state.trainer.status())))
}

impl From<StartError> for HttpError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Running(id) => Self::conflict("training-running", error.to_string()).with("training", id),
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
