//! Tensors that lie in a second file, as torch writes them: `model.onnx` with `model.onnx.data`.
//!
//! The name that a tensor gives is asked of whoever brought the network, and never opened here.

use std::collections::BTreeMap;

use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{GraphProto, TensorProto};

use super::{OnnxError, walk};
use crate::bundle::LARGEST_NETWORK;

/// The files beside a network, by the name that it gives them: `Ok(None)` if there is none, or why it cannot be
/// read. Nothing says that such a name is a safe path.
pub type Beside<'a> = &'a mut dyn FnMut(&str) -> Result<Option<Vec<u8>>, String>;

/// Takes in all tensors of other files. `true` if there was one.
pub(super) fn gather(graph: &mut GraphProto, beside: Beside<'_>) -> Result<bool, OnnxError> {
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    walk::tensors(graph, &mut |tensor| {
        if is_external(tensor) {
            *wanted.entry(entry(tensor, "location").unwrap_or_default().to_owned()).or_default() += 1;
        }
        Ok(())
    })?;
    let mut files = BTreeMap::new();
    for (name, tensors) in &wanted {
        match beside(name) {
            Ok(Some(bytes)) => files.insert(name.clone(), bytes),
            Ok(None) => {
                return Err(OnnxError::Unusable(format!(
                    "keeps {tensors} of its tensors in another file, {name:?}, which did not come with it: put both into \
                     one zip (torch.onnx.export always writes two), or make one file of them: python -c 'import onnx; \
                     onnx.save(onnx.load(\"model.onnx\"), \"one.onnx\")'"
                )));
            }
            Err(reason) => return Err(OnnxError::Unusable(format!("keeps tensors in {name:?}: {reason}"))),
        };
    }
    let mut room = LARGEST_NETWORK;
    walk::tensors(graph, &mut |tensor| {
        if !is_external(tensor) {
            return Ok(());
        }
        let bytes = files.get(entry(tensor, "location").unwrap_or_default()).map_or(&[][..], Vec::as_slice);
        let part = part(tensor, bytes)?;
        // Tensors may share bytes, and there may be many of them.
        room = room.checked_sub(part.len() as u64).ok_or_else(|| {
            OnnxError::Unusable(format!("has more than the {LARGEST_NETWORK} bytes that a bin loads"))
        })?;
        tensor.raw_data = part.to_vec();
        tensor.external_data.clear();
        tensor.data_location = None;
        Ok(())
    })?;
    Ok(!wanted.is_empty())
}

fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32) || !tensor.external_data.is_empty()
}

fn entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

/// The bytes of a tensor in its file: from `offset`, 0 if it is left out, `length` of them, all if it is.
fn part<'a>(tensor: &TensorProto, file: &'a [u8]) -> Result<&'a [u8], OnnxError> {
    let number = |key| entry(tensor, key).map(|text| text.trim().parse::<usize>()).transpose();
    let found = || {
        let (offset, length) = (number("offset").ok()?.unwrap_or(0), number("length").ok()?);
        let end = length.map_or(Some(file.len()), |length| offset.checked_add(length))?;
        file.get(offset..end)
    };
    found().ok_or_else(|| {
        OnnxError::Unusable(format!(
            "keeps tensor {:?} in {:?}, which has {} bytes and ends before it: the two files are not of one export",
            tensor.name,
            entry(tensor, "location").unwrap_or_default(),
            file.len()
        ))
    })
}
