//! From a bin's image to one that may be kept.
//!
//! The image is decoded under limits and encoded again, so that what is stored is an image and nothing
//! else: no metadata, no trailing bytes, nothing that only one decoder would accept. One of which a part is missing
//! is kept, for people to see and with a note of it, since no bin sends it again.

use pilah_models::name::ContentId;
use pilah_models::picture::{self, ImageError, Limits};
use pilah_models::preprocess;

use crate::dataset::looks;
use crate::store::{BlobError, Blobs};

/// Larger than any image of a bin, in bytes of the JPEG that is kept.
const LARGEST: usize = 256 * 1024;

/// A bin's crop is far smaller; 4 megapixels take 12 MB to decode.
const LIMITS: Limits = Limits { bytes: pilah_models::wire::LARGEST_JPEG, pixels: 4_000_000 };

/// An image in the object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredImage {
    pub(super) content: ContentId,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bytes: usize,
    /// Its perceptual hash.
    pub(super) looks: u64,
    /// What is wrong with it, in words: it is used for nothing.
    pub(super) damage: Option<String>,
}

/// Why an image is not in the object storage.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    /// It is no image that can be kept; sending it again would not help.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The storage failed; sending it again may help.
    #[error(transparent)]
    Storage(#[from] BlobError),
}

/// Decodes, encodes and stores an image.
pub(super) async fn keep(blobs: &Blobs, jpeg: Vec<u8>) -> Result<StoredImage, KeepError> {
    let cleaned = tokio::task::spawn_blocking(move || clean(&jpeg));
    let (jpeg, seen) = cleaned.await.map_err(|error| ImageError::Damaged(error.to_string()))??;
    let bytes = jpeg.len();
    let content = blobs.put(jpeg).await?;
    let Seen { width, height, looks, damage } = seen;
    Ok(StoredImage { content, width, height, bytes, looks, damage })
}

/// What was seen of an image when it was decoded.
struct Seen {
    width: u32,
    height: u32,
    looks: u64,
    damage: Option<String>,
}

fn clean(jpeg: &[u8]) -> Result<(Vec<u8>, Seen), ImageError> {
    let picture = picture::read(jpeg, &LIMITS)?;
    let image = picture.rgb;
    let damage = picture.damage.map(|damage| ImageError::Damaged(damage.to_string()).to_string());
    let seen = Seen { width: image.width(), height: image.height(), looks: looks::perceptual_hash(&image), damage };
    Ok((preprocess::encode_jpeg(&image, LARGEST)?, seen))
}
