//! `docs/asyncapi.yaml`: topics, messages and who sends them, as an AsyncAPI 3.0 document.
//!
//! It is one document for both ends, so each channel has an operation of the sender and one of the
//! receiver. Whether a message is retained, and its quality of service, stand in the operation's MQTT
//! binding.

use pilah_models::wire::topic::{Channel, HUB_STATUS, ROOT};
use pilah_models::wire::{
    Acks, Command, Desired, Event, HubStatus, LARGEST_MESSAGE, Reply, Reported, Sample, Status, Telemetry, VERSION,
};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::{assert_committed, in_repository, without_links};

const INTRODUCTION: &str = "What bins and hub say to each other over MQTT 3.1.1 or 5, through any broker. Generated from the \
types of the crate pilah-models. A reader ignores fields that it does not know; a message of another version (`v`) is \
refused. (`bin`, `epoch`, `seq`) names one message of one bin for ever, so that what MQTT delivers twice is stored once.";

/// One topic: what it is called, what it carries and what it is for.
struct Topic {
    name: &'static str,
    address: String,
    message: &'static str,
    summary: &'static str,
    retained: bool,
    from_hub: bool,
    /// Whether the bin reads what it says itself.
    read_back: bool,
}

fn topics() -> Vec<Topic> {
    let of_bin = |channel: Channel| {
        let (message, summary) = match channel {
            Channel::Status => (
                "Status",
                "The bin's presence. The last will says that it is offline; the bin reads it, too, and corrects one of a connection before.",
            ),
            Channel::Events => ("Event", "An item in the bin: what it was taken for, and how surely."),
            Channel::Samples => ("Sample", "An image of an item, as CBOR."),
            Channel::Telemetry => ("Telemetry", "The bin's health, now and then."),
            Channel::Reported => ("Reported", "The model in force, and how far an update came."),
            Channel::Desired => ("Desired", "The model that the hub wants in force."),
            Channel::Acks => ("Acks", "Events and samples that the hub has committed, and the bin may forget."),
            Channel::Commands => ("Command", "What the bin is to do at once."),
            Channel::Replies => ("Reply", "What came of a command."),
        };
        let address = format!("{ROOT}/bins/{{bin}}/{}", channel.name());
        let (retained, from_hub) = (channel.is_retained(), channel.is_from_hub());
        let read_back = channel.is_read_by_bin() && !from_hub;
        Topic { name: channel.name(), address, message, summary, retained, from_hub, read_back }
    };
    let hub = Topic {
        name: "hubStatus",
        address: HUB_STATUS.into(),
        message: "HubStatus",
        summary: "The hub's presence. The last will says that it is offline.",
        retained: true,
        from_hub: true,
        read_back: false,
    };
    Channel::ALL.into_iter().map(of_bin).chain([hub]).collect()
}

/// The schemas of all messages, each by its name, with those that they share.
fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft07()
        .with(|s| {
            s.definitions_path = "/components/schemas".into();
            s.meta_schema = None;
        })
        .with_transform(without_links as fn(&mut schemars::Schema));
    let mut generator = SchemaGenerator::new(settings);
    generator.subschema_for::<Acks>();
    generator.subschema_for::<Command>();
    generator.subschema_for::<Desired>();
    generator.subschema_for::<Event>();
    generator.subschema_for::<HubStatus>();
    generator.subschema_for::<Reply>();
    generator.subschema_for::<Reported>();
    generator.subschema_for::<Sample>();
    generator.subschema_for::<Status>();
    generator.subschema_for::<Telemetry>();
    generator.take_definitions(true)
}

fn capitalised(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

fn channel(topic: &Topic) -> Value {
    let message = topic.message;
    let mut channel = json!({
        "address": topic.address,
        "description": topic.summary,
        "messages": { message: { "$ref": format!("#/components/messages/{message}") } },
    });
    if topic.address.contains("{bin}") {
        channel["parameters"] = json!({ "bin": { "$ref": "#/components/parameters/bin" } });
    }
    channel
}

/// What one end does with a topic.
fn operation(topic: &Topic, action: &str) -> Value {
    let Topic { name, message, .. } = topic;
    let mqtt = match action {
        "send" => json!({ "qos": 1, "retain": topic.retained, "bindingVersion": "0.2.0" }),
        _ => json!({ "qos": 1, "bindingVersion": "0.2.0" }),
    };
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{name}") },
        "summary": topic.summary,
        "bindings": { "mqtt": mqtt },
        "messages": [{ "$ref": format!("#/channels/{name}/messages/{message}") }],
    })
}

fn operations(topics: &[Topic]) -> Map<String, Value> {
    let mut operations = Map::new();
    for topic in topics {
        let (sender, receiver) = if topic.from_hub { ("hub", "bin") } else { ("bin", "hub") };
        let name = capitalised(topic.name);
        operations.insert(format!("{sender}Sends{name}"), operation(topic, "send"));
        operations.insert(format!("{receiver}Receives{name}"), operation(topic, "receive"));
        if topic.read_back {
            operations.insert(format!("{sender}Receives{name}"), operation(topic, "receive"));
        }
    }
    operations
}

fn message(topic: &Topic) -> Value {
    let name = topic.message;
    let content = if name == "Sample" { "application/cbor" } else { "application/json" };
    json!({
        "name": name,
        "contentType": content,
        "payload": { "$ref": format!("#/components/schemas/{name}") },
    })
}

fn document() -> Value {
    let topics = topics();
    let channels: Map<String, Value> = topics.iter().map(|topic| (topic.name.into(), channel(topic))).collect();
    let messages: Map<String, Value> = topics.iter().map(|topic| (topic.message.into(), message(topic))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Pilah",
            "version": format!("{VERSION}.0.0"),
            "description": format!("{INTRODUCTION} No message is larger than {LARGEST_MESSAGE} bytes."),
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations(&topics),
        "components": {
            "parameters": { "bin": { "description": "The bin's id, which is also its MQTT user name." } },
            "messages": messages,
            "schemas": schemas(),
        },
    })
}

/// `HubStatus` as its files are called: `hub_status`.
fn file_name(message: &str) -> String {
    let mut name = String::new();
    for letter in message.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[test]
fn every_message_has_a_schema_and_an_example() {
    let golden = std::fs::read_dir(in_repository("models/golden/wire")).expect("the folder of golden messages");
    let golden: Vec<String> =
        golden.map(|entry| entry.expect("reads").file_name().into_string().expect("a plain name")).collect();
    for topic in topics() {
        let name = file_name(topic.message);
        let schema = format!("models/schemas/{name}-v{VERSION}.json");
        assert!(in_repository(&schema).is_file(), "{schema} is missing: list the message in schemas.rs");
        let has_example = golden.iter().any(|file| file.split(['-', '.']).next() == Some(&name));
        assert!(has_example, "models/golden/wire has no {name}");
    }
}

#[test]
fn the_document_is_the_one_of_the_code() {
    let yaml = serde_saphyr::to_string(&document()).expect("serialises");
    let generated = format!("# Generated by models/tests/contract/asyncapi.rs; PILAH_BLESS=1 rewrites it.\n{yaml}");
    assert_committed(&in_repository("docs/asyncapi.yaml"), &generated);
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                Value::String(target) if key == "$ref" => found.push(target.clone()),
                other => references(other, found),
            }),
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
