//! How a bin is shown, and what the bins saw.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::live::ItemSeen;

/// A bin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BinView {
    /// Its id.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
    /// The group that people put it into.
    pub(super) group: Option<String>,
    /// Where it stands.
    pub(super) place: Option<Place>,
    /// The time zone of where it stands, by its IANA name: as people say, or else as the bin does.
    pub(super) time_zone: Option<String>,
    /// Models that it took back by itself and does not install again, the last first.
    pub(super) taken_back: Vec<ModelTakenBack>,
    /// What it goes by when it decides what to install: `signatures`, `signatures_without_time`, `waiting_for_time`, or
    /// `hub`, as it has no root of trust. Absent: it has not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trust: Option<String>,
    /// What is out of order with that, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trust_fault: Option<String>,
    /// Bytes that came to it for its last update, metadata included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) update_bytes: Option<u64>,
    /// When it was enrolled, in milliseconds since 1970.
    pub(super) created_ms: i64,
    /// When it last said anything.
    pub(super) last_seen_ms: Option<i64>,
    /// Whether it is connected.
    pub(super) online: bool,
    /// The version of its program.
    pub(super) software: Option<String>,
    /// The model in force.
    pub(super) model: Option<String>,
    /// The model that the hub wants there.
    pub(super) desired_model: Option<String>,
    /// What it is doing about an update, in words.
    pub(super) update: Option<String>,
    /// Its camera, in words.
    pub(super) camera: Option<String>,
    /// Items and images that came under a number which another had, and were stored under one of their own: its
    /// card was brought back, or copied.
    pub(super) conflicts: i64,
    /// When the last of them came, in milliseconds since 1970.
    pub(super) conflict_ms: Option<i64>,
    /// How often one of two programs under its id took over from the other.
    pub(super) takeovers: i64,
    /// When that was the last time, in milliseconds since 1970.
    pub(super) takeover_ms: Option<i64>,
    /// The last item.
    pub(super) last_item: Option<ItemSeen>,
    /// The last `Telemetry` message.
    #[schema(value_type = Option<Object>)]
    pub(super) telemetry: Option<serde_json::Value>,
}

/// A model that a bin took back by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelTakenBack {
    /// Its name.
    pub(super) version: String,
    /// SHA-256 of its manifest.
    pub(super) manifest: String,
    /// Why, in the bin's words.
    pub(super) reason: String,
}

/// Where a bin stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// Degrees north of the equator, −90 to 90 (WGS 84).
    #[schema(minimum = -90, maximum = 90)]
    pub(super) latitude: f64,
    /// Degrees east of Greenwich, −180 to 180.
    #[schema(minimum = -180, maximum = 180)]
    pub(super) longitude: f64,
    /// In words, for who has to go there: at most 200 characters.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub(super) address: Option<String>,
}

/// What the bins saw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldReport {
    /// From when on, in milliseconds since 1970.
    pub(super) since_ms: i64,
    /// Items by class, as the bins took them.
    pub(super) classes: Vec<ClassCount>,
    /// How often each model was right, where the truth is known, in the order of their first item.
    pub(super) models: Vec<FieldAccuracy>,
    /// The same over time, in up to 60 slices.
    pub(super) points: Vec<FieldPoint>,
    /// Who knows the truth: `virtual` (the camera drew the item), `replay` (the photo was labelled).
    pub(super) truth_sources: Vec<String>,
}

/// Items of a class.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemsOfClass)]
pub(crate) struct ClassCount {
    /// The class.
    pub(super) label: String,
    /// How many the bins were sure of.
    pub(super) sure: i64,
    /// How many they guessed, and put to the rest.
    pub(super) unsure: i64,
}

/// How often a model was right in the field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldAccuracy {
    /// The model.
    pub(super) model: String,
    /// When its first item came, in milliseconds since 1970.
    pub(super) from_ms: i64,
    /// Items whose truth is known.
    pub(super) items: i64,
    /// Of these, those whose likeliest class is the truth, sure or not.
    pub(super) right: i64,
    /// Of these, those that the bin was sure of.
    pub(super) sure: i64,
    /// Of those that it was sure of, those that it was right on.
    pub(super) sure_right: i64,
}

/// A slice of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldPoint {
    /// Its middle, in milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The model.
    pub(super) model: String,
    /// Items whose truth is known.
    pub(super) items: i64,
    /// Of these, those that it was right on.
    pub(super) right: i64,
}
