//! From the bytes of a file, a camera or a message to pixels: the one intake of pictures, at every door.
//!
//! ```text
//! type by content ─▶ inspect: markers, every Huffman code ─▶ mend what is left out ─▶ decode ─▶ range, upright
//! ```
//!
//! Decoders of JPEG are lenient: what is missing they fill with grey, and what they do not know they show somehow. So
//! a JPEG is read once before it is decoded ([`jpeg`], [`entropy`]), which tells
//! - whether its data holds as many blocks as the picture has. Bytes that were lost on the way shift all that follows,
//!   and then there are fewer blocks, or codes that do not exist: the picture is damaged ([`Picture::damage`]);
//! - whether the decoder shows its kind rightly (a table of kinds, each compared with libjpeg's answer). One scan per
//!   component it does not: those are decoded plane by plane ([`planes`]). What is left is refused by name;
//! - where the picture ends: what lies behind is not looked at;
//! - whether Huffman tables are left out (Motion JPEG): then they are those of ITU-T T.81, annex K.3;
//! - whether its values go from 16 to 235 only, as ffmpeg says in a comment: then they are stretched.
//!
//! What cannot be seen: a byte that was changed into another of the same meaning, or a loss of few bytes after which
//! the count of blocks is the same. The tests say how many of such losses are found.

/// The segments of a JPEG and what they say.
mod jpeg;

/// Huffman-coded data, followed without making pixels of it.
mod entropy;

/// The tables of annex K.3.
mod standard;

/// One scan per component: each decoded as a grey picture.
mod planes;

/// PNG: what is told before its pixels are read.
mod png;

use std::fmt;
use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use self::jpeg::{Inspection, Way};

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
    /// A JPEG of a kind that is not read here.
    #[error("the JPEG has {0}, which is not read here: save it as an ordinary (baseline) JPEG or as PNG")]
    Coding(String),
    /// Truncated or damaged.
    #[error("the image is damaged: {0}")]
    Damaged(String),
    /// It cannot be made small enough.
    #[error("the image does not fit {0} bytes as a JPEG")]
    Incompressible(usize),
}

/// A picture with a part that is none: bytes were lost or changed on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Damage {
    /// What is wrong.
    what: &'static str,
    /// After which share of the data that was found, 0 to 1.
    after: f32,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, after {:.0} % of the picture", self.what, self.after * 100.0)
    }
}

/// A picture, and what was seen of it.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its pixels, upright.
    pub rgb: RgbImage,
    /// What is wrong with it. Whoever takes such a picture says so: part of it was never seen by a camera.
    pub damage: Option<Damage>,
}

impl Picture {
    /// The pixels of a picture without damage.
    ///
    /// # Errors
    /// [`ImageError::Damaged`].
    pub fn whole(self) -> Result<RgbImage, ImageError> {
        match self.damage {
            None => Ok(self.rgb),
            Some(damage) => Err(ImageError::Damaged(damage.to_string())),
        }
    }
}

/// Decodes a JPEG or PNG, upright (EXIF's orientation applied), as RGB. A JPEG of which a part is missing or wrong is
/// decoded as far as it goes, and says so; for those who want whole pictures only, there is [`decode`].
///
/// # Errors
/// [`ImageError`]: too large, of another type or kind, without an end, or damaged so that nothing can be shown.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Picture, ImageError> {
    if bytes.len() > limits.bytes {
        return Err(ImageError::Bytes { found: bytes.len(), limit: limits.bytes });
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => read_jpeg(bytes, limits),
        Ok(ImageFormat::Png) => {
            if let Some(frames @ 2..) = png::frames(bytes) {
                return Err(ImageError::Frames(frames));
            }
            let (image, orientation) = pixels(bytes, ImageFormat::Png, limits)?;
            Ok(Picture { rgb: upright(image, orientation).into_rgb8(), damage: None })
        }
        _ => Err(ImageError::Format),
    }
}

/// Decodes a JPEG or PNG as [`read`] does, if it is whole.
///
/// # Errors
/// [`ImageError`]: too large, of another type or kind, or damaged.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    read(bytes, limits)?.whole()
}

