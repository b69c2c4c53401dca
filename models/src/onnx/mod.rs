//! ONNX files: read with suspicion, taken in from elsewhere, heads written, backbone and head merged into one.
//!
//! An ONNX file may come from anywhere, so `inspect` looks at it before any runtime does: it must
//! decode, hold no reference to another file (which would make a runtime open paths that the sender
//! chose), and name only outputs that some node computes.
//!
//! Files that are written here use operator set 13 and format 8, which tract 0.23 and every ONNX
//! Runtime since 1.10 load.

/// The pieces of which graphs are put together.
mod build;

/// One or two linear layers and a softmax.
mod head;

/// Weights in 8 bits.
mod steps;

/// Backbone and head in one file.
mod merge;

/// The one intake of files from elsewhere.
mod intake;

/// What was changed of a network.
mod change;

/// Tensors of a second file, taken in.
mod external;

/// Half precision made single.
mod widen;

/// An input made ours.
mod images;

/// All that lies in a graph.
mod walk;

/// What a file says of itself.
mod metadata;

/// A classifier in one file, cut into backbone and head.
mod split;

/// A classifier by brightness in all the ways that others write one, for tests.
mod brightness;

/// A backbone of random weights, for tests and first runs.
mod tiny;

use prost::Message;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto, type_proto};

pub use brightness::Brightness;
pub use change::Change;
pub use external::Beside;
pub use head::{LinearLayer, read_layers, write_head, write_layers};
pub use intake::{Ending, Intake, intake};
pub use merge::merge;
pub use metadata::{stated_labels, stated_scaling, stated_scaling_of_processor};
pub use split::{Split, split};
pub use steps::Steps;
pub use tiny::tiny_backbone;

/// The version of the ONNX operators that are written.
pub(crate) const OPSET: i64 = 13;
/// The version of the ONNX file format that is written.
pub(crate) const IR_VERSION: i64 = 8;

/// An ONNX file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The bytes are no ONNX file.
    #[error("not an ONNX file")]
    Malformed(#[from] prost::DecodeError),
    /// It lacks or has something that it must not.
    #[error("the network {0}")]
    Unusable(String),
    /// Backbone and head do not fit together.
    #[error("backbone and head cannot be merged: {0}")]
    Mismatch(String),
}

/// What enters and what leaves a network that has one input and one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The name of the input.
    pub input: String,
    /// Its dimensions; `None` where any size goes.
    pub input_shape: Vec<Option<u64>>,
    /// The name of the output.
    pub output: String,
}

impl Interface {
    /// Width and height of the images that the network takes, in pixels, if it takes images
    /// `[N, 3, height, width]` of one size only.
    #[must_use]
    pub fn image_size(&self) -> Option<(u32, u32)> {
        match self.input_shape[..] {
            [_, Some(3), Some(height), Some(width)] => Some((width.try_into().ok()?, height.try_into().ok()?)),
            _ => None,
        }
    }
}

/// Says what enters and leaves a network.
///
/// # Errors
/// The file is no ONNX file, refers to other files, or has not exactly one input and one output.
pub fn inspect(onnx: &[u8]) -> Result<Interface, OnnxError> {
    let model = parse(onnx)?;
    interface(graph(&model)?)
}

/// Decodes a file and checks what runtimes trust.
pub(crate) fn parse(onnx: &[u8]) -> Result<ModelProto, OnnxError> {
    let model = ModelProto::decode(onnx)?;
    validate(&model)?;
    Ok(model)
}

/// Checks what runtimes trust.
fn validate(model: &ModelProto) -> Result<(), OnnxError> {
    let graph = graph(model)?;
    if let Some(name) = external_tensor(graph) {
        return Err(OnnxError::Unusable(format!("keeps tensor {name:?} in another file")));
    }
    for output in &graph.output {
        if !is_computed(graph, &output.name) {
            return Err(OnnxError::Unusable(format!("does not compute its output {:?}", output.name)));
        }
    }
    Ok(())
}

pub(crate) fn graph(model: &ModelProto) -> Result<&GraphProto, OnnxError> {
    model.graph.as_ref().ok_or_else(|| OnnxError::Unusable("has no graph".into()))
}

/// The one input that is no constant, and the one output.
pub(crate) fn interface(graph: &GraphProto) -> Result<Interface, OnnxError> {
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_constant(&input.name)).collect();
    let ([input], [output]) = (&inputs[..], &graph.output[..]) else {
        return Err(OnnxError::Unusable(format!(
            "has {} inputs and {} outputs; one of each is due",
            inputs.len(),
            graph.output.len()
        )));
    };
    Ok(Interface { input: input.name.clone(), input_shape: shape(input), output: output.name.clone() })
}

fn shape(value: &ValueInfoProto) -> Vec<Option<u64>> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Vec::new();
    };
    let dimensions = tensor.shape.iter().flat_map(|shape| &shape.dim);
    dimensions
        .map(|d| match d.value {
            Some(dimension::Value::DimValue(size)) => u64::try_from(size).ok().filter(|&size| size > 0),
            _ => None,
        })
        .collect()
}

fn is_computed(graph: &GraphProto, name: &str) -> bool {
    graph.node.iter().any(|node| node.output.iter().any(|output| output == name))
        || graph.initializer.iter().any(|tensor| tensor.name == name)
        || graph.input.iter().any(|input| input.name == name)
}

/// The name of a tensor that lies in another file, in the graph or in a graph within it.
fn external_tensor(graph: &GraphProto) -> Option<&str> {
    let attributes = || graph.node.iter().flat_map(|node| &node.attribute);
    let is_external = |tensor: &&TensorProto| {
        tensor.data_location == Some(DataLocation::External as i32) || !tensor.external_data.is_empty()
    };
    let sparse = graph
        .sparse_initializer
        .iter()
        .chain(attributes().flat_map(|a| a.sparse_tensor.iter().chain(&a.sparse_tensors)));
    graph
        .initializer
        .iter()
        .chain(attributes().flat_map(|a| a.t.iter().chain(&a.tensors)))
        .chain(sparse.flat_map(|tensor| tensor.values.iter().chain(&tensor.indices)))
        .find(is_external)
        .map(|tensor| tensor.name.as_str())
        .or_else(|| attributes().flat_map(|a| a.g.iter().chain(&a.graphs)).find_map(external_tensor))
}

#[cfg(test)]
mod tests;
