//! `golden/wire/` holds messages as they were sent by some release, each with what it means:
//! `{message}[-{variant}]-v{n}.json` or `.cbor`, and `….expected.json`. Today's code must read all
//! of them. A new version of a message is two new files; none is ever changed or removed.

use std::collections::BTreeSet;
use std::fs;

use pilah_models::name::ContentId;
use pilah_models::wire::{
    Acks, Command, Desired, Event, HubStatus, Message, Reply, Reported, Sample, Status, Telemetry,
};
use serde_json::Value;

use super::{assert_committed, in_repository, pretty};

/// Reads a message and says what it means; what is written again must mean the same.
fn meaning<M: Message>(bytes: &[u8]) -> Value {
    let message = M::decode(bytes).expect("today's code reads it");
    let again = M::decode(&message.encode()).expect("its own encoding");
    let value = serde_json::to_value(&message).expect("serialises");
    assert_eq!(serde_json::to_value(&again).expect("serialises"), value);
    value
}

/// As [`meaning`], with the image by its SHA-256.
fn meaning_of_sample(bytes: &[u8]) -> Value {
    let mut value = meaning::<Sample>(bytes);
    let sample = Sample::decode(bytes).expect("read before");
    value["jpeg"] = ContentId::of(&sample.jpeg).as_str().into();
    value
}

#[test]
fn messages_of_every_release_are_read_as_they_were_meant() {
    let mut messages = BTreeSet::new();
    for entry in fs::read_dir(in_repository("models/golden/wire")).expect("the folder of golden messages") {
        let path = entry.expect("a readable entry").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        if file.ends_with(".expected.json") {
            continue;
        }
        let message = file.split(['-', '.']).next().expect("split gives at least one part");
        let bytes = fs::read(&path).expect("reads");
        let value = match message {
            "acks" => meaning::<Acks>(&bytes),
            "command" => meaning::<Command>(&bytes),
            "desired" => meaning::<Desired>(&bytes),
            "event" => meaning::<Event>(&bytes),
            "hub_status" => meaning::<HubStatus>(&bytes),
            "reply" => meaning::<Reply>(&bytes),
            "reported" => meaning::<Reported>(&bytes),
            "sample" => meaning_of_sample(&bytes),
            "status" => meaning::<Status>(&bytes),
            "telemetry" => meaning::<Telemetry>(&bytes),
            other => panic!("{file}: there is no message {other}"),
        };
        assert_committed(&path.with_extension("expected.json"), &pretty(&value));
        messages.insert(message.to_owned());
    }
    let expected =
        ["acks", "command", "desired", "event", "hub_status", "reply", "reported", "sample", "status", "telemetry"];
    assert_eq!(messages.iter().map(String::as_str).collect::<Vec<_>>(), expected, "each message has a golden file");
}
