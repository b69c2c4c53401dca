use pilah_models::wire::topic::Channel;
use pilah_models::wire::{
    CameraState, CommandResult, Message, Reply, Reported, Sample, SampleReason, Status, Telemetry, UpdateState,
};
use rumqttc::Incoming;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, QueryOrder};

use super::check::{Refusal, observation};
use super::observation::Observation;
use super::*;
use crate::live::LiveEvent;
use crate::store::entity;
use crate::testing::{TestBin, TestHub, bin, event, header, jpeg, sample};

/// Numbers that come twice, and words that come late.
mod order;

/// What is cut, refused and left out.
mod bounds;

async fn stored(hub: &TestHub) -> (u64, u64) {
    let db = hub.running.state.store.db();
    let events = entity::event::Entity::find().count(db).await.expect("counts");
    let samples = entity::sample::Entity::find().count(db).await.expect("counts");
    (events, samples)
}

#[test]
fn what_is_read_and_what_is_refused() {
    let topic = Channel::Events.of(&bin("b1"));
    let good = event("b1", 1, true);
    assert_eq!(observation(&topic, &good.encode()), Ok(Observation::Event(good.clone())));

    let malformed: [(&str, Vec<u8>); 6] = [
        ("empty", vec![]),
        ("not JSON", b"\xff\xfe".to_vec()),
        ("truncated", good.encode()[..40].to_vec()),
        ("another version", String::from_utf8_lossy(&good.encode()).replace("\"v\":1", "\"v\":9").into_bytes()),
        ("a bin that is no bin", String::from_utf8_lossy(&good.encode()).replace("\"b1\"", "\"../b1\"").into_bytes()),
        ("a seq beyond the database", {
            let mut far = good.clone();
            far.header.seq = u64::MAX;
            far.encode()
        }),
    ];
    for (what, bytes) in malformed {
        assert!(matches!(observation(&topic, &bytes), Err(Refusal::Malformed(_))), "{what}");
    }
    for (topic, what) in [
        (Channel::Events.of(&bin("b2")), "another bin's topic"),
        (Channel::Acks.of(&bin("b1")), "the hub's topic"),
        ("pilah/v1/elsewhere".to_owned(), "no bin's topic"),
    ] {
        assert!(matches!(observation(&topic, &good.encode()), Err(Refusal::Foreign(_))), "{what}");
    }
}

#[test]
fn impossible_numbers_are_damage_that_is_acknowledged() {
    let topic = Channel::Samples.of(&bin("b1"));
    for confidence in [f32::NAN, f32::INFINITY, -1.0, 1.5] {
        let mut odd = sample("b1", 3, jpeg());
        odd.meta.confidence = confidence;
        let read = observation(&topic, &odd.encode()).expect("is read");
        assert!(matches!(read, Observation::Damaged { .. }), "{confidence}");
        assert!(read.wants_ack());
        assert_eq!(read.header().seq, 3);
    }
}

#[tokio::test]
async fn each_event_is_stored_once_and_acknowledged_each_time() {
    let hub = TestHub::start().await;
    let mut live = hub.running.state.live.watch();
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    for seq in 1..=50 {
        bin.send(&event("b1", seq, true)).await;
    }
    assert_eq!(bin.acks(50).await, (1..=50).collect::<Vec<_>>());
    for seq in 40..=51 {
        bin.send(&event("b1", seq, true)).await;
    }
    assert_eq!(bin.acks(12).await, (40..=51).collect::<Vec<_>>());
    assert_eq!(stored(&hub).await, (51, 0));
    let mut items = 0;
    while let Ok(LiveEvent::Item(item)) = live.try_recv() {
        items += 1;
        assert_eq!((item.bin.as_str(), item.sure, item.truth.is_some()), ("b1", true, true));
    }
    assert_eq!(items, 51, "one live event each");
    let read = hub.running.state.ingest.read();
    assert_eq!((read.messages, read.events, read.duplicates), (62, 51, 11));
}

