//! A hub whose repository is read as a bin reads it: over HTTP, by `pilah_trust`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pilah_models::labels::Labels;
use pilah_models::name::ContentId;
use pilah_models::wire::topic::Channel;
use pilah_models::wire::{Desired, Message as _};
use pilah_trust::clock::Clock;
use pilah_trust::source::{Part, Reply, Source, SourceError};
use pilah_trust::target::Target;
use pilah_trust::{Checked, Client, Outcome, TrustError};
use rumqttc::Incoming;

use super::*;
use crate::registry::Origin;
use crate::registry::fixture::untrained;
use crate::testing::{self, TestHub, basic};

fn labels() -> Labels {
    Labels::parse(["glass", "metal"]).expect("valid")
}

fn version(name: &str) -> ModelVersion {
    ModelVersion::new(name).expect("valid")
}

/// A hub with the tiny model m1 in service.
async fn hub() -> TestHub {
    let folder = tempfile::tempdir().expect("a temporary folder");
    untrained("m1", &labels()).write(testing::config(&folder).bundle.as_deref().expect("a folder")).expect("writes");
    TestHub::start_in(folder).await
}

/// A bin's client of this hub's repository, with its credentials, and the root that the hub gives.
async fn client(hub: &TestHub, bin: &str, root: &str) -> Client {
    let login = basic(bin, hub.enrol(bin).await.reveal());
    let url = hub.running.url();
    let source = Source::new(move |request| {
        let part = match request.part {
            Part::Metadata => "metadata",
            Part::Targets => "targets",
        };
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut ask = agent.get(format!("{url}/repo/{part}/{}", request.name)).header("authorization", &login);
        if request.from > 0 {
            ask = ask.header("range", format!("bytes={}-", request.from));
        }
        let answer = ask.call().map_err(|error| SourceError::Failed(error.into()))?;
        let from = match answer.status().as_u16() {
            200 => 0,
            206 => request.from,
            404 => return Err(SourceError::NotThere),
            status => return Err(SourceError::Failed(format!("status {status}").into())),
        };
        Ok(Reply { from, body: Box::new(answer.into_body().into_reader()) })
    });
    let folder = hub.folder.path().join(format!("bin-{bin}"));
    fs::create_dir_all(&folder).expect("makes a folder");
    fs::write(folder.join("root.json"), root).expect("writes");
    Client::new(&folder.join("root.json"), folder.join("trust"), source, Duration::ZERO).expect("a client")
}

/// What a check comes to, off the runtime, as a client blocks.
async fn check(client: &Client) -> Result<Checked, TrustError> {
    let client = client.clone();
    let check = move || client.check(Clock { now: Timestamp::now(), synchronised: true, waited: Duration::ZERO });
    match tokio::task::spawn_blocking(check).await.expect("does not panic")? {
        Outcome::Checked(checked) => Ok(checked),
        Outcome::Waiting(left) => panic!("waits {left:?}"),
    }
}

fn named<'a>(checked: &'a Checked, name: &str) -> &'a Target {
    checked.trusted.target(name).unwrap_or_else(|error| panic!("{error}"))
}

fn by_content<'a>(checked: &'a Checked, sha256: &ContentId) -> &'a Target {
    checked.trusted.targets().find(|target| target.sha256 == sha256.as_str()).expect("is a target")
}

fn stored(hub: &TestHub, target: &Target) -> PathBuf {
    hub.folder.path().join(format!("data/repository/targets/{}.{}", target.sha256, target.name))
}

