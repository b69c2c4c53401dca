//! A classifier by brightness, `dark` or `bright`, written in all the ways in which others write theirs: for tests
//! of what comes from elsewhere. Whoever scales its pixels wrongly sees it at once.

use prost::Message;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};
use tract_onnx::prelude::f16;

use super::build::{Dim, constant, int, ints, model, node, value};
use crate::bundle::Scaling;

/// How it is written.
#[derive(Debug, Clone)]
pub struct Brightness {
    /// How it takes its pixels.
    pub scaling: Scaling,
    /// Width and height of the images that it takes.
    pub side: u32,
    /// How many images it takes at once; `None`: any number.
    pub images: Option<usize>,
    /// It takes `[N, height, width, 3]`.
    pub channels_last: bool,
    /// It takes bytes; its scaling is [`Scaling::BYTES`] then.
    pub bytes: bool,
    /// It computes with half precision, between ends of single.
    pub half: bool,
    /// Its tensors lie in a second file of this name.
    pub beside: Option<String>,
    /// What it ends with: `Softmax`, `LogSoftmax`, or nothing after the linear layer.
    pub ending: Option<&'static str>,
    /// What it says of itself.
    pub metadata: Vec<(String, String)>,
}

impl Brightness {
    /// The plainest way.
    #[must_use]
    pub fn new(scaling: Scaling, side: u32) -> Self {
        Self {
            scaling,
            side,
            images: Some(1),
            channels_last: false,
            bytes: false,
            half: false,
            beside: None,
            ending: Some("Softmax"),
            metadata: Vec::new(),
        }
    }

    /// The network, and its second file, which is empty if it has none.
    #[must_use]
    pub fn write(&self) -> (Vec<u8>, Vec<u8>) {
        let side = self.side as usize;
        let images = self.images.map_or(Dim::Any("N"), Dim::Size);
        let mut sides = vec![images, Dim::Size(3), Dim::Size(side), Dim::Size(side)];
        let mut nodes: Vec<NodeProto> = Vec::new();
        let mut last = "input";
        let mut then = |op: &str, output: &'static str, attribute| {
            nodes.push(node(op, &[last], output, attribute));
            last = output;
        };
        if self.bytes {
            then("Cast", "floats", vec![int("to", DataType::Float as i64)]);
        }
        if self.channels_last {
            sides[1..].rotate_left(1);
            then("Transpose", "channels_first", vec![ints("perm", &[0, 3, 1, 2])]);
        }
        if self.half {
            then("Cast", "half", vec![int("to", DataType::Float16 as i64)]);
        }
        then("GlobalAveragePool", "mean", vec![]);
        then("Flatten", "flat", vec![int("axis", 1)]);
        nodes.push(node("Gemm", &["flat", "weights", "bias"], "logits", vec![int("transB", 1)]));
        let mut output = "logits";
        if let Some(ending) = self.ending {
            nodes.push(node(ending, &[output], "ended", vec![int("axis", -1)]));
            output = "ended";
        }
        if self.half {
            nodes.push(node("Cast", &[output], "single", vec![int("to", DataType::Float as i64)]));
            output = "single";
        }
        let mut input = value("input", &sides);
        if self.bytes {
            set_type(&mut input, DataType::Uint8);
        }
        let mut data = Vec::new();
        let constants = self.constants().map(|tensor| if self.half { halved(tensor) } else { tensor });
        let initializer = constants.map(|tensor| match &self.beside {
            Some(name) => moved(tensor, name, &mut data),
            None => tensor,
        });
        let graph = GraphProto {
            name: "brightness".into(),
            input: vec![input],
            output: vec![value(output, &[images, Dim::Size(2)])],
            initializer: initializer.into(),
            node: nodes,
            ..GraphProto::default()
        };
        let entry = |(key, value): &(String, String)| StringStringEntryProto { key: key.clone(), value: value.clone() };
        let metadata_props = self.metadata.iter().map(entry).collect();
        (ModelProto { metadata_props, ..model(graph) }.encode_to_vec(), data)
    }

    /// A layer whose second class wins from a mean of 127.5 on, and wins more the brighter it is.
    fn constants(&self) -> [TensorProto; 2] {
        let Scaling { mean, std } = self.scaling;
        // 20 from black to white.
        let weights = std.map(|std| 20.0 * std / 255.0 / 3.0);
        let middle: f32 = (0..3).map(|i| weights[i] * (127.5 - mean[i]) / std[i]).sum();
        let both: Vec<f32> = weights.iter().map(|w| -w).chain(weights).collect();
        [constant("weights", &[2, 3], &both), constant("bias", &[2], &[middle, -middle])]
    }
}

pub(super) fn set_type(value: &mut tract_onnx::pb::ValueInfoProto, kind: DataType) {
    use tract_onnx::pb::type_proto::Value;
    if let Some(Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|kind| kind.value.as_mut()) {
        tensor.elem_type = kind as i32;
    }
}

fn halved(tensor: TensorProto) -> TensorProto {
    let (numbers, _) = tensor.raw_data.as_chunks::<4>();
    let halves = numbers.iter().flat_map(|x| f16::from_f32(f32::from_le_bytes(*x)).to_bits().to_le_bytes());
    TensorProto { raw_data: halves.collect(), data_type: DataType::Float16 as i32, ..tensor }
}

fn moved(tensor: TensorProto, file: &str, data: &mut Vec<u8>) -> TensorProto {
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
    let external_data = vec![
        entry("location", file.to_owned()),
        entry("offset", data.len().to_string()),
        entry("length", tensor.raw_data.len().to_string()),
    ];
    data.extend(&tensor.raw_data);
    let data_location = Some(DataLocation::External as i32);
    TensorProto { raw_data: Vec::new(), external_data, data_location, ..tensor }
}
