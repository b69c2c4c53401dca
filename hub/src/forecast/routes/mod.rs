//! Forecasts over HTTP: `POST /retrain`, `POST /forecast`, plots, the collection plan.

/// The form of a file.
mod form;

/// Trainings.
mod trainings;

/// Questions and answers.
mod ask;

/// Products and stored results.
mod products;

/// The collection plan.
mod plan;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use utoipa::OpenApi;

use super::answer::{Answer, History};
use super::intake::{self, Report, RowError};
use super::job::{JobError, TrainingEvent, TrainingStatus};
use super::plan::Collection;
use super::question::Question;
use super::store::Merged;
use super::training::TrainingError;
use crate::error::HttpError;
use crate::state::AppState;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(
        trainings::retrain,
        trainings::training_status,
        trainings::cancel,
        ask::forecast,
        ask::plot_file,
        products::products,
        products::result,
        plan::collection_plan
    ),
    components(schemas(
        Question,
        Answer,
        History,
        ask::ForecastView,
        ask::PlotUrls,
        TrainingEvent,
        TrainingStatus,
        trainings::Accepted,
        Report,
        RowError,
        Merged,
        products::ProductList,
        plan::PlanRequest,
        plan::PlanBin,
        plan::PlanView,
        Collection
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    // The form around the file is small.
    let retrain = post(trainings::retrain).layer(DefaultBodyLimit::max(intake::LARGEST + (1 << 20)));
    Router::new()
        .route("/retrain", retrain)
        .route("/forecast", post(ask::forecast))
        .route("/api/v1/forecast/trainings/{id}", get(trainings::training_status))
        .route("/api/v1/forecast/trainings/{id}/cancel", post(trainings::cancel))
        .route("/api/v1/forecast/products", get(products::products))
        .route("/api/v1/forecast/result", get(products::result))
        .route("/api/v1/forecast/plot/{file}", get(ask::plot_file))
        .route("/api/v1/forecast/plan", post(plan::collection_plan))
}

fn job_error(error: JobError) -> HttpError {
    match &error {
        JobError::Running(id) => HttpError::conflict("training-runs", error.to_string()).with("training", id.clone()),
        JobError::NoData => HttpError::conflict("no-data", error.to_string()),
        JobError::Training(TrainingError::Cancelled) => HttpError::conflict("cancelled", error.to_string()),
        JobError::Training(_) => HttpError::unprocessable("no-forecast", error.to_string()),
        JobError::Save(_) | JobError::Database(_) => HttpError::internal(error),
    }
}
