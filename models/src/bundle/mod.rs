//! A model as it is shipped, pushed and kept: three files, named by their content.
//!
//! ```text
//! manifest.json   labels, input, thresholds, golden outputs, lineage; names the other two by SHA-256
//! backbone.onnx   image → embedding; large, the same for many versions
//! head.onnx       embedding → calibrated probabilities; some 40 KB, new at each retraining
//! ```
//!
//! A `Bundle` in memory is whole: its bytes have the SHA-256 that its manifest states. Whether it
//! also computes what it should is for the runtime to say, which runs it on the golden inputs.

/// What a bundle is: labels, input, thresholds, golden outputs, lineage.
mod manifest;

/// How pixels become what a network takes.
mod scaling;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

pub use manifest::{CLOSED, FORMAT, FileRef, Golden, InputSpec, Lineage, Manifest, ManifestError};
pub use scaling::{CHOICES as SCALING_CHOICES, Scaling, ScalingError};

use crate::durable;
use crate::name::ContentId;

/// The manifest's name in a bundle's folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The backbone's name in a bundle's folder.
pub const BACKBONE_FILE: &str = "backbone.onnx";
/// The head's name in a bundle's folder.
pub const HEAD_FILE: &str = "head.onnx";

/// No manifest is larger, in bytes.
pub const LARGEST_MANIFEST: u64 = 256 * 1024;
/// No backbone or head is larger, in bytes: a bin with 2 GB of memory must be able to load it.
pub const LARGEST_NETWORK: u64 = 64 * 1024 * 1024;

/// A bundle that is not whole.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The manifest says nothing sensible.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file is not the one that the manifest names.
    #[error(
        "{part} is not the one in the manifest: it has {found_bytes} bytes and SHA-256 {found}, the manifest says {expected_bytes} bytes and {expected}"
    )]
    Content {
        /// `backbone` or `head`.
        part: &'static str,
        /// What the manifest says.
        expected: ContentId,
        /// The size that the manifest says.
        expected_bytes: u64,
        /// What the file is.
        found: ContentId,
        /// The size that the file has.
        found_bytes: u64,
    },
}

/// A model, whole and of the content that its manifest states.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    backbone: Vec<u8>,
    head: Vec<u8>,
}

impl Bundle {
    /// Puts a bundle together from the bytes of its files.
    ///
    /// # Errors
    /// The manifest is malformed, or backbone or head are not the ones that it names.
    pub fn from_parts(manifest: Vec<u8>, backbone: Vec<u8>, head: Vec<u8>) -> Result<Self, BundleError> {
        let parsed = Manifest::parse(&manifest)?;
        check_content("backbone", &parsed.backbone, &backbone)?;
        check_content("head", &parsed.head, &head)?;
        Ok(Self { manifest: parsed, manifest_bytes: manifest, backbone, head })
    }

    /// Puts a bundle together from its manifest, whose file references are set to the bytes given.
    ///
    /// # Errors
    /// The manifest contradicts itself.
    pub fn seal(mut manifest: Manifest, backbone: Vec<u8>, head: Vec<u8>) -> Result<Self, BundleError> {
        manifest.backbone = FileRef::of(&backbone);
        manifest.head = FileRef::of(&head);
        Self::from_parts(manifest.to_bytes(), backbone, head)
    }

    /// Reads a bundle's folder.
    ///
    /// # Errors
    /// A file is missing or too large, or as [`Bundle::from_parts`].
    pub fn read(folder: &Path) -> Result<Self, BundleError> {
        Self::from_parts(
            read_limited(&folder.join(MANIFEST_FILE), LARGEST_MANIFEST)?,
            read_limited(&folder.join(BACKBONE_FILE), LARGEST_NETWORK)?,
            read_limited(&folder.join(HEAD_FILE), LARGEST_NETWORK)?,
        )
    }

    /// Writes a bundle's folder, the manifest last, so that a folder with a manifest is whole.
    ///
    /// # Errors
    /// The operating system's.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        durable::write(&folder.join(BACKBONE_FILE), &self.backbone)?;
        durable::write(&folder.join(HEAD_FILE), &self.head)?;
        durable::write(&folder.join(MANIFEST_FILE), &self.manifest_bytes)
    }

    /// What the bundle is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as it was written: its SHA-256 is the bundle's identity.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// SHA-256 of the manifest.
    #[must_use]
    pub fn id(&self) -> ContentId {
        ContentId::of(&self.manifest_bytes)
    }

    /// The backbone, an ONNX file.
    #[must_use]
    pub fn backbone(&self) -> &[u8] {
        &self.backbone
    }

    /// The head, an ONNX file.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }
}

fn check_content(part: &'static str, expected: &FileRef, bytes: &[u8]) -> Result<(), BundleError> {
    let found = FileRef::of(bytes);
    if found == *expected {
        return Ok(());
    }
    Err(BundleError::Content {
        part,
        expected: expected.sha256.clone(),
        expected_bytes: expected.bytes,
        found: found.sha256,
        found_bytes: found.bytes,
    })
}

fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, BundleError> {
    let read = || {
        let size = fs::metadata(path)?.len();
        if size > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{size} bytes are more than the {limit} that are allowed"),
            ));
        }
        fs::read(path)
    };
    read().map_err(|source| BundleError::Read { path: path.to_owned(), source })
}

/// Thresholds that are the same for every label: below `threshold`, the answer is *unsure*.
#[must_use]
pub fn uniform_thresholds(labels: &crate::labels::Labels, threshold: f32) -> BTreeMap<crate::name::Label, f32> {
    labels.as_slice().iter().map(|label| (label.clone(), threshold)).collect()
}

#[cfg(test)]
mod tests;
