//! What a training came to.

use pilah_models::name::{ContentId, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::evaluate::gate::Verdict;
use crate::evaluate::{Evaluation, McNemar};
use crate::level::Level;

/// What a training came to: stored with it, and printed by `pilah-hub train --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainReport {
    /// The new model.
    #[schema(value_type = String)]
    pub model: ModelVersion,
    /// Whether it is in service now, because the gate let it pass.
    pub in_service: bool,
    /// How far the hub's model has come with it; absent in reports of earlier builds.
    #[serde(default)]
    pub ai_level: Option<Level>,
    /// The figures on the test split.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// What the gate says.
    pub gate: Verdict,
    /// The model that was in service, on the same images.
    pub compared_with: Option<Comparison>,
    /// Images by split.
    pub splits: Splits,
    /// What the embeddings took.
    pub embedding: EmbeddingFigures,
    /// What the fit took.
    pub fitting: FittingFigures,
    /// SHA-256 of the list of images, labels and splits.
    #[schema(value_type = String)]
    pub dataset: ContentId,
    /// The seed of all that was random.
    pub seed: u64,
}

/// The model that was in service, on the new model's test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// Which.
    #[schema(value_type = String)]
    pub model: ModelVersion,
    /// Share of the same test images that it labels right, 0 to 1.
    pub accuracy: f64,
    /// Image by image.
    pub mcnemar: McNemar,
}

/// Images by split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Splits {
    /// In training.
    pub train: u64,
    /// In validation.
    pub validation: u64,
    /// In test.
    pub test: u64,
}

/// What the embeddings took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EmbeddingFigures {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// How many were computed.
    pub computed: u64,
    /// How many had been computed before.
    pub cached: u64,
    /// Images that could not be read and were left out: content id and reason.
    pub failed: Vec<FailedImage>,
}

/// An image that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedImage {
    /// The image.
    #[schema(value_type = String)]
    pub content: ContentId,
    /// Why.
    pub reason: String,
}

/// What the fit took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FittingFigures {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Epochs that were run.
    pub epochs: u32,
    /// The epoch whose weights the model has.
    pub best_epoch: u32,
    /// What the logits were divided by to calibrate them.
    pub temperature: f32,
}
