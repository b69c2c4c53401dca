//! A classifier that somebody else made, cut before its last layer: backbone and head.
//!
//! The last layer must be linear: `Gemm`, or `MatMul` with or without an `Add`, followed by a `Softmax`, its
//! logarithm, or nothing, as every transfer-learned classifier ends. Its weights become a head of ours; what
//! computes its input becomes the backbone, whose graph is pruned to what it needs, and whose input is made
//! ours ([`images`](super::images)).

use std::collections::HashSet;

use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::build::{Dim, value};
use super::{LinearLayer, OnnxError, Steps, graph, images, interface, parse, write_layers};

/// The most numbers that a last layer may have: 64 classes of 65,536 features.
const MOST_WEIGHTS: usize = 64 * 65_536;

/// A classifier in two parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// From `[N, 3, height, width]` to the embedding, an ONNX file.
    pub backbone: Vec<u8>,
    /// From the embedding to probabilities, an ONNX file.
    pub head: Vec<u8>,
    /// How many numbers the embedding has.
    pub embedding: usize,
    /// How many classes the head tells apart.
    pub classes: usize,
    /// Whether the network gave logarithms of probabilities, which the head does not.
    pub was_log: bool,
}

/// Cuts a classifier before its last layer.
///
/// # Errors
/// The file is no ONNX file, or its last layer is not linear; the error says what it found there.
pub fn split(onnx: &[u8]) -> Result<Split, OnnxError> {
    let mut model = parse(onnx)?;
    let whole = graph(&model)?;
    let ends = interface(whole)?;
    let layer = last_layer(whole, &ends.output)?;
    let was_log = ends_with(whole, &ends.output) == Some("LogSoftmax");
    let LastLayer { input, layer } = layer;
    let (embedding, classes) = (layer.inputs, layer.outputs);
    let head = write_layers(&[layer]);

    let mut backbone = prune(whole, &input);
    backbone.output = vec![value(&input, &[Dim::Any("N"), Dim::Size(embedding)])];
    backbone.value_info.clear();
    images::as_ours(&mut backbone)?;
    model.graph = Some(backbone);
    Ok(Split { backbone: model.encode_to_vec(), head, embedding, classes, was_log })
}

/// A linear layer with the tensor that enters it.
pub(super) struct LastLayer {
    pub(super) input: String,
    pub(super) layer: LinearLayer,
}

fn last_layer(graph: &GraphProto, output: &str) -> Result<LastLayer, OnnxError> {
    let mut last = producer(graph, output)?;
    if matches!(last.op_type.as_str(), "Softmax" | "LogSoftmax") {
        last = producer(graph, first_input(last)?)?;
    }
    match last.op_type.as_str() {
        "Gemm" => gemm(graph, last),
        "MatMul" => matmul(graph, last, None),
        "Add" => {
            let [a, b] = [0, 1].map(|i| last.input.get(i).map_or("", String::as_str));
            let (product, bias) = if tensor(graph, b).is_some() { (a, b) } else { (b, a) };
            match (producer(graph, product)?, tensor(graph, bias)) {
                (product, Some(bias)) if product.op_type == "MatMul" => matmul(graph, product, Some(bias)),
                _ => Err(not_linear("Add")),
            }
        }
        other => Err(not_linear(other)),
    }
}

/// The kind of the layer that a network ends with.
pub(super) fn ends_with<'a>(graph: &'a GraphProto, output: &str) -> Option<&'a str> {
    producer(graph, output).ok().map(|node| node.op_type.as_str())
}

/// Whether a network ends with a linear layer that can be cut off.
pub(super) fn is_linear(graph: &GraphProto, output: &str) -> bool {
    last_layer(graph, output).is_ok()
}

fn not_linear(found: &str) -> OnnxError {
    OnnxError::Unusable(format!(
        "ends with {found}; a classifier that can be cut ends with a linear layer (Gemm, or MatMul and Add) and a Softmax"
    ))
}

