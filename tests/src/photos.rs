//! Photos with known labels: TrashNet's where they are to be had, drawn ones elsewhere.
//!
//! `PILAH_SHARED`, default `../shared` beside the repository, names the folder with the real ones.

use std::fs;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use pilah_models::labels::Labels;
use pilah_models::preprocess;

use crate::program::repository;

/// Copies `count` photos, as evenly from each class as there are, to `{folder}/{label}/`.
///
/// # Panics
/// If the folder cannot be written.
pub fn lay_out(folder: &Path, count: usize) {
    let labels = Labels::waste();
    let per_class = count.div_ceil(labels.len());
    let mut left = count;
    for label in labels.as_slice() {
        let target = folder.join(label.as_str());
        fs::create_dir_all(&target).expect("a folder for the class");
        let wanted = per_class.min(left);
        left -= wanted;
        match real_photos(label.as_str()) {
            Some(photos) => {
                assert!(photos.len() >= wanted, "{label} has {} photos, {wanted} are needed", photos.len());
                for photo in photos.iter().take(wanted) {
                    fs::copy(photo, target.join(photo.file_name().expect("a file"))).expect("copies");
                }
            }
            None => {
                let class = labels.index_of(label).expect("its own label");
                for number in 0..wanted {
                    let jpeg = preprocess::encode_jpeg(&draw(class, number), 100_000).expect("fits");
                    fs::write(target.join(format!("{label}{number}.jpg")), jpeg).expect("writes");
                }
            }
        }
    }
}

/// A class's photos in a fixed order that mixes the bursts, if they are to be had.
fn real_photos(label: &str) -> Option<Vec<PathBuf>> {
    let shared = std::env::var_os("PILAH_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let entries = fs::read_dir(shared.join("data/trashnet").join(label)).ok()?;
    let mut photos: Vec<PathBuf> = entries.map(|e| e.expect("a readable folder").path()).collect();
    photos.sort();
    Some(photos)
}

/// A bright thing on a lighter ground, whose colour and stripes tell its class.
fn draw(class: usize, number: usize) -> RgbImage {
    let hue =
        [[205, 160, 110], [120, 220, 190], [190, 190, 200], [245, 245, 240], [90, 150, 235], [150, 110, 150]][class];
    RgbImage::from_fn(512, 384, |x, y| {
        let (dx, dy) = (x as i32 - 256 - (number as i32 * 7) % 60, y as i32 - 192);
        let inside = dx * dx + dy * dy * 2 < 20_000 + (number as i32 % 9) * 900;
        let stripe = (x as usize / (8 + class * 5) + number).is_multiple_of(2);
        match (inside, stripe) {
            (true, true) => Rgb(hue),
            (true, false) => Rgb(hue.map(|c| c - 40)),
            (false, _) => Rgb([225, 222, 215]),
        }
    })
}
