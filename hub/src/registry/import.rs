//! A version or a backbone from elsewhere: one ONNX file is a backbone for the next training; a zip archive of
//! an ONNX file and `labels.txt` is a whole classifier, which becomes a version.
//!
//! Nothing in an archive becomes a path: files are found by their names, read under limits, and stored by
//! their content. A classifier is cut into backbone and head ([`onnx::split`]), run on the golden inputs,
//! evaluated and judged as if it had been trained here; it goes into service by a person only.

use std::io::{Cursor, Read as _};

use jiff::Timestamp;
use pilah_models::bundle::{
    Bundle, FileRef, InputSpec, LARGEST_MANIFEST, LARGEST_NETWORK, Lineage, MANIFEST_FILE, Manifest, uniform_thresholds,
};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::{Label, ModelVersion};
use pilah_models::onnx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zip::ZipArchive;

use super::backbones::{self, BackboneView};
use super::export::LABELS_FILE;
use super::{Origin, Registry, RegistryError};
use crate::audit;
use crate::evaluate::gate::Verdict;
use crate::evaluate::job::{self, EvaluateError};
use crate::train::job::Parts;

/// An archive has no more files than this.
const MOST_ENTRIES: usize = 100;

/// A list of labels is no larger, in bytes.
const LARGEST_LABELS: u64 = 64 * 1024;

/// The threshold of every class, if the archive says nothing of it.
const THRESHOLD: f32 = 0.5;

/// The largest difference in a probability that counts as equal on another processor.
const TOLERANCE: f32 = 0.005;

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Imported {
    /// A backbone; the next training takes it, and embeds all images anew.
    Backbone {
        /// The backbone.
        backbone: BackboneView,
    },
    /// A classifier; it is a version now, and not in service.
    Model {
        /// The version.
        #[schema(value_type = String)]
        model: ModelVersion,
        /// Its classes in the order of its outputs.
        #[schema(value_type = Vec<String>)]
        labels: Vec<Label>,
        /// What the gate says; `null` if there is no test image to judge it by.
        gate: Option<Verdict>,
    },
}

/// Imports a file, and says what it was.
///
/// `name` is what the file was called, `side` the width and height of the images that a network takes, in
/// pixels, if its file does not say.
///
/// # Errors
/// [`EvaluateError::Registry`] with [`RegistryError::Import`], which says what is wrong with the file and how
/// to mend it; or the storage failed.
pub async fn import(
    parts: &Parts,
    bytes: Vec<u8>,
    name: &str,
    side: Option<u32>,
    who: &str,
) -> Result<Imported, EvaluateError> {
    let registry = &parts.registry;
    if let Some(problem) = foreign(&bytes) {
        return Err(refused(problem).into());
    }
    if !bytes.starts_with(b"PK") {
        let backbone = registry.import_backbone(bytes, name, side, who).await?;
        return Ok(Imported::Backbone { backbone });
    }
    let unpack = move || Classifier::unpack(&bytes, side);
    let classifier = tokio::task::spawn_blocking(unpack).await.expect("unpacking does not panic and is not aborted")?;
    let version = registry.next_version(&classifier.head).await?;
    let seal = move || classifier.seal(version);
    let bundle = tokio::task::spawn_blocking(seal).await.expect("sealing does not panic and is not aborted")?;
    let (mut report, gate) = job::judge(parts, &bundle).await?;
    let model = bundle.manifest().version.clone();
    let evaluation = report.test.as_ref().map(|test| &test.figures);
    registry.register(&bundle, &Origin { training: None, evaluation, verdict: gate.as_ref() }).await?;
    report.model.clone_from(&model);
    registry.keep_report(&report).await?;
    registry.note_import(&model, name, who).await?;
    Ok(Imported::Model { model, labels: bundle.manifest().labels.as_slice().to_vec(), gate })
}

fn refused(problem: impl Into<String>) -> RegistryError {
    RegistryError::Import(problem.into())
}

