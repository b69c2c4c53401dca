use pilah_models::labels::Labels;
use pilah_models::name::ContentId;
use pilah_rollout::compare::Finding;
use sea_orm::{DbBackend, PaginatorTrait as _, QueryTrait as _, Statement};
use serde_json::{Value, json};

use super::*;
use crate::live::LiveEvent;
use crate::registry::Origin;
use crate::registry::fixture::untrained;
use crate::store::entity::event;
use crate::store::{DataFolder, Store, now_ms};
use crate::testing::{self, TestHub};

/// The first day of the rollout in these tests, and a moment on it.
const DAY: i64 = 20_000;
const BEGAN_MS: i64 = DAY * DAY_MS + 9 * 3_600_000;

fn question() -> Question {
    let version = |name: &str| ModelVersion::new(name).expect("valid");
    Question { new: version("m2"), others: version("m1"), since_ms: BEGAN_MS, until_ms: None }
}

async fn open(folder: &tempfile::TempDir) -> (DataFolder, Store) {
    let data = DataFolder::open(folder.path()).expect("opens");
    let store = Store::open(&data).await.expect("opens");
    (data, store)
}

async fn store() -> ((tempfile::TempDir, DataFolder), Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, store) = open(&folder).await;
    ((folder, data), store)
}

async fn run(store: &Store, sql: &str) {
    store.db().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Sums of a day: so many items of a label, so many of them unsure, all with a confidence of one half.
async fn day(store: &Store, model: &str, day: i64, bin: &str, label: &str, [items, unsure]: [i64; 2]) {
    let (sum, squares) = (0.5 * items as f64, 0.25 * items as f64);
    run(
        store,
        &format!(
            "INSERT INTO field_days VALUES ('{model}', {day}, '{bin}', '{label}', {items}, {unsure}, {sum}, {squares})"
        ),
    )
    .await;
}

/// A sample that is in the random share of the bin and of the hub, and reviewed.
struct Sampled<'a> {
    id: &'a str,
    model: &'a str,
    at_ms: i64,
    reason: &'a str,
    sure: bool,
    label: &'a str,
    state: &'a str,
    rank: &'a str,
}

const REVIEWED: Sampled<'_> = Sampled {
    id: "a",
    model: "m2",
    at_ms: BEGAN_MS,
    reason: "random",
    sure: true,
    label: "glass",
    state: "done",
    rank: "0.01",
};

async fn sampled(store: &Store, of: Sampled<'_>) {
    let Sampled { id, model, at_ms, reason, sure, label, state, rank } = of;
    let columns = "id, source, bin, reason, at_ms, received_ms, content_sha256, width, height, bytes, model, guess, sure, label, group_key";
    run(
        store,
        &format!(
            "INSERT INTO samples ({columns}) VALUES \
             ('{id}', 'bin', 'b1', '{reason}', 0, {at_ms}, 'x', 1, 1, 1, '{model}', 'glass', {sure}, '{label}', 'g')"
        ),
    )
    .await;
    run(
        store,
        &format!("INSERT INTO reviews (sample_id, state, value, random_rank) VALUES ('{id}', '{state}', 0, {rank})"),
    )
    .await;
}

#[tokio::test]
async fn items_are_counted_by_bin_before_and_since() {
    let (_folder, store) = store().await;
    day(&store, "m1", DAY - 29, "b1", "glass", [1000, 1000]).await; // too long ago
    day(&store, "m1", DAY - 28, "b1", "glass", [40, 4]).await;
    day(&store, "m1", DAY - 1, "b1", "metal", [60, 6]).await;
    day(&store, "m1", DAY, "b1", "glass", [5, 1]).await;
    day(&store, "m2", DAY - 3, "b1", "glass", [7, 7]).await; // an attempt before this one
    day(&store, "m2", DAY, "b1", "glass", [8, 2]).await;
    day(&store, "m2", DAY + 1, "b1", "metal", [2, 0]).await;
    day(&store, "m1", DAY, "b2", "glass", [9, 3]).await;
    day(&store, "m0", DAY, "b2", "glass", [9, 3]).await; // a third model
    let found = gather(store.db(), &question()).await.expect("reads");
    let [b1, b2] = &found[..] else { panic!("two bins: {found:?}") };
    assert_eq!((b1.before.items, b1.before.unsure), (100, 10));
    assert_eq!((b1.others.items, b1.others.unsure), (5, 1));
    assert_eq!((b1.new.items, b1.new.unsure), (10, 2));
    assert!((b1.new.confidence - 5.0).abs() < 1e-9 && (b1.new.confidence_squares - 2.5).abs() < 1e-9);
    assert_eq!(b1.new.labels, [("glass", 8), ("metal", 2)].map(|(label, n)| (label.parse().expect("valid"), n)).into());
    assert_eq!((b2.before.items, b2.others.items, b2.new.items), (0, 9, 0));
    let ended = Question { until_ms: Some(BEGAN_MS + 3_600_000), ..question() };
    let found = gather(store.db(), &ended).await.expect("reads");
    assert_eq!(found[0].new.items, 8, "the next day is not of it any more");
}

