//! Upload, list, label: `POST /api/upload-training` and `/api/v1/samples`.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_models::name::Label;
use pilah_models::preprocess::Limits;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::receive::receive;
use super::store::{self, Filter, NewSample, Source, Stored, Tally};
use super::{DatasetError, Prepared, Split, UNUSABLE, group};
use crate::auth::User;
use crate::error::{HttpError, JsonBody, Problem};
use crate::live::LiveEvent;
use crate::review;
use crate::state::AppState;
use crate::store::entity::sample;
use crate::store::now_ms;

/// No upload is larger, in bytes, all its files together.
pub(crate) const LARGEST_UPLOAD: usize = 200_000_000;

/// The most files of one upload: at most 256 MB wait in memory for the label.
const MOST_FILES: usize = 256;

/// How many samples a list has at most, and if nothing else is said.
const MOST_LISTED: u64 = 200;
const LISTED: u64 = 50;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(upload, list, image, label, classes),
    components(schemas(
        Uploaded,
        FileReport,
        FileOutcome,
        SampleList,
        SampleView,
        NewLabel,
        Labelled,
        ClassCounts,
        ClassCount
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/upload-training", post(upload).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/api/v1/samples", get(list))
        .route("/api/v1/samples/{id}/image", get(image))
        .route("/api/v1/samples/{id}/label", post(label))
        .route("/api/v1/classes", get(classes))
}

/// What became of an upload.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Uploaded {
    /// What the images show.
    label: String,
    /// New samples.
    stored: u64,
    /// Images that were there already.
    duplicates: u64,
    /// Files that were not accepted.
    refused: u64,
    /// Each file, in the order in which they came.
    files: Vec<FileReport>,
}

/// What became of a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FileReport {
    /// Its name, as it was sent.
    name: String,
    /// What became of it.
    outcome: FileOutcome,
    /// The sample that it is now, or was already.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileOutcome {
    /// It is a new sample.
    Stored,
    /// The very image was there already.
    Duplicate,
    /// It is not accepted.
    Refused,
}

/// A file of an upload, prepared or refused.
struct File {
    name: String,
    image: Result<Prepared, String>,
}

/// Labelled images for training: a form with `label` and any number of files. Each file is judged by
/// itself: a damaged one is refused and named, and the others are stored.
#[utoipa::path(post, path = "/api/upload-training", tag = "dataset",
    request_body(content_type = "multipart/form-data", description = "The field `label`, and files in any fields"),
    responses(
        (status = 200, description = "What became of each file", body = Uploaded),
        (status = 400, description = "No label or no file", body = Problem),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 413, description = "The upload is too large", body = Problem),
        (status = 422, description = "There is no such class, or no file was accepted; `files` says why", body = Problem),
    ))]
