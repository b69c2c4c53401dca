use std::io::{Cursor, Write as _};

use image::{Rgb, RgbImage};
use pilah_models::labels::Labels;
use pilah_models::onnx::Brightness;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::dataset;
use crate::registry::State;
use crate::registry::fixture::{EMBEDDING, Hub, SIDE, backbone, picture, write_class};

fn labels() -> Labels {
    Labels::parse(["glass", "metal", "paper"]).expect("valid")
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).expect("starts");
        archive.write_all(bytes).expect("writes");
    }
    archive.finish().expect("finishes").into_inner()
}

/// A classifier of three classes, as one network.
fn network() -> Vec<u8> {
    let weights: Vec<f32> = (0..3 * EMBEDDING).map(|i| (i * 7 % 11) as f32 / 11.0 - 0.5).collect();
    onnx::merge(&backbone(), &onnx::write_head(&weights, &[0.1, 0.0, -0.1], 3, EMBEDDING)).expect("merges")
}

/// Pixels as the networks of the fixture take them.
const SIGNED: Options = Options { side: None, scaling: Some(Scaling::SIGNED) };

async fn refusal(hub: &Hub, bytes: Vec<u8>, options: Options) -> String {
    let error = import(&hub.parts, bytes, "file", &options, "ada").await.expect_err("refused");
    crate::error::Chain(&error).to_string()
}

#[tokio::test]
async fn what_was_exported_is_imported_and_answers_the_same() {
    let hub = Hub::open(Some(&labels())).await;
    let root = hub.path().join("photos");
    for (class, label) in ["glass", "metal", "paper"].into_iter().enumerate() {
        write_class(&root, label, class, 0..20);
    }
    let Parts { store, blobs, registry } = &hub.parts;
    dataset::import::import(store, blobs, &root, "test", |_, _| {}).await.expect("imports");
    let exported = registry.archive(&ModelVersion::new("m1").expect("valid")).await.expect("packs");
    let imported = import(&hub.parts, exported, "m1.zip", &Options::default(), "ada").await.expect("imports");
    let Imported::Model { model, labels: found, gate, understood, .. } = imported else {
        panic!("a classifier: {imported:?}")
    };
    assert_eq!(found, labels().as_slice());
    assert_eq!((understood.scaling.as_str(), understood.because), ("-1..1", Because::Manifest));
    let gate = gate.expect("there are test images");
    let accuracy = gate.rules.iter().find(|rule| rule.rule == "accuracy").expect("it was compared with m1");
    assert!(accuracy.passed, "it labels as many right: {accuracy:?}");
    let compared = job::compare(&hub.parts, &ModelVersion::new("m1").expect("valid"), &model).await.expect("compares");
    assert_eq!(compared.test.only_old + compared.test.only_new, 0, "{}", compared.summary);
    let (old, new) = (
        registry.bundle(&ModelVersion::new("m1").expect("valid")).await.expect("reads"),
        registry.bundle(&model).await.expect("reads"),
    );
    assert_eq!(old.manifest().thresholds, new.manifest().thresholds);
    assert!(registry.report(&model).await.expect("reads").is_some(), "its report is kept");
    assert_eq!(registry.in_service().map(|m| m.manifest().version.to_string()).as_deref(), Some("m1"));
}

#[tokio::test]
async fn labels_are_read_as_others_write_them() {
    let hub = Hub::open(None).await;
    let text = "\u{feff}0 Glass Bottle\r\n1 Metal\r\n\r\n2 paper\r\n";
    let files = archive(&[
        ("export/labels.txt", text.as_bytes()),
        ("export/anything.onnx", &network()),
        ("__MACOSX/._anything.onnx", b"x"),
    ]);
    let imported = import(&hub.parts, files, "tm.zip", &SIGNED, "ada").await.expect("imports");
    let Imported::Model { model, labels, renamed, gate, .. } = imported else { panic!("a classifier: {imported:?}") };
    let names: Vec<&str> = labels.iter().map(Label::as_str).collect();
    assert_eq!((names, gate), (vec!["glass_bottle", "metal", "paper"], None), "no test image, no verdict");
    assert_eq!(renamed.len(), 2, "{renamed:?}");
    hub.parts.registry.activate(model.as_str(), "ada", None).await.expect("it loads");
}

