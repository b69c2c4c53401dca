//! A version or a backbone from elsewhere: an ONNX file of a network from images to embeddings is a backbone for
//! the next training; one of a classifier, in a zip archive with `labels.txt` or with its classes in itself, becomes a
//! version.
//!
//! Nothing in an archive becomes a path: files are found by their names, read under limits, and stored by
//! their content ([`archive`]). A network is made what is taken here ([`onnx::intake`]), and how its pixels are scaled
//! is found out, never assumed ([`scaling`]); both are in the answer. A classifier is cut into backbone and head
//! ([`onnx::split`]), run on the golden inputs, evaluated and judged as if it had been trained here; it goes into
//! service by a person only.

/// What lies in a zip archive.
mod archive;

/// The classes of a network, as text.
mod labels;

/// Scalings tried out on labelled images.
mod trial;

use jiff::Timestamp;
use pilah_evaluate::gate::Verdict;
use pilah_models::bundle::{
    Bundle, FileRef, InputSpec, LARGEST_MANIFEST, LARGEST_NETWORK, Lineage, MANIFEST_FILE, Manifest, Scaling,
    uniform_thresholds,
};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::name::{Label, ModelVersion};
use pilah_models::onnx::{self, Change, Ending, Intake};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::labels::Renamed;

use self::archive::Archive;
use self::labels::Named;
use self::trial::Subject;
use crate::audit;
use crate::evaluate::{EvaluateError, job};
use crate::registry::backbones::{self, BackboneView, Checked};
use crate::registry::export::LABELS_FILE;
use crate::registry::scaling::{self, Because, Decided, Doubt, Tried};
use crate::registry::{Origin, Parts, RegistryError};

/// A list of labels is no larger, in bytes.
const LARGEST_LABELS: u64 = 64 * 1024;

/// No import is larger, in bytes: the largest network that a bin can load, and what lies beside it. It is
/// held in memory, and one is imported at a time.
pub const LARGEST: usize = 80_000_000;

/// What Hugging Face's tools write beside a network.
const PROCESSOR_FILE: &str = "preprocessor_config.json";

/// The threshold of every class, if the archive says nothing of it.
const THRESHOLD: f32 = 0.5;

/// The largest difference in a probability that counts as equal on another processor.
const TOLERANCE: f32 = 0.005;

/// What whoever imports a network knows of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Options {
    /// Width and height of the images that it takes, in pixels, if its file does not say.
    pub side: Option<u32>,
    /// How it takes its pixels; else its file says it, or it is tried out.
    pub scaling: Option<Scaling>,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Imported {
    /// A backbone; the next training takes it, and embeds all images anew.
    Backbone {
        /// The backbone.
        backbone: BackboneView,
        /// What was understood of its input.
        understood: Understood,
    },
    /// A classifier; it is a version now, and not in service.
    Model {
        /// The version.
        #[schema(value_type = String)]
        model: ModelVersion,
        /// Its classes in the order of its outputs.
        #[schema(value_type = Vec<String>)]
        labels: Vec<Label>,
        /// Those of its classes that were written otherwise.
        renamed: Vec<Renamed>,
        /// What was understood of its input.
        understood: Understood,
        /// What the gate says; `null` if there is no test image to judge it by.
        gate: Option<Verdict>,
    },
}

/// What was understood of a network's input, and what was changed to take it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Understood {
    /// Width of the images that it takes, in pixels.
    pub width: u32,
    /// Their height.
    pub height: u32,
    /// How pixels are scaled: `-1..1`, `0..1`, `0..255`, `imagenet`, or MEAN/DEVIATION.
    pub scaling: String,
    /// What is subtracted from the values 0 to 255 of each channel.
    pub mean: [f32; 3],
    /// What they are divided by then.
    pub std: [f32; 3],
    /// What says so.
    pub because: Because,
    /// How many labelled images were tried; 0: there were none of two classes.
    pub images: u64,
    /// How many of them each scaling labels right.
    pub tried: Vec<Tried>,
    /// What speaks against this scaling.
    pub doubts: Vec<Doubt>,
    /// What was changed: `gathered` (tensors of a second file), `widened` (half precision), `bytes`, `channels_last`,
    /// `log_softmax`.
    #[schema(value_type = Vec<String>)]
    pub changes: Vec<Change>,
}

