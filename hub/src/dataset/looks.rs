//! What an image looks like, in 64 bits that survive scaling, recompression and a little cropping.
//!
//! The perceptual hash by discrete cosine transform (C. Zauner, "Implementation and Benchmarking of
//! Perceptual Image Hash Functions", 2010, section 3.2.1): the image as 32 × 32 grey values, the lowest
//! 64 frequencies but the mean, each a bit that says whether it is above the median.
//!
//! # The threshold
//! Measured on TrashNet's 2,027 photos, 400 of them altered, as the share of altered ones that are still
//! found, and the pairs of photos of different runs, which rarely show one object:
//!
//! | bits apart, at most | 4 | **6** | 8 | 10 |
//! |---|---|---|---|---|
//! | scaled to a half or a third, or recompressed at quality 30 to 88, or 10 % brighter | 99.8 % | 100 % | 100 % | 100 % |
//! | 1 % cut off each side, quality 80 | 96 % | 99.5 % | 99.8 % | 100 % |
//! | 2 % cut off each side | 71 % | 90 % | 98 % | 99 % |
//! | pairs of different runs | 11 | 17 | 30 | 72 |
//! | largest cluster, with the runs of 20 | 60 | 76 | 217 | 903 |
//!
//! At 6, of 1,035 pairs of items in the demo's bins, which see the same floor all day, none is linked. A
//! difference hash needs 8 bits for the same and then links 5,610 pairs of different runs.
//!
//! # Finding neighbours
//! The hash is cut into four [`bands`] of 16 bits. Two hashes that differ in at most 6 bits have a band
//! in which they differ in at most one (6 / 4, rounded down), so the database is asked for samples one of
//! whose bands is among 17 values, by index: 68 values of 65,536 each, whatever the size of the dataset.

use std::sync::LazyLock;

use image::RgbImage;
use pilah_models::preprocess;

/// The most bits in which near-duplicates differ.
pub const NEAR: u32 = 6;

/// How many bands a hash has.
pub const BANDS: usize = 4;

/// Side of the grey picture that the hash is made of.
const SIDE: usize = 32;

/// Frequencies along each side, the mean included.
const FREQUENCIES: usize = 9;

static COSINES: LazyLock<[[f64; SIDE]; FREQUENCIES]> = LazyLock::new(|| {
    std::array::from_fn(|frequency| {
        std::array::from_fn(|at| {
            (std::f64::consts::PI * (2 * at + 1) as f64 * frequency as f64 / (2 * SIDE) as f64).cos()
        })
    })
});

/// The perceptual hash of an image. An even surface has 0.
#[must_use]
pub fn perceptual_hash(image: &RgbImage) -> u64 {
    let small = preprocess::resize(image, SIDE as u32, SIDE as u32);
    let grey: Vec<f64> = small
        .pixels()
        .map(|pixel| {
            let [r, g, b] = pixel.0.map(f64::from);
            0.299 * r + 0.587 * g + 0.114 * b
        })
        .collect();
    let rows: [[f64; FREQUENCIES]; SIDE] = std::array::from_fn(|y| {
        let row = &grey[y * SIDE..][..SIDE];
        std::array::from_fn(|u| COSINES[u].iter().zip(row).map(|(cosine, grey)| cosine * grey).sum())
    });
    let frequency = |u: usize, v: usize| -> f64 { rows.iter().zip(&COSINES[v]).map(|(row, c)| row[u] * c).sum() };
    // The 8 × 8 lowest without the mean, and the next one of the first row in its place.
    let places = (1..64).map(|place| (place % 8, place / 8)).chain([(8, 0)]);
    let values: Vec<f64> = places.map(|(u, v)| frequency(u, v)).collect();
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[31], sorted[32]);
    values.iter().fold(0, |hash, value| (hash << 1) | u64::from(*value > median))
}

/// How many bits of two hashes differ.
#[must_use]
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

/// The bands of a hash: every fourth bit, so that each has some of the coarse frequencies, which are
/// alike in many images, and some of the fine ones.
#[must_use]
pub fn bands(hash: u64) -> [u16; BANDS] {
    std::array::from_fn(|band| {
        (0..16).fold(0, |value, bit| value | (((hash >> (BANDS * bit + band)) & 1) as u16) << bit)
    })
}

/// The values that a band may have in a near-duplicate: its own, and those with one bit turned.
pub fn probes(band: u16) -> impl Iterator<Item = u16> {
    const { assert!(NEAR / BANDS as u32 == 1, "one bit per band is turned") };
    std::iter::once(band).chain((0..16).map(move |bit| band ^ (1 << bit)))
}

#[cfg(test)]
mod tests {
    use pilah_models::picture;
    use proptest::prelude::*;

    use super::*;

    fn picture(side: u32, turn: bool) -> RgbImage {
        RgbImage::from_fn(side, side, |x, y| {
            let (u, v) = if turn { (y, x) } else { (x, y) };
            let (u, v) = (f64::from(u) / f64::from(side), f64::from(v) / f64::from(side));
            let wave = (u * 9.0 + v * v * 4.0).sin() * 60.0 + ((u - 0.3) * 6.0 * v).cos() * 40.0;
            image::Rgb([(wave + 110.0) as u8; 3])
        })
    }

    #[test]
    fn it_survives_scaling_and_recompression_and_tells_pictures_apart() {
        let original = perceptual_hash(&picture(256, false));
        assert!(distance(original, perceptual_hash(&picture(400, false))) <= 2);
        let jpeg = preprocess::encode_jpeg(&picture(256, false), 4_000).expect("encodes");
        let decoded = picture::decode(&jpeg, &picture::Limits::default()).expect("decodes");
        assert!(distance(original, perceptual_hash(&decoded)) <= NEAR);
        assert!(distance(original, perceptual_hash(&picture(256, true))) > 2 * NEAR);
        assert_eq!(perceptual_hash(&RgbImage::new(64, 64)), 0, "an even surface");
    }

    #[test]
    fn bands_have_every_bit_once() {
        assert_eq!(bands(0), [0; 4]);
        assert_eq!(bands(u64::MAX), [u16::MAX; 4]);
        for bit in 0..64 {
            let set: u32 = bands(1 << bit).iter().map(|band| band.count_ones()).sum();
            assert_eq!(set, 1, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn what_is_near_shares_a_probed_band(hash: u64, turned in prop::collection::vec(0u32..64, 0..=NEAR as usize)) {
            let other = turned.iter().fold(hash, |hash, bit| hash ^ (1 << bit));
            let found = bands(hash).iter().zip(bands(other)).any(|(a, b)| probes(*a).any(|probe| probe == b));
            prop_assert!(found);
        }
    }
}
