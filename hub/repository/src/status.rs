//! What is in force, and how it stands with the keys: for whoever decides by it, and whoever looks after it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilah_models::name::{ContentId, TargetName};
use serde_json::{Map, Value};
use tough::schema::RoleType;

use crate::keys::{KeyFolders, hex};
use crate::metadata::Fault;
use crate::policy::{Policy, ROLES};
use crate::{Repository, RepositoryError};

/// A target in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// Its name.
    pub name: TargetName,
    /// How many bytes it has.
    pub length: u64,
    /// Their SHA-256.
    pub sha256: ContentId,
    /// What else is signed of it.
    pub custom: Map<String, Value>,
}

/// The repository in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The version of the newest root.
    pub root: u64,
    /// The version of the list of targets in force; none if no list is whole.
    pub list: Option<u64>,
    /// How many targets are in force.
    pub targets: usize,
    /// Each role.
    pub roles: Vec<RoleStanding>,
    /// What is broken.
    pub faults: Vec<Fault>,
}

/// One role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleStanding {
    /// Which.
    pub role: RoleType,
    /// Ids of the keys that root names for it.
    pub keys: Vec<String>,
    /// How many of them must sign.
    pub threshold: u64,
    /// When what it signed ends; none if nothing of it counts.
    pub expires: Option<Timestamp>,
    /// Why it cannot sign from the folders that were looked into; none if it can.
    pub lacking: Option<String>,
}

impl Standing {
    /// When bins take nothing new any more unless something is signed.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.roles.iter().map(|role| role.expires).min().flatten()
    }
}

impl Repository {
    /// The targets in force, by name.
    ///
    /// # Errors
    /// [`RepositoryError`], if metadata cannot be read or no list is whole.
    pub fn in_force(&self) -> Result<BTreeMap<TargetName, InForce>, RepositoryError> {
        let list = self.read()?.targets.ok_or_else(|| RepositoryError::NoTargets(self.metadata_folder()))?;
        let read = |(name, target): (tough::TargetName, tough::schema::Target)| {
            let name = TargetName::new(name.raw()).ok()?;
            let sha256 = ContentId::new(hex(&target.hashes.sha256)).ok()?;
            let custom = target.custom.into_iter().collect();
            Some((name.clone(), InForce { name, length: target.length, sha256, custom }))
        };
        Ok(list.signed.targets.into_iter().filter_map(read).collect())
    }

    /// How it stands with the repository and with the keys in `folders`.
    ///
    /// # Errors
    /// [`RepositoryError`], if there is none, or the chain of roots is broken.
    pub fn standing(&self, folders: &KeyFolders) -> Result<Standing, RepositoryError> {
        let found = self.read()?;
        let root = &found.root.signed;
        let of = |role: RoleType| {
            let named = root.roles.get(&role);
            let lacking = folders.read(role).and_then(|keys| keys.enough_for(root)).err();
            RoleStanding {
                role,
                keys: named.iter().flat_map(|named| &named.keyids).map(|id| hex(id)).collect(),
                threshold: named.map_or(1, |named| named.threshold.get()),
                expires: found.expires(role),
                lacking: lacking.map(|error| error.to_string()),
            }
        };
        Ok(Standing {
            root: root.version.get(),
            list: found.targets.as_ref().map(|list| list.signed.version.get()),
            targets: found.targets.as_ref().map_or(0, |list| list.signed.targets.len()),
            roles: ROLES.into_iter().map(of).collect(),
            faults: found.faults.clone(),
        })
    }

    /// The policy of a repository that is there: its own numbers of keys and thresholds, and the default times.
    ///
    /// # Errors
    /// [`RepositoryError`], as [`Repository::root_of_trust`].
    pub fn policy_in_force(&self) -> Result<Policy, RepositoryError> {
        let root = self.read()?.root.signed;
        let mut policy = Policy::default();
        for role in ROLES {
            if let (Some(named), Some(own)) = (root.roles.get(&role), policy.of_mut(role)) {
                own.keys = named.keyids.len() as u64;
                own.threshold = named.threshold.get();
            }
        }
        Ok(policy)
    }
}
