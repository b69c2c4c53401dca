//! Signs one role after the other, and keeps what is signed in the order in which it must be written: what is named
//! before what names it. Nothing touches the disk until [`Staged::write`], so that a key that is lacking changes nothing.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::rand::SystemRandom;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tough::TargetName;
use tough::schema::{self, Hashes, Metafile, Role, RoleType, Root, Signature, Signed, Snapshot, Target, Targets};

use crate::keys::{KeyFolders, Keys};
use crate::metadata::{Found, Metadata};
use crate::policy::Policy;
use crate::{LARGEST_LIST, Repository, RepositoryError};

/// The version of the specification.
pub(crate) const SPEC: &str = "1.0.0";

/// What is to be written, and for whom it is signed.
pub(crate) struct Staged<'a> {
    /// The roots whose keys sign: the newest, and the one before while keys are exchanged.
    pub roots: Vec<&'a Root>,
    pub policy: &'a Policy,
    pub folders: &'a KeyFolders,
    pub now: Timestamp,
    /// File names below `metadata/`, in order.
    pub files: Vec<(String, Vec<u8>)>,
    /// Which roles were signed, in order.
    pub signed: Vec<RoleType>,
}

impl<'a> Staged<'a> {
    pub(crate) fn new(root: &'a Root, policy: &'a Policy, folders: &'a KeyFolders, now: Timestamp) -> Self {
        Self { roots: vec![root], policy, folders, now, files: Vec::new(), signed: Vec::new() }
    }

    /// Signs a list of targets, and what names it.
    pub(crate) fn targets(
        &mut self,
        before: &Metadata,
        targets: HashMap<TargetName, Target>,
    ) -> Result<u64, RepositoryError> {
        let version = before.highest_targets + 1;
        let list = Targets {
            spec_version: SPEC.to_owned(),
            version: number(version),
            expires: self.expires(RoleType::Targets),
            targets,
            delegations: None,
            _extra: HashMap::new(),
        };
        let bytes = self.sign(list, &self.folders.read(RoleType::Targets)?, format!("{version}.targets.json"))?;
        if bytes.len() > LARGEST_LIST {
            return Err(RepositoryError::TooMany { bytes: bytes.len() });
        }
        self.snapshot(before, version, &bytes)?;
        Ok(version)
    }

    /// Signs a snapshot of the list of this version, and the timestamp that names it.
    pub(crate) fn snapshot(&mut self, before: &Metadata, version: u64, list: &[u8]) -> Result<(), RepositoryError> {
        let own = before.highest_snapshot + 1;
        let mut snapshot = Snapshot::new(SPEC.to_owned(), number(own), self.expires(RoleType::Snapshot));
        snapshot.meta.insert("targets.json".to_owned(), metafile(version, list));
        let bytes = self.sign(snapshot, &self.folders.read(RoleType::Snapshot)?, format!("{own}.snapshot.json"))?;
        self.timestamp(before, own, &bytes)
    }

    /// Signs the timestamp of the snapshot of this version.
    pub(crate) fn timestamp(
        &mut self,
        before: &Metadata,
        version: u64,
        snapshot: &[u8],
    ) -> Result<(), RepositoryError> {
        // Without the last one nobody knows its number; no counter has come as far as the seconds since 1970.
        let lost = || if before.highest_snapshot == 0 { 1 } else { u64::try_from(self.now.as_second()).unwrap_or(1) };
        let own = before.timestamp.as_ref().map_or_else(lost, |found| found.signed.version.get() + 1);
        let mut timestamp = schema::Timestamp::new(SPEC.to_owned(), number(own), self.expires(RoleType::Timestamp));
        timestamp.meta.insert("snapshot.json".to_owned(), metafile(version, snapshot));
        self.sign(timestamp, &self.folders.read(RoleType::Timestamp)?, "timestamp.json".to_owned())?;
        Ok(())
    }

