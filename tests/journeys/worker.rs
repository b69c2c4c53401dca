//! A training outlives the process that runs it: a worker is killed halfway, another one ends what it
//! began, and the hub, which trains nothing itself, serves the new model.

use std::fs;
use std::time::Duration;

use pilah_tests::hub::Hub;
use pilah_tests::program::{Process, eventually, within};
use pilah_tests::{model, photos};
use serde_json::{Value, json};

/// Enough that each class has some in each split.
const PHOTOS: usize = 240;

/// Enough that a worker is still at it when it is killed; a minute or so of work.
const EPOCHS: usize = 4000;

/// The lease of the dead worker must be over, and the rest of the epochs done.
const LONG: Duration = Duration::from_secs(900);

#[test]
fn another_worker_ends_what_a_killed_one_began() {
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::teachable("m0"), bundle.path());
    let hub = Hub::without_training(bundle.path());
    let folder = tempfile::tempdir().expect("a temporary folder");
    photos::lay_out(folder.path(), PHOTOS);
    hub.run(&["dataset", "import", &folder.path().display().to_string()]);

    hub.post("/api/train", &json!({ "epochs": EPOCHS, "patience": EPOCHS, "seed": 3 }));
    let status = hub.get("/api/training-status");
    assert_eq!((&status["state"], &status["in_progress"]), (&json!("queued"), &json!(true)), "{status}");

    let first = hub.worker("first");
    let report = |worker: &Process| format!("{}\n{}", hub.output(), worker.output());
    let checkpoint = hub.data().join("trainings/1/fit.checkpoint");
    let reached = eventually("a checkpoint of the first worker", || {
        let status = hub.try_get("/api/training-status")?;
        let epoch = status["current_epoch"].as_u64().unwrap_or(0);
        let kept = checkpoint.is_file() && epoch > 0;
        if kept { Ok(epoch) } else { Err(format!("{status}\n{}", report(&first))) }
    });
    assert!(reached < EPOCHS as u64, "it is killed before it is done");
    first.kill();

    let second = hub.worker("second");
    let ended = within(LONG, "the training", || {
        let status = hub.try_get("/api/training-status")?;
        let without_epochs = || {
            let mut status = status.clone();
            status["history"] = Value::Null;
            format!("{status}\n{}", report(&second))
        };
        if status["in_progress"] == json!(true) { Err(without_epochs()) } else { Ok(status) }
    });
    assert_eq!(ended["state"], "succeeded", "{}", report(&second));
    let training = hub.get("/api/v1/trainings/1");
    assert_eq!(training["attempts"], 2, "{}", training["log"]);
    let resumed = training["report"]["fitting"]["resumed_from"].as_u64();
    assert!(resumed.is_some_and(|epoch| epoch > 0), "from its last checkpoint: {}", training["log"]);
    let epochs: Vec<u64> = training["history"]
        .as_array()
        .map_or_else(Vec::new, |history| history.iter().filter_map(|epoch| epoch["epoch"].as_u64()).collect());
    assert_eq!(epochs, (1..=EPOCHS as u64).collect::<Vec<_>>(), "each epoch once, whoever made it");
    eventually("an empty folder of trainings", || {
        let left = fs::read_dir(hub.data().join("trainings")).map_or(0, Iterator::count);
        if left == 0 { Ok(()) } else { Err(format!("{left} left behind")) }
    });

    // The hub itself serves the model that another process made.
    let version = training["model"].as_str().expect("a model").to_owned();
    assert_eq!(training["report"]["in_service"], json!(true), "{}", training["report"]["gate"]);
    eventually("the new model in the hub", || {
        let status = hub.try_get("/api/status")?;
        if status["model"] == json!(version) { Ok(()) } else { Err(status.to_string()) }
    });
}
