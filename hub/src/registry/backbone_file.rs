//! A backbone from a file that an operator names, with what it takes.

use pilah_models::bundle::{InputSpec, SCALING_CHOICES, Scaling};
use pilah_models::onnx;

/// Why a file cannot be the backbone of a training.
#[derive(Debug, thiserror::Error)]
pub enum BackboneFileError {
    /// It does not say which images it takes.
    #[error("the backbone does not say how large its input is: state it with --input-side")]
    InputSize,
    /// It does not say how it takes its pixels.
    #[error(
        "the backbone does not say how it takes its pixels, and a wrong scaling shows nowhere: state it with --scaling: {SCALING_CHOICES}"
    )]
    InputScaling,
    /// It is no network.
    #[error("the backbone cannot be used")]
    Onnx(#[from] onnx::OnnxError),
}

/// A backbone with what it takes.
#[derive(Debug, Clone)]
pub struct BackboneFile {
    /// The ONNX file.
    pub onnx: Vec<u8>,
    /// What it takes.
    pub input: InputSpec,
}

impl BackboneFile {
    /// A backbone of the size and the scaling of pixels that its file says, or of `side` pixels, and `scaling`.
    ///
    /// # Errors
    /// No network, or one that leaves the size or the scaling open while they are not given.
    pub fn new(onnx: &[u8], side: Option<u32>, scaling: Option<Scaling>) -> Result<Self, BackboneFileError> {
        let taken = onnx::intake(onnx, &mut |_| Ok(None))?;
        let stated = onnx::inspect(&taken.onnx)?.image_size();
        let (width, height) = stated.or(side.map(|side| (side, side))).ok_or(BackboneFileError::InputSize)?;
        let scaling = match onnx::stated_scaling(&taken.metadata)? {
            _ if taken.changes.contains(&onnx::Change::Bytes) => Scaling::BYTES,
            stated => scaling.or(stated.map(|(scaling, _)| scaling)).ok_or(BackboneFileError::InputScaling)?,
        };
        Ok(Self { onnx: taken.onnx, input: InputSpec::scaled(width, height, scaling) })
    }
}
