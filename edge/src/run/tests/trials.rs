//! Models that are on trial: passed, or taken back by the bin itself.

use pilah_models::bundle::CLOSED;

use super::*;
use crate::testing::with_threshold;

/// A configuration by which trials are short.
fn config(setup: &Setup, artifacts: &Artifacts, more: &str) -> Config {
    let more = format!(
        "hub.url = \"http://{}\"\nupdates.probation = {{ items = 10, minutes = 0.0, latency = 0.0 {more} }}",
        artifacts.address()
    );
    setup.config("repeat = true", &more)
}

fn reported(broker: &Broker) -> Option<Reported> {
    last(broker, "reported")
}

fn is_in_force(broker: &Broker, bundle: &Bundle) -> bool {
    reported(broker).is_some_and(|reported| reported.manifest == bundle.id())
}

fn items_by(broker: &Broker, model: &str) -> usize {
    items(broker).values().filter(|item| item.model.as_str() == model).count()
}

/// Why the bin refuses a model that the hub wants, if it does.
fn refusal(broker: &Broker, wanted: &Bundle) -> Option<String> {
    match reported(broker)?.update {
        UpdateState::Failed { target, error } if target == wanted.manifest().version => Some(error),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_model_is_taken_back_by_the_bin_itself_and_a_good_one_passes() {
    let setup = Setup::new(3, Manners::default());
    let sure = |version, seed| with_threshold(&bundle(version, seed), 0.0);
    let (first, good) = (sure("m1", 1), sure("m3", 3));
    let bad = with_threshold(&bundle("m2", 2), CLOSED);
    first.write(&setup.path("shipped")).expect("writes");
    let artifacts = Artifacts::serve();
    artifacts.add(&bad);
    artifacts.add(&good);
    let running = Running::start(config(&setup, &artifacts, ""));
    let broker = &setup.broker;
    broker.wait_for("items by m1", |b| items_by(b, "m1") >= 10);

    broker.want(&bad);
    broker.wait_for("m2 taken back", |b| reported(b).is_some_and(|r| !r.taken_back.is_empty()));
    let said = reported(broker).expect("it reports");
    assert_eq!((said.model.as_str(), &said.manifest, &said.probation), ("m1", &first.id(), &None));
    let taken_back = &said.taken_back[0];
    assert_eq!((taken_back.version.as_str(), &taken_back.manifest), ("m2", &bad.id()));
    assert!(
        taken_back.reason.contains("it was unsure of 10 of 10 items (100 %), m1 before it of 0 of"),
        "{taken_back:?}"
    );
    assert!(refusal(broker, &bad).is_some_and(|error| error.contains("pilah-edge unblock")), "{said:?}");
    let all: Vec<Reported> =
        broker.published("reported").iter().map(|r| Reported::decode(r).expect("a valid message")).collect();
    let on_trial = all.iter().find_map(|r| r.probation.as_ref().map(|trial| (&r.model, trial)));
    let (model, trial) = on_trial.expect("the trial was told");
    assert_eq!((model.as_str(), trial.before.as_str(), trial.of_items), ("m2", "m1", 10));
    let before = items_by(broker, "m1");
    broker.wait_for("m1 to go on", |b| items_by(b, "m1") > before + 1);
    assert_eq!(last::<Status>(broker, "status").map(|status| status.model.to_string()).as_deref(), Some("m1"));

    // However often the hub wants it, and after a restart as well.
    broker.want(&bad);
    let before = items_by(broker, "m1");
    broker.wait_for("m1 to go on", |b| items_by(b, "m1") > before);
    running.stop().await;
    broker.forget();
    let running = Running::start(config(&setup, &artifacts, ""));
    broker.wait_for("m2 refused", |b| refusal(b, &bad).is_some());
    assert!(is_in_force(broker, &first));

    broker.want(&good);
    broker.wait_for("m3 in force", |b| is_in_force(b, &good));
    broker.wait_for("its trial to be passed", |b| {
        is_in_force(b, &good) && reported(b).is_some_and(|r| r.probation.is_none())
    });
    broker.wait_for("the items of its trial", |b| items_by(b, "m3") >= 10);
    running.stop().await;

    // Somebody who says that the bin was wrong is believed.
    let config = config(&setup, &artifacts, ", enabled = false");
    let unblocked = unblock(&config, Some("m2")).expect("nothing runs");
    assert_eq!(unblocked.iter().map(|one| one.version.as_str()).collect::<Vec<_>>(), ["m2"]);
    broker.want(&bad);
    let running = Running::start(config.clone());
    broker.wait_for("m2 in force", |b| is_in_force(b, &bad));
    assert!(matches!(unblock(&config, None), Err(RunError::InUse(_))), "not while the bin runs");
    running.stop().await;
}
