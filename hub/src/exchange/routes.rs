//! Versions and backbones in and out over HTTP: export, import, the backbones that wait.

use axum::extract::{DefaultBodyLimit, FromRef, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use pilah_models::bundle::Scaling;
use pilah_models::name::ContentId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::import::{self, Imported, Renamed, Understood};
use crate::audit;
use crate::auth::{Access, Admin, User};
use crate::body;
use crate::error::{HttpError, QueryArgs};
use crate::registry::backbones::BackboneView;
use crate::registry::scaling::{Because, Doubt, Tried};
use crate::registry::{Parts, Registry};
use crate::store::Store;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(export, import, backbones, delete_backbone),
    components(schemas(Imported, Understood, Because, Tried, Doubt, Renamed, BackboneView, BackboneList))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Registry: FromRef<S>,
    Parts: FromRef<S>,
{
    Router::new()
        .route("/api/v1/models/{version}/export", get(export))
        .route("/api/v1/models/import", post(import).layer(DefaultBodyLimit::max(import::LARGEST)))
        .route("/api/v1/backbones", get(backbones))
        .route("/api/v1/backbones/{sha256}", delete(delete_backbone))
}

/// A version as a zip archive: `model.onnx` (backbone and head in one, `image` to `probabilities`),
/// `labels.txt`, a model card, and the manifest.
#[utoipa::path(get, path = "/api/v1/models/{version}/export", tag = "models",
    params(("version" = String, Path, description = "The version")), responses(
        (status = 200, description = "The archive", content_type = "application/zip"),
        (status = 404, description = "No such version; the answer names those that exist"),
    ))]
pub(crate) async fn export(
    State(store): State<Store>,
    State(registry): State<Registry>,
    user: User,
    Path(version): Path<String>,
) -> Result<Response, HttpError> {
    let version = registry.known(&version).await?;
    let archive = registry.archive(&version).await?;
    audit::note(store.db(), &user.name, "model.exported", &serde_json::json!({ "version": version })).await?;
    // A version's name has no character that would need quoting.
    let name = HeaderValue::try_from(format!("attachment; filename=\"{version}.zip\"")).map_err(HttpError::internal)?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/zip")), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, archive).into_response())
}

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Width and height of the images that the network takes, in pixels, if its file does not say.
    input_side: Option<u32>,
    /// How the network takes its pixels, if its file does not say: `-1..1`, `0..1`, `0..255`, `imagenet`, or
    /// MEAN/DEVIATION of values up to 255, one number each or one per channel, such as `127.5/127.5`. Without it and
    /// without a word of the file, it is tried out on labelled images; if they cannot tell either, the answer asks for it.
    scaling: Option<String>,
}

/// Imports a file: an ONNX network from images to embeddings is a backbone, which the next training takes; a
/// zip archive of an ONNX classifier and `labels.txt` becomes a version, which is judged by the gate and not
/// put into service. The file is in a form, or the whole body. The answer says what was understood of its input:
/// its size, how pixels are scaled and what says so.
#[utoipa::path(post, path = "/api/v1/models/import", tag = "models", params(ImportQuery),
    request_body(content_type = "multipart/form-data", description = "A file in any field; or the file itself as the body"),
    responses(
        (status = 201, description = "What it was", body = Imported),
        (status = 400, description = "No file"),
        (status = 413, description = "It is too large"),
        (status = 422, description = "It cannot be used; the answer says why and how to mend it. `scaling-unknown`: say \
            `scaling`, whose `choices` the answer lists"),
    ))]
pub(crate) async fn import(
    State(parts): State<Parts>,
    Admin(user): Admin,
    QueryArgs(query): QueryArgs<ImportQuery>,
    request: Request,
) -> Result<(StatusCode, Json<Imported>), HttpError> {
    let scaling = query.scaling.as_deref().filter(|text| !text.is_empty()).map(str::parse::<Scaling>).transpose();
    let scaling = scaling.map_err(|error| HttpError::unprocessable("bad-scaling", error.to_string()))?;
    let options = import::Options { side: query.input_side, scaling };
    let no_file = || HttpError::bad_request("no-file", "send a file: as the body, or in a form");
    let sent = body::file(request, import::LARGEST).await?.ok_or_else(no_file)?;
    let (name, bytes) = (sent.name.unwrap_or_else(|| "upload".to_owned()), sent.bytes);
    // In a task of its own: who hangs up leaves nothing half imported.
    let importing = tokio::spawn(async move { import::import(&parts, bytes, &name, &options, &user.name).await });
    let imported = importing.await.map_err(HttpError::internal)??;
    Ok((StatusCode::CREATED, Json(imported)))
}

/// Imported backbones.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackboneList {
    /// The backbones, newest first.
    backbones: Vec<BackboneView>,
}

/// The backbones that were imported.
#[utoipa::path(get, path = "/api/v1/backbones", tag = "models", responses(
    (status = 200, description = "The backbones", body = BackboneList),
))]
pub(crate) async fn backbones(State(registry): State<Registry>, _user: User) -> Result<Json<BackboneList>, HttpError> {
    Ok(Json(BackboneList { backbones: registry.backbones().await? }))
}

/// Forgets an imported backbone that no version was made with.
#[utoipa::path(delete, path = "/api/v1/backbones/{sha256}", tag = "models",
    params(("sha256" = String, Path, description = "64 hexadecimal digits")), responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such backbone"),
        (status = 409, description = "Versions were made with it; the answer names them"),
    ))]
pub(crate) async fn delete_backbone(
    State(registry): State<Registry>,
    Admin(user): Admin,
    Path(sha256): Path<String>,
) -> Result<StatusCode, HttpError> {
    let id = ContentId::new(sha256).map_err(|error| HttpError::not_found(error.to_string()))?;
    registry.delete_backbone(&id, &user.name).await?;
    Ok(StatusCode::NO_CONTENT)
}
