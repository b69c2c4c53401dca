//! `GET /api/v1/settings`.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::limits::{self, Limits};
use super::{Group, MapTiles, Setting, Unit, settings};
use crate::auth::User;
use crate::config::Mqtt;
use crate::error::{HttpError, Problem};
use crate::state::AppState;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(paths(read, limits::read), components(schemas(Settings, Setting, Group, Unit, Limits)))]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/settings", get(read)).route("/api/v1/limits", get(limits::read))
}

/// What the hub runs with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Settings {
    /// Version of the program.
    version: &'static str,
    /// Whether bins and items are not real ones.
    demo: bool,
    /// The address of map pictures with `{z}`, `{x}` and `{y}`; `null`: maps are drawn without.
    map_tiles: Option<String>,
    /// Every setting with what changes it, in the order in which they are read best.
    settings: Vec<Setting>,
}

/// What the hub runs with, and what changes it. No secrets.
#[utoipa::path(get, path = "/api/v1/settings", tag = "status", responses(
    (status = 200, description = "The settings", body = Settings),
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn read(State(state): State<AppState>, _user: User) -> Result<Json<Settings>, HttpError> {
    let room = match state.disk.room().await {
        Ok(room) => Some(room),
        Err(error) => {
            tracing::warn!(%error, "the data folder cannot be measured");
            None
        }
    };
    let mqtt = match (&state.config.mqtt, state.mqtt_addr) {
        (Mqtt::External { url, .. }, _) => url.clone(),
        (Mqtt::Embedded { addr, .. }, bound) => format!("mqtt://{}", bound.unwrap_or(*addr)),
    };
    Ok(Json(Settings {
        version: env!("CARGO_PKG_VERSION"),
        demo: state.config.demo,
        map_tiles: state.config.map_tiles.as_ref().map(|tiles: &MapTiles| tiles.url().to_owned()),
        settings: settings(&state.config, &mqtt, room),
    }))
}
