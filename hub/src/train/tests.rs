use std::time::Duration;

use pilah_models::bundle::{Bundle, Scaling};
use pilah_models::infer::Classifier;
use pilah_models::labels::Labels;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dataset::{import, version};
use crate::registry::fixture::{Hub, backbone, picture, write_class};
use crate::registry::{BackboneFile, BackboneFileError, Parts, export};

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
    assert_eq!((report.thresholds.len(), report.fitting.resumed_from), (3, None));

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
    let frozen = version::find(hub.parts.store.db(), report.dataset.as_str()).await.expect("is frozen");
    assert_eq!((frozen.note.as_str(), frozen.samples), ("training 1", 3 * 20));
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
    let file = BackboneFile::new(&backbone(), None, Some(Scaling::SIGNED)).expect("it says its size");
    let report = trainer.train(TrainParams::default(), Some(file), "test").await.expect("trains");
    assert!(report.in_service && report.compared_with.is_none(), "{report:?}");

    // Another backbone is compared with the first on the same images, each by its own embeddings.
    let other = BackboneFile::new(&pilah_models::onnx::tiny_backbone(8, 24, 12), None, Some(Scaling::SIGNED))
        .expect("it says its size");
    let second = trainer.train(TrainParams::default(), Some(other), "test").await.expect("trains");
    assert_eq!(second.embedding.computed, 40);
    assert_eq!(second.compared_with.as_ref().map(|c| &c.model), Some(&report.model));
    let unsaid = BackboneFile::new(&backbone(), None, None).expect_err("nothing says its scaling").to_string();
    assert!(unsaid.contains("--scaling: -1..1"), "{unsaid}");
    assert!(matches!(BackboneFile::new(b"no network", None, None), Err(BackboneFileError::Onnx(_))));
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
    for (accepted, words) in [(2.0, "accepted_contamination is 2;"), (0.0, "accepted_contamination is 0; it must be")] {
        let wrong = TrainParams { accepted_contamination: Some(accepted), ..TrainParams::default() };
        assert!(start(wrong).await.contains(words));
    }
    assert_eq!(trainer.status(), TrainingStatus::idle());
}

/// Enough epochs for anything that is to happen meanwhile.
fn endless() -> TrainParams {
    TrainParams { epochs: Some(10_000), patience: Some(10_000), ..TrainParams::default() }
}

