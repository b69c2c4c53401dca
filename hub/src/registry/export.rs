//! A version as a folder: the bundle that a bin or `pilah-edge classify --bundle` takes, its labels as
//! text, and, if wanted, one ONNX file for everybody else.

use std::path::Path;

use pilah_models::bundle::Bundle;
use pilah_models::{durable, onnx};

use super::RegistryError;

/// The labels' name in the folder: one per line, in the order of the outputs.
pub const LABELS_FILE: &str = "labels.txt";

/// The merged network's name in the folder: `image` → `probabilities`.
pub const MERGED_FILE: &str = "model.onnx";

/// Writes a bundle's folder, with [`LABELS_FILE`], and [`MERGED_FILE`] if `merged`.
///
/// # Errors
/// A file cannot be written, or backbone and head cannot be merged.
pub fn write(bundle: &Bundle, folder: &Path, merged: bool) -> Result<(), RegistryError> {
    let labels = bundle.manifest().labels.as_slice();
    let text: String = labels.iter().map(|label| format!("{label}\n")).collect();
    if merged {
        let network = onnx::merge(bundle.backbone(), bundle.head())?;
        durable::write(&folder.join(MERGED_FILE), &network)?;
    }
    durable::write(&folder.join(LABELS_FILE), text.as_bytes())?;
    bundle.write(folder)?;
    Ok(())
}
