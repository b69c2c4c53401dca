use super::order::status;
use super::*;

#[tokio::test]
async fn a_truth_is_kept_of_cameras_that_can_know_it() {
    use pilah_models::wire::CameraIs;
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    for (seq, camera_is) in [(10, CameraIs::Real), (20, CameraIs::Virtual), (30, CameraIs::Replay)] {
        let status = Status { camera_is: Some(camera_is), ..status(7, 1, seq, true, &[]) };
        bin.publish(&Channel::Status.of(&bin.id), status.encode()).await;
        bin.send(&event("b1", seq + 1, true)).await;
        assert_eq!(bin.acks(1).await, [seq + 1]);
    }
    let items = hub.admin("GET", "/api/v1/events?bin=b1", None).await.json();
    let truths: Vec<_> = items.as_array().expect("items").iter().map(|item| item["truth"].clone()).collect();
    assert_eq!(truths, [serde_json::Value::Null, "glass".into(), serde_json::Value::Null]);
    assert_eq!(hub.running.state.ingest.read().truths_left_out, 2);
}

#[tokio::test]
async fn what_a_bin_says_is_bounded() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let long = "x\u{1b}".repeat(5000);
    let loud = Status {
        software: long.clone(),
        camera: CameraState::Failed { error: long.clone() },
        former: (0..1000).collect(),
        ..status(7, 1, 1, true, &[])
    };
    let reported = Reported {
        header: header("b1", 2),
        model: "m1".parse().expect("valid"),
        manifest: pilah_models::name::ContentId::of(b"m"),
        update: UpdateState::Failed { target: "m3".parse().expect("valid"), error: long },
        connection: Some(1),
        trust: None,
        probation: None,
        taken_back: Vec::new(),
        program: None,
        update_bytes: None,
    };
    bin.publish(&Channel::Status.of(&bin.id), loud.encode()).await;
    bin.publish(&Channel::Reported.of(&bin.id), reported.encode()).await;
    let mut slow = event("b1", 3, true);
    slow.latency_ms = -1.0;
    bin.send(&slow).await;
    assert_eq!(bin.acks(1).await, [3], "it is damaged, and sending it again would not mend it");
    assert_eq!((stored(&hub).await.0, hub.running.state.ingest.read().damaged), (0, 1));
    let view = hub.admin("GET", "/api/v1/bins/b1", None).await.json();
    for (field, longest) in [("software", 100), ("camera", 508), ("update", 520)] {
        let text = view[field].as_str().expect("a text");
        assert!(text.chars().count() <= longest && text.ends_with('…'), "{field}: {text}");
        assert!(!text.contains('\u{1b}'), "{field}");
    }
    let db = hub.running.state.store.db();
    let row = entity::bin::Entity::find_by_id("b1").one(db).await.expect("asks").expect("is there");
    let said = Status::decode(row.status_json.expect("it is kept").as_bytes()).expect("reads");
    assert_eq!(said.former.len(), pilah_models::wire::FORMER_EPOCHS);
}

#[tokio::test]
async fn an_item_with_a_label_that_the_hub_lacks_waits_until_it_is_known() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    let strange = |seq, label: &str| {
        let mut strange = event("b1", seq, true);
        strange.probabilities.insert(label.parse().expect("valid"), 0.1);
        strange
    };
    bin.send(&strange(1, "batteries")).await;
    bin.send(&strange(2, "glass")).await;
    assert_eq!(bin.acks(1).await, [2], "1 is not acknowledged");
    let read = hub.running.state.ingest.read();
    assert_eq!((read.refused, read.events), (1, 1));
    assert!(read.last_refusal.is_some_and(|words| words.contains("knows no label batteries: import the bin's model")));

    let labels = pilah_models::labels::Labels::parse(["batteries", "glass"]).expect("valid");
    let model = crate::registry::fixture::untrained("m7", &labels);
    let origin = crate::registry::Origin::default();
    hub.running.state.registry.register(&model, &origin).await.expect("registers");
    bin.send(&strange(1, "batteries")).await;
    assert_eq!(bin.acks(1).await, [1]);

    // A truth of an unknown label is left out; the item is not.
    let mut odd = event("b1", 3, true);
    odd.truth = odd.truth.map(|truth| pilah_models::wire::Truth { label: "teapots".parse().expect("valid"), ..truth });
    bin.send(&odd).await;
    assert_eq!(bin.acks(1).await, [3]);
    let items = hub.admin("GET", "/api/v1/events?bin=b1", None).await.json();
    assert_eq!(items[0]["truth"], serde_json::Value::Null);
    assert_eq!(hub.running.state.ingest.read().truths_left_out, 1);
}

#[test]
fn the_fault_of_a_chamber_is_cut() {
    let golden = include_str!("../../../../models/golden/wire/telemetry-v1.json");
    let mut telemetry: serde_json::Value = serde_json::from_str(golden).expect("JSON");
    let fault = "x\u{7}".repeat(5000);
    telemetry["chamber"] = serde_json::json!({ "known": true, "without_gap": 0, "unclear": 0, "fault": fault });
    let topic = format!("pilah/v1/bins/{}/telemetry", telemetry["bin"].as_str().expect("a bin"));
    let read = observation(&topic, telemetry.to_string().as_bytes());
    let Ok(Observation::Telemetry(telemetry)) = read else { panic!("it is telemetry: {read:?}") };
    let fault = telemetry.chamber.and_then(|chamber| chamber.fault).expect("it is kept");
    assert!(fault.chars().count() <= 500 && fault.ends_with('…') && !fault.contains('\u{7}'), "{fault}");
}