/// Waits for a training's progress as it is told live.
async fn told(
    live: &mut tokio::sync::broadcast::Receiver<crate::live::LiveEvent>,
    what: impl Fn(&crate::live::TrainingProgress) -> bool,
) -> crate::live::TrainingProgress {
    let wait = async {
        loop {
            match live.recv().await {
                Ok(crate::live::LiveEvent::Training(progress)) if what(&progress) => break progress,
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(error) => panic!("the trainer lives: {error}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), wait).await.expect("in time")
}

#[tokio::test]
async fn one_training_runs_at_a_time_and_can_be_cancelled() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let trainer = trainer(&hub).await;
    let mut live = hub.live.watch();
    let id = trainer.start(endless(), "test").await.expect("starts");
    let status = trainer.status();
    assert_eq!((status.in_progress, status.id), (true, Some(id)), "from the first moment on");
    let error = trainer.start(TrainParams::default(), "test").await.expect_err("one runs");
    let StartError::Running { id: running, status } = &error else { panic!("{error}") };
    assert_eq!((*running, status.id, status.in_progress), (id, Some(id), true));
    let answer = crate::error::HttpError::from(error);
    assert_eq!((answer.status().as_u16(), answer.detail().contains(&id.to_string())), (409, true));
    assert!(!trainer.cancel(id + 1, "test").await.expect("asks"), "no such training");
    assert!(trainer.cancel(id, "test").await.expect("asks"));
    assert_eq!(told(&mut live, |progress| progress.state != "running").await.state, "cancelled");
    assert!(!trainer.cancel(id, "test").await.expect("asks"), "it is over");
    let rows = store::newest(hub.parts.store.db(), 1).await.expect("reads");
    assert_eq!((rows[0].state.as_str(), rows[0].model_version.as_deref()), ("cancelled", None));
    assert!(!hub.path().join("data/trainings").join(id.to_string()).exists(), "nothing is left behind");
}

#[tokio::test]
async fn a_training_is_taken_by_one_of_many() {
    let hub = Hub::open(Some(&labels())).await;
    let db = hub.parts.store.db();
    let queued = queue::enqueue(db, &TrainParams::default(), None, 10, "test").await.expect("writes");
    assert!(matches!(queued, queue::Enqueued::Queued(1)));
    let again = queue::enqueue(db, &TrainParams::default(), None, 10, "test").await.expect("reads");
    assert!(matches!(again, queue::Enqueued::Busy(row) if row.id == 1));
    let workers: Vec<String> = (0..20).map(|n| format!("w{n}")).collect();
    let claims = workers.iter().map(|worker| queue::claim(db, worker, 1_000));
    let taken: Vec<_> = futures::future::join_all(claims).await.into_iter().filter_map(|r| r.expect("asks")).collect();
    assert_eq!(taken.len(), 1);
    let (first, status) = (taken[0].worker.clone().expect("its name"), TrainingStatus::taken(1, 10, "w", 1));

    // It has it until its lease is over, and puts that off while it lives.
    let lease = i64::try_from(queue::LEASE.as_millis()).expect("seconds");
    let beat = async |worker: &str, now| queue::beat(db, worker, &status, &[], now).await.expect("asks");
    assert_eq!(beat(&first, 5_000).await, queue::Beat::Held);
    assert!(queue::claim(db, "late", 5_000 + lease).await.expect("asks").is_none());
    let second = queue::claim(db, "late", 5_001 + lease).await.expect("asks").expect("its lease is over");
    assert_eq!((second.id, second.attempt, second.worker.as_deref()), (1, 2, Some("late")));
    assert_eq!(beat(&first, 6_000 + lease).await, queue::Beat::Lost, "the first hears that it is too late");
    assert!(!queue::end(db, &first, &status, &[], progress::EndState::Failed, None).await.expect("asks"));
    assert!(queue::cancel(db, 1, "test", 6_000 + lease).await.expect("asks"));
    assert_eq!(beat("late", 6_000 + lease).await, queue::Beat::Cancelled);
}

#[tokio::test]
async fn what_kills_its_workers_is_given_up() {
    let hub = Hub::open(Some(&labels())).await;
    let db = hub.parts.store.db();
    queue::enqueue(db, &TrainParams::default(), None, 10, "test").await.expect("writes");
    let mut now = 1_000;
    let mut taken = 0;
    while queue::claim(db, &format!("w{now}"), now).await.expect("asks").is_some() {
        (taken, now) = (taken + 1, now + 1_000_000);
    }
    let row = store::find(db, 1).await.expect("asks").expect("it is there");
    assert_eq!((taken, row.state.as_str(), row.active), (5, "failed", None));
    assert!(row.message.contains("each time its worker died"), "{}", row.message);
    let log = store::log_of(row.log_json.as_deref());
    assert_eq!(log.len(), 7, "queued, taken five times, given up: {log:?}");
}

#[tokio::test]
async fn a_training_whose_worker_died_is_taken_up_again() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let db = hub.parts.store.db();
    queue::enqueue(db, &TrainParams::default(), None, 100, "test").await.expect("writes");
    queue::claim(db, "dead", 1_000).await.expect("asks").expect("it is queued");
    let report = trainer(&hub).await.wait(1).await.expect("trains");
    let row = store::find(db, 1).await.expect("asks").expect("it is there");
    assert_eq!((row.state.as_str(), row.attempt, row.model_version), ("succeeded", 2, Some(report.model.to_string())));
}

#[tokio::test]
async fn a_training_goes_on_from_its_checkpoint_to_the_same_model() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let params = TrainParams { epochs: Some(1500), patience: Some(1500), ..TrainParams::default() };
    let shutdown = CancellationToken::new();
    let first = Trainer::open(hub.parts.clone(), hub.live.clone(), shutdown.clone()).await.expect("opens");
    let mut live = hub.live.watch();
    let id = first.start(params.clone(), "test").await.expect("starts");
    told(&mut live, |progress| progress.epoch > 3).await;
    shutdown.cancel();
    first.stopped().await;
    let row = store::find(hub.parts.store.db(), id).await.expect("asks").expect("it is there");
    assert_eq!((row.state.as_str(), row.worker, row.attempt), ("queued", None, 0), "given back");
    assert!(hub.path().join(format!("data/trainings/{id}/fit.checkpoint")).is_file());
    // Labels that come meanwhile are for the next training.
    import(&hub, &CLASSES, 23).await;

    let second = trainer(&hub).await;
    let report = second.wait(id).await.expect("trains");
    assert!(report.fitting.resumed_from.is_some_and(|epoch| epoch > 3), "{:?}", report.fitting);
    let splits = report.splits;
    assert_eq!(splits.train + splits.validation + splits.test, 60);
    let row = store::find(hub.parts.store.db(), id).await.expect("asks").expect("it is there");
    let epochs: Vec<u32> = store::status_of(&row).history.iter().map(|epoch| epoch.epoch).collect();
    assert_eq!(epochs, (1..=1500).collect::<Vec<_>>(), "each epoch once");
    let log = store::log_of(row.log_json.as_deref());
    assert!(log.iter().any(|entry| entry.message.contains("goes on from its checkpoint")), "{log:?}");
    // The row is written before the files go, and the status changes after.
    let cleared = async {
        while second.status().in_progress {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cleared).await.expect("in time");
    assert!(!hub.path().join("data/trainings").join(id.to_string()).exists(), "nothing is left behind");

    let other = Hub::open(Some(&labels())).await;
    import(&other, &CLASSES, 20).await;
    let undisturbed = trainer(&other).await.train(params, None, "test").await.expect("trains");
    let heads = (hub.parts.registry.bundle(&report.model).await, other.parts.registry.bundle(&undisturbed.model).await);
    assert_eq!(heads.0.expect("reads").head(), heads.1.expect("reads").head(), "as if nothing had happened");
}

#[tokio::test]
async fn a_disk_that_takes_no_checkpoint_costs_no_training() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let in_the_way = hub.path().join("data/trainings");
    std::fs::write(&in_the_way, b"a file where the folder should be").expect("writes");
    let trainer = trainer(&hub).await;
    let report = trainer.train(TrainParams::default(), None, "test").await.expect("trains");
    assert!(report.in_service, "{:?}", report.gate);
    let row = store::find(hub.parts.store.db(), 1).await.expect("asks").expect("it is there");
    let log = store::log_of(row.log_json.as_deref());
    let told = log.iter().find(|entry| entry.message.contains("no checkpoint was written")).expect("it is told");
    assert!(told.message.contains("trainings"), "and names the file: {told:?}");
    assert!(in_the_way.is_file(), "nothing half-written took its place");
}

/// Waits until it is so.
async fn soon(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it becomes so");
}

#[tokio::test]
async fn another_process_sees_cancels_and_gets_the_model() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    // As a second process has them: its own registry, its own live events.
    let live = crate::live::Live::default();
    let (store, blobs) = (hub.parts.store.clone(), hub.parts.blobs.clone());
    let registry =
        crate::registry::Registry::open(store.clone(), blobs.clone(), live.clone(), None).await.expect("opens");
    let parts = Parts { store, blobs, registry: registry.clone() };
    let watching = Trainer::open_watching(parts, live.clone(), CancellationToken::new()).await.expect("opens");
    let mut events = live.watch();
    let id = watching.start(endless(), "test").await.expect("queues");
    assert_eq!(watching.status().state, "queued");

    let worker = trainer(&hub).await;
    told(&mut events, |progress| progress.epoch > 0).await;
    assert!(watching.status().worker.is_some() && !watching.status().history.is_empty());
    assert!(watching.cancel(id, "test").await.expect("asks"));
    assert!(matches!(watching.wait(id).await, Err(TrainError::Cancelled)));
    // The row is written before the process that trains tells its own listeners.
    soon(|| worker.status().state == "cancelled").await;

    let id = watching.start(TrainParams::default(), "test").await.expect("queues");
    let report = watching.wait(id).await.expect("trains");
    registry.follow(CancellationToken::new());
    soon(|| registry.in_service().is_some_and(|model| model.manifest().version == report.model)).await;
}

