//! Which images are worth sending: those that teach, and a few at random for honest statistics.
//!
//! An image of an item that the bin was sure of tells little, and costs a hundred times what its
//! event costs. What is kept, why it was kept, and in which order it may be dropped again when the
//! outbox is full, is decided here.

use image::RgbImage;
use pilah_models::picture::ImageError;
use pilah_models::preprocess;
use pilah_models::wire::{LARGEST_JPEG, SampleReason};
use serde::Deserialize;

/// No image is made smaller than this, in pixels of its longer side: what the model that ships looks at.
pub const LEAST_SIDE: u32 = 160;

/// Which items are photographed.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleRules {
    /// Whether every item that the bin was unsure of is.
    pub unsure: bool,
    /// Whether every item on which the frames of a vote disagreed is.
    pub disagreement: bool,
    /// Which share of all others is, 0 to 1.
    pub random_share: f32,
    /// The longer side of an image, in pixels.
    pub largest_side: u32,
}

impl Default for SampleRules {
    fn default() -> Self {
        Self { unsure: true, disagreement: true, random_share: 0.05, largest_side: 640 }
    }
}

impl SampleRules {
    /// Whether the image of an item is kept, and why. `draw` is random, from 0 up to 1.
    #[must_use]
    pub fn keep(&self, sure: bool, agreed: bool, draw: f32) -> Option<SampleReason> {
        if self.unsure && !sure {
            Some(SampleReason::Unsure)
        } else if self.disagreement && !agreed {
            Some(SampleReason::Disagreement)
        } else if draw < self.random_share {
            Some(SampleReason::Random)
        } else {
            None
        }
    }

    /// The image as it is sent, with its width and height.
    ///
    /// # Errors
    /// It does not fit a message, however small.
    pub fn encode(&self, image: &RgbImage) -> Result<(Vec<u8>, u32, u32), ImageError> {
        self.encode_within(image, LARGEST_JPEG)
    }

    /// The image as it is sent, with its width and height, in at most `largest` bytes: first at a lower quality, then
    /// smaller, but with no longer side below [`LEAST_SIDE`].
    ///
    /// # Errors
    /// It does not fit, unless it were too small to tell anything.
    pub fn encode_within(&self, image: &RgbImage, largest: usize) -> Result<(Vec<u8>, u32, u32), ImageError> {
        let image = preprocess::shrink(image.clone(), self.largest_side);
        let (width, height) = image.dimensions();
        let longer = width.max(height);
        let mut side = longer;
        loop {
            let [width, height] = [width, height].map(|length| (length * side / longer).max(1));
            if let Some(jpeg) = preprocess::encode_jpeg_of_size(&image, width, height, largest)? {
                return Ok((jpeg, width, height));
            }
            if side <= LEAST_SIDE {
                return Err(ImageError::Incompressible(largest));
            }
            side = (side * 3 / 4).max(LEAST_SIDE);
        }
    }
}

/// How much an image is worth when the outbox is full, from 0: the least is dropped first. What the
/// bin was surest of teaches least.
#[must_use]
pub fn worth(reason: SampleReason, confidence: f32) -> u8 {
    let by_reason = match reason {
        SampleReason::Random => 0,
        SampleReason::Disagreement => 1,
        SampleReason::Unsure => 2,
        // Somebody waits for it, or somebody saw that it is wrong, which teaches most.
        SampleReason::Requested => 3,
        SampleReason::Wrong => 4,
    };
    // Few steps, so that among images that teach about the same the oldest goes first.
    let by_doubt = ((1.0 - confidence.clamp(0.0, 1.0)) * 3.99) as u8;
    by_reason * 4 + by_doubt
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn what_teaches_is_kept_and_a_share_of_the_rest() {
        use SampleReason::{Disagreement, Random, Unsure};
        let all = SampleRules { random_share: 0.1, ..SampleRules::default() };
        let few = SampleRules { unsure: false, disagreement: false, random_share: 0.0, largest_side: 640 };
        let cases = [
            (all, false, true, 0.9, Some(Unsure)),
            (all, false, false, 0.0, Some(Unsure)),
            (all, true, false, 0.9, Some(Disagreement)),
            (all, true, true, 0.05, Some(Random)),
            (all, true, true, 0.1, None),
            (few, false, false, 0.0, None),
        ];
        for (rules, sure, agreed, draw, expected) in cases {
            assert_eq!(rules.keep(sure, agreed, draw), expected, "sure {sure}, agreed {agreed}, draw {draw}");
        }
    }

    #[test]
    fn what_teaches_least_is_worth_least() {
        let order = [
            worth(SampleReason::Random, 0.99),
            worth(SampleReason::Random, 0.6),
            worth(SampleReason::Disagreement, 0.9),
            worth(SampleReason::Unsure, 0.7),
            worth(SampleReason::Unsure, 0.2),
            worth(SampleReason::Requested, 0.9),
            worth(SampleReason::Wrong, 0.99),
        ];
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{order:?}");
        assert_eq!(worth(SampleReason::Random, 0.99), worth(SampleReason::Random, 0.95), "the older goes first");
    }

    #[test]
    fn any_image_fits_a_message() {
        let rules = SampleRules::default();
        let noise = |width, height| {
            let mut state = 1_u32;
            RgbImage::from_fn(width, height, |_, _| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Rgb([(state >> 8) as u8, (state >> 16) as u8, (state >> 24) as u8])
            })
        };
        for (width, height) in [(320, 240), (1280, 960), (2000, 100)] {
            let (jpeg, w, h) = rules.encode(&noise(width, height)).expect("fits");
            assert!(jpeg.len() <= LARGEST_JPEG && w.max(h) <= 640, "{width}×{height}: {w}×{h}, {} bytes", jpeg.len());
        }
    }

    #[test]
    fn an_image_is_made_smaller_until_it_fits_and_not_below_what_is_of_use() {
        let rules = SampleRules::default();
        // Gentle slopes with a sharp edge, as photos have.
        let photo = RgbImage::from_fn(640, 480, |x, y| {
            let edge = if x * 3 > y * 4 { 90 } else { 0 };
            Rgb([(x / 4) as u8 + edge, (y / 3) as u8, ((x * y / 700) % 256) as u8])
        });
        let mut before = (usize::MAX, u32::MAX);
        for largest in [100_000, 20_000, 7000, 4000] {
            let (jpeg, width, height) = rules.encode_within(&photo, largest).expect("fits");
            assert!(jpeg.len() <= largest && jpeg.len() <= before.0 && width <= before.1, "{largest}: {width}");
            assert!((width * 3 / 4).abs_diff(height) <= 1, "{largest}: {width}×{height}");
            assert!(width >= LEAST_SIDE, "{largest}: {width}");
            let there = image::load_from_memory(&jpeg).expect("a JPEG");
            assert_eq!((there.width(), there.height()), (width, height));
            before = (jpeg.len(), width);
        }
        assert!(matches!(rules.encode_within(&photo, 500), Err(ImageError::Incompressible(500))));
    }
}
