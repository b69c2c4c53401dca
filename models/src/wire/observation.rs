//! What a bin says of an item, and the images it sends.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Header;
use crate::name::{Label, ModelVersion};

/// Calibrated probability by label; they sum to 1.
pub type Probabilities = BTreeMap<Label, f32>;

/// One item in the bin. On `events`, QoS 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Sender, number and time.
    #[serde(flatten)]
    pub header: Header,
    /// What the bin took it for.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The highest of `probabilities`, 0 to 1.
    pub confidence: f32,
    /// Mean over the frames of the vote.
    pub probabilities: Probabilities,
    /// The model that said so.
    pub model: ModelVersion,
    /// From the moment the item lay still to the decision, in milliseconds.
    pub latency_ms: f32,
    /// How many frames voted.
    pub frames: u8,
    /// What it truly was, if the camera knows: only those that are not real ones do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Truth>,
}

/// What a bin decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Sure enough: the flap of this label opened.
    Label {
        /// The class.
        label: Label,
    },
    /// Below the threshold of the likeliest class: the flap of the rest opened.
    Unsure {
        /// The likeliest class all the same.
        guess: Label,
    },
}

impl Outcome {
    /// The likeliest class, sure or not.
    #[must_use]
    pub fn guess(&self) -> &Label {
        match self {
            Self::Label { label } => label,
            Self::Unsure { guess } => guess,
        }
    }
}

/// The true class of an item, which only a camera that is not a real one can know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Truth {
    /// The class.
    pub label: Label,
    /// How it is known.
    pub source: TruthSource,
}

/// Who knows the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TruthSource {
    /// The virtual camera drew the item.
    Virtual,
    /// The replayed photo lay in a folder of that name.
    Replay,
}

/// An image of an item with what is known of it. On `samples`, QoS 1, as CBOR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// What is known of it.
    pub meta: SampleMeta,
    /// The crop as JPEG, at most [`super::LARGEST_JPEG`] bytes.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "String", extend("format" = "binary", "contentMediaType" = "image/jpeg"))]
    pub jpeg: Vec<u8>,
}

/// What is known of a sample's image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleMeta {
    /// Sender, number and time.
    #[serde(flatten)]
    pub header: Header,
    /// `seq` of the item's event, in the same epoch. It also names the burst: samples of one event
    /// show one item.
    pub event: u64,
    /// Why it was kept.
    pub reason: SampleReason,
    /// What the bin took it for.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// As in the event.
    pub confidence: f32,
    /// As in the event.
    pub probabilities: Probabilities,
    /// The model that said so.
    pub model: ModelVersion,
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// As in the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Truth>,
}

/// Why a bin kept an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleReason {
    /// The bin was not sure.
    Unsure,
    /// The frames of the vote did not agree.
    Disagreement,
    /// Drawn at random, for honest statistics of the field.
    Random,
    /// Someone at the bin said that it was taken for the wrong thing. The item may have another sample.
    Wrong,
    /// The hub asked for a picture. It may show no item; `event` is the sample's own number.
    Requested,
}