#[tokio::test]
async fn a_bad_message_is_counted_and_stops_nothing() {
    let hub = TestHub::start().await;
    let mut bin1 = hub.bin("b1").await;
    bin1.listen_for_acks().await;
    let topic = Channel::Events.of(&bin1.id);
    bin1.publish(&topic, b"{\"v\":1".to_vec()).await;
    bin1.publish(&topic, event("b2", 1, true).encode()).await;
    bin1.publish(&Channel::Samples.of(&bin1.id), event("b1", 2, true).encode()).await;
    bin1.send(&event("b1", 3, true)).await;
    assert_eq!(bin1.acks(1).await, [3]);
    let read = hub.running.state.ingest.read();
    assert_eq!((read.malformed, read.refused, read.events), (2, 1, 1));
    assert!(read.last_refusal.is_some_and(|reason| reason.contains("pilah/v1/bins/b1/samples")));
}

#[tokio::test]
async fn images_are_encoded_again_before_they_are_stored() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let mut jpeg = jpeg();
    jpeg.extend_from_slice(b"<script>hidden</script>");
    bin.send_sample(&sample("b1", 1, jpeg)).await;
    assert_eq!(bin.acks(1).await, [1]);
    let state = &hub.running.state;
    let row = entity::sample::Entity::find().one(state.store.db()).await.expect("asks").expect("is there");
    let content = state.blobs.get(&row.content_sha256.parse().expect("an id")).await.expect("is stored");
    assert!(!content.windows(6).any(|window| window == b"hidden"));
    assert_eq!((row.width, row.height, row.bytes), (64, 48, content.len() as i64));
    assert_eq!(row.group_key, "bin:b1:7:1");
    assert_eq!((row.label, row.split, row.sure, row.reason.as_deref()), (None, None, false, Some("unsure")));
    assert_eq!(row.truth_source.as_deref(), Some("virtual"));
}

#[tokio::test]
async fn a_damaged_image_is_acknowledged_and_written_down() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let whole = jpeg();
    let images = [whole[..whole.len() / 3].to_vec(), b"GIF89a".to_vec(), Vec::new(), huge(), whole];
    for (seq, jpeg) in (1..).zip(images) {
        bin.send_sample(&sample("b1", seq, jpeg)).await;
    }
    assert_eq!(bin.acks(5).await, [1, 2, 3, 4, 5]);
    assert_eq!(stored(&hub).await, (0, 1));
    assert_eq!(hub.running.state.ingest.read().damaged, 4);
    let db = hub.running.state.store.db();
    let notes = entity::audit::Entity::find().order_by_asc(entity::audit::Column::Id).all(db).await.expect("reads");
    let notes: Vec<_> = notes.iter().filter(|note| note.what == "message.damaged").collect();
    // One note in an hour, which has the last, and how many there were.
    assert_eq!(notes.len(), 1);
    let detail: serde_json::Value = serde_json::from_str(notes[0].detail_json.as_deref().expect("more")).expect("JSON");
    assert_eq!((&detail["seq"], &detail["count"]), (&4.into(), &4.into()));
    assert!(detail["reason"].as_str().is_some_and(|reason| reason.contains("10000×10000")), "{detail}");
    db.execute_unprepared("UPDATE audit SET at_ms = at_ms - 3600000").await.expect("updates");
    for seq in [6, 7] {
        bin.send_sample(&sample("b1", seq, b"GIF89a".to_vec())).await;
        assert_eq!(bin.acks(1).await, [seq]);
    }
    let db = hub.running.state.store.db();
    let notes = entity::audit::Entity::find().all(db).await.expect("reads");
    assert_eq!(notes.iter().filter(|note| note.what == "message.damaged").count(), 2, "the next hour has its own");
}

