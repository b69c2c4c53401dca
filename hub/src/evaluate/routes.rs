//! Reports, comparisons and plots over HTTP.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_models::name::ModelVersion;
use pilah_plots::PlotError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::calibration::{BeforeTemperature, Calibration, ReliabilityBin};
use super::compare::ClassTest;
use super::job::{self, EvaluateError};
use super::plots::{self, Plot, PlotFile};
use super::report::{BinFigures, ComparisonReport, Differing, EvaluationReport, Offender, SetReport, Side};
use super::selective::{RiskCoverage, RiskPoint};
use super::{GateRules, Speed, cell, store};
use crate::auth::{Admin, User};
use crate::error::{HttpError, Problem, QueryArgs};
use crate::registry::RegistryError;
use crate::state::AppState;
use crate::train::job::Parts;
use crate::train::progress::EpochFigures;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(evaluate, report, cell::confusion, compare, plot, gate),
    components(schemas(
        EvaluationReport,
        SetReport,
        cell::Cell,
        cell::SetName,
        Offender,
        BinFigures,
        Calibration,
        BeforeTemperature,
        ReliabilityBin,
        RiskCoverage,
        RiskPoint,
        ComparisonReport,
        Side,
        ClassTest,
        Differing,
        Speed,
        GateRules
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/models/{version}/evaluate", post(evaluate))
        .route("/api/v1/models/{version}/report", get(report))
        .route("/api/v1/models/{version}/confusion", get(cell::confusion))
        .route("/api/v1/models/{version}/plots/{plot}", get(plot))
        .route("/api/v1/models/compare", get(compare))
        .route("/api/v1/gate", get(gate))
}

/// Evaluates a version now, on the test split and on fresh field samples, and keeps the report. It takes a
/// second, or, for a backbone whose embeddings are not known yet, as long as embedding the images takes.
#[utoipa::path(post, path = "/api/v1/models/{version}/evaluate", tag = "models",
    params(("version" = String, Path, description = "The version")), responses(
        (status = 200, description = "The report", body = EvaluationReport),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 403, description = "Needs the role admin", body = Problem),
        (status = 404, description = "No such version; the answer names those that exist", body = Problem),
        (status = 422, description = "No image to measure by", body = Problem),
    ))]
pub(crate) async fn evaluate(
    State(state): State<AppState>,
    Admin(user): Admin,
    Path(version): Path<String>,
) -> Result<Json<EvaluationReport>, HttpError> {
    let version = state.registry.known(&version).await?;
    let parts = parts(&state);
    // In a task of its own: who hangs up does not take the report with them.
    let evaluating = tokio::spawn(async move { job::evaluate(&parts, &version).await });
    let report = evaluating.await.map_err(HttpError::internal)??;
    tracing::info!(model = %report.model, user = user.name, "model evaluated");
    Ok(Json(report))
}

/// The last report on a version.
#[utoipa::path(get, path = "/api/v1/models/{version}/report", tag = "models",
    params(("version" = String, Path, description = "The version")), responses(
        (status = 200, description = "The report", body = EvaluationReport),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such version, or it was never evaluated", body = Problem),
    ))]
pub(crate) async fn report(
    State(state): State<AppState>,
    _user: User,
    Path(version): Path<String>,
) -> Result<Json<EvaluationReport>, HttpError> {
    Ok(Json(kept_report(&state, &version).await?))
}

pub(super) async fn kept_report(state: &AppState, version: &str) -> Result<EvaluationReport, HttpError> {
    let version = state.registry.known(version).await?;
    state.registry.report(&version).await?.ok_or_else(|| {
        HttpError::new(
            axum::http::StatusCode::NOT_FOUND,
            "not-evaluated",
            format!("{version} was not evaluated yet: POST /api/v1/models/{version}/evaluate"),
        )
    })
}

/// Which two.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Pair {
    /// A version.
    a: String,
    /// Another.
    b: String,
}

/// Compares two versions on the images of the test split.
#[utoipa::path(get, path = "/api/v1/models/compare", tag = "models", params(Pair), responses(
    (status = 200, description = "The comparison", body = ComparisonReport),
    (status = 400, description = "a or b is missing", body = Problem),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 404, description = "No such version; the answer names those that exist", body = Problem),
    (status = 422, description = "No image to compare by", body = Problem),
))]
pub(crate) async fn compare(
    State(state): State<AppState>,
    _user: User,
    QueryArgs(pair): QueryArgs<Pair>,
) -> Result<Json<ComparisonReport>, HttpError> {
    let (a, b) = (state.registry.known(&pair.a).await?, state.registry.known(&pair.b).await?);
    Ok(Json(job::compare(&parts(&state), &a, &b).await?))
}

