//! One TFLite network in LiteRT, which runs it by XNNPACK: quantised networks in integers, which tract
//! does not.
//!
//! A TFLite file takes its picture as `[1, height, width, 3]` and often in 8-bit integers. The rest of
//! Pilah knows `[1, 3, height, width]` in real numbers ([`crate::preprocess`]), so both are converted here,
//! by the scale and the zero that the file states.

/// The C interface.
mod library;

use library::{Element, Model, Tensor};

use super::engine::{Engine, EngineError};

/// A TFLite network.
pub(super) struct Litert {
    model: Model,
    /// Whether the channels come last.
    channels_last: Option<[usize; 3]>,
}

impl std::fmt::Debug for Litert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (input, output) = (self.model.input(), self.model.output());
        f.debug_struct("Litert").field("input", input).field("output", output).finish_non_exhaustive()
    }
}

impl Litert {
    /// Loads a network whose input is `input`, or the same with its channels last.
    pub(super) fn load(bytes: &[u8], input: &[usize]) -> Result<Self, EngineError> {
        let model = Model::load(bytes).map_err(EngineError::Network)?;
        let shape = model.input().shape.as_slice();
        let channels_last = match *input {
            _ if shape == input => None,
            [1, channels, height, width] if shape == [1, height, width, channels] => Some([channels, height, width]),
            _ => return Err(EngineError::Shape(format!("takes {shape:?}, not {input:?} or that with channels last"))),
        };
        Ok(Self { model, channels_last })
    }
}

impl Engine for Litert {
    fn output(&self) -> &[usize] {
        &self.model.output().shape
    }

    fn run(&self, input: &[f32]) -> Result<Vec<f32>, String> {
        let (from, to) = (self.model.input(), self.model.output());
        let fill = |bytes: &mut [u8]| match self.channels_last {
            None => write(from, input.iter().copied(), bytes),
            Some([channels, height, width]) => {
                let plane = height * width;
                write(from, (0..plane).flat_map(|at| (0..channels).map(move |c| input[c * plane + at])), bytes);
            }
        };
        self.model.run(fill, |bytes| read(to, bytes))
    }
}

/// Real numbers as the tensor holds them.
fn write(tensor: &Tensor, values: impl Iterator<Item = f32>, bytes: &mut [u8]) {
    let quantised = |value: f32| (value / tensor.scale).round() + tensor.zero as f32;
    match tensor.element {
        Element::F32 => {
            for (place, value) in bytes.chunks_exact_mut(4).zip(values) {
                place.copy_from_slice(&value.to_ne_bytes());
            }
        }
        // A conversion to an integer keeps within its bounds.
        Element::U8 => bytes.iter_mut().zip(values).for_each(|(place, value)| *place = quantised(value) as u8),
        Element::I8 => bytes.iter_mut().zip(values).for_each(|(place, value)| *place = (quantised(value) as i8) as u8),
    }
}

/// What the tensor holds, as real numbers.
fn read(tensor: &Tensor, bytes: &[u8]) -> Vec<f32> {
    let real = |value: i64| (value - tensor.zero) as f32 * tensor.scale;
    match tensor.element {
        Element::F32 => bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Element::U8 => bytes.iter().map(|byte| real(i64::from(*byte))).collect(),
        Element::I8 => bytes.iter().map(|byte| real(i64::from(*byte as i8))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_stand_for_real_numbers_by_scale_and_zero() {
        let tensor = |element, zero| Tensor { element, shape: vec![1, 4], scale: 0.5, zero };
        let values = [-1.0, 0.0, 0.75, 1000.0];
        for (element, zero, stored, back) in [
            (Element::U8, 10, [8, 10, 12, 255], [-1.0, 0.0, 1.0, 122.5]),
            (Element::I8, -128, [128, 128, 130, 127], [0.0, 0.0, 1.0, 127.5]),
        ] {
            let (tensor, mut bytes) = (tensor(element, zero), [0; 4]);
            write(&tensor, values.into_iter(), &mut bytes);
            assert_eq!((bytes, read(&tensor, &bytes)), (stored, back.to_vec()), "{element:?}");
        }
        let (real, mut bytes) = (tensor(Element::F32, 0), [0; 16]);
        write(&real, values.into_iter(), &mut bytes);
        assert_eq!(read(&real, &bytes), values);
    }
}
