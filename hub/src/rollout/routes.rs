//! `GET /api/v1/rollout`.

use axum::extract::{FromRef, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_models::name::{BinId, ModelVersion};
use pilah_models::wire::DesiredModel;
use pilah_rollout::compare::{Comparison, Finding, Measure, Measured, Verdict};
use pilah_rollout::plan::{FieldRule, Group, Rules, Who};
use pilah_rollout::progress::{Happening, Phase};
use pilah_rollout::standing::{Count, Standing};
use pilah_rollout::window::{Day, Window};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{Rollout, Stage, stage, staged, store};
use crate::auth::{Access, User};
use crate::error::HttpError;
use crate::registry::Registry;
use crate::store::Store;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(
        rollout,
        staged::begin,
        staged::list,
        staged::one,
        staged::pause,
        staged::resume,
        staged::approve,
        staged::cancel,
        staged::retry,
        staged::comparison
    ),
    components(schemas(
        RolloutState,
        BinStage,
        Stage,
        staged::NewRollout,
        staged::RolloutView,
        staged::RolloutDetail,
        staged::GroupView,
        staged::BinInRollout,
        staged::HistoryEntry,
        Group,
        Who,
        Rules,
        FieldRule,
        Window,
        Day,
        Phase,
        Standing,
        Count,
        Happening,
        Comparison,
        Measured,
        Measure,
        Finding,
        Verdict
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Registry: FromRef<S>,
    Rollout: FromRef<S>,
{
    Router::new()
        .route("/api/v1/rollout", get(rollout))
        .route("/api/v1/rollouts", get(staged::list).post(staged::begin))
        .route("/api/v1/rollouts/{id}", get(staged::one))
        .route("/api/v1/rollouts/{id}/comparison", get(staged::comparison))
        .route("/api/v1/rollouts/{id}/pause", post(staged::pause))
        .route("/api/v1/rollouts/{id}/resume", post(staged::resume))
        .route("/api/v1/rollouts/{id}/approve", post(staged::approve))
        .route("/api/v1/rollouts/{id}/cancel", post(staged::cancel))
        .route("/api/v1/rollouts/{id}/retry", post(staged::retry))
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
    /// How far it is with the model that is wanted of it: the one in service, or the one that a rollout brings.
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
    let new = store::open(store.db()).await?.map(|open| DesiredModel {
        version: open.plan.new.version,
        manifest: open.plan.new.manifest,
        target: None,
    });
    let told = |bin: &store::BinRow| {
        let is_new = |new: &&DesiredModel| bin.desired.as_deref() == Some(new.version.as_str());
        new.as_ref().filter(is_new).or(desired.as_ref())
    };
    let of_bin = |bin: store::BinRow| BinStage {
        stage: told(&bin).map_or(Stage::Waiting, |desired| stage(desired, bin.reported.as_ref())),
        model: bin.reported.map(|reported| reported.model),
        bin: bin.id,
    };
    let bins = store::bins(store.db()).await?.into_iter().map(of_bin).collect();
    Ok(Json(RolloutState { desired: desired.map(|desired| desired.version), bins }))
}
