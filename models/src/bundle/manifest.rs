//! What a bundle is: labels, input, thresholds, golden outputs, lineage.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::name::{ContentId, Label, ModelVersion};

/// The version of the manifest's format.
pub const FORMAT: u32 = 1;

/// The threshold of a class that no answer is sure of, not even one with probability 1.
pub const CLOSED: f32 = 1.0;

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON that is due.
    #[error("manifest.json is malformed")]
    Malformed(#[from] serde_json::Error),
    /// Of another format.
    #[error("manifest.json is of format {0}; this build reads format {FORMAT}")]
    Format(u32),
    /// It contradicts itself.
    #[error("manifest.json: {key}: {problem}")]
    Value {
        /// The key with the wrong value.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// What a bundle is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The name of this model.
    pub version: ModelVersion,
    /// When it was made.
    pub created_at: Timestamp,
    /// The classes in the order of the head's outputs.
    pub labels: Labels,
    /// What the backbone takes.
    pub input: InputSpec,
    /// How many numbers the backbone gives per image.
    pub embedding: usize,
    /// The file of the backbone.
    pub backbone: FileRef,
    /// The file of the head.
    pub head: FileRef,
    /// Per label the probability from which it counts as sure, 0 to 1; [`CLOSED`]: it never does.
    pub thresholds: BTreeMap<Label, f32>,
    /// What the model answers on known inputs.
    pub golden: Golden,
    /// Where it comes from.
    pub lineage: Lineage,
}

/// What a backbone takes: one image, `[1, 3, height, width]`, RGB, each channel (x − mean) / std
/// of values 0 to 255. The whole picture is stretched to it, so that nothing at its edge is lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Subtracted, by channel.
    pub mean: [f32; 3],
    /// Divided by, by channel.
    pub std: [f32; 3],
}

impl InputSpec {
    /// A square input with x/127.5 − 1, as the MobileNets take it.
    #[must_use]
    pub fn square(side: u32) -> Self {
        Self { width: side, height: side, mean: [127.5; 3], std: [127.5; 3] }
    }
}

/// A file by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    /// What it is.
    pub sha256: ContentId,
    /// How large it is.
    pub bytes: u64,
}

impl FileRef {
    /// The reference to these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: ContentId::of(bytes), bytes: bytes.len() as u64 }
    }
}

/// What a model answers on the inputs of `infer::golden`, which every build can draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The largest difference in a probability that counts as equal: processors round differently.
    pub tolerance: f32,
    /// The probabilities for each golden input.
    pub probabilities: Vec<Vec<f32>>,
}

/// Where a model comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The program that made it, with its version.
    pub software: String,
    /// The version that was in service when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ModelVersion>,
    /// What it was trained on: the frozen version of the hub's dataset, or SHA-256 of a list of images, labels
    /// and splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<ContentId>,
    /// The seed of all that was random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How many images it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<u64>,
    /// Share of the test split that it labels right, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f32>,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ManifestError`], which names the key.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Stated {
            format: u32,
        }
        let stated: Stated = serde_json::from_slice(bytes)?;
        if stated.format != FORMAT {
            return Err(ManifestError::Format(stated.format));
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as it is written to disk.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest has string keys only");
        bytes.push(b'\n');
        bytes
    }

    /// The threshold of the label at `index` among the outputs.
    #[must_use]
    pub fn threshold(&self, index: usize) -> f32 {
        self.thresholds[&self.labels.as_slice()[index]]
    }

    /// Whether an answer for the label at `index` among the outputs counts as sure at this probability.
    #[must_use]
    pub fn is_sure(&self, index: usize, confidence: f32) -> bool {
        let threshold = self.threshold(index);
        threshold < CLOSED && confidence >= threshold
    }

    fn check(&self) -> Result<(), ManifestError> {
        let wrong = |key, problem: String| Err(ManifestError::Value { key, problem });
        let InputSpec { width, height, mean, std } = &self.input;
        if !(8..=1024).contains(width) || !(8..=1024).contains(height) {
            return wrong("input", format!("{width}×{height} is outside 8 to 1024 pixels"));
        }
        if mean.iter().chain(std).any(|x| !x.is_finite()) || std.contains(&0.0) {
            return wrong("input", "mean and std must be finite, and std not 0".into());
        }
        if !(1..=65_536).contains(&self.embedding) {
            return wrong("embedding", format!("{} is outside 1 to 65536", self.embedding));
        }
        for label in self.labels.as_slice() {
            match self.thresholds.get(label) {
                Some(t) if (0.0..=1.0).contains(t) => {}
                Some(t) => return wrong("thresholds", format!("{t} of {label} is outside 0 to 1")),
                None => return wrong("thresholds", format!("{label} has none")),
            }
        }
        if self.thresholds.len() != self.labels.len() {
            return wrong("thresholds", "there is one for a label that the model has not".into());
        }
        if self.golden.probabilities.is_empty() {
            return wrong("golden", "there is no golden output to check the model by".into());
        }
        if self.golden.probabilities.iter().any(|row| row.len() != self.labels.len()) {
            return wrong("golden", format!("each row must have {} probabilities", self.labels.len()));
        }
        if !(self.golden.tolerance > 0.0 && self.golden.tolerance <= 0.05) {
            return wrong("golden", format!("tolerance {} is outside 0 to 0.05", self.golden.tolerance));
        }
        Ok(())
    }
}
