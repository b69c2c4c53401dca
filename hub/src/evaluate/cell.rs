//! The images behind a cell of a confusion matrix: what is one class and was taken for another, or for
//! itself.
//!
//! A report keeps the counts and the worst answers only. The images are found again when they are asked
//! for: the labels of now, and what the version answers on them, by embeddings that are in the database.

use axum::Json;
use axum::extract::{Path, State};
use pilah_evaluate::report::Offender;
use pilah_models::infer::best;
use pilah_models::name::{ContentId, Label, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::EvaluateError;
use super::store::{self, Image};
use super::{answers, kept_report};
use crate::auth::User;
use crate::dataset;
use crate::error::{HttpError, QueryArgs};
use crate::registry::Parts;

/// How many images an answer has if nothing is said, and at most.
const IMAGES: usize = 60;
const MOST_IMAGES: usize = 500;

/// Which images a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SetName {
    /// The test split.
    #[default]
    Test,
    /// Fresh samples from the field.
    Field,
}

/// Which cell.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CellQuery {
    /// What the images are, as people say.
    truth: String,
    /// What the model says they are.
    answer: String,
    /// `test` or `field`, as in the report; `test` if left out.
    #[serde(default)]
    set: SetName,
    /// How many images, 1 to 500; 60 if left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The images of a cell.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cell {
    /// How many there are.
    total: usize,
    /// The surest answers first.
    images: Vec<Offender>,
}

/// The images behind a cell of a version's confusion matrix, by the labels of now: what was relabelled since
/// the report is where it belongs.
#[utoipa::path(get, path = "/api/v1/models/{version}/confusion", tag = "models",
    params(("version" = String, Path, description = "The version"), CellQuery), responses(
        (status = 200, description = "The images", body = Cell),
        (status = 400, description = "A parameter is missing or makes no sense"),
        (status = 404, description = "No such version, or it was never evaluated"),
        (status = 422, description = "The model has no such class; the answer names those that it has"),
    ))]
pub(crate) async fn confusion(
    State(parts): State<Parts>,
    _user: User,
    Path(version): Path<String>,
    QueryArgs(query): QueryArgs<CellQuery>,
) -> Result<Json<Cell>, HttpError> {
    let report = kept_report(&parts.registry, &version).await?;
    let truth = dataset::known_label(&query.truth, &report.labels)?;
    let answer = dataset::known_label(&query.answer, &report.labels)?;
    let since_ms = (query.set == SetName::Field).then_some(report.field_since_ms);
    let mut images = cell(&parts, &report.model, since_ms, &truth, &answer).await?;
    let total = images.len();
    images.truncate(query.limit.unwrap_or(IMAGES).clamp(1, MOST_IMAGES));
    Ok(Json(Cell { total, images }))
}

/// The images that are `truth` and that a version takes for `answer`, the surest answers first: of the test
/// split, or of the field since a time.
pub(super) async fn cell(
    parts: &Parts,
    version: &ModelVersion,
    since_ms: Option<i64>,
    truth: &Label,
    answer: &Label,
) -> Result<Vec<Offender>, EvaluateError> {
    let _alone = parts.registry.evaluation_turn().await;
    let bundle = parts.registry.bundle(version).await?;
    let db = parts.store.db();
    let mut images: Vec<Image> = match since_ms {
        None => store::test_split(db).await?,
        Some(since_ms) => store::fresh(db, since_ms).await?,
    };
    images.retain(|image| image.label == *truth);
    let labels = &bundle.manifest().labels;
    let Some(place) = labels.index_of(truth) else { return Ok(Vec::new()) };
    let contents: Vec<&ContentId> = images.iter().map(|image| &image.content).collect();
    let rows = answers::answers(parts, &bundle, &contents).await?;
    let mut found: Vec<Offender> = images
        .iter()
        .zip(rows)
        .filter_map(|(image, row)| {
            let row = row?;
            let (class, confidence) = best(&row);
            (labels.as_slice()[class] == *answer).then(|| Offender {
                sample: image.sample.clone(),
                truth: truth.clone(),
                answer: answer.clone(),
                confidence: f64::from(confidence),
                truth_probability: f64::from(row[place]),
            })
        })
        .collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.sample.cmp(&b.sample)));
    Ok(found)
}
