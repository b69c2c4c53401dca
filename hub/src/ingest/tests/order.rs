use pilah_models::wire::Header;

use super::*;

/// Of a bin that counts its connections.
pub(super) fn status(epoch: u32, connection: u32, seq: u64, online: bool, former: &[u32]) -> Status {
    Status {
        header: Header { epoch, ..header("b1", seq) },
        online,
        software: "0.1.0".into(),
        model: "m1".parse().expect("valid"),
        camera: CameraState::Streaming,
        connection: Some(connection),
        former: former.to_vec(),
        camera_is: None,
        time_zone: None,
    }
}

#[tokio::test]
async fn a_number_that_comes_again_with_another_content_is_stored_beside_and_told() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let first = event("b1", 1, true);
    let later = |seconds| {
        let mut other = event("b1", 1, false);
        other.header.at += jiff::SignedDuration::from_secs(seconds);
        other
    };
    let picture = sample("b1", 2, jpeg());
    let mut other_picture = sample("b1", 2, jpeg());
    other_picture.meta.header.at += jiff::SignedDuration::from_secs(60);
    // The bin may send the same picture made smaller.
    let mut smaller = picture.clone();
    (smaller.meta.width, smaller.jpeg) = (8, jpeg()[..100].to_vec());
    for _ in 0..2 {
        for event in [&first, &later(1), &later(2)] {
            bin.send(event).await;
            assert_eq!(bin.acks(1).await, [1]);
        }
        for picture in [&picture, &other_picture] {
            bin.send_sample(picture).await;
            assert_eq!(bin.acks(1).await, [2]);
        }
    }
    assert_eq!(stored(&hub).await, (3, 2), "each once");
    let read = hub.running.state.ingest.read();
    assert_eq!((read.events, read.samples, read.duplicates, read.conflicts), (3, 2, 5, 3));
    let db = hub.running.state.store.db();
    let epochs: Vec<i64> = entity::event::Entity::find()
        .order_by_asc(entity::event::Column::Id)
        .all(db)
        .await
        .expect("reads")
        .iter()
        .map(|row| row.epoch)
        .collect();
    assert_eq!(epochs, [7, 7 + (1 << 32), 7 + (2 << 32)]);
    let groups: Vec<String> = entity::sample::Entity::find()
        .order_by_asc(entity::sample::Column::Id)
        .all(db)
        .await
        .expect("reads")
        .into_iter()
        .map(|row| row.group_key)
        .collect();
    assert_eq!(groups, ["bin:b1:7:1".to_owned(), format!("bin:b1:{}:1", 7_i64 + (1 << 32))]);
    let view = hub.admin("GET", "/api/v1/bins/b1", None).await.json();
    assert_eq!(view["conflicts"], 3);
    assert!(view["conflict_ms"].is_i64(), "{view}");

    let shrunk = rows::fingerprint(&Observation::Sample(Box::new(smaller)), b"");
    assert_eq!(shrunk, rows::fingerprint(&Observation::Sample(Box::new(picture)), b"other bytes"));
}

#[tokio::test]
async fn what_was_stored_before_fingerprints_were_kept_is_known_again() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let again = event("b1", 1, true);
    bin.send(&again).await;
    bin.send_sample(&sample("b1", 2, jpeg())).await;
    assert_eq!(bin.acks(2).await, [1, 2]);
    let db = hub.running.state.store.db();
    for table in ["events", "samples"] {
        db.execute_unprepared(&format!("UPDATE {table} SET fingerprint = NULL")).await.expect("updates");
    }
    bin.send(&again).await;
    bin.send_sample(&sample("b1", 2, jpeg())).await;
    bin.send(&event("b1", 1, false)).await;
    assert_eq!(bin.acks(3).await, [1, 1, 2]);
    assert_eq!(stored(&hub).await, (2, 1));
}

