//! `POST /api/upload-training`.

use axum::Json;
use axum::extract::State;
use axum::extract::multipart::{Field, Multipart, MultipartRejection};
use pilah_models::name::{ContentId, Label};
use pilah_models::picture::Limits;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit;
use crate::auth::{Reviewer, User};
use crate::body;
use crate::dataset::decoding::decode_with_room;
use crate::dataset::receive::receive;
use crate::dataset::store::{self, NewSample, Source, Stored, Tally};
use crate::dataset::{Classes, Prepared, delete, group};
use crate::error::{Chain, HttpError};
use crate::live::{Live, LiveEvent};
use crate::store::{Blobs, Store};

/// The most files of one upload: at most 256 MB wait in memory for the label.
const MOST_FILES: usize = 256;

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
    /// Why it was refused, or is used for nothing.
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
        (status = 400, description = "No label or no file"),
        (status = 413, description = "The upload is too large"),
        (status = 422, description = "There is no such class, or no file was accepted; `files` says why"),
    ))]
pub(crate) async fn upload(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    State(live): State<Live>,
    State(classes): State<Classes>,
    Reviewer(user): Reviewer,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Uploaded>, HttpError> {
    let (label, files) = read_form(form?).await?;
    let label = label.ok_or_else(|| HttpError::bad_request("no-label", "the form has no field \"label\""))?;
    if files.is_empty() {
        return Err(HttpError::bad_request("no-file", "the form has no file"));
    }
    let label = crate::dataset::known_label(&label, &classes.known().await?)?;
    let uploaded = store_files(&store, &blobs, &live, &user, &label, files).await?;
    if uploaded.stored + uploaded.duplicates == 0 {
        let files = serde_json::to_value(&uploaded.files).unwrap_or_default();
        let reason = uploaded.files.first().and_then(|file| file.reason.clone()).unwrap_or_default();
        let detail = format!("none of the {} files was accepted; the first: {reason}", uploaded.files.len());
        return Err(HttpError::unprocessable("no-image-accepted", detail).with("files", files));
    }
    let detail = serde_json::json!({ "label": label, "stored": uploaded.stored, "refused": uploaded.refused });
    // What is stored is stored: an answer that denies it would be sent again.
    if let Err(error) = audit::note(store.db(), &user.name, "samples.uploaded", &detail).await {
        tracing::warn!(error = %Chain(&error), user = user.name, "an upload is not noted in the audit log");
    }
    tracing::info!(user = user.name, %label, stored = uploaded.stored, refused = uploaded.refused, "images uploaded");
    Ok(Json(uploaded))
}

/// Reads label and files, in any order. Each file is decoded and re-encoded as it comes.
async fn read_form(mut form: Multipart) -> Result<(Option<String>, Vec<File>), HttpError> {
    let (mut label, mut files) = (None, Vec::new());
    while let Some(field) = form.next_field().await? {
        if let Some(name) = body::name_of(&field) {
            if files.len() == MOST_FILES {
                return Err(HttpError::too_large(format!("an upload has at most {MOST_FILES} files: send several")));
            }
            let image = read_image(field).await?;
            files.push(File { name, image });
        } else if field.name() == Some("label") {
            label = Some(field.text().await?);
        }
    }
    Ok((label, files))
}

async fn read_image(field: Field<'_>) -> Result<Result<Prepared, String>, HttpError> {
    let limits = Limits::default();
    let bytes = match receive(field, &limits).await? {
        Ok(bytes) => bytes,
        Err(too_large) => return Ok(Err(too_large.to_string())),
    };
    let prepare = move |bytes: Vec<u8>| crate::dataset::prepare(&bytes, &limits).map_err(|error| error.to_string());
    Ok(decode_with_room(bytes, prepare).await)
}

async fn store_files(
    store: &Store,
    blobs: &Blobs,
    live: &Live,
    user: &User,
    label: &Label,
    files: Vec<File>,
) -> Result<Uploaded, HttpError> {
    let mut new = Vec::new();
    let stored = try_store(store, blobs, user, label, files, &mut new).await;
    // No image without a row.
    if stored.is_err()
        && let Err(error) = delete::remove_unreferenced(store.db(), blobs, new).await
    {
        tracing::warn!(error = %Chain(&error), "images of a failed upload were not taken away");
    }
    let uploaded = stored?;
    for file in uploaded.files.iter().filter(|file| file.outcome == FileOutcome::Stored) {
        let sample = file.sample.clone().unwrap_or_default();
        live.publish(LiveEvent::Sample { id: sample, bin: None });
    }
    Ok(uploaded)
}

/// Stores all files or none. `new` gets the images that were not there before.
async fn try_store(
    store: &Store,
    blobs: &Blobs,
    user: &User,
    label: &Label,
    files: Vec<File>,
    new: &mut Vec<ContentId>,
) -> Result<Uploaded, HttpError> {
    let mut stored = Vec::with_capacity(files.len());
    for file in files {
        let image = match file.image {
            Ok(image) => {
                let (content, is_new) = blobs.put_new(image.jpeg.clone()).await?;
                new.extend(is_new.then(|| content.clone()));
                Ok((image, content))
            }
            Err(reason) => Err(reason),
        };
        stored.push((file.name, image));
    }
    // Numbers count within a day's uploads: a camera's do not start again so soon.
    let source = format!("upload-{}", jiff::Timestamp::now().strftime("%Y-%m-%d"));
    let mut uploaded = Uploaded { label: label.to_string(), ..Uploaded::default() };
    let tx = store.begin().await?;
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
                    excluded: false,
                };
                Ok(store::insert(&tx, &mut tally, &new).await?)
            }
            Err(reason) => Err(reason),
        };
        uploaded.count(name, outcome);
    }
    tx.commit().await?;
    Ok(uploaded)
}

impl Uploaded {
    fn count(&mut self, name: String, outcome: Result<Stored, String>) {
        let (counter, outcome, sample, reason) = match outcome {
            Ok(Stored::New { sample, .. }) => (&mut self.stored, FileOutcome::Stored, Some(sample), None),
            Ok(Stored::Excluded { sample, reason }) => {
                let reason = format!("kept, but used for nothing: {reason}");
                (&mut self.stored, FileOutcome::Stored, Some(sample), Some(reason))
            }
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
