//! `POST /retrain`, and what goes on after it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use pilah_forecast::ensemble;
use pilah_forecast::intake::{self, Intake, IntakeError, Report};
use pilah_forecast::series::DAY;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{form, job_error};
use crate::audit;
use crate::auth::{Admin, User};
use crate::error::{Chain, HttpError};
use crate::forecast::job::{Forecasts, JobError, Order, Training, TrainingEvent, TrainingStatus};
use crate::live::Streams;
use crate::store::Store;

/// How many trainings a list has at most.
const LISTED: u64 = 50;

/// A training that runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastTrainingAccepted)]
pub(crate) struct Accepted {
    /// Its id: ask `/api/v1/forecast/trainings/{id}` how far it is.
    id: String,
}

/// Trainings, the newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastTrainings)]
pub(crate) struct TrainingList {
    trainings: Vec<TrainingStatus>,
}

/// Merges a CSV file with what is stored, and trains the forecasts anew. Without a file, what is stored is trained.
/// Progress comes as server-sent events named by their stage; with `job` = `true` the answer is an id to ask for;
/// with `check` = `true` it is what was found in the file, and nothing is merged or trained.
#[utoipa::path(post, path = "/retrain", tag = "forecast",
    request_body(content_type = "multipart/form-data", content = form::FormDocument),
    responses(
        (status = 200, description = "Server-sent events; each `data` is a ForecastTrainingEvent. With `check`, JSON: what was found", content(
            (TrainingEvent = "text/event-stream"), (Report = "application/json"))),
        (status = 202, description = "It runs", body = Accepted),
        (status = 400, description = "The form or an option makes no sense"),
        (status = 409, description = "Another training runs"),
        (status = 413, description = "The file is too large"),
        (status = 422, description = "The file or some of its rows cannot be read; nothing was merged. `report` has the rows. A file that can be meant in two ways is an `unclear-file`: `option` and `choices` answer it, `found` is what was found so far"),
    ))]
pub(crate) async fn retrain(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    State(streams): State<Streams>,
    Admin(user): Admin,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    let form = form::read(form?).await?;
    if let Some(id) = forecasts.running().filter(|_| !form.check_only) {
        return Err(job_error(JobError::Running(id)));
    }
    let (name, rows) = match form.file {
        None if form.check_only => return Err(HttpError::bad_request("no-file", "the form has no file to check")),
        None => (None, None),
        Some((name, bytes)) => {
            let latest = Some(crate::store::now_ms() / 1000 + DAY);
            let options = intake::Options { latest, ..form.options }.of_file(&name);
            let read = tokio::task::spawn_blocking(move || intake::read(&bytes, &options));
            let Intake { rows, report } = read.await.expect("reading does not panic").map_err(bad_file)?;
            if form.check_only {
                return Ok(Json(report).into_response());
            }
            if report.bad > 0 && !form.accept_errors {
                let detail = format!(
                    "{} of {} rows cannot be read, and nothing was merged: mend them, or send accept_errors=true to go on without them",
                    report.bad, report.rows
                );
                return Err(HttpError::unprocessable("bad-rows", detail).with("report", json!(report)));
            }
            (Some(name), Some((rows, report)))
        }
    };
    let settings = ensemble::Settings { lstm: Some(form.network), ..form.settings };
    let detail = json!({ "file": name, "rows": rows.as_ref().map(|(rows, _)| rows.len()) });
    let order = Order { by: user.name.clone(), file: name, rows, settings };
    let training = forecasts.start(order).await.map_err(job_error)?;
    if let Err(error) = audit::note(store.db(), &user.name, "forecast.retrained", &detail).await {
        tracing::warn!(error = %Chain(&error), user = user.name, "a training of the forecasts is not noted in the audit log");
    }
    if form.as_job {
        return Ok((StatusCode::ACCEPTED, Json(Accepted { id: training.id.clone() })).into_response());
    }
    Ok(streams.open(user, stream(&training, 0)).into_response())
}

