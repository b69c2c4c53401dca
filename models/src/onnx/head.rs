//! The head as an ONNX file: one or two linear layers, ReLU between them, and a softmax.
//!
//! Weights are 32-bit floats, or bytes ([`Steps`]) that the file says how to make floats of: a Cast and two Muls, which
//! tract and ONNX Runtime compute once, when they load it. `DequantizeLinear` would say the same, but only from
//! operator set 13 on, and ONNX Runtime computes it at each run.

use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::build::{Dim, bytes, constant, int, model, node, value};
use super::split::{first_input, gemm, producer};
use super::{OnnxError, Steps, graph, interface, parse};

/// A linear layer: y = W·x + b.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearLayer {
    /// How many numbers go in.
    pub inputs: usize,
    /// How many come out.
    pub outputs: usize,
    /// `[outputs, inputs]`, row by row.
    pub weights: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
    /// What each weight is a whole number of, if they are kept in 8 bits.
    pub steps: Option<Steps>,
}

/// Writes a head: `embedding` `[N, embedding]` → `probabilities` `[N, classes]`, a Gemm and a
/// Softmax. `weights` is `[classes, embedding]`, row by row.
///
/// # Panics
/// If `weights` or `bias` have another size.
#[must_use]
pub fn write_head(weights: &[f32], bias: &[f32], classes: usize, embedding: usize) -> Vec<u8> {
    let (weights, bias) = (weights.to_vec(), bias.to_vec());
    write_layers(&[LinearLayer { inputs: embedding, outputs: classes, weights, bias, steps: None }])
}

/// Writes a head of one or more layers: `embedding` `[N, embedding]` → a Gemm each, a Relu between
/// two, a Softmax at the end → `probabilities` `[N, classes]`.
///
/// # Panics
/// If there is no layer, one does not take what the one before it gives, weights or bias have
/// another size than the layer says, or weights in 8 bits are no whole numbers of steps.
#[must_use]
pub fn write_layers(layers: &[LinearLayer]) -> Vec<u8> {
    let (first, last) = (layers.first().expect("a head has a layer"), layers.last().expect("a head has a layer"));
    assert!(layers.windows(2).all(|pair| pair[0].outputs == pair[1].inputs), "each layer takes what the last gives");
    let (mut initializer, mut nodes) = (Vec::new(), Vec::new());
    let mut input = "embedding".to_owned();
    for (index, layer) in layers.iter().enumerate() {
        let is_last = index + 1 == layers.len();
        // A head of one layer is written as it always was.
        let name = |what: &str| if layers.len() == 1 { what.to_owned() } else { format!("{what}{}", index + 1) };
        let (weights, bias) = (name("weights"), name("bias"));
        let output = if is_last { "logits".to_owned() } else { name("hidden") };
        write_weights(layer, &weights, &name, &mut initializer, &mut nodes);
        initializer.push(constant(&bias, &[layer.outputs], &layer.bias));
        nodes.push(node("Gemm", &[&input, &weights, &bias], &output, vec![int("transB", 1)]));
        if !is_last {
            let active = name("active");
            nodes.push(node("Relu", &[&output], &active, vec![]));
            input = active;
        }
    }
    nodes.push(node("Softmax", &["logits"], "probabilities", vec![int("axis", 1)]));
    let graph = GraphProto {
        name: "head".into(),
        input: vec![value("embedding", &[Dim::Any("N"), Dim::Size(first.inputs)])],
        output: vec![value("probabilities", &[Dim::Any("N"), Dim::Size(last.outputs)])],
        initializer,
        node: nodes,
        ..GraphProto::default()
    };
    model(graph).encode_to_vec()
}

/// Writes the weights of a layer, as floats or as what these are computed from.
fn write_weights(
    layer: &LinearLayer,
    weights: &str,
    name: &impl Fn(&str) -> String,
    initializer: &mut Vec<TensorProto>,
    nodes: &mut Vec<NodeProto>,
) {
    let LinearLayer { inputs, outputs, .. } = *layer;
    let Some((Steps { outputs: of_outputs, inputs: of_inputs }, whole)) = layer.in_steps() else {
        initializer.push(constant(weights, &[outputs, inputs], &layer.weights));
        return;
    };
    let [steps, by_output, by_input, floats, rows] = ["steps", "by_output", "by_input", "floats", "rows"].map(name);
    initializer.extend([
        bytes(&steps, &[outputs, inputs], &whole),
        constant(&by_output, &[outputs, 1], of_outputs),
        constant(&by_input, &[1, inputs], of_inputs),
    ]);
    nodes.extend([
        node("Cast", &[&steps], &floats, vec![int("to", DataType::Float as i64)]),
        node("Mul", &[&floats, &by_output], &rows, vec![]),
        node("Mul", &[&rows, &by_input], weights, vec![]),
    ]);
}

/// Reads a head as [`write_layers`] writes it, of either kind.
///
/// # Errors
/// It is no ONNX file, or another network; the error says what was found there.
pub fn read_layers(onnx: &[u8]) -> Result<Vec<LinearLayer>, OnnxError> {
    let model = parse(onnx)?;
    let graph = graph(&model)?;
    let ends = interface(graph)?;
    let node = |name: &str, kind: &str| match producer(graph, name)? {
        node if node.op_type == kind => Ok(node),
        other => Err(OnnxError::Unusable(format!("has {} where a head has {kind}", other.op_type))),
    };
    let mut layers = Vec::new();
    let mut before = first_input(node(&ends.output, "Softmax")?)?;
    // Each turn goes to another node, or the graph has a circle.
    for _ in 0..graph.node.len() {
        let last = gemm(graph, node(before, "Gemm")?)?;
        layers.insert(0, last.layer);
        if last.input == ends.input {
            return Ok(layers);
        }
        before = first_input(node(&last.input, "Relu")?)?;
    }
    Err(OnnxError::Unusable("goes round in a circle".into()))
}

/// The same head with its weights as floats: what the runtimes of others take, whatever they know of bytes. Any other
/// network is left as it is.
pub(super) fn with_floats(onnx: &[u8]) -> Option<Vec<u8>> {
    let mut layers = read_layers(onnx).ok()?;
    layers.iter().any(|layer| layer.steps.is_some()).then(|| {
        layers.iter_mut().for_each(|layer| layer.steps = None);
        write_layers(&layers)
    })
}
