//! A version as a folder: the bundle that a bin or `pilah-edge classify --bundle` takes, its labels as
//! text, and, if wanted, one ONNX file for everybody else. Or as a zip archive for everybody else, with a
//! card that says what the model is and is worth; the hub imports it as well.

use std::io::{Cursor, Write as _};
use std::path::Path;

use pilah_models::bundle::{Bundle, MANIFEST_FILE};
use pilah_models::name::ModelVersion;
use pilah_models::{durable, onnx};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::card::Card;
use super::lineage::Override;
use super::{Registry, RegistryError, store};

/// The labels' name in the folder: one per line, in the order of the outputs.
pub const LABELS_FILE: &str = "labels.txt";

/// The merged network's name in the folder: `image` → `probabilities`.
pub const MERGED_FILE: &str = "model.onnx";

/// The card's name in an archive.
pub const CARD_FILE: &str = "MODEL_CARD.md";

/// Writes a bundle's folder, with [`LABELS_FILE`], and [`MERGED_FILE`] if `merged`.
///
/// # Errors
/// A file cannot be written, or backbone and head cannot be merged.
pub fn write(bundle: &Bundle, folder: &Path, merged: bool) -> Result<(), RegistryError> {
    if merged {
        let network = onnx::merge(bundle.backbone(), bundle.head())?;
        durable::write(&folder.join(MERGED_FILE), &network)?;
    }
    durable::write(&folder.join(LABELS_FILE), labels(bundle).as_bytes())?;
    bundle.write(folder)?;
    Ok(())
}

fn labels(bundle: &Bundle) -> String {
    bundle.manifest().labels.as_slice().iter().map(|label| format!("{label}\n")).collect()
}

impl Registry {
    /// A version as a zip archive of [`MERGED_FILE`], [`LABELS_FILE`], [`CARD_FILE`] and the manifest.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], the parts cannot be merged, or the storage failed.
    pub async fn archive(&self, version: &ModelVersion) -> Result<Vec<u8>, RegistryError> {
        let row = store::find(self.store.db(), version.as_str()).await?;
        let bundle = self.bundle(version).await?;
        let lineage = self.lineage(&row, bundle.manifest()).await?;
        let (report, overridden) = (self.report(version).await?, Override::of(&row));
        let card = Card {
            manifest: bundle.manifest(),
            lineage: &lineage,
            report: report.as_ref(),
            verdict: store::verdict_of(&row).as_ref(),
            overridden: overridden.as_ref(),
        }
        .markdown();
        let pack = move || pack(&bundle, &card);
        tokio::task::spawn_blocking(pack).await.expect("packing does not panic and is not aborted")
    }
}

fn pack(bundle: &Bundle, card: &str) -> Result<Vec<u8>, RegistryError> {
    let network = onnx::merge(bundle.backbone(), bundle.head())?;
    let labels = labels(bundle);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        (MERGED_FILE, network.as_slice()),
        (LABELS_FILE, labels.as_bytes()),
        (CARD_FILE, card.as_bytes()),
        (MANIFEST_FILE, bundle.manifest_bytes()),
    ] {
        // Weights do not get smaller by compression.
        let method = if name == MERGED_FILE { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        archive.start_file(name, SimpleFileOptions::default().compression_method(method)).map_err(zip_failed)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish().map_err(zip_failed)?.into_inner())
}

fn zip_failed(error: zip::result::ZipError) -> RegistryError {
    RegistryError::Write(std::io::Error::other(error))
}
