//! The runtimes behind one trait, and the choice between them, which the file makes: ONNX runs in tract,
//! TFLite in LiteRT, where the build has it (feature `litert`).

use super::tract::Tract;

/// A TFLite file is a flatbuffer with this at its fourth byte.
const TFLITE: &[u8] = b"TFL3";

/// A network that is loaded: one input, one output, both of fixed shapes and, seen from here, of f32s row
/// by row. It may be used from many threads; some runtimes let them wait for each other.
pub(super) trait Engine: std::fmt::Debug + Send + Sync {
    /// The shape of what it gives.
    fn output(&self) -> &[usize];

    /// Runs it on one input, which has the right length.
    fn run(&self, input: &[f32]) -> Result<Vec<f32>, String>;
}

/// A file that a runtime does not take.
#[derive(Debug)]
pub(super) enum EngineError {
    /// What the runtime says.
    Network(String),
    /// Its shapes are others, with what it does.
    Shape(String),
}

/// Loads a network that takes `input`.
pub(super) fn load(bytes: &[u8], input: &[usize]) -> Result<Box<dyn Engine>, EngineError> {
    if bytes.get(4..8) == Some(TFLITE) { load_tflite(bytes, input) } else { Ok(Box::new(Tract::load(bytes, input)?)) }
}

#[cfg(feature = "litert")]
fn load_tflite(bytes: &[u8], input: &[usize]) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(super::litert::Litert::load(bytes, input)?))
}

#[cfg(not(feature = "litert"))]
fn load_tflite(_: &[u8], _: &[usize]) -> Result<Box<dyn Engine>, EngineError> {
    Err(EngineError::Network("it is a TFLite file, for which this program was built without the feature litert".into()))
}