#[tokio::test]
async fn what_a_bin_said_last_stays_whatever_comes_after_it() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let mut seq = 100;
    let mut said = async |words: &[Status]| {
        for status in words {
            bin.publish(&Channel::Status.of(&bin.id), status.encode()).await;
        }
        // What is acknowledged after them says that they are stored.
        seq += 1;
        bin.send(&event("b1", seq, true)).await;
        assert_eq!(bin.acks(1).await, [seq]);
        let view = hub.admin("GET", "/api/v1/bins/b1", None).await.json();
        (view["online"].as_bool().expect("a word"), view["takeovers"].as_u64().expect("a count"))
    };
    let first = status(7, 1, 2, true, &[]);
    let second = status(7, 2, 9, true, &[]);
    assert_eq!(said(&[second.clone(), first.clone()]).await, (true, 0));
    assert_eq!(said(&[status(7, 1, 1, false, &[])]).await, (true, 0), "the will of a connection before");
    assert_eq!(said(&[status(7, 2, 8, false, &[]), second]).await, (false, 0), "its own will");
    assert_eq!(said(&[status(8, 1, 2, true, &[7]), status(7, 3, 30, false, &[])]).await, (true, 0));
    let read = hub.running.state.ingest.read();
    assert_eq!(read.stale, 4);
    // A twin, which knows nothing of 8.
    let twins = [status(5, 1, 2, true, &[]), status(8, 2, 9, true, &[7]), status(5, 2, 9, true, &[])];
    assert_eq!(said(&twins).await, (true, 2));
}

#[tokio::test]
async fn an_older_model_or_level_does_not_replace_a_newer() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let reported = |seq, model: &str| Reported {
        header: header("b1", seq),
        model: model.parse().expect("valid"),
        manifest: pilah_models::name::ContentId::of(model.as_bytes()),
        update: UpdateState::Idle,
        connection: Some(1),
        trust: None,
        probation: None,
        taken_back: Vec::new(),
        program: None,
        update_bytes: None,
    };
    for message in [reported(5, "m2"), reported(3, "m1")] {
        bin.publish(&Channel::Reported.of(&bin.id), message.encode()).await;
    }
    bin.send(&event("b1", 9, true)).await;
    assert_eq!(bin.acks(1).await, [9]);
    let view = hub.admin("GET", "/api/v1/bins/b1", None).await.json();
    assert_eq!(view["model"], "m2");
}

#[tokio::test]
async fn a_hub_that_starts_knows_nobody_until_they_speak() {
    let hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    bin.listen_for_acks().await;
    bin.publish(&Channel::Status.of(&bin.id), status(7, 1, 2, true, &[]).encode()).await;
    bin.send(&event("b1", 3, true)).await;
    assert_eq!(bin.acks(1).await, [3]);
    assert_eq!(hub.admin("GET", "/api/v1/bins/b1", None).await.json()["online"], true);
    let TestHub { running, folder } = hub;
    drop(running);
    let hub = TestHub::start_in(folder).await;
    assert_eq!(hub.admin("GET", "/api/v1/bins/b1", None).await.json()["online"], false);
    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    bin.listen_for_acks().await;
    // The same word, which an external broker has kept, counts again.
    bin.publish(&Channel::Status.of(&bin.id), status(7, 1, 2, true, &[]).encode()).await;
    bin.send(&event("b1", 4, true)).await;
    assert_eq!(bin.acks(1).await, [4]);
    assert_eq!(hub.admin("GET", "/api/v1/bins/b1", None).await.json()["online"], true);
}

#[tokio::test]
async fn an_item_of_a_clock_that_was_never_set_is_of_the_day_on_which_it_came() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let begun = crate::store::now_ms();
    for (seq, at, synced) in [
        (1, "1970-01-01T00:00:20Z", false),
        (2, "1970-01-01T00:00:20Z", true),
        (3, "2024-01-02T03:04:05Z", true),
        (4, "2131-01-02T03:04:05Z", true),
    ] {
        let mut odd = event("b1", seq, true);
        (odd.header.at, odd.header.clock_synced) = (at.parse().expect("valid"), synced);
        bin.send(&odd).await;
        assert_eq!(bin.acks(1).await, [seq]);
    }
    let items = hub.admin("GET", "/api/v1/events?bin=b1", None).await.json();
    let times: Vec<i64> = items.as_array().expect("items").iter().filter_map(|item| item["at_ms"].as_i64()).collect();
    assert_eq!(times.len(), 4);
    let now = crate::store::now_ms();
    assert!(times.iter().all(|at| (begun..=now).contains(at)), "{times:?}");
    // Of yesterday, they are one day of the series, and no other day is filled with zeros.
    let db = hub.running.state.store.db();
    let yesterday = "UPDATE events SET seen_ms = seen_ms - 86400000, received_ms = received_ms - 86400000";
    db.execute_unprepared(yesterday).await.expect("updates");
    let rows = crate::forecast::store::of_bins(db, true, false).await.expect("reads");
    let items: f64 = rows.iter().map(|row| row.quantity).sum();
    assert!(rows.len() <= 2 && (items - 4.0).abs() < 1e-9, "{} rows with {items} items", rows.len());
}