#[tokio::test]
async fn a_training_of_a_build_without_a_queue_has_failed() {
    use sea_orm::{ActiveValue::Set, EntityTrait};
    let hub = Hub::open(Some(&labels())).await;
    let row = crate::store::entity::training::ActiveModel {
        state: Set("running".into()),
        params_json: Set("{}".into()),
        started_ms: Set(1),
        message: Set("epoch 3".into()),
        ..Default::default()
    };
    crate::store::entity::training::Entity::insert(row).exec(hub.parts.store.db()).await.expect("writes");
    let status = trainer(&hub).await.status();
    assert_eq!((status.in_progress, status.state.as_str()), (false, "failed"));
    assert!(status.message.starts_with("interrupted"), "{}", status.message);
}

#[tokio::test]
async fn a_class_with_too_few_answers_is_closed_and_the_report_says_what_it_needs() {
    let hub = Hub::open(Some(&labels())).await;
    import(&hub, &CLASSES, 20).await;
    let trainer = trainer(&hub).await;
    let train = async |accepted| {
        let params = TrainParams { accepted_contamination: Some(accepted), ..TrainParams::default() };
        trainer.train(params, None, "test").await.expect("trains")
    };
    let strict = train(0.05).await;
    assert_eq!(strict.thresholds.len(), 3);
    for class in &strict.thresholds {
        assert_eq!((class.threshold, class.needed), (None, Some(19)), "{class:?}");
        assert!(class.in_words().contains("19 are needed"), "{}", class.in_words());
    }
    let bundle = hub.parts.registry.bundle(&strict.model).await.expect("reads");
    assert!((0..3).all(|class| !bundle.manifest().is_sure(class, 1.0)), "{:?}", bundle.manifest().thresholds);
    let lax = train(0.5).await;
    assert!(lax.thresholds.iter().all(|class| class.threshold.is_some()), "{:?}", lax.thresholds);
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
