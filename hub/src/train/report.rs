//! What a training came to.

use pilah_evaluate::gate::Verdict;
use pilah_evaluate::{Evaluation, McNemar};
use pilah_models::name::{ContentId, Label, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// From which probability each class counts as sure, and what that rests on.
    #[serde(default)]
    pub thresholds: Vec<ThresholdFigures>,
    /// The frozen version of the dataset that it was trained on.
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
    /// The epoch of the checkpoint from which it went on; `null` if it ran undisturbed.
    #[serde(default)]
    pub resumed_from: Option<u32>,
}

/// The threshold of a class, by conformal risk control on the validation split: of the items that the
/// model takes for the class, on average at most the accepted share are sure and wrong. Classes with few
/// validation images share a threshold; it holds for them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThresholdFigures {
    /// The class.
    #[schema(value_type = String)]
    pub label: Label,
    /// From which probability an answer is sure; `null`: the class is closed, no answer is.
    pub threshold: Option<f32>,
    /// Validation images that the model takes for this class.
    pub answers: u64,
    /// How many of these are sure.
    pub sure: u64,
    /// How many of those that are sure are wrong.
    pub wrong: u64,
    /// How many answers a threshold must rest on.
    pub needed: Option<u64>,
    /// How many answers it rests on: more than the class's own if it shares the threshold with others.
    #[serde(default)]
    pub rests_on: u64,
}

impl ThresholdFigures {
    /// What a person should know of it, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { answers, sure, wrong, rests_on, .. } = self;
        match (self.threshold, self.needed) {
            (Some(threshold), _) if rests_on > answers => format!(
                "sure from {threshold:.2}, as other classes with few images: {sure} of {answers} validation images, \
                 {wrong} of them wrong"
            ),
            (Some(threshold), _) => {
                format!("sure from {threshold:.2}: {sure} of {answers} validation images, {wrong} of them wrong")
            }
            (None, Some(needed)) if *rests_on < needed => format!(
                "closed: there are {rests_on} validation images, {needed} are needed; its items count as unsure"
            ),
            (None, _) => format!(
                "closed: too many of the {rests_on} validation images that count for it are surely wrong; its items \
                 count as unsure"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_class_says_what_it_lacks() {
        let figures = |threshold, answers, rests_on| ThresholdFigures {
            label: Label::new("glass").expect("valid"),
            threshold,
            answers,
            sure: 40,
            wrong: 1,
            needed: Some(19),
            rests_on,
        };
        let cases = [
            (figures(Some(0.712), 50, 50), "sure from 0.71: 40 of 50 validation images, 1 of them wrong"),
            (
                figures(Some(0.712), 9, 50),
                "sure from 0.71, as other classes with few images: 40 of 9 validation images",
            ),
            (figures(None, 2, 7), "closed: there are 7 validation images, 19 are needed"),
            (figures(None, 9, 30), "closed: too many of the 30 validation images"),
        ];
        for (figures, expected) in cases {
            assert!(figures.in_words().starts_with(expected), "{}", figures.in_words());
        }
    }
}
