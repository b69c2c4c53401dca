//! Backbone and head in one file, for those who run a model elsewhere.
//!
//! Every name in the two graphs gets the prefix of its part, so that none can clash; input and
//! output of the whole are `image` and `probabilities`. The operator set is the backbone's: a head
//! of Gemm, Relu and Softmax over two dimensions means the same in every set since 7. A head that uses
//! anything else must be of the same set as the backbone. Weights in 8 bits are made floats, which every
//! runtime takes and which are the same numbers; the whole is hardly larger for it.

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto};

use super::build::{int, node};
use super::head::with_floats;
use super::{OnnxError, graph, interface, parse};

/// The input's name in a merged file.
const IMAGE: &str = "image";
/// The output's name in a merged file.
const PROBABILITIES: &str = "probabilities";
/// Operators that mean the same in every operator set from [`STABLE_SINCE`] on, as heads use them.
const STABLE: [&str; 3] = ["Gemm", "Relu", "Softmax"];
const STABLE_SINCE: i64 = 7;

/// Joins a backbone and a head to one network, `image` → `probabilities`.
///
/// # Errors
/// One of them is no usable ONNX file, or they need different operator sets.
pub fn merge(backbone: &[u8], head: &[u8]) -> Result<Vec<u8>, OnnxError> {
    let mut backbone = parse(backbone)?;
    let head = with_floats(head).map_or_else(|| parse(head), |floats| parse(&floats))?;
    for model in [&backbone, &head] {
        if !model.functions.is_empty() {
            return Err(OnnxError::Mismatch("networks with functions of their own are not supported".into()));
        }
    }
    backbone.opset_import = opsets(&backbone, &head)?;
    backbone.ir_version = backbone.ir_version.max(head.ir_version);
    let (first, second) = (graph(&backbone)?, graph(&head)?);
    let (images, embeddings) = (interface(first)?, interface(second)?);

    let mut merged = first.clone();
    rename(&mut merged, &|name| if name == images.input { IMAGE.into() } else { format!("backbone/{name}") });
    let embedding = merged.output.remove(0).name;
    merged.node.push(node("Flatten", &[&embedding], "embedding", vec![int("axis", 1)]));

    let mut tail = second.clone();
    rename(&mut tail, &|name| match name {
        name if name == embeddings.input => "embedding".into(),
        name if name == embeddings.output => PROBABILITIES.into(),
        name => format!("head/{name}"),
    });
    merged.node.append(&mut tail.node);
    merged.initializer.append(&mut tail.initializer);
    merged.sparse_initializer.append(&mut tail.sparse_initializer);
    merged.output = tail.output;
    merged.name = "pilah".into();
    // Shapes that were noted for the parts may be stale; runtimes infer them anew.
    merged.value_info.clear();

    backbone.producer_name = "pilah".into();
    backbone.producer_version = env!("CARGO_PKG_VERSION").into();
    backbone.graph = Some(merged);
    Ok(backbone.encode_to_vec())
}

/// The operator sets of the whole: those of the backbone, and of the head what the backbone lacks.
fn opsets(backbone: &ModelProto, head: &ModelProto) -> Result<Vec<OperatorSetIdProto>, OnnxError> {
    let domain = |set: &OperatorSetIdProto| if set.domain == "ai.onnx" { String::new() } else { set.domain.clone() };
    let mut sets = backbone.opset_import.clone();
    for wanted in &head.opset_import {
        match sets.iter().find(|set| domain(set) == domain(wanted)) {
            None => sets.push(wanted.clone()),
            Some(given) if given.version == wanted.version => {}
            Some(given) if is_stable(head, given.version.min(wanted.version)) => {}
            Some(given) => {
                return Err(OnnxError::Mismatch(format!(
                    "the backbone uses version {} of the operators, the head version {}",
                    given.version, wanted.version
                )));
            }
        }
    }
    Ok(sets)
}

fn is_stable(head: &ModelProto, opset: i64) -> bool {
    let stable = |node: &NodeProto| node.domain.is_empty() && STABLE.contains(&node.op_type.as_str());
    opset >= STABLE_SINCE && head.graph.iter().flat_map(|graph| &graph.node).all(stable)
}

/// Renames every tensor and node of a graph and of the graphs within it.
fn rename(graph: &mut GraphProto, to: &impl Fn(&str) -> String) {
    // An empty name stands for an optional input or output that is left out.
    let apply = |name: &mut String| {
        if !name.is_empty() {
            *name = to(name);
        }
    };
    for value in graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info) {
        apply(&mut value.name);
    }
    for tensor in &mut graph.initializer {
        apply(&mut tensor.name);
    }
    for tensor in &mut graph.sparse_initializer {
        tensor.values.iter_mut().for_each(|values| apply(&mut values.name));
    }
    for annotation in &mut graph.quantization_annotation {
        annotation.tensor_name.iter_mut().for_each(apply);
        annotation.quant_parameter_tensor_names.iter_mut().for_each(|entry| apply(&mut entry.value));
    }
    for node in &mut graph.node {
        apply(&mut node.name);
        node.input.iter_mut().chain(&mut node.output).for_each(apply);
        for attribute in &mut node.attribute {
            attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(|inner| rename(inner, to));
        }
    }
}
