//! What lies in the folder, checked as a bin would check it: every root against the one before, the rest against the
//! newest root. What cannot be read or is signed by nobody is a [`Fault`] with a name, and counts as not there; what an
//! earlier root's keys have signed is kept as content and signed anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tough::schema::{self, Role, RoleType, Root, Signed, Snapshot, Targets};

use crate::{Repository, RepositoryError, on};

/// One role's file.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub signed: T,
    pub bytes: Vec<u8>,
    /// Signed by the keys that the newest root names, not by earlier ones.
    pub current: bool,
}

/// Something that is not as it was left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file of metadata that should be there.
    #[error("{0} is missing")]
    Missing(String),
    /// A file that is not whole.
    #[error("{file} is damaged: {why}")]
    Damaged {
        /// Its name.
        file: String,
        /// What the parser says.
        why: String,
    },
    /// A file that no key of this repository signed.
    #[error("{0} is not signed by the keys that root names")]
    NotSigned(String),
    /// A list that was written and never came into force, as a timestamp was never written for it.
    #[error("{0} was written, and cut off before it came into force")]
    HalfWritten(String),
    /// A temporary file.
    #[error("{0} is left from a write that was cut off")]
    Leftover(String),
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub root: Found<Root>,
    pub timestamp: Option<Found<schema::Timestamp>>,
    pub snapshot: Option<Found<Snapshot>>,
    pub targets: Option<Found<Targets>>,
    /// The highest numbers that were ever used, in force or not.
    pub highest_snapshot: u64,
    pub highest_targets: u64,
    /// The ids of all keys that any root ever named.
    pub ever_named: BTreeSet<Vec<u8>>,
    pub faults: Vec<Fault>,
}

impl Repository {
    /// Reads all of it.
    pub(crate) fn read(&self) -> Result<Metadata, RepositoryError> {
        let names = self.names()?;
        let roots = self.roots(&names)?;
        let root = roots.last().ok_or_else(|| RepositoryError::NotThere(self.metadata_folder()))?.clone();
        let mut faults: Vec<Fault> = names
            .iter()
            .filter(|name| name.ends_with(pilah_models::durable::TEMPORARY_SUFFIX))
            .cloned()
            .map(Fault::Leftover)
            .collect();
        let numbered = |role: &str| -> BTreeMap<u64, String> {
            names.iter().filter_map(|name| Some((number(name, role)?, name.clone()))).collect()
        };
        let (snapshots, lists) = (numbered("snapshot"), numbered("targets"));

        let timestamp = self.load::<schema::Timestamp>("timestamp.json", &roots, &mut faults)?;
        let named =
            timestamp.as_ref().and_then(|found| found.signed.meta.get("snapshot.json")).map(|meta| meta.version.get());
        let snapshot = self.the::<Snapshot>(&snapshots, named, &roots, &mut faults)?;
        let named =
            snapshot.as_ref().and_then(|found| found.signed.meta.get("targets.json")).map(|meta| meta.version.get());
        let targets = self.the::<Targets>(&lists, named, &roots, &mut faults)?;
        let highest = |files: &BTreeMap<u64, String>, found: Option<u64>| {
            files.last_key_value().map_or(0, |(number, _)| *number).max(found.unwrap_or(0))
        };
        let ever_named = roots.iter().flat_map(|root| root.signed.keys.keys()).map(|id| id.to_vec()).collect();
        Ok(Metadata {
            ever_named,
            highest_snapshot: highest(&snapshots, snapshot.as_ref().map(|found| found.signed.version.get())),
            highest_targets: highest(&lists, named),
            root,
            timestamp,
            snapshot,
            targets,
            faults,
        })
    }

