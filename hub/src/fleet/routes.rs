//! `GET /api/v1/bins` and what belongs to it.

use axum::extract::{FromRef, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_models::name::BinId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::change::{self, BinChange, LONGEST_NAME};
use super::command::{self, CommandDone, CommandName, NewCommand};
use super::one::{self, BinDetail};
use super::view::{BinView, ClassCount, FieldAccuracy, FieldPoint, FieldReport, ModelTakenBack, Place};
use super::{EnrolError, enrol, renew_secret, store};
use crate::auth::{Access, Admin, Evictions, User};
use crate::error::{Chain, HttpError, JsonBody, QueryArgs};
use crate::ingest::Publisher;
use crate::live::{ItemSeen, Live};
use crate::rollout::Rollout;
use crate::store::{Store, now_ms};
use crate::updates::Updates;

/// The most items in one answer.
const MOST_ITEMS: u64 = 500;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(bins, add_bin, one::one, one::change, one::retire, new_secret, command::command, events, field),
    components(schemas(
        BinView,
        BinDetail,
        BinChange,
        Place,
        ModelTakenBack,
        NewBin,
        Enrolled,
        NewCommand,
        CommandName,
        CommandDone,
        ItemSeen,
        FieldReport,
        FieldAccuracy,
        FieldPoint,
        ClassCount
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Evictions: FromRef<S>,
    Store: FromRef<S>,
    Live: FromRef<S>,
    Publisher: FromRef<S>,
    Rollout: FromRef<S>,
    Updates: FromRef<S>,
{
    Router::new()
        .route("/api/v1/bins", get(bins).post(add_bin))
        .route("/api/v1/bins/{id}", get(one::one).patch(one::change).delete(one::retire))
        .route("/api/v1/bins/{id}/secret", post(new_secret))
        .route("/api/v1/bins/{id}/commands", post(command::command))
        .route("/api/v1/events", get(events))
        .route("/api/v1/field", get(field))
}

/// A bin to enrol.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBin {
    /// Its id: 1 to 64 of a-z, 0-9, '_' and '-'.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    id: BinId,
    /// What people call it, at most 80 characters; its id if empty.
    #[serde(default)]
    #[schema(max_length = 80)]
    name: String,
}

/// A bin that was enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolled {
    /// Its id, which is also its MQTT user name.
    id: String,
    /// Its secret: shown this once.
    secret: String,
    /// The MQTT client id that it must use.
    client_id: String,
    /// What it is to trust, for a file that its configuration names as `root` of `[updates]`; `null` if there is none,
    /// and the hub says why.
    root_of_trust: Option<String>,
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemsQuery {
    /// How many, 1 to 500.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 500)]
    limit: u64,
    /// Only those before this row number.
    before: Option<i64>,
    /// Only those of this bin.
    #[param(value_type = Option<String>)]
    bin: Option<BinId>,
}

/// Which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldQuery {
    /// How many hours back, 1 to 720.
    #[serde(default = "default_hours")]
    #[param(minimum = 1, maximum = 720)]
    hours: u32,
    /// Only what this bin saw.
    #[param(value_type = Option<String>)]
    bin: Option<BinId>,
}

fn default_limit() -> u64 {
    50
}

fn default_hours() -> u32 {
    24
}

impl From<EnrolError> for HttpError {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Exists(_) | EnrolError::Retired(_) | EnrolError::Subscriber(_) | EnrolError::Reserved(_) => {
                Self::conflict("bin-exists", error.to_string())
            }
            EnrolError::Unknown(_) => Self::not_found(error.to_string()),
            EnrolError::Database(error) => Self::internal(error),
        }
    }
}

/// Every bin.
#[utoipa::path(get, path = "/api/v1/bins", tag = "bins", responses(
    (status = 200, description = "By id", body = Vec<BinView>),
))]
pub(crate) async fn bins(State(store): State<Store>, _user: User) -> Result<Json<Vec<BinView>>, HttpError> {
    Ok(Json(store::bins(&store).await?))
}

/// Enrols a bin.
#[utoipa::path(post, path = "/api/v1/bins", tag = "bins", request_body = NewBin, responses(
    (status = 201, description = "Enrolled; the secret is shown this once", body = Enrolled),
    (status = 409, description = "There is or was one of this id"),
    (status = 422, description = "The id is not valid"),
))]
pub(crate) async fn add_bin(
    State(store): State<Store>,
    State(rollout): State<Rollout>,
    State(updates): State<Updates>,
    Admin(user): Admin,
    JsonBody(new): JsonBody<NewBin>,
) -> Result<(StatusCode, Json<Enrolled>), HttpError> {
    let name = match new.name.as_str() {
        "" => String::new(),
        name => change::text("name", name, LONGEST_NAME)?,
    };
    let secret = enrol(&store, &new.id, &name, &user.name).await?;
    rollout.nudge();
    tracing::info!(bin = %new.id, by = user.name, "bin enrolled");
    Ok((StatusCode::CREATED, Json(enrolled(&new.id, secret.reveal(), &updates).await)))
}

/// Gives a bin a new secret, and ends the connection that was made by the old one.
#[utoipa::path(post, path = "/api/v1/bins/{id}/secret", tag = "bins", params(("id" = String, Path)), responses(
    (status = 200, description = "The secret, shown this once; the old one is worth nothing now", body = Enrolled),
    (status = 404, description = "No such bin"),
))]
pub(crate) async fn new_secret(
    State(store): State<Store>,
    State(evictions): State<Evictions>,
    State(updates): State<Updates>,
    Admin(user): Admin,
    Path(id): Path<String>,
) -> Result<Json<Enrolled>, HttpError> {
    let id = BinId::new(id).map_err(|error| HttpError::not_found(error.to_string()))?;
    let secret = renew_secret(&store, &id, &user.name).await?;
    evictions.nudge();
    tracing::info!(bin = %id, by = user.name, "bin secret renewed");
    Ok(Json(enrolled(&id, secret.reveal(), &updates).await))
}

async fn enrolled(id: &BinId, secret: &str, updates: &Updates) -> Enrolled {
    let root_of_trust = updates.root_of_trust().await;
    if let Err(error) = &root_of_trust {
        tracing::error!(bin = %id, error = %Chain(error), "a bin was enrolled without a root of trust");
    }
    let client_id = format!("pilah-{id}");
    Enrolled { id: id.to_string(), secret: secret.to_owned(), client_id, root_of_trust: root_of_trust.ok() }
}

/// The newest items, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "bins", params(ItemsQuery), responses(
    (status = 200, description = "Items", body = Vec<ItemSeen>),
))]
pub(crate) async fn events(
    State(store): State<Store>,
    _user: User,
    QueryArgs(query): QueryArgs<ItemsQuery>,
) -> Result<Json<Vec<ItemSeen>>, HttpError> {
    let limit = query.limit.clamp(1, MOST_ITEMS);
    Ok(Json(store::items(&store, query.bin.as_ref(), query.before, limit).await?))
}

/// What the bins saw, by class, and how often each model was right where the truth is known.
#[utoipa::path(get, path = "/api/v1/field", tag = "bins", params(FieldQuery), responses(
    (status = 200, description = "The last hours", body = FieldReport),
))]
pub(crate) async fn field(
    State(store): State<Store>,
    _user: User,
    QueryArgs(query): QueryArgs<FieldQuery>,
) -> Result<Json<FieldReport>, HttpError> {
    let hours = i64::from(query.hours.clamp(1, 720));
    Ok(Json(store::field(&store, now_ms() - hours * 3_600_000, query.bin.as_ref()).await?))
}
