//! Forecasts over HTTP: `POST /retrain`, `POST /forecast`, plots, the collection plan.

/// The form of a file.
mod form;

/// Trainings.
mod trainings;

/// Questions and answers.
mod ask;

/// Answers as files.
mod files;

/// Products and stored results.
mod products;

/// The collection plan.
mod plan;

/// The fill of bins.
mod fill;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::routing::{get, post};
use pilah_forecast::accuracy::Accuracy;
use pilah_forecast::answer::{Answer, History};
use pilah_forecast::artefact::Metadata;
use pilah_forecast::ensemble::Band;
use pilah_forecast::intake::{Column, LeftOut, Report, RowError};
use pilah_forecast::intermittent::Character;
use pilah_forecast::modelling::{Seasons, Trend};
use pilah_forecast::plan::{Collection, Unit};
use pilah_forecast::question::Question;
use pilah_forecast::stock::Advice;
use pilah_forecast::training::TrainingError;
use utoipa::OpenApi;

use super::job::{Forecasts, JobError, TrainingEvent, TrainingStatus};
use super::store::Merged;
use crate::auth::Access;
use crate::error::HttpError;
use crate::live::Streams;
use crate::store::Store;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(
        trainings::retrain,
        trainings::training_list,
        trainings::training_status,
        trainings::training_events,
        trainings::cancel,
        ask::forecast,
        ask::plot_file,
        products::products,
        products::result,
        products::result_file,
        plan::plan_of_all,
        plan::collection_plan,
        fill::fill_of_bin
    ),
    components(schemas(
        Question,
        Answer,
        History,
        ask::ForecastView,
        files::Files,
        Metadata,
        Band,
        Accuracy,
        Advice,
        Character,
        Trend,
        Seasons,
        form::FormDocument,
        TrainingEvent,
        TrainingStatus,
        trainings::Accepted,
        trainings::TrainingList,
        Report,
        Column,
        LeftOut,
        RowError,
        Merged,
        products::ProductList,
        products::ProductView,
        plan::PlanRequest,
        plan::PlanBin,
        plan::PlanView,
        plan::Unplanned,
        Unit,
        Collection,
        fill::FillView,
        fill::FillDayView
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Forecasts: FromRef<S>,
    Streams: FromRef<S>,
{
    let retrain = post(trainings::retrain).layer(DefaultBodyLimit::max(form::LARGEST_BODY));
    Router::new()
        .route("/retrain", retrain)
        .route("/forecast", post(ask::forecast))
        .route("/api/v1/forecast/trainings", get(trainings::training_list))
        .route("/api/v1/forecast/trainings/{id}/events", get(trainings::training_events))
        .route("/api/v1/forecast/trainings/{id}", get(trainings::training_status))
        .route("/api/v1/forecast/trainings/{id}/cancel", post(trainings::cancel))
        .route("/api/v1/forecast/products", get(products::products))
        .route("/api/v1/forecast/result", get(products::result))
        .route("/api/v1/forecast/result/{file}", get(products::result_file))
        .route("/api/v1/forecast/plot/{file}", get(ask::plot_file))
        .route("/api/v1/forecast/plan", get(plan::plan_of_all).post(plan::collection_plan))
        .route("/api/v1/forecast/fill", get(fill::fill_of_bin))
}

fn job_error(error: JobError) -> HttpError {
    match &error {
        JobError::Running(id) => HttpError::conflict("training-runs", error.to_string()).with("training", id.clone()),
        JobError::NoData => HttpError::conflict("no-data", error.to_string()),
        JobError::Training(TrainingError::Cancelled) => HttpError::conflict("cancelled", error.to_string()),
        JobError::Training(_) | JobError::Part(_) => HttpError::unprocessable("no-forecast", error.to_string()),
        JobError::Save(_) | JobError::Database(_) => HttpError::internal(error),
    }
}
