//! Models run over the dataset, and what they are worth: the figures are those of [`pilah_evaluate`], here is what
//! gathers what they need, keeps them, and answers HTTP.
//!
//! ```text
//! images (test split, fresh field samples) → answers → figures → report, kept in the registry
//! ```

use axum::http::StatusCode;
use pilah_evaluate::EvaluationReport;

pub use error::EvaluateError;

use crate::error::HttpError;
use crate::registry::Registry;

/// Why there is no evaluation.
mod error;

/// What the gate asks for, read from the data folder.
pub mod rules;

/// How fast and how large a model is, measured.
pub mod speed;

/// Which images a model is judged by, in the database.
mod store;

/// What a model answers on images of the dataset.
pub(crate) mod answers;

/// Evaluates, compares and judges versions of the registry.
pub mod job;

/// What a random split would have promised.
pub mod honesty;

/// The images behind a cell of a confusion matrix.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
mod cell;

/// HTTP: evaluate, compare, reports, plots.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

/// The report on a version, if there is one.
async fn kept_report(registry: &Registry, version: &str) -> Result<EvaluationReport, HttpError> {
    let version = registry.known(version).await?;
    registry.report(&version).await?.ok_or_else(|| {
        HttpError::new(
            StatusCode::NOT_FOUND,
            "not-evaluated",
            format!("{version} was not evaluated yet: POST /api/v1/models/{version}/evaluate"),
        )
    })
}
