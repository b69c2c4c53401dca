//! What cannot be done with a model version, with what is wrong and how to mend it.

use std::path::PathBuf;

use pilah_models::bundle::{BundleError, SCALING_CHOICES};
use pilah_models::infer::LoadError;
use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::onnx::OnnxError;
use sea_orm::DbErr;

use super::scaling;
use crate::store::{BlobError, StoreError};

/// Something that cannot be done with a model version.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is none of this name.
    #[error("there is no model {version:?}; {}", those(known))]
    Unknown {
        /// The name.
        version: String,
        /// Those that exist, newest first.
        known: Vec<String>,
    },
    /// There is no such imported backbone.
    #[error("no backbone {0} was imported")]
    NoBackbone(ContentId),
    /// Something refers to what is to be deleted.
    #[error("{what} cannot be deleted: {}", by.join("; "))]
    Referred {
        /// What is to be deleted.
        what: String,
        /// What refers to it, in words.
        by: Vec<String>,
    },
    /// A file from outside that cannot be used.
    #[error("the import is refused: {0}")]
    Import(String),
    /// Nothing says how an imported network takes its pixels.
    #[error(
        "the import is refused: nothing says how this network takes its pixels, and a wrong scaling shows nowhere. Say it \
         (--scaling, or ?scaling=): {choices}. Tried out: {words}",
        choices = SCALING_CHOICES,
        words = scaling::in_words(tried, *images)
    )]
    Scaling {
        /// How many labelled images each scaling labels right.
        tried: Vec<scaling::Tried>,
        /// Of how many.
        images: u64,
    },
    /// There is another of this name.
    #[error("there is another model of the name {0}: a version never changes")]
    Taken(ModelVersion),
    /// No model is in service.
    #[error("no model is in service")]
    NoneInService,
    /// The gate refused it, and nobody said why it should go into service all the same.
    #[error("the gate refused {version}: {verdict}. To put it into service all the same, give a reason")]
    Refused {
        /// The model.
        version: ModelVersion,
        /// Why.
        verdict: String,
    },
    /// Another is on its way to the bins.
    #[error(
        "rollout {rollout} brings {version} to the bins: until it has ended, nothing else goes into service. Cancel it first"
    )]
    RollingOut {
        /// Which rollout.
        rollout: i64,
        /// What it brings.
        version: String,
    },
    /// The bundle that a hub starts with cannot be used.
    #[error("the bundle in {} cannot be used", path.display())]
    Initial {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<RegistryError>,
    },
    /// Its files do not fit together.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It cannot be run.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its files cannot be merged.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A file cannot be written.
    #[error("the model cannot be written")]
    Write(#[from] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object storage failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// The first of some versions, in words.
fn those(known: &[String]) -> String {
    const NAMED: usize = 10;
    match known.len() {
        0 => "there is none yet".to_owned(),
        n if n <= NAMED => format!("there are {}", known.join(", ")),
        n => format!("there are {} and {} more", known[..NAMED].join(", "), n - NAMED),
    }
}

impl From<DbErr> for RegistryError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}
