//! Inputs that every build can draw, and what a model answers on them.
//!
//! The inputs are drawn at the very size that the backbone takes and with integers alone, so every
//! platform and every later build draws the same bytes: a difference in the answers comes from the
//! model or from the runtime. Changing a picture here breaks every bundle in the field.

use image::{Rgb, RgbImage};

use super::{Backbone, Head, InferError, LoadError};
use crate::bundle::{Golden, InputSpec, Manifest};

/// The most that a model's probabilities may miss 1 by in sum.
const SUM_TOLERANCE: f32 = 0.01;

/// The golden inputs: a gradient, blobs, stripes and noise.
#[must_use]
pub fn images(spec: &InputSpec) -> Vec<RgbImage> {
    let (width, height) = (spec.width, spec.height);
    [gradient, blobs, stripes, noise]
        .into_iter()
        .map(|draw| RgbImage::from_fn(width, height, |x, y| Rgb(draw(x, y, width, height).map(|v| v as u8))))
        .collect()
}

/// What this model answers on the golden inputs.
///
/// # Errors
/// The runtime failed, or an output is not finite.
pub fn record(backbone: &Backbone, head: &Head, spec: &InputSpec, tolerance: f32) -> Result<Golden, InferError> {
    let answer = |image: &RgbImage| head.probabilities(&backbone.embed(image)?);
    Ok(Golden { tolerance, probabilities: images(spec).iter().map(answer).collect::<Result<_, _>>()? })
}

/// Compares what a model answers on the golden inputs with what its manifest says.
///
/// # Errors
/// [`LoadError::Golden`] for the first input on which they differ; [`LoadError::Network`] if it
/// cannot be run on one; [`LoadError::Shape`] if it does not give probabilities, or if the manifest
/// has not an answer for each input.
pub fn check(backbone: &Backbone, head: &Head, manifest: &Manifest) -> Result<(), LoadError> {
    let images = images(&manifest.input);
    let Golden { tolerance, probabilities } = &manifest.golden;
    if probabilities.len() != images.len() {
        return Err(LoadError::Shape {
            part: "manifest",
            problem: format!("has {} golden outputs for {} golden inputs", probabilities.len(), images.len()),
        });
    }
    for (input, (image, expected)) in images.iter().zip(probabilities).enumerate() {
        let failed = |part| move |InferError(reason)| LoadError::Network { part, reason };
        let embedding = backbone.embed(image).map_err(failed("backbone"))?;
        let found = head.probabilities(&embedding).map_err(failed("head"))?;
        if !are_probabilities(&found) {
            return Err(LoadError::Shape {
                part: "head",
                problem: format!("gives {found:?}, which are no probabilities"),
            });
        }
        if !are_close(&found, expected, *tolerance) {
            let expected = expected.clone();
            return Err(LoadError::Golden { input, expected, found, tolerance: *tolerance });
        }
    }
    Ok(())
}

fn are_probabilities(values: &[f32]) -> bool {
    values.iter().all(|p| (0.0..=1.0).contains(p)) && (values.iter().sum::<f32>() - 1.0).abs() <= SUM_TOLERANCE
}

/// Whether the two differ by no more than `tolerance`; with a NaN on either side they do not.
fn are_close(found: &[f32], expected: &[f32], tolerance: f32) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// Red from left to right, green from top to bottom, blue falling along the diagonal.
fn gradient(x: u32, y: u32, width: u32, height: u32) -> [u32; 3] {
    [x * 255 / (width - 1), y * 255 / (height - 1), 255 - (x + y) * 255 / (width + height - 2)]
}

/// Three coloured discs that fade out over a dark ground.
fn blobs(x: u32, y: u32, width: u32, height: u32) -> [u32; 3] {
    // Centre in eighths of the sides, colour.
    const BLOBS: [([u32; 2], [u32; 3]); 3] =
        [([2, 3], [230, 60, 30]), ([6, 2], [40, 200, 90]), ([5, 6], [60, 90, 240])];
    let radius = u64::from(width.min(height)) * 100 / 3;
    let mut colour = [24; 3];
    for ([cx, cy], tint) in BLOBS {
        // In hundredths of a pixel, so that small inputs have smooth discs as well.
        let dx = u64::from(x * 100).abs_diff(u64::from(width * cx) * 100 / 8);
        let dy = u64::from(y * 100).abs_diff(u64::from(height * cy) * 100 / 8);
        let distance = dx * dx + dy * dy;
        let strength = 256_u64.saturating_sub(distance * 256 / (radius * radius)) as u32;
        for channel in 0..3 {
            colour[channel] = (colour[channel] + tint[channel] * strength / 256).min(255);
        }
    }
    colour
}

/// Diagonal stripes of two pixels and of an eighth of the picture, one over the other.
fn stripes(x: u32, y: u32, width: u32, _height: u32) -> [u32; 3] {
    let fine = if ((x + y) / 2).is_multiple_of(2) { 40 } else { 0 };
    let broad = (x + 2 * y) / (width / 8).max(1) % 3;
    [[200, 170, 90], [90, 110, 120], [30, 60, 160]][broad as usize].map(|v: u32| v + fine)
}

/// Noise, a different shade for each pixel, by a multiplicative hash.
fn noise(x: u32, y: u32, width: u32, _height: u32) -> [u32; 3] {
    let mut hash = (y * width + x).wrapping_mul(0x9e37_79b1);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x85eb_ca77);
    hash ^= hash >> 13;
    [hash & 0xff, (hash & 0xff) / 2 + 64, (hash >> 8) & 0xff]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_build_draws_the_same_inputs() {
        let drawn = images(&InputSpec { width: 24, height: 16, ..InputSpec::square(8) });
        let ids: Vec<String> =
            drawn.iter().map(|image| crate::name::ContentId::of(image.as_raw()).to_string()).collect();
        let starts: Vec<&str> = ids.iter().map(|id| &id[..16]).collect();
        assert_eq!(starts, ["9063b552b363665d", "7c315b972e5fbd7d", "8943313c162e64de", "4c663b3c3de10f41"]);
    }

    #[test]
    fn a_nan_is_never_close_and_never_a_probability() {
        assert!(are_close(&[0.5, 0.5], &[0.5004, 0.4996], 0.001));
        assert!(!are_close(&[0.5, 0.5], &[0.502, 0.498], 0.001));
        assert!(!are_close(&[f32::NAN, 0.5], &[0.5, 0.5], 0.05));
        assert!(!are_close(&[0.5, 0.5], &[f32::NAN, 0.5], 0.05));
        assert!(!are_close(&[0.5], &[0.5, 0.5], 0.05));
        assert!(are_probabilities(&[0.25, 0.75]));
        for wrong in [[f32::NAN, 1.0], [-0.1, 1.1], [0.2, 0.2], [2.0, 3.0]] {
            assert!(!are_probabilities(&wrong), "{wrong:?}");
        }
    }
}