/// About how many bytes of memory it takes to decode this file, told by its header; 0 of what is no picture.
///
/// For whoever decodes several at once. It is an upper bound for what fits [`Limits`].
#[must_use]
pub fn cost(bytes: &[u8]) -> u64 {
    // Pixels, once more if they are turned, and what the decoder keeps beside them: the coefficients of a progressive
    // picture take 6 bytes for each pixel, three planes as much.
    let (width, height, each) = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg::size(bytes).map_or((0, 0, 0), |(width, height, passes)| {
            (u32::from(width), u32::from(height), if passes { 13 } else { 9 })
        }),
        Ok(ImageFormat::Png) => {
            let side =
                |at: usize| bytes.get(at..at + 4).and_then(|four| four.first_chunk()).map(|s| u32::from_be_bytes(*s));
            (side(16).unwrap_or(0), side(20).unwrap_or(0), 11)
        }
        _ => (0, 0, 0),
    };
    u64::from(width).saturating_mul(u64::from(height)).saturating_mul(each).saturating_add(2 * bytes.len() as u64)
}

fn read_jpeg(bytes: &[u8], limits: &Limits) -> Result<Picture, ImageError> {
    let seen = jpeg::inspect(bytes, limits)?;
    let first = &bytes[..seen.end];
    // Of a picture that lost a scan the kind is not known.
    let way = seen.way().map_err(|kind| seen.damage.map_or(kind, |damage| ImageError::Damaged(damage.to_string())))?;
    let (mut rgb, orientation) = match way {
        Way::Whole if seen.lacks_tables => {
            let mended = [&first[..2], &standard::segment(), &first[2..]].concat();
            pixels(&mended, ImageFormat::Jpeg, limits)?
        }
        Way::Whole => pixels(first, ImageFormat::Jpeg, limits)?,
        Way::Planes => (DynamicImage::from(planes::decode(first, &seen)?), orientation_of(first)?),
    };
    if seen.is_limited {
        rgb = DynamicImage::from(stretched(rgb.into_rgb8()));
    }
    let Inspection { damage, .. } = seen;
    Ok(Picture { rgb: upright(rgb, orientation).into_rgb8(), damage })
}

fn damaged(error: image::ImageError) -> ImageError {
    // "Format error decoding Jpeg: …" is what it always begins with; what follows is the decoder's own reason.
    match error {
        image::ImageError::Decoding(reason) => {
            let own = std::error::Error::source(&reason).map(ToString::to_string);
            ImageError::Damaged(own.unwrap_or_else(|| reason.to_string()).trim().to_owned())
        }
        other => ImageError::Damaged(other.to_string()),
    }
}

/// Decodes with the library. Should it panic, which decoders of damaged data have done, it costs this picture alone.
fn pixels(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<(DynamicImage, Orientation), ImageError> {
    let decode = AssertUnwindSafe(|| {
        let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        // Limits are meant for up to 4 bytes per pixel; a PNG may have 8.
        let limit = limits.pixels * 4 / u64::from(decoder.color_type().bytes_per_pixel()).max(4);
        if u64::from(width) * u64::from(height) > limit {
            return Err(ImageError::Pixels { width, height, limit });
        }
        let orientation = decoder.orientation().map_err(damaged)?;
        Ok((DynamicImage::from_decoder(decoder).map_err(damaged)?, orientation))
    });
    panic::catch_unwind(decode).unwrap_or_else(|_| Err(ImageError::Damaged("the decoder gave up".to_owned())))
}

fn orientation_of(jpeg: &[u8]) -> Result<Orientation, ImageError> {
    let reader = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg);
    // The decoder of the whole refuses some kinds that the planes are decoded of; those are shown as they lie.
    let orientation = reader.into_decoder().and_then(|mut decoder| decoder.orientation());
    Ok(orientation.unwrap_or(Orientation::NoTransforms))
}

fn upright(mut image: DynamicImage, orientation: Orientation) -> DynamicImage {
    image.apply_orientation(orientation);
    image
}

/// Values of limited range (Y from 16 to 235, colour from 16 to 240, ITU-R BT.601) that were decoded as if they had
/// the full one: Y is stretched by 255/219, what differs from Y by 255/224.
fn stretched(mut image: RgbImage) -> RgbImage {
    for pixel in image.pixels_mut() {
        let [r, g, b] = pixel.0.map(f32::from);
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        let light = (y - 16.0) * (255.0 / 219.0);
        pixel.0 = [r, g, b].map(|value| (light + (value - y) * (255.0 / 224.0)).round().clamp(0.0, 255.0) as u8);
    }
    image
}

#[cfg(test)]
mod tests;
