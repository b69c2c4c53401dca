//! `schemas/` holds a JSON Schema (2020-12) for each message, for those who read or write them in
//! another language. A sample is CBOR on the wire; its schema describes the same structure.

use pilah_models::wire::{Acks, Command, Desired, Event, HubStatus, Reply, Reported, Sample, Status, Telemetry};
use schemars::{Schema, schema_for};

use super::{assert_committed, in_repository, pretty, without_links};

#[test]
fn the_schemas_are_those_of_the_types() {
    let schemas: [(&str, Schema); 10] = [
        ("acks", schema_for!(Acks)),
        ("command", schema_for!(Command)),
        ("desired", schema_for!(Desired)),
        ("event", schema_for!(Event)),
        ("hub_status", schema_for!(HubStatus)),
        ("reply", schema_for!(Reply)),
        ("reported", schema_for!(Reported)),
        ("sample", schema_for!(Sample)),
        ("status", schema_for!(Status)),
        ("telemetry", schema_for!(Telemetry)),
    ];
    for (message, mut schema) in schemas {
        without_links(&mut schema);
        assert_committed(&in_repository(&format!("models/schemas/{message}-v1.json")), &pretty(&schema));
    }
}
