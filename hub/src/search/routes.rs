//! `/api/v1/search` and `/api/v1/samples/{id}/similar`.

use axum::extract::{DefaultBodyLimit, FromRef, Path, Request, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_models::name::ContentId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{Cursor, Filter, SearchError, Sort, store};
use crate::auth::{Access, User};
use crate::dataset::routes::{LARGEST_UPLOAD, SampleView};
use crate::dataset::{self, Classes, Split, UNUSABLE};
use crate::embeddings::Vectors;
use crate::error::{HttpError, QueryArgs};
use crate::predict::Predictor;
use crate::predict::routes::image_of;
use crate::store::Store;
use crate::store::entity::{label_history, sample};

/// How many samples a page has at most, and if nothing else is said.
const MOST: u64 = 200;
const PAGE: u64 = 50;

/// How many similar samples are found at most, and if nothing else is said.
const MOST_SIMILAR: usize = 100;
const SIMILAR: usize = 20;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(search, one, similar_to_sample, similar_to_image),
    components(schemas(SearchPage, SearchHit, SampleDetail, LabelChange, SimilarList, SimilarSample))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Classes: FromRef<S>,
    Vectors: FromRef<S>,
    Predictor: FromRef<S>,
{
    Router::new()
        .route("/api/v1/search", get(search))
        .route("/api/v1/samples/{id}", get(one))
        .route("/api/v1/search/similar", post(similar_to_image).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/api/v1/samples/{id}/similar", get(similar_to_sample))
}

/// Which samples; all conditions hold at once.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    /// With this label; `unusable` for those that were taken out.
    pub(super) label: Option<String>,
    /// `true`: without a label.
    #[serde(default)]
    pub(super) unlabelled: bool,
    /// That the model in service takes for this class; samples that have not been scored are left out.
    pub(super) guess: Option<String>,
    /// Of this bin.
    pub(super) bin: Option<String>,
    /// `bin`, `upload` or `import`.
    pub(super) source: Option<String>,
    /// `train`, `validation` or `test`.
    pub(super) split: Option<String>,
    /// Received at this time or later, in milliseconds since 1970.
    pub(super) from_ms: Option<i64>,
    /// Received before this time, in milliseconds since 1970.
    pub(super) to_ms: Option<i64>,
    /// Of which the model is at least so unsure, 0 to 1.
    #[param(minimum = 0, maximum = 1)]
    pub(super) unsure_from: Option<f64>,
    /// Of which the model is at most so unsure, 0 to 1.
    #[param(minimum = 0, maximum = 1)]
    pub(super) unsure_to: Option<f64>,
    /// `true`: in the random share, whose labels are an unbiased sample.
    #[serde(default)]
    pub(super) random: bool,
    /// `true`: with a label that is suspect.
    #[serde(default)]
    pub(super) suspect: bool,
    /// `newest` or `unsure`; `newest` if left out.
    pub(super) sort: Option<String>,
    /// The `next` of the page before.
    pub(super) after: Option<String>,
    /// How many, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<u64>,
}

/// A page of samples.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SearchPage {
    /// The samples.
    hits: Vec<SearchHit>,
    /// What to ask for with `after` to get more; `null` at the end.
    next: Option<String>,
}

/// A sample that was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SearchHit {
    /// The sample.
    sample: SampleView,
    /// How unsure the model in service is, 0 to 1; `null` until it has been scored.
    unsure: Option<f64>,
    /// What the model in service takes it for; `null` until it has been scored.
    guess: Option<String>,
    /// How strongly the model contradicts its label, 0 to 1.
    suspect: Option<f64>,
    /// The class that its label should probably be, if the label is suspect.
    suggested: Option<String>,
    /// Whether it is in the random share.
    random: bool,
    /// `open`, `second`, `disputed` or `done`; `null` until it has been enrolled.
    review: Option<String>,
}

impl SearchHit {
    fn of((sample, review): store::Found) -> Self {
        let review = review.as_ref();
        Self {
            sample: SampleView::from(sample),
            unsure: review.and_then(|review| review.unsure),
            guess: review.and_then(|review| review.guess.clone()),
            suspect: review.and_then(|review| review.suspect),
            suggested: review.and_then(|review| review.suggested.clone()),
            random: review.is_some_and(|review| review.random_rank.is_some()),
            review: review.map(|review| review.state.clone()),
        }
    }
}

