use std::time::Duration;

use pilah_models::bundle::Bundle;
use pilah_models::infer::Classifier;
use pilah_models::labels::Labels;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dataset::import;
use crate::registry::export;
use crate::registry::fixture::{Hub, backbone, picture, write_class};

async fn trainer(hub: &Hub) -> Trainer {
    Trainer::open(hub.parts.clone(), hub.live.clone(), CancellationToken::new()).await.expect("opens")
}

async fn import(hub: &Hub, classes: &[(&str, usize)], each: u32) {
    let root = hub.path().join("photos");
    for (label, class) in classes {
        write_class(&root, label, *class, 0..each);
    }
    import::import(&hub.parts.store, &hub.parts.blobs, &root, "test", |_, _| {}).await.expect("imports");
}

const CLASSES: [(&str, usize); 3] = [("glass", 0), ("metal", 1), ("paper", 2)];

fn labels() -> Labels {
    Labels::parse(CLASSES.map(|(label, _)| label)).expect("valid")
}

#[tokio::test]
async fn from_photos_to_a_better_model_that_runs_elsewhere() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let trainer = trainer(&hub).await;
    let report = trainer.train(TrainParams::default(), None, "test").await.expect("trains");
    assert!(report.in_service && report.evaluation.accuracy > 0.9, "{report:?}");
    assert_eq!(report.embedding.computed, 60);
    assert_eq!(report.splits.train + report.splits.validation + report.splits.test, 60);
    let compared = report.compared_with.as_ref().expect("the old model has the same classes");
    assert!(compared.accuracy < report.evaluation.accuracy, "{compared:?}");
    let status = trainer.status();
    assert_eq!((status.in_progress, status.state.as_str(), status.id), (false, "succeeded", Some(1)));
    assert_eq!(status.accuracy, Some(report.evaluation.accuracy));

    let out = hub.path().join("out");
    let bundle = hub.parts.registry.bundle(&report.model).await.expect("reads");
    export::write(&bundle, &out, false).expect("writes");
    let classifier = Classifier::load(&Bundle::read(&out).expect("whole")).expect("gives its golden outputs");
    for (label, class) in CLASSES {
        let answer = classifier.classify(&picture(class, 99)).expect("runs").best().0;
        assert_eq!(classifier.manifest().labels.as_slice()[answer].as_str(), label);
    }
    let manifest = classifier.manifest();
    assert_eq!(manifest.lineage.dataset.as_ref(), Some(&report.dataset));
    assert_eq!(manifest.lineage.parent.as_ref().map(|parent| parent.as_str()), Some("m1"));

    let again = trainer.train(TrainParams::default(), None, "test").await.expect("trains");
    assert_eq!((again.embedding.computed, again.embedding.cached), (0, 60), "embedded once");
    let first = hub.parts.registry.bundle(&report.model).await.expect("reads");
    let second = hub.parts.registry.bundle(&again.model).await.expect("reads");
    assert_eq!(first.head(), second.head(), "the same data and seed give the same head");
}

#[tokio::test]
async fn a_model_that_lost_a_class_is_refused_and_kept() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES[..2], 20).await;
    let trainer = trainer(&hub).await;
    let report = trainer.train(TrainParams::default(), None, "test").await.expect("trains");
    assert!(!report.in_service && report.gate.summary().contains("paper"), "{:?}", report.gate);
    let service = hub.parts.registry.in_service().expect("the old one");
    assert_eq!(service.manifest().version.as_str(), "m1");
    assert!(trainer.status().message.contains("refused"), "{:?}", trainer.status());
    hub.parts.registry.bundle(&report.model).await.expect("it is there all the same");
}

