//! The network from embedding to probabilities.

use super::network::Network;
use super::{InferError, LoadError};

/// A loaded head. It is shared freely between threads; each call runs on the caller's.
#[derive(Debug)]
pub struct Head {
    network: Network,
}

impl Head {
    /// Loads an ONNX file that takes `[1, embedding_len]` and gives `[1, classes]`.
    ///
    /// # Errors
    /// [`LoadError`]: not a network that can be run, or of other shapes.
    pub fn load(onnx: &[u8], embedding_len: usize, classes: usize) -> Result<Self, LoadError> {
        let network = Network::load("head", onnx, &[1, embedding_len])?;
        if network.output() != [1, classes] {
            return Err(LoadError::Shape {
                part: "head",
                problem: format!("gives {:?}, not [1, {classes}], a probability per label", network.output()),
            });
        }
        Ok(Self { network })
    }

    /// The calibrated probabilities of an embedding, in the order of the labels.
    ///
    /// # Errors
    /// The embedding has another length, the runtime failed, or an output is not finite.
    pub fn probabilities(&self, embedding: &[f32]) -> Result<Vec<f32>, InferError> {
        self.network.run(embedding)
    }
}
