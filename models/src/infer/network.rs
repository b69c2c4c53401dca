//! One network in one of the runtimes, with the checks that none of them makes. Which runtime, the file says: ONNX
//! runs in tract, TFLite in LiteRT, where the build has it (feature `litert`).

use super::engine::{Engine, EngineError};
use super::tract::Tract;
use super::{InferError, LoadError};

/// A TFLite file is a flatbuffer with this at its fourth byte.
const TFLITE: &[u8] = b"TFL3";

/// A network with one input of a fixed shape and one output.
#[derive(Debug)]
pub(super) struct Network {
    part: &'static str,
    engine: Box<dyn Engine>,
    input: Vec<usize>,
}

impl Network {
    /// Loads a network and fixes its input to `input`, f32.
    pub(super) fn load(part: &'static str, bytes: &[u8], input: &[usize]) -> Result<Self, LoadError> {
        let engine = load(bytes, input).map_err(|error| match error {
            EngineError::Network(reason) => LoadError::Network { part, reason },
            EngineError::Shape(problem) => LoadError::Shape { part, problem },
        })?;
        Ok(Self { part, engine, input: input.to_vec() })
    }

    /// The shape of what it gives.
    pub(super) fn output(&self) -> &[usize] {
        self.engine.output()
    }

    /// Runs the network on one input, whose values are given row by row.
    pub(super) fn run(&self, input: &[f32]) -> Result<Vec<f32>, InferError> {
        let part = self.part;
        if input.len() != self.input.iter().product::<usize>() {
            return Err(InferError(format!("{part}: {} numbers for an input {:?}", input.len(), self.input)));
        }
        let output = self.engine.run(input).map_err(|reason| InferError(format!("{part}: {reason}")))?;
        match output.iter().find(|x| !x.is_finite()) {
            Some(x) => Err(InferError(format!("{part}: it gave {x}"))),
            None => Ok(output),
        }
    }
}

/// Loads a network that takes `input`.
fn load(bytes: &[u8], input: &[usize]) -> Result<Box<dyn Engine>, EngineError> {
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
