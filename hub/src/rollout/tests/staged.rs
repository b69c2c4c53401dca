//! Rollouts on a hub that runs, with bins that speak MQTT.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use pilah_models::bundle::Bundle;
use pilah_models::wire::TakenBack;
use serde_json::Value;
use tokio::sync::broadcast;

use super::*;
use crate::auth::Role;
use crate::live::LiveEvent;

/// A hub with `m1` in service and `m2` beside it, and bins that have `m1` and are heard of.
struct Bench {
    hub: TestHub,
    m2: Bundle,
    m1: ContentId,
    bins: Vec<TestBin>,
    live: broadcast::Receiver<LiveEvent>,
    /// What bins were told while they spoke, in order.
    told: HashMap<String, VecDeque<Option<DesiredModel>>>,
    seq: u64,
}

impl Bench {
    async fn with(ids: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let labels = Labels::parse(["glass", "metal"]).expect("valid");
        let (first, m2) = (untrained("m1", &labels), untrained("m2", &labels));
        first.write(testing::config(&folder).bundle.as_deref().expect("a folder")).expect("writes");
        let hub = TestHub::start_in(folder).await;
        hub.running.state.registry.register(&m2, &Origin::default()).await.expect("registers");
        let live = hub.running.state.live.watch();
        let mut bench = Self { hub, m2, m1: first.id(), bins: Vec::new(), live, told: HashMap::new(), seq: 0 };
        for (id, tag) in ids {
            let mut bin = bench.hub.bin(id).await;
            assert!(bin.subscribe(&Channel::Desired.of(&bin.id)).await);
            bench.bins.push(bin);
            let group = json!({ "group": tag });
            assert_eq!(bench.hub.admin("PATCH", &format!("/api/v1/bins/{id}"), Some(group)).await.status, 200);
            bench.says(id, "m1", UpdateState::Idle, false).await;
            bench.is_told(id, "m1").await;
        }
        bench
    }

    /// A bin reports, and the hub has it and has looked at it.
    async fn says(&mut self, id: &str, model: &str, update: UpdateState, takes_back: bool) {
        self.seq += 1;
        let (bin, m2) = (testing::bin(id), self.m2.id());
        let mut said = reported(model, b"", update);
        said.manifest = if model == "m2" { m2.clone() } else { self.m1.clone() };
        (said.header.bin, said.header.seq) = (bin.clone(), self.seq);
        if takes_back {
            said.taken_back = vec![TakenBack { version: version("m2"), manifest: m2, reason: "too unsure".into() }];
        }
        let speaker = self.bins.iter_mut().find(|bin| bin.id.as_str() == id).expect("is there");
        speaker.publish(&Channel::Reported.of(&bin), said.encode()).await;
        let live = &mut self.live;
        let heard = async {
            while !matches!(live.recv().await.expect("the hub runs"), LiveEvent::Bin { bin: of, .. } if of == bin) {}
        };
        // What is queued goes out only while the connection is read; what comes meanwhile is kept.
        let kept = RefCell::new(Vec::new());
        let reads = speaker.next(|packet| {
            if let Incoming::Publish(publish) = packet {
                kept.borrow_mut().push(Desired::decode(&publish.payload).expect("a Desired message").model);
            }
            None::<()>
        });
        tokio::select! {
            heard = tokio::time::timeout(testing::PATIENCE, heard) => heard.expect("a live event in time"),
            ended = reads => panic!("the connection ended: {ended:?}"),
        }
        self.told.entry(id.to_owned()).or_default().extend(kept.into_inner());
        self.hub.running.state.rollout.nudge();
    }

