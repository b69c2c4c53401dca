//! Model versions over HTTP, and the files that bins fetch.

use axum::body::Body;
use axum::extract::{FromRef, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_evaluate::Evaluation;
use pilah_evaluate::gate::Verdict;
use pilah_models::bundle::{BundleError, Manifest, Scaling};
use pilah_models::name::ContentId;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::lineage::{LineageView, Override};
use super::range::{Part, part};
use super::{Registry, RegistryError, store};
use crate::auth::{Access, Admin, BinOrUser, User};
use crate::error::{HttpError, JsonBody};
use crate::store::entity::model;
use crate::store::{Blobs, Store};

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(list, one, activate, delete_version, artifact),
    components(schemas(ModelList, ModelView, ModelDetail, Activation, LineageView, Override))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Blobs: FromRef<S>,
    Registry: FromRef<S>,
{
    Router::new()
        .route("/api/v1/models", get(list))
        .route("/api/v1/models/{version}", get(one).delete(delete_version))
        .route("/api/v1/models/{version}/activate", post(activate))
        .route("/api/v1/artifacts/{sha256}", get(artifact))
}

/// Every model version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// The one in service; `null` before there is one.
    pub(crate) in_service: Option<String>,
    /// What is wrong with it, in words; absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notice: Option<String>,
    /// All, newest first.
    pub(crate) models: Vec<ModelView>,
}

/// A model version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// Its name.
    pub(crate) version: String,
    /// `candidate`, `in_service`, `previous` (it was in service at some time) or `rejected`.
    pub(crate) state: String,
    /// `in_service`; `previous`, which only the last one before it has; `candidate`, if it may go into service.
    pub(crate) tags: Vec<&'static str>,
    /// When it was made or imported, in milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// The training that made it; `null` if it came from elsewhere.
    pub(crate) training: Option<i32>,
    /// SHA-256 of its manifest.
    pub(crate) manifest: String,
    /// SHA-256 of its backbone.
    pub(crate) backbone: String,
    /// SHA-256 of its head.
    pub(crate) head: String,
    /// Share of its test split that it labels right, 0 to 1.
    pub(crate) accuracy: Option<f64>,
    /// Mean F1 over the classes on its test split.
    pub(crate) macro_f1: Option<f64>,
    /// What the gate said.
    pub(crate) gate: Option<Verdict>,
    /// When it was last put into service, in milliseconds since 1970.
    pub(crate) service_ms: Option<i64>,
    /// Who put it into service although the gate refused it, and why.
    #[serde(rename = "override")]
    pub(crate) overridden: Option<Override>,
    /// When it was last evaluated, in milliseconds since 1970.
    pub(crate) evaluated_ms: Option<i64>,
}

/// A model version with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelDetail {
    /// The version.
    #[serde(flatten)]
    pub(crate) model: ModelView,
    /// The figures on its test split.
    pub(crate) evaluation: Option<Evaluation>,
    /// Its manifest: labels, input, thresholds, golden outputs, lineage.
    #[schema(value_type = Object)]
    pub(crate) manifest_content: Manifest,
    /// Where it comes from.
    pub(crate) lineage: LineageView,
}

/// Why a model goes into service.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activation {
    /// Needed for a model that the gate refused, and recorded with who said it.
    #[serde(default)]
    reason: Option<String>,
}

impl ModelView {
    /// A row, where `previous` is the version that was in service before the one that is.
    fn of(row: &model::Model, previous: Option<&str>) -> Self {
        let evaluation = store::evaluation_of(row);
        let report = store::report_of(row);
        Self {
            tags: tags(row, previous),
            service_ms: row.service_ms,
            overridden: Override::of(row),
            evaluated_ms: report.map(|report| report.at_ms),
            version: row.version.clone(),
            state: row.state.clone(),
            created_ms: row.created_ms,
            training: row.training_id,
            manifest: row.manifest_sha256.clone(),
            backbone: row.backbone_sha256.clone(),
            head: row.head_sha256.clone(),
            accuracy: evaluation.as_ref().map(|figures| figures.accuracy),
            macro_f1: evaluation.map(|figures| figures.macro_f1),
            gate: store::verdict_of(row),
        }
    }
}

fn tags(row: &model::Model, previous: Option<&str>) -> Vec<&'static str> {
    let tags = [
        ("in_service", row.state == "in_service"),
        ("previous", previous == Some(row.version.as_str())),
        ("candidate", row.state == "candidate"),
    ];
    tags.into_iter().filter(|(_, has)| *has).map(|(tag, _)| tag).collect()
}

/// Every version as it is shown, newest first.
///
/// # Errors
/// The database failed.
pub(crate) async fn model_list(registry: &Registry) -> Result<ModelList, RegistryError> {
    let db = registry.store.db();
    let previous = store::previous(db).await?;
    let models = store::all(db).await?.iter().map(|row| ModelView::of(row, previous.as_deref())).collect();
    let in_service = registry.in_service().map(|model| model.manifest().version.to_string());
    Ok(ModelList { in_service, notice: registry.notice(), models })
}

/// A version with all that is known of it.
///
/// # Errors
/// [`RegistryError::Unknown`], or the storage failed.
pub(crate) async fn model_detail(registry: &Registry, version: &str) -> Result<ModelDetail, RegistryError> {
    let row = store::find(registry.store.db(), version).await?;
    let bytes = registry.blobs.get(&store::Files::of(&row)?.manifest).await?;
    let manifest_content = Manifest::parse(&bytes).map_err(BundleError::from)?;
    let lineage = registry.lineage(&row, &manifest_content).await?;
    let evaluation = store::evaluation_of(&row);
    let previous = store::previous(registry.store.db()).await?;
    Ok(ModelDetail { model: ModelView::of(&row, previous.as_deref()), evaluation, manifest_content, lineage })
}

