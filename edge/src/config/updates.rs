//! Whose word counts for updates, and what they may take: `[updates]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::probation::RawProbation;
use super::{Wrong, seconds, within, wrong};
use crate::address::HubAddress;
use crate::model_store::fetch::HubConfig;
use crate::model_store::repository::{RepositoryConfig, UpdatesConfig};
use crate::model_store::standing::StandingRules;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawUpdates {
    root: Option<PathBuf>,
    address: Option<String>,
    ca_file: Option<PathBuf>,
    bandwidth: Option<u64>,
    clock_wait_s: f64,
    probation: RawProbation,
}

impl Default for RawUpdates {
    fn default() -> Self {
        Self {
            root: None,
            address: None,
            ca_file: None,
            bandwidth: None,
            clock_wait_s: 600.0,
            probation: RawProbation::default(),
        }
    }
}

impl RawUpdates {
    pub(super) fn check(self, hub: Option<&HubConfig>) -> Result<(UpdatesConfig, StandingRules), Wrong> {
        let standing = self.probation.check()?;
        let bandwidth = self.bandwidth.map(|bytes| within("updates.bandwidth", bytes, 256, 1 << 40)).transpose()?;
        let clock_wait = seconds("updates.clock_wait_s", self.clock_wait_s, 0.0, 86_400.0)?;
        let Some(root) = self.root else {
            for (key, value) in [("address", self.address), ("ca_file", self.ca_file.map(|file| format!("{file:?}")))] {
                if let Some(value) = value {
                    let problem = "it is of use only with updates.root, the root of trust";
                    return Err(wrong(&format!("updates.{key}"), value, problem));
                }
            }
            return Ok((UpdatesConfig { repository: None, bandwidth }, standing));
        };
        let given = self.address.map(|address| {
            address.parse::<HubAddress>().map_err(|problem| wrong("updates.address", &address, problem.to_string()))
        });
        let address = match (given.transpose()?, hub) {
            (Some(address), _) => address,
            (None, Some(hub)) => hub.address.below("/repo"),
            (None, None) => {
                let problem = "there is no repository to verify by it: add a section [hub], or updates.address";
                return Err(wrong("updates.root", root, problem));
            }
        };
        let is_hub = hub.is_some_and(|hub| hub.address.origin() == address.origin());
        let ca_file = self.ca_file.or_else(|| hub.filter(|_| is_hub).and_then(|hub| hub.ca_file.clone()));
        let repository = Some(RepositoryConfig { root, address, is_hub, ca_file, clock_wait });
        Ok((UpdatesConfig { repository, bandwidth }, standing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, hub: Option<&str>) -> Result<UpdatesConfig, String> {
        let raw: RawUpdates = toml::from_str(text).expect("valid TOML");
        let ca_file = Some("hub.pem".into());
        let hub = hub.map(|address| HubConfig { address: address.parse().expect("valid"), ca_file });
        let checked = raw.check(hub.as_ref()).map(|(updates, _)| updates);
        checked.map_err(|Wrong { key, value, problem }| format!("{key} = {value}: {problem}"))
    }

    #[test]
    fn only_the_hub_itself_gets_the_bins_credentials() {
        let hub = Some("https://hub.example/pilah");
        for (more, hub, address, is_hub, ca_file) in [
            ("", hub, "https://hub.example/pilah/repo", true, Some("hub.pem")),
            (
                "address = \"https://hub.example/elsewhere/\"",
                hub,
                "https://hub.example/elsewhere",
                true,
                Some("hub.pem"),
            ),
            ("address = \"http://hub.example/repo\"", hub, "http://hub.example/repo", false, None),
            ("address = \"https://hub.example:444/repo\"", hub, "https://hub.example:444/repo", false, None),
            ("address = \"https://hub.example.evil/repo\"", hub, "https://hub.example.evil/repo", false, None),
            ("address = \"https://cdn.example/bins\"", None, "https://cdn.example/bins", false, None),
            (
                "address = \"https://cdn.example\"\nca_file = \"cdn.pem\"",
                hub,
                "https://cdn.example",
                false,
                Some("cdn.pem"),
            ),
        ] {
            let updates = checked(&format!("root = \"root.json\"\n{more}"), hub).expect(more);
            let repository = updates.repository.expect("there is a root");
            assert_eq!((repository.address.to_string().as_str(), repository.is_hub), (address, is_hub), "{more}");
            assert_eq!(repository.ca_file, ca_file.map(PathBuf::from), "{more}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        for (text, expected) in [
            ("root = \"root.json\"", "updates.root = \"root.json\": there is no repository to verify by it"),
            ("address = \"https://cdn.example\"", "only with updates.root"),
            ("ca_file = \"cdn.pem\"", "updates.ca_file"),
            ("root = \"r\"\naddress = \"cdn.example\"", "updates.address = \"cdn.example\": it must begin with http"),
            ("bandwidth = 10", "updates.bandwidth = 10: it must be from 256"),
            ("clock_wait_s = -1.0", "updates.clock_wait_s"),
        ] {
            let error = checked(text, None).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        let updates = checked("bandwidth = 65536", None).expect("valid without a root");
        assert!(updates.repository.is_none() && updates.bandwidth == Some(65_536));
    }
}
