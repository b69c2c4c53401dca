//! `GET /api/v1/rollout`.

use axum::extract::{FromRef, State};
use axum::routing::get;
use axum::{Json, Router};
use pilah_models::name::{BinId, ModelVersion};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{Stage, stage, store};
use crate::auth::{Access, User};
use crate::error::HttpError;
use crate::registry::Registry;
use crate::store::Store;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(paths(rollout), components(schemas(RolloutState, BinStage, Stage)))]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Registry: FromRef<S>,
{
    Router::new().route("/api/v1/rollout", get(rollout))
}

/// Which model is wanted, and how far each bin is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolloutState {
    /// The model in service; `null` before there is one.
    #[schema(value_type = Option<String>)]
    desired: Option<ModelVersion>,
    /// Every bin, by id.
    bins: Vec<BinStage>,
}

/// How far a bin is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BinStage {
    /// The bin.
    #[schema(value_type = String)]
    bin: BinId,
    /// The model that it reported.
    #[schema(value_type = Option<String>)]
    model: Option<ModelVersion>,
    /// How far it is with the model that is wanted.
    #[serde(flatten)]
    stage: Stage,
}

/// Which model is wanted, and how far each bin is.
#[utoipa::path(get, path = "/api/v1/rollout", tag = "models", responses(
    (status = 200, description = "The state of each bin", body = RolloutState),
))]
pub(crate) async fn rollout(
    State(store): State<Store>,
    State(registry): State<Registry>,
    _user: User,
) -> Result<Json<RolloutState>, HttpError> {
    let desired = registry.changes().borrow().clone();
    let of_bin = |bin: store::BinRow| BinStage {
        stage: desired.as_ref().map_or(Stage::Waiting, |desired| stage(desired, bin.reported.as_ref())),
        model: bin.reported.map(|reported| reported.model),
        bin: bin.id,
    };
    let bins = store::bins(store.db()).await?.into_iter().map(of_bin).collect();
    Ok(Json(RolloutState { desired: desired.map(|desired| desired.version), bins }))
}