    /// Signs what is there already anew, from `role` on to timestamp.
    pub(crate) fn again(&mut self, before: &Metadata, role: RoleType, folder: &Path) -> Result<(), RepositoryError> {
        let lost = || RepositoryError::NoTargets(folder.to_owned());
        match role {
            RoleType::Targets | RoleType::DelegatedTargets => {
                let targets = before.targets.as_ref().ok_or_else(lost)?.signed.targets.clone();
                self.targets(before, targets).map(drop)
            }
            RoleType::Snapshot => {
                let Found { signed, bytes, .. } = before.targets.as_ref().ok_or_else(lost)?;
                self.snapshot(before, signed.version.get(), bytes)
            }
            RoleType::Timestamp => {
                let Found { signed, bytes, .. } = before.snapshot.as_ref().ok_or_else(lost)?;
                self.timestamp(before, signed.version.get(), bytes)
            }
            RoleType::Root => Ok(()),
        }
    }

    /// Signs a root with the keys that the roots name, the one before and itself among them.
    pub(crate) fn root(&mut self, root: &Root, keys: &Keys, before: Option<&Root>) -> Result<Vec<u8>, RepositoryError> {
        let file = format!("{}.root.json", root.version);
        let roots: Vec<&Root> = before.into_iter().chain([root]).collect();
        let bytes = sign(root.clone(), keys, &roots)?;
        self.files.push((file, bytes.clone()));
        self.signed.push(RoleType::Root);
        Ok(bytes)
    }

    /// When what is signed now ends.
    pub(crate) fn expires(&self, role: RoleType) -> Timestamp {
        self.now.saturating_add(self.policy.of(role).lasts).unwrap_or(Timestamp::MAX)
    }

    fn sign<T: Role>(&mut self, role: T, keys: &Keys, file: String) -> Result<Vec<u8>, RepositoryError> {
        let bytes = sign(role, keys, &self.roots)?;
        self.files.push((file, bytes.clone()));
        self.signed.push(T::TYPE);
        Ok(bytes)
    }

    /// Writes all of it, each file durably before the next.
    pub(crate) fn write(&self, repository: &Repository) -> Result<(), RepositoryError> {
        let folder = repository.metadata_folder();
        self.files.iter().try_for_each(|(name, bytes)| repository.disk.write(&folder.join(name), bytes))
    }
}

/// Signs with every key that one of the roots names, and checks that each of the roots is content.
fn sign<T: Role>(role: T, keys: &Keys, roots: &[&Root]) -> Result<Vec<u8>, RepositoryError> {
    for root in roots {
        keys.enough_for(root)?;
    }
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| RepositoryError::Sign { role: T::TYPE, source };
    let message = role.canonical_form().map_err(|error| failed(error.into()))?;
    let mut signed = Signed { signed: role, signatures: Vec::new() };
    for key in &keys.keys {
        if roots.iter().any(|root| keys.named_by(root).any(|named| named.id == key.id)) {
            let signature = at_once(key.pair.sign(&message, &SystemRandom::new())).map_err(failed)?;
            signed.signatures.push(Signature { keyid: key.id.clone().into(), sig: signature.into() });
        }
    }
    for root in roots {
        root.verify_role(&signed).map_err(|error| failed(error.into()))?;
    }
    serde_json::to_vec(&signed).map_err(|error| failed(error.into()))
}

/// Runs a future that waits for nothing: keys in memory sign at once.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

fn metafile(version: u64, bytes: &[u8]) -> Metafile {
    Metafile {
        length: Some(bytes.len() as u64),
        hashes: Some(hashes(bytes)),
        version: number(version),
        _extra: HashMap::new(),
    }
}

/// The SHA-256 of content, as metadata has it.
pub(crate) fn hashes(bytes: &[u8]) -> Hashes {
    Hashes { sha256: Sha256::digest(bytes).to_vec().into(), _extra: HashMap::new() }
}

/// A version, which is never 0.
pub(crate) fn number(version: u64) -> NonZeroU64 {
    NonZeroU64::new(version).unwrap_or(NonZeroU64::MIN)
}
