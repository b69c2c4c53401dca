use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{Desired, DesiredModel, Message};
use rumqttc::{ConnectReturnCode, ConnectionError, Incoming};

use super::*;
use crate::address::Networks;
use crate::door::Capacity;
use crate::store::DataFolder;
use crate::testing::{TestBin, TestHub, bin, event};

fn refusal(result: Result<TestBin, ConnectionError>) -> ConnectReturnCode {
    match result {
        Err(ConnectionError::ConnectionRefused(code)) => code,
        Err(error) => panic!("not a refusal: {error}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test]
async fn who_is_not_a_bin_gets_a_refusal() {
    let hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    hub.enrol("b2").await;
    let port = hub.port();
    let foreign_will = Channel::Status.of(&bin("b2"));
    let own_will = Channel::Status.of(&bin("b1"));
    let secret = secret.reveal();
    use ConnectReturnCode::{BadUserNamePassword, NotAuthorized};
    let cases = [
        ("b1", "wrong", "pilah-b1", None, BadUserNamePassword),
        ("b1", "", "pilah-b1", None, BadUserNamePassword),
        ("b2", secret, "pilah-b2", None, BadUserNamePassword),
        ("nobody", secret, "pilah-nobody", None, BadUserNamePassword),
        ("hub", "guess", "pilah-hub", None, BadUserNamePassword),
        ("hub", secret, "pilah-b1", None, BadUserNamePassword),
        ("b1", secret, "pilah-b2", None, NotAuthorized),
        ("b1", secret, "pilah-hub", None, NotAuthorized),
        ("b1", secret, "pilah-b1", Some(foreign_will.as_str()), NotAuthorized),
        ("b1", secret, "pilah-b1", Some(topic::HUB_STATUS), NotAuthorized),
    ];
    for (user, secret, client, will, expected) in cases {
        let answer = refusal(TestBin::connect_as(port, user, secret, client, will).await);
        assert_eq!(answer, expected, "{user} as {client} with will {will:?}");
    }
    assert_eq!(hub.running.state.refusals.read().refused_connections, cases.len() as u64);
    TestBin::connect_as(port, "b1", secret, "pilah-b1", Some(&own_will)).await.expect("its own is fine");
}

#[tokio::test]
async fn a_doctor_looks_on_beside_its_bin_and_says_nothing() {
    let hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    let mut running = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("the bin");
    let doctor = |client: &'static str, will: Option<String>| {
        let (port, secret) = (hub.port(), secret.reveal());
        async move { TestBin::connect_as(port, "b1", secret, client, will.as_deref()).await }
    };
    let mut looks_on = doctor("pilah-b1-doctor", None).await.expect("it may look on");
    for filter in [Channel::Desired.of(&bin("b1")), Channel::Acks.of(&bin("b1")), topic::HUB_STATUS.to_owned()] {
        assert!(looks_on.subscribe(&filter).await, "{filter}");
    }
    assert!(!looks_on.subscribe(&Channel::Desired.of(&bin("b2"))).await);
    looks_on.publish(&Channel::Status.of(&bin("b1")), event("b1", 1, true).encode()).await;
    let end = looks_on.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
    assert!(end.is_err(), "what it says ends its connection");
    running.listen_for_acks().await;
    running.send(&event("b1", 2, true)).await;
    assert_eq!(running.acks(1).await, [2], "the bin has kept its connection");

    let will = Some(Channel::Status.of(&bin("b1")));
    assert_eq!(refusal(doctor("pilah-b1-doctor", will).await), ConnectReturnCode::NotAuthorized);
    for client in ["pilah-b2-doctor", "pilah-b1-doctor2", "pilah-b1-Doctor"] {
        assert_eq!(refusal(doctor(client, None).await), ConnectReturnCode::NotAuthorized, "{client}");
    }
    hub.enrol("b1-doctor").await;
    assert_eq!(refusal(doctor("pilah-b1-doctor", None).await), ConnectReturnCode::NotAuthorized, "a bin has this name");
}

#[tokio::test]
async fn a_bin_cannot_speak_for_another() {
    let hub = TestHub::start().await;
    hub.enrol("b2").await;
    let mut mallory = hub.bin("b1").await;
    mallory.publish(&Channel::Events.of(&bin("b2")), event("b2", 1, true).encode()).await;
    let end = mallory.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
    assert!(end.is_err(), "the connection ends; the publish is not acknowledged");

    let mut mallory = TestBin::connect(hub.port(), "b1", "wrong").await.err().map(|_| ());
    assert!(mallory.take().is_some());
    let refused = hub.running.state.refusals.read();
    assert_eq!((refused.refused_publishes, refused.refused_connections), (1, 1));
    assert_eq!(hub.running.state.ingest.read().messages, 0, "nothing of it reached the hub");
}

#[tokio::test]
async fn a_bin_reads_its_own_topics_only() {
    let hub = TestHub::start().await;
    let mut bin1 = hub.bin("b1").await;
    let foreign = Channel::Desired.of(&bin("b2"));
    for filter in ["#", "pilah/v1/#", "+/+/+/+/+", foreign.as_str(), &Channel::Events.of(&bin1.id), "$SYS/#"] {
        assert!(!bin1.subscribe(filter).await, "{filter}");
    }
    assert_eq!(hub.running.state.refusals.read().refused_subscriptions, 6);
    assert!(bin1.subscribe(&Channel::Desired.of(&bin("b1"))).await);
    assert!(bin1.subscribe(topic::HUB_STATUS).await);
}

#[tokio::test]
async fn what_is_retained_waits_for_who_comes_later() {
    let hub = TestHub::start().await;
    let secret = hub.enrol("b1").await;
    hub.until("the hub connects", |hub| hub.state.ingest.read().connected).await;
    let model = DesiredModel {
        version: "m2-0badcafe".parse().expect("valid"),
        manifest: pilah_models::name::ContentId::of(b"manifest"),
        target: None,
    };
    hub.running.state.publisher.desired(&bin("b1"), Some(model.clone()), None).expect("is queued");
    let mut later = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("connects");
    assert!(later.subscribe(&Channel::Desired.of(&bin("b1"))).await);
    let wanted = later.next(|packet| match packet {
        Incoming::Publish(publish) => Desired::decode(&publish.payload).ok().and_then(|desired| desired.model),
        _ => None,
    });
    assert_eq!(wanted.await.expect("arrives"), model);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_its_own_connection_only() {
    let hub = TestHub::start().await;
    let mut small = hub.bin("b1").await;
    let mut large = hub.bin("b2").await;
    large.publish(&Channel::Events.of(&bin("b2")), vec![b' '; 200_000]).await;
    assert!(large.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await.is_err());
    small.listen_for_acks().await;
    small.send(&event("b1", 1, true)).await;
    assert_eq!(small.acks(1).await, [1]);
}

#[tokio::test]
async fn a_stopped_broker_frees_its_port() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = DataFolder::open(temporary.path()).expect("opens");
    let store = Store::open(&folder).await.expect("opens");
    let door = Door::new("MQTT", Capacity { in_all: 10, by_address: 10 }, Networks::default());
    let entrance = Entrance { door, connect: Duration::from_secs(15) };
    let (refusals, evictions) = (Refusals::default(), Evictions::default());
    let start = |addr| {
        Embedded::start(addr, Secret::new("s"), store.clone(), refusals.clone(), evictions.clone(), entrance.clone())
    };
    let first = start(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("starts");
    let addr = first.addr();
    assert_ne!(addr.port(), 0);
    match start(addr).await {
        Err(StartError::Listen { addr: named, source }) => {
            assert_eq!((named, source.kind()), (addr, io::ErrorKind::AddrInUse));
        }
        other => panic!("the port is taken: {other:?}"),
    }
    first.stop().await;
    start(addr).await.expect("the port is free").stop().await;
}
