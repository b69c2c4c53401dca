use pilah_models::labels::Labels;
use pilah_models::name::{BinId, ContentId};
use pilah_models::wire::topic::Channel;
use pilah_models::wire::{Desired, Header, Message as _, VERSION};
use rumqttc::Incoming;
use serde_json::json;

use super::*;
use crate::fleet;
use crate::registry::Origin;
use crate::registry::fixture::untrained;
use crate::testing::{self, TestBin, TestHub};

/// Group by group.
mod staged;

fn version(name: &str) -> ModelVersion {
    ModelVersion::new(name).expect("valid")
}

fn desired() -> DesiredModel {
    DesiredModel { version: version("m2"), manifest: ContentId::of(b"m2"), target: None }
}

fn reported(model: &str, manifest: &[u8], update: UpdateState) -> Reported {
    let header = Header {
        v: VERSION,
        bin: BinId::new("b1").expect("valid"),
        epoch: 1,
        seq: 1,
        at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        clock_synced: true,
    };
    Reported {
        header,
        model: version(model),
        manifest: ContentId::of(manifest),
        update,
        connection: None,
        trust: None,
        probation: None,
        taken_back: Vec::new(),
        program: None,
        update_bytes: None,
    }
}

#[test]
fn a_bin_is_as_far_as_it_says() {
    let fetching = |target| UpdateState::Fetching { target: version(target) };
    let failed = |target| UpdateState::Failed { target: version(target), error: "wrong hash".into() };
    let cases = [
        (reported("m1", b"m1", UpdateState::Idle), Stage::Waiting),
        (reported("m1", b"m1", fetching("m2")), Stage::Fetching),
        (reported("m1", b"m1", fetching("m1")), Stage::Waiting),
        (reported("m1", b"m1", failed("m2")), Stage::Failed { error: "wrong hash".into() }),
        (reported("m1", b"m1", failed("m3")), Stage::Waiting),
        (reported("m2", b"m2", UpdateState::Idle), Stage::InForce),
        (reported("m2", b"m2", failed("m3")), Stage::InForce),
        (reported("m2", b"another of that name", UpdateState::Idle), Stage::Waiting),
    ];
    for (reported, expected) in cases {
        assert_eq!(stage(&desired(), Some(&reported)), expected, "{reported:?}");
    }
    assert_eq!(stage(&desired(), None), Stage::Waiting);
}

/// What the next message to a bin says.
async fn next_desired(bin: &mut TestBin) -> Option<DesiredModel> {
    let next = bin.next(|packet| match packet {
        Incoming::Publish(publish) => Some(Desired::decode(&publish.payload).expect("a Desired message").model),
        _ => None,
    });
    next.await.expect("the connection holds")
}

#[tokio::test(flavor = "multi_thread")]
async fn bins_are_told_what_is_in_service_and_their_refusal_is_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let labels = Labels::parse(["glass", "metal"]).expect("valid");
    untrained("m1", &labels).write(testing::config(&folder).bundle.as_deref().expect("a folder")).expect("writes");
    let hub = TestHub::start_in(folder).await;
    let mut bin = hub.bin("b1").await;
    hub.running.state.rollout.nudge();
    assert!(bin.subscribe(&Channel::Desired.of(&bin.id)).await);
    assert_eq!(next_desired(&mut bin).await.map(|model| model.version), Some(version("m1")));

    let next = untrained("m2", &labels);
    let registry = &hub.running.state.registry;
    registry.register(&next, &Origin::default()).await.expect("registers");
    registry.activate("m2", "test", None).await.expect("loads");
    let told = next_desired(&mut bin).await.expect("a model");
    assert_eq!((told.version, &told.manifest), (version("m2"), &next.id()));

    let mut later = hub.bin("b2").await;
    hub.running.state.rollout.nudge();
    assert!(later.subscribe(&Channel::Desired.of(&later.id)).await);
    assert_eq!(next_desired(&mut later).await.map(|model| model.version), Some(version("m2")));

    let failed = UpdateState::Failed { target: version("m2"), error: "wrong hash".into() };
    bin.publish(&Channel::Reported.of(&bin.id), reported("m1", b"m1", failed).encode()).await;
    // An acknowledged event after it says that the hub has stored both.
    bin.listen_for_acks().await;
    bin.send(&testing::event("b1", 1, true)).await;
    bin.acks(1).await;
    let state = hub.admin("GET", "/api/v1/rollout", None).await.json();
    assert_eq!(state["desired"], "m2");
    assert_eq!(state["bins"][0], json!({"bin": "b1", "model": "m1", "state": "failed", "error": "wrong hash"}));
    assert_eq!(state["bins"][1], json!({"bin": "b2", "model": null, "state": "waiting"}));
}
