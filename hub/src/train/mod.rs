//! From the labelled samples to a new head, and from that to a model version.
//!
//! ```text
//! plan (classes, splits) → embed (cached per backbone and image) → fit → seal → evaluate → gate → registry
//! ```
//!
//! One training runs at a time. It holds embeddings in memory, 4 bytes a number, and images one at a
//! time per thread. Everything random comes from the seed, and the images are taken in the order in
//! which they came, so the same dataset, parameters and backbone give the same head.
//!
//! A training that is cancelled or fails leaves embeddings behind, which the next one uses, and
//! nothing else. One that the hub's end interrupted is marked as failed at the next start.

use std::sync::Arc;

use pilah_models::infer::{InferError, LoadError};
use pilah_models::name::Label;
use pilah_models::train::HeadParams;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dataset::DatasetError;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Which classes and images a training takes: pure.
pub mod plan;

/// What the backbone makes of each image, computed once.
pub mod embed;

/// How far a training is.
pub mod progress;

/// What a training came to.
pub mod report;

/// The training itself.
pub mod job;

/// Trainings in the database.
pub(crate) mod store;

/// The one place that starts, watches and cancels trainings.
pub mod trainer;

/// HTTP: start, watch, cancel, list.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

pub use job::BackboneFile;
pub use plan::PlanError;
pub use progress::{Step, TrainingStatus};
pub use report::TrainReport;
pub use trainer::{StartError, Trainer};

/// The accepted share of wrong items among those of a class, from which thresholds are picked, if a
/// training is started without one.
pub const ACCEPTED_CONTAMINATION: f32 = 0.1;

/// Told of each step of a training, from any thread.
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

/// What a training is started with; what is left out gets the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainParams {
    /// The most passes over the images, 1 to 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// The step of the optimiser, above 0, at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// How many images a step looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// How strongly weights are drawn to 0, 0 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// How many epochs without a lower validation loss end the fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Whether every class counts the same, however many images it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<bool>,
    /// Of all that is random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The classes to train, in the order of the outputs; all that images are labelled with, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub labels: Option<Vec<Label>>,
    /// The accepted share of wrong items among those of a class, 0 to 1, from which thresholds are picked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_contamination: Option<f32>,
}

impl TrainParams {
    /// The parameters of the fit, checked.
    ///
    /// # Errors
    /// [`TrainError::Fit`] or [`TrainError::Contamination`], which name the value and its range.
    pub fn head(&self) -> Result<HeadParams, TrainError> {
        let default = HeadParams::default();
        let head = HeadParams {
            epochs: self.epochs.unwrap_or(default.epochs),
            learning_rate: self.learning_rate.unwrap_or(default.learning_rate),
            batch_size: self.batch_size.unwrap_or(default.batch_size),
            weight_decay: self.weight_decay.unwrap_or(default.weight_decay),
            patience: self.patience.unwrap_or(default.patience),
            class_weights: self.class_weights.unwrap_or(default.class_weights),
            seed: self.seed.unwrap_or(default.seed),
        };
        head.validate()?;
        let accepted = self.contamination();
        if !(0.0..=1.0).contains(&accepted) {
            return Err(TrainError::Contamination(accepted));
        }
        Ok(head)
    }

    /// The accepted contamination, 0 to 1.
    #[must_use]
    pub fn contamination(&self) -> f32 {
        self.accepted_contamination.unwrap_or(ACCEPTED_CONTAMINATION)
    }
}

/// Why a training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The dataset does not suffice.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A parameter is out of its range, or the fit failed.
    #[error(transparent)]
    Fit(#[from] pilah_models::train::TrainError),
    /// A share that is none.
    #[error("accepted_contamination is {0}; it must be 0 to 1")]
    Contamination(f32),
    /// Nothing to compute embeddings with.
    #[error(
        "no model is in service whose backbone could be used: start the hub with --bundle, or train with --backbone"
    )]
    NoBackbone,
    /// A backbone that does not say which images it takes.
    #[error("the backbone does not say how large its input is: state it with --input-side")]
    InputSize,
    /// A backbone that is no network.
    #[error("the backbone cannot be used")]
    Backbone(#[from] pilah_models::onnx::OnnxError),
    /// A network that cannot be run.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The runtime failed.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// The sealed bundle contradicts itself.
    #[error("the bundle cannot be sealed")]
    Seal(#[from] pilah_models::bundle::BundleError),
    /// Someone stopped it.
    #[error("the training was cancelled")]
    Cancelled,
    /// It panicked.
    #[error("the training failed by a defect of this program")]
    Defect(#[from] tokio::task::JoinError),
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database or the disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object storage failed: disk full, no permission.
    #[error(transparent)]
    Blob(#[from] crate::store::BlobError),
}

impl From<DbErr> for TrainError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests;