#[tokio::test]
async fn an_image_with_a_hole_is_kept_for_people_and_used_for_nothing() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let whole = jpeg();
    let hole = [&whole[..whole.len() - whole.len() / 4], &[0xff, 0xd9]].concat();
    bin.send_sample(&sample("b1", 1, hole)).await;
    bin.send_sample(&sample("b1", 2, whole)).await;
    assert_eq!(bin.acks(2).await, [1, 2]);
    assert_eq!((stored(&hub).await, hub.running.state.ingest.read().damaged), ((0, 2), 1));
    let db = hub.running.state.store.db();
    let rows = entity::sample::Entity::find().order_by_asc(entity::sample::Column::Seq).all(db).await.expect("reads");
    let excluded: Vec<_> = rows.iter().map(|row| row.excluded.as_deref().unwrap_or_default()).collect();
    assert!(excluded[0].starts_with("the image is damaged: bytes are missing"), "{excluded:?}");
    assert_eq!(excluded[1], "");
    let notes = entity::audit::Entity::find().all(db).await.expect("reads");
    let is_noted = |detail: &Option<String>| detail.as_deref().is_some_and(|text| text.contains("used for nothing"));
    assert_eq!(notes.iter().filter(|note| note.what == "message.damaged" && is_noted(&note.detail_json)).count(), 1);
}

/// A JPEG whose header says 100 megapixels.
fn huge() -> Vec<u8> {
    let mut jpeg = jpeg();
    let start_of_frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline JPEG");
    let side = 10_000u16.to_be_bytes();
    jpeg[start_of_frame + 5..start_of_frame + 7].copy_from_slice(&side);
    jpeg[start_of_frame + 7..start_of_frame + 9].copy_from_slice(&side);
    jpeg
}

#[tokio::test]
async fn what_a_bin_says_of_itself_is_kept() {
    let hub = TestHub::start().await;
    let mut live = hub.running.state.live.watch();
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let status = Status {
        header: header("b1", 1),
        online: true,
        software: "0.1.0".into(),
        model: "m1".parse().expect("valid"),
        camera: CameraState::Failed { error: "unplugged".into() },
        connection: None,
        former: Vec::new(),
        camera_is: None,
        time_zone: None,
    };
    let reported = Reported {
        header: header("b1", 2),
        model: "m2".parse().expect("valid"),
        manifest: pilah_models::name::ContentId::of(b"m"),
        update: UpdateState::Failed { target: "m3".parse().expect("valid"), error: "golden output differs".into() },
        connection: None,
        trust: None,
        probation: None,
        taken_back: Vec::new(),
        program: None,
        update_bytes: None,
    };
    let telemetry = Telemetry {
        header: header("b1", 3),
        uptime_s: 1,
        frames: 2,
        frames_corrupt: 0,
        items: 4,
        refused: 0,
        outbox: pilah_models::wire::OutboxState::default(),
        temperature_c: None,
        frames_skipped: Some(1),
        throttling: None,
        disk: None,
        memory_bytes: None,
        actuator: None,
        fill: None,
        connection: None,
        chamber: None,
    };
    bin.publish(&Channel::Status.of(&bin.id), status.encode()).await;
    bin.publish(&Channel::Reported.of(&bin.id), reported.encode()).await;
    bin.publish(&Channel::Telemetry.of(&bin.id), telemetry.encode()).await;
    bin.send(&event("b1", 4, true)).await;
    assert_eq!(bin.acks(1).await, [4]);

    let listed = hub.admin("GET", "/api/v1/bins", None).await.json();
    let bin = &listed[0];
    assert_eq!((&bin["id"], &bin["online"]), (&"b1".into(), &true.into()));
    assert_eq!(bin["model"], "m2");
    assert_eq!(bin["camera"], "failed: unplugged");
    assert_eq!(bin["update"], "refused m3: golden output differs");
    assert_eq!(bin["telemetry"]["items"], 4);
    assert_eq!(bin["last_item"]["label"], "glass");
    assert!(bin["last_seen_ms"].is_i64());
    let mut announced = Vec::new();
    while let Ok(event) = live.try_recv() {
        announced.push(event);
    }
    assert!(announced.iter().any(|event| matches!(event, LiveEvent::Bin { online: true, .. })), "{announced:?}");
}

