//! Whether a model that the hub wants is one that was signed. Decided purely, over what is believed of the repository
//! ([`pilah_trust`]): the hub's database says what it wants, the signatures say what there is, and where the two differ,
//! nothing is installed.
//!
//! A model's target is its manifest, byte for byte. What was signed beside it, its version and its labels, must be what
//! the manifest says. Its networks are looked up among the signed targets by their SHA-256: their names mean nothing.

use pilah_models::bundle::Manifest;
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, ModelVersion, TargetName};
use pilah_models::wire::DesiredModel;
use pilah_trust::Trusted;
use pilah_trust::target::Target;
use serde_json::Value;

/// A model that is not the one that was signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// The hub names no target.
    #[error(
        "the hub wants model {0} and names no signed target for it: this bin has a root of trust and installs nothing \
         else; is it published (`pilah-hub` repository)?"
    )]
    NotPublished(ModelVersion),
    /// The hub's database says otherwise than its repository.
    #[error(
        "the hub wants the manifest {wanted} and its repository has signed {signed} as {target}: its database and its \
         repository differ; somebody may have changed the database"
    )]
    OtherThanSigned {
        /// The target that was named.
        target: TargetName,
        /// What the hub wants.
        wanted: ContentId,
        /// What was signed.
        signed: String,
    },
    /// The target is none of a model.
    #[error("the target {0} was not signed as a model")]
    NoModel(TargetName),
    /// It was signed for another version than its manifest says.
    #[error("{target} was signed as model {signed}, and its manifest is of model {manifest}")]
    OtherVersion {
        /// The target.
        target: String,
        /// What was signed.
        signed: String,
        /// What the manifest says.
        manifest: ModelVersion,
    },
    /// It was signed for other labels than its manifest says.
    #[error("{target} was signed for the labels {signed}, and its manifest is for {manifest}")]
    OtherLabels {
        /// The target.
        target: String,
        /// What was signed.
        signed: String,
        /// What the manifest says.
        manifest: String,
    },
    /// It is for something else than this bin does.
    #[error(
        "model {version} knows {new} and the one in force {old}: they have no class in common, so it is for another bin"
    )]
    NothingInCommon {
        /// The model.
        version: ModelVersion,
        /// Its classes.
        new: String,
        /// Those of the model in force.
        old: String,
    },
    /// Nobody signed a network that the manifest names.
    #[error("the {part} {sha256}, which the signed manifest names, is among no signed targets")]
    Network {
        /// `backbone` or `head`.
        part: &'static str,
        /// What the manifest names.
        sha256: ContentId,
    },
}

/// The signed manifest of the model that the hub wants.
pub(super) fn manifest_of<'a>(
    trusted: &'a Trusted,
    desired: &'a DesiredModel,
) -> Result<&'a Target, super::UpdateError> {
    let name = desired.target.as_ref().ok_or_else(|| Unsigned::NotPublished(desired.version.clone()))?;
    let target = trusted.target(name.as_str())?;
    if target.sha256 != desired.manifest.as_str() {
        let (wanted, signed) = (desired.manifest.clone(), target.sha256.clone());
        return Err(Unsigned::OtherThanSigned { target: name.clone(), wanted, signed }.into());
    }
    if target.custom.get("kind").and_then(Value::as_str) != Some("model") {
        return Err(Unsigned::NoModel(name.clone()).into());
    }
    Ok(target)
}

/// Compares what was signed beside a manifest with what is in it, and its classes with those of the model in force.
pub(super) fn agrees(target: &Target, manifest: &Manifest, in_force: &Labels) -> Result<(), Unsigned> {
    let name = || target.name.chars().take(128).collect();
    let signed = |key: &str| target.custom.get(key).cloned().unwrap_or(Value::Null);
    if signed("version").as_str() != Some(manifest.version.as_str()) {
        let (signed, manifest) = (words(&signed("version")), manifest.version.clone());
        return Err(Unsigned::OtherVersion { target: name(), signed, manifest });
    }
    let labels = manifest.labels.as_slice().iter().map(|label| label.as_str());
    let same = signed("labels").as_array().is_some_and(|signed| signed.iter().map(Value::as_str).eq(labels.map(Some)));
    if !same {
        let (signed, manifest) = (words(&signed("labels")), listed(&manifest.labels));
        return Err(Unsigned::OtherLabels { target: name(), signed, manifest });
    }
    if !manifest.labels.as_slice().iter().any(|label| in_force.index_of(label).is_some()) {
        let (new, old) = (listed(&manifest.labels), listed(in_force));
        return Err(Unsigned::NothingInCommon { version: manifest.version.clone(), new, old });
    }
    Ok(())
}

/// The signed target that has this content.
pub(super) fn with_content<'a>(trusted: &'a Trusted, id: &ContentId) -> Option<&'a Target> {
    trusted.targets().find(|target| target.sha256 == id.as_str())
}

fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(256).collect()
}

fn listed(labels: &Labels) -> String {
    labels.as_slice().iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ").chars().take(256).collect()
}