    /// Reads live events until one is the one that is waited for.
    async fn live<T>(&mut self, wanted: impl Fn(&LiveEvent) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = wanted(&self.live.recv().await.expect("the hub runs")) {
                    return found;
                }
            }
        };
        tokio::time::timeout(testing::PATIENCE, wait).await.expect("a live event in time")
    }

    async fn is_in_state(&mut self, wanted: &str) {
        let is_it = |event: &LiveEvent| matches!(event, LiveEvent::Rollout { state, .. } if state == wanted);
        self.live(|event| is_it(event).then_some(())).await;
    }

    /// The next that a bin is told is this version.
    async fn is_told(&mut self, id: &str, wanted: &str) {
        self.hub.running.state.rollout.nudge();
        let bin = self.bins.iter_mut().find(|bin| bin.id.as_str() == id).expect("is there");
        let told = match self.told.get_mut(id).and_then(VecDeque::pop_front) {
            Some(told) => told,
            None => next_desired(bin).await,
        };
        assert_eq!(told.map(|model| model.version), Some(version(wanted)), "{id}");
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.hub.admin("POST", path, Some(body)).await;
        (answer.status, answer.json())
    }

    async fn get(&self, path: &str) -> Value {
        self.hub.admin("GET", path, None).await.json()
    }

    fn groups() -> Value {
        json!([{ "who": { "by": "tag", "tag": "school" } }, { "name": "Park", "who": { "by": "tag", "tag": "park" } }])
    }

    async fn begins(&self) {
        let body = json!({ "version": "m2", "groups": Self::groups(), "rules": { "soak_s": 0 } });
        let (status, began) = self.post("/api/v1/rollouts", body).await;
        assert_eq!(status, 201, "{began}");
        assert_eq!(
            (&began["phase"], &began["reached"], &began["of_groups"]),
            (&json!("rolling"), &json!(1), &json!(3))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_comes_group_by_group_and_goes_into_service() {
    let mut bench = Bench::with(&[("b1", "school"), ("b2", "park")]).await;
    bench.begins().await;
    bench.is_told("b1", "m2").await;
    let state = bench.get("/api/v1/rollout").await;
    assert_eq!((&state["desired"], &state["bins"][0]["state"]), (&json!("m1"), &json!("waiting")));
    bench.says("b1", "m2", UpdateState::Idle, false).await;
    let state = bench.get("/api/v1/rollout").await;
    assert_eq!(state["bins"][0]["state"], "in_force", "as was wanted of it: {state}");
    bench.is_told("b2", "m2").await;

    let refused = bench.post("/api/v1/models/m1/activate", json!({})).await;
    assert_eq!(refused.0, 200, "what is in service already is: {}", refused.1);
    let (status, problem) = bench.post("/api/v1/models/m2/activate", json!({})).await;
    let words = "rollout 1 brings m2 to the bins: until it has ended, nothing else goes into service. Cancel it first";
    assert_eq!((status, &problem["detail"], &problem["rollout"]), (409, &json!(words), &json!(1)));
    let (status, problem) = bench.post("/api/v1/rollouts", json!({ "version": "m2" })).await;
    let words = "rollout 1 is under way and brings m2: one at a time. Wait for its end, or cancel it";
    assert_eq!((status, &problem["detail"]), (409, &json!(words)));
    let problem = bench.hub.admin("DELETE", "/api/v1/models/m2", None).await.json();
    assert_eq!(problem["referred_by"][0], "rollout 1 is under way with it", "{problem}");

    bench.says("b2", "m2", UpdateState::Idle, false).await;
    bench.is_in_state("completed").await;
    let rollout = bench.get("/api/v1/rollouts/1").await;
    assert_eq!((&rollout["phase"], &rollout["open"]), (&json!("completed"), &json!(false)));
    assert_eq!(rollout["groups"][1]["name"], "Park");
    let one = json!({ "bin": "b2", "model": "m2", "state": "committed" });
    assert_eq!(rollout["groups"][1]["bins"], json!([one]));
    let history = rollout["history"].as_array().expect("a list");
    let kinds: Vec<&str> = history.iter().filter_map(|entry| entry["happening"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["started", "reached", "ready", "reached", "ready", "skipped", "completed"]);
    assert_eq!(history[0]["words"], "admin began to bring m2 to bins that have m1");
    assert_eq!(bench.get("/api/v1/models").await["in_service"], "m2");
    let audited = bench.get("/api/v1/audit").await.to_string();
    for what in ["rollout.started", "rollout.reached", "rollout.completed", "model.activate"] {
        assert!(audited.contains(what), "{what}: {audited}");
    }
    let (status, problem) = bench.post("/api/v1/rollouts", json!({ "version": "m2" })).await;
    assert_eq!((status, &problem["detail"]), (422, &json!("m2 is in service already: every bin is told to have it")));
    bench.hub.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_takes_it_back_is_brought_back_also_by_a_hub_that_was_restarted() {
    let mut bench = Bench::with(&[("b1", "school"), ("b2", "park")]).await;
    bench.begins().await;
    bench.is_told("b1", "m2").await;
    let Bench { hub, m2, m1, live: _, told: _, bins, seq } = bench;
    drop(bins);
    hub.running.stop().await;
    let hub = TestHub::start_in(hub.folder).await;
    let live = hub.running.state.live.watch();
    let mut bench = Bench { hub, m2, m1, bins: Vec::new(), live, told: HashMap::new(), seq };
    for id in ["b1", "b2"] {
        let secret =
            fleet::renew_secret(&bench.hub.running.state.store, &testing::bin(id), "test").await.expect("renews");
        let mut bin = TestBin::connect(bench.hub.port(), id, secret.reveal()).await.expect("connects");
        assert!(bin.subscribe(&Channel::Desired.of(&bin.id)).await);
        bench.bins.push(bin);
    }
    for (id, wanted) in [("b1", "m2"), ("b2", "m1")] {
        bench.is_told(id, wanted).await;
    }
    bench.says("b1", "m1", UpdateState::Idle, true).await;
    bench.is_in_state("stopped").await;
    bench.is_told("b1", "m1").await;
    let rollout = bench.get("/api/v1/rollouts/1").await;
    let words = "in group school, 1 of 1 bins refused it or took it back, more than 10 %";
    assert_eq!((&rollout["phase"], &rollout["words"]), (&json!("stopped"), &json!(words)));
    assert_eq!(rollout["history"][2]["words"], "b1 took it back: too unsure", "{rollout}");
    let bin = bench.get("/api/v1/bins/b1").await;
    let taken_back = json!([{ "version": "m2", "manifest": bench.m2.id(), "reason": "too unsure" }]);
    assert_eq!(bin["taken_back"], taken_back);

    let (status, retried) = bench.post("/api/v1/rollouts/1/retry", json!({})).await;
    assert_eq!((status, &retried["phase"]), (200, &json!("rolling")), "{retried}");
    bench.is_told("b2", "m2").await;
    let standing = json!({ "bin": "b1", "model": "m1", "state": "blocked", "reason": "too unsure" });
    assert_eq!(bench.get("/api/v1/rollouts/1").await["groups"][0]["bins"][0], standing);
    let (status, cancelled) = bench.post("/api/v1/rollouts/1/cancel", json!({})).await;
    assert_eq!((status, &cancelled["phase"]), (200, &json!("cancelled")));
    bench.is_told("b2", "m1").await;
    bench.post("/api/v1/models/m2/activate", json!({})).await;
    let (status, problem) = bench.post("/api/v1/rollouts/1/retry", json!({})).await;
    let words = "m1 was in service when it began, and m2 is now: begin another rollout instead";
    assert_eq!((status, &problem["detail"]), (409, &json!(words)));
    bench.hub.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let bench = Bench::with(&[("b1", "school")]).await;
    let cases = [
        (json!({ "version": "m9" }), 404, "there is no model \"m9\""),
        (json!({ "version": "m1" }), 422, "m1 is in service already"),
        (
            json!({ "version": "m2", "groups": [{ "who": { "by": "tag", "tag": "beach" } }] }),
            422,
            "group 1 (beach) is empty: no bin was put into it on the page of bins. There are: school",
        ),
        (
            json!({ "version": "m2", "groups": [{ "who": { "by": "bins", "bins": ["b7"] } }] }),
            422,
            "groups[0].bins is b7; it must be ids of bins that are enrolled",
        ),
        (json!({ "version": "m2", "rules": { "error_percent": 101 } }), 422, "rules.error_percent is 101"),
        (json!({ "version": "m2", "rules": { "soak": 1 } }), 422, "unknown field"),
        (json!({ "version": "m2", "groups": [{ "who": { "by": "colour" } }] }), 422, "unknown variant"),
    ];
    for (body, expected, words) in cases {
        let (status, problem) = bench.post("/api/v1/rollouts", body.clone()).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == expected && detail.contains(words), "{body}: {status} {problem}");
    }
    assert_eq!(bench.get("/api/v1/rollouts").await, json!([]), "nothing is left half done");
    let (status, problem) = bench.post("/api/v1/rollouts/7/pause", json!({})).await;
    assert_eq!((status, &problem["detail"]), (404, &json!("there is no rollout 7")));
    let viewer = bench.hub.login("vera", Role::Viewer).await;
    let headers = [("authorization", viewer.as_str())];
    let asked = bench.hub.request("POST", "/api/v1/rollouts", &headers, Some(json!({ "version": "m2" })));
    assert_eq!(asked.await.status, 403);
    let zone = bench.hub.admin("PATCH", "/api/v1/bins/b1", Some(json!({ "time_zone": "asia/jakarta" }))).await;
    assert_eq!((zone.status, &zone.json()["time_zone"]), (200, &json!("Asia/Jakarta")));
    let zone = bench.hub.admin("PATCH", "/api/v1/bins/b1", Some(json!({ "time_zone": "Mars/Olympus" }))).await;
    assert_eq!(zone.status, 422, "{}", zone.text());
    bench.hub.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_goes_by_the_clock_that_people_say() {
    let mut bench = Bench::with(&[("b1", "school")]).await;
    // Open for the next hours in a zone 12 hours from the one in which it is closed, whatever the time is.
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).time();
    let at = |hours: i64| now.wrapping_add(jiff::SignedDuration::from_hours(hours)).round(jiff::Unit::Minute);
    let window = json!({ "from": at(9).expect("a time"), "to": at(15).expect("a time") });
    let body = json!({ "version": "m2", "rules": { "windows": [window] } });
    let (status, began) = bench.post("/api/v1/rollouts", body).await;
    assert_eq!((status, &began["groups"][0]["bins"][0]["state"]), (201, &json!("window")), "{began}");
    // `Etc/GMT-12` is 12 hours ahead of UTC.
    let zone = bench.hub.admin("PATCH", "/api/v1/bins/b1", Some(json!({ "time_zone": "Etc/GMT-12" }))).await;
    assert_eq!(zone.status, 200, "{}", zone.text());
    bench.is_told("b1", "m2").await;
    let (_, paused) = bench.post("/api/v1/rollouts/1/pause", json!({})).await;
    assert_eq!(paused["phase"], "paused");
    let (_, resumed) = bench.post("/api/v1/rollouts/1/resume", json!({})).await;
    assert_eq!(resumed["phase"], "rolling");
    bench.hub.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worse_in_the_field_holds_it_until_a_person_agrees() {
    use sea_orm::ConnectionTrait as _;

    let mut bench = Bench::with(&[("b1", "school"), ("b2", "park")]).await;
    let today = crate::store::now_ms().div_euclid(24 * 3_600_000);
    // Sums of bins as the intake keeps them; of tomorrow as well, should midnight pass.
    for (bin, model, unsure) in (0..12).map(|i| if i < 4 { (i, "m2", 300) } else { (i, "m1", 100) }) {
        for (model, day, unsure) in [("m1", today - 7, 100), (model, today, unsure), (model, today + 1, unsure)] {
            let row = format!("'{model}', {day}, 'x{bin}', 'glass', 1000, {unsure}, 900, 820");
            let insert = format!("INSERT INTO field_days VALUES ({row})");
            bench.hub.running.state.store.db().execute_unprepared(&insert).await.expect("inserts");
        }
    }
    bench.begins().await;
    bench.is_told("b1", "m2").await;
    bench.says("b1", "m2", UpdateState::Idle, false).await;
    bench.is_in_state("held").await;
    let comparison = bench.get("/api/v1/rollouts/1/comparison").await;
    assert_eq!((&comparison["verdict"], &comparison["measures"][1]["measure"]), (&json!("worse"), &json!("unsure")));
    let words = comparison["words"].as_str().expect("words");
    let held = bench.get("/api/v1/rollouts/1").await;
    assert!(held["words"].as_str().expect("words").ends_with(words), "{held}");
    let approved = bench.post("/api/v1/rollouts/1/approve", json!({})).await;
    assert_eq!(approved.0, 200, "{}", approved.1);
    bench.is_told("b2", "m2").await;
    let unknown = bench.hub.admin("GET", "/api/v1/rollouts/7/comparison", None).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text());
    bench.hub.running.stop().await;
}
