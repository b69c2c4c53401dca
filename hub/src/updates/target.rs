//! What a model is in the repository: its targets' names, and what is signed of them. Pure.

use pilah_models::bundle::{FileRef, Manifest};
use pilah_models::name::{ModelVersion, TargetName};
use serde_json::{Map, Value, json};

/// How many digits of a network's SHA-256 stand in its name. It is found by all of them, which are signed.
const DIGITS: usize = 16;

/// The target that is a version's manifest.
pub(super) fn of_version(version: &ModelVersion) -> Option<TargetName> {
    TargetName::new(format!("{version}.json")).ok()
}

/// The networks that a manifest names, with their targets.
pub(super) fn networks(manifest: &Manifest) -> [(TargetName, &FileRef); 2] {
    let named = |part: &str, file: &FileRef| {
        let digits = &file.sha256.as_str()[..DIGITS];
        TargetName::new(format!("{part}-{digits}.onnx")).expect("letters, digits, a hyphen and a dot")
    };
    [(named("backbone", &manifest.backbone), &manifest.backbone), (named("head", &manifest.head), &manifest.head)]
}

/// What is signed of a manifest beside its content, so that a bin knows of what it decides before it loads it.
pub(super) fn signed_of(manifest: &Manifest) -> Map<String, Value> {
    object(json!({ "kind": "model", "version": manifest.version, "labels": manifest.labels }))
}

/// What is signed of a network.
pub(super) fn signed_of_network() -> Map<String, Value> {
    object(json!({ "kind": "network" }))
}

/// What is signed of a package of the program.
pub(super) fn signed_of_program(version: &str, arch: &str) -> Map<String, Value> {
    object(json!({ "kind": "program", "version": version, "arch": arch }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use pilah_models::labels::Labels;

    use super::*;
    use crate::registry::fixture::untrained;

    #[test]
    fn a_model_is_a_manifest_and_two_networks_by_their_content() {
        let bundle = untrained("m7-0a1b", &Labels::parse(["glass", "metal"]).expect("valid"));
        let manifest = bundle.manifest();
        assert_eq!(of_version(&manifest.version).expect("a name").as_str(), "m7-0a1b.json");
        let networks = networks(manifest);
        for ((name, file), part) in networks.iter().zip(["backbone", "head"]) {
            assert_eq!(name.as_str(), format!("{part}-{}.onnx", &file.sha256.as_str()[..16]));
        }
        let signed = Value::Object(signed_of(manifest));
        assert_eq!(signed, json!({ "kind": "model", "version": "m7-0a1b", "labels": ["glass", "metal"] }));
        assert_eq!(Value::Object(signed_of_network()), json!({ "kind": "network" }));
    }

    #[test]
    fn the_longest_name_of_a_version_is_a_target() {
        let longest = (1..=200).rev().find_map(|length| ModelVersion::new("v".repeat(length)).ok());
        let longest = longest.expect("versions have names");
        assert!(of_version(&longest).is_some(), "{longest}");
    }
}