/// How to make of another format what is accepted.
const CONVERT: &str = "only ONNX is accepted. Convert it on a machine with Python: `pip install tf2onnx tensorflow`, then \
     `python -m tf2onnx.convert --tflite model.tflite --output model.onnx` (or --keras, --saved-model, --tfjs), and \
     zip model.onnx with labels.txt";

/// What is known to be no ONNX by its first bytes.
fn foreign(bytes: &[u8]) -> Option<String> {
    let format = match bytes {
        [] => return Some("the file is empty".into()),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => "a TensorFlow Lite model",
        [0x89, b'H', b'D', b'F', ..] => "a Keras model",
        [b'{', ..] => "a TensorFlow.js model, or other JSON",
        [0xff, 0xd8, ..] | [0x89, b'P', b'N', b'G', ..] => "an image",
        _ => return None,
    };
    Some(format!("this is {format}; {CONVERT}"))
}

/// A classifier as it came out of an archive.
struct Classifier {
    labels: Labels,
    input: InputSpec,
    thresholds: Option<Manifest>,
    backbone: Vec<u8>,
    head: Vec<u8>,
    embedding: usize,
}

impl Classifier {
    fn unpack(bytes: &[u8], side: Option<u32>) -> Result<Self, RegistryError> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| refused(format!("the zip archive is damaged: {error}")))?;
        if archive.len() > MOST_ENTRIES {
            return Err(refused(format!(
                "the archive holds {} files; at most {MOST_ENTRIES} are accepted",
                archive.len()
            )));
        }
        // macOS adds files of its own beside each.
        let damaged = |error: zip::result::ZipError| refused(format!("the zip archive is damaged: {error}"));
        let names = archive.file_names().map(|name| Ok(name.map_err(damaged)?.into_owned()));
        let names: Vec<String> = names.collect::<Result<_, RegistryError>>()?;
        let names: Vec<String> = names.into_iter().filter(|name| !name.starts_with("__MACOSX/")).collect();
        let network = network_of(&names)?;
        let labels = named(&names, LABELS_FILE).ok_or_else(|| {
            refused(format!(
                "the archive has no {LABELS_FILE}: add one with a class a line, in the order of the network's outputs; it \
                 holds {}",
                names.join(", ")
            ))
        })?;
        let labels = parse_labels(&read(&mut archive, labels, LARGEST_LABELS)?)?;
        let network = read(&mut archive, network, LARGEST_NETWORK)?;
        let parts = onnx::split(&network).map_err(|error| refused(format!("the network cannot be used: {error}")))?;
        if parts.classes != labels.len() {
            return Err(refused(format!(
                "the network has {} outputs, {LABELS_FILE} has {} classes",
                parts.classes,
                labels.len()
            )));
        }
        // An archive that Pilah wrote says what its network takes, and its thresholds.
        let manifest = match named(&names, MANIFEST_FILE) {
            Some(name) => Manifest::parse(&read(&mut archive, name, LARGEST_MANIFEST)?).ok(),
            None => None,
        };
        let manifest = manifest.filter(|manifest| manifest.labels == labels);
        let (width, height) = backbones::input_size(&parts.backbone, side)?;
        let stated = manifest.as_ref().map(|manifest| manifest.input.clone());
        let input = stated
            .filter(|stated| (stated.width, stated.height) == (width, height))
            .unwrap_or_else(|| InputSpec { width, height, ..InputSpec::square(width) });
        let onnx::Split { backbone, head, embedding, .. } = parts;
        Ok(Self { labels, input, thresholds: manifest, backbone, head, embedding })
    }

    fn seal(self, version: ModelVersion) -> Result<Bundle, RegistryError> {
        let backbone = Backbone::load(&self.backbone, &self.input)?;
        let head = Head::load(&self.head, self.embedding, self.labels.len())?;
        let failed = |error: pilah_models::infer::InferError| refused(format!("the network cannot be run: {error}"));
        let thresholds = match self.thresholds {
            Some(manifest) => manifest.thresholds,
            None => uniform_thresholds(&self.labels, THRESHOLD),
        };
        let manifest = Manifest {
            format: pilah_models::bundle::FORMAT,
            version,
            created_at: Timestamp::now(),
            labels: self.labels,
            embedding: self.embedding,
            backbone: FileRef::of(&self.backbone),
            head: FileRef::of(&self.head),
            thresholds,
            golden: golden::record(&backbone, &head, &self.input, TOLERANCE).map_err(failed)?,
            input: self.input,
            lineage: Lineage {
                software: concat!("imported by pilah-hub ", env!("CARGO_PKG_VERSION")).into(),
                ..Lineage::default()
            },
        };
        Ok(Bundle::seal(manifest, self.backbone, self.head)?)
    }
}

