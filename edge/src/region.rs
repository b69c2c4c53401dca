//! The part of the picture that the bin looks at. What is outside neither triggers, nor is classified,
//! nor sent: the lamp beside the chamber, the street behind the flap.
//!
//! It is stated in shares of the picture, so that it holds at any size that a camera may choose.
//! Whoever installs a bin draws it in the preview, where it holds at once, and pastes the line that the
//! preview shows into the configuration, where it stays: the configuration has one owner, and a
//! program that writes its own needs the right to.

use std::fmt;
use std::sync::Arc;

use image::{GenericImageView as _, RgbImage};
use serde::Deserialize;

/// The least width and height, as shares: a smaller region holds no item.
pub const LEAST_SIDE: f32 = 0.05;

/// A rectangle in shares of the picture: from the left, from the top, width, height.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "[f32; 4]")]
pub struct Region {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Region {
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    /// Left, top, width and height.
    pub(crate) fn shares(&self) -> [f32; 4] {
        [self.left, self.top, self.width, self.height]
    }

    /// The rectangle in pixels, within a picture of this size; it has one at least, if the picture has.
    pub(crate) fn pixels(&self, width: u32, height: u32) -> Pixels {
        let span = |from: f32, length: f32, whole: u32| {
            let whole = f64::from(whole);
            let begin = (f64::from(from) * whole).round().clamp(0.0, (whole - 1.0).max(0.0));
            let end = (f64::from(from + length) * whole).round().clamp(begin, whole).max((begin + 1.0).min(whole));
            (begin as usize, (end - begin) as usize)
        };
        let ((x, width), (y, height)) = (span(self.left, self.width, width), span(self.top, self.height, height));
        Pixels { x, y, width, height }
    }

    /// The picture of the region; the picture itself if that is the whole.
    #[must_use]
    pub fn crop(&self, image: &Arc<RgbImage>) -> Arc<RgbImage> {
        if *self == Self::WHOLE {
            return Arc::clone(image);
        }
        let Pixels { x, y, width, height } = self.pixels(image.width(), image.height());
        Arc::new(image.view(x as u32, y as u32, width as u32, height as u32).to_image())
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl TryFrom<[f32; 4]> for Region {
    type Error = String;
    fn try_from([left, top, width, height]: [f32; 4]) -> Result<Self, String> {
        // Shares are typed and drawn with two or three decimals: their sum may miss 1 by a rounding.
        const ROUNDING: f32 = 0.001;
        let side = |from: f32, length: f32| {
            (0.0..1.0).contains(&from) && length >= LEAST_SIDE && from + length <= 1.0 + ROUNDING
        };
        if side(left, width) && side(top, height) {
            Ok(Self { left, top, width: width.min(1.0 - left), height: height.min(1.0 - top) })
        } else {
            Err(format!(
                "[{left}, {top}, {width}, {height}] is no part of the picture: [left, top, width, height] are shares \
                 from 0 to 1, a side is at least {LEAST_SIDE}, and left + width and top + height are at most 1"
            ))
        }
    }
}

/// As it is written in the configuration.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, top, width, height } = self;
        write!(f, "[{left:.3}, {top:.3}, {width:.3}, {height:.3}]")
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_region_is_a_part_of_the_picture() {
        for good in [[0.0, 0.0, 1.0, 1.0], [0.25, 0.5, 0.75, 0.5], [0.333, 0.0, 0.667, 0.05], [0.95, 0.0, 0.05, 1.0]] {
            assert!(Region::try_from(good).is_ok(), "{good:?}");
        }
        let nan = f32::NAN;
        for bad in [
            [-0.1, 0.0, 0.5, 0.5],
            [0.0, 1.0, 0.5, 0.5],
            [0.6, 0.0, 0.5, 0.5],
            [0.0, 0.0, 0.01, 0.5],
            [nan, 0.0, 0.5, 0.5],
            [0.0, 0.0, 0.5, nan],
            [0.0, 0.0, f32::INFINITY, 0.5],
        ] {
            let error = Region::try_from(bad).expect_err("no part of the picture");
            assert!(error.contains("[left, top, width, height]"), "{error}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        let region = Region::try_from([0.1234, 0.5, 0.25, 0.4996]).expect("valid");
        let line = format!("region = {region}");
        assert_eq!(line, "region = [0.123, 0.500, 0.250, 0.500]");
        let read: toml::Table = line.parse().expect("TOML");
        assert_eq!(read["region"].clone().try_into::<Region>().map(|r| r.to_string()), Ok(region.to_string()));
    }

    #[test]
    fn the_crop_is_the_region_and_the_whole_costs_nothing() {
        let image = Arc::new(RgbImage::from_fn(8, 4, |x, y| Rgb([x as u8, y as u8, 0])));
        assert!(Arc::ptr_eq(&image, &Region::WHOLE.crop(&image)));
        let crop = Region::try_from([0.5, 0.25, 0.25, 0.5]).expect("valid").crop(&image);
        assert_eq!(crop.dimensions(), (2, 2));
        assert_eq!((crop.get_pixel(0, 0).0, crop.get_pixel(1, 1).0), ([4, 1, 0], [5, 2, 0]));
    }

    proptest! {
        #[test]
        fn pixels_lie_within_a_picture_of_any_size(
            left in 0.0_f32..0.94, top in 0.0_f32..0.94, width in LEAST_SIDE..1.0, height in LEAST_SIDE..1.0,
            size in (1_u32..3000, 1_u32..3000),
        ) {
            let region = Region::try_from([left, top, width.min(1.0 - left), height.min(1.0 - top)]);
            prop_assume!(region.is_ok());
            let Pixels { x, y, width, height } = region.expect("valid").pixels(size.0, size.1);
            prop_assert!(width > 0 && height > 0);
            prop_assert!(x + width <= size.0 as usize && y + height <= size.1 as usize);
        }
    }
}
