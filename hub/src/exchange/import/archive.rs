//! What lies in a zip archive of a model: the network, its second file if it has one, labels, manifest.
//!
//! Files are found by their names, whatever their folder and capitals, and read under limits. No name becomes a path.

use std::io::{Cursor, Read as _};

use pilah_models::bundle::LARGEST_NETWORK;
use zip::ZipArchive;

use super::{CONVERT, refused};
use crate::registry::RegistryError;
use crate::registry::export::{LABELS_FILE, MERGED_FILE};

/// An archive has no more files than this.
const MOST_ENTRIES: usize = 100;

/// An opened archive.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, RegistryError> {
        let damaged = |error: zip::result::ZipError| refused(format!("the zip archive is damaged: {error}"));
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        if zip.len() > MOST_ENTRIES {
            return Err(refused(format!("the archive holds {} files; at most {MOST_ENTRIES} are accepted", zip.len())));
        }
        let names = zip.file_names().map(|name| Ok(name.map_err(damaged)?.into_owned()));
        let names: Vec<String> = names.collect::<Result<_, RegistryError>>()?;
        // macOS adds files of its own beside each.
        let names = names.into_iter().filter(|name| !name.starts_with("__MACOSX/")).collect();
        Ok(Self { zip, names })
    }

    /// The one network.
    pub(super) fn network(&self) -> Result<String, RegistryError> {
        let ends_with = |ending: &str| self.names.iter().any(|name| name.to_ascii_lowercase().ends_with(ending));
        let is_network = |name: &&String| name.to_ascii_lowercase().ends_with(".onnx");
        let networks: Vec<&String> = self.names.iter().filter(is_network).collect();
        match (&networks[..], self.named(MERGED_FILE)) {
            (_, Some(merged)) => Ok(merged),
            ([network], None) => Ok((*network).clone()),
            ([], None) => {
                let teachable = [".tflite", ".h5", ".keras", ".pb", "model.json", "weights.bin"];
                if teachable.into_iter().any(ends_with) {
                    return Err(refused(format!(
                        "this is an export of Teachable Machine, or of another program, as TensorFlow; {CONVERT}"
                    )));
                }
                Err(refused(format!("the archive has no .onnx file; it holds {}", self.names.join(", "))))
            }
            _ => Err(refused(format!(
                "the archive has {} .onnx files and none is named {MERGED_FILE}: leave one",
                networks.len()
            ))),
        }
    }

    /// The file of this name, in whatever folder and capitals; one that is written just so comes first.
    pub(super) fn named(&self, wanted: &str) -> Option<String> {
        let exactly = self.names.iter().find(|name| file_name(name) == wanted);
        exactly.or_else(|| self.names.iter().find(|name| file_name(name).eq_ignore_ascii_case(wanted))).cloned()
    }

    /// What a network names as a file beside it: in its own folder, or else the one file of this name.
    pub(super) fn beside(&self, network: &str, wanted: &str) -> Option<String> {
        let wanted = wanted.strip_prefix("./").unwrap_or(wanted);
        let folder = &network[..network.len() - file_name(network).len()];
        let there = self.names.iter().find(|name| name.strip_prefix(folder) == Some(wanted));
        there.cloned().or_else(|| self.named(file_name(wanted)))
    }

    pub(super) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let damaged = |error: &dyn std::fmt::Display| refused(format!("{name} in the archive is damaged: {error}"));
        let file = self.zip.by_name(name).map_err(|error| damaged(&error))?;
        // The size that an archive states may be a lie; what comes out of it is counted.
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 > limit {
            return Err(refused(format!("{name} in the archive has more than the {limit} bytes that are accepted")));
        }
        Ok(bytes)
    }

    /// Reads a file beside a network, for the network's intake.
    pub(super) fn read_beside(&mut self, network: &str, wanted: &str) -> Result<Option<Vec<u8>>, String> {
        let Some(name) = self.beside(network, wanted) else { return Ok(None) };
        self.read(&name, LARGEST_NETWORK).map(Some).map_err(|error| error.to_string())
    }

    /// What is said of an archive without labels.
    pub(super) fn no_labels(&self) -> RegistryError {
        refused(format!(
            "the archive has no {LABELS_FILE}: add one with a class a line, in the order of the network's outputs; it \
             holds {}",
            self.names.join(", ")
        ))
    }
}

/// A name without its folders.
fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}
