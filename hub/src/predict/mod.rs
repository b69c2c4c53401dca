//! An image that a person asks about: what it shows, and what to do with it.
//!
//! The model in service answers. The image is decoded under limits, looked at, and forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pilah_models::infer::InferError;
use pilah_models::name::{ContentId, Label, ModelVersion};
use pilah_models::picture::{self, ImageError, Limits};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

use crate::dataset::decoding::{Room, room_for};
use crate::registry::Registry;

/// HTTP: `POST /api/predict`.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

/// How many images are looked at at once.
const AT_ONCE: usize = 2;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// An image that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// No model is in service.
    #[error("no model is in service: start the hub with --bundle, or train one")]
    NoModel,
    /// Too many others ask.
    #[error("too many images are being classified: try again in some seconds")]
    Busy,
    /// Not an image that is accepted.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The runtime failed.
    #[error(transparent)]
    Infer(#[from] InferError),
}

/// What the model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prediction {
    /// The likeliest class.
    #[schema(value_type = String)]
    pub class: Label,
    /// Its calibrated probability, 0 to 1.
    pub confidence: f32,
    /// Whether that reaches the class's threshold. If not, a bin would say *unsure*.
    pub sure: bool,
    /// Calibrated probability by class; they sum to 1.
    #[schema(value_type = std::collections::HashMap<String, f32>)]
    pub probabilities: BTreeMap<Label, f32>,
    /// The model that says so.
    #[schema(value_type = String)]
    pub model: ModelVersion,
}

/// Classifies images, a few at a time. Clones share the turns.
#[derive(Debug, Clone)]
pub struct Predictor {
    registry: Registry,
    turns: Arc<Semaphore>,
}

impl Predictor {
    /// Answers with the model in service.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self { registry, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Classifies a JPEG or PNG.
    ///
    /// # Errors
    /// [`PredictError`]: no model, too busy, or no acceptable image.
    pub async fn predict(&self, bytes: Vec<u8>) -> Result<Prediction, PredictError> {
        let turn = self.turn(&bytes).await?;
        let classifier = self.registry.in_service().ok_or(PredictError::NoModel)?;
        let classify = move || {
            // Held until the work is done, even if the one who asked has hung up.
            let _turn = turn;
            let image = picture::decode(&bytes, &Limits::default())?;
            let prediction = classifier.classify(&image)?;
            let manifest = classifier.manifest();
            let (class, confidence) = prediction.best();
            let labels = manifest.labels.as_slice();
            Ok(Prediction {
                class: labels[class].clone(),
                confidence,
                sure: manifest.is_sure(class, confidence),
                probabilities: labels.iter().cloned().zip(prediction.probabilities).collect(),
                model: manifest.version.clone(),
            })
        };
        tokio::task::spawn_blocking(classify).await.expect("classifying does not panic and is not aborted")
    }

    /// What the backbone in service makes of a JPEG or PNG, and which backbone that is.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub async fn embed(&self, bytes: Vec<u8>) -> Result<(ContentId, Vec<f32>), PredictError> {
        let turn = self.turn(&bytes).await?;
        let classifier = self.registry.in_service().ok_or(PredictError::NoModel)?;
        let embed = move || {
            let _turn = turn;
            let image = picture::decode(&bytes, &Limits::default())?;
            let embedding = classifier.backbone().embed(&image)?;
            Ok((classifier.manifest().backbone.sha256.clone(), embedding))
        };
        tokio::task::spawn_blocking(embed).await.expect("embedding does not panic and is not aborted")
    }

    async fn turn(&self, bytes: &[u8]) -> Result<(OwnedSemaphorePermit, Room), PredictError> {
        let both = async {
            let turn = Arc::clone(&self.turns).acquire_owned().await.expect("the turns are never closed");
            (turn, room_for(bytes).await)
        };
        tokio::time::timeout(PATIENCE, both).await.map_err(|_| PredictError::Busy)
    }
}

#[cfg(test)]
mod tests;
