//! From what a camera sends to pixels: JPEG, by the one intake of pictures, and YUYV, NV12 and RGB.

#[cfg(any(feature = "nokhwa", test))]
use image::Rgb;
use image::RgbImage;
use pilah_models::picture::{self, ImageError, Limits};
use pilah_models::preprocess::shrink;

use super::jpeg_stream::LARGEST_PICTURE;

/// What a picture of a camera may cost: 13 megapixels are those of the largest camera module for a Raspberry Pi, and
/// take 40 MB while they are decoded.
const LIMITS: Limits = Limits { bytes: LARGEST_PICTURE, pixels: 13_000_000 };

/// No picture goes on larger than this, in pixels on its longer side: 5 MB at most.
const LARGEST_SIDE: u32 = 1280;

/// A picture as a camera sends it.
#[derive(Debug, Clone)]
pub(crate) enum Coded {
    /// A JPEG.
    Jpeg(Vec<u8>),
    /// Pixels.
    #[cfg(any(feature = "nokhwa", test))]
    Pixels { bytes: Vec<u8>, width: u32, height: u32, layout: Layout },
}

/// How pixels lie in memory, rows without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg(any(feature = "nokhwa", test))]
pub(crate) enum Layout {
    /// YUYV 4:2:2, 2 bytes per pixel.
    Yuyv,
    /// A plane of Y, then one of U and V in turn, at half the width and height.
    Nv12,
    /// 3 bytes per pixel.
    Rgb,
}

impl Coded {
    /// Its pixels.
    ///
    /// # Errors
    /// [`ImageError`]: too large, or damaged.
    pub(crate) fn decode(&self) -> Result<RgbImage, ImageError> {
        match self {
            Self::Jpeg(jpeg) => from_jpeg(jpeg),
            #[cfg(any(feature = "nokhwa", test))]
            Self::Pixels { bytes, width, height, layout } => match layout {
                Layout::Yuyv => from_yuyv(bytes, *width, *height, 0),
                Layout::Nv12 => from_nv12(bytes, *width, *height),
                Layout::Rgb => from_rgb(bytes, *width, *height),
            },
        }
    }
}

/// Decodes a JPEG that is whole: of one with a hole, nobody should be sure what it shows.
///
/// # Errors
/// [`ImageError`]: too large, or damaged.
pub(crate) fn from_jpeg(jpeg: &[u8]) -> Result<RgbImage, ImageError> {
    picture::decode(jpeg, &LIMITS).map(|image| shrink(image, LARGEST_SIDE))
}

/// Decodes YUYV 4:2:2, rows of `stride` bytes, by ITU-R BT.601 with values from 16 to 235, as cameras on USB send it.
///
/// # Errors
/// [`ImageError::Damaged`]: there are fewer bytes than the picture takes.
#[cfg(any(target_os = "linux", feature = "nokhwa", test))]
pub(crate) fn from_yuyv(bytes: &[u8], width: u32, height: u32, stride: usize) -> Result<RgbImage, ImageError> {
    // Two pixels share their colour, so that a row has an even number of them.
    let (columns, rows) = (width as usize / 2 * 2, height as usize);
    let stride = stride.max(columns * 2);
    let needed = stride * rows.saturating_sub(1) + columns * 2;
    if columns == 0 || rows == 0 || bytes.len() < needed {
        let found = bytes.len();
        return Err(ImageError::Damaged(format!("{width}×{height} in YUYV takes {needed} bytes, there are {found}")));
    }
    let mut rgb = Vec::with_capacity(columns * rows * 3);
    for row in bytes.chunks(stride).take(rows) {
        for pair in row[..columns * 2].chunks_exact(4) {
            rgb.extend(to_rgb(pair[0], pair[1], pair[3]));
            rgb.extend(to_rgb(pair[2], pair[1], pair[3]));
        }
    }
    let image = RgbImage::from_raw(columns as u32, rows as u32, rgb).expect("width × height × 3 bytes were pushed");
    Ok(shrink(image, LARGEST_SIDE))
}

/// Decodes NV12 as [`from_yuyv`] does YUYV.
#[cfg(any(feature = "nokhwa", test))]
fn from_nv12(bytes: &[u8], width: u32, height: u32) -> Result<RgbImage, ImageError> {
    let (columns, rows) = (width as usize, height as usize);
    let (light, colour) = bytes.split_at(bytes.len().min(columns * rows));
    if columns == 0 || rows == 0 || columns % 2 == 1 || colour.len() < columns * rows.div_ceil(2) {
        let found = bytes.len();
        return Err(ImageError::Damaged(format!("{found} bytes are no {width}×{height} in NV12")));
    }
    let image = RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let pair = y / 2 * columns + x / 2 * 2;
        Rgb(to_rgb(light[y * columns + x], colour[pair], colour[pair + 1]))
    });
    Ok(shrink(image, LARGEST_SIDE))
}