pub(crate) async fn upload(
    State(state): State<AppState>,
    user: User,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Json<Uploaded>, HttpError> {
    let form = form.map_err(|error| HttpError::new(error.status(), "bad-form", error.body_text()))?;
    let (label, files) = read_form(form).await?;
    let label = label.ok_or_else(|| HttpError::bad_request("no-label", "the form has no field \"label\""))?;
    if files.is_empty() {
        return Err(HttpError::bad_request("no-file", "the form has no file"));
    }
    let label = super::known_label(&label, &known_classes(&state).await?)?;
    let uploaded = store_files(&state, &user, &label, files).await?;
    if uploaded.stored + uploaded.duplicates == 0 {
        let files = serde_json::to_value(&uploaded.files).unwrap_or_default();
        let reason = uploaded.files.first().and_then(|file| file.reason.clone()).unwrap_or_default();
        let detail = format!("none of the {} files was accepted; the first: {reason}", uploaded.files.len());
        return Err(HttpError::unprocessable("no-image-accepted", detail).with("files", files));
    }
    tracing::info!(user = user.name, %label, stored = uploaded.stored, refused = uploaded.refused, "images uploaded");
    Ok(Json(uploaded))
}

/// Reads label and files, in any order. Each file is decoded and re-encoded as it comes.
async fn read_form(mut form: Multipart) -> Result<(Option<String>, Vec<File>), HttpError> {
    let (mut label, mut files) = (None, Vec::new());
    while let Some(field) = form.next_field().await.map_err(bad_form)? {
        if let Some(name) = field.file_name().map(|name| name.chars().take(200).collect::<String>()) {
            if files.len() == MOST_FILES {
                return Err(HttpError::too_large(format!("an upload has at most {MOST_FILES} files: send several")));
            }
            let image = read_image(field).await?;
            files.push(File { name, image });
        } else if field.name() == Some("label") {
            label = Some(field.text().await.map_err(bad_form)?);
        }
    }
    Ok((label, files))
}

async fn read_image(field: Field<'_>) -> Result<Result<Prepared, String>, HttpError> {
    let limits = Limits::default();
    let bytes = match receive(field, &limits).await.map_err(bad_form)? {
        Ok(bytes) => bytes,
        Err(too_large) => return Ok(Err(too_large.to_string())),
    };
    let prepare = move || super::prepare(&bytes, &limits).map_err(|error| error.to_string());
    Ok(tokio::task::spawn_blocking(prepare).await.expect("preparing images does not panic and is not aborted"))
}

async fn store_files(state: &AppState, user: &User, label: &Label, files: Vec<File>) -> Result<Uploaded, HttpError> {
    let mut stored = Vec::with_capacity(files.len());
    for file in files {
        let image = match file.image {
            Ok(image) => {
                let content = state.blobs.put(image.jpeg.clone()).await?;
                Ok((image, content))
            }
            Err(reason) => Err(reason),
        };
        stored.push((file.name, image));
    }
    // Numbers count within a day's uploads: a camera's do not start again so soon.
    let source = format!("upload-{}", jiff::Timestamp::now().strftime("%Y-%m-%d"));
    let mut uploaded = Uploaded { label: label.to_string(), ..Uploaded::default() };
    let tx = state.store.begin().await?;
    let mut tally = Tally::read(&tx).await?;
    for (name, image) in stored {
        let outcome = match image {
            Ok((image, content)) => {
                let group = group::of_file(&source, None, label, &name, image.looks);
                let new = NewSample {
                    content: &content,
                    image: &image,
                    label,
                    source: Source::Upload,
                    by: &user.name,
                    group: &group,
                    fixed: None,
                };
                Ok(store::insert(&tx, &mut tally, &new).await?)
            }
            Err(reason) => Err(reason),
        };
        uploaded.count(name, outcome);
    }
    tx.commit().await?;
    for file in uploaded.files.iter().filter(|file| file.outcome == FileOutcome::Stored) {
        let sample = file.sample.clone().unwrap_or_default();
        state.live.publish(LiveEvent::Sample { id: sample, bin: None });
    }
    Ok(uploaded)
}

impl Uploaded {
    fn count(&mut self, name: String, outcome: Result<Stored, String>) {
        let (counter, outcome, sample, reason) = match outcome {
            Ok(Stored::New { sample, .. }) => (&mut self.stored, FileOutcome::Stored, Some(sample), None),
            Ok(Stored::Duplicate(sample)) => (&mut self.duplicates, FileOutcome::Duplicate, Some(sample), None),
            Ok(Stored::Conflict { sample, label }) => {
                let reason = format!("the very image is there already, labelled {label}: label that sample anew");
                (&mut self.refused, FileOutcome::Refused, Some(sample), Some(reason))
            }
            Err(reason) => (&mut self.refused, FileOutcome::Refused, None, Some(reason)),
        };
        *counter += 1;
        self.files.push(FileReport { name, outcome, sample, reason });
    }
}

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
        }
    }
}

/// Samples, newest first.
#[utoipa::path(get, path = "/api/v1/samples", tag = "dataset", params(ListQuery), responses(
    (status = 200, description = "The samples", body = SampleList),
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn list(
    State(state): State<AppState>,
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
    let rows = store::page(state.store.db(), &filter, limit).await?;
    let is_full = rows.len() as u64 == limit;
    let next = rows.last().filter(|_| is_full).map(|row| row.id.clone());
    Ok(Json(SampleList { samples: rows.into_iter().map(SampleView::from).collect(), next }))
}

