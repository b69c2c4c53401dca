//! A fit in between, as bytes: who goes on from it gets the head that an undisturbed fit gives, bit
//! for bit.
//!
//! Format 2: SHA-256 of the rest, then CBOR. A checkpoint says what it is of (SHA-256 of examples,
//! classes and parameters), so that it is never taken for one of another fit. Format 1
//! looked alike, but its numbers were those of another library, which rounded elsewhere.

use ndarray::{Array, Dimension};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::network::{Network, Parameter};
use super::stopping::Stopping;
use super::{EpochReport, Examples, HeadParams};
use crate::onnx::LinearLayer;

const FORMAT: u32 = 2;
const HASH: usize = 32;

/// Bytes that are no checkpoint of this build's format.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Cut short, or changed on disk.
    #[error("the checkpoint is damaged")]
    Damaged,
    /// Of another build.
    #[error("the checkpoint is of format {0}; this build reads format {FORMAT}")]
    Format(u32),
}

/// A fit after some epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    format: u32,
    #[serde(with = "serde_bytes")]
    of: Vec<u8>,
    steps: i32,
    pub(super) stopping: Stopping,
    parameters: Vec<Stored>,
    best: Vec<StoredLayer>,
    pub(super) history: Vec<EpochReport>,
}

/// A parameter with its moments, each as little-endian floats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    shape: Vec<usize>,
    #[serde(with = "serde_bytes")]
    value: Vec<u8>,
    #[serde(with = "serde_bytes")]
    first: Vec<u8>,
    #[serde(with = "serde_bytes")]
    second: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredLayer {
    inputs: usize,
    outputs: usize,
    #[serde(with = "serde_bytes")]
    weights: Vec<u8>,
    #[serde(with = "serde_bytes")]
    bias: Vec<u8>,
}

/// What a fit is of.
pub(super) fn identity(train: &Examples, validation: &Examples, classes: usize, params: &HeadParams) -> Vec<u8> {
    let mut hash = Sha256::new();
    let params = serde_json::to_string(params).expect("parameters have string keys");
    hash.update(format!("{classes} {params}"));
    for Examples { embedding, embeddings, targets } in [train, validation] {
        hash.update(format!("{embedding} {}", targets.len()));
        targets.iter().for_each(|&target| hash.update((target as u64).to_le_bytes()));
        for part in embeddings.chunks(4096) {
            hash.update(to_bytes(part));
        }
    }
    hash.finalize().to_vec()
}

impl Checkpoint {
    pub(super) fn take(
        of: &[u8],
        network: &Network,
        stopping: &Stopping,
        best: &[LinearLayer],
        history: &[EpochReport],
    ) -> Self {
        let layer = |layer: &LinearLayer| StoredLayer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weights: to_bytes(&layer.weights),
            bias: to_bytes(&layer.bias),
        };
        let parameters = network.layers.iter().flat_map(|l| [Stored::of(&l.weights), Stored::of(&l.bias)]);
        Self {
            format: FORMAT,
            of: of.to_vec(),
            steps: network.steps,
            stopping: stopping.clone(),
            parameters: parameters.collect(),
            best: best.iter().map(layer).collect(),
            history: history.to_vec(),
        }
    }

    /// The last epoch that is in it, from 1.
    #[must_use]
    pub fn epoch(&self) -> usize {
        self.history.len()
    }

    /// Every epoch that is in it.
    #[must_use]
    pub fn history(&self) -> &[EpochReport] {
        &self.history
    }

    /// Whether it is of the fit of these examples with these parameters.
    #[must_use]
    pub fn is_of(&self, train: &Examples, validation: &Examples, classes: usize, params: &HeadParams) -> bool {
        self.of == identity(train, validation, classes, params)
    }

    /// Puts weights and moments back into a network of the same shape; `None` if it has another.
    pub(super) fn restore(&self, network: &mut Network) -> Option<Vec<LinearLayer>> {
        let (stored, rest) = self.parameters.as_chunks::<2>();
        if !rest.is_empty() || stored.len() != network.layers.len() {
            return None;
        }
        for (layer, [weights, bias]) in network.layers.iter_mut().zip(stored) {
            layer.weights = weights.restore(&layer.weights)?;
            layer.bias = bias.restore(&layer.bias)?;
        }
        network.steps = self.steps;
        let layer = |layer: &StoredLayer| {
            let (weights, bias) = (from_bytes(&layer.weights)?, from_bytes(&layer.bias)?);
            let fits = weights.len() == layer.inputs * layer.outputs && bias.len() == layer.outputs;
            fits.then_some(LinearLayer { inputs: layer.inputs, outputs: layer.outputs, weights, bias, steps: None })
        };
        self.best.iter().map(layer).collect()
    }

    /// The checkpoint as it is written to disk.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; HASH];
        ciborium::into_writer(self, &mut bytes).expect("writing to memory cannot fail");
        let hash = Sha256::digest(&bytes[HASH..]);
        bytes[..HASH].copy_from_slice(&hash);
        bytes
    }

    /// Reads what [`Checkpoint::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        #[derive(Deserialize)]
        struct Stated {
            format: u32,
        }
        let (hash, rest) = bytes.split_at_checked(HASH).ok_or(CheckpointError::Damaged)?;
        if Sha256::digest(rest)[..] != *hash {
            return Err(CheckpointError::Damaged);
        }
        let Stated { format } = ciborium::from_reader(rest).map_err(|_| CheckpointError::Damaged)?;
        if format != FORMAT {
            return Err(CheckpointError::Format(format));
        }
        ciborium::from_reader(rest).map_err(|_| CheckpointError::Damaged)
    }
}

impl Stored {
    fn of<D: Dimension>(parameter: &Parameter<D>) -> Self {
        let bytes = |numbers: &Array<f32, D>| numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self {
            shape: parameter.value.shape().to_vec(),
            value: bytes(&parameter.value),
            first: bytes(&parameter.first),
            second: bytes(&parameter.second),
        }
    }

    /// The parameter, if it has the shape of this one.
    fn restore<D: Dimension>(&self, like: &Parameter<D>) -> Option<Parameter<D>> {
        if like.value.shape() != self.shape {
            return None;
        }
        let read = |bytes| Array::from_shape_vec(like.value.raw_dim(), from_bytes(bytes)?).ok();
        Some(Parameter { value: read(&self.value)?, first: read(&self.first)?, second: read(&self.second)? })
    }
}

fn to_bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|x| f32::from_le_bytes(*x)).collect())
}
