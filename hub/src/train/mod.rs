//! From the labelled samples to a new head, and from that to a model version.
//!
//! ```text
//! plan (classes, splits) → embed (cached per backbone and image) → fit → seal → evaluate → gate → registry
//! ```
//!
//! One training is queued or runs at a time. Whoever has the data folder can take it: the hub itself, or
//! a `pilah-hub worker` beside it; the database sees to it that one does. It holds embeddings in memory,
//! 4 bytes a number, and images one at a time per thread. Everything random comes from the seed, and the
//! images are taken in the order in which they came, so the same dataset, parameters and backbone give
//! the same head.
//!
//! A training whose process dies is taken up again by another, or by the same one's next start, when
//! its lease is over: with the images that it began with, the embeddings that are done, and the fit from
//! its last checkpoint. Two processes never both write down its end; one that died between putting its
//! model into the registry and that end leaves a model, and the next makes the same once more under
//! another name. A training that is cancelled or fails leaves embeddings behind, which the next one uses,
//! and nothing else.

use std::sync::Arc;

use pilah_models::infer::{InferError, LoadError};
use sea_orm::DbErr;

use crate::dataset::DatasetError;
use crate::embeddings::embed::EmbedError;
use crate::registry::{BackboneFileError, RegistryError};
use crate::store::StoreError;

/// What a training is started with.
pub mod params;

/// Which classes and images a training takes: pure.
pub mod plan;

/// How far a training is.
pub mod progress;

/// What a training came to.
pub mod report;

/// The embedded images of a training, split by split.
mod sets;

/// The fit, with what it needs to be taken up again.
mod fit;

/// The training itself.
pub mod job;

/// Trainings as rows of the database.
pub(crate) mod store;

/// The queue of trainings, and who runs what.
pub(crate) mod queue;

/// What a training needs to be taken up again.
mod checkpoints;

/// The one place that queues, watches and cancels trainings.
pub mod trainer;

/// HTTP: start, watch, cancel, list.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

pub(crate) use params::AcceptedContamination;
pub use params::{ACCEPTED_CONTAMINATION, TrainParams};
pub use plan::PlanError;
pub use progress::{Step, TrainingStatus};
pub use report::TrainReport;
pub use trainer::{StartError, Trainer};

/// Told of each step of a training, from any thread.
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

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
    #[error("accepted_contamination is {0}; it must be above 0 and at most 1")]
    Contamination(f32),
    /// Nothing to compute embeddings with.
    #[error(
        "no model is in service whose backbone could be used: start the hub with --bundle, or train with --backbone"
    )]
    NoBackbone,
    /// A backbone that cannot be used.
    #[error(transparent)]
    Backbone(#[from] BackboneFileError),
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
    /// Another process has it now.
    #[error("another worker has this training")]
    Lost,
    /// It failed, maybe in another process, with these words.
    #[error("{0}")]
    Failed(String),
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

impl From<EmbedError> for TrainError {
    fn from(error: EmbedError) -> Self {
        match error {
            EmbedError::Cancelled => Self::Cancelled,
            EmbedError::Store(error) => Self::Store(error),
            EmbedError::Blob(error) => Self::Blob(error),
        }
    }
}

impl From<DbErr> for TrainError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests;