#[tokio::test]
async fn what_is_wrong_with_an_archive_is_said() {
    let hub = Hub::open(Some(&labels())).await;
    let (network, good) = (network(), b"glass\nmetal\npaper\n".as_slice());
    let cases: [(Vec<u8>, &str); 11] = [
        (archive(&[("model.onnx", &network)]), "no labels.txt: add one with a class a line"),
        (archive(&[("labels.txt", good)]), "no .onnx file; it holds labels.txt"),
        (
            archive(&[("model.onnx", &network), ("labels.txt", b"glass\nmetal\n")]),
            "3 outputs, labels.txt has 2 classes",
        ),
        (archive(&[("model.onnx", &network), ("labels.txt", "glass\nmetal\nmüll\n".as_bytes())]), "labels.txt, line 3"),
        (archive(&[("model.onnx", &network), ("labels.txt", b"a\nb\na\n")]), "label a is listed twice"),
        (archive(&[("model.onnx", &network), ("labels.txt", &[0xff, 0xfe])]), "no UTF-8"),
        (archive(&[("model.onnx", &network[..network.len() / 2]), ("labels.txt", good)]), "the network cannot be used"),
        (archive(&[("a.onnx", &network), ("b.onnx", &network), ("labels.txt", good)]), "2 .onnx files"),
        (archive(&[("model_unquant.tflite", b"x"), ("labels.txt", good)]), "tf2onnx"),
        (archive(&[("model.json", b"{}"), ("weights.bin", b"x"), ("metadata.json", b"{}")]), "Teachable Machine"),
        (archive(&[("model.onnx", &network), ("labels.txt", good)])[..200].to_vec(), "the zip archive is damaged"),
    ];
    for (bytes, expected) in cases {
        let error = refusal(&hub, bytes, SIGNED).await;
        assert!(error.contains(expected), "{error:?} should contain {expected:?}");
    }
    let list = crate::registry::routes::model_list(&hub.parts.registry).await.expect("reads");
    assert_eq!(list.models.len(), 1, "nothing was registered");
}

