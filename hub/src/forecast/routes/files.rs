//! An answer as a file: a picture or CSV.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pilah_forecast::answer::Answer;
use pilah_forecast::plot;
use pilah_plots::Format;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::HttpError;

/// Where an answer is as a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastFiles)]
pub(crate) struct Files {
    /// A picture of pixels.
    png: String,
    /// A picture of lines.
    svg: String,
    /// The forecast of each model with intervals, a line per date.
    csv: String,
}

impl Files {
    /// The addresses under a path, all with the same query.
    pub(super) fn under(path: &str, query: &str) -> Self {
        let url = |format: &str| format!("{path}/forecast.{format}{query}");
        Self { png: url("png"), svg: url("svg"), csv: url("csv") }
    }
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Picture(Format),
    Csv,
}

/// What a file is, by its name.
pub(super) fn kind(file: &str) -> Result<Kind, HttpError> {
    match file {
        "forecast.svg" => Ok(Kind::Picture(Format::Svg)),
        "forecast.png" => Ok(Kind::Picture(Format::Png)),
        "forecast.csv" => Ok(Kind::Csv),
        _ => Err(HttpError::not_found("there are forecast.svg, forecast.png and forecast.csv")),
    }
}

/// An answer as a file.
pub(super) async fn render(answer: Answer, kind: Kind) -> Result<Response, HttpError> {
    let format = match kind {
        Kind::Csv => {
            let saved = (header::CONTENT_DISPOSITION, "attachment; filename=\"forecast.csv\"");
            return Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), saved], answer.to_csv()).into_response());
        }
        Kind::Picture(format) => format,
    };
    let draw = tokio::task::spawn_blocking(move || plot::draw(&answer, format));
    let picture = draw.await.expect("drawing does not panic").map_err(HttpError::internal)?;
    Ok(([(header::CONTENT_TYPE, format.media_type())], Body::from(picture)).into_response())
}

/// What was asked as the query of a URL, with what is not null.
pub(super) fn query_of(asked: &impl Serialize) -> String {
    let fields = serde_json::to_value(asked).unwrap_or_default();
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
