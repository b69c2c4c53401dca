//! One ONNX network in tract: parsed, shaped, optimised, ready to run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::engine::{Engine, EngineError};
use crate::onnx::{graph, interface, parse};

/// An ONNX network.
#[derive(Debug)]
pub(super) struct Tract {
    plan: Arc<TypedRunnableModel>,
    input: TVec<usize>,
    output: Vec<usize>,
}

impl Tract {
    /// Loads a network and fixes its input to `input`, f32.
    pub(super) fn load(bytes: &[u8], input: &[usize]) -> Result<Self, EngineError> {
        // The parser of the runtime trusts its input and may panic on what it did not expect.
        let planned = catch_unwind(AssertUnwindSafe(|| plan(bytes, input)));
        let plan = match planned {
            Ok(planned) => planned.map_err(|error| EngineError::Network(format!("{error:#}")))?,
            Err(_) => return Err(EngineError::Network("the runtime gave up on it".into())),
        };
        let fact = plan.model().output_fact(0).map_err(|error| EngineError::Network(format!("{error:#}")))?;
        let shape = fact.shape.as_concrete().map(<[usize]>::to_vec);
        match shape {
            Some(output) if fact.datum_type == f32::datum_type() => Ok(Self { plan, input: input.into(), output }),
            _ => Err(EngineError::Shape(format!("gives {fact:?}, not 32-bit floats of a known shape"))),
        }
    }
}

impl Engine for Tract {
    fn output(&self) -> &[usize] {
        &self.output
    }

    fn run(&self, input: &[f32]) -> Result<Vec<f32>, String> {
        let run = || -> TractResult<Vec<f32>> {
            let input = Tensor::from_shape(&self.input, input)?;
            let outputs = self.plan.run(tvec!(input.into_tvalue()))?;
            let view = outputs[0].try_as_plain_ram()?;
            Ok(view.as_slice::<f32>()?.to_vec())
        };
        run().map_err(|error| format!("{error:#}"))
    }
}

fn plan(bytes: &[u8], input: &[usize]) -> TractResult<Arc<TypedRunnableModel>> {
    let proto = parse(bytes)?;
    interface(graph(&proto)?)?;
    onnx()
        .with_ignore_value_info(true)
        .model_for_proto_model(&proto)?
        .with_input_fact(0, f32::fact(input).into())?
        .into_optimized()?
        .into_runnable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{LinearLayer, write_layers};

    /// What a plan is made of.
    fn kinds(onnx: &[u8]) -> Vec<String> {
        let plan = Tract::load(onnx, &[1, 6]).expect("loads").plan;
        plan.model().nodes().iter().map(|node| node.op().name().to_string()).collect()
    }

    #[test]
    fn weights_in_8_bits_are_made_floats_when_they_are_loaded() {
        let layer = |inputs: usize, outputs: usize| {
            let weights = (0..inputs * outputs).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
            LinearLayer { inputs, outputs, weights, bias: vec![0.1; outputs], steps: None }
        };
        let mut layers = [layer(6, 5), layer(5, 3)];
        let floats = kinds(&write_layers(&layers));
        layers.iter_mut().for_each(|layer| layer.round(&vec![1.0; layer.inputs]));
        assert_eq!(kinds(&write_layers(&layers)), floats, "each run computes what it always did");
    }
}