/// The node that computes a tensor; copies of it are looked through, also those that are made floats, which all
/// is here.
pub(super) fn producer<'a>(graph: &'a GraphProto, name: &str) -> Result<&'a NodeProto, OnnxError> {
    let mut name = name;
    // Each step goes to another node, or the graph has a circle.
    for _ in 0..=graph.node.len() {
        let found = graph.node.iter().find(|node| node.output.iter().any(|output| output == name));
        match found {
            Some(node) if node.op_type == "Identity" || is_float_cast(node) => name = first_input(node)?,
            Some(node) => return Ok(node),
            None => break,
        }
    }
    Err(OnnxError::Unusable(format!("does not compute {name:?} by a layer")))
}

fn is_float_cast(node: &NodeProto) -> bool {
    let to = node.attribute.iter().find(|attribute| attribute.name == "to").map(|attribute| attribute.i);
    node.op_type == "Cast" && to == Some(DataType::Float as i64)
}

pub(super) fn first_input(node: &NodeProto) -> Result<&str, OnnxError> {
    let first = node.input.first().map(String::as_str);
    first.ok_or_else(|| OnnxError::Unusable(format!("has a {} without input", node.op_type)))
}

pub(super) fn gemm(graph: &GraphProto, node: &NodeProto) -> Result<LastLayer, OnnxError> {
    let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let number = |name: &str| attribute(name).map_or(1.0, |attribute| attribute.f);
    if attribute("transA").is_some_and(|attribute| attribute.i != 0) || number("alpha") != 1.0 || number("beta") != 1.0
    {
        return Err(not_linear("a Gemm that scales or turns its input"));
    }
    let is_turned = attribute("transB").is_some_and(|attribute| attribute.i != 0);
    let bias = node.input.get(2).filter(|name| !name.is_empty());
    let bias =
        bias.map(|name| tensor(graph, name).ok_or_else(|| not_linear("a Gemm of a computed bias"))).transpose()?;
    layer(graph, node, bias, is_turned)
}

fn matmul(graph: &GraphProto, node: &NodeProto, bias: Option<&TensorProto>) -> Result<LastLayer, OnnxError> {
    layer(graph, node, bias, false)
}

/// Reads the weights: `[embedding, classes]`, or `[classes, embedding]` if they are turned.
fn layer(
    graph: &GraphProto,
    node: &NodeProto,
    bias: Option<&TensorProto>,
    is_turned: bool,
) -> Result<LastLayer, OnnxError> {
    let name = node.input.get(1).map_or("", String::as_str);
    if let Some((steps, whole)) = in_steps(graph, name).filter(|_| is_turned) {
        let (outputs, inputs) = (steps.outputs.len(), steps.inputs.len());
        let bias = bias_of(bias, outputs)?;
        let weights = steps.weights(&whole);
        // What somebody else wrote may have −128 steps, which would not be written back.
        let steps = steps.are_of(&weights, &whole).then_some(steps);
        let layer = LinearLayer { inputs, outputs, weights, bias, steps };
        return Ok(LastLayer { input: first_input(node)?.to_owned(), layer });
    }
    let weights = tensor(graph, name).ok_or_else(|| not_linear("a layer of computed weights"))?;
    let numbers = floats(weights)?;
    let sides: Vec<usize> = weights.dims.iter().filter_map(|side| usize::try_from(*side).ok()).collect();
    let [rows, columns] = sides[..] else { return Err(not_linear("weights that are no matrix")) };
    if rows.saturating_mul(columns) != numbers.len() || numbers.is_empty() || numbers.len() > MOST_WEIGHTS {
        return Err(OnnxError::Unusable(format!("has {} weights for a layer of {rows} × {columns}", numbers.len())));
    }
    let (classes, embedding) = if is_turned { (rows, columns) } else { (columns, rows) };
    let weights = if is_turned {
        numbers
    } else {
        (0..numbers.len()).map(|i| numbers[i % embedding * classes + i / embedding]).collect()
    };
    let bias = bias_of(bias, classes)?;
    let layer = LinearLayer { inputs: embedding, outputs: classes, weights, bias, steps: None };
    Ok(LastLayer { input: first_input(node)?.to_owned(), layer })
}