/// Every model version, newest first.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", responses(
    (status = 200, description = "The versions", body = ModelList),
))]
pub(crate) async fn list(State(registry): State<Registry>, _user: User) -> Result<Json<ModelList>, HttpError> {
    Ok(Json(model_list(&registry).await?))
}

/// A model version with its figures and its manifest.
#[utoipa::path(get, path = "/api/v1/models/{version}", tag = "models",
    params(("version" = String, Path, description = "The version")), responses(
        (status = 200, description = "The version", body = ModelDetail),
        (status = 404, description = "No such version"),
    ))]
pub(crate) async fn one(
    State(registry): State<Registry>,
    _user: User,
    Path(version): Path<String>,
) -> Result<Json<ModelDetail>, HttpError> {
    Ok(Json(model_detail(&registry, &version).await?))
}

/// Puts a version into service: predictions use it, and the bins are told to fetch it. One that the
/// gate refused needs a reason.
#[utoipa::path(post, path = "/api/v1/models/{version}/activate", tag = "models", request_body = Activation,
    params(("version" = String, Path, description = "The version")), responses(
        (status = 200, description = "It is in service", body = ModelView),
        (status = 404, description = "No such version"),
        (status = 409, description = "The gate refused it, and there is no reason; or a rollout is under way"),
    ))]
pub(crate) async fn activate(
    State(registry): State<Registry>,
    Admin(user): Admin,
    Path(version): Path<String>,
    JsonBody(activation): JsonBody<Activation>,
) -> Result<Json<ModelView>, HttpError> {
    registry.activate(&version, &user.name, activation.reason.as_deref()).await?;
    Ok(Json(model_detail(&registry, &version).await?.model))
}

/// Deletes a version with its files, if nothing refers to it: not the one in service, not the one before it,
/// none that a bin has or is to have, and none that another was trained from.
#[utoipa::path(delete, path = "/api/v1/models/{version}", tag = "models",
    params(("version" = String, Path, description = "The version")), responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such version; the answer names those that exist"),
        (status = 409, description = "Something refers to it; the answer names what, and `referred_by` lists it"),
    ))]
pub(crate) async fn delete_version(
    State(registry): State<Registry>,
    Admin(user): Admin,
    Path(version): Path<String>,
) -> Result<StatusCode, HttpError> {
    registry.delete(&version, &user.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A manifest, backbone or head of a registered model, by its SHA-256. Bins log in with their id and
/// secret. Whoever has a part of it asks for the rest by `Range: bytes=N-`.
#[utoipa::path(get, path = "/api/v1/artifacts/{sha256}", tag = "models",
    params(("sha256" = String, Path, description = "64 hexadecimal digits")), responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 206, description = "What follows of the file from the byte that was asked for",
            content_type = "application/octet-stream"),
        (status = 401, description = "Neither a bin nor a person"),
        (status = 404, description = "No model refers to it"),
        (status = 416, description = "The file has no such byte; `Content-Range` says how many it has"),
    ))]
pub(crate) async fn artifact(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    _asker: BinOrUser,
    Path(sha256): Path<String>,
    asked: HeaderMap,
) -> Result<Response, HttpError> {
    let unknown = || HttpError::not_found("no model of this hub has a file of this SHA-256");
    let id = ContentId::new(sha256).map_err(|_| unknown())?;
    if !store::refers_to(store.db(), &id).await? {
        return Err(unknown());
    }
    let bytes = blobs.get(&id).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable")),
    ];
    let (length, range) = (bytes.len(), asked.get(header::RANGE).and_then(|range| range.to_str().ok()));
    Ok(match part(range, length) {
        Part::Whole => (headers, [(header::ACCEPT_RANGES, "bytes")], Body::from(bytes)).into_response(),
        Part::From(from) => {
            let of = [(header::CONTENT_RANGE, format!("bytes {from}-{}/{length}", length - 1))];
            (StatusCode::PARTIAL_CONTENT, headers, of, Body::from(bytes[from..].to_vec())).into_response()
        }
        Part::Beyond => {
            let of = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            let detail = format!("the file has {length} bytes, and none from there on");
            (of, HttpError::new(StatusCode::RANGE_NOT_SATISFIABLE, "beyond-the-end", detail)).into_response()
        }
    })
}

impl From<RegistryError> for HttpError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Unknown { .. } | RegistryError::NoBackbone(_) => Self::not_found(error.to_string()),
            RegistryError::Scaling { ref tried, .. } => {
                let tried = serde_json::to_value(tried).unwrap_or_default();
                let choices: Vec<&str> = Scaling::NAMED.iter().map(|(name, _)| *name).collect();
                Self::unprocessable("scaling-unknown", error.to_string()).with("choices", choices).with("tried", tried)
            }
            RegistryError::Import(_) | RegistryError::Onnx(_) | RegistryError::Load(_) => {
                Self::unprocessable("bad-model", error.to_string())
            }
            RegistryError::Referred { ref by, .. } => {
                let by = by.clone();
                Self::conflict("in-use", error.to_string()).with("referred_by", by)
            }
            RegistryError::Taken(_) => Self::conflict("version-taken", error.to_string()),
            RegistryError::NoneInService => Self::unavailable("no-model", error.to_string()),
            RegistryError::Refused { .. } => Self::conflict("gate-refused", error.to_string()),
            RegistryError::RollingOut { rollout, .. } => {
                Self::conflict("rollout-open", error.to_string()).with("rollout", rollout)
            }
            RegistryError::Store(error) => error.into(),
            RegistryError::Blob(error) => error.into(),
            error => Self::internal(error),
        }
    }
}