/// The one network of an archive.
fn network_of(names: &[String]) -> Result<&str, RegistryError> {
    let ends_with = |ending: &str| names.iter().filter(|name| name.to_ascii_lowercase().ends_with(ending)).count();
    let networks: Vec<&String> = names.iter().filter(|name| name.to_ascii_lowercase().ends_with(".onnx")).collect();
    match (&networks[..], named(names, super::export::MERGED_FILE)) {
        (_, Some(merged)) => Ok(merged),
        ([network], None) => Ok(network),
        ([], None) => {
            let teachable = [".tflite", ".h5", ".keras", ".pb", "model.json", "weights.bin"];
            if teachable.iter().any(|ending| ends_with(ending) > 0) {
                return Err(refused(format!(
                    "this is an export of Teachable Machine, or of another program, as TensorFlow; {CONVERT}"
                )));
            }
            Err(refused(format!("the archive has no .onnx file; it holds {}", names.join(", "))))
        }
        _ => Err(refused(format!(
            "the archive has {} .onnx files and none is named {}: leave one",
            networks.len(),
            super::export::MERGED_FILE
        ))),
    }
}

/// The file of this name, in whatever folder of the archive.
fn named<'a>(names: &'a [String], wanted: &str) -> Option<&'a str> {
    names.iter().map(String::as_str).find(|name| name.rsplit(['/', '\\']).next() == Some(wanted))
}

fn read(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
    let damaged = |error: &dyn std::fmt::Display| refused(format!("{name} in the archive is damaged: {error}"));
    let file = archive.by_name(name).map_err(|error| damaged(&error))?;
    // The size that an archive states may be a lie; what comes out of it is counted.
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
    if bytes.len() as u64 > limit {
        return Err(refused(format!("{name} in the archive has more than the {limit} bytes that are accepted")));
    }
    Ok(bytes)
}

/// A class a line. As Teachable Machine writes them, a number may come first, and names may have capitals
/// and spaces: `0 Glass bottle` is `glass_bottle`.
fn parse_labels(bytes: &[u8]) -> Result<Labels, RegistryError> {
    let text = std::str::from_utf8(bytes).map_err(|_| refused(format!("{LABELS_FILE} is no UTF-8 text")))?;
    let mut labels = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let name = match line.split_once(' ') {
            Some((digits, rest)) if digits.bytes().all(|b| b.is_ascii_digit()) => rest.trim(),
            _ => line,
        };
        let plain = name.to_lowercase().replace(' ', "_");
        let label =
            Label::new(plain).map_err(|error| refused(format!("{LABELS_FILE}, line {}: {error}", number + 1)))?;
        labels.push(label);
    }
    Labels::new(labels).map_err(|error| refused(format!("{LABELS_FILE}: {error}")))
}

impl Registry {
    async fn note_import(&self, model: &ModelVersion, name: &str, who: &str) -> Result<(), RegistryError> {
        let name: String = name.chars().take(200).collect();
        let detail = serde_json::json!({ "version": model, "name": name });
        audit::note(self.store.db(), who, "model.import", &detail).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