/// Imports a file, and says what it was. `name` is what the file was called.
///
/// # Errors
/// [`EvaluateError::Registry`] with [`RegistryError::Import`], which says what is wrong with the file and how
/// to mend it, or [`RegistryError::Scaling`], if nothing says how its pixels are scaled; or the storage failed.
pub async fn import(
    parts: &Parts,
    bytes: Vec<u8>,
    name: &str,
    options: &Options,
    who: &str,
) -> Result<Imported, EvaluateError> {
    let (registry, options, latency_ms) = (&parts.registry, *options, parts.registry.rules().latency_ms);
    let receive = move || Received::read(&bytes, options).and_then(|received| received.loaded(latency_ms));
    let (received, subject, checked) =
        tokio::task::spawn_blocking(receive).await.expect("receiving does not panic and is not aborted")?;
    let trials = trial::run(parts, subject, &received.evidence).await?;
    let images = trials.first().map_or(0, |trial| trial.right.len() as u64);
    let tried: Vec<Tried> = trials.iter().map(scaling::Trial::tried).collect();
    let decided = scaling::decide(&received.evidence, &trials);
    let Some(Decided { scaling, because, doubts }) = decided else {
        return Err(RegistryError::Scaling { tried, images }.into());
    };
    let (width, height) = received.size;
    let input = InputSpec::scaled(width, height, scaling);
    let understood = Understood {
        width,
        height,
        scaling: scaling.to_string(),
        mean: scaling.mean,
        std: scaling.std,
        because,
        images,
        tried,
        doubts,
        changes: received.changes,
    };
    let Some(classifier) = received.classifier else {
        let checked = Checked { input, ..checked };
        let backbone = registry.keep_backbone(received.backbone, checked, name, who).await?;
        return Ok(Imported::Backbone { backbone, understood });
    };
    let version = registry.next_version(&classifier.head).await?;
    let (backbone, renamed) = (received.backbone, classifier.named.renamed.clone());
    let seal = move || classifier.seal(version, backbone, input);
    let bundle = tokio::task::spawn_blocking(seal).await.expect("sealing does not panic and is not aborted")?;
    let (mut report, gate) = job::judge(parts, &bundle).await?;
    let model = bundle.manifest().version.clone();
    let evaluation = report.test.as_ref().map(|test| &test.figures);
    registry.register(&bundle, &Origin { training: None, evaluation, verdict: gate.as_ref() }).await?;
    report.model.clone_from(&model);
    registry.keep_report(&report).await?;
    note_import(parts, &model, name, &understood.scaling, who).await?;
    let labels = bundle.manifest().labels.as_slice().to_vec();
    Ok(Imported::Model { model, labels, renamed, understood, gate })
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

/// A network as it came, made what is taken here.
struct Received {
    /// From images to embeddings.
    backbone: Vec<u8>,
    /// Width and height of its images, in pixels.
    size: (u32, u32),
    /// What says how its pixels are scaled, the first first.
    evidence: Vec<(Scaling, Because)>,
    changes: Vec<Change>,
    /// The rest, if it is a classifier.
    classifier: Option<Classifier>,
}

/// What a classifier has beside its backbone.
struct Classifier {
    head: Vec<u8>,
    embedding: usize,
    named: Named,
    /// What the hub that exported it wrote down.
    manifest: Option<Manifest>,
}

impl Received {
    fn read(bytes: &[u8], options: Options) -> Result<Self, RegistryError> {
        if let Some(problem) = foreign(bytes) {
            return Err(refused(problem));
        }
        if !bytes.starts_with(b"PK") {
            let network = take_in(bytes, &mut |_| Ok(None))?;
            let named = stated_classes(&network)?;
            if named.is_none() && network.ending == Ending::Softmax {
                return Err(refused(format!(
                    "the network ends in a softmax, so it is a classifier and no backbone: put it into a zip with \
                     {LABELS_FILE}, a class a line in the order of its outputs; or cut it after its pooling layer"
                )));
            }
            return Self::of(network, named, None, None, options);
        }
        let mut archive = Archive::open(bytes)?;
        let name = archive.network()?;
        let network = archive.read(&name, LARGEST_NETWORK)?;
        let network = take_in(&network, &mut |wanted| archive.read_beside(&name, wanted))?;
        let named = match archive.named(LABELS_FILE) {
            Some(file) => Some(labels::parse(&archive.read(&file, LARGEST_LABELS)?)?),
            None => stated_classes(&network)?,
        };
        if named.is_none() && network.ending != Ending::Other {
            return Err(archive.no_labels());
        }
        // An archive that Pilah wrote says what its network takes, and its thresholds.
        let manifest = match archive.named(MANIFEST_FILE) {
            Some(file) => Manifest::parse(&archive.read(&file, LARGEST_MANIFEST)?).ok(),
            None => None,
        };
        let processor = match archive.named(PROCESSOR_FILE) {
            Some(file) => onnx::stated_scaling_of_processor(&archive.read(&file, LARGEST_MANIFEST)?),
            None => None,
        };
        Self::of(network, named, manifest, processor, options)
    }

    fn of(
        network: Intake,
        named: Option<Named>,
        manifest: Option<Manifest>,
        processor: Option<Scaling>,
        options: Options,
    ) -> Result<Self, RegistryError> {
        let Intake { onnx, mut changes, metadata, .. } = network;
        let (backbone, classifier) = match named {
            None => (onnx, None),
            Some(named) => {
                let parts =
                    onnx::split(&onnx).map_err(|error| refused(format!("the network cannot be used: {error}")))?;
                if parts.classes != named.labels.len() {
                    return Err(refused(format!(
                        "the network has {} outputs, {LABELS_FILE} has {} classes",
                        parts.classes,
                        named.labels.len()
                    )));
                }
                changes.extend(parts.was_log.then_some(Change::LogSoftmax));
                let manifest = manifest.filter(|manifest| manifest.labels == named.labels);
                let onnx::Split { backbone, head, embedding, .. } = parts;
                (backbone, Some(Classifier { head, embedding, named, manifest }))
            }
        };
        let size = backbones::input_size(&backbone, options.side)?;
        let own = classifier.as_ref().and_then(|classifier| classifier.manifest.as_ref());
        let own = own.map(|manifest| &manifest.input).filter(|input| (input.width, input.height) == size);
        let stated = onnx::stated_scaling(&metadata)?.map(|(scaling, _)| scaling);
        let evidence = if changes.contains(&Change::Bytes) {
            if options.scaling.is_some_and(|said| !said.is_near(&Scaling::BYTES)) {
                return Err(refused(
                    "the network takes bytes (uint8), so that it scales its pixels itself: leave the scaling out",
                ));
            }
            vec![(Scaling::BYTES, Because::Bytes)]
        } else {
            let sources = [
                (options.scaling, Because::Said),
                (own.map(InputSpec::scaling), Because::Manifest),
                (stated, Because::File),
                (processor, Because::File),
            ];
            sources.into_iter().filter_map(|(scaling, because)| Some((scaling?, because))).collect()
        };
        Ok(Self { backbone, size, evidence, changes, classifier })
    }

    /// Loads and times the network, whatever its scaling, so that what it lacks is told before that is asked for.
    fn loaded(self, latency_ms: f64) -> Result<(Self, Subject, Checked), RegistryError> {
        let (width, height) = self.size;
        let any = InputSpec::scaled(width, height, Scaling::UNIT);
        // The gate judges how long a classifier takes.
        let latency_ms = if self.classifier.is_some() { f64::INFINITY } else { latency_ms };
        let (backbone, checked) = backbones::check(&self.backbone, any, latency_ms)?;
        let classifier = match &self.classifier {
            Some(Classifier { head, embedding, named, .. }) => {
                Some((Head::load(head, *embedding, named.labels.len())?, named.labels.clone()))
            }
            None => None,
        };
        Ok((self, Subject { backbone, classifier }, checked))
    }
}

fn take_in(network: &[u8], beside: onnx::Beside<'_>) -> Result<Intake, RegistryError> {
    onnx::intake(network, beside).map_err(|error| match error {
        error @ onnx::OnnxError::Malformed(_) => refused(format!("the network cannot be used: {error}")),
        error => refused(error.to_string()),
    })
}

/// The classes that a classifier's own file states.
fn stated_classes(network: &Intake) -> Result<Option<Named>, RegistryError> {
    if network.ending == Ending::Other {
        return Ok(None);
    }
    onnx::stated_labels(&network.metadata).map(|names| labels::of_file(&names)).transpose()
}

impl Classifier {
    fn seal(self, version: ModelVersion, backbone: Vec<u8>, input: InputSpec) -> Result<Bundle, RegistryError> {
        let Self { head, embedding, named: Named { labels, .. }, manifest } = self;
        let loaded = (Backbone::load(&backbone, &input)?, Head::load(&head, embedding, labels.len())?);
        let failed = |error: pilah_models::infer::InferError| refused(format!("the network cannot be run: {error}"));
        let thresholds = match manifest {
            Some(manifest) => manifest.thresholds,
            None => uniform_thresholds(&labels, THRESHOLD),
        };
        let manifest = Manifest {
            format: pilah_models::bundle::FORMAT,
            version,
            created_at: Timestamp::now(),
            labels,
            embedding,
            backbone: FileRef::of(&backbone),
            head: FileRef::of(&head),
            thresholds,
            golden: golden::record(&loaded.0, &loaded.1, &input, TOLERANCE).map_err(failed)?,
            input,
            lineage: Lineage {
                software: concat!("imported by pilah-hub ", env!("CARGO_PKG_VERSION")).into(),
                ..Lineage::default()
            },
        };
        Ok(Bundle::seal(manifest, backbone, head)?)
    }
}

async fn note_import(
    parts: &Parts,
    model: &ModelVersion,
    name: &str,
    scaling: &str,
    who: &str,
) -> Result<(), RegistryError> {
    let name: String = name.chars().take(200).collect();
    let detail = serde_json::json!({ "version": model, "name": name, "scaling": scaling });
    audit::note(parts.store.db(), who, "model.import", &detail).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
