//! From a JPEG to the tensor that a backbone takes: the only definition, for the bin, the hub and
//! the trainer. `golden/preprocess/` holds it in place.
//!
//! What comes from outside is decoded by [`crate::picture`] first.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::bundle::InputSpec;
use crate::picture::ImageError;

/// Encodes an image as a JPEG of at most `largest` bytes: at quality 88, or as much lower, and then
/// smaller by half, as it takes.
///
/// # Errors
/// [`ImageError::Incompressible`] if it does not fit even with a side that is shorter than 32 pixels.
pub fn encode_jpeg(image: &RgbImage, largest: usize) -> Result<Vec<u8>, ImageError> {
    let (mut width, mut height) = image.dimensions();
    loop {
        if let Some(jpeg) = encode_jpeg_of_size(image, width, height, largest)? {
            return Ok(jpeg);
        }
        if width.min(height) < 32 {
            return Err(ImageError::Incompressible(largest));
        }
        width /= 2;
        height /= 2;
    }
}

/// Encodes an image of this width and height as a JPEG of at most `largest` bytes: at quality 88, or as much lower as
/// it takes, but not below 45, where the edges of things begin to drown. `None` if that is still too large.
///
/// # Errors
/// [`ImageError::Damaged`]: it cannot be encoded, because a side is longer than a JPEG may have.
pub fn encode_jpeg_of_size(
    image: &RgbImage,
    width: u32,
    height: u32,
    largest: usize,
) -> Result<Option<Vec<u8>>, ImageError> {
    let scaled = resize(image, width, height);
    for quality in [88, 75, 60, 45] {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, quality)
            .encode_image(&scaled)
            .map_err(|e| ImageError::Damaged(e.to_string()))?;
        if jpeg.len() <= largest {
            return Ok(Some(jpeg));
        }
    }
    Ok(None)
}

/// Scales an image by area, each output pixel a weighted mean of the input's (Catmull-Rom would ring
/// at the hard edges of labels and cans).
#[must_use]
pub fn resize(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    if image.dimensions() == (width, height) {
        return image.clone();
    }
    // With types, so that the program holds the code for this kind of pixel alone: with those of all kinds it has
    // 1 MB more.
    let source = TypedImageRef::<U8x3>::from_buffer(image.width(), image.height(), image.as_raw())
        .expect("an RgbImage holds width × height × 3 bytes");
    let mut scaled = RgbImage::new(width, height);
    let mut target = TypedImage::<U8x3>::from_buffer(width, height, &mut scaled).expect("so does this one");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&source, &mut target, &options).expect("the whole picture is asked for");
    scaled
}

/// The image, made smaller if its longer side is more than `largest` pixels.
#[must_use]
pub fn shrink(image: RgbImage, largest: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let longer = width.max(height);
    if longer <= largest {
        return image;
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(largest) / u64::from(longer)).max(1) as u32;
    resize(&image, scaled(width), scaled(height))
}

/// The tensor of an image: `[3, height, width]` in one row, (x − mean) / std by channel.
#[must_use]
pub fn to_tensor(image: &RgbImage, spec: &InputSpec) -> Vec<f32> {
    let scaled = resize(image, spec.width, spec.height);
    let plane = spec.width as usize * spec.height as usize;
    let mut tensor = vec![0.0; 3 * plane];
    for (index, pixel) in scaled.pixels().enumerate() {
        for channel in 0..3 {
            tensor[channel * plane + index] = (f32::from(pixel[channel]) - spec.mean[channel]) / spec.std[channel];
        }
    }
    tensor
}

#[cfg(test)]
mod tests;
