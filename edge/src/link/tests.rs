use std::path::Path;

use super::*;
use crate::config::Config;

fn link() -> Link {
    let text = "version = 1\ndata_dir = \"x\"\nbin.id = \"b1\"\ncamera.kind = \"virtual\"\nmqtt.url = \"mqtt://[::1]\"";
    let config = Config::parse(Path::new("edge.toml"), text).expect("valid");
    Link::new(config.bin, &config.mqtt, &Secret::from("s3cret".to_owned())).expect("no certificates are needed")
}

fn header(bin: &str) -> String {
    format!(r#""v":1,"bin":"{bin}","epoch":1,"seq":1,"at":"2026-01-02T03:04:05Z","clock_synced":true"#)
}

#[test]
fn messages_are_told_apart_and_foreign_ones_refused() {
    let link = link().listening_to(Some("sensors/b1".to_owned()));
    let acks = format!(r#"{{{},"of_epoch":5,"seqs":[1,2]}}"#, header("b1"));
    let desired = format!(r#"{{{},"model":null}}"#, header("b1"));
    let foreign = format!(r#"{{{},"model":null}}"#, header("b2"));
    let later = desired.replace(r#""v":1"#, r#""v":2"#);
    let status = |online| format!(r#"{{"v":1,"at":"2026-01-02T03:04:05Z","online":{online},"software":"0"}}"#);
    let command = |name| format!(r#"{{{},"command":"{name}"}}"#, header("b1"));
    let for_another = command("restart").replace(r#""bin":"b1""#, r#""bin":"b2""#);
    let own = |more: &str| {
        format!(r#"{{{},"online":false,"software":"0","model":"m1","camera":{{"state":"ended"}}{more}}}"#, header("b1"))
    };
    let cases: [(&str, bool, String, &str); 22] = [
        ("pilah/v1/bins/b1/acks", false, acks.clone(), "Acks"),
        ("pilah/v1/bins/b1/desired", true, desired.clone(), "Desired"),
        ("pilah/v1/bins/b1/desired", true, foreign, "for bin b2"),
        ("pilah/v1/bins/b1/desired", true, later, "of version 2"),
        ("pilah/v1/bins/b1/desired", true, "not JSON".into(), "not a Desired message"),
        ("pilah/v1/bins/b2/acks", false, acks, "not asked for"),
        ("somewhere/else", false, desired, "not asked for"),
        ("pilah/v1/bins/b1/commands", false, command("restart"), "request: Restart"),
        ("pilah/v1/bins/b1/commands", true, command("restart"), "publish it unretained"),
        ("pilah/v1/bins/b1/commands", false, command("explode"), "unknown variant `explode`"),
        ("pilah/v1/bins/b1/commands", false, "{}".into(), "not a Command message"),
        ("pilah/v1/bins/b1/commands", false, for_another, "for bin b2"),
        ("sensors/b1", true, "62.5".into(), "Reading(\"62.5\")"),
        ("sensors/b2", false, "62.5".into(), "not asked for"),
        ("pilah/v1/hub/status", false, status(true), "HubOnline"),
        ("pilah/v1/hub/status", true, status(true), "HubWasOnline"),
        ("pilah/v1/hub/status", false, status(false), "HubAway"),
        ("pilah/v1/hub/status", true, status(false), "HubAway"),
        ("pilah/v1/bins/b1/status", true, own(r#","connection":4"#), "online: false"),
        ("pilah/v1/bins/b1/status", false, own(""), "connection: None"),
        ("pilah/v1/bins/b1/status", false, String::new(), ""),
        ("pilah/v1/bins/b2/status", false, own(""), "not asked for"),
    ];
    for (topic, retained, payload, expected) in cases {
        let read = link.read(topic, retained, payload.as_bytes());
        let read = read.map(|event| format!("{event:?}")).unwrap_or_default();
        assert!(
            if expected.is_empty() { read.is_empty() } else { read.contains(expected) },
            "{topic} {payload}: {read}"
        );
    }
    let huge = link.read("pilah/v1/bins/b1/acks", false, &vec![b' '; LARGEST_MESSAGE + 1]);
    assert!(matches!(huge, Some(LinkEvent::Refused { .. })));
}

#[test]
fn the_password_is_never_shown() {
    assert!(!format!("{:?}", link()).contains("s3cret"));
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_and_tried_until_the_stop() {
    let mut link = link();
    // A port that was free a moment ago, on which nobody listens now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    link.options = MqttOptions::new("pilah-b1", ("127.0.0.1", port));
    link.backoff = Backoff::new([Duration::from_millis(1); 2]);
    let (events, mut told) = mpsc::channel::<LinkEvent>(4);
    let will =
        format!(r#"{{{},"online":false,"software":"0","model":"m1","camera":{{"state":"ended"}}}}"#, header("b1"));
    let (_will, will) = watch::channel(Status::decode(will.as_bytes()).expect("valid"));
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(link.run(will, events, stopping));
    for _ in 0..3 {
        let event = told.recv().await.expect("an event");
        assert!(matches!(event, LinkEvent::Disconnected { .. }), "{event:?}");
    }
    stop.send(true).expect("it listens");
    while told.recv().await.is_some() {}
    task.await.expect("it ends");
}
