use std::collections::{BTreeMap, BTreeSet};

use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, Label};
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer, Unusable};
use super::*;
use crate::auth::Role;
use crate::dataset::{UNUSABLE, import};
use crate::embeddings::{self, Vectors};
use crate::registry::fixture::{Hub, picture, write_class};
use crate::store::entity::{label_history, review, review_action, sample};
use crate::store::now_ms;
use crate::testing::{TestHub, basic, event, jpeg};

const NOW: i64 = 1_800_000_000_000;

fn classes() -> Vec<Label> {
    ["glass", "metal", "paper"].map(|name| Label::new(name).expect("valid")).to_vec()
}

fn reviewer(name: &str) -> Reviewer {
    Reviewer { name: name.into(), is_administrator: name == "admin" }
}

fn label(name: &str) -> Answer {
    Answer::Label { label: name.into() }
}

fn config() -> ReviewConfig {
    ReviewConfig { random_share: 0.0, lease: Duration::from_secs(60) }
}

/// Samples of a bin without labels, two to a group.
async fn with_samples(count: usize, random_share: f64) -> Hub {
    let hub = Hub::open(None).await;
    for number in 0..count {
        let id = format!("s{number:04}");
        let row = sample::ActiveModel {
            id: Set(id.clone()),
            source: Set("bin".into()),
            bin: Set(Some("b1".into())),
            epoch: Set(Some(7)),
            seq: Set(Some(number as i64)),
            event_seq: Set(Some(number as i64 / 2)),
            at_ms: Set(NOW),
            received_ms: Set(NOW),
            content_sha256: Set(ContentId::of(id.as_bytes()).into()),
            width: Set(1),
            height: Set(1),
            bytes: Set(1),
            sure: Set(false),
            guess: Set(Some("glass".into())),
            probabilities_json: Set(Some(json!({ "glass": 0.6, "metal": 0.4 }).to_string())),
            group_key: Set(format!("burst {}", number / 2)),
            ..Default::default()
        };
        sample::Entity::insert(row).exec_without_returning(hub.parts.store.db()).await.expect("inserts");
    }
    store::enrol(&hub.parts.store, random_share).await.expect("enrols");
    hub
}

async fn draw(hub: &Hub, config: &ReviewConfig, by: &str, count: usize, now_ms: i64) -> Vec<String> {
    let (store, vectors) = (&hub.parts.store, Vectors::default());
    queue::next(store, &vectors, config, &reviewer(by), count, 0.5, now_ms).await.expect("draws")
}

async fn say(hub: &Hub, by: &str, id: &str, said: &Answer) -> Result<answer::Answered, ReviewError> {
    answer::answer(&hub.parts.store, &classes(), &reviewer(by), id, said, NOW).await
}

async fn undo(hub: &Hub, by: &str, before: Option<i64>) -> Result<answer::Answered, ReviewError> {
    undo::undo(&hub.parts.store, &config(), &reviewer(by), before, NOW).await
}

