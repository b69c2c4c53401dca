//! `GET /health`, `GET /api/status`, `GET /`.
//!
//! Open to everybody: monitoring and the login page need them. They tell counts, never contents.

use axum::extract::{FromRequestParts as _, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::AppState;
use crate::address::Caller;
use crate::auth::User;
use crate::broker::{BrokerStatus, Mqtt};
use crate::dashboard;
use crate::door::{DoorStatus, DoorsStatus};
use crate::error::{HttpError, Problem};
use crate::ingest::IngestStatus;
use crate::level::{self, Level};
use crate::store::entity::{bin, event, model, sample};
use crate::store::{CheckError, Trouble};

/// The documentation of these routes.
#[derive(OpenApi)]
#[openapi(
    paths(health, status, home, crate::live::live),
    components(schemas(
        Health,
        Status,
        Level,
        IngestStatus,
        BrokerStatus,
        DoorStatus,
        DoorsStatus,
        Problem,
        crate::live::LiveEvent
    ))
)]
pub(super) struct ApiDoc;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/", get(home)).route("/health", get(health)).route("/api/status", get(status))
}

/// Whether the hub works.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
    /// `pilah-hub`.
    service: &'static str,
    /// Version of the program.
    version: &'static str,
    /// What is wrong with the model in service, in words; absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_notice: Option<String>,
}

/// The hub in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// `ok`.
    status: &'static str,
    /// Version of the program.
    version: &'static str,
    /// Whether bins and items are not real ones.
    demo: bool,
    /// Bins enrolled.
    bins: u64,
    /// Bins connected.
    bins_online: u64,
    /// Items in the database.
    events: u64,
    /// Images in the database.
    samples: u64,
    /// Images that have a label.
    labelled: u64,
    /// The model in service, if there is one.
    model: Option<String>,
    /// What is wrong with it, in words; absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_notice: Option<String>,
    /// Whether what bins load is signed as it should be.
    updates_work: bool,
    /// What is out of order with it, in words, for whoever is logged in.
    updates_faults: Vec<String>,
    /// How far that model has come: by trainings, reviewed samples and accuracy.
    ai_level: Level,
    /// Messages since the hub started.
    ingest: IngestStatus,
    /// What the embedded broker refused; absent with an external one.
    broker: Option<BrokerStatus>,
    /// Connections since the hub started: how many are open, and what was closed or refused.
    doors: DoorsStatus,
}

/// Whether the hub works: it does if it answers, and what it is sent can be stored.
#[utoipa::path(get, path = "/health", tag = "status", responses(
    (status = 200, description = "It works", body = Health),
    (status = 503, description = "The database does not answer, or nothing can be stored; `detail` says why"),
))]
pub(super) async fn health(State(state): State<AppState>) -> Result<Json<Health>, HttpError> {
    state.store.check().await.map_err(|error| match error {
        CheckError::Trouble(trouble) => cannot_store("nothing", trouble),
        CheckError::Silent(_) => {
            HttpError::unavailable("database", "the database does not answer; the log says why").with_cause(error)
        }
    })?;
    state.blobs.check().await.map_err(|trouble| cannot_store("no image", trouble))?;
    let model_notice = state.registry.notice();
    Ok(Json(Health { status: "ok", service: "pilah-hub", version: env!("CARGO_PKG_VERSION"), model_notice }))
}

/// Bins keep what is not acknowledged, so nothing is lost while they have room.
fn cannot_store(what: &str, trouble: Trouble) -> HttpError {
    let detail = format!(
        "{what} can be stored, because {}. The hub then goes on by itself; bins keep what they have",
        trouble.words()
    );
    HttpError::unavailable("cannot-store", detail)
}

/// The hub in numbers.
#[utoipa::path(get, path = "/api/status", tag = "status", responses(
    (status = 200, description = "Counts", body = Status),
))]
pub(super) async fn status(State(state): State<AppState>, mut parts: Parts) -> Result<Json<Status>, HttpError> {
    let db = state.store.db();
    let mut ingest = state.ingest.read();
    let mut updates_faults = state.updates.view().faults;
    let updates_work = updates_faults.is_empty();
    if User::from_request_parts(&mut parts, &state).await.is_err() {
        ingest.last_refusal = None;
        updates_faults.clear();
    }
    let in_service = model::Entity::find().filter(model::Column::State.eq("in_service")).one(db).await?;
    Ok(Json(Status {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        demo: state.config.demo,
        bins: bin::Entity::find().filter(bin::Column::RetiredMs.is_null()).count(db).await?,
        bins_online: bin::Entity::find().filter(bin::Column::Online.eq(true)).count(db).await?,
        events: event::Entity::find().count(db).await?,
        samples: sample::Entity::find().count(db).await?,
        labelled: sample::Entity::find().filter(sample::Column::Label.is_not_null()).count(db).await?,
        model: in_service.map(|row| row.version),
        model_notice: state.registry.notice(),
        updates_work,
        updates_faults,
        ai_level: level::level(&level::evidence(db).await?),
        ingest,
        broker: matches!(state.config.mqtt, Mqtt::Embedded { .. }).then(|| state.refusals.read()),
        doors: state.doors.read(),
    }))
}

/// The page, or, to a client that asks for JSON and not for HTML, the same as `/health`.
#[utoipa::path(get, path = "/", tag = "status", responses(
    (status = 200, description = "The page, or JSON", content((String = "text/html"), (Health = "application/json"))),
))]
pub(super) async fn home(state: State<AppState>, caller: Caller, headers: HeaderMap) -> Response {
    if wants_json(&headers) { health(state).await.into_response() } else { dashboard::index(&headers, caller.base()) }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}
