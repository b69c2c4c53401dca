//! The one intake of ONNX files from elsewhere: whatever can be made of a file what the rest takes is made here,
//! and said.
//!
//! What the rest takes is one file, of 32-bit floats, from images `[N, 3, height, width]`. So tensors that lie in a
//! second file are taken in ([`external`](super::external)), half precision is widened
//! ([`widen`](super::widen)), and an input of bytes, or with its channels last, gets the layers that make of ours
//! its own ([`images`](super::images)). A file that needs none of this stays as it is, byte by byte.

use std::collections::BTreeMap;

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto};

use super::change::Change;
use super::external::{self, Beside};
use super::{OnnxError, graph, images, interface, split, validate, widen};

/// How a network ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With probabilities, or their logarithms: it is a classifier.
    Softmax,
    /// With a linear layer: it may be a classifier.
    Linear,
    /// With anything else.
    Other,
}

/// A network that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// One file, of 32-bit floats, from images `[N, 3, height, width]`.
    pub onnx: Vec<u8>,
    /// What was changed, in the order of [`Change`].
    pub changes: Vec<Change>,
    /// How it ends.
    pub ending: Ending,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
}

/// Takes in a network.
///
/// # Errors
/// It is no ONNX file, a file that it needs is missing, it takes other numbers or several images at once, or is too
/// large.
pub fn intake(onnx: &[u8], beside: Beside<'_>) -> Result<Intake, OnnxError> {
    let mut model = ModelProto::decode(onnx)?;
    let mut changes = Vec::new();
    let whole = model.graph.as_mut().ok_or_else(|| OnnxError::Unusable("has no graph".into()))?;
    if external::gather(whole, beside)? {
        changes.push(Change::Gathered);
    }
    if widen::widen(whole)? {
        changes.push(Change::Widened);
    }
    validate(&model)?;
    let whole = model.graph.as_mut().ok_or_else(|| OnnxError::Unusable("has no graph".into()))?;
    changes.extend(images::as_ours(whole)?);
    let ending = ending(graph(&model)?)?;
    let metadata = model.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let onnx = if changes.is_empty() {
        onnx.to_vec()
    } else {
        // Noted for what it was.
        model.graph.iter_mut().for_each(|graph| graph.value_info.clear());
        model.encode_to_vec()
    };
    Ok(Intake { onnx, changes, ending, metadata })
}

fn ending(graph: &GraphProto) -> Result<Ending, OnnxError> {
    let output = interface(graph)?.output;
    Ok(match split::ends_with(graph, &output) {
        Some("Softmax" | "LogSoftmax") => Ending::Softmax,
        _ if split::is_linear(graph, &output) => Ending::Linear,
        _ => Ending::Other,
    })
}

#[cfg(test)]
mod tests;
