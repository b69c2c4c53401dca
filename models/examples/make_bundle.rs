//! From labelled pictures and a backbone to a bundle: the last step of `models/recipe`.
//!
//! ```text
//! make_bundle DATA BACKBONE OUT VERSION [ACCURACY]
//! DATA/{train,validation,test}/{label}/*.jpg
//! ACCURACY    what the manifest states if there are no test pictures
//! ```
//!
//! The head is fitted, calibrated and given thresholds by the trainer that the hub uses, and the golden
//! outputs are recorded by the runtime that the bin uses. Prints as JSON what was made.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use image::imageops::flip_horizontal;
use pilah_models::bundle::{Bundle, FileRef, InputSpec, Lineage, Manifest};
use pilah_models::infer::{Backbone, Classifier, Head, best, golden};
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::train::{Examples, HeadParams, fit, thresholds};
use pilah_models::{onnx, picture};
use serde_json::json;

const GOLDEN_TOLERANCE: f32 = 0.002;
const ACCEPTED_CONTAMINATION: f32 = 0.05;
const SEED: u64 = 1;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, backbone, out, version, more @ ..] = args.as_slice() else {
        bail!("usage: make_bundle DATA BACKBONE OUT VERSION [ACCURACY]");
    };
    let data = Path::new(data);
    let labels = Labels::waste();
    let backbone_bytes = fs::read(backbone).with_context(|| format!("cannot read {backbone}"))?;
    let Some((side, _)) = onnx::inspect(&backbone_bytes)?.image_size() else {
        bail!("{backbone} does not state the size of its input");
    };
    let input = InputSpec::square(side);
    let backbone = Backbone::load(&backbone_bytes, &input)?;

    let mut listed = String::new();
    let mut read = |split: &str, flip: bool| examples(&backbone, &labels, &data.join(split), flip, &mut listed);
    let (train, validation, test) = (read("train", true)?, read("validation", false)?, read("test", false)?);
    let params = HeadParams { seed: SEED, ..HeadParams::default() };
    let fitted = fit(&train, &validation, labels.len(), &params, &mut |epoch| {
        eprintln!("{epoch:?}");
        ControlFlow::Continue(())
    })?;
    let head_bytes = fitted.to_onnx();
    let head = Head::load(&head_bytes, backbone.embedding_len(), labels.len())?;
    let answers = answer(&head, &validation)?;
    let picked = thresholds::pick(&answers, &validation.targets, labels.len(), ACCEPTED_CONTAMINATION);
    let accuracy = match more.first() {
        Some(stated) => stated.parse().with_context(|| format!("{stated:?} is no accuracy"))?,
        None if test.is_empty() => bail!("there are no test pictures: state the ACCURACY that is known otherwise"),
        None => accuracy(&answer(&head, &test)?, &test.targets),
    };

    let manifest = Manifest {
        format: 1,
        version: ModelVersion::new(version.as_str())?,
        created_at: jiff::Timestamp::now(),
        labels: labels.clone(),
        input: input.clone(),
        embedding: backbone.embedding_len(),
        backbone: FileRef::of(&backbone_bytes),
        head: FileRef::of(&head_bytes),
        thresholds: labels.as_slice().iter().cloned().zip(picked).collect(),
        golden: golden::record(&backbone, &head, &input, GOLDEN_TOLERANCE)?,
        lineage: Lineage {
            software: concat!("pilah-models ", env!("CARGO_PKG_VERSION"), " models/recipe").into(),
            dataset: Some(ContentId::of(listed.as_bytes())),
            seed: Some(SEED),
            trained_on: Some(train.len() as u64 / 2),
            accuracy: Some(accuracy),
            ..Lineage::default()
        },
    };
    let bundle = Bundle::seal(manifest, backbone_bytes, head_bytes)?;
    Classifier::load(&bundle)?;
    fs::create_dir_all(out)?;
    bundle.write(Path::new(out))?;
    let made = json!({
        "version": version,
        "temperature": fitted.temperature,
        "accuracy": accuracy,
        "images": test.len(),
        "milliseconds": milliseconds(&backbone, &input)?,
        "bytes": bundle.backbone().len(),
    });
    println!("{made:#}");
    Ok(())
}

/// The embeddings of a split, each picture as it is and, if asked for, mirrored. What was read is added
/// to the list.
fn examples(backbone: &Backbone, labels: &Labels, folder: &Path, flip: bool, listed: &mut String) -> Result<Examples> {
    let mut examples = Examples::new(backbone.embedding_len());
    for (target, label) in labels.as_slice().iter().enumerate() {
        let of_class = folder.join(label.as_str());
        for path in if of_class.is_dir() { pictures(&of_class)? } else { Vec::new() } {
            let bytes = fs::read(&path)?;
            listed.push_str(&format!("{} {label} {}\n", ContentId::of(&bytes), folder.display()));
            let image =
                picture::decode(&bytes, &picture::Limits::default()).with_context(|| format!("{}", path.display()))?;
            examples.push(&backbone.embed(&image)?, target);
            if flip {
                examples.push(&backbone.embed(&flip_horizontal(&image))?, target);
            }
        }
    }
    Ok(examples)
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn answer(head: &Head, examples: &Examples) -> Result<Vec<Vec<f32>>> {
    Ok(examples.embeddings.chunks(examples.embedding).map(|row| head.probabilities(row)).collect::<Result<_, _>>()?)
}

/// The share of the answers that are right.
fn accuracy(answers: &[Vec<f32>], targets: &[usize]) -> f32 {
    let right = answers.iter().zip(targets).filter(|(row, target)| best(row).0 == **target).count();
    right as f32 / targets.len() as f32
}

/// The median time of an embedding.
fn milliseconds(backbone: &Backbone, input: &InputSpec) -> Result<f64> {
    let image = &golden::images(input)[0];
    let mut times = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        backbone.embed(image)?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