#[tokio::test]
async fn other_formats_are_named_with_the_way_out() {
    let hub = Hub::open(None).await;
    let cases: [(&[u8], &str); 6] = [
        (b"\x1c\0\0\0TFL3rest", "TensorFlow Lite"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (b"{\"modelTopology\": {}}", "TensorFlow.js"),
        (b"\xff\xd8\xff\xe0", "an image"),
        (b"", "empty"),
        (b"GIF89a, no network", "not an ONNX file"),
    ];
    for (bytes, expected) in cases {
        let error = refusal(&hub, bytes.to_vec(), SIGNED).await;
        assert!(error.contains(expected), "{error:?} should contain {expected:?}");
    }
}

#[tokio::test]
async fn a_backbone_is_checked_and_waits_for_the_next_training() {
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    let other = onnx::tiny_backbone(8, 24, 12);
    let imported = import(&hub.parts, other.clone(), "tiny.onnx", &SIGNED, "ada").await.expect("imports");
    let Imported::Backbone { backbone: view, .. } = imported else { panic!("a backbone: {imported:?}") };
    assert_eq!((view.width, view.height, view.embedding, view.next), (24, 24, 12, true));
    assert_eq!(registry.next_backbone().await.expect("reads").map(|(onnx, _)| onnx), Some(other.clone()));
    let newer = import(&hub.parts, onnx::tiny_backbone(9, 16, 8), "newer.onnx", &SIGNED, "ada").await.expect("imports");
    let list = registry.backbones().await.expect("reads");
    assert_eq!(list.iter().filter(|b| b.next).map(|b| b.name.as_str()).collect::<Vec<_>>(), ["newer.onnx"]);
    let Imported::Backbone { backbone: newer, .. } = newer else { panic!("a backbone") };
    registry.delete_backbone(&newer.sha256, "ada").await.expect("nothing was made with it");
    assert!(!hub.parts.blobs.exists(&newer.sha256).await.expect("looks"));
    assert!(matches!(registry.delete_backbone(&newer.sha256, "ada").await, Err(RegistryError::NoBackbone(_))));

    // The next training takes it, and after that it no longer waits.
    let root = hub.path().join("photos");
    for (class, label) in ["glass", "metal", "paper"].into_iter().enumerate() {
        write_class(&root, label, class, 0..20);
    }
    let Parts { store, blobs, .. } = &hub.parts;
    dataset::import::import(store, blobs, &root, "test", |_, _| {}).await.expect("imports");
    let stop = tokio_util::sync::CancellationToken::new();
    let trainer = crate::train::Trainer::open(hub.parts.clone(), hub.live.clone(), stop).await.expect("opens");
    let report = trainer.train(crate::train::TrainParams::default(), None, "ada").await.expect("trains");
    let made = registry.bundle(&report.model).await.expect("reads");
    assert_eq!((&made.manifest().backbone.sha256, made.manifest().embedding), (&view.sha256, 12));
    assert_eq!(registry.next_backbone().await.expect("reads"), None);
    let error = registry.delete_backbone(&view.sha256, "ada").await.expect_err("a version has it").to_string();
    assert!(error.contains(report.model.as_str()), "{error}");
    let again = refusal(&hub, other, SIGNED).await;
    assert!(again.contains("already"), "{again}");
}

#[tokio::test]
async fn a_backbone_of_wrong_shape_speed_or_bytes_is_refused() {
    let hub = Hub::open(None).await;
    let whole = backbone();
    let cut = refusal(&hub, whole[..whole.len() / 3].to_vec(), SIGNED).await;
    assert!(cut.contains("not an ONNX file") || cut.contains("network"), "{cut}");
    // A head takes vectors, not pictures.
    let head = archive(&[("head.onnx", &onnx::write_head(&[0.0; 8], &[0.0; 2], 2, 4)), ("labels.txt", b"a\nb\n")]);
    let head = refusal(&hub, head, SIGNED).await;
    assert!(head.contains("[?, 4]") && head.contains("input_side"), "{head}");
    let mut slow = hub.parts.clone();
    slow.registry = slow.registry.with_rules(pilah_evaluate::GateRules { latency_ms: 1e-6, ..Default::default() });
    let error = import(&slow, whole, "slow", &SIGNED, "ada").await.expect_err("no network is that fast").to_string();
    assert!(error.contains("latency_ms in gate.toml"), "{error}");
    assert!(hub.parts.registry.backbones().await.expect("reads").is_empty());
}

#[tokio::test]
async fn a_rejected_import_stays_rejected_until_someone_says_why_not() {
    let hub = Hub::open(Some(&labels())).await;
    let root = hub.path().join("photos");
    for (class, label) in ["glass", "metal", "paper"].into_iter().enumerate() {
        write_class(&root, label, class, 0..20);
    }
    let Parts { store, blobs, registry } = &hub.parts;
    dataset::import::import(store, blobs, &root, "test", |_, _| {}).await.expect("imports");
    let two =
        onnx::merge(&backbone(), &onnx::write_head(&[0.0; 2 * EMBEDDING], &[0.1, 0.0], 2, EMBEDDING)).expect("merges");
    let files = archive(&[("model.onnx", &two), ("labels.txt", b"glass\nmetal\n")]);
    let imported =
        import(&hub.parts, files, "two.zip", &Options { side: Some(SIDE), ..SIGNED }, "ada").await.expect("imports");
    let Imported::Model { model, gate, .. } = imported else { panic!("a classifier: {imported:?}") };
    assert!(gate.expect("judged").summary().contains("m1 knows paper"));
    let list = crate::registry::routes::model_list(registry).await.expect("reads");
    let row = list.models.iter().find(|row| row.version == model.as_str()).expect("listed");
    assert_eq!((row.state.as_str(), row.tags.len()), (State::Rejected.name(), 0));
    assert!(matches!(registry.activate(model.as_str(), "ada", Some("  ")).await, Err(RegistryError::Refused { .. })));
}

/// A grey picture of about this brightness, with patches that no other has.
fn shade(value: u8, number: u32) -> RgbImage {
    let patches = picture(0, number);
    RgbImage::from_fn(48, 40, |x, y| {
        let patch = i16::from(patches.get_pixel(x, y)[1]) - 60;
        Rgb([(i16::from(value) + patch).clamp(0, 255) as u8; 3])
    })
}

/// A dataset of dark and bright pictures, many of them near the middle, where a wrong scaling goes wrong.
async fn shades(hub: &Hub) {
    let root = hub.path().join("shades");
    for (class, from) in [("dark", 90), ("bright", 130)] {
        let folder = root.join(class);
        std::fs::create_dir_all(&folder).expect("makes the folder");
        for number in 0..36 {
            let image = shade(from + number as u8, number + 100 * u32::from(from));
            image.save(folder.join(format!("{class}{}.png", number * 20))).expect("writes");
        }
    }
    let Parts { store, blobs, .. } = &hub.parts;
    let report = dataset::import::import(store, blobs, &root, "test", |_, _| {}).await.expect("imports");
    assert_eq!(report.imported, 72, "{report:?}");
}

fn brightness(scaling: Scaling) -> Brightness {
    Brightness::new(scaling, SIDE)
}

fn zipped(network: &[u8]) -> Vec<u8> {
    archive(&[("model.onnx", network), ("labels.txt", b"dark\nbright\n")])
}

/// Imports a classifier of brightness, and checks that the version tells dark from bright.
async fn imported(hub: &Hub, file: Vec<u8>, options: &Options) -> Understood {
    let imported = import(&hub.parts, file, "file", options, "ada").await.expect("imports");
    let Imported::Model { model, understood, labels, .. } = imported else { panic!("a classifier: {imported:?}") };
    assert_eq!(labels.iter().map(Label::as_str).collect::<Vec<_>>(), ["dark", "bright"]);
    let bundle = hub.parts.registry.bundle(&model).await.expect("reads");
    let model = pilah_models::infer::Classifier::load(&bundle).expect("loads");
    for (value, expected) in [(64, 0), (120, 0), (140, 1), (200, 1)] {
        let grey = RgbImage::from_pixel(64, 64, Rgb([value; 3]));
        assert_eq!(model.classify(&grey).expect("runs").best().0, expected, "{value}: {understood:?}");
    }
    understood
}

#[tokio::test]
async fn labelled_images_tell_how_pixels_are_scaled() {
    let hub = Hub::open(None).await;
    shades(&hub).await;
    for scaling in [Scaling::UNIT, Scaling::SIGNED, Scaling::IMAGENET] {
        let understood = imported(&hub, zipped(&brightness(scaling).write().0), &Options::default()).await;
        assert_eq!((understood.scaling, understood.because), (scaling.to_string(), Because::Images));
        assert!(understood.images >= 40 && understood.tried.len() == 4, "{:?}", understood.tried);
    }
    // What is said counts, and the images have their word.
    let said = Options { scaling: Some(Scaling::SIGNED), ..Options::default() };
    let file = zipped(&brightness(Scaling::UNIT).write().0);
    let imported = import(&hub.parts, file, "file", &said, "ada").await.expect("imports");
    let Imported::Model { understood, .. } = imported else { panic!("a classifier") };
    assert_eq!((understood.scaling.as_str(), understood.because), ("-1..1", Because::Said));
    assert_eq!(understood.doubts, [Doubt { by: Because::Images, scaling: "0..1".into() }]);
}

#[tokio::test]
async fn what_nothing_says_is_asked_for() {
    let hub = Hub::open(None).await;
    let file = zipped(&brightness(Scaling::UNIT).write().0);
    let error = refusal(&hub, file.clone(), Options::default()).await;
    for expected in ["--scaling", "?scaling=", "-1..1", "0..1", "0..255", "imagenet", "no labelled images to try"] {
        assert!(error.contains(expected), "{error}");
    }
    let backbone = refusal(&hub, backbone(), Options::default()).await;
    assert!(backbone.contains("--scaling"), "a backbone, too: {backbone}");
    let said = Options { scaling: Some(Scaling::UNIT), ..Options::default() };
    let understood = imported(&hub, file, &said).await;
    assert_eq!((understood.because, understood.images, understood.doubts), (Because::Said, 0, vec![]));
}

#[tokio::test]
async fn networks_of_other_makers_are_taken_and_it_is_told_what_was_changed() {
    let hub = Hub::open(None).await;
    let said = |scaling| Options { scaling: Some(scaling), ..Options::default() };
    let unit = || brightness(Scaling::UNIT);
    let cases = [
        (Brightness { channels_last: true, images: None, ..unit() }, vec![Change::ChannelsLast]),
        (Brightness { half: true, ..unit() }, vec![Change::Widened]),
        (Brightness { ending: Some("LogSoftmax"), ..unit() }, vec![Change::LogSoftmax]),
        (Brightness { beside: Some("model.onnx.data".into()), ..unit() }, vec![Change::Gathered]),
    ];
    for (written, changes) in cases {
        let (network, data) = written.write();
        let mut files: Vec<(&str, &[u8])> =
            vec![("export/model.onnx", &network), ("export/Labels.txt", b"0: Dark\n1: Bright\n")];
        if !data.is_empty() {
            files.push(("export/model.onnx.data", &data));
        }
        assert_eq!(imported(&hub, archive(&files), &said(Scaling::UNIT)).await.changes, changes);
    }
    let bytes = Brightness { bytes: true, channels_last: true, ..brightness(Scaling::BYTES) }.write().0;
    let understood = imported(&hub, zipped(&bytes), &Options::default()).await;
    assert_eq!((understood.scaling.as_str(), understood.because), ("0..255", Because::Bytes));
    assert_eq!(understood.changes, [Change::Bytes, Change::ChannelsLast]);
    let error = refusal(&hub, zipped(&bytes), said(Scaling::UNIT)).await;
    assert!(error.contains("takes bytes (uint8)"), "{error}");

    // One file says it all.
    let metadata = [("author", "Ultralytics"), ("names", "{0: 'dark', 1: 'bright'}")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let whole = Brightness { metadata: metadata.clone(), ..unit() }.write().0;
    let understood = imported(&hub, whole.clone(), &Options::default()).await;
    assert_eq!((understood.scaling.as_str(), understood.because), ("0..1", Because::File));
    let processor = br#"{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#;
    let signed = brightness(Scaling::SIGNED).write().0;
    let files: [(&str, &[u8]); 3] =
        [("m.onnx", &signed), ("labels.txt", b"dark\nbright\n"), ("preprocessor_config.json", processor)];
    let understood = imported(&hub, archive(&files), &Options::default()).await;
    assert_eq!((understood.scaling.as_str(), understood.because), ("-1..1", Because::File));
    // Against the word of its file.
    let against = import(&hub.parts, whole, "x", &said(Scaling::SIGNED), "ada").await.expect("imports");
    let Imported::Model { understood, .. } = against else { panic!("a classifier") };
    assert_eq!(understood.doubts, [Doubt { by: Because::File, scaling: "0..1".into() }]);
}

#[tokio::test]
async fn what_is_missing_of_a_network_is_said() {
    let hub = Hub::open(None).await;
    let apart = Brightness { beside: Some("model.onnx.data".into()), ..brightness(Scaling::UNIT) }.write().0;
    let classifier = brightness(Scaling::UNIT).write().0;
    let cases = [
        (zipped(&apart), "\"model.onnx.data\", which did not come with it: put both into one zip"),
        (apart, "which did not come with it"),
        (classifier, "ends in a softmax, so it is a classifier and no backbone: put it into a zip with labels.txt"),
        (Brightness { ending: Some("LogSoftmax"), ..brightness(Scaling::UNIT) }.write().0, "no backbone"),
        (zipped(&Brightness { images: Some(4), ..brightness(Scaling::UNIT) }.write().0), "takes 4 images at once"),
    ];
    for (bytes, expected) in cases {
        let error = refusal(&hub, bytes, Options::default()).await;
        assert!(error.contains(expected), "{error}");
    }
}
