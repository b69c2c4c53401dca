//! Models that the hub wants, fetched and put in force while the bin runs.

use jiff::Timestamp;
use pilah_models::name::{ContentId, TargetName};
use pilah_models::wire::TrustBy;
use pilah_repository::Repository as Hub;
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::publish::{Content, Offer};
use serde_json::{Value, json};

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

/// The targets of a model: its manifest and its networks.
fn offers(bundle: &Bundle) -> Vec<Offer> {
    let manifest = bundle.manifest();
    let labels: Vec<&str> = manifest.labels.as_slice().iter().map(|label| label.as_str()).collect();
    let model = json!({ "kind": "model", "version": manifest.version, "labels": labels });
    let offer = |name: String, bytes: &[u8], custom: Value| Offer {
        name: TargetName::new(name).expect("a name"),
        content: Content::Bytes(bytes.to_vec()),
        custom: custom.as_object().cloned().expect("an object"),
    };
    let network = |bytes: &[u8]| offer(format!("{}.onnx", ContentId::of(bytes)), bytes, json!({ "kind": "network" }));
    let manifest = offer(format!("{}.json", manifest.version), bundle.manifest_bytes(), model);
    vec![manifest, network(bundle.backbone()), network(bundle.head())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bin_with_a_root_of_trust_installs_what_is_signed_and_nothing_else_and_says_what_it_believes() {
    let setup = Setup::new(3, Manners::default());
    let (good, other, spoilt) = (bundle("m2", 2), bundle("m3", 3), bundle("m4", 4));
    let hub = Hub::new(setup.path("repository"), Policy::default());
    let keys = KeyFolders::one_machine(&setup.path("keys"));
    let now = Timestamp::now();
    hub.init(&keys, now).expect("the first keys");
    let mut all = offers(&good);
    all.extend(
        offers(&spoilt).into_iter().filter(|offer| all.iter().all(|one| one.name != offer.name)).collect::<Vec<_>>(),
    );
    hub.publish(&keys, all, now).expect("publishes");
    std::fs::write(setup.path("root.json"), hub.root_of_trust().expect("a root")).expect("writes");
    let head = spoilt.manifest().head.sha256.clone();
    let head = hub.targets_folder().join(format!("{head}.{head}.onnx"));
    std::fs::write(&head, vec![7; spoilt.head().len()]).expect("spoils");

    let artifacts = Artifacts::serve();
    artifacts.serve_repository(setup.path("repository"));
    // All of it is there for bins without a root as well: this one does not ask.
    [&good, &other, &spoilt].iter().for_each(|bundle| artifacts.add(bundle));
    let more = format!(
        "hub.url = \"http://{}\"\nupdates.root = {:?}\nupdates.clock_wait_s = 0.0",
        artifacts.address(),
        setup.path("root.json")
    );
    let running = Running::start(setup.config("", &more));
    let broker = &setup.broker;
    let reported = |b: &Broker| last::<Reported>(b, "reported");
    broker.wait_for("the first report", |b| reported(b).is_some());
    let first = reported(broker).and_then(|r| r.trust).expect("it says what it goes by");
    assert_eq!((first.root, first.by == TrustBy::Hub), (Some(1), false));

    broker.want_signed(&good, Some("m2.json"));
    broker.wait_for("m2 in force", |b| {
        reported(b).is_some_and(|r| r.model.as_str() == "m2" && r.update == UpdateState::Idle)
    });
    let said = reported(broker).expect("it reports");
    let trust = said.trust.expect("it says what it goes by");
    let by = if machine::clock_synced() { TrustBy::Signatures } else { TrustBy::SignaturesWithoutTime };
    assert_eq!((trust.by, trust.root, trust.targets), (by, Some(1), Some(2)));
    let least = (good.manifest_bytes().len() + good.head().len()) as u64;
    assert!(said.update_bytes.is_some_and(|bytes| bytes > least && bytes < least + 4096), "{:?}", said.update_bytes);

    for (wanted, target, reason) in [
        (&other, Some("m2.json"), "its database and its repository differ"),
        (&other, Some("m3.json"), "nothing signed names the target m3.json"),
        (&other, None, "names no signed target"),
        (&spoilt, Some("m4.json"), "is not what was signed"),
    ] {
        broker.want_signed(wanted, target);
        broker.wait_for(reason, |b| {
            let Some(Reported { model, update: UpdateState::Failed { error, .. }, .. }) = reported(b) else {
                return false;
            };
            assert_eq!(model.as_str(), "m2", "the old model goes on");
            error.contains(reason)
        });
    }
    assert!(artifacts.asked_as().iter().all(|credentials| credentials == "Basic YjE6czNjcmV0"), "b1:s3cret");
    running.stop().await;
}
