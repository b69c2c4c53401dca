//! `POST /forecast`, and pictures of what it answers.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::job_error;
use crate::auth::User;
use crate::error::{HttpError, JsonBody, Problem, QueryArgs};
use crate::evaluate::plots::Format;
use crate::forecast::answer::{self, Answer};
use crate::forecast::artefact::Metadata;
use crate::forecast::question::{Known, Question, QuestionError};
use crate::forecast::series::seconds;
use crate::forecast::store::{self, Filter};
use crate::forecast::{plot, training};
use crate::state::AppState;

/// An answer, and where its picture is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForecastView {
    #[serde(flatten)]
    answer: Answer,
    /// Pictures.
    plot: PlotUrls,
    /// How the model was made; null if it was fitted for this question.
    #[schema(value_type = Object)]
    trained: Option<Metadata>,
}

/// Where a picture is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastPlotUrls)]
pub(crate) struct PlotUrls {
    png: String,
    svg: String,
}

/// Forecasts the total by what was trained last, or, with filters, what they take by a model fitted to that.
#[utoipa::path(post, path = "/forecast", tag = "forecast", request_body = Question, responses(
    (status = 200, description = "The forecast", body = ForecastView),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 404, description = "There is no such product, or nothing that the filters take", body = Problem),
    (status = 409, description = "Nothing was trained yet", body = Problem),
    (status = 422, description = "A number is out of its range", body = Problem),
))]
pub(crate) async fn forecast(
    State(state): State<AppState>,
    _user: User,
    JsonBody(question): JsonBody<Question>,
) -> Result<Json<ForecastView>, HttpError> {
    let (answer, trained) = ask(&state, &question).await?;
    let query = query_of(&question);
    let url = |format: &str| format!("/api/v1/forecast/plot/forecast.{format}{query}");
    Ok(Json(ForecastView { answer, plot: PlotUrls { png: url("png"), svg: url("svg") }, trained }))
}

async fn ask(state: &AppState, question: &Question) -> Result<(Answer, Option<Metadata>), HttpError> {
    let out_of_range = |error: QuestionError| HttpError::unprocessable("out-of-range", error.to_string());
    question.check().map_err(out_of_range)?;
    if !question.is_filtered() {
        let artefact = state.forecasts.trained().ok_or_else(|| {
            HttpError::conflict(
                "not-trained",
                "nothing was trained yet: POST /retrain with a CSV file, or name a product_id",
            )
        })?;
        let metadata = artefact.metadata.clone();
        let question = question.clone();
        let work = move || answer::answer(&artefact.total, &question, None);
        let answer = tokio::task::spawn_blocking(work).await.expect("answering does not panic");
        return Ok((answer.map_err(out_of_range)?, Some(metadata)));
    }
    let filter = filter_of(question);
    let Some(fit) = state.forecasts.fitted(&filter).await.map_err(job_error)? else {
        return Err(nothing(state, question).await?);
    };
    let known = known(state, &filter).await?;
    let question = question.clone();
    let work = move || answer::answer(&fit, &question, Some(known));
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

/// What the last rows of a product say of its stock; of several products nothing is known together.
async fn known(state: &AppState, filter: &Filter) -> Result<Known, HttpError> {
    if filter.product.is_none() {
        return Ok(Known::default());
    }
    let rows = store::rows(state.store.db(), filter).await?;
    let last = rows.last().map_or(0, |row| row.at);
    let on_hand: Vec<f64> = rows.iter().filter(|row| row.at == last).filter_map(|row| row.on_hand).collect();
    Ok(Known {
        on_hand: (!on_hand.is_empty()).then(|| on_hand.iter().sum()),
        lead_time_days: rows.iter().rev().find_map(|row| row.lead_time_days),
    })
}

/// The error for filters that take nothing.
async fn nothing(state: &AppState, question: &Question) -> Result<HttpError, HttpError> {
    let Some(product) = &question.product_id else {
        return Ok(HttpError::not_found("the filters take no row: leave one of them out"));
    };
    let products = store::products(state.store.db()).await?;
    if products.contains(product) {
        return Ok(HttpError::not_found("the other filters leave no row of this product: leave one of them out"));
    }
    let near = training::nearest(product, products.iter().map(String::as_str));
    let hint = if near.is_empty() { String::new() } else { format!(": is it {}?", near.join(", ")) };
    let shown: String = product.chars().take(200).collect();
    Ok(HttpError::not_found(format!("there is no product {shown}{hint}")).with("nearest", json!(near)))
}

/// The question as the query of a URL.
fn query_of(question: &Question) -> String {
    let fields = serde_json::to_value(question).unwrap_or_default();
    let mut query = String::new();
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => query.push(char::from(byte)),
                _ => query.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    query
}

/// A forecast as a picture: `forecast.svg` or `forecast.png`, with the question as query.
#[utoipa::path(get, path = "/api/v1/forecast/plot/{file}", tag = "forecast",
    params(("file" = String, Path, description = "`forecast.svg` or `forecast.png`"), Question), responses(
        (status = 200, description = "The picture", content_type = "image/svg+xml", body = Vec<u8>),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such picture or product", body = Problem),
    ))]
pub(crate) async fn plot_file(
    State(state): State<AppState>,
    _user: User,
    Path(file): Path<String>,
    QueryArgs(question): QueryArgs<Question>,
) -> Result<Response, HttpError> {
    let format = match file.as_str() {
        "forecast.svg" => Format::Svg,
        "forecast.png" => Format::Png,
        _ => return Err(HttpError::not_found("there are forecast.svg and forecast.png")),
    };
    let (answer, _) = ask(&state, &question).await?;
    let draw = tokio::task::spawn_blocking(move || plot::draw(&answer, format));
    let picture = draw.await.expect("drawing does not panic").map_err(HttpError::internal)?;
    Ok(([(header::CONTENT_TYPE, format.media_type())], Body::from(picture)).into_response())
}