/// All events of a training from number `from` on, as they come, up to its end.
fn stream(training: &Training, from: usize) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let start = (training.events(), from, training.id.clone(), false);
    futures::stream::unfold(start, |(mut events, at, id, over)| async move {
        if over {
            return None;
        }
        let found = events.wait_for(|events| events.len() > at).await.ok().map(|events| events[at].clone())?;
        let over = found.is_last();
        let event = Event::default().id(format!("{id}/{at}")).event(&found.stage);
        let event = event.json_data(&found).unwrap_or_else(|_| Event::default().comment("unserialisable"));
        Some((Ok(event), (events, at + 1, id, over)))
    })
}

fn bad_file(error: IntakeError) -> HttpError {
    let words = error.to_string();
    match error {
        IntakeError::TooLarge(_) => HttpError::too_large(words),
        IntakeError::Unclear { option, choices, found, .. } => HttpError::unprocessable("unclear-file", words)
            .with("option", option)
            .with("choices", json!(choices))
            .with("found", json!(found)),
        IntakeError::Columns { found, .. } => {
            HttpError::unprocessable("bad-file", words).with("option", "columns").with("found", json!(found))
        }
        _ => HttpError::unprocessable("bad-file", words),
    }
}

/// The last trainings, the newest first; the one that runs is the first.
#[utoipa::path(get, path = "/api/v1/forecast/trainings", tag = "forecast", responses(
    (status = 200, description = "At most 50 trainings", body = TrainingList),
))]
pub(crate) async fn training_list(
    State(forecasts): State<Forecasts>,
    _user: User,
) -> Result<Json<TrainingList>, HttpError> {
    Ok(Json(TrainingList { trainings: forecasts.list(LISTED).await? }))
}

/// How far a training is, or what came of it.
#[utoipa::path(get, path = "/api/v1/forecast/trainings/{id}", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 200, description = "How far it is", body = TrainingStatus),
        (status = 404, description = "No such training"),
    ))]
pub(crate) async fn training_status(
    State(forecasts): State<Forecasts>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<TrainingStatus>, HttpError> {
    let status = forecasts.status(&id).await?;
    status.map(Json).ok_or_else(|| HttpError::not_found("there is no training of this id"))
}

/// What a training does, from its start, as server-sent events up to its end; `Last-Event-ID` goes on after an event.
#[utoipa::path(get, path = "/api/v1/forecast/trainings/{id}/events", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 200, description = "Server-sent events; each `data` is a ForecastTrainingEvent", content_type = "text/event-stream", body = TrainingEvent),
        (status = 204, description = "It is over, and `Last-Event-ID` was its last event"),
        (status = 404, description = "No such training, or it is over and only its end is remembered"),
    ))]
pub(crate) async fn training_events(
    State(forecasts): State<Forecasts>,
    State(streams): State<Streams>,
    user: User,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let training: Arc<Training> = forecasts.training(&id).ok_or_else(|| {
        HttpError::not_found(format!(
            "no events are kept of this training: /api/v1/forecast/trainings/{id} has its end"
        ))
    })?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last = last.and_then(|value| value.strip_prefix(&format!("{id}/"))?.parse::<usize>().ok());
    let from = last.map_or(0, |last| last.saturating_add(1));
    let over = training.events().borrow().get(from.saturating_sub(1)).is_some_and(TrainingEvent::is_last);
    if over && from > 0 {
        // A browser asks again for ever, unless it is told that there is nothing more.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(streams.open(user, stream(&training, from)).into_response())
}

/// Ends a training. What was merged stays; what was trained before goes on to answer.
#[utoipa::path(post, path = "/api/v1/forecast/trainings/{id}/cancel", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 202, description = "It ends soon"),
        (status = 409, description = "It does not run"),
    ))]
pub(crate) async fn cancel(
    State(forecasts): State<Forecasts>,
    _admin: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, HttpError> {
    if forecasts.cancel(&id) {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(HttpError::conflict("not-running", "this training does not run"))
}
