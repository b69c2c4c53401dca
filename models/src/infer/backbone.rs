//! The network from image to embedding.

use image::RgbImage;

use super::network::Network;
use super::{InferError, LoadError};
use crate::bundle::InputSpec;
use crate::preprocess;

/// A loaded backbone. It is shared freely between threads; each call runs on the caller's.
#[derive(Debug)]
pub struct Backbone {
    network: Network,
    spec: InputSpec,
    embedding: usize,
}

impl Backbone {
    /// Loads an ONNX file that takes `[1, 3, height, width]` as `spec` says and gives `[1, D]`,
    /// `[1, D, 1, 1]` or `[1, 1, 1, D]`.
    ///
    /// # Errors
    /// [`LoadError`]: not a network that can be run, or of other shapes.
    pub fn load(onnx: &[u8], spec: &InputSpec) -> Result<Self, LoadError> {
        let input = [1, 3, spec.height as usize, spec.width as usize];
        let network = Network::load("backbone", onnx, &input)?;
        let embedding = match *network.output() {
            [1, d] | [1, d, 1, 1] | [1, 1, 1, d] if d > 0 => d,
            ref other => {
                return Err(LoadError::Shape {
                    part: "backbone",
                    problem: format!(
                        "gives {other:?}, not one embedding per image: [1, D], [1, D, 1, 1] or [1, 1, 1, D]"
                    ),
                });
            }
        };
        Ok(Self { network, spec: spec.clone(), embedding })
    }

    /// How many numbers it gives per image.
    #[must_use]
    pub fn embedding_len(&self) -> usize {
        self.embedding
    }

    /// What it takes.
    #[must_use]
    pub fn input(&self) -> &InputSpec {
        &self.spec
    }

    /// The embedding of an image of any size.
    ///
    /// # Errors
    /// The runtime failed, or an output is not finite.
    pub fn embed(&self, image: &RgbImage) -> Result<Vec<f32>, InferError> {
        self.embed_tensor(&preprocess::to_tensor(image, &self.spec))
    }

    /// The embedding of a tensor `[3, height, width]` as [`preprocess::to_tensor`] makes it.
    ///
    /// # Errors
    /// The tensor has another size, the runtime failed, or an output is not finite.
    pub fn embed_tensor(&self, tensor: &[f32]) -> Result<Vec<f32>, InferError> {
        self.network.run(tensor)
    }
}
