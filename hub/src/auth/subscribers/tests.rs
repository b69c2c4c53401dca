use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{Event, Message as _};
use rumqttc::{ConnectReturnCode, ConnectionError, Incoming};
use serde_json::json;

use crate::fleet;
use crate::testing::{Answer, TestBin, TestHub, bin as bin_id, event};

async fn add_over_http(hub: &TestHub, body: serde_json::Value) -> Answer {
    hub.admin("POST", "/api/v1/subscribers", Some(body)).await
}

fn secret_of(answer: &Answer) -> String {
    answer.json()["secret"].as_str().unwrap_or_else(|| panic!("no secret: {}", answer.text())).to_owned()
}

async fn listen(hub: &TestHub, name: &str, secret: &str) -> Result<TestBin, ConnectionError> {
    TestBin::connect_as(hub.port(), name, secret, "a-display", None).await
}

/// Whether the connection was ended by the broker.
async fn is_cut_off(client: &mut TestBin) -> bool {
    client.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await.is_err()
}

#[tokio::test]
async fn who_listens_hears_what_bins_say_and_can_say_nothing() {
    let hub = TestHub::start().await;
    let secret = secret_of(&add_over_http(&hub, json!({ "name": "display" })).await);
    let mut display = listen(&hub, "display", &secret).await.expect("connects");
    for (filter, granted) in [
        ("pilah/v1/bins/+/events", true),
        ("pilah/v1/bins/b1/status", true),
        (topic::HUB_STATUS, true),
        ("pilah/v1/bins/+/samples", false),
        ("pilah/v1/bins/+/desired", false),
        ("pilah/v1/#", false),
    ] {
        assert_eq!(display.subscribe(filter).await, granted, "{filter}");
    }
    let mut b1 = hub.bin("b1").await;
    b1.send(&event("b1", 5, true)).await;
    b1.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await.expect("taken");
    let heard = display.next(|packet| match packet {
        Incoming::Publish(publish) => Event::decode(&publish.payload).ok(),
        _ => None,
    });
    assert_eq!(heard.await.expect("arrives").header.seq, 5);

    display.publish(&Channel::Events.of(&bin_id("b1")), event("b1", 6, true).encode()).await;
    assert!(is_cut_off(&mut display).await, "who listens does not speak");

    let with_images = secret_of(&add_over_http(&hub, json!({ "name": "lab", "samples": true })).await);
    let mut lab = listen(&hub, "lab", &with_images).await.expect("connects");
    assert!(lab.subscribe("pilah/v1/bins/+/samples").await, "they were told to have them");
    let refusal = TestBin::connect_as(hub.port(), "lab", &with_images, "pilah-b1", None).await.map(drop);
    let code = ConnectReturnCode::NotAuthorized;
    assert!(matches!(refusal, Err(ConnectionError::ConnectionRefused(found)) if found == code), "{refusal:?}");
}

#[tokio::test]
async fn a_secret_that_is_worth_nothing_ends_the_connection_that_it_opened() {
    let hub = TestHub::start().await;
    let first = secret_of(&add_over_http(&hub, json!({ "name": "display" })).await);
    let mut display = listen(&hub, "display", &first).await.expect("connects");
    let mut b1 = hub.bin("b1").await;
    let mut b2 = hub.bin("b2").await;

    let second = secret_of(&hub.admin("POST", "/api/v1/subscribers/display/secret", None).await);
    assert!(is_cut_off(&mut display).await, "the old secret");
    assert!(listen(&hub, "display", &first).await.is_err());
    let mut display = listen(&hub, "display", &second).await.expect("the new one");

    // The command line changes the database beside the hub.
    fleet::renew_secret(&hub.running.state.store, &bin_id("b1"), "command line").await.expect("renews");
    assert!(is_cut_off(&mut b1).await, "a bin with an old secret");
    assert_eq!(hub.admin("DELETE", "/api/v1/bins/b2", None).await.status, 204);
    assert!(is_cut_off(&mut b2).await, "a bin that is retired");

    assert_eq!(hub.admin("DELETE", "/api/v1/subscribers/display", None).await.status, 204);
    assert!(is_cut_off(&mut display).await, "who is no subscriber any more");
    assert_eq!(hub.admin("GET", "/api/v1/subscribers", None).await.json(), json!([]));
}

#[tokio::test]
async fn bins_and_subscribers_share_one_set_of_names() {
    let hub = TestHub::start().await;
    hub.enrol("b1").await;
    for (name, status, words) in [
        ("b1", 409, "is or was a bin"),
        ("hub", 409, "the hub's own"),
        ("Not A Name", 422, "no name of a subscriber"),
        ("display", 201, ""),
        ("display", 409, "already"),
    ] {
        let answer = add_over_http(&hub, json!({ "name": name })).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert!(answer.text().contains(words), "{name}: {}", answer.text());
    }
    let taken = hub.admin("POST", "/api/v1/bins", Some(json!({ "id": "display" }))).await;
    assert_eq!((taken.status, taken.text().contains("a subscriber is called display")), (409, true));
    let unknown = hub.admin("POST", "/api/v1/subscribers/nobody/secret", None).await;
    assert_eq!(unknown.status, 404);
    let noted = hub.admin("GET", "/api/v1/audit?what=subscriber.", None).await.json();
    assert_eq!(noted.as_array().map(Vec::len), Some(1));
    assert_eq!(noted[0]["detail"], json!({ "subscriber": "display", "samples": false }));
}
