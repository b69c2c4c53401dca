//! Frozen versions, exports, and what a random split would have promised.

use std::io::{self, Write};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

use crate::audit;
use crate::auth::{Reviewer, User};
use crate::dataset::export::{self, Layout};
use crate::dataset::version::{self, Difference, Version};
use crate::error::{Chain, HttpError, JsonBody, QueryArgs};
use crate::store::{Blobs, Store};

/// Pieces of an export that wait for a slow reader: 64 KB each. When it is full, the export waits.
const WAITING: usize = 8;

/// The longest note of a version, in characters.
const LONGEST_NOTE: usize = 1000;

/// What a version is for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Freezing {
    /// In words, at most 1000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    note: String,
}

/// Freezes the dataset as it is. The same dataset has the same version, whose note stays.
#[utoipa::path(post, path = "/api/v1/dataset/versions", tag = "dataset", request_body = Freezing, responses(
    (status = 200, description = "The version", body = Version),
    (status = 422, description = "The note is too long"),
))]
pub(crate) async fn freeze(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    Reviewer(user): Reviewer,
    JsonBody(freezing): JsonBody<Freezing>,
) -> Result<Json<Version>, HttpError> {
    let characters = freezing.note.chars().count();
    if characters > LONGEST_NOTE {
        let words = format!("the note has {characters} characters: say it in at most {LONGEST_NOTE}");
        return Err(HttpError::unprocessable("long-note", words));
    }
    Ok(Json(version::freeze(&store, &blobs, &user.name, &freezing.note).await?))
}

/// All versions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct VersionList {
    /// Newest first.
    versions: Vec<Version>,
}

/// All frozen versions, newest first.
#[utoipa::path(get, path = "/api/v1/dataset/versions", tag = "dataset", responses(
    (status = 200, description = "The versions", body = VersionList),
))]
pub(crate) async fn list(State(store): State<Store>, _user: User) -> Result<Json<VersionList>, HttpError> {
    Ok(Json(VersionList { versions: version::all(store.db()).await? }))
}

/// A frozen version.
#[utoipa::path(get, path = "/api/v1/dataset/versions/{id}", tag = "dataset",
    params(("id" = String, Path, description = "The version, or the first 8 or more digits of it")), responses(
        (status = 200, description = "The version", body = Version),
        (status = 404, description = "No such version"),
    ))]
pub(crate) async fn one(
    State(store): State<Store>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<Version>, HttpError> {
    Ok(Json(version::find(store.db(), &id).await?))
}

/// What is different between two versions.
#[utoipa::path(get, path = "/api/v1/dataset/versions/{id}/diff/{to}", tag = "dataset",
    params(("id" = String, Path, description = "The older version"), ("to" = String, Path, description = "The newer one")),
    responses(
        (status = 200, description = "The difference", body = Difference),
        (status = 404, description = "No such version"),
    ))]
pub(crate) async fn difference(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    _user: User,
    Path((from, to)): Path<(String, String)>,
) -> Result<Json<Difference>, HttpError> {
    let (from, to) = (version::find(store.db(), &from).await?, version::find(store.db(), &to).await?);
    Ok(Json(version::compare(&blobs, &from.id, &to.id).await?))
}

/// What an export has.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `processed` (by split and label, which is the default), `raw` (by label), `both`, or `index` (no images).
    layout: Option<String>,
}

/// A version as a zip: an image folder, COCO's JSON by split, and a Parquet index.
#[utoipa::path(get, path = "/api/v1/dataset/versions/{id}/export", tag = "dataset",
    params(("id" = String, Path, description = "The version"), ExportQuery), responses(
        (status = 200, description = "The zip", content_type = "application/zip"),
        (status = 400, description = "No such layout"),
        (status = 404, description = "No such version"),
    ))]
pub(crate) async fn export(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    Reviewer(user): Reviewer,
    Path(id): Path<String>,
    QueryArgs(query): QueryArgs<ExportQuery>,
) -> Result<Response, HttpError> {
    let layout: Layout = query
        .layout
        .as_deref()
        .unwrap_or("processed")
        .parse()
        .map_err(|error: String| HttpError::bad_request("bad-layout", error))?;
    let version = version::find(store.db(), &id).await?;
    let name = format!("attachment; filename=\"pilah-{}.zip\"", &version.id.as_str()[..8]);
    let (pieces, body) = mpsc::channel(WAITING);
    let detail = serde_json::json!({ "version": version.id, "layout": query.layout.as_deref().unwrap_or("processed") });
    audit::note(store.db(), &user.name, "dataset.exported", &detail).await?;
    tracing::info!(user = user.name, version = %version.id, ?layout, "dataset exported");
    tokio::task::spawn_blocking(move || {
        let sink = Pieces(pieces.clone());
        if let Err(error) = export::write(&blobs, &version, layout, sink) {
            tracing::warn!(error = %Chain(&error), version = %version.id, "export ended before its end");
            // The reader sees a broken connection rather than a zip that seems to be whole.
            pieces.blocking_send(Err(io::Error::other("the export failed"))).ok();
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("hexadecimal digits")),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(body))).into_response())
}

/// Writes into a stream.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader is gone");
        self.0.blocking_send(Ok(Bytes::copy_from_slice(piece))).map_err(gone)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
