//! A frame as the trigger sees it.

use image::RgbImage;

use crate::region::{Pixels, Region};

/// Cells from left to right.
pub const COLUMNS: usize = 32;
/// Cells from top to bottom.
pub const ROWS: usize = 24;
/// Cells of a thumbnail.
pub(super) const CELLS: usize = COLUMNS * ROWS;
/// The level of a cell without colour in [`Thumbnail::blue`] and [`Thumbnail::red`].
pub(super) const COLOURLESS: u8 = 128;

/// A frame as the trigger sees it: means by cell, row by row. Brightness tells most; colour tells a hand from a
/// wall that is as bright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thumbnail {
    /// Brightness: luma by Rec. 601.
    pub grey: [u8; CELLS],
    /// By how much blue is brighter than grey, above 128, cut off at both ends.
    pub(super) blue: [u8; CELLS],
    /// The same of red.
    pub(super) red: [u8; CELLS],
}

impl Thumbnail {
    /// A picture without colours.
    #[must_use]
    pub fn of_grey(grey: [u8; CELLS]) -> Self {
        Self { grey, blue: [COLOURLESS; CELLS], red: [COLOURLESS; CELLS] }
    }

    /// The share of it that is darker than this.
    pub(super) fn darker_than(&self, level: u8) -> f32 {
        self.grey.iter().filter(|grey| **grey < level).count() as f32 / CELLS as f32
    }

    /// Shrinks a picture. Of a large one, not every pixel is looked at.
    #[must_use]
    pub fn of(image: &RgbImage) -> Self {
        Self::within(image, Region::WHOLE)
    }

    /// As [`Thumbnail::of`], of a part of the picture.
    #[must_use]
    pub fn within(image: &RgbImage, region: Region) -> Self {
        let Pixels { x: left, y: top, width, height } = region.pixels(image.width(), image.height());
        let stride = image.width() as usize;
        let mut sums = [[0_u32; 3]; CELLS];
        let mut counts = [0_u32; CELLS];
        let step = (width / (COLUMNS * 8)).max(1);
        let pixels = image.as_raw();
        for y in (0..height).step_by(step) {
            let row = y * ROWS / height * COLUMNS;
            for x in (0..width).step_by(step) {
                let pixel = &pixels[((top + y) * stride + left + x) * 3..][..3];
                let cell = row + x * COLUMNS / width;
                for (sum, value) in sums[cell].iter_mut().zip(pixel) {
                    *sum += u32::from(*value);
                }
                counts[cell] += 1;
            }
        }
        let mut thumbnail = Self::of_grey([0; CELLS]);
        for (cell, (sum, count)) in sums.iter().zip(&counts).enumerate().filter(|(_, (_, count))| **count > 0) {
            let [red, green, blue] = sum.map(|sum| (sum / count) as i32);
            let grey = (77 * red + 150 * green + 29 * blue) >> 8;
            let beyond = |colour: i32| (colour - grey + i32::from(COLOURLESS)).clamp(0, 255) as u8;
            thumbnail.grey[cell] = grey as u8;
            thumbnail.blue[cell] = beyond(blue);
            thumbnail.red[cell] = beyond(red);
        }
        thumbnail
    }
}
