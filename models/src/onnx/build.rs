//! The pieces of which graphs are put together.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};

use super::{IR_VERSION, OPSET};

/// One dimension of an input or output: a size, or a name for any size.
#[derive(Clone, Copy)]
pub(super) enum Dim {
    Size(usize),
    Any(&'static str),
}

pub(super) fn value(name: &str, shape: &[Dim]) -> ValueInfoProto {
    let dim = shape
        .iter()
        .map(|dim| Dimension {
            value: Some(match *dim {
                Dim::Size(size) => dimension::Value::DimValue(size as i64),
                Dim::Any(name) => dimension::Value::DimParam(name.into()),
            }),
            ..Dimension::default()
        })
        .collect();
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

/// A constant. Panics if `data` has another size than `shape`.
pub(super) fn constant(name: &str, shape: &[usize], data: &[f32]) -> TensorProto {
    assert_eq!(shape.iter().product::<usize>(), data.len(), "{name} must be {shape:?}");
    tensor(name, shape, DataType::Float, data.iter().flat_map(|x| x.to_le_bytes()).collect())
}

/// A constant of whole numbers in 8 bits. Panics if `data` has another size than `shape`.
pub(super) fn bytes(name: &str, shape: &[usize], data: &[i8]) -> TensorProto {
    assert_eq!(shape.iter().product::<usize>(), data.len(), "{name} must be {shape:?}");
    tensor(name, shape, DataType::Int8, data.iter().map(|x| x.cast_unsigned()).collect())
}

fn tensor(name: &str, shape: &[usize], of: DataType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: of as i32,
        raw_data,
        ..TensorProto::default()
    }
}

pub(super) fn node(op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        name: output.into(),
        op_type: op.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        attribute,
        ..NodeProto::default()
    }
}

pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i, ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: ints.to_vec(),
        ..AttributeProto::default()
    }
}

pub(super) fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "pilah".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        ..ModelProto::default()
    }
}