/// The image of a sample.
#[utoipa::path(get, path = "/api/v1/samples/{id}/image", tag = "dataset", params(("id" = String, Path, description = "The sample")), responses(
    (status = 200, description = "The image", content_type = "image/jpeg"),
    (status = 304, description = "As before"),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 404, description = "No such sample", body = Problem),
))]
pub(crate) async fn image(
    State(state): State<AppState>,
    _user: User,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let content = store::content(state.store.db(), &id).await?;
    let tag = HeaderValue::try_from(format!("\"{content}\"")).expect("a content id is hexadecimal");
    let private = HeaderValue::from_static("private, max-age=31536000, immutable");
    let kept = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, private)];
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let jpeg = state.blobs.get(&content).await?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"))];
    Ok((kept, kind, Body::from(jpeg)).into_response())
}

/// What a sample shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLabel {
    /// A class; `unusable` to take it out; `null` to take the label back.
    label: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Labelled {
    /// The sample.
    id: String,
    /// What it shows now.
    label: Option<String>,
    /// What it showed before.
    was: Option<String>,
}

/// Labels a sample. Every change is kept with who made it.
#[utoipa::path(post, path = "/api/v1/samples/{id}/label", tag = "dataset", request_body = NewLabel,
    params(("id" = String, Path, description = "The sample")), responses(
        (status = 200, description = "Labelled", body = Labelled),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such sample", body = Problem),
        (status = 422, description = "There is no such class; the answer names those that exist", body = Problem),
    ))]
pub(crate) async fn label(
    State(state): State<AppState>,
    user: User,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewLabel>,
) -> Result<Json<Labelled>, HttpError> {
    let label = match new.label.as_deref() {
        Some(UNUSABLE) => Some(Label::new(UNUSABLE).expect("a valid name")),
        Some(name) => Some(super::known_label(name, &known_classes(&state).await?)?),
        None => None,
    };
    let was = review::answer::label(&state.store, &id, label.as_ref(), &user.name, now_ms()).await?;
    let label = label.map(String::from);
    state.live.publish(LiveEvent::Labelled { sample: id.clone(), label: label.clone(), by: user.name });
    Ok(Json(Labelled { id, label, was }))
}

/// Every class, with its labelled images.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ClassCounts {
    /// The classes of the model in service in its order, then others by name.
    classes: Vec<ClassCount>,
    /// Samples that wait for a label.
    unlabelled: u64,
}

/// A class, with its labelled images by split.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ClassCount {
    /// The class.
    #[schema(value_type = String)]
    label: Label,
    /// All of them.
    images: u64,
    /// In training.
    train: u64,
    /// In validation.
    validation: u64,
    /// In test.
    test: u64,
}

/// Every class, with how many images are labelled with it.
#[utoipa::path(get, path = "/api/v1/classes", tag = "dataset", responses(
    (status = 200, description = "The classes", body = ClassCounts),
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn classes(State(state): State<AppState>, _user: User) -> Result<Json<ClassCounts>, HttpError> {
    let tally = Tally::read(state.store.db()).await?;
    let count = |label: Label| {
        let counts = tally.of.get(&label).copied().unwrap_or_default();
        ClassCount {
            label,
            images: counts.total(),
            train: counts.of(Split::Train),
            validation: counts.of(Split::Validation),
            test: counts.of(Split::Test),
        }
    };
    let classes = known_classes(&state).await?.into_iter().map(count).collect();
    Ok(Json(ClassCounts { classes, unlabelled: store::unlabelled(state.store.db()).await? }))
}

pub(crate) async fn known_classes(state: &AppState) -> Result<Vec<Label>, HttpError> {
    let seen = Tally::read(state.store.db()).await?.labels();
    let service = state.registry.in_service();
    Ok(super::classes(service.as_deref().map(|model| &model.manifest().labels), &seen))
}

fn bad_form(error: MultipartError) -> HttpError {
    HttpError::new(error.status(), "bad-form", error.body_text())
}

impl From<DatasetError> for HttpError {
    fn from(error: DatasetError) -> Self {
        match error {
            DatasetError::Name(error) => Self::unprocessable("not-a-label", error.to_string()),
            DatasetError::UnknownLabel { ref known, .. } => {
                Self::unprocessable("unknown-label", error.to_string()).with("classes", known.clone())
            }
            DatasetError::NoSample(_) => Self::not_found(error.to_string()),
            DatasetError::Store(error) => error.into(),
            DatasetError::Blob(error) => error.into(),
        }
    }
}