fn bias_of(bias: Option<&TensorProto>, outputs: usize) -> Result<Vec<f32>, OnnxError> {
    let bias = bias.map_or_else(|| Ok(vec![0.0; outputs]), floats)?;
    if bias.len() != outputs {
        return Err(OnnxError::Unusable(format!("has a bias of {} numbers for {outputs} classes", bias.len())));
    }
    Ok(bias)
}

/// Weights in 8 bits, as heads of ours have them: whole numbers `[outputs, inputs]`, made floats, times the steps of the
/// outputs `[outputs, 1]`, times those of the inputs `[1, inputs]`.
fn in_steps(graph: &GraphProto, weights: &str) -> Option<(Steps, Vec<i8>)> {
    let product = |name: &str| {
        let node = producer(graph, name).ok().filter(|node| node.op_type == "Mul")?;
        Some((node.input.first()?.as_str(), tensor(graph, node.input.get(1)?)?))
    };
    let (rows, by_input) = product(weights)?;
    let (whole, by_output) = product(rows)?;
    let cast = graph.node.iter().find(|node| node.output.iter().any(|output| output == whole))?;
    let whole = tensor(graph, cast.input.first()?).filter(|_| is_float_cast(cast))?;
    let (outputs, inputs) = (floats(by_output).ok()?, floats(by_input).ok()?);
    let shapes =
        [(whole, [outputs.len(), inputs.len()]), (by_output, [outputs.len(), 1]), (by_input, [1, inputs.len()])];
    let is_of = |tensor: &TensorProto, shape: [usize; 2]| tensor.dims == shape.map(|side| side as i64);
    let fits = shapes.into_iter().all(|(tensor, shape)| is_of(tensor, shape))
        && whole.data_type == DataType::Int8 as i32
        && whole.raw_data.len() == outputs.len().saturating_mul(inputs.len())
        && (1..=MOST_WEIGHTS).contains(&whole.raw_data.len())
        && outputs.iter().chain(&inputs).all(|step| step.is_normal() && *step > 0.0);
    let whole = whole.raw_data.iter().map(|x| x.cast_signed()).collect();
    fits.then_some((Steps { outputs, inputs }, whole))
}

/// A constant tensor, kept as such or given by a `Constant` node.
fn tensor<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a TensorProto> {
    let kept = graph.initializer.iter().find(|tensor| tensor.name == name);
    kept.or_else(|| {
        let node = producer(graph, name).ok().filter(|node| node.op_type == "Constant")?;
        node.attribute.iter().find_map(|attribute| attribute.t.as_ref())
    })
    .or_else(|| {
        let copied =
            graph.node.iter().find(|node| node.op_type == "Identity" && node.output.iter().any(|o| o == name))?;
        graph.initializer.iter().find(|tensor| Some(&tensor.name) == copied.input.first())
    })
}

fn floats(tensor: &TensorProto) -> Result<Vec<f32>, OnnxError> {
    if tensor.data_type != DataType::Float as i32 {
        return Err(OnnxError::Unusable(format!("keeps {:?} in other numbers than 32-bit floats", tensor.name)));
    }
    if tensor.raw_data.is_empty() {
        return Ok(tensor.float_data.clone());
    }
    let (numbers, rest) = tensor.raw_data.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(OnnxError::Unusable(format!("has a tensor {:?} that is cut off", tensor.name)));
    }
    Ok(numbers.iter().map(|x| f32::from_le_bytes(*x)).collect())
}