#[cfg(any(feature = "nokhwa", test))]
fn from_rgb(bytes: &[u8], width: u32, height: u32) -> Result<RgbImage, ImageError> {
    let damaged = || ImageError::Damaged(format!("{} bytes are no {width}×{height} in RGB", bytes.len()));
    let whole = bytes.get(..width as usize * height as usize * 3).ok_or_else(damaged)?;
    let image = RgbImage::from_raw(width, height, whole.to_vec()).ok_or_else(damaged)?;
    Ok(shrink(image, LARGEST_SIDE))
}

/// One pixel, by ITU-R BT.601 with Y from 16 to 235 and U and V from 16 to 240, in 8 bits of fraction.
#[cfg(any(target_os = "linux", feature = "nokhwa", test))]
fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    let light = 298 * (i32::from(y) - 16) + 128;
    let clamp = |value: i32| (value >> 8).clamp(0, 255) as u8;
    [clamp(light + 409 * v), clamp(light - 100 * u - 208 * v), clamp(light + 516 * u)]
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let image = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 3) as u8, (y * 3) as u8, 90]));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&image).expect("encodes");
        jpeg
    }

    /// Without its Huffman tables, which the encoder takes from the same annex as Motion JPEG does.
    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let mut out = jpeg[..2].to_vec();
        let mut at = 2;
        while jpeg[at + 1] != 0xda {
            let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] != 0xc4 {
                out.extend_from_slice(&jpeg[at..end]);
            }
            at = end;
        }
        out.extend_from_slice(&jpeg[at..]);
        out
    }

    #[test]
    fn a_jpeg_without_tables_is_the_same_picture() {
        let whole = jpeg(64, 48);
        let bare = without_tables(&whole);
        let has_tables = |jpeg: &[u8]| jpeg.windows(2).any(|pair| pair == [0xff, 0xc4]);
        assert!(bare.len() < whole.len() && !has_tables(&bare) && has_tables(&whole));
        assert_eq!(from_jpeg(&bare).expect("decodes"), from_jpeg(&whole).expect("decodes"));
    }

    #[test]
    fn large_pictures_are_made_smaller_and_damaged_ones_refused() {
        assert_eq!(from_jpeg(&jpeg(1920, 1080)).expect("decodes").dimensions(), (1280, 720));
        let whole = jpeg(64, 48);
        let hole = [&whole[..whole.len() - 90], &[0xff, 0xd9]].concat();
        for bad in [&whole[..whole.len() / 2], &hole, b"", b"\xff\xd8", b"not a picture"] {
            assert!(from_jpeg(bad).is_err(), "{} bytes", bad.len());
        }
    }

    #[test]
    fn yuyv_is_converted_by_bt_601() {
        // The colour bars of BT.601 at 100 %: Y, U, V and what they are in RGB.
        let bars = [
            ([235, 128, 128], [255, 255, 255]),
            ([210, 16, 146], [255, 255, 0]),
            ([145, 54, 34], [0, 255, 0]),
            ([81, 90, 240], [255, 0, 0]),
            ([41, 240, 110], [0, 0, 255]),
            ([16, 128, 128], [0, 0, 0]),
        ];
        for ([y, u, v], rgb) in bars {
            let image = from_yuyv(&[y, u, y, v], 2, 1, 4).expect("whole");
            for pixel in image.pixels() {
                let off = pixel.0.iter().zip(rgb).map(|(a, b): (&u8, u8)| a.abs_diff(b)).max();
                assert!(off <= Some(2), "{y} {u} {v}: {pixel:?} instead of {rgb:?}");
            }
        }
    }

    #[test]
    fn rows_of_yuyv_may_be_padded_and_must_be_all_there() {
        let row = |y: u8| [y, 128, y, 128, y, 128, y, 128, 77, 77];
        let bytes = [row(16), row(235)].concat();
        let image = from_yuyv(&bytes, 4, 2, 10).expect("whole");
        assert_eq!((image.dimensions(), image[(3, 0)], image[(0, 1)]), ((4, 2), Rgb([0; 3]), Rgb([255; 3])));
        assert_eq!(from_yuyv(&bytes, 5, 2, 10).expect("whole").width(), 4, "an odd column has no colour");
        let error = from_yuyv(&bytes[..15], 4, 2, 10).expect_err("cut off").to_string();
        assert!(error.contains("4×2 in YUYV takes 18 bytes, there are 15"), "{error}");
        assert!(from_yuyv(&[], 0, 0, 0).is_err());
    }

    #[test]
    fn nv12_and_rgb_are_the_same_picture_as_yuyv() {
        let pixels = |bytes: &[u8], layout| {
            Coded::Pixels { bytes: bytes.to_vec(), width: 2, height: 2, layout }.decode().map(RgbImage::into_raw)
        };
        let yuyv = pixels(&[81, 90, 145, 240, 16, 90, 235, 240], Layout::Yuyv).expect("whole");
        assert_eq!(pixels(&[81, 145, 16, 235, 90, 240], Layout::Nv12).expect("whole"), yuyv);
        assert_eq!(pixels(&yuyv, Layout::Rgb).expect("whole"), yuyv);
        assert!(pixels(&[81, 145, 16, 235, 90], Layout::Nv12).is_err() && pixels(&yuyv[1..], Layout::Rgb).is_err());
    }
}
