//! Zips of images.

use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt as _, BufWriter};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Reviewer, User};
use crate::dataset::Classes;
use crate::dataset::import::{ImportStatus, Imports, Options};
use crate::error::{HttpError, QueryArgs};

/// No zip is larger, in bytes.
pub(crate) const LARGEST_ZIP: u64 = 8_000_000_000;

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SendQuery {
    /// What the zip is called: runs of numbered photos are told apart by it. `upload` if left out.
    name: Option<String>,
    /// `true`: a folder whose name is no class yet makes one. Else its files are skipped.
    new_classes: Option<bool>,
    /// `true`: folders whose names become one class, such as `Glass` and `glass`, are one. Else nothing is imported.
    merge_folders: Option<bool>,
}

/// An import that runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Accepted {
    /// Its id: ask `/api/v1/imports/{id}` how far it is.
    id: String,
}

/// Imports a zip of class folders, such as `glass/1.jpg` or `train/glass/1.jpg`. The body is the zip itself. A folder
/// `Food Organics` is the class `food_organics`; the report says so. An import of nothing has failed.
#[utoipa::path(post, path = "/api/v1/imports", tag = "dataset", params(SendQuery),
    request_body(content_type = "application/zip", content = Vec<u8>, description = "At most 8 GB"),
    responses(
        (status = 202, description = "It is received and being imported", body = Accepted),
        (status = 400, description = "The connection broke"),
        (status = 413, description = "It is too large"),
        (status = 507, description = "The hub's disk is full"),
    ))]
pub(crate) async fn send(
    State(imports): State<Imports>,
    State(classes): State<Classes>,
    Reviewer(user): Reviewer,
    QueryArgs(query): QueryArgs<SendQuery>,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), HttpError> {
    let file = imports.file().map_err(no_file)?;
    receive(body, &file).await?;
    let known = classes.known().await?;
    let classes = (!query.new_classes.unwrap_or(false)).then_some(known);
    let name: String =
        query.name.as_deref().unwrap_or("upload").chars().filter(|c| !c.is_control()).take(200).collect();
    let merge_folders = query.merge_folders.unwrap_or(false);
    let options = Options { by: user.name, classes, merge_folders, ..Options::default() };
    let id = imports.start(file, &name, options).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { id })))
}

/// Writes the body into the file, as far as it may be.
async fn receive(body: Body, file: &NamedTempFile) -> Result<(), HttpError> {
    let mut to = BufWriter::with_capacity(1 << 20, tokio::fs::File::from_std(file.reopen().map_err(no_file)?));
    let (mut chunks, mut size) = (body.into_data_stream(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            HttpError::bad_request("cut-off", "the connection broke before the zip was whole: send it again")
                .with_cause(error)
        })?;
        size += chunk.len() as u64;
        if size > LARGEST_ZIP {
            return Err(HttpError::too_large(format!("a zip has at most {LARGEST_ZIP} bytes: send several")));
        }
        to.write_all(&chunk).await.map_err(no_file)?;
    }
    to.flush().await.map_err(no_file)
}

fn no_file(error: io::Error) -> HttpError {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        let detail = "the hub's disk is full: nothing of the zip was kept; make room and send it again";
        return HttpError::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", detail).with_cause(error);
    }
    HttpError::internal(error)
}

/// How far an import is, or what became of each file.
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "dataset",
    params(("id" = String, Path, description = "The import")), responses(
        (status = 200, description = "How far it is", body = ImportStatus),
        (status = 404, description = "No such import"),
    ))]
pub(crate) async fn status(
    State(imports): State<Imports>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<ImportStatus>, HttpError> {
    let status = imports.status(&id).await?;
    status.map(Json).ok_or_else(|| HttpError::not_found("there is no import of this id"))
}