/// Samples by label, bin, source, split, time and uncertainty.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(SearchQuery), responses(
    (status = 200, description = "A page of samples", body = SearchPage),
    (status = 400, description = "A parameter that does not exist or is malformed"),
    (status = 422, description = "A value that does not exist; the answer says which do"),
))]
pub(crate) async fn search(
    State(store): State<Store>,
    State(classes): State<Classes>,
    _user: User,
    QueryArgs(mut query): QueryArgs<SearchQuery>,
) -> Result<Json<SearchPage>, HttpError> {
    if let Some(label) = query.label.as_mut().filter(|label| *label != UNUSABLE) {
        *label = dataset::known_label(label, &classes.known().await?)?.to_string();
    }
    if let Some(guess) = &mut query.guess {
        *guess = dataset::known_label(guess, &classes.known().await?)?.to_string();
    }
    let (filter, sort) = read(&query)?;
    let after = query.after.as_deref().map(str::parse::<Cursor>).transpose()?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MOST);
    let (found, next) = store::page(store.db(), &filter, sort, after.as_ref(), limit).await?;
    let hits = found.into_iter().map(SearchHit::of).collect();
    Ok(Json(SearchPage { hits, next: next.map(|cursor| cursor.to_string()) }))
}

/// Filter and order, checked.
pub(super) fn read(query: &SearchQuery) -> Result<(Filter, Sort), SearchError> {
    let wrong = |key, value: &str, rule| SearchError::Filter { key, value: value.chars().take(80).collect(), rule };
    let sort = match query.sort.as_deref() {
        None | Some("newest") => Sort::Newest,
        Some("unsure") => Sort::Unsure,
        Some(other) => return Err(wrong("sort", other, "newest or unsure")),
    };
    if let Some(source) = query.source.as_deref().filter(|source| !["bin", "upload", "import"].contains(source)) {
        return Err(wrong("source", source, "bin, upload or import"));
    }
    let split = match query.split.as_deref() {
        None => None,
        Some(name) => Some(name.parse::<Split>().map_err(|_| wrong("split", name, "train, validation or test"))?),
    };
    for (key, share) in [("unsure_from", query.unsure_from), ("unsure_to", query.unsure_to)] {
        if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(wrong(key, &share.to_string(), "0 to 1"));
        }
    }
    let filter = Filter {
        label: query.label.clone(),
        unlabelled: query.unlabelled,
        guess: query.guess.clone(),
        bin: query.bin.clone(),
        source: query.source.clone(),
        split,
        from_ms: query.from_ms,
        to_ms: query.to_ms,
        unsure_from: query.unsure_from,
        unsure_to: query.unsure_to,
        random: query.random,
        suspect: query.suspect,
    };
    Ok((filter, sort))
}

/// A sample, and who said what of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SampleDetail {
    /// The sample with its review.
    #[serde(flatten)]
    hit: SearchHit,
    /// The changes of its label, the oldest first.
    history: Vec<LabelChange>,
}

/// A change of a label.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LabelChange {
    /// When, in milliseconds since 1970.
    at_ms: i64,
    /// Who.
    by: String,
    /// The label before.
    was: Option<String>,
    /// The label after.
    label: Option<String>,
}

impl From<label_history::Model> for LabelChange {
    fn from(row: label_history::Model) -> Self {
        Self { at_ms: row.at_ms, by: row.by, was: row.was, label: row.label }
    }
}

/// A sample.
#[utoipa::path(get, path = "/api/v1/samples/{id}", tag = "search",
    params(("id" = String, Path, description = "The sample")), responses(
        (status = 200, description = "The sample with its review and the history of its label", body = SampleDetail),
        (status = 404, description = "No such sample"),
    ))]
pub(crate) async fn one(
    State(store): State<Store>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<SampleDetail>, HttpError> {
    let (found, history) = store::detail(store.db(), &id).await?;
    Ok(Json(SampleDetail { hit: SearchHit::of(found), history: history.into_iter().map(LabelChange::from).collect() }))
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SimilarQuery {
    /// How many samples, 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    count: Option<usize>,
}

/// Samples that look alike.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SimilarList {
    /// The most alike first.
    samples: Vec<SimilarSample>,
}

impl SimilarList {
    /// The first `count`: several samples may share an image.
    fn of(found: Vec<(sample::Model, f32)>, count: usize) -> Self {
        let view = |(sample, similarity)| SimilarSample { sample: SampleView::from(sample), similarity };
        Self { samples: found.into_iter().take(count).map(view).collect() }
    }
}

/// A sample, and how alike it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SimilarSample {
    /// The sample.
    sample: SampleView,
    /// Cosine of the embeddings, −1 to 1.
    similarity: f32,
}