    fn names(&self) -> Result<BTreeSet<String>, RepositoryError> {
        let folder = self.metadata_folder();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RepositoryError::NotThere(folder)),
            entries => entries.map_err(on("read", &folder))?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            names.insert(entry.map_err(on("read", &folder))?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    /// The roots from the first, each signed by the one before and by itself.
    fn roots(&self, names: &BTreeSet<String>) -> Result<Vec<Found<Root>>, RepositoryError> {
        let numbers: BTreeSet<u64> = names.iter().filter_map(|name| number(name, "root")).collect();
        let mut roots: Vec<Found<Root>> = Vec::new();
        for wanted in 1..=numbers.last().copied().unwrap_or(0) {
            let path = self.metadata_folder().join(format!("{wanted}.root.json"));
            let damaged = |what: String| RepositoryError::Damaged { path: path.clone(), what };
            if !numbers.contains(&wanted) {
                return Err(damaged("missing, so that bins which know an older root cannot go on".to_owned()));
            }
            let bytes = fs::read(&path).map_err(on("read", &path))?;
            let root: Signed<Root> =
                serde_json::from_slice(&bytes).map_err(|error| damaged(format!("damaged ({error})")))?;
            let before = roots.last().map_or(&root.signed, |before| &before.signed);
            let signed = before.verify_role(&root).and_then(|()| root.signed.verify_role(&root));
            signed.map_err(|error| damaged(format!("not signed as it must be ({error})")))?;
            if root.signed.version.get() != wanted {
                return Err(damaged(format!("of version {}", root.signed.version)));
            }
            roots.push(Found { signed: root.signed, bytes, current: true });
        }
        Ok(roots)
    }

    /// The file of the number that is named, or, if none is, the newest. No other stands in for it: bins refuse to go back.
    fn the<T: Role + DeserializeOwned>(
        &self,
        files: &BTreeMap<u64, String>,
        named: Option<u64>,
        roots: &[Found<Root>],
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Found<T>>, RepositoryError> {
        let Some(wanted) = named.or_else(|| files.last_key_value().map(|(number, _)| *number)) else { return Ok(None) };
        faults.extend(files.range(wanted + 1..).map(|(_, file)| Fault::HalfWritten(file.clone())));
        self.load(&format!("{wanted}.{}.json", T::TYPE), roots, faults)
    }

    fn load<T: Role + DeserializeOwned>(
        &self,
        file: &str,
        roots: &[Found<Root>],
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Found<T>>, RepositoryError> {
        let path = self.metadata_folder().join(file);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                faults.push(Fault::Missing(file.to_owned()));
                return Ok(None);
            }
            bytes => bytes.map_err(on("read", &path))?,
        };
        let signed: Signed<T> = match serde_json::from_slice(&bytes) {
            Ok(signed) => signed,
            Err(error) => {
                faults.push(Fault::Damaged { file: file.to_owned(), why: error.to_string() });
                return Ok(None);
            }
        };
        let mut newest_first = roots.iter().rev().map(|root| root.signed.verify_role(&signed).is_ok());
        let current = newest_first.next().unwrap_or(false);
        if current || newest_first.any(|signs| signs) {
            return Ok(Some(Found { signed: signed.signed, bytes, current }));
        }
        faults.push(Fault::NotSigned(file.to_owned()));
        Ok(None)
    }
}

impl Metadata {
    /// When a role's signature ends, if it has one that counts.
    pub(crate) fn expires(&self, role: RoleType) -> Option<Timestamp> {
        fn of<T: Role>(found: Option<&Found<T>>) -> Option<Timestamp> {
            found.filter(|found| found.current).map(|found| found.signed.expires())
        }
        match role {
            RoleType::Root => Some(self.root.signed.expires),
            RoleType::Timestamp => of(self.timestamp.as_ref()),
            RoleType::Snapshot => of(self.snapshot.as_ref()),
            RoleType::Targets | RoleType::DelegatedTargets => of(self.targets.as_ref()),
        }
    }

    /// Whether timestamp names this very snapshot, and it this very list.
    pub(crate) fn joined(&self) -> bool {
        let (Some(timestamp), Some(snapshot), Some(targets)) = (&self.timestamp, &self.snapshot, &self.targets) else {
            return false;
        };
        let names = |meta: Option<&schema::Metafile>, version: u64, bytes: &[u8]| {
            meta.is_some_and(|meta| meta.version.get() == version && meta.length == Some(bytes.len() as u64))
        };
        names(timestamp.signed.meta.get("snapshot.json"), snapshot.signed.version.get(), &snapshot.bytes)
            && names(snapshot.signed.meta.get("targets.json"), targets.signed.version.get(), &targets.bytes)
    }
}

/// `7` of `7.root.json`.
fn number(name: &str, role: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?.strip_suffix(role)?.strip_suffix('.')?;
    if digits.starts_with('0') { None } else { digits.parse().ok() }
}
