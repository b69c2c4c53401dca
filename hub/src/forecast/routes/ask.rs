//! `POST /forecast`, and its answer as a file.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use pilah_forecast::answer::{self, Answer};
use pilah_forecast::artefact::Metadata;
use pilah_forecast::modelling::OutOfRange;
use pilah_forecast::question::Question;
use pilah_forecast::series::seconds;
use pilah_forecast::training;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::files::{self, Files};
use super::job_error;
use crate::auth::User;
use crate::error::{HttpError, JsonBody, QueryArgs};
use crate::forecast::job::Forecasts;
use crate::forecast::store::{self, Filter};
use crate::store::Store;

/// An answer, and where it is as a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForecastView {
    #[serde(flatten)]
    pub(super) answer: Answer,
    /// The answer as files.
    pub(super) files: Files,
    /// How the model was trained; null if it was fitted for this question.
    pub(super) trained: Option<Metadata>,
}

/// Forecasts the total by what was trained last, or, with filters or another growth or seasonality, by a model
/// fitted to what they take; the first of the same questions takes some seconds, the others none.
#[utoipa::path(post, path = "/forecast", tag = "forecast", request_body = Question, responses(
    (status = 200, description = "The forecast", body = ForecastView),
    (status = 404, description = "There is no such product, or nothing that the filters take"),
    (status = 409, description = "Nothing was trained yet"),
    (status = 422, description = "A number is out of its range, or what the filters take cannot be forecast"),
))]
pub(crate) async fn forecast(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    _user: User,
    JsonBody(question): JsonBody<Question>,
) -> Result<Json<ForecastView>, HttpError> {
    let (answer, trained) = ask(&store, &forecasts, &question).await?;
    let files = Files::under("/api/v1/forecast/plot", &files::query_of(&question));
    Ok(Json(ForecastView { answer, files, trained }))
}

/// A forecast as a picture or as CSV: `forecast.svg`, `forecast.png` or `forecast.csv`, with the question as query.
#[utoipa::path(get, path = "/api/v1/forecast/plot/{file}", tag = "forecast",
    params(("file" = String, Path, description = "`forecast.svg`, `forecast.png` or `forecast.csv`"), Question),
    responses(
        (status = 200, description = "The file", content(
            (Vec<u8> = "image/svg+xml"), (Vec<u8> = "image/png"), (String = "text/csv"))),
        (status = 404, description = "No such file or product"),
        (status = 409, description = "Nothing was trained yet"),
        (status = 422, description = "A number is out of its range"),
    ))]
pub(crate) async fn plot_file(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    _user: User,
    Path(file): Path<String>,
    QueryArgs(question): QueryArgs<Question>,
) -> Result<Response, HttpError> {
    let kind = files::kind(&file)?;
    let (answer, _) = ask(&store, &forecasts, &question).await?;
    files::render(answer, kind).await
}

async fn ask(
    store: &Store,
    forecasts: &Forecasts,
    question: &Question,
) -> Result<(Answer, Option<Metadata>), HttpError> {
    let out_of_range = |error: OutOfRange| HttpError::unprocessable("out-of-range", error.to_string());
    question.check().map_err(out_of_range)?;
    let modelling = question.modelling();
    let asked = question.clone();
    if !question.is_filtered() && modelling.is_usual() {
        let artefact = forecasts.trained().ok_or_else(|| {
            HttpError::conflict(
                "not-trained",
                "nothing was trained yet: POST /retrain with a CSV file, or name a product_id",
            )
        })?;
        let metadata = artefact.metadata.clone();
        let work = move || answer::answer(&artefact.total, &asked, None);
        let answer = tokio::task::spawn_blocking(work).await.expect("answering does not panic");
        return Ok((answer.map_err(out_of_range)?, Some(metadata)));
    }
    let fitted = forecasts.fitted(&filter_of(question), &modelling).await.map_err(job_error)?;
    let Some(fitted) = fitted else { return Err(nothing(store, question).await?) };
    let work = move || answer::answer(&fitted.ensemble, &asked, Some(fitted.known));
    let answer = tokio::task::spawn_blocking(work).await.expect("answering does not panic");
    Ok((answer.map_err(out_of_range)?, None))
}

fn filter_of(question: &Question) -> Filter {
    Filter {
        product: question.product_id.clone(),
        store: question.store.clone(),
        category: question.category.clone(),
        from: question.from.map(|day| seconds(day.at(0, 0, 0, 0))),
        to: question.to.map(|day| seconds(day.at(23, 59, 59, 0))),
    }
}

/// The error for filters that take nothing.
async fn nothing(store: &Store, question: &Question) -> Result<HttpError, HttpError> {
    if !question.is_filtered() {
        return Ok(HttpError::conflict("no-data", "there is no data yet: POST /retrain with a CSV file"));
    }
    let Some(product) = &question.product_id else {
        return Ok(HttpError::not_found("the filters take no row: leave one of them out"));
    };
    let products = store::products(store.db()).await?;
    let mut names = products.iter().map(|known| known.product.as_str());
    if names.any(|name| name == product) {
        return Ok(HttpError::not_found("the other filters leave no row of this product: leave one of them out"));
    }
    let near = training::nearest(product, products.iter().map(|known| known.product.as_str()));
    let hint = if near.is_empty() { String::new() } else { format!(": is it {}?", near.join(", ")) };
    let shown: String = product.chars().take(200).collect();
    Ok(HttpError::not_found(format!("there is no product {shown}{hint}")).with("nearest", json!(near)))
}
