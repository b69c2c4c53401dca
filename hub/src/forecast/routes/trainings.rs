//! `POST /retrain`, and what goes on after it.

use std::convert::Infallible;

use axum::Json;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures::Stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{form, job_error};
use crate::auth::User;
use crate::error::{HttpError, Problem};
use crate::forecast::ensemble;
use crate::forecast::intake::{self, Intake, IntakeError};
use crate::forecast::job::{Order, Training, TrainingEvent, TrainingStatus};
use crate::forecast::series::DAY;
use crate::state::AppState;

/// A training that runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastTrainingAccepted)]
pub(crate) struct Accepted {
    /// Its id: ask `/api/v1/forecast/trainings/{id}` how far it is.
    id: String,
}

/// Merges a CSV file with what is stored, and trains the forecasts anew. A form with the file, and, if they are
/// not as usual, `accept_errors` (`true`: go on without the rows that cannot be read), `dates` (such as
/// `DD/MM/YYYY`), `delimiter`, `decimal` (`point` or `comma`), `product` (of a file without that column),
/// `allow_negative`, `weights` (`fixed` or `validated`), `epochs`, `country`, `seed`. Without a file, what is
/// stored is trained. Progress comes as server-sent events named by their stage; with `job` = `true` the answer
/// is an id to ask for.
#[utoipa::path(post, path = "/retrain", tag = "forecast",
    request_body(content_type = "multipart/form-data", description = "The file, at most 64 MiB, and options"),
    responses(
        (status = 200, description = "Server-sent events; each `data` is a ForecastTrainingEvent", content_type = "text/event-stream", body = TrainingEvent),
        (status = 202, description = "It runs", body = Accepted),
        (status = 400, description = "The form or an option makes no sense", body = Problem),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 409, description = "Another training runs", body = Problem),
        (status = 413, description = "The file is too large", body = Problem),
        (status = 422, description = "The file or some of its rows cannot be read; nothing was merged", body = Problem),
    ))]
pub(crate) async fn retrain(
    State(state): State<AppState>,
    user: User,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    let form = form.map_err(|error| HttpError::new(error.status(), "bad-form", error.body_text()))?;
    let form = form::read(form).await?;
    let (name, rows) = match form.file {
        None => (None, None),
        Some((name, bytes)) => {
            let options = intake::Options { latest: Some(crate::store::now_ms() / 1000 + DAY), ..form.options };
            let read = tokio::task::spawn_blocking(move || intake::read(&bytes, &options));
            let Intake { rows, report } = read.await.expect("reading does not panic").map_err(bad_file)?;
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
    let order = Order { by: user.name, file: name, rows, settings };
    let training = state.forecasts.start(order).await.map_err(job_error)?;
    if form.as_job {
        return Ok((StatusCode::ACCEPTED, Json(Accepted { id: training.id.clone() })).into_response());
    }
    Ok(Sse::new(stream(&training)).keep_alive(KeepAlive::default()).into_response())
}

/// All events of a training, as they come, up to its end.
fn stream(training: &Training) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let start = (training.events(), 0, training.id.clone(), false);
    futures::stream::unfold(start, |(mut events, at, id, over)| async move {
        if over {
            return None;
        }
        let found = events.wait_for(|events| events.len() > at).await.ok().map(|events| events[at].clone())?;
        let over = matches!(found.stage.as_str(), "result" | "failed" | "cancelled");
        let event = Event::default().id(format!("{id}/{at}")).event(&found.stage);
        let event = event.json_data(&found).unwrap_or_else(|_| Event::default().comment("unserialisable"));
        Some((Ok(event), (events, at + 1, id, over)))
    })
}

fn bad_file(error: IntakeError) -> HttpError {
    match &error {
        IntakeError::TooLarge(_) => HttpError::too_large(error.to_string()),
        _ => HttpError::unprocessable("bad-file", error.to_string()),
    }
}

/// How far a training is, or what came of it.
#[utoipa::path(get, path = "/api/v1/forecast/trainings/{id}", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 200, description = "How far it is", body = TrainingStatus),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such training", body = Problem),
    ))]
pub(crate) async fn training_status(
    State(state): State<AppState>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<TrainingStatus>, HttpError> {
    let status = state.forecasts.status(&id).await?;
    status.map(Json).ok_or_else(|| HttpError::not_found("there is no training of this id"))
}

/// Ends a training. What was merged stays; what was trained before goes on to answer.
#[utoipa::path(post, path = "/api/v1/forecast/trainings/{id}/cancel", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 202, description = "It ends soon"),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 409, description = "It does not run", body = Problem),
    ))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    _user: User,
    Path(id): Path<String>,
) -> Result<StatusCode, HttpError> {
    if state.forecasts.cancel(&id) {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(HttpError::conflict("not-running", "this training does not run"))
}
