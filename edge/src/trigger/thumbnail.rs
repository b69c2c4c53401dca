//! A frame as the trigger sees it.

use image::RgbImage;

use crate::region::{Pixels, Region};

/// Cells from left to right.
pub const COLUMNS: usize = 32;
/// Cells from top to bottom.
pub const ROWS: usize = 24;
/// Cells of a thumbnail.
pub(super) const CELLS: usize = COLUMNS * ROWS;

/// A frame as the trigger sees it: mean brightness by cell, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thumbnail(pub [u8; CELLS]);

impl Thumbnail {
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
        let mut sums = [0_u32; CELLS];
        let mut counts = [0_u32; CELLS];
        let step = (width / (COLUMNS * 8)).max(1);
        let pixels = image.as_raw();
        for y in (0..height).step_by(step) {
            let row = y * ROWS / height * COLUMNS;
            for x in (0..width).step_by(step) {
                let pixel = &pixels[((top + y) * stride + left + x) * 3..][..3];
                let cell = row + x * COLUMNS / width;
                // Rec. 601 luma in 1/256.
                sums[cell] += (77 * u32::from(pixel[0]) + 150 * u32::from(pixel[1]) + 29 * u32::from(pixel[2])) >> 8;
                counts[cell] += 1;
            }
        }
        let mut cells = [0; CELLS];
        for (cell, (sum, count)) in cells.iter_mut().zip(sums.iter().zip(&counts)) {
            *cell = sum.checked_div(*count).map_or(0, |mean| mean.min(255) as u8);
        }
        Self(cells)
    }
}
