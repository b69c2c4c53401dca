//! Models that the hub wants, fetched and put in force while the bin runs.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wanted_model_is_fetched_verified_and_put_in_force_and_a_bad_one_is_not() {
    let setup = Setup::new(3, Manners::default());
    let artifacts = Artifacts::serve();
    let (good, liar, lost) = (bundle("m2", 2), lying_bundle("m3", 3), bundle("m4", 4));
    artifacts.add(&good);
    artifacts.add(&liar);
    let more = format!("hub.url = \"http://{}\"", artifacts.address());
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 100", &more));
    let broker = &setup.broker;
    let reported = |b: &Broker| last::<Reported>(b, "reported");
    broker.wait_for("the first report", |b| reported(b).is_some());

    broker.want(&good);
    broker
        .wait_for("m2 in force", |b| reported(b).is_some_and(|r| r.model.as_str() == "m2" && r.manifest == good.id()));
    broker.wait_for("an item by m2", |b| items(b).values().any(|item| item.model.as_str() == "m2"));
    assert_eq!(last::<Status>(broker, "status").map(|s| s.model.to_string()).as_deref(), Some("m2"));

    let refused = |wanted: &Bundle, reason: &str| {
        broker.want(wanted);
        let (version, mut seen) = (wanted.manifest().version.clone(), String::new());
        broker.wait_for("a refusal", |b| match reported(b).map(|r| (r.model, r.update)) {
            Some((model, UpdateState::Failed { target, error })) if target == version => {
                assert_eq!(model.as_str(), "m2", "the old model goes on");
                seen = error;
                true
            }
            _ => false,
        });
        assert!(seen.contains(reason), "{seen}");
    };
    refused(&liar, "golden input 0");
    refused(&lost, "the hub answers 404");
    assert!(artifacts.asked_as().iter().all(|credentials| credentials == "Basic YjE6czNjcmV0"), "b1:s3cret");
    running.stop().await;

    // Without a hub to ask, the bin has what it had.
    let running = Running::start(setup.config("", ""));
    broker.forget();
    broker.wait_for("m2 again", |b| reported(b).is_some_and(|r| r.model.as_str() == "m2"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_goes_back_while_another_model_is_fetched_gets_the_one_it_wants() {
    let setup = Setup::new(3, Manners::default());
    let artifacts = Artifacts::serve();
    let (good, bad, next) = (bundle("m2", 2), bundle("m3", 3), bundle("m4", 4));
    for bundle in [&good, &bad, &next] {
        artifacts.add(bundle);
    }
    let more = format!("hub.url = \"http://{}\"", artifacts.address());
    let running = Running::start(setup.config("", &more));
    let broker = &setup.broker;
    let is = |b: &Broker, model: &str, update: &UpdateState| {
        last::<Reported>(b, "reported").is_some_and(|r| r.model.as_str() == model && r.update == *update)
    };
    broker.wait_for("the first report", |b| is(b, "m1", &UpdateState::Idle));
    broker.want(&good);
    broker.wait_for("m2 in force", |b| is(b, "m2", &UpdateState::Idle));

    artifacts.hold(true);
    broker.want(&bad);
    broker.wait_for("m3", |b| is(b, "m2", &UpdateState::Fetching { target: bad.manifest().version.clone() }));
    broker.want(&good);
    broker.wait_for("m2 and no other", |b| is(b, "m2", &UpdateState::Idle));
    artifacts.hold(false);
    broker.want(&next);
    broker.wait_for("m4 in force", |b| is(b, "m4", &UpdateState::Idle));
    let reported = broker.published("reported");
    let in_force = reported.iter().map(|r| Reported::decode(r).expect("a valid message").model.to_string());
    let in_force: BTreeSet<String> = in_force.collect();
    assert_eq!(in_force.into_iter().collect::<Vec<_>>(), ["m1", "m2", "m4"], "m3 was never in force");
    running.stop().await;
}
