use std::io::Write as _;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::dataset;
use crate::registry::State;
use crate::registry::fixture::{EMBEDDING, Hub, SIDE, backbone, write_class};

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

async fn refusal(hub: &Hub, bytes: Vec<u8>, side: Option<u32>) -> String {
    let error = import(&hub.parts, bytes, "file", side, "ada").await.expect_err("refused");
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
    let imported = import(&hub.parts, exported, "m1.zip", None, "ada").await.expect("imports");
    let Imported::Model { model, labels: found, gate } = imported else { panic!("a classifier: {imported:?}") };
    assert_eq!(found, labels().as_slice());
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
    let imported = import(&hub.parts, files, "tm.zip", None, "ada").await.expect("imports");
    let Imported::Model { model, labels, gate } = imported else { panic!("a classifier: {imported:?}") };
    let names: Vec<&str> = labels.iter().map(Label::as_str).collect();
    assert_eq!((names, gate), (vec!["glass_bottle", "metal", "paper"], None), "no test image, no verdict");
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
        let error = refusal(&hub, bytes, None).await;
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
        let error = refusal(&hub, bytes.to_vec(), None).await;
        assert!(error.contains(expected), "{error:?} should contain {expected:?}");
    }
}

#[tokio::test]
async fn a_backbone_is_checked_and_waits_for_the_next_training() {
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    let other = onnx::tiny_backbone(8, 24, 12);
    let imported = import(&hub.parts, other.clone(), "tiny.onnx", None, "ada").await.expect("imports");
    let Imported::Backbone { backbone: view } = imported else { panic!("a backbone: {imported:?}") };
    assert_eq!((view.width, view.height, view.embedding, view.next), (24, 24, 12, true));
    assert_eq!(registry.next_backbone().await.expect("reads").map(|(onnx, _)| onnx), Some(other.clone()));
    let newer = import(&hub.parts, onnx::tiny_backbone(9, 16, 8), "newer.onnx", None, "ada").await.expect("imports");
    let list = registry.backbones().await.expect("reads");
    assert_eq!(list.iter().filter(|b| b.next).map(|b| b.name.as_str()).collect::<Vec<_>>(), ["newer.onnx"]);
    let Imported::Backbone { backbone: newer } = newer else { panic!("a backbone") };
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
    let again = refusal(&hub, other, None).await;
    assert!(again.contains("already"), "{again}");
}

#[tokio::test]
async fn a_backbone_of_wrong_shape_speed_or_bytes_is_refused() {
    let hub = Hub::open(None).await;
    let whole = backbone();
    let cut = refusal(&hub, whole[..whole.len() / 3].to_vec(), None).await;
    assert!(cut.contains("not an ONNX file") || cut.contains("network"), "{cut}");
    // A head takes vectors, not pictures.
    let head = refusal(&hub, onnx::write_head(&[0.0; 8], &[0.0; 2], 2, 4), None).await;
    assert!(head.contains("[?, 4]") && head.contains("input_side"), "{head}");
    let mut slow = hub.parts.clone();
    slow.registry = slow.registry.with_rules(crate::evaluate::GateRules { latency_ms: 1e-6, ..Default::default() });
    let error = import(&slow, whole, "slow", None, "ada").await.expect_err("no network is that fast").to_string();
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
    let imported = import(&hub.parts, files, "two.zip", Some(SIDE), "ada").await.expect("imports");
    let Imported::Model { model, gate, .. } = imported else { panic!("a classifier: {imported:?}") };
    assert!(gate.expect("judged").summary().contains("m1 knows paper"));
    let list = crate::registry::routes::model_list(registry).await.expect("reads");
    let row = list.models.iter().find(|row| row.version == model.as_str()).expect("listed");
    assert_eq!((row.state.as_str(), row.tags.len()), (State::Rejected.name(), 0));
    assert!(matches!(registry.activate(model.as_str(), "ada", Some("  ")).await, Err(RegistryError::Refused { .. })));
}
