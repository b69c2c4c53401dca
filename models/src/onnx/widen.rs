//! Half precision made single: the runtime computes it many times slower, and not all of it.
//!
//! Every number of 16 bits is one of 32 as well, so nothing is lost but the size of the file.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, TensorProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::f16;

use super::{OnnxError, walk};

const HALF: i32 = DataType::Float16 as i32;
const SINGLE: i32 = DataType::Float as i32;

/// Attributes that name a type of numbers.
const TYPES: [&str; 3] = ["to", "dtype", "output_dtype"];

/// Widens all that is half precision in a graph. `true` if anything was.
pub(super) fn widen(graph: &mut GraphProto) -> Result<bool, OnnxError> {
    let mut any = false;
    walk::tensors(graph, &mut |tensor| {
        if tensor.data_type == HALF {
            any = true;
            *tensor = widened(tensor)?;
        }
        Ok(())
    })?;
    walk::nodes(graph, &mut |node| {
        for attribute in &mut node.attribute {
            if TYPES.contains(&attribute.name.as_str()) && attribute.i == i64::from(HALF) {
                any = true;
                attribute.i = i64::from(SINGLE);
            }
        }
        Ok(())
    })?;
    walk::graphs(graph, &mut |graph| {
        for value in graph.input.iter_mut().chain(&mut graph.output) {
            any |= widen_value(value);
        }
        Ok(())
    })?;
    Ok(any)
}

fn widened(tensor: &TensorProto) -> Result<TensorProto, OnnxError> {
    let bits: Vec<u16> = if tensor.raw_data.is_empty() {
        // As ONNX has it: the 16 bits of each number in the lower half of one of 32.
        tensor.int32_data.iter().map(|x| *x as u16).collect()
    } else {
        let (numbers, rest) = tensor.raw_data.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(OnnxError::Unusable(format!("has a tensor {:?} that is cut off", tensor.name)));
        }
        numbers.iter().map(|x| u16::from_le_bytes(*x)).collect()
    };
    let raw_data = bits.into_iter().flat_map(|bits| f16::from_bits(bits).to_f32().to_le_bytes()).collect();
    Ok(TensorProto { data_type: SINGLE, raw_data, int32_data: Vec::new(), ..tensor.clone() })
}

fn widen_value(value: &mut ValueInfoProto) -> bool {
    match value.r#type.as_mut().and_then(|kind| kind.value.as_mut()) {
        Some(type_proto::Value::TensorType(tensor)) if tensor.elem_type == HALF => {
            tensor.elem_type = SINGLE;
            true
        }
        _ => false,
    }
}
