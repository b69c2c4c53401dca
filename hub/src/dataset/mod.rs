//! The private dataset: images with labels, from bins, uploads and imported folders.
//!
//! What comes from outside is decoded under limits and encoded anew before it is stored, so that
//! metadata and whatever else hides in a file are gone; [`prepare`] is the only way in. Images lie
//! under their SHA-256, rows name them; no image has a public address.
//!
//! A sample enters with a label (upload, import) or gets one by review. What shows the same thing is a
//! group ([`group`]), groups that near-duplicates link are a cluster ([`cluster`]), and a cluster gets its
//! split ([`split`]) once, with the first label, and for ever. A sample that is labelled
//! [`UNUSABLE`] stays stored but is neither trained on nor counted.

use std::collections::BTreeSet;

use image::RgbImage;
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, Label, NameError};
use pilah_models::picture::{self, ImageError, Limits};
use pilah_models::preprocess;

use crate::store::{BlobError, StoreError};

/// Which samples show the same thing, by where they come from.
pub mod group;

/// What an image looks like, in 64 bits.
pub mod looks;

/// Which groups are one cluster, because near-duplicates link them.
pub mod cluster;

/// What a group of samples is used for.
pub mod split;

/// The classes that there are.
mod classes;

/// Samples and labels in the database.
pub mod store;

/// A folder or a zip of class folders, into the dataset.
pub mod import;

/// Frozen versions of the dataset.
pub mod version;

/// A version as a zip that other programs read.
pub mod export;

/// A bin's or a person's images, deleted everywhere, and proof of it.
pub mod delete;

/// What a killed hub left in the object storage.
mod leftovers;

/// What has to be looked after in the background.
pub mod job;

/// A file from a request, no larger than it may be.
pub(crate) mod receive;

/// How many pictures are decoded at once.
pub(crate) mod decoding;

/// HTTP: upload, list, label.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

pub use classes::Classes;
pub use split::Split;

/// The label that takes a sample out: blurred, empty, or showing a person. No class has this name.
pub const UNUSABLE: &str = "unusable";

/// Longer images are scaled down to this many pixels on their long side: four times what backbones
/// take, so that later ones may see more.
const LONGEST_SIDE: u32 = 1024;

/// No stored JPEG is larger, in bytes.
const LARGEST_STORED: usize = 1_000_000;

/// Something that cannot be done to the dataset.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// No valid label.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A valid label that is no class here.
    #[error("there is no class {label:?}; the classes are {}", known.join(", "))]
    UnknownLabel {
        /// The label.
        label: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// A sample that is not there.
    #[error("there is no sample {0:?}")]
    NoSample(String),
    /// A version that is not there.
    #[error(
        "there is no dataset version {0:?}, or several begin so: name it by its id or the first 8 or more digits of it"
    )]
    NoVersion(String),
    /// An image that is there after it was deleted.
    #[error("{0} was deleted and is there again: somebody stored the very image meanwhile; delete once more")]
    NotGone(ContentId),
    /// A file of the dataset or of an export.
    #[error("a file cannot be read or written")]
    File(#[from] std::io::Error),
    /// The database failed.
    #[error("the dataset cannot be read or written")]
    Store(#[from] StoreError),
    /// The object storage failed.
    #[error("an image cannot be read or written")]
    Blob(#[from] BlobError),
}

impl From<sea_orm::DbErr> for DatasetError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// An image as it is stored.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// JPEG without metadata.
    pub jpeg: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// What it looks like: [`looks::perceptual_hash`].
    pub looks: u64,
}

/// Decodes an image from outside under limits and encodes it anew: upright, at most 1024 pixels
/// long, at most a megabyte.
///
/// # Errors
/// [`ImageError`]: too large, of another type, or damaged.
pub fn prepare(bytes: &[u8], limits: &Limits) -> Result<Prepared, ImageError> {
    let image = shrink(picture::decode(bytes, limits)?);
    let jpeg = preprocess::encode_jpeg(&image, LARGEST_STORED)?;
    Ok(Prepared { jpeg, width: image.width(), height: image.height(), looks: looks::perceptual_hash(&image) })
}

fn shrink(image: RgbImage) -> RgbImage {
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    if longest <= LONGEST_SIDE {
        return image;
    }
    let scaled = |side: u32| {
        let exact = u64::from(side) * u64::from(LONGEST_SIDE) / u64::from(longest);
        u32::try_from(exact).unwrap_or(LONGEST_SIDE).max(1)
    };
    preprocess::resize(&image, scaled(width), scaled(height))
}

/// Every class that there is: those of the model in service in its order, then others that images
/// are labelled with, by name.
#[must_use]
pub fn classes(in_service: Option<&Labels>, seen: &BTreeSet<Label>) -> Vec<Label> {
    let mut classes: Vec<Label> = in_service.map(|labels| labels.as_slice().to_vec()).unwrap_or_default();
    let new: Vec<Label> = seen.iter().filter(|label| !classes.contains(label)).cloned().collect();
    classes.extend(new);
    classes
}

/// Reads the label that a reviewer or an upload names: a class that exists, written as [`Label::read`] takes it.
///
/// # Errors
/// [`DatasetError::Name`] or [`DatasetError::UnknownLabel`], which names those that exist.
pub fn known_label(name: &str, classes: &[Label]) -> Result<Label, DatasetError> {
    let label = Label::read(name)?;
    if classes.contains(&label) {
        return Ok(label);
    }
    let known = classes.iter().map(ToString::to_string).collect();
    Err(DatasetError::UnknownLabel { label: name.to_owned(), known })
}

#[cfg(test)]
mod tests;