/// The part of a graph that computes one tensor.
fn prune(graph: &GraphProto, output: &str) -> GraphProto {
    let mut needed: HashSet<String> = HashSet::from([output.to_owned()]);
    // Nodes come in the order in which they run, so one pass from the end finds all that are needed.
    let mut kept: Vec<NodeProto> = Vec::new();
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|output| needed.contains(output)) {
            read_by(node, &mut needed);
            kept.push(node.clone());
        }
    }
    kept.reverse();
    let mut pruned = graph.clone();
    pruned.node = kept;
    pruned.initializer.retain(|tensor| needed.contains(&tensor.name));
    pruned.sparse_initializer.retain(|sparse| sparse.values.as_ref().is_some_and(|v| needed.contains(&v.name)));
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    pruned.input.retain(|input| needed.contains(&input.name) || !is_constant(&input.name));
    pruned
        .quantization_annotation
        .retain(|annotation| annotation.tensor_name.as_ref().is_some_and(|name| needed.contains(name)));
    pruned
}

/// Adds what a node reads, graphs within it included.
fn read_by(node: &NodeProto, needed: &mut HashSet<String>) {
    needed.extend(node.input.iter().filter(|name| !name.is_empty()).cloned());
    for inner in node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)) {
        inner.node.iter().for_each(|node| read_by(node, needed));
        needed.extend(inner.output.iter().map(|output| output.name.clone()));
    }
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::ModelProto;

    use super::*;
    use crate::bundle::InputSpec;
    use crate::infer::{Backbone, Head, golden};
    use crate::onnx::build::{constant, int, ints, node};
    use crate::onnx::{inspect, merge, tiny_backbone, write_head};

    const WEIGHTS: [f32; 12] = [0.5, -0.25, 1.0, 0.0, -0.5, 0.75, 0.0, 2.0, 0.125, 0.0, -1.0, 0.5];
    const BIAS: [f32; 3] = [0.1, -0.1, 0.3];

    fn whole() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (backbone, head) = (tiny_backbone(3, 16, 4), write_head(&WEIGHTS, &BIAS, 3, 4));
        (merge(&backbone, &head).expect("merges"), backbone, head)
    }

    fn answers(backbone: &[u8], head: &[u8]) -> Vec<Vec<f32>> {
        let spec = InputSpec::square(16);
        let backbone = Backbone::load(backbone, &spec).expect("loads");
        let head = Head::load(head, 4, 3).expect("loads");
        let images = golden::images(&spec);
        images.iter().map(|i| head.probabilities(&backbone.embed(i).expect("runs")).expect("runs")).collect()
    }

    fn check(onnx: &[u8]) {
        let (_, backbone, head) = whole();
        let parts = split(onnx).expect("is cut");
        assert_eq!((parts.embedding, parts.classes), (4, 3));
        for (found, expected) in answers(&parts.backbone, &parts.head).iter().zip(answers(&backbone, &head)) {
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
        }
    }

    /// The merged network with another end.
    fn with_end(end: impl Fn(&mut GraphProto)) -> Vec<u8> {
        let mut model = ModelProto::decode(whole().0.as_slice()).expect("decodes");
        end(model.graph.as_mut().expect("has a graph"));
        model.encode_to_vec()
    }

    fn drop_head(graph: &mut GraphProto) {
        graph.node.retain(|node| !["Gemm", "Softmax"].contains(&node.op_type.as_str()));
        graph.initializer.retain(|tensor| !tensor.name.starts_with("head/"));
    }

    #[test]
    fn what_was_merged_is_cut_again() {
        check(&whole().0);
    }

    #[test]
    fn the_end_may_be_written_in_other_ways() {
        // [4, 3]: as TensorFlow keeps a dense layer.
        let turned: Vec<f32> = (0..12).map(|i| WEIGHTS[i % 3 * 4 + i / 3]).collect();
        check(&with_end(|graph| {
            drop_head(graph);
            graph.initializer.extend([constant("kernel", &[4, 3], &turned), constant("b", &[3], &BIAS)]);
            graph.node.extend([
                node("MatMul", &["embedding", "kernel"], "product", vec![]),
                node("Add", &["b", "product"], "sum", vec![]),
                node("Identity", &["sum"], "logits", vec![]),
                node("Softmax", &["logits"], "probabilities", vec![int("axis", 1)]),
            ]);
        }));
        check(&with_end(|graph| {
            graph.node.retain(|node| node.op_type != "Softmax");
            graph.output[0].name = graph.node.last().expect("a Gemm").output[0].clone();
        }));
    }

    #[test]
    fn weights_in_8_bits_stay_so_unless_they_would_not_be_written_back() {
        let mut layer =
            LinearLayer { inputs: 4, outputs: 3, weights: WEIGHTS.to_vec(), bias: BIAS.to_vec(), steps: None };
        layer.round(&[1.0, 0.1, 3.0, 1.0]);
        let head = write_layers(&[layer]);
        let joined = |by_hand: &dyn Fn(&mut GraphProto)| {
            with_end(|graph| {
                drop_head(graph);
                let mut tail = graph_of(&head);
                by_hand(&mut tail);
                for node in &mut tail.node {
                    // The end is joined as it is: `merge` would make the weights floats.
                    node.input.iter_mut().filter(|name| *name == "embedding").for_each(|name| {
                        graph.node.last().expect("a backbone").output[0].clone_into(name);
                    });
                }
                graph.node.append(&mut tail.node);
                graph.initializer.append(&mut tail.initializer);
                graph.output = tail.output;
            })
        };
        let parts = split(&joined(&|_| ())).expect("is cut");
        assert_eq!(parts.head, head, "byte for byte");
        let parts = split(&joined(&|tail| tail.initializer[0].raw_data[0] = 128)).expect("is cut");
        assert!(parts.head.len() < head.len(), "floats, whose file has fewer parts: {}", parts.head.len());
        let found = super::super::read_layers(&parts.head).expect("a head of ours");
        assert!(found[0].steps.is_none() && found[0].weights[0] < 0.0, "{found:?}");
        let cut = split(&joined(&|tail| tail.initializer[0].raw_data.truncate(5))).expect_err("weights are missing");
        assert!(cut.to_string().contains("computed weights"), "{cut}");
    }

    fn graph_of(onnx: &[u8]) -> GraphProto {
        ModelProto::decode(onnx).expect("decodes").graph.expect("has a graph")
    }

    #[test]
    fn channels_may_come_last() {
        let channels_last = with_end(|graph| {
            let image = graph.input[0].name.clone();
            graph.node.insert(0, node("Transpose", &["nhwc"], &image, vec![ints("perm", &[0, 3, 1, 2])]));
            graph.input[0] = value("nhwc", &[Dim::Any("N"), Dim::Size(16), Dim::Size(16), Dim::Size(3)]);
        });
        check(&channels_last);
        let parts = split(&channels_last).expect("is cut");
        assert_eq!(inspect(&parts.backbone).expect("whole").image_size(), Some((16, 16)));
    }

    #[test]
    fn what_cannot_be_cut_is_named() {
        let sigmoid = with_end(|graph| graph.node.last_mut().expect("a Softmax").op_type = "Sigmoid".into());
        let error = split(&sigmoid).expect_err("no linear layer at the end").to_string();
        assert!(error.contains("ends with Sigmoid"), "{error}");
        let error = split(&tiny_backbone(1, 16, 4)).expect_err("a backbone alone").to_string();
        assert!(error.contains("ends with Flatten"), "{error}");
        let short = with_end(|graph| {
            let weights = graph.initializer.iter_mut().find(|t| t.name == "head/weights").expect("weights");
            weights.raw_data.truncate(8);
        });
        let error = split(&short).expect_err("weights are missing").to_string();
        assert!(error.contains("2 weights for a layer of 3 × 4"), "{error}");
        assert!(matches!(split(b"no network"), Err(OnnxError::Malformed(_) | OnnxError::Unusable(_))));
    }
}
