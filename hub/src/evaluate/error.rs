//! Why there is no evaluation.

use pilah_models::infer::{InferError, LoadError};
use pilah_models::labels::LabelsError;
use sea_orm::DbErr;

use crate::dataset::DatasetError;
use crate::embeddings::embed::EmbedError;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// Nothing to measure by.
    #[error(
        "there is no labelled test image of a class that {0} knows, and no fresh sample from the field: label images of \
         more objects; every class gives objects to the test split from its fourth on"
    )]
    NoImages(String),
    /// The registry has no such version, or cannot read it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The classes of two models together are too many for one.
    #[error("the two models have too many classes together")]
    Labels(#[from] LabelsError),
    /// A model cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A model cannot be run.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// It cannot be timed.
    #[error("the model cannot be timed: {0}")]
    Speed(String),
    /// The images cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DbErr> for EvaluateError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}
