//! The input of a network made ours: images `[N, 3, height, width]` of 32-bit floats.
//!
//! A network that takes bytes, or its channels last, as TensorFlow's do, gets a `Transpose` and a `Cast` before it.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto};

use super::build::{Dim, int, ints, node, value};
use super::change::Change;
use super::{OnnxError, interface};

/// The name of the input that is put before a network.
const IMAGE: &str = "pilah_image";
/// The same with its channels last.
const CHANNELS_LAST: &str = "pilah_image_channels_last";

/// Puts before a graph what makes its input ours, and says what.
pub(super) fn as_ours(graph: &mut GraphProto) -> Result<Vec<Change>, OnnxError> {
    let ends = interface(graph)?;
    let unusable = |problem: String| Err(OnnxError::Unusable(problem));
    let Some(place) = graph.input.iter().position(|input| input.name == ends.input) else { return Ok(Vec::new()) };
    let takes_bytes = match numbers(&graph.input[place]) {
        Some(kind) if kind == DataType::Float as i32 => false,
        Some(kind) if kind == DataType::Uint8 as i32 => true,
        kind => {
            let name =
                kind.and_then(|kind| DataType::try_from(kind).ok()).map_or("no numbers", |kind| kind.as_str_name());
            return unusable(format!(
                "takes {name}; a network must take images as 32-bit floats, half precision, or bytes (uint8): export it so"
            ));
        }
    };
    let [images, a, b, c] = ends.input_shape[..] else {
        return if takes_bytes { unusable("takes bytes that are no images".into()) } else { Ok(Vec::new()) };
    };
    if let Some(images @ 2..) = images {
        return unusable(format!(
            "takes {images} images at once: export it for 1, or for any number (a dynamic batch)"
        ));
    }
    let channels_last = match (a, c) {
        (Some(3), _) => false,
        (_, Some(3)) => true,
        // Neither: what it takes is said by whoever asks for its size.
        _ => return Ok(Vec::new()),
    };
    if !takes_bytes && !channels_last {
        return Ok(Vec::new());
    }
    let (height, width) = if channels_last { (a, b) } else { (b, c) };
    let size = |side: Option<u64>, any: &'static str| {
        side.map_or(Dim::Any(any), |side| Dim::Size(side.try_into().unwrap_or(usize::MAX)))
    };
    let shape = [images.map_or(Dim::Any("N"), |_| Dim::Size(1)), Dim::Size(3), size(height, "H"), size(width, "W")];
    let (mut nodes, mut changes, mut last) = (Vec::new(), Vec::new(), IMAGE);
    if takes_bytes {
        changes.push(Change::Bytes);
    }
    if channels_last {
        changes.push(Change::ChannelsLast);
        let output = if takes_bytes { CHANNELS_LAST } else { ends.input.as_str() };
        nodes.push(node("Transpose", &[last], output, vec![ints("perm", &[0, 2, 3, 1])]));
        last = CHANNELS_LAST;
    }
    if takes_bytes {
        nodes.push(node("Cast", &[last], &ends.input, vec![int("to", DataType::Uint8 as i64)]));
    }
    graph.input[place] = value(IMAGE, &shape);
    graph.node.splice(0..0, nodes);
    Ok(changes)
}

/// The type of the numbers of a value.
fn numbers(value: &ValueInfoProto) -> Option<i32> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type)
}
