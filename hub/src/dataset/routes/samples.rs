//! Samples and their images.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::User;
use crate::dataset::store::{self, Filter};
use crate::error::HttpError;
use crate::store::entity::sample;
use crate::store::{Blobs, Store};

/// How many samples a list has at most, and if nothing else is said.
const MOST_LISTED: u64 = 200;
const LISTED: u64 = 50;

/// Which samples.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only those without a label, if this is there and not `false`.
    unlabelled: Option<String>,
    /// Only those with this label; `unusable` for those that were taken out.
    label: Option<String>,
    /// Only those of this bin.
    bin: Option<String>,
    /// Only those older than this sample: the `next` of the page before.
    before: Option<String>,
    /// How many, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// Samples, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SampleList {
    /// The samples.
    samples: Vec<SampleView>,
    /// What to ask for with `before` to get older ones; `null` at the end.
    next: Option<String>,
}

/// A sample without its image, which has an address of its own.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SampleView {
    /// Its id, a UUID of version 7.
    id: String,
    /// `bin`, `upload` or `import`.
    source: String,
    /// The bin, if one sent it.
    bin: Option<String>,
    /// Why the bin kept it: `unsure`, `disagreement`, `random`.
    reason: Option<String>,
    /// When, by the sender's clock, in milliseconds since 1970.
    at_ms: i64,
    /// When the hub got it.
    received_ms: i64,
    /// In pixels.
    width: i32,
    /// In pixels.
    height: i32,
    /// The model that guessed.
    model: Option<String>,
    /// Its likeliest class.
    guess: Option<String>,
    /// Whether it was sure.
    sure: bool,
    /// The guess's probability, 0 to 1.
    confidence: Option<f64>,
    /// Probability by class.
    #[schema(value_type = Option<std::collections::HashMap<String, f64>>)]
    probabilities: Option<BTreeMap<String, f64>>,
    /// What it truly was, from a camera that is not a real one.
    truth: Option<String>,
    /// `virtual` or `replay`, with `truth`.
    truth_source: Option<String>,
    /// What a person says it is.
    label: Option<String>,
    /// Who said so.
    labelled_by: Option<String>,
    /// When.
    labelled_at_ms: Option<i64>,
    /// `train`, `validation` or `test`, since it first had a label.
    split: Option<String>,
    /// Why it has no split and never gets one.
    excluded: Option<String>,
    /// What shows the same thing has the same: bursts, runs of numbers, and what looks alike.
    cluster: Option<String>,
}

impl From<sample::Model> for SampleView {
    fn from(row: sample::Model) -> Self {
        Self {
            probabilities: row.probabilities_json.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            id: row.id,
            source: row.source,
            bin: row.bin,
            reason: row.reason,
            at_ms: row.at_ms,
            received_ms: row.received_ms,
            width: row.width,
            height: row.height,
            model: row.model,
            guess: row.guess,
            sure: row.sure,
            confidence: row.confidence,
            truth: row.truth_label,
            truth_source: row.truth_source,
            label: row.label,
            labelled_by: row.labelled_by,
            labelled_at_ms: row.labelled_at_ms,
            split: row.split,
            excluded: row.excluded,
            cluster: row.cluster,
        }
    }
}

/// Samples, newest first.
#[utoipa::path(get, path = "/api/v1/samples", tag = "dataset", params(ListQuery), responses(
    (status = 200, description = "The samples", body = SampleList),
))]
pub(crate) async fn list(
    State(store): State<Store>,
    _user: User,
    Query(query): Query<ListQuery>,
) -> Result<Json<SampleList>, HttpError> {
    let filter = Filter {
        unlabelled: query.unlabelled.is_some_and(|value| value != "false" && value != "0"),
        label: query.label,
        bin: query.bin,
        before: query.before,
    };
    let limit = query.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    let rows = store::page(store.db(), &filter, limit).await?;
    let is_full = rows.len() as u64 == limit;
    let next = rows.last().filter(|_| is_full).map(|row| row.id.clone());
    Ok(Json(SampleList { samples: rows.into_iter().map(SampleView::from).collect(), next }))
}

/// The image of a sample.
#[utoipa::path(get, path = "/api/v1/samples/{id}/image", tag = "dataset", params(("id" = String, Path, description = "The sample")), responses(
    (status = 200, description = "The image", content_type = "image/jpeg"),
    (status = 304, description = "As before"),
    (status = 404, description = "No such sample"),
))]
pub(crate) async fn image(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    _user: User,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let content = store::content(store.db(), &id).await?;
    let tag = HeaderValue::try_from(format!("\"{content}\"")).expect("a content id is hexadecimal");
    let private = HeaderValue::from_static("private, max-age=31536000, immutable");
    let kept = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, private)];
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let jpeg = blobs.get(&content).await?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"))];
    Ok((kept, kind, Body::from(jpeg)).into_response())
}
