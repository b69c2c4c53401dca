//! What the hub runs with: for whoever looks after it, without secrets.
//!
//! Each setting says what changes it, so that the page that shows it needs no list of its own. Flags are
//! those of `pilah-hub serve`; they hold from the next start on.

/// How large the data folder is, and how much room there is.
mod disk;

/// `GET /api/v1/limits`.
mod limits;

/// `GET /api/v1/settings`.
pub(crate) mod routes;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub(crate) use disk::Disk;

use crate::auth::session;
use crate::broker::Mqtt;
use crate::config::{Config, MapTiles};
use disk::Room;

/// A setting.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Setting {
    /// What it belongs to.
    group: Group,
    /// Its name, which stays, such as `keep_unlabelled_days`.
    name: &'static str,
    /// Its value; `null` if it is off, or not known.
    #[schema(value_type = Option<Object>)]
    value: Value,
    /// In what the value is measured; `null` if it is no quantity.
    unit: Option<Unit>,
    /// What changes it, such as `--keep-unlabelled-days DAYS`; `null` if nothing does.
    how: Option<&'static str>,
}

/// What a setting belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Group {
    /// The hub and its page.
    Server,
    /// What is kept, and where.
    Storage,
    /// The MQTT broker.
    Broker,
    /// Reviewing.
    Review,
    /// Trainings.
    Training,
    /// What a model must be to go into service.
    Gate,
}

/// In what a value is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Bytes.
    Bytes,
    /// Days of 24 hours.
    Days,
    /// Minutes.
    Minutes,
    /// Milliseconds.
    Milliseconds,
    /// Millions of bytes.
    Megabytes,
    /// A share of a whole, 0 to 1.
    Share,
}

/// What the settings are read from. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    /// What the hub was started with.
    pub(crate) config: Arc<Config>,
    /// The size of the data folder.
    pub(crate) disk: Arc<Disk>,
    /// Where the embedded broker listens, if there is one.
    pub(crate) mqtt_addr: Option<SocketAddr>,
}

/// The file with the gate's rules.
const GATE: &str = "gate.toml in the data folder";

/// Every setting, by group.
fn settings(config: &Config, mqtt: &str, room: Option<Room>) -> Vec<Setting> {
    use Group::{Broker, Gate, Review, Server, Storage, Training};
    let set = |group, name, value, unit, how| Setting { group, name, value, unit, how };
    let (kind, address) = match &config.mqtt {
        Mqtt::Embedded { .. } => ("embedded", "--mqtt ADDRESS"),
        Mqtt::External { .. } => ("external", "--mqtt-url URL"),
    };
    let gate = &config.gate;
    let (days, minutes) = (session::LIFETIME.as_secs() / 86_400, config.review.lease.as_secs() / 60);
    let contamination = shown(config.accepted_contamination);
    vec![
        set(Server, "session_days", json!(days), Some(Unit::Days), None),
        set(Server, "map_tiles", json!(config.map_tiles.as_ref().map(MapTiles::url)), None, Some("--map-tiles URL")),
        set(Server, "public_updates", json!(config.updates.public), None, Some("--public-updates")),
        set(Server, "own_update_keys", json!(config.updates.keys.is_none()), None, Some("--keys DIR")),
        set(Storage, "database", json!("SQLite"), None, None),
        set(Storage, "data_bytes", json!(room.map(|room| room.used)), Some(Unit::Bytes), Some("--data DIR")),
        set(Storage, "free_bytes", json!(room.and_then(|room| room.free)), Some(Unit::Bytes), Some("--data DIR")),
        set(
            Storage,
            "keep_unlabelled_days",
            json!(config.keep_unlabelled_days),
            Some(Unit::Days),
            Some("--keep-unlabelled-days DAYS"),
        ),
        set(
            Storage,
            "keep_audit_days",
            json!(config.keep_audit_days),
            Some(Unit::Days),
            Some("--keep-audit-days DAYS"),
        ),
        set(Broker, "broker", json!(kind), None, Some("--mqtt-url URL")),
        set(Broker, "broker_address", json!(mqtt), None, Some(address)),
        set(
            Review,
            "review_random_share",
            json!(config.review.random_share),
            Some(Unit::Share),
            Some("--review-random-share SHARE"),
        ),
        set(Review, "review_lease_minutes", json!(minutes), Some(Unit::Minutes), Some("--review-lease MINUTES")),
        set(Training, "trains_here", json!(config.trains), None, Some("--no-training")),
        set(
            Training,
            "accepted_contamination",
            json!(contamination),
            Some(Unit::Share),
            Some("--accepted-contamination SHARE"),
        ),
        set(Gate, "significance", json!(gate.significance), Some(Unit::Share), Some(GATE)),
        set(Gate, "margin", json!(gate.margin), Some(Unit::Share), Some(GATE)),
        set(Gate, "require_better", json!(gate.require_better), None, Some(GATE)),
        set(Gate, "calibration_error", json!(gate.calibration_error), Some(Unit::Share), Some(GATE)),
        set(Gate, "latency_ms", json!(gate.latency_ms), Some(Unit::Milliseconds), Some(GATE)),
        set(Gate, "megabytes", json!(gate.megabytes), Some(Unit::Megabytes), Some(GATE)),
    ]
}

/// A number of single precision as people wrote it: 0.02, not 0.019999999552965164.
fn shown(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

#[cfg(test)]
mod tests;