#[tokio::test]
async fn the_fill_of_a_bin_is_kept_by_day() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    for (seq, fill) in (1..).zip([0.4, 0.6, 7.0, 0.05]) {
        let telemetry = Telemetry {
            header: header("b1", seq),
            uptime_s: 1,
            frames: 2,
            frames_corrupt: 0,
            items: 4,
            refused: 0,
            outbox: pilah_models::wire::OutboxState::default(),
            temperature_c: None,
            frames_skipped: None,
            throttling: None,
            disk: None,
            memory_bytes: None,
            actuator: None,
            fill: Some(fill),
            connection: None,
            chamber: None,
        };
        bin.publish(&Channel::Telemetry.of(&bin.id), telemetry.encode()).await;
    }
    bin.send(&event("b1", 9, true)).await;
    assert_eq!(bin.acks(1).await, [9]);
    let days = crate::forecast::store::fill::days(hub.running.state.store.db(), "b1", 9).await.expect("reads");
    // There are two, if midnight was meanwhile.
    let gained: f64 = days.iter().map(|day| day.gained).sum();
    assert!((gained - 0.2).abs() < 1e-6, "{days:?}");
    assert_eq!(
        days.iter().map(|day| (day.collections, day.readings)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (1, 3)
    );
    assert!(days.last().is_some_and(|day| (day.last - 0.05).abs() < 1e-6), "{days:?}");
    let read = hub.running.state.ingest.read();
    assert_eq!(read.malformed, 1);
    assert!(read.last_refusal.is_some_and(|reason| reason.contains("fill 7 is outside 0 to 1")));
}

#[tokio::test]
async fn what_was_marked_wrong_at_the_bin_is_one_sample_and_comes_first() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let marked = |seq, event, reason| {
        let mut sample = sample("b1", seq, jpeg());
        (sample.meta.event, sample.meta.reason) = (event, reason);
        sample
    };
    let reasons = [(2, 1, SampleReason::Unsure), (3, 1, SampleReason::Wrong), (5, 4, SampleReason::Wrong)];
    for (seq, event, reason) in reasons {
        bin.send_sample(&marked(seq, event, reason)).await;
        assert_eq!(bin.acks(1).await, [seq]);
    }
    assert_eq!(stored(&hub).await.1, 2, "the picture that was there already is not stored again");
    let db = hub.running.state.store.db();
    let reviews = entity::review::Entity::find().all(db).await.expect("reads");
    assert_eq!(reviews.iter().map(|review| review.marked_wrong).collect::<Vec<_>>(), [true, true]);
    bin.send_sample(&marked(3, 1, SampleReason::Wrong)).await;
    assert_eq!((bin.acks(1).await, stored(&hub).await.1), (vec![3], 2), "again is the same");
}

#[tokio::test]
async fn a_bin_that_is_not_enrolled_may_send_again_later() {
    let hub = TestHub::start().await;
    let state = &hub.running.state;
    let observation = Observation::Event(event("b9", 1, true));
    let ready = commit::Ready { observation, fingerprint: "f".into(), received_ms: 5, image: None };
    let done = commit::commit(&state.store, std::slice::from_ref(&ready)).await.expect("commits");
    assert!(done.acks.is_empty() && done.events == 0);
    assert_eq!(done.strangers, [bin("b9")]);
    hub.enrol("b9").await;
    let done = commit::commit(&state.store, &[ready]).await.expect("commits");
    assert_eq!((done.events, done.acks[&(bin("b9"), 7)].as_slice()), (1, [1u64].as_slice()));

    // A foreign broker may go on with a bin that is retired.
    assert_eq!(hub.admin("DELETE", "/api/v1/bins/b9", None).await.status, 204);
    let observation = Observation::Event(event("b9", 2, true));
    let late = commit::Ready { observation, fingerprint: "g".into(), received_ms: 6, image: None };
    let done = commit::commit(&state.store, &[late]).await.expect("commits");
    assert_eq!((done.events, done.acks.is_empty(), done.strangers), (0, true, vec![bin("b9")]));
}