async fn row(hub: &Hub, id: &str) -> (sample::Model, review::Model) {
    let db = hub.parts.store.db();
    let sample = sample::Entity::find_by_id(id).one(db).await.expect("reads").expect("there");
    let review = review::Entity::find_by_id(id).one(db).await.expect("reads").expect("there");
    (sample, review)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reviewers_at_the_same_time_never_get_the_same() {
    let hub = std::sync::Arc::new(with_samples(60, 0.0).await);
    let draws = (0..6).map(|number| {
        let hub = std::sync::Arc::clone(&hub);
        tokio::spawn(async move { draw(&hub, &config(), &format!("reviewer {number}"), 8, NOW).await })
    });
    let mut seen = BTreeSet::new();
    for drawn in futures::future::join_all(draws).await {
        let drawn = drawn.expect("no panic");
        assert_eq!(drawn.len(), 8);
        for id in drawn {
            assert!(seen.insert(id.clone()), "{id} was given twice");
        }
    }
    assert_eq!(seen.len(), 48);
    assert_eq!(draw(&hub, &config(), "last", 50, NOW).await.len(), 12, "what is left");
    assert!(draw(&hub, &config(), "too late", 5, NOW).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_answer_at_the_same_time_one_is_told_what_the_other_said() {
    let hub = std::sync::Arc::new(with_samples(1, 0.0).await);
    let answers = ["ada", "bob", "cy", "dan"].map(|name| {
        let hub = std::sync::Arc::clone(&hub);
        tokio::spawn(async move { say(&hub, name, "s0000", &label("glass")).await })
    });
    let mut taken = 0;
    for answer in futures::future::join_all(answers).await {
        match answer.expect("no panic") {
            Ok(_) => taken += 1,
            Err(ReviewError::Done { label, by }) => assert!(label.as_deref() == Some("glass") && by.is_some()),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(taken, 1);
    let history = label_history::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    assert_eq!(history.len(), 1);
}

#[tokio::test]
async fn a_batch_is_of_different_objects_and_the_same_when_asked_again() {
    let hub = with_samples(20, 0.0).await;
    let first = draw(&hub, &config(), "ada", 10, NOW).await;
    let groups: BTreeSet<usize> = first.iter().map(|id| id[1..].parse::<usize>().expect("a number") / 2).collect();
    assert_eq!(groups.len(), 10, "{first:?}");
    let again = draw(&hub, &config(), "ada", 10, NOW).await;
    assert_eq!(again.iter().collect::<BTreeSet<_>>(), first.iter().collect());
    assert_eq!(queue::held(hub.parts.store.db(), &reviewer("ada"), NOW).await.expect("reads").len(), 10);
    assert_eq!(draw(&hub, &config(), "ada", 12, NOW).await.len(), 12, "topped up");
}

#[tokio::test]
async fn a_lease_ends_and_who_comes_late_is_told() {
    let hub = with_samples(1, 0.0).await;
    assert_eq!(draw(&hub, &config(), "ada", 1, NOW).await, ["s0000"]);
    assert!(draw(&hub, &config(), "bob", 1, NOW + 59_999).await.is_empty());
    let error = say(&hub, "bob", "s0000", &label("glass")).await.expect_err("ada has it");
    assert!(matches!(error, ReviewError::Held { ref by, seconds: 61 } if by == "ada"), "{error}");
    assert_eq!(draw(&hub, &config(), "bob", 1, NOW + 60_000).await, ["s0000"]);

    let late = |by: &'static str| {
        let store = hub.parts.store.clone();
        async move { answer::answer(&store, &classes(), &reviewer(by), "s0000", &label("metal"), NOW + 61_000).await }
    };
    assert!(matches!(late("ada").await, Err(ReviewError::Held { .. })));
    assert_eq!(late("bob").await.expect("has it").label.as_deref(), Some("metal"));
    let error = late("ada").await.expect_err("it is done").to_string();
    assert!(error.contains("bob labelled it metal"), "{error}");
}

#[tokio::test]
async fn an_answer_after_the_lease_counts_if_nobody_took_the_sample() {
    let hub = with_samples(1, 0.0).await;
    draw(&hub, &config(), "ada", 1, NOW - 1_000_000).await;
    assert_eq!(say(&hub, "ada", "s0000", &label("glass")).await.expect("is taken").state, State::Done);
}

#[tokio::test]
async fn the_random_share_stays_out_of_the_order() {
    let hub = with_samples(200, 0.2).await;
    let db = hub.parts.store.db();
    let rows = review::Entity::find().order_by_asc(review::Column::RandomRank).all(db).await.expect("reads");
    let drawn: Vec<&str> = rows.iter().filter(|r| r.random_rank.is_some()).map(|r| r.sample_id.as_str()).collect();
    assert!((20..60).contains(&drawn.len()), "{}", drawn.len());
    let config = ReviewConfig { random_share: 0.2, ..config() };
    let batch = draw(&hub, &config, "ada", 10, NOW).await;
    let random: Vec<&String> = batch.iter().filter(|id| drawn.contains(&id.as_str())).collect();
    assert_eq!(random, drawn[..2].iter().collect::<Vec<_>>(), "two of ten, in the order of the draw");
    let without = ReviewConfig { random_share: 0.0, ..config };
    let batch = draw(&hub, &without, "bob", 100, NOW).await;
    assert!(batch.iter().all(|id| !drawn.contains(&id.as_str())));
    assert_eq!(draw(&hub, &without, "cy", 100, NOW).await.len(), 90, "when nothing else is left, all of it");
}

#[tokio::test]
async fn what_reviewers_say_is_checked_applied_and_kept() {
    let hub = with_samples(4, 0.0).await;
    let done = say(&hub, "ada", "s0000", &label("glass")).await.expect("labels");
    assert_eq!((done.state, done.label.as_deref(), done.was), (State::Done, Some("glass"), None));
    let person = Answer::Unusable { reason: Unusable::Person };
    assert_eq!(say(&hub, "ada", "s0001", &person).await.expect("takes out").label.as_deref(), Some(UNUSABLE));
    say(&hub, "ada", "s0002", &Answer::Skip {}).await.expect("skips");

    let error = say(&hub, "ada", "s0003", &label("tin")).await.expect_err("no class").to_string();
    assert!(error.ends_with("the classes are glass, metal, paper"), "{error}");
    let error = say(&hub, "ada", "s0009", &label("glass")).await.expect_err("not there");
    assert!(matches!(error, ReviewError::Dataset(DatasetError::NoSample(_))), "{error}");
    sample::Entity::delete_by_id("s0003").exec(hub.parts.store.db()).await.expect("deletes");
    let error = say(&hub, "ada", "s0003", &label("glass")).await.expect_err("it was deleted");
    assert!(matches!(error, ReviewError::Dataset(DatasetError::NoSample(_))), "{error}");

    let left = draw(&hub, &config(), "ada", 9, NOW).await;
    assert!(left.is_empty(), "labelled, unusable, skipped, deleted: {left:?}");
    assert_eq!(draw(&hub, &config(), "bob", 9, NOW).await, ["s0002"]);
    let two_days = 2 * 24 * 3600 * 1000;
    assert_eq!(draw(&hub, &config(), "ada", 9, NOW + two_days).await, ["s0002"], "a skip is not for ever");
    let history = label_history::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    let history: Vec<_> = history.iter().map(|row| (row.by.as_str(), row.label.as_deref())).collect();
    assert_eq!(history, [("ada", Some("glass")), ("ada", Some(UNUSABLE))]);
    let actions = review_action::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    assert_eq!(actions[1].reason.as_deref(), Some("person"));
}

#[tokio::test]
async fn a_second_opinion_goes_to_another_and_a_third_or_an_administrator_decides() {
    let hub = with_samples(6, 0.0).await;
    let wants = |opinion: Option<&str>| Answer::SecondOpinion { label: opinion.map(ToOwned::to_owned) };
    for id in ["s0000", "s0002", "s0004"] {
        let asked = say(&hub, "ada", id, &wants(Some("glass"))).await.expect("asks");
        assert_eq!((asked.state, asked.label), (State::Second, None));
    }
    for id in ["s0001", "s0003", "s0005"] {
        say(&hub, "ada", id, &label("paper")).await.expect("labels");
    }
    assert!(draw(&hub, &config(), "ada", 9, NOW).await.is_empty(), "others have to look");
    assert!(matches!(say(&hub, "ada", "s0000", &label("glass")).await, Err(ReviewError::AlreadySaid)));
    assert!(matches!(say(&hub, "bob", "s0000", &wants(None)).await, Err(ReviewError::AlreadyWanted)));

    assert_eq!(draw(&hub, &config(), "bob", 9, NOW).await.len(), 3);
    let agreed = say(&hub, "bob", "s0000", &label("glass")).await.expect("agrees");
    assert_eq!((agreed.state, agreed.label.as_deref()), (State::Done, Some("glass")));
    for id in ["s0002", "s0004"] {
        let differs = say(&hub, "bob", id, &label("metal")).await.expect("differs");
        assert_eq!((differs.state, differs.label), (State::Disputed, None));
    }
    assert!(draw(&hub, &config(), "bob", 9, NOW).await.is_empty(), "bob has had his say");
    assert_eq!(draw(&hub, &config(), "cy", 9, NOW).await.len(), 2);
    let third = say(&hub, "cy", "s0002", &label("metal")).await.expect("decides");
    assert_eq!((third.state, third.label.as_deref()), (State::Done, Some("metal")));
    assert_eq!(say(&hub, "cy", "s0004", &label("paper")).await.expect("differs, too").state, State::Disputed);
    assert_eq!(draw(&hub, &config(), "admin", 9, NOW).await, ["s0004"]);
    let last = say(&hub, "admin", "s0004", &label("paper")).await.expect("decides");
    assert_eq!((last.state, last.label.as_deref()), (State::Done, Some("paper")));

    let opinions = store::shared_opinions(hub.parts.store.db()).await.expect("reads");
    let agreement = opinions::agreement(&opinions);
    assert_eq!((agreement.samples, agreement.unanimous), (3, 1));
    let pair = agreement.pairs.iter().find(|pair| pair.a == "ada" && pair.b == "bob").expect("they have met");
    assert_eq!((pair.samples, pair.agreed), (3, 1));
}

#[tokio::test]
async fn who_asks_without_an_opinion_leaves_it_to_the_next() {
    let hub = with_samples(1, 0.0).await;
    say(&hub, "ada", "s0000", &Answer::SecondOpinion { label: None }).await.expect("asks");
    assert!(matches!(say(&hub, "ada", "s0000", &label("glass")).await, Err(ReviewError::AlreadySaid)));
    assert_eq!(say(&hub, "bob", "s0000", &label("glass")).await.expect("says").state, State::Done);
}

#[tokio::test]
async fn one_step_after_the_other_is_taken_back() {
    let hub = with_samples(3, 0.0).await;
    assert!(matches!(undo(&hub, "ada", None).await, Err(ReviewError::NothingToUndo)));
    say(&hub, "ada", "s0000", &label("glass")).await.expect("labels");
    say(&hub, "ada", "s0001", &Answer::Unusable { reason: Unusable::Blurred }).await.expect("takes out");
    say(&hub, "ada", "s0002", &Answer::Skip {}).await.expect("skips");
    assert!(matches!(undo(&hub, "bob", None).await, Err(ReviewError::NothingToUndo)), "it was ada");

    for id in ["s0002", "s0001", "s0000"] {
        let undone = undo(&hub, "ada", None).await.expect("takes back");
        assert_eq!((undone.sample.as_str(), undone.state, undone.label), (id, State::Open, None));
        let (sample, review) = row(&hub, id).await;
        assert_eq!((sample.label, review.leased_by.as_deref()), (None, Some("ada")), "in her hand again");
    }
    assert!(matches!(undo(&hub, "ada", None).await, Err(ReviewError::NothingToUndo)));
    let history = label_history::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    assert_eq!(history.len(), 4, "what was taken back is kept, too");
}

#[tokio::test]
async fn what_others_went_on_from_is_not_taken_back() {
    let hub = with_samples(2, 0.0).await;
    say(&hub, "ada", "s0001", &label("paper")).await.expect("labels");
    say(&hub, "ada", "s0000", &label("glass")).await.expect("labels");
    let metal = Label::new("metal").expect("valid");
    answer::label(&hub.parts.store, "s0000", Some(&metal), "bob", NOW).await.expect("labels anew");
    let error = undo(&hub, "ada", None).await.expect_err("bob went on");
    let ReviewError::Superseded { by, action } = error else { panic!("{error}") };
    assert_eq!(by, "bob");
    let older = undo(&hub, "ada", Some(action)).await.expect("passes over it");
    assert_eq!(older.sample, "s0001");
    assert_eq!(row(&hub, "s0000").await.0.label.as_deref(), Some("metal"));
    assert_eq!(undo(&hub, "bob", None).await.expect("takes back").label.as_deref(), Some("glass"));
}

#[tokio::test]
async fn labels_given_elsewhere_take_samples_out_of_the_queue() {
    let hub = with_samples(2, 0.0).await;
    draw(&hub, &config(), "ada", 2, NOW).await;
    let glass = Label::new("glass").expect("valid");
    let was = answer::label(&hub.parts.store, "s0000", Some(&glass), "bob", NOW).await.expect("labels");
    assert_eq!(was, None);
    assert!(matches!(say(&hub, "ada", "s0000", &label("metal")).await, Err(ReviewError::Done { .. })));
    assert_eq!(draw(&hub, &config(), "ada", 2, NOW).await, ["s0001"]);
    answer::label(&hub.parts.store, "s0000", None, "bob", NOW).await.expect("takes back");
    assert_eq!(draw(&hub, &config(), "ada", 2, NOW).await.len(), 2, "it waits again");
    let error = answer::label(&hub.parts.store, "s9", None, "bob", NOW).await.expect_err("not there");
    assert!(matches!(error, ReviewError::Dataset(DatasetError::NoSample(_))), "{error}");
}

#[tokio::test]
async fn what_was_marked_wrong_at_the_bin_comes_first() {
    let hub = with_samples(8, 0.0).await;
    let bin = crate::testing::bin("b1");
    assert_eq!(wrong::mark_wrong(&hub.parts.store, &bin, 7, 2).await.expect("notes"), 2);
    assert_eq!(draw(&hub, &config(), "ada", 1, NOW).await[0].as_str(), "s0005");
    let error = wrong::mark_wrong(&hub.parts.store, &bin, 7, 99).await.expect_err("no such item");
    assert!(error.to_string().contains("item 99 of bin b1"), "{error}");
    say(&hub, "bob", "s0000", &label("glass")).await.expect("as the bin said");
    say(&hub, "bob", "s0001", &label("metal")).await.expect("otherwise");
    wrong::mark_wrong(&hub.parts.store, &bin, 7, 0).await.expect("notes");
    let states = [row(&hub, "s0000").await.1.state, row(&hub, "s0001").await.1.state];
    assert_eq!(states, ["open", "done"], "only the label that repeats the bin's mistake is doubted");
}

#[tokio::test]
async fn without_embeddings_samples_are_scored_by_what_their_bins_said() {
    let hub = with_samples(4, 0.0).await;
    let db = hub.parts.store.db();
    let broken = sample::ActiveModel {
        id: Set("s0001".into()),
        probabilities_json: Set(Some("{\"glass\": null".into())),
        ..Default::default()
    };
    sample::Entity::update(broken).exec(db).await.expect("updates");
    let stop = CancellationToken::new();
    job::Reconciler::new(hub.parts.clone(), Vectors::default(), config(), stop).pass().await.expect("scores");
    let review = row(&hub, "s0000").await.1;
    assert!((review.unsure.expect("scored") - 0.8).abs() < 1e-9 && review.value > 0.4, "{review:?}");
    assert_eq!(row(&hub, "s0001").await.1.unsure, None, "unreadable");
}

/// Photos of two classes, eight of which lie in the wrong folder, embedded.
async fn with_wrong_labels() -> (Hub, job::Reconciler) {
    let labels = Labels::parse(["glass", "metal"]).expect("valid");
    let hub = Hub::open(Some(&labels)).await;
    let root = hub.path().join("photos");
    write_class(&root, "glass", 0, 0..40);
    write_class(&root, "metal", 1, 0..40);
    for number in 100..108 {
        picture(0, number).save(root.join(format!("metal/wrong{}.png", number * 20))).expect("writes");
    }
    import::import(&hub.parts.store, &hub.parts.blobs, &root, "test", |_, _| {}).await.expect("imports");
    let mut embedding = embeddings::job::Reconciler::new(hub.parts.clone());
    embedding.pass().await.expect("embeds");
    let job = job::Reconciler::new(hub.parts.clone(), embedding.vectors, config(), CancellationToken::new());
    (hub, job)
}

#[tokio::test]
async fn wrong_labels_come_up_once_more_and_not_again() {
    let (hub, mut job) = with_wrong_labels().await;
    job.pass().await.expect("scores");
    let db = hub.parts.store.db();
    let rows = sample::Entity::find().order_by_asc(sample::Column::Id).all(db).await.expect("reads");
    let is_wrong =
        |id: &String| rows.iter().find(|row| row.id == *id).is_some_and(|row| row.group_key.contains("wrong"));
    let open = draw(&hub, &config(), "ada", 20, NOW).await;
    let found = open.iter().filter(|id| is_wrong(id)).count();
    assert!(found >= 4 && open.len() - found <= 2, "{found} of 8 wrong labels among {}", open.len());
    assert!(is_wrong(&open[0]), "the clearest first");
    let noise = store::kept::<job::NoiseReport>(db, job::LABEL_NOISE).await.expect("reads").expect("was judged");
    assert_eq!((noise.result.judged, noise.result.suspects), (88, open.len() as u64));
    assert_eq!((noise.result.pairs[0].label.as_str(), noise.result.pairs[0].likely.as_str()), ("metal", "glass"));
    assert!((0.03..0.15).contains(&noise.result.share), "{}", noise.result.share);
    let (sample, review) = row(&hub, &open[0]).await;
    assert_eq!((sample.label.as_deref(), review.suggested.as_deref()), (Some("metal"), Some("glass")));
    assert!(review.value > 0.0 && review.guess.is_some() && review.model.as_deref() == Some("m1"));
    // A person insists on one, and mends the others.
    say(&hub, "ada", &open[0], &label("metal")).await.expect("insists");
    for id in &open[1..] {
        say(&hub, "ada", id, &label("glass")).await.expect("mends");
    }
    job.pass().await.expect("scores");
    assert!(draw(&hub, &config(), "ada", 20, NOW).await.is_empty());
    assert!(row(&hub, &open[0]).await.1.suspect.is_some(), "it is still known to be odd");
}

#[tokio::test]
async fn what_is_new_is_worth_more_than_what_is_known() {
    let (hub, mut job) = with_wrong_labels().await;
    let db = hub.parts.store.db();
    let rows = sample::Entity::find().all(db).await.expect("reads");
    // One image is known with a label, under another id; the other's label is taken back.
    let mut known: sample::ActiveModel = rows[0].clone().into();
    (known.id, known.label, known.group_key) = (Set("known".into()), Set(None), Set("of its own".into()));
    sample::Entity::insert(known).exec_without_returning(db).await.expect("inserts");
    answer::label(&hub.parts.store, &rows[1].id, None, "ada", NOW).await.expect("takes back");
    job.pass().await.expect("scores");
    let novelty = BTreeMap::from([
        ("known", row(&hub, "known").await.1.novelty.expect("embedded")),
        ("new", row(&hub, &rows[1].id).await.1.novelty.expect("embedded")),
    ]);
    assert!(novelty["known"] < 0.01 && novelty["new"] > 0.01, "{novelty:?}");
    assert_eq!(row(&hub, &rows[2].id).await.1.novelty, None, "a labelled one is not new");
}

#[tokio::test]
async fn the_queue_over_http() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    let other = hub.enrol("b2").await;
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    bin.send_sample(&crate::testing::sample("b1", 2, jpeg())).await;
    bin.acks(2).await;

    let answer = hub.admin("GET", "/api/v1/review/next", None).await;
    assert_eq!((answer.status, answer.json()["items"].as_array().map(Vec::len)), (200, Some(0)), "nothing in hand");
    for count in ["0", "101", "x"] {
        assert_eq!(hub.admin("POST", &format!("/api/v1/review/next?count={count}"), None).await.status, 400);
    }
    let batch = hub.admin("POST", "/api/v1/review/next?count=5", None).await.json();
    let item = &batch["items"][0];
    let id = item["sample"]["id"].as_str().expect("an id").to_owned();
    assert_eq!((item["state"].as_str(), item["random"].is_boolean()), (Some("open"), true));
    assert_eq!(hub.admin("GET", "/api/v1/review", None).await.json()["mine"], 1);

    let path = format!("/api/v1/review/{id}/answer");
    let unknown = hub.admin("POST", &path, Some(json!({ "action": "label", "label": "tin" }))).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text());
    for bad in [json!({ "action": "eat" }), json!({ "action": "unusable", "reason": "ugly" }), json!({ "label": "x" })]
    {
        assert_eq!(hub.admin("POST", &path, Some(bad)).await.status, 422);
    }
    let done = hub.admin("POST", &path, Some(json!({ "action": "unusable", "reason": "empty" }))).await.json();
    assert_eq!((done["state"].as_str(), done["label"].as_str()), (Some("done"), Some("unusable")));
    let again = hub.admin("POST", &path, Some(json!({ "action": "skip" }))).await;
    assert_eq!((again.status, again.json()["label"].as_str()), (409, Some("unusable")), "{}", again.text());
    assert_eq!(hub.admin("POST", "/api/v1/review/undo", None).await.json()["state"], "open");
    assert_eq!(hub.admin("POST", "/api/v1/review/undo", None).await.status, 409);
    assert_eq!(hub.admin("POST", "/api/v1/review/no-such/answer", Some(json!({ "action": "skip" }))).await.status, 404);
    assert_eq!(hub.admin("GET", "/api/v1/review/agreement", None).await.json()["samples"], 0);

    let many = json!({ "answers": [
        { "sample": "no-such", "answer": { "action": "skip" } },
        { "sample": id, "answer": { "action": "unusable", "reason": "blurred" } },
        { "sample": id, "answer": { "action": "skip" } },
    ] });
    let many = hub.admin("POST", "/api/v1/review/answers", Some(many)).await;
    assert_eq!(many.status, 200, "{}", many.text());
    let results = many.json()["results"].clone();
    assert_eq!((&results[0]["outcome"], &results[0]["problem"]["status"]), (&json!(null), &json!(404)));
    assert_eq!((&results[1]["outcome"]["state"], &results[1]["problem"]), (&json!("done"), &json!(null)));
    assert_eq!(results[2]["problem"]["type"], "urn:pilah:problem:already-reviewed", "judged by itself");
    for bad in [json!({ "answers": [] }), json!({ "answers": [{ "sample": id, "answer": { "action": "eat" } }] })] {
        assert_eq!(hub.admin("POST", "/api/v1/review/answers", Some(bad)).await.status, 422);
    }
    let status = hub.admin("GET", "/api/v1/review?since_ms=0", None).await.json();
    assert_eq!((&status["answered"], &status["answered_by_me"]), (&json!(1), &json!(1)), "what was taken back is none");
    let rita = hub.login("rita", Role::Reviewer).await;
    let status = hub.request("GET", "/api/v1/review", &[("authorization", &rita)], None).await.json();
    assert_eq!((&status["answered"], &status["answered_by_me"]), (&json!(1), &json!(0)));
    let later = format!("/api/v1/review?since_ms={}", now_ms() + 60_000);
    assert_eq!(hub.admin("GET", &later, None).await.json()["answered"], 0);
    assert_eq!(hub.admin("GET", "/api/v1/review?since_ms=today", None).await.status, 400);
    assert_eq!(hub.admin("POST", "/api/v1/review/undo", None).await.json()["state"], "open");

    let wrong = json!({ "bin": "b1", "epoch": 7, "event": 1 });
    let as_other = basic("b2", other.reveal());
    let headers = [("authorization", as_other.as_str())];
    assert_eq!(hub.request("POST", "/api/v1/review/wrong", &headers, Some(wrong.clone())).await.status, 403);
    assert_eq!(hub.admin("POST", "/api/v1/review/wrong", Some(wrong)).await.json()["samples"], 1);
    assert_eq!(hub.request("POST", "/api/v1/review/next", &[], None).await.status, 401);
    hub.running.stop().await;
}
