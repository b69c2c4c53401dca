//! A backbone of random weights, for tests and first runs: one strided convolution, ReLU, and the
//! mean over the picture. It knows nothing of waste, but what it computes of an image (colour and
//! coarse texture) tells simple pictures apart, and it loads and runs in well under a millisecond.

use prost::Message;
use tract_onnx::pb::GraphProto;

use super::build::{Dim, constant, ints, model, node, value};

/// Kernel and stride of the convolution, in pixels.
const PATCH: usize = 4;

/// Writes a backbone `image` `[1, 3, side, side]` → `embedding` `[1, embedding]` with weights drawn
/// from `seed`: the same arguments give the same bytes on every machine.
///
/// # Panics
/// If `side` is less than 4 or `embedding` is 0.
#[must_use]
pub fn tiny_backbone(seed: u64, side: u32, embedding: usize) -> Vec<u8> {
    let side = side as usize;
    assert!(side >= PATCH && embedding > 0, "a side of 4 pixels or more and an embedding of 1 or more");
    let mut state = seed;
    let mut draw = |count: usize, scale: f32| -> Vec<f32> { (0..count).map(|_| uniform(&mut state) * scale).collect() };
    // Uniform within ±√(3 / inputs) keeps the variance of what goes in.
    let inputs = 3 * PATCH * PATCH;
    let kernel = draw(embedding * inputs, (3.0 / inputs as f32).sqrt());
    let bias = draw(embedding, 0.5);
    let patch = PATCH as i64;
    let convolution = vec![ints("kernel_shape", &[patch, patch]), ints("strides", &[patch, patch])];
    let graph = GraphProto {
        name: "tiny_backbone".into(),
        input: vec![value("image", &[Dim::Size(1), Dim::Size(3), Dim::Size(side), Dim::Size(side)])],
        output: vec![value("embedding", &[Dim::Size(1), Dim::Size(embedding)])],
        initializer: vec![
            constant("kernel", &[embedding, 3, PATCH, PATCH], &kernel),
            constant("bias", &[embedding], &bias),
        ],
        node: vec![
            node("Conv", &["image", "kernel", "bias"], "patches", convolution),
            node("Relu", &["patches"], "active", vec![]),
            node("GlobalAveragePool", &["active"], "mean", vec![]),
            node("Flatten", &["mean"], "embedding", vec![super::build::int("axis", 1)]),
        ],
        ..GraphProto::default()
    };
    model(graph).encode_to_vec()
}

/// The next number in −1 to 1, by SplitMix64 (Steele, Lea and Flood, 2014).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    // The upper 24 bits fill an f32's fraction.
    (z >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
}
