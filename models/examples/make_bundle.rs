//! From labelled pictures and a backbone to a bundle: the last step of `models/recipe`.
//!
//! ```text
//! make_bundle DATA BACKBONE OUT VERSION [FIELD]
//! DATA/{train,validation,test}/{label}/*.jpg
//! FIELD/{label}/*.jpg    more pictures to test on, which do not count towards the stated accuracy
//! ```
//!
//! The head is fitted, calibrated and given thresholds by the trainer that the hub uses, and the golden
//! outputs are recorded by the runtime that the bin uses. Prints what the model card states, as JSON.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use image::RgbImage;
use image::imageops::flip_horizontal;
use pilah_models::bundle::{Bundle, FileRef, InputSpec, Lineage, Manifest};
use pilah_models::infer::{Backbone, Classifier, Head, best, golden};
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::train::{Examples, HeadParams, fit, thresholds};
use pilah_models::{onnx, preprocess};
use serde_json::{Value, json};

const GOLDEN_TOLERANCE: f32 = 0.002;
const ACCEPTED_CONTAMINATION: f32 = 0.05;
const SEED: u64 = 1;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, backbone, out, version, more @ ..] = args.as_slice() else {
        bail!("usage: make_bundle DATA BACKBONE OUT VERSION [FIELD]");
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
    let tested = report(&answer(&head, &test)?, &test.targets, &labels);
    let accuracy = tested["accuracy"].as_f64().unwrap_or_default() as f32;

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
    let classifier = Classifier::load(&bundle)?;
    fs::create_dir_all(out)?;
    bundle.write(Path::new(out))?;

    let mut result = json!({ "version": version, "test": tested, "temperature": fitted.temperature });
    if let Some(field) = more.first() {
        let field = examples(&backbone, &labels, Path::new(field), false, &mut String::new())?;
        result["field"] = report(&answer(&head, &field)?, &field.targets, &labels);
    }
    result["milliseconds_per_image"] = json!(milliseconds(&classifier)?);
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}

/// The embeddings of a split, each picture as it is and, if asked for, mirrored. What was read is added
/// to the list.
fn examples(backbone: &Backbone, labels: &Labels, folder: &Path, flip: bool, listed: &mut String) -> Result<Examples> {
    let mut examples = Examples::new(backbone.embedding_len());
    for (target, label) in labels.as_slice().iter().enumerate() {
        for path in pictures(&folder.join(label.as_str()))? {
            let bytes = fs::read(&path)?;
            listed.push_str(&format!("{} {label} {}\n", ContentId::of(&bytes), folder.display()));
            let image = preprocess::decode(&bytes, &preprocess::Limits::default())
                .with_context(|| format!("{}", path.display()))?;
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

/// Accuracy with its 95 % interval (Wilson), macro-F1, and the confusion matrix, rows the truth.
fn report(answers: &[Vec<f32>], targets: &[usize], labels: &Labels) -> Value {
    let mut confusion = vec![vec![0usize; labels.len()]; labels.len()];
    for (row, &target) in answers.iter().zip(targets) {
        confusion[target][best(row).0] += 1;
    }
    let n = targets.len() as f64;
    let right: usize = (0..labels.len()).map(|i| confusion[i][i]).sum();
    let (p, z) = (right as f64 / n, 1.959_964);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let f1 = |i: usize| {
        let answered: usize = confusion.iter().map(|row| row[i]).sum();
        let meant: usize = confusion[i].iter().sum();
        2.0 * confusion[i][i] as f64 / (answered + meant).max(1) as f64
    };
    let by_class: BTreeMap<&str, f64> =
        labels.as_slice().iter().enumerate().map(|(i, l)| (l.as_str(), f1(i))).collect();
    json!({
        "images": targets.len(),
        "accuracy": p,
        "interval": [middle - half, middle + half],
        "macro_f1": by_class.values().sum::<f64>() / labels.len() as f64,
        "f1": by_class,
        "confusion": confusion,
    })
}

/// The median time that a picture takes, from pixels to probabilities.
fn milliseconds(classifier: &Classifier) -> Result<f64> {
    let image = RgbImage::from_fn(320, 240, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]));
    let mut times = Vec::new();
    for _ in 0..31 {
        let begun = Instant::now();
        classifier.classify(&image)?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
