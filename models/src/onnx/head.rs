//! The head as an ONNX file: one or two linear layers, ReLU between them, and a softmax.

use prost::Message;
use tract_onnx::pb::GraphProto;

use super::build::{Dim, constant, int, model, node, value};

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
}

/// Writes a head: `embedding` `[N, embedding]` → `probabilities` `[N, classes]`, a Gemm and a
/// Softmax. `weights` is `[classes, embedding]`, row by row.
///
/// # Panics
/// If `weights` or `bias` have another size.
#[must_use]
pub fn write_head(weights: &[f32], bias: &[f32], classes: usize, embedding: usize) -> Vec<u8> {
    let (weights, bias) = (weights.to_vec(), bias.to_vec());
    write_layers(&[LinearLayer { inputs: embedding, outputs: classes, weights, bias }])
}

/// Writes a head of one or more layers: `embedding` `[N, embedding]` → a Gemm each, a Relu between
/// two, a Softmax at the end → `probabilities` `[N, classes]`.
///
/// # Panics
/// If there is no layer, one does not take what the one before it gives, or weights or bias have
/// another size than the layer says.
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
        initializer.push(constant(&weights, &[layer.outputs, layer.inputs], &layer.weights));
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