/// What the gate asks for, as `gate.toml` in the data folder says.
#[utoipa::path(get, path = "/api/v1/gate", tag = "models", responses(
    (status = 200, description = "The rules", body = GateRules),
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn gate(State(state): State<AppState>, _user: User) -> Json<GateRules> {
    Json(state.registry.rules().clone())
}

/// On which images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// The test split.
    #[default]
    Test,
    /// Fresh samples from the field.
    Field,
}

/// Which images a plot is of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlotQuery {
    /// `test`, if left out, or `field`; the curves of a training are the same for both.
    #[serde(default)]
    #[param(inline)]
    on: On,
}

/// A plot of the last report on a version, or the curves of its training.
#[utoipa::path(get, path = "/api/v1/models/{version}/plots/{plot}", tag = "models",
    params(
        ("version" = String, Path, description = "The version"),
        ("plot" = String, Path, description = "`confusion`, `reliability`, `risk-coverage` or `training`, with `.svg` or `.png`"),
        PlotQuery,
    ),
    responses(
        (status = 200, description = "The picture", content((String = "image/svg+xml"), (Vec<u8> = "image/png"))),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such version or plot, or there is nothing to draw", body = Problem),
    ))]
pub(crate) async fn plot(
    State(state): State<AppState>,
    _user: User,
    Path((version, plot)): Path<(String, String)>,
    QueryArgs(query): QueryArgs<PlotQuery>,
) -> Result<Response, HttpError> {
    let file: PlotFile = plot.parse().map_err(|error: plots::UnknownPlot| HttpError::not_found(error.to_string()))?;
    let drawn = if file.plot == Plot::Training {
        let version = state.registry.known(&version).await?;
        let (title, history) = history(&state, &version).await?;
        tokio::task::spawn_blocking(move || plots::training(&history, &title, file.format)).await
    } else {
        let report = kept_report(&state, &version).await?;
        let (set, on) = match query.on {
            On::Test => (report.test, "the test split"),
            On::Field => (report.field, "fresh field samples"),
        };
        let version = report.model;
        let set = set.ok_or_else(|| HttpError::not_found(format!("{version} has no figures on {on}")))?;
        let title = format!("{version} on {on}: {} of {} right", set.figures.correct, set.figures.images);
        tokio::task::spawn_blocking(move || match file.plot {
            Plot::Reliability => plots::reliability(&set, &title, file.format),
            Plot::RiskCoverage => plots::risk_coverage(&set, &title, file.format),
            Plot::Confusion | Plot::Training => plots::confusion(&set, &title, file.format),
        })
        .await
    };
    let bytes = drawn.map_err(HttpError::internal)??;
    let kind = HeaderValue::from_static(file.format.media_type());
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// The epochs of the training that a version came from.
async fn history(state: &AppState, version: &ModelVersion) -> Result<(String, Vec<EpochFigures>), HttpError> {
    let no_curves =
        || HttpError::not_found(format!("{version} came from no training of this hub, so it has no curves"));
    let id = state.registry.birth(version).await?.training.ok_or_else(no_curves)?;
    let row = store::training(state.store.db(), id).await?.ok_or_else(no_curves)?;
    let history = row.history_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    Ok((format!("Training {id}, which made {version}"), history))
}

pub(super) fn parts(state: &AppState) -> Parts {
    Parts { store: state.store.clone(), blobs: state.blobs.clone(), registry: state.registry.clone() }
}

impl From<EvaluateError> for HttpError {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::NoImages(_) => Self::unprocessable("no-test-images", error.to_string()),
            EvaluateError::Labels(_) | EvaluateError::Speed(_) => {
                Self::unprocessable("cannot-evaluate", error.to_string())
            }
            EvaluateError::Registry(error) => error.into(),
            EvaluateError::Embed(error) => (*error).into(),
            EvaluateError::Store(error) => error.into(),
            EvaluateError::Load(error) => RegistryError::from(error).into(),
            EvaluateError::Infer(error) => Self::internal(error),
        }
    }
}

impl From<PlotError> for HttpError {
    fn from(error: PlotError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests;