#[tokio::test]
async fn a_backbone_can_be_brought_along() {
    let hub = Hub::open(None).await;
    import(&hub, &CLASSES[..2], 20).await;
    let trainer = trainer(&hub).await;
    let error = trainer.train(TrainParams::default(), None, "test").await.expect_err("no backbone");
    assert!(matches!(error, StartError::Train(TrainError::NoBackbone)), "{error}");
    let file = BackboneFile::new(backbone(), None).expect("it says its size");
    let report = trainer.train(TrainParams::default(), Some(file), "test").await.expect("trains");
    assert!(report.in_service && report.compared_with.is_none(), "{report:?}");

    // Another backbone is compared with the first on the same images, each by its own embeddings.
    let other = BackboneFile::new(pilah_models::onnx::tiny_backbone(8, 24, 12), None).expect("it says its size");
    let second = trainer.train(TrainParams::default(), Some(other), "test").await.expect("trains");
    assert_eq!(second.embedding.computed, 40);
    assert_eq!(second.compared_with.as_ref().map(|c| &c.model), Some(&report.model));
    assert!(matches!(BackboneFile::new(b"no network".to_vec(), None), Err(TrainError::Backbone(_))));
}

#[tokio::test]
async fn too_little_data_and_wrong_parameters_are_said_before_anything_begins() {
    let hub = Hub::open(Some(&labels())).await;
    let trainer = trainer(&hub).await;
    let start = async |params: TrainParams| trainer.start(params, "test").await.expect_err("refused").to_string();
    assert!(start(TrainParams::default()).await.contains("no image is labelled"));
    import(&hub, &CLASSES[..1], 8).await;
    assert!(start(TrainParams::default()).await.contains("all 8 labelled images are glass"));
    import(&hub, &[("metal", 1)], 3).await;
    assert!(start(TrainParams::default()).await.contains("metal has 3"));
    let wrong = TrainParams { epochs: Some(0), ..TrainParams::default() };
    assert!(start(wrong).await.contains("epochs is 0"));
    let wrong = TrainParams { accepted_contamination: Some(2.0), ..TrainParams::default() };
    assert!(start(wrong).await.contains("accepted_contamination is 2"));
    assert_eq!(trainer.status(), TrainingStatus::idle());
}

#[tokio::test]
async fn one_training_runs_at_a_time_and_can_be_cancelled() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let trainer = trainer(&hub).await;
    let endless = TrainParams { epochs: Some(10_000), patience: Some(10_000), ..TrainParams::default() };
    let mut live = hub.live.watch();
    let id = trainer.start(endless, "test").await.expect("starts");
    let error = trainer.start(TrainParams::default(), "test").await.expect_err("one runs");
    assert!(matches!(error, StartError::Running(running) if running == id), "{error}");
    assert!(!trainer.cancel(id + 1), "no such training");
    assert!(trainer.cancel(id));
    let ended = async {
        loop {
            let event = live.recv().await.expect("the trainer lives");
            if let crate::live::LiveEvent::Training(progress) = event
                && progress.state != "running"
            {
                break progress;
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends");
    assert_eq!(ended.state, "cancelled");
    assert!(!trainer.cancel(id), "it is over");
    let rows = store::newest(hub.parts.store.db(), 1).await.expect("reads");
    assert_eq!((rows[0].state.as_str(), rows[0].model_version.as_deref()), ("cancelled", None));
}

#[tokio::test]
async fn a_training_that_was_cut_off_has_failed() {
    let hub = Hub::open(Some(&labels())).await;
    store::begin(hub.parts.store.db(), &TrainParams::default(), 100, "test").await.expect("writes");
    let status = trainer(&hub).await.status();
    assert_eq!((status.in_progress, status.state.as_str()), (false, "failed"));
    assert!(status.message.starts_with("interrupted"), "{}", status.message);
}

#[tokio::test]
async fn an_image_that_went_bad_on_disk_is_left_out_and_named() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let sample = &crate::dataset::store::labelled(hub.parts.store.db()).await.expect("reads")[0];
    let (folder, name) = sample.content.as_str().split_at(2);
    let path = hub.path().join("data/objects").join(folder).join(name);
    std::fs::write(path, b"bad sector").expect("damages it");
    let report = trainer(&hub).await.train(TrainParams::default(), None, "test").await.expect("trains");
    assert_eq!(report.embedding.failed.len(), 1);
    assert_eq!(report.embedding.failed[0].content, sample.content);
}