#[tokio::test]
async fn only_the_random_share_that_people_reviewed_says_what_is_right() {
    let (_folder, store) = store().await;
    sampled(&store, REVIEWED).await;
    sampled(&store, Sampled { id: "b", label: "metal", ..REVIEWED }).await; // wrong
    sampled(&store, Sampled { id: "c", model: "m1", ..REVIEWED }).await;
    sampled(&store, Sampled { id: "d", model: "m1", at_ms: BEGAN_MS - 2 * DAY_MS, ..REVIEWED }).await;
    for (id, other) in [
        ("e", Sampled { reason: "unsure", ..REVIEWED }),
        ("f", Sampled { reason: "disagreement", ..REVIEWED }),
        ("g", Sampled { sure: false, ..REVIEWED }),
        ("h", Sampled { rank: "NULL", ..REVIEWED }),
        ("i", Sampled { state: "open", ..REVIEWED }),
        ("j", Sampled { label: UNUSABLE, ..REVIEWED }),
        ("k", Sampled { model: "m0", ..REVIEWED }),
    ] {
        sampled(&store, Sampled { id, ..other }).await;
    }
    let found = gather(store.db(), &question()).await.expect("reads");
    let [b1] = &found[..] else { panic!("one bin: {found:?}") };
    let of = |seen: &Seen| (seen.reviewed, seen.right);
    assert_eq!((of(&b1.before), of(&b1.others), of(&b1.new)), ((1, 1), (1, 1), (2, 1)));
}

#[tokio::test]
async fn a_group_that_is_unsure_more_often_is_found() {
    let (_folder, store) = store().await;
    for i in 0..12 {
        let bin = format!("b{i:02}");
        day(&store, "m1", DAY - 7, &bin, "glass", [1000, 100]).await;
        let (model, unsure) = if i < 4 { ("m2", 300) } else { ("m1", 100) };
        day(&store, model, DAY, &bin, "glass", [1000, unsure]).await;
    }
    let found = compare(store.db(), &question()).await.expect("reads");
    let unsure = &found.measures[1];
    assert_eq!((unsure.new_items, unsure.other_items, unsure.new_bins, unsure.other_bins), (4000, 8000, 4, 8));
    assert_eq!(unsure.finding, Finding::Worse, "{found:?}");
}

#[tokio::test]
async fn who_asks_every_few_seconds_gets_what_is_a_minute_old() {
    let (_folder, store) = store().await;
    let mut recent = Recent::default();
    let items = |found: Comparison| found.measures[1].new_items;
    let mut ask =
        async |question: Question, now_ms| items(recent.compare(store.db(), &question, now_ms).await.expect("reads"));
    day(&store, "m2", DAY, "b1", "glass", [10, 0]).await;
    assert_eq!(ask(question(), BEGAN_MS).await, 10);
    day(&store, "m2", DAY, "b2", "glass", [10, 0]).await;
    assert_eq!(ask(question(), BEGAN_MS + 59_999).await, 10);
    assert_eq!(ask(question(), BEGAN_MS + 60_000).await, 20);
    day(&store, "m2", DAY, "b3", "glass", [10, 0]).await;
    assert_eq!(ask(question(), BEGAN_MS).await, 30, "a clock that went back keeps nothing");
    day(&store, "m2", DAY, "b4", "glass", [10, 0]).await;
    assert_eq!(ask(Question { others: "m0".parse().expect("valid"), ..question() }, BEGAN_MS).await, 40);
    for i in 0..20 {
        ask(Question { until_ms: Some(BEGAN_MS + i), ..question() }, BEGAN_MS).await;
    }
    assert_eq!(recent.0.len(), MOST_RECENT);
}

