//! Backbone and head as the one network that others run: from image to probabilities.

use image::RgbImage;

use super::network::Network;
use super::{InferError, LoadError};
use crate::bundle::InputSpec;
use crate::preprocess;

/// A loaded merged network, as [`crate::onnx::merge`] writes it. It is shared freely between threads.
#[derive(Debug)]
pub struct Merged {
    network: Network,
    spec: InputSpec,
}

impl Merged {
    /// Loads an ONNX file that takes `[1, 3, height, width]` as `spec` says and gives `[1, classes]`.
    ///
    /// # Errors
    /// [`LoadError`]: not a network that can be run, or of other shapes.
    pub fn load(onnx: &[u8], spec: &InputSpec, classes: usize) -> Result<Self, LoadError> {
        let network = Network::load("merged network", onnx, &[1, 3, spec.height as usize, spec.width as usize])?;
        if network.output() != [1, classes] {
            return Err(LoadError::Shape {
                part: "merged network",
                problem: format!("gives {:?}, not [1, {classes}], a probability per label", network.output()),
            });
        }
        Ok(Self { network, spec: spec.clone() })
    }

    /// The probabilities of an image of any size, in the order of the labels.
    ///
    /// # Errors
    /// The runtime failed, or an output is not finite.
    pub fn probabilities(&self, image: &RgbImage) -> Result<Vec<f32>, InferError> {
        self.network.run(&preprocess::to_tensor(image, &self.spec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{Backbone, Head, golden};
    use crate::onnx;

    #[test]
    fn it_answers_as_its_parts_do() {
        let (spec, backbone) = (InputSpec::square(16), onnx::tiny_backbone(3, 16, 4));
        let head = onnx::write_head(&[0.5, -0.25, 1.0, 0.0, -0.5, 0.75, 0.0, 2.0], &[0.1, -0.1], 2, 4);
        let merged = onnx::merge(&backbone, &head).expect("merges");
        let whole = Merged::load(&merged, &spec, 2).expect("loads");
        let parts = (Backbone::load(&backbone, &spec).expect("loads"), Head::load(&head, 4, 2).expect("loads"));
        for image in golden::images(&spec) {
            let expected = parts.1.probabilities(&parts.0.embed(&image).expect("runs")).expect("runs");
            let found = whole.probabilities(&image).expect("runs");
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
        }
        let error = Merged::load(&merged, &spec, 3).expect_err("it has two classes").to_string();
        assert!(error.contains("[1, 2], not [1, 3]"), "{error}");
    }
}