/// The samples that look most like one of them.
#[utoipa::path(get, path = "/api/v1/samples/{id}/similar", tag = "search",
    params(SimilarQuery, ("id" = String, Path, description = "The sample")), responses(
        (status = 200, description = "The samples", body = SimilarList),
        (status = 404, description = "No such sample"),
        (status = 409, description = "Its image cannot be read"),
        (status = 503, description = "It has no embedding yet"),
    ))]
pub(crate) async fn similar_to_sample(
    State(store): State<Store>,
    State(vectors): State<Vectors>,
    _user: User,
    Path(id): Path<String>,
    QueryArgs(query): QueryArgs<SimilarQuery>,
) -> Result<Json<SimilarList>, HttpError> {
    let content = dataset::store::content(store.db(), &id).await?;
    let embedding = match (vectors.get(&content), vectors.failure(&content)) {
        (Some(embedding), _) => embedding,
        (None, Some(reason)) => return Err(SearchError::Unreadable { content, reason }.into()),
        (None, None) => return Err(SearchError::NotYet(content).into()),
    };
    let count = query.count.unwrap_or(SIMILAR).clamp(1, MOST_SIMILAR);
    let mut found = similar(&store, &vectors, embedding, count + 1).await?;
    found.retain(|(sample, _)| sample.id != id);
    Ok(Json(SimilarList::of(found, count)))
}

/// The samples that look most like an image, which is a file in a form, or the whole body. It is not kept.
#[utoipa::path(post, path = "/api/v1/search/similar", tag = "search", params(SimilarQuery),
    request_body(content_type = "multipart/form-data", description = "A file in any field; or the image itself, as image/jpeg or image/png"),
    responses(
        (status = 200, description = "The samples", body = SimilarList),
        (status = 400, description = "No image"),
        (status = 413, description = "The file or the image is too large"),
        (status = 422, description = "Not an image, or a damaged one"),
        (status = 503, description = "No model is in service, too many ask, or the embeddings are being read"),
    ))]
pub(crate) async fn similar_to_image(
    State(store): State<Store>,
    State(vectors): State<Vectors>,
    State(predictor): State<Predictor>,
    _user: User,
    QueryArgs(query): QueryArgs<SimilarQuery>,
    request: Request,
) -> Result<Json<SimilarList>, HttpError> {
    let bytes = image_of(request).await?;
    let (backbone, embedding) = predictor.embed(bytes).await?;
    if vectors.status().backbone.as_deref() != Some(backbone.as_str()) {
        return Err(SearchError::Busy.into());
    }
    let count = query.count.unwrap_or(SIMILAR).clamp(1, MOST_SIMILAR);
    let found = similar(&store, &vectors, embedding, count).await?;
    Ok(Json(SimilarList::of(found, count)))
}

async fn similar(
    store: &Store,
    vectors: &Vectors,
    embedding: Vec<f32>,
    count: usize,
) -> Result<Vec<(sample::Model, f32)>, HttpError> {
    let snapshot = vectors.snapshot();
    let nearest = move || snapshot.nearest(&embedding, count);
    let images: Vec<(ContentId, f32)> =
        tokio::task::spawn_blocking(nearest).await.expect("a search does not panic and is not aborted");
    Ok(store::of_images(store.db(), &images).await?)
}

impl From<SearchError> for HttpError {
    fn from(error: SearchError) -> Self {
        let words = error.to_string();
        match error {
            SearchError::Cursor(_) => Self::bad_request("bad-cursor", words),
            SearchError::Filter { .. } => Self::unprocessable("bad-filter", words),
            SearchError::NotYet(_) | SearchError::Busy => Self::unavailable("not-embedded", words),
            SearchError::Unreadable { .. } => Self::conflict("unreadable", words),
            SearchError::Dataset(error) => error.into(),
        }
    }
}
