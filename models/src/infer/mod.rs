//! From a tensor to probabilities: backbone → embedding → head, each run by the runtime that its file is
//! for: ONNX by tract, TFLite by LiteRT (feature `litert`).
//!
//! A `Classifier` exists only if its bundle computes what it should: loading runs the golden
//! inputs and compares.

/// Inputs that every build can draw, and what a model answers on them.
pub mod golden;

/// The network from image to embedding.
mod backbone;

/// The network from embedding to probabilities.
mod head;

/// Backbone and head as the one network that others run.
mod merged;

/// One network in the runtime that its file is for.
mod network;

/// What every runtime does, as one trait.
mod engine;

/// ONNX.
mod tract;

/// TFLite.
#[cfg(feature = "litert")]
mod litert;

use std::sync::Arc;

use image::RgbImage;

pub use backbone::Backbone;
pub use head::Head;
pub use merged::Merged;

use crate::bundle::{Bundle, Manifest};

/// A network that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not a file that a runtime can run.
    #[error("the {part} is no network that can be run: {reason}")]
    Network {
        /// `backbone` or `head`.
        part: &'static str,
        /// What the runtime says.
        reason: String,
    },
    /// Its shapes are not the ones that are due.
    #[error("the {part} {problem}")]
    Shape {
        /// `backbone` or `head`.
        part: &'static str,
        /// What is and what should be.
        problem: String,
    },
    /// It computes something else than it should.
    #[error("golden input {input}: the model answers {found:?}, its manifest says {expected:?}, within {tolerance}")]
    Golden {
        /// Which input.
        input: usize,
        /// What the manifest says.
        expected: Vec<f32>,
        /// What it answers.
        found: Vec<f32>,
        /// The largest difference allowed.
        tolerance: f32,
    },
}

/// A network that failed on an input, which a loaded one does only when memory is short.
#[derive(Debug, thiserror::Error)]
#[error("inference failed: {0}")]
pub struct InferError(pub(crate) String);

/// A model that is loaded and answers what it should.
#[derive(Debug, Clone)]
pub struct Classifier {
    manifest: Arc<Manifest>,
    backbone: Arc<Backbone>,
    head: Arc<Head>,
}

/// What a model says of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Calibrated probabilities in the order of the labels; they sum to 1.
    pub probabilities: Vec<f32>,
    /// What the backbone made of the image.
    pub embedding: Vec<f32>,
}

impl Classifier {
    /// Loads a bundle and checks it by its golden outputs. Takes 30 to 200 ms.
    ///
    /// # Errors
    /// [`LoadError`]: it cannot be run, has other shapes than stated, or computes something else.
    pub fn load(bundle: &Bundle) -> Result<Self, LoadError> {
        let manifest = bundle.manifest();
        let backbone = Backbone::load(bundle.backbone(), &manifest.input)?;
        Self::with_backbone(bundle, Arc::new(backbone))
    }

    /// As [`Classifier::load`], sharing the backbone of `self` if the bundle has the same one.
    ///
    /// # Errors
    /// As [`Classifier::load`].
    pub fn load_next(&self, bundle: &Bundle) -> Result<Self, LoadError> {
        let next = bundle.manifest();
        if next.backbone == self.manifest.backbone && next.input == self.manifest.input {
            Self::with_backbone(bundle, Arc::clone(&self.backbone))
        } else {
            Self::load(bundle)
        }
    }

    fn with_backbone(bundle: &Bundle, backbone: Arc<Backbone>) -> Result<Self, LoadError> {
        let manifest = bundle.manifest();
        if backbone.embedding_len() != manifest.embedding {
            return Err(LoadError::Shape {
                part: "backbone",
                problem: format!(
                    "gives {} numbers per image, the manifest says {}",
                    backbone.embedding_len(),
                    manifest.embedding
                ),
            });
        }
        let head = Head::load(bundle.head(), manifest.embedding, manifest.labels.len())?;
        golden::check(&backbone, &head, manifest)?;
        Ok(Self { manifest: Arc::new(manifest.clone()), backbone, head: Arc::new(head) })
    }

    /// What the model is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its backbone, for embeddings alone.
    #[must_use]
    pub fn backbone(&self) -> &Arc<Backbone> {
        &self.backbone
    }

    /// Classifies an image of any size.
    ///
    /// # Errors
    /// The runtime failed.
    pub fn classify(&self, image: &RgbImage) -> Result<Prediction, InferError> {
        let embedding = self.backbone.embed(image)?;
        let probabilities = self.classify_embedding(&embedding)?;
        Ok(Prediction { probabilities, embedding })
    }

    /// The calibrated probabilities of an image whose embedding by this backbone is known, in the order
    /// of the labels.
    ///
    /// # Errors
    /// The embedding has another length, the runtime failed, or an output is not finite.
    pub fn classify_embedding(&self, embedding: &[f32]) -> Result<Vec<f32>, InferError> {
        self.head.probabilities(embedding)
    }
}

impl Prediction {
    /// The place of the likeliest class and its probability.
    #[must_use]
    pub fn best(&self) -> (usize, f32) {
        best(&self.probabilities)
    }
}

/// The place of the highest of some probabilities, the first if several are, and its value.
#[must_use]
pub fn best(probabilities: &[f32]) -> (usize, f32) {
    probabilities.iter().copied().enumerate().fold(
        (0, 0.0),
        |best, (index, p)| {
            if p > best.1 { (index, p) } else { best }
        },
    )
}

#[cfg(test)]
mod tests;

/// What every runtime must do alike.
#[cfg(test)]
mod conformance;
