//! The head as an ONNX file: a linear layer and a softmax.

use prost::Message;
use tract_onnx::pb::GraphProto;

use super::build::{Dim, constant, int, model, node, value};

/// Writes a head: `embedding` `[N, embedding]` → `probabilities` `[N, classes]`, a Gemm and a
/// Softmax. `weights` is `[classes, embedding]`, row by row.
///
/// # Panics
/// If `weights` or `bias` have another size.
#[must_use]
pub fn write_head(weights: &[f32], bias: &[f32], classes: usize, embedding: usize) -> Vec<u8> {
    let graph = GraphProto {
        name: "head".into(),
        input: vec![value("embedding", &[Dim::Any("N"), Dim::Size(embedding)])],
        output: vec![value("probabilities", &[Dim::Any("N"), Dim::Size(classes)])],
        initializer: vec![constant("weights", &[classes, embedding], weights), constant("bias", &[classes], bias)],
        node: vec![
            node("Gemm", &["embedding", "weights", "bias"], "logits", vec![int("transB", 1)]),
            node("Softmax", &["logits"], "probabilities", vec![int("axis", 1)]),
        ],
        ..GraphProto::default()
    };
    model(graph).encode_to_vec()
}
