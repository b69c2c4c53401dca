//! The model that ships does what its card and `metrics.json` say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pilah_models::bundle::Bundle;
use pilah_models::infer::Classifier;
use pilah_models::name::ContentId;
use pilah_models::picture::{self, Limits};
use serde_json::Value;

/// TrashNet's neighbours show the same object: runs of so many photo numbers are one.
const RUN: usize = 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("default")
}

fn bundle() -> Bundle {
    Bundle::read(&folder()).expect("models/default is a bundle")
}

fn metrics() -> Value {
    let text = fs::read_to_string(folder().join("metrics.json")).expect("models/default has metrics.json");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_metrics_are_those_of_this_bundle() {
    let (bundle, metrics) = (bundle(), metrics());
    assert_eq!(metrics["version"], bundle.manifest().version.as_str());
    for (name, bytes) in [("backbone.onnx", bundle.backbone()), ("head.onnx", bundle.head())] {
        assert_eq!(metrics["files"][name]["sha256"], ContentId::of(bytes).as_str(), "{name}");
        assert_eq!(metrics["files"][name]["bytes"], bytes.len(), "{name}");
    }
    let stated = bundle.manifest().lineage.accuracy.expect("the manifest states the accuracy");
    let measured = metrics["five_folds"]["accuracy"].as_f64().expect("a number");
    assert!((f64::from(stated) - measured).abs() < 0.0005, "the manifest says {stated}, the metrics {measured}");
}

#[test]
fn figures_follow_from_the_confusion_matrices() {
    let metrics = metrics();
    for part in ["/five_folds", "/shipped/validation", "/shipped/chambers", "/chambers"] {
        let found = metrics.pointer(part).expect("is measured");
        let matrix: Vec<Vec<f64>> = serde_json::from_value(found["confusion"].clone()).expect("a matrix");
        let images: f64 = matrix.iter().flatten().sum();
        let right: f64 = (0..matrix.len()).map(|class| matrix[class][class]).sum();
        let f1 = |class: usize| {
            let answered: f64 = matrix.iter().map(|row| row[class]).sum();
            2.0 * matrix[class][class] / (answered + matrix[class].iter().sum::<f64>())
        };
        let macro_f1 = (0..matrix.len()).map(f1).sum::<f64>() / matrix.len() as f64;
        let close = |key: &str, value: f64| (found[key].as_f64().expect("a number") - value).abs() < 0.0001;
        assert_eq!(found["images"].as_f64(), Some(images), "{part}");
        assert!(close("accuracy", right / images), "{part}");
        assert!(close("macro_f1", macro_f1), "{part}");
    }
}

#[test]
fn the_card_says_what_was_measured() {
    let (metrics, card) = (metrics(), fs::read_to_string(folder().join("MODEL_CARD.md")).expect("a card"));
    for part in ["/five_folds", "/shipped/validation", "/shipped/chambers", "/chambers"] {
        let accuracy = metrics.pointer(part).and_then(|found| found["accuracy"].as_f64()).expect("a number");
        let percent = format!("{:.1}%", accuracy * 100.0);
        assert!(card.contains(&percent), "the card does not say {percent} of {part}");
    }
    let pictures = card.lines().filter_map(|line| line.strip_prefix("![")?.split_once("](")?.1.strip_suffix(')'));
    let missing: Vec<&str> = pictures.filter(|path| !folder().join(path).is_file()).collect();
    assert!(missing.is_empty(), "the card shows pictures that are not there: {missing:?}");
}

/// Asks the model about its validation photos, where they are to be had.
#[test]
fn the_accuracy_is_measured_again() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = env::var_os("PILAH_SHARED").map_or_else(|| repository.join("../shared"), PathBuf::from);
    let photos = shared.join("data/trashnet");
    if !photos.is_dir() {
        eprintln!("skipped: there are no photos in {}", photos.display());
        return;
    }
    let bundle = bundle();
    let labels = bundle.manifest().labels.clone();
    let model = Classifier::load(&bundle).expect("loads");
    let (mut images, mut right) = (0_u32, 0_u32);
    for (class, label) in labels.as_slice().iter().enumerate() {
        for path in validation(&photos.join(label.as_str()), label.as_str()) {
            let image = picture::decode(&fs::read(&path).expect("reads"), &Limits::default()).expect("decodes");
            images += 1;
            right += u32::from(model.classify(&image).expect("runs").best().0 == class);
        }
    }
    let stated = &metrics()["shipped"]["validation"];
    assert_eq!(stated["images"].as_u64(), Some(images.into()));
    let (measured, stated) = (f64::from(right) / f64::from(images), stated["accuracy"].as_f64().expect("a number"));
    // Another processor may round a close call the other way.
    assert!((measured - stated).abs() <= 0.01, "{right} of {images} are right, the metrics say {stated}");
}

/// The photos of a class that the recipe took for validation: every tenth run from the second on.
fn validation(folder: &Path, label: &str) -> Vec<PathBuf> {
    let mut runs = BTreeMap::<usize, Vec<PathBuf>>::new();
    for entry in fs::read_dir(folder).expect("a folder per class") {
        let path = entry.expect("a readable folder").path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.strip_prefix(label)?.parse::<usize>().ok());
        runs.entry((number.expect("a number") - 1) / RUN).or_default().push(path);
    }
    runs.into_values().skip(1).step_by(10).flatten().collect()
}