/// Waits until this version is in force, or is not.
async fn until_published(hub: &TestHub, name: &str, there: bool) {
    let mut publications = hub.running.state.updates.publications();
    let is_so = |all: &Publications| matches!(all.of(&version(name)), Publication::As(_)) == there;
    let wait = publications.wait_for(is_so);
    tokio::time::timeout(testing::PATIENCE, wait).await.expect("in time").expect("the hub runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bin_that_was_enrolled_believes_what_the_registry_has() {
    let hub = hub().await;
    let answer = hub.admin("POST", "/api/v1/bins", Some(serde_json::json!({ "id": "b1" }))).await.json();
    let root = answer["root_of_trust"].as_str().expect("the root of trust").to_owned();
    let served = hub.admin("GET", "/repo/metadata/1.root.json", None).await;
    assert_eq!(served.text(), root, "another way to it");

    let bin = client(&hub, "b2", &root).await;
    let bundle = untrained("m1", &labels());
    let checked = check(&bin).await.expect("believed");
    let manifest = named(&checked, "m1.json");
    assert_eq!(manifest.sha256, bundle.id().as_str(), "byte for byte");
    assert_eq!(hub.running.state.updates.published(&version("m1")).expect("published").as_str(), "m1.json");
    let signed = serde_json::Value::Object(manifest.custom.clone());
    assert_eq!(signed, serde_json::json!({ "kind": "model", "version": "m1", "labels": ["glass", "metal"] }));
    for sha256 in [ContentId::of(bundle.backbone()), ContentId::of(bundle.head())] {
        let network = by_content(&checked, &sha256);
        assert_eq!(fs::read(stored(&hub, network)).map(|bytes| ContentId::of(&bytes)).expect("is there"), sha256);
        let path = format!("/repo/targets/{}.{}", network.sha256, network.name);
        assert_eq!(ContentId::of(&hub.admin("GET", &path, None).await.body), sha256);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_into_service_is_published_and_what_nobody_wants_withdrawn() {
    let hub = hub().await;
    let (registry, updates) = (&hub.running.state.registry, &hub.running.state.updates);
    let root = updates.root_of_trust().await.expect("a root");
    let bin = client(&hub, "b1", &root).await;
    for name in ["m2", "m3", "m4"] {
        registry.register(&untrained(name, &labels()), &Origin::default()).await.expect("registers");
    }
    assert_eq!(updates.publications().borrow().of(&version("m2")), Publication::Pending);
    updates.want([version("m2")].into());
    until_published(&hub, "m2", true).await;
    updates.want(BTreeSet::new());
    for name in ["m3", "m4"] {
        registry.activate(name, "test", None).await.expect("loads");
        until_published(&hub, name, true).await;
    }
    until_published(&hub, "m2", false).await;
    let checked = check(&bin).await.expect("believed");
    let manifests: Vec<&str> =
        checked.trusted.targets().map(|target| target.name.as_str()).filter(|name| name.ends_with(".json")).collect();
    assert_eq!(manifests, ["m3.json", "m4.json"], "the one in service and the one before it");

    registry.register(&untrained("gone", &labels()), &Origin::default()).await.expect("registers");
    updates.want([version("gone"), version("unknown")].into());
    until_published(&hub, "gone", true).await;
    assert_eq!(updates.publications().borrow().of(&version("unknown")), Publication::Not);
    let faults = updates.view().faults;
    assert!(faults.iter().any(|fault| fault.contains("model unknown is not published")), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_storage_lost_comes_back_from_the_registry_or_is_withdrawn_and_said() {
    let hub = hub().await;
    let updates = hub.running.state.updates.clone();
    let bin = client(&hub, "b1", &updates.root_of_trust().await.expect("a root")).await;
    let checked = check(&bin).await.expect("believed");
    let lost = stored(&hub, named(&checked, "m1.json"));
    fs::remove_file(&lost).expect("is lost");
    updates.nudge();
    hub.until("it comes back", |_| lost.exists()).await;
    assert_eq!(check(&bin).await.expect("believed").trusted.versions.targets, checked.trusted.versions.targets);

    let bundle = untrained("m1", &labels());
    let network = by_content(&checked, &ContentId::of(bundle.backbone()));
    let (shelf, name) = network.sha256.split_at(2);
    fs::remove_file(hub.folder.path().join("data/objects").join(shelf).join(name)).expect("is lost");
    fs::remove_file(stored(&hub, network)).expect("is lost");
    updates.nudge();
    until_published(&hub, "m1", false).await;
    hub.until("it is said", |_| !updates.view().faults.is_empty()).await;
    let status = hub.admin("GET", "/api/status", None).await.json();
    let words = status["updates_faults"][0].as_str().expect("words").to_owned();
    assert!(words.contains("model m1 is not published"), "{words}");
    let others = hub.request("GET", "/api/status", &[], None).await.json();
    assert_eq!((&others["updates_faults"], &others["updates_work"]), (&serde_json::json!([]), &false.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_a_hub_starts_keeps_what_is_in_force_and_says_so() {
    let first = hub().await;
    let root = first.running.state.updates.root_of_trust().await.expect("a root");
    let TestHub { running, folder } = first;
    running.stop().await;
    let keys = folder.path().join("data/keys");
    fs::rename(&keys, folder.path().join("elsewhere")).expect("moves");
    let hub = TestHub::start_in(folder).await;
    let updates = &hub.running.state.updates;
    assert!(updates.published(&version("m1")).is_some(), "it is in force");
    let registry = &hub.running.state.registry;
    registry.register(&untrained("m2", &labels()), &Origin::default()).await.expect("registers");
    registry.activate("m2", "test", None).await.expect("loads");
    let mut publications = updates.publications();
    let tried = publications.wait_for(|all| all.of(&version("m2")) == Publication::Not);
    tokio::time::timeout(testing::PATIENCE, tried).await.expect("in time").expect("the hub runs");
    hub.until("it is said", |running| !running.state.updates.view().faults.is_empty()).await;
    let view = hub.admin("GET", "/api/v1/updates", None).await.json();
    let words = view["faults"].to_string();
    assert!(
        words.contains("what is new is not published") && words.contains("key folder of targets is missing"),
        "{words}"
    );
    let path = hub.folder.path().to_string_lossy().into_owned();
    assert!(!words.contains(&path) && words.contains("keys/targets"), "{words}");
    let bin = client(&hub, "b1", &root).await;
    assert_eq!(named(&check(&bin).await.expect("believed"), "m1.json").name, "m1.json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_is_refused_and_a_damaged_repository_keeps_no_hub_from_starting() {
    let first = hub().await;
    let TestHub { running, folder } = first;
    running.stop().await;
    let metadata = folder.path().join("data/repository/metadata");
    fs::write(metadata.join("1.root.json"), "<html>").expect("damages");
    let hub = TestHub::start_in(folder).await;
    let faults = hub.running.state.updates.view().faults;
    assert!(faults.iter().any(|fault| fault.contains("1.root.json is damaged")), "{faults:?}");
    assert_eq!(hub.running.state.updates.publications().borrow().of(&version("m1")), Publication::Not);
    let answer = hub.admin("POST", "/api/v1/bins", Some(serde_json::json!({ "id": "b1" }))).await;
    assert_eq!(
        (answer.status, &answer.json()["root_of_trust"]),
        (201, &serde_json::Value::Null),
        "it is enrolled all the same"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_served_for_caches_and_in_parts_and_to_nobody_else() {
    let hub = hub().await;
    let login = basic("b1", hub.enrol("b1").await.reveal());
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = [("authorization", login.as_str())].into_iter().chain(headers.iter().copied()).collect();
        hub.request("GET", path, &headers, None).await
    };
    let bundle = untrained("m1", &labels());
    let manifest = format!("/repo/targets/{}.m1.json", bundle.id());
    for (path, keep, kind) in [
        ("/repo/metadata/timestamp.json", "no-cache", "application/json"),
        ("/repo/metadata/1.root.json", "private, max-age=31536000, immutable", "application/json"),
        (manifest.as_str(), "private, max-age=31536000, immutable", "application/octet-stream"),
    ] {
        assert_eq!(hub.request("GET", path, &[], None).await.status, 401, "{path}");
        let whole = get(path, &[]).await;
        assert_eq!(
            (whole.status, whole.header("cache-control"), whole.header("content-type")),
            (200, keep, kind),
            "{path}"
        );
        let tag = whole.header("etag").to_owned();
        assert_eq!(tag, format!("\"{}\"", ContentId::of(&whole.body)), "{path}");
        let known = get(path, &[("if-none-match", &tag)]).await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        let rest = get(path, &[("range", "bytes=10-")]).await;
        assert_eq!((rest.status, rest.body.as_slice()), (206, &whole.body[10..]), "{path}");
        let beyond = get(path, &[("range", "bytes=999999-")]).await;
        assert_eq!(
            (beyond.status, beyond.header("content-range")),
            (416, format!("bytes */{}", whole.body.len()).as_str())
        );
        let head = hub.request("HEAD", path, &[("authorization", &login)], None).await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, whole.body.len().to_string().as_str()),
            "{path}"
        );
    }
    for path in [
        "/repo/metadata/2.root.json",
        "/repo/metadata/..%2f..%2fkeys%2froot",
        "/repo/metadata/pilah.db",
        "/repo/targets/m1.json",
        "/repo/targets/..%2f..%2fpilah.db",
    ] {
        let answer = get(path, &[]).await;
        assert_eq!((answer.status, answer.header("cache-control")), (404, "no-store"), "{path}");
    }
    assert_eq!(get(&manifest, &[]).await.body, bundle.manifest_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_told_so_serves_updates_to_everybody() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = testing::config(&folder);
    config.updates.public = true;
    let hub = TestHub { running: crate::server::start(config).await.expect("starts"), folder };
    let answer = hub.request("GET", "/repo/metadata/1.root.json", &[], None).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "public, max-age=31536000, immutable"));
    assert_eq!(hub.request("GET", "/api/v1/updates", &[], None).await.status, 401, "how it stands is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_the_program_is_published_and_wanted_by_its_version() {
    let hub = hub().await;
    let updates = hub.running.state.updates.clone();
    let name = "pilah-edge_9.8.7_arm64.deb";
    let file = hub.folder.path().join(name);
    fs::write(&file, b"!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n").expect("writes");
    let refused = hub.admin("PUT", "/api/v1/program", Some(serde_json::json!({ "version": "9.8.7" }))).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    // As a command beside the hub does it, which nudges nobody.
    Place::of(&hub.folder.path().join("data"), None).add_package(&file).expect("is added");
    let wanted = hub.admin("PUT", "/api/v1/program", Some(serde_json::json!({ "version": "9.8.7" }))).await;
    let said = wanted.json();
    assert_eq!((&said["wanted"], &said["packages"][0]["target"]), (&"9.8.7".into(), &name.into()), "{said}");
    let mut publications = updates.publications();
    let told = publications.wait_for(|all| all.program().is_some());
    let program = tokio::time::timeout(testing::PATIENCE, told).await.expect("in time").expect("the hub runs");
    let expected = DesiredProgram { version: "9.8.7".into(), target: TargetName::new(name).expect("a name") };
    assert_eq!(program.program(), Some(&expected));
    drop(program);
    let bin = client(&hub, "b1", &updates.root_of_trust().await.expect("a root")).await;
    let checked = check(&bin).await.expect("believed");
    let signed = serde_json::Value::Object(named(&checked, name).custom.clone());
    assert_eq!(signed, serde_json::json!({ "kind": "program", "version": "9.8.7", "arch": "arm64" }));
    assert_eq!(fs::read(stored(&hub, named(&checked, name))).expect("is there"), fs::read(&file).expect("is there"));

    let mut listener = hub.bin("b3").await;
    hub.running.state.rollout.nudge();
    assert!(listener.subscribe(&Channel::Desired.of(&listener.id)).await);
    let told = listener.next(|packet| match packet {
        Incoming::Publish(publish) => Some(Desired::decode(&publish.payload).expect("a Desired message")),
        _ => None,
    });
    let told = told.await.expect("the connection holds");
    let target = told.model.and_then(|model| model.target);
    assert_eq!((target.as_ref().map(TargetName::as_str), told.program), (Some("m1.json"), Some(expected)));

    let none = hub.admin("PUT", "/api/v1/program", Some(serde_json::json!({ "version": null }))).await;
    assert_eq!((none.status, &none.json()["wanted"]), (200, &serde_json::Value::Null));
    let told = publications.wait_for(|all| all.program().is_none());
    drop(tokio::time::timeout(testing::PATIENCE, told).await.expect("in time").expect("the hub runs"));
    let audit = hub.admin("GET", "/api/v1/audit", None).await.text();
    assert!(audit.contains("program.want"), "{audit}");
}
