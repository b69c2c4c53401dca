use pilah_models::wire::topic::Channel;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::*;
use crate::store::entity::event;
use crate::testing::{PATIENCE, TestBin, TestHub, basic, event as item};

#[tokio::test]
async fn what_people_say_of_a_bin_is_kept_and_shown() {
    let hub = TestHub::start().await;
    hub.enrol("b1").await;
    let bare = hub.admin("GET", "/api/v1/bins/b1", None).await;
    assert_eq!(bare.status, 200, "{}", bare.text());
    for field in ["group", "place", "reported", "software", "last_item"] {
        assert_eq!(bare.json()[field], Value::Null, "{field}: {}", bare.text());
    }
    let place = json!({ "latitude": -6.2, "longitude": 106.8, "address": "Jalan Merdeka 1" });
    let change = json!({ "name": "By the door", "group": "floor 1", "place": place });
    let changed = hub.admin("PATCH", "/api/v1/bins/b1", Some(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let listed = hub.admin("GET", "/api/v1/bins", None).await.json();
    for view in [&changed.json(), &listed[0]] {
        assert_eq!((&view["name"], &view["group"], &view["place"]), (&"By the door".into(), &"floor 1".into(), &place));
    }
    let less = hub.admin("PATCH", "/api/v1/bins/b1", Some(json!({ "group": null }))).await.json();
    assert_eq!((&less["group"], &less["place"]), (&Value::Null, &place), "what is not named stays");
    let none = hub.admin("PATCH", "/api/v1/bins/b1", Some(json!({ "place": null }))).await.json();
    assert_eq!(none["place"], Value::Null);

    let far = json!({ "place": { "latitude": 91, "longitude": 0, "address": null } });
    let refused = hub.admin("PATCH", "/api/v1/bins/b1", Some(far)).await;
    assert!(refused.status == 422 && refused.text().contains("latitude is 91"), "{}", refused.text());
    for (method, path) in [("GET", "/api/v1/bins/b2"), ("DELETE", "/api/v1/bins/b2"), ("GET", "/api/v1/bins/..")] {
        assert_eq!(hub.admin(method, path, None).await.status, 404, "{method} {path}");
    }
    assert_eq!(hub.admin("PATCH", "/api/v1/bins/b2", Some(json!({ "name": "x" }))).await.status, 404);
    let audit = hub.admin("GET", "/api/v1/audit?limit=3", None).await.json();
    assert_eq!(audit[0]["detail"], json!({ "bin": "b1", "place": null }));
    assert_eq!(audit[2]["detail"]["place"], place);
}

#[tokio::test]
async fn a_retired_bin_is_out_and_what_it_sent_stays() {
    let hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    let mut bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    bin.listen_for_acks().await;
    assert!(bin.subscribe(&Channel::Desired.of(&bin.id)).await);
    bin.send(&item("b1", 1, true)).await;
    assert_eq!(bin.acks(1).await, [1]);
    let db = hub.running.state.store.db();
    db.execute_unprepared("UPDATE bins SET desired_version = 'm1'").await.expect("updates");

    assert_eq!(hub.admin("DELETE", "/api/v1/bins/b1", None).await.status, 204);
    assert!(bin.next(|_| None::<()>).await.is_err(), "its connection ends");
    let is_told = async {
        let wanted = bin::Column::DesiredVersion.is_not_null();
        while bin::Entity::find().filter(wanted.clone()).one(db).await.expect("reads").is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_told).await.expect("what was wanted of it is taken back");
    assert!(TestBin::connect(hub.port(), "b1", secret.reveal()).await.is_err(), "the secret is worth nothing");
    let sha = "0".repeat(64);
    let login = basic("b1", secret.reveal());
    let fetched = hub.request("GET", &format!("/api/v1/artifacts/{sha}"), &[("authorization", &login)], None).await;
    assert_eq!(fetched.status, 401);

    assert_eq!(hub.admin("GET", "/api/v1/bins", None).await.json(), json!([]));
    assert_eq!(hub.request("GET", "/api/status", &[], None).await.json()["bins"], 0);
    assert_eq!(hub.admin("GET", "/api/v1/rollout", None).await.json()["bins"], json!([]));
    assert_eq!(hub.admin("GET", "/api/v1/events?bin=b1", None).await.json()[0]["bin"], "b1");
    let again = hub.admin("POST", "/api/v1/bins", Some(json!({ "id": "b1" }))).await;
    assert!(again.status == 409 && again.text().contains("was retired"), "{}", again.text());
    for (method, path) in
        [("GET", "/api/v1/bins/b1"), ("DELETE", "/api/v1/bins/b1"), ("POST", "/api/v1/bins/b1/secret")]
    {
        assert_eq!(hub.admin(method, path, None).await.status, 404, "{method} {path}");
    }
    let identify = hub.admin("POST", "/api/v1/bins/b1/commands", Some(json!({ "command": "identify" }))).await;
    assert_eq!(identify.status, 404, "{}", identify.text());
}

#[tokio::test]
async fn each_of_a_thousand_bins_has_its_own_last_item() {
    let hub = TestHub::start().await;
    let store = &hub.running.state.store;
    let now = now_ms();
    let bins = (0..1000).map(|number| bin::ActiveModel {
        id: Set(format!("b{number:04}")),
        password_hash: Set(String::new()),
        name: Set(format!("Bin {number}")),
        created_ms: Set(now),
        online: Set(number % 2 == 0),
        ..Default::default()
    });
    bin::Entity::insert_many(bins).exec_without_returning(store.db()).await.expect("inserts");
    // The last 100 bins have said nothing yet.
    for seq in 1..=3 {
        let items = (0..900).map(|number| event::ActiveModel {
            bin: Set(format!("b{number:04}")),
            epoch: Set(1),
            seq: Set(seq),
            at_ms: Set(now + seq),
            received_ms: Set(now),
            outcome: Set("label".into()),
            label: Set("glass".into()),
            confidence: Set(0.9),
            probabilities_json: Set("{}".into()),
            model: Set("m1".into()),
            latency_ms: Set(40.0),
            truth_label: Set((number == 7).then(|| "glass".to_owned())),
            ..Default::default()
        });
        event::Entity::insert_many(items).exec_without_returning(store.db()).await.expect("inserts");
    }
    let views = store::bins(store).await.expect("reads");
    assert_eq!(views.len(), 1000);
    for (number, view) in views.iter().enumerate() {
        let expected = (number < 900).then(|| (format!("b{number:04}"), now + 3));
        let last = view.last_item.as_ref().map(|item| (item.bin.to_string(), item.at_ms));
        assert_eq!((view.id.as_str(), last), (format!("b{number:04}").as_str(), expected));
    }
    let one = hub.admin("GET", "/api/v1/field?bin=b0007", None).await.json();
    assert_eq!(one["classes"], json!([{ "label": "glass", "sure": 3, "unsure": 0 }]));
    assert_eq!(one["models"][0]["right"], 3);
    let other = hub.admin("GET", "/api/v1/field?bin=b0008", None).await.json();
    assert_eq!((&other["models"], &other["classes"][0]["sure"]), (&json!([]), &3.into()), "its truth is not known");
    assert_eq!(hub.admin("GET", "/api/v1/field", None).await.json()["classes"][0]["sure"], 2700);
}