/// How SQLite goes about a question.
async fn plan(store: &Store, statement: &Statement) -> String {
    let explain = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = store.db().query_all_raw(explain).await.expect("explains");
    rows.iter().map(|row| row.try_get::<String>("", "detail").expect("a text")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn neither_question_reads_a_whole_table() {
    let (_folder, store) = store().await;
    let sums = plan(&store, &items(&question()).build(DbBackend::Sqlite)).await;
    assert!(sums.contains("SEARCH field_days") && sums.contains("(model=? AND day>? AND day<?)"), "{sums}");
    let reviews = plan(&store, &reviewed(&question()).build(DbBackend::Sqlite)).await;
    assert!(reviews.contains("SEARCH reviews USING") && reviews.contains("(state=? AND random_rank>?)"), "{reviews}");
    assert!(reviews.contains("SEARCH samples USING INDEX") && reviews.contains("(id=?)"), "{reviews}");
    assert!(!sums.contains("SCAN") && !reviews.contains("SCAN"), "{sums}\n{reviews}");
}

#[tokio::test]
async fn what_comes_twice_is_added_up_once() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    for seq in [1, 2, 3, 2, 1] {
        bin.send(&testing::event("b1", seq, seq > 1)).await;
    }
    bin.acks(5).await;
    let db = hub.running.state.store.db();
    let rows = field_day::Entity::find().all(db).await.expect("reads");
    let found: Vec<_> =
        rows.iter().map(|row| (row.model.as_str(), row.bin.as_str(), row.label.as_str(), row.items)).collect();
    assert_eq!(found, [("m1", "b1", "glass", 2), ("m1", "b1", "metal", 1)]);
    assert!((rows[0].confidence - 1.5).abs() < 1e-9 && (rows[0].confidence_squares - 1.125).abs() < 1e-9);
}

#[tokio::test]
async fn what_came_before_there_were_sums_is_added_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, store) = open(&folder).await;
    let columns = "bin, epoch, seq, at_ms, received_ms, outcome, label, confidence, probabilities_json, model, latency_ms, seen_ms";
    for (seq, outcome, seen) in [(1, "label", "NULL"), (2, "unsure", "NULL"), (3, "label", "5")] {
        let row = format!("'b1', 1, {seq}, 0, {BEGAN_MS}, '{outcome}', 'glass', 0.5, '{{}}', 'm1', 1.0, {seen}");
        run(&store, &format!("INSERT INTO events ({columns}) VALUES ({row})")).await;
    }
    run(&store, "DROP TABLE field_days").await;
    run(&store, "DELETE FROM seaql_migrations WHERE version = 'm0013_field_days'").await;
    assert_eq!(event::Entity::find().count(store.db()).await.expect("counts"), 3);
    drop((data, store));
    let (_data, store) = open(&folder).await;
    let mut rows = field_day::Entity::find().all(store.db()).await.expect("reads");
    rows.sort_by_key(|row| row.day);
    let found: Vec<_> = rows.iter().map(|row| (row.day, row.items, row.unsure)).collect();
    assert_eq!(found, [(0, 1, 0), (DAY, 2, 1)]);
}

/// Has a bin be heard of just now, with this model.
async fn says(store: &Store, bin: &str, model: &str, manifest: &ContentId) {
    let reported = json!({
        "v": 1, "bin": bin, "epoch": 1, "seq": 1, "at": "2026-01-02T03:04:05Z", "clock_synced": true,
        "model": model, "manifest": manifest, "update": { "state": "idle" },
    });
    let now_ms = now_ms();
    run(store, &format!("UPDATE bins SET last_seen_ms = {now_ms}, reported_json = '{reported}' WHERE id = '{bin}'"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_worse_in_the_field_is_held_and_the_route_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let labels = Labels::parse(["glass", "metal"]).expect("valid");
    let (m1, m2) = (untrained("m1", &labels), untrained("m2", &labels));
    m1.write(testing::config(&folder).bundle.as_deref().expect("a folder")).expect("writes");
    let hub = TestHub::start_in(folder).await;
    let state = &hub.running.state;
    state.registry.register(&m2, &Origin::default()).await.expect("registers");
    for bin in ["b1", "b2"] {
        hub.enrol(bin).await;
        says(&state.store, bin, "m1", &m1.id()).await;
    }
    // Of tomorrow as well, should midnight pass.
    let today = now_ms().div_euclid(DAY_MS);
    for i in 0..12 {
        let bin = format!("x{i:02}");
        day(&state.store, "m1", today - 7, &bin, "glass", [1000, 100]).await;
        let (model, unsure) = if i < 4 { ("m2", 300) } else { ("m1", 100) };
        day(&state.store, model, today, &bin, "glass", [1000, unsure]).await;
        day(&state.store, model, today + 1, &bin, "glass", [1000, unsure]).await;
    }
    let mut live = state.live.watch();
    let groups = json!([{ "who": { "by": "bins", "bins": ["b1"] } }]);
    let body = json!({ "version": "m2", "groups": groups, "rules": { "soak_s": 0 } });
    let began = hub.admin("POST", "/api/v1/rollouts", Some(body)).await;
    assert_eq!((began.status, &began.json()["reached"]), (201, &json!(1)), "{}", began.text());
    says(&state.store, "b1", "m2", &m2.id()).await;
    state.rollout.nudge();
    let held = async {
        loop {
            let event = live.recv().await.expect("the hub runs");
            if matches!(event, LiveEvent::Rollout { state, .. } if state == "held") {
                return;
            }
        }
    };
    tokio::time::timeout(testing::PATIENCE, held).await.expect("is held");
    let get = async |path: &str| -> Value { hub.admin("GET", path, None).await.json() };
    let comparison = get("/api/v1/rollouts/1/comparison").await;
    assert_eq!((&comparison["verdict"], &comparison["measures"][1]["finding"]), (&json!("worse"), &json!("worse")));
    let words = comparison["words"].as_str().expect("words");
    let rollout = get("/api/v1/rollouts/1").await;
    assert!(rollout["words"].as_str().expect("words").ends_with(words), "{rollout}");
    assert_eq!(hub.admin("GET", "/api/v1/rollouts/7/comparison", None).await.status, 404);
    hub.running.stop().await;
}