#[tokio::test]
async fn the_doctors_answer_to_nobody_is_not_the_bins_word() {
    let hub = TestHub::start().await;
    hub.enrol("b1").await;
    let state = &hub.running.state;
    let reply = |of_seq: u64| {
        let result = CommandResult::Done { what: "doctor".into(), about: None };
        let reply = Reply { header: header("b1", of_seq), of_epoch: 0, of_seq, result };
        commit::Ready { observation: Observation::Reply(reply), fingerprint: "f".into(), received_ms: 5, image: None }
    };
    for (of_seq, seen, told) in [(0, None, 0), (1, Some(5), 1)] {
        let done = commit::commit(&state.store, &[reply(of_seq)]).await.expect("commits");
        let row = entity::bin::Entity::find_by_id("b1").one(state.store.db()).await.expect("asks").expect("is there");
        assert_eq!((row.last_seen_ms, done.live.len()), (seen, told), "an answer to {of_seq}");
    }
}

#[tokio::test]
async fn a_broker_that_dies_and_comes_back_loses_nothing() {
    let mut hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    assert_eq!(bin.acks(1).await, [1]);

    hub.running.stop_broker().await;
    hub.until("the hub notices", |hub| !hub.state.ingest.read().connected).await;
    hub.running.start_broker().await.expect("on the same port");
    hub.until("the hub comes back", |hub| hub.state.ingest.read().connected).await;

    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    bin.send(&event("b1", 2, true)).await;
    assert_eq!(bin.acks(2).await, [1, 2]);
    assert_eq!(stored(&hub).await, (2, 0));
}

#[tokio::test]
async fn a_hub_that_dies_and_comes_back_loses_nothing() {
    let hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    assert_eq!(bin.acks(1).await, [1]);
    let TestHub { running, folder } = hub;
    drop(running);

    let hub = TestHub::start_in(folder).await;
    assert!(hub.running.administrator_password.is_none(), "the password is drawn once");
    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("the secret still holds");
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    bin.send(&event("b1", 2, true)).await;
    assert_eq!(bin.acks(2).await, [1, 2]);
    assert_eq!(stored(&hub).await, (2, 0));
}

#[tokio::test]
async fn what_the_database_does_not_take_is_not_acknowledged() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let db = hub.running.state.store.db();
    db.execute_unprepared("ALTER TABLE events RENAME TO away").await.expect("renames");
    bin.send(&event("b1", 1, true)).await;
    bin.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await.expect("the broker has it");
    let failed = |hub: &crate::server::Running| hub.state.ingest.read().storage_failures == 1;
    hub.until("the hub gives it back to the bin", failed).await;
    db.execute_unprepared("ALTER TABLE away RENAME TO events").await.expect("renames");
    bin.send(&event("b1", 2, true)).await;
    assert_eq!(bin.acks(1).await, [2], "1 was not acknowledged");
    bin.send(&event("b1", 1, true)).await;
    assert_eq!(bin.acks(1).await, [1]);
    assert_eq!(stored(&hub).await, (2, 0));
}

#[test]
fn broker_urls() {
    let parse = |url: &str, ca: Option<&str>| {
        Broker::parse(url, "hub".into(), crate::secret::Secret::new("s"), ca.map(Into::into))
            .map(|broker| (broker.host, broker.port, broker.tls.is_some()))
            .ok()
    };
    for (url, expected) in [
        ("mqtt://broker.example", Some(("broker.example", 1883, false))),
        ("mqtt://127.0.0.1:1884/", Some(("127.0.0.1", 1884, false))),
        ("mqtts://broker.example", Some(("broker.example", 8883, true))),
        ("mqtts://[::1]:8884", Some(("::1", 8884, true))),
        ("mqtt://[::1]", Some(("::1", 1883, false))),
        ("broker.example:1883", None),
        ("http://broker.example", None),
        ("mqtt://user:password@broker.example", None),
        ("mqtt://broker.example:99999", None),
        ("mqtt://", None),
        ("mqtt://:1883", None),
    ] {
        assert_eq!(parse(url, None), expected.map(|(host, port, tls)| (host.to_owned(), port, tls)), "{url}");
    }
}

#[test]
fn a_sample_of_the_largest_size_fits_a_message() {
    let largest = Sample { jpeg: vec![0; pilah_models::wire::LARGEST_JPEG], ..sample("b1", 1, Vec::new()) };
    assert!(largest.encode().len() <= pilah_models::wire::LARGEST_MESSAGE);
}
