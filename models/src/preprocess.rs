//! From a JPEG to the tensor that a backbone takes: the only definition, for the bin, the hub and
//! the trainer. `golden/preprocess/` holds it in place.
//!
//! An image from outside is decoded under limits on bytes and pixels that are checked before the
//! pixels are allocated, and its type is told by its content, never by its name.

use std::io::Cursor;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use crate::bundle::InputSpec;

/// What an image from outside may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of the file.
    pub bytes: usize,
    /// The most pixels of the image, fewer if they take more than 4 bytes. Decoding takes 1 to 4
    /// bytes each, and as much again for the turn that EXIF may ask for.
    pub pixels: u64,
}

impl Default for Limits {
    /// 25 MB and 50 megapixels: more than phones make, and 400 MB of memory at the worst.
    fn default() -> Self {
        Self { bytes: 25_000_000, pixels: 50_000_000 }
    }
}

/// An image that is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file is too large.
    #[error("the file has {found} bytes, the limit is {limit}")]
    Bytes {
        /// Its size.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The image is too large.
    #[error("the image is {width}×{height}, the limit is {limit} pixels")]
    Pixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// The limit.
        limit: u64,
    },
    /// An animation.
    #[error("the file is an animation of {0} frames: send the frames that matter as images of their own")]
    Frames(u32),
    /// Neither JPEG nor PNG.
    #[error("the file is neither a JPEG nor a PNG image")]
    Format,
    /// Truncated or damaged.
    #[error("the image is damaged: {0}")]
    Damaged(String),
    /// It cannot be made small enough.
    #[error("the image does not fit {0} bytes as a JPEG")]
    Incompressible(usize),
}

/// Decodes a JPEG or PNG, upright (EXIF's orientation applied), as RGB.
///
/// # Errors
/// [`ImageError`]: too large, of another type, or damaged.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    if bytes.len() > limits.bytes {
        return Err(ImageError::Bytes { found: bytes.len(), limit: limits.bytes });
    }
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => format,
        _ => return Err(ImageError::Format),
    };
    if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
        return Err(ImageError::Damaged("the file ends before the picture does".into()));
    }
    if let (ImageFormat::Png, Some(frames @ 2..)) = (format, png_frames(bytes)) {
        return Err(ImageError::Frames(frames));
    }
    let damaged = |e: image::ImageError| ImageError::Damaged(e.to_string());
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    // Limits are meant for up to 4 bytes per pixel; a PNG may have 8.
    let limit = limits.pixels * 4 / u64::from(decoder.color_type().bytes_per_pixel()).max(4);
    if u64::from(width) * u64::from(height) > limit {
        return Err(ImageError::Pixels { width, height, limit });
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Whether the end of the image follows its first scan. Decoders fill up what is missing with grey
/// and say nothing, which would be a picture that nobody took.
fn jpeg_ends(jpeg: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];
    let mut rest = &jpeg[2..];
    // Segments: FF, kind, length of the rest including these two bytes. A thumbnail within one has an end of its own.
    while let [0xff, kind, high, low, ..] = *rest {
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind == START_OF_SCAN {
            return rest.windows(2).any(|pair| pair == END_OF_IMAGE);
        }
        // Any number of FF may stand before a marker.
        rest = rest.get(if kind == 0xff { 1 } else { length }..).unwrap_or_default();
    }
    false
}

/// How many frames a PNG says that it has, if it says so: the chunk `acTL`, which stands before the
/// first pixels (PNG, third edition, 11.3.6.1).
fn png_frames(png: &[u8]) -> Option<u32> {
    const SIGNATURE: usize = 8;
    let mut rest = png.get(SIGNATURE..)?;
    // Chunks: length of the data, kind, data, check sum.
    while let Some(([l0, l1, l2, l3, kind @ ..], data)) = rest.split_first_chunk::<8>() {
        match kind {
            b"acTL" => return data.first_chunk().map(|frames| u32::from_be_bytes(*frames)),
            b"IDAT" | b"IEND" => return None,
            _ => {}
        }
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        rest = data.get(length.checked_add(4)?..)?;
    }
    None
}

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
