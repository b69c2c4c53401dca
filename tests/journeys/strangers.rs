//! Whoever has a wrong password, or uses another bin's topics, gets nowhere.

use std::time::Duration;

use pilah_models::name::BinId;
use pilah_models::wire::{Event, Message, topic::Channel};
use pilah_tests::hub::Hub;
use pilah_tests::model;
use pilah_tests::mosquitto::Mosquitto;
use rumqttc::{
    AsyncClient, ConnectReturnCode, Event as Happening, EventLoop, MqttOptions, Packet, PublishOptions, QoS,
};
use serde_json::json;

#[test]
fn the_embedded_broker_refuses_them() {
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::untrained("m0"), bundle.path());
    let hub = Hub::with_embedded_broker(bundle.path());
    let (one, two) = (hub.enrol("one"), hub.enrol("two"));
    check_refusals(&hub, &one, &two);
}

#[test]
fn mosquitto_refuses_them_with_the_same_rules() {
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::untrained("m0"), bundle.path());
    let mut broker = Mosquitto::start();
    let hub = Hub::with_mosquitto(bundle.path(), &broker);
    let (one, two) = (hub.enrol("one"), hub.enrol("two"));
    broker.admit(&[("one", &one), ("two", &two)]);
    // The broker has started anew, and keeps nothing for a hub that is not there yet.
    pilah_tests::program::eventually("the hub's connection", || match hub.flag("/ingest/connected")? {
        true => Ok(()),
        false => Err("no connection".into()),
    });
    check_refusals(&hub, &one, &two);
}

fn check_refusals(hub: &Hub, secret_of_one: &str, secret_of_two: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        assert_refused(connect(hub, "one", "a wrong password").await);
        assert_refused(connect(hub, "one", secret_of_two).await);
        assert_refused(connect(hub, "nobody", secret_of_one).await);

        // Bin one speaks for itself, and on its own topic of bin two.
        let (client, mut events) = connect(hub, "one", secret_of_one).await.expect("its own password opens");
        let (own, other) = (id("one"), id("two"));
        let qos1 = || PublishOptions::new(QoS::AtLeastOnce);
        for (seq, claimed) in [(1, &own), (2, &other)] {
            client.publish(Channel::Events.of(&own), event_of(claimed, seq), qos1()).await.expect("is sent");
        }
        listen(&mut events).await;

        // Bin two listens to bin one and to everything; nothing of it reaches it.
        let (spy, mut heard) = connect(hub, "two", secret_of_two).await.expect("its own password opens");
        for filter in ["pilah/v1/bins/one/desired", "pilah/v1/#", "#"] {
            spy.subscribe(filter, QoS::AtLeastOnce).await.expect("is sent");
        }
        listen(&mut heard).await;
        client.publish(Channel::Status.of(&own), "for the hub alone", qos1()).await.expect("is sent");
        listen(&mut events).await;
        assert_eq!(listen(&mut heard).await, Vec::<String>::new(), "bin two hears nothing of bin one");

        // Bin one publishes on a topic of bin two, for which a broker may cut it off.
        client.publish(Channel::Events.of(&other), event_of(&other, 3), qos1()).await.expect("is sent");
        listen(&mut events).await;
    });

    pilah_tests::program::eventually("bin one's own event", || match hub.count("/events")? {
        1 => Ok(()),
        found => Err(format!("{found} events instead of 1")),
    });
    let events = hub.get("/api/v1/events?limit=10");
    assert_eq!(events[0]["bin"], "one", "only what bin one said of itself");
    assert_eq!(hub.count("/ingest/refused"), Ok(1), "the message on the wrong topic is counted");
    assert_eq!(hub.count("/ingest/malformed"), Ok(1), "the message that is none is counted");
}

fn id(bin: &str) -> BinId {
    BinId::new(bin).expect("a valid id")
}

fn event_of(bin: &BinId, seq: u64) -> Vec<u8> {
    let event = json!({
        "v": 1, "bin": bin, "epoch": 7, "seq": seq, "at": "2026-01-01T00:00:00Z", "clock_synced": true,
        "outcome": "label", "label": "glass", "confidence": 0.9, "probabilities": { "glass": 0.9, "metal": 0.1 },
        "model": "m0", "latency_ms": 12.5, "frames": 3,
    });
    let bytes = event.to_string().into_bytes();
    Event::decode(&bytes).expect("a valid event");
    bytes
}

async fn connect(hub: &Hub, user: &str, password: &str) -> Result<(AsyncClient, EventLoop), String> {
    let url = hub.mqtt_url();
    let (host, port) = url.strip_prefix("mqtt://").and_then(|a| a.split_once(':')).expect("host and port");
    let mut options = MqttOptions::new(format!("pilah-{user}"), (host, port.parse::<u16>().expect("a port")));
    options.set_credentials(user, password.to_owned());
    let (client, mut events) = AsyncClient::builder(options).capacity(16).build();
    match tokio::time::timeout(Duration::from_secs(10), events.poll()).await {
        Ok(Ok(Happening::Incoming(Packet::ConnAck(ack)))) if ack.code == ConnectReturnCode::Success => {
            Ok((client, events))
        }
        Ok(Ok(other)) => Err(format!("{other:?}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer".into()),
    }
}

fn assert_refused(result: Result<(AsyncClient, EventLoop), String>) {
    let error = result.map(|_| ()).expect_err("a stranger must not get in");
    assert_ne!(error, "no answer", "a refusal is said, not left to a time-out");
}

/// Runs a connection for a while, and tells the topics of the messages that arrive.
async fn listen(events: &mut EventLoop) -> Vec<String> {
    let mut topics = Vec::new();
    let end = tokio::time::Instant::now() + Duration::from_secs(2);
    while let Ok(happening) = tokio::time::timeout_at(end, events.poll()).await {
        match happening {
            Ok(Happening::Incoming(Packet::Publish(publish))) => {
                topics.push(String::from_utf8_lossy(&publish.topic).into_owned());
            }
            Ok(_) => {}
            // Cut off: the next poll would connect again, and be cut off again.
            Err(_) => break,
        }
    }
    topics
}
