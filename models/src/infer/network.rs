//! One ONNX network in tract: parsed, shaped, optimised, ready to run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{InferError, LoadError};
use crate::onnx::{graph, interface, parse};

/// A network with one input of a fixed shape and one output.
#[derive(Debug)]
pub(super) struct Network {
    part: &'static str,
    plan: Arc<TypedRunnableModel>,
    input: TVec<usize>,
    output: Vec<usize>,
}

impl Network {
    /// Loads a network and fixes its input to `input`, f32.
    pub(super) fn load(part: &'static str, bytes: &[u8], input: &[usize]) -> Result<Self, LoadError> {
        let broken = |reason: String| LoadError::Network { part, reason };
        // The parser of the runtime trusts its input and may panic on what it did not expect.
        let planned = catch_unwind(AssertUnwindSafe(|| plan(bytes, input)));
        let plan = match planned {
            Ok(planned) => planned.map_err(|error| broken(format!("{error:#}")))?,
            Err(_) => return Err(broken("the runtime gave up on it".into())),
        };
        let fact = plan.model().output_fact(0).map_err(|error| broken(format!("{error:#}")))?;
        let shape = fact.shape.as_concrete().map(<[usize]>::to_vec);
        match shape {
            Some(output) if fact.datum_type == f32::datum_type() => {
                Ok(Self { part, plan, input: input.into(), output })
            }
            _ => Err(LoadError::Shape { part, problem: format!("gives {fact:?}, not 32-bit floats of a known shape") }),
        }
    }

    /// The shape of what it gives.
    pub(super) fn output(&self) -> &[usize] {
        &self.output
    }

    /// Runs the network on one input, whose values are given row by row.
    pub(super) fn run(&self, input: &[f32]) -> Result<Vec<f32>, InferError> {
        let part = self.part;
        let failed = |error: TractError| InferError(format!("{part}: {error:#}"));
        if input.len() != self.input.iter().product::<usize>() {
            return Err(InferError(format!("{part}: {} numbers for an input {:?}", input.len(), self.input)));
        }
        let input = Tensor::from_shape(&self.input, input).map_err(failed)?;
        let outputs = self.plan.run(tvec!(input.into_tvalue())).map_err(failed)?;
        let view = outputs[0].try_as_plain_ram().map_err(failed)?;
        let output = view.as_slice::<f32>().map_err(failed)?.to_vec();
        match output.iter().find(|x| !x.is_finite()) {
            Some(x) => Err(InferError(format!("{part}: it gave {x}"))),
            None => Ok(output),
        }
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
