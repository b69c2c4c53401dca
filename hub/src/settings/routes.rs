//! `GET /api/v1/settings`.

use axum::extract::{FromRef, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::limits::{self, Limits};
use super::{Group, Setting, Sources, Unit, settings};
use crate::auth::{Access, User};
use crate::broker::Mqtt;
use crate::config::MapTiles;
use crate::error::HttpError;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(paths(read, limits::read), components(schemas(Settings, Setting, Group, Unit, Limits)))]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Sources: FromRef<S>,
{
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
))]
pub(crate) async fn read(State(sources): State<Sources>, _user: User) -> Result<Json<Settings>, HttpError> {
    let room = match sources.disk.room().await {
        Ok(room) => Some(room),
        Err(error) => {
            tracing::warn!(%error, "the data folder cannot be measured");
            None
        }
    };
    let mqtt = match (&sources.config.mqtt, sources.mqtt_addr) {
        (Mqtt::External { url, .. }, _) => url.clone(),
        (Mqtt::Embedded { addr, .. }, bound) => format!("mqtt://{}", bound.unwrap_or(*addr)),
    };
    Ok(Json(Settings {
        version: env!("CARGO_PKG_VERSION"),
        demo: sources.config.demo,
        map_tiles: sources.config.map_tiles.as_ref().map(|tiles: &MapTiles| tiles.url().to_owned()),
        settings: settings(&sources.config, &mqtt, room),
    }))
}
