//! One check: root to the newest, timestamp, snapshot, list of targets; each verified by `tough`, then compared with the floor and
//! the clock; then remembered, durably, before anybody acts on it.
//!
//! A root that is newer is remembered even if what follows fails: keys that were revoked stay revoked. With new keys of
//! timestamp or snapshot their versions begin anew, as TUF has it, since a thief may have driven them up; with new keys of
//! targets those of the list do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tough::error::Error as Tough;
use tough::schema::{Role, RoleType, Root, Signed, Snapshot, Targets, Timestamp as TimestampRole};
use tough::{ExpirationEnforcement, Limits, Repository, RepositoryLoader, TransportError};
use url::Url;

use crate::TrustError;
use crate::clock::{Clock, Doubt, GoBy};
use crate::source::{
    LARGEST_LIST, LARGEST_ROOT, LARGEST_SNAPSHOT, LARGEST_TIMESTAMP, Refused, Source, SourceError, Wire,
};
use crate::state::{self, Believed, Floor, Found, hex};
use crate::target::Target;

/// How many roots are followed at once: keys exchanged twice a month for ten years.
pub const MOST_ROOTS: u64 = 256;
/// How often the time is remembered if nothing else changes: a card is not written at each check.
const TIME_STEP: SignedDuration = SignedDuration::from_hours(24);
/// `tough` joins names to an address, which no one else sees.
const ANYWHERE: &str = "repository:///";

/// A bin's view of a repository.
#[derive(Debug, Clone)]
pub struct Client {
    root: Vec<u8>,
    folder: PathBuf,
    pub(crate) source: Source,
    patience: Duration,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The clock is waited for; nothing was fetched. Ask again within this time.
    Waiting(Duration),
    /// Checked, and believed.
    Checked(Checked),
}

/// A check that went well.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// What is believed now.
    pub trusted: Trusted,
    /// Whether that is other than before.
    pub new: bool,
    /// What it went by.
    pub by: GoBy,
    /// What whoever looks after the bin should know.
    pub notes: Vec<Note>,
    /// Bytes of metadata that came over the network.
    pub bytes: u64,
}

/// What was out of order, and did not keep an update from being believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// Expiry was not looked at.
    #[error("went by versions alone, as {0}: old news would not be noticed")]
    VersionsOnly(Doubt),
    /// One copy of the state was damaged.
    #[error("one of two copies of what was believed was damaged or missing, and written again from the other")]
    StateMended,
    /// Both were.
    #[error(
        "both copies of what was believed were damaged: started anew from the root of trust, and could not tell an older state from a newer one"
    )]
    StateLost,
    /// Another root of trust.
    #[error("the root of trust is another one: what was believed by the old one was forgotten")]
    OtherRoot,
    /// What was remembered is not what the repository signs under that number.
    #[error("the repository signs other content under a number that was used before; it was fetched anew")]
    NumberUsedTwice,
}

/// What is believed: targets that may be installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Trusted {
    /// The versions in force.
    pub versions: Floor,
    /// When the first of the signatures ends.
    pub until: Timestamp,
    targets: BTreeMap<String, Target>,
}

impl Trusted {
    /// A target by its name.
    ///
    /// # Errors
    /// [`TrustError::NoSuchTarget`].
    pub fn target(&self, name: &str) -> Result<&Target, TrustError> {
        self.targets.get(name).ok_or_else(|| TrustError::NoSuchTarget(name.chars().take(128).collect()))
    }

    /// All of them, by name.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.targets.values()
    }
}

impl Client {
    /// A client that trusts the root in the file `root`, remembers in `folder`, and waits for the clock at most `patience`.
    ///
    /// # Errors
    /// [`TrustError::NoRoot`] and [`TrustError::BadRoot`].
    pub fn new(root: &Path, folder: PathBuf, source: Source, patience: Duration) -> Result<Self, TrustError> {
        let root = fs::read(root).map_err(|source| TrustError::NoRoot { path: root.to_owned(), source })?;
        let bad = |why: String| TrustError::BadRoot { why };
        let signed: Signed<Root> = serde_json::from_slice(&root).map_err(|error| bad(error.to_string()))?;
        signed.signed.verify_role(&signed).map_err(|error| bad(error.to_string()))?;
        if !signed.signed.consistent_snapshot {
            return Err(bad("without consistent snapshots".to_owned()));
        }
        Ok(Self { root, folder, source, patience })
    }

    /// The version of the root that is trusted, from disk alone.
    ///
    /// # Errors
    /// [`TrustError::Disk`] and [`TrustError::BadRoot`].
    pub fn root(&self) -> Result<u64, TrustError> {
        let (believed, _, _) = self.remembered()?;
        let root: Signed<Root> =
            serde_json::from_str(&believed.root).map_err(|error| TrustError::BadRoot { why: error.to_string() })?;
        Ok(root.signed.version.get())
    }

    /// What was believed at the last check, from disk alone.
    ///
    /// # Errors
    /// [`TrustError::Disk`].
    pub fn believed(&self) -> Result<Option<Trusted>, TrustError> {
        let (believed, _, _) = self.remembered()?;
        Ok(verified(&believed))
    }

    /// Checks the repository. Blocks, and must not be called from an asynchronous task.
    ///
    /// # Errors
    /// [`TrustError`]; what was believed before still is.
    pub fn check(&self, clock: Clock) -> Result<Outcome, TrustError> {
        let (believed, found, mut notes) = self.remembered()?;
        let by = clock.go_by(self.patience, believed.latest);
        match by {
            GoBy::Wait(left) => return Ok(Outcome::Waiting(left)),
            GoBy::Versions(doubt) => notes.push(Note::VersionsOnly(doubt)),
            GoBy::Time(_) => {}
        }
        let known = known(&believed);
        let wire = Wire::new(self.source.clone(), known);
        let (bytes, result) = match self.attempt(&wire, believed.clone(), by) {
            Err(TrustError::Tampered { .. } | TrustError::WrongKeys { .. } | TrustError::MixAndMatch { .. })
                if known_used(&wire) =>
            {
                // What is known under a number may not be what is signed under it: once more with nothing known.
                let first = wire.seen().bytes;
                let wire = Wire::new(self.source.clone(), BTreeMap::new());
                // The root may have been remembered by the first attempt.
                let (believed, _, _) = self.remembered()?;
                let result = self.attempt(&wire, believed, by);
                notes.extend(result.is_ok().then_some(Note::NumberUsedTwice));
                let second = wire.seen().bytes;
                (first + second, result)
            }
            result => {
                let bytes = wire.seen().bytes;
                (bytes, result)
            }
        };
        let (next, trusted) = result?;
        let stale =
            by_time(by).is_some_and(|now| believed.latest.is_none_or(|latest| now.duration_since(latest) >= TIME_STEP));
        let same = Believed { sequence: believed.sequence, latest: believed.latest, ..next.clone() } == believed;
        if !same || stale || found != Found::Whole {
            self.remember(&next)?;
        }
        let new = verified(&believed).is_none_or(|before| before.targets != trusted.targets);
        Ok(Outcome::Checked(Checked { trusted, new, by, notes, bytes }))
    }

    /// What is remembered, if it comes from this root of trust; or else the first day.
    fn remembered(&self) -> Result<(Believed, Found, Vec<Note>), TrustError> {
        let on_disk = |source| TrustError::Disk { act: "read", path: self.folder.clone(), source };
        let (believed, found) = state::read(&self.folder).map_err(on_disk)?;
        let anchor = hex(&Sha256::digest(&self.root));
        let first = || Believed::first(anchor.clone(), String::from_utf8_lossy(&self.root).into_owned());
        Ok(match (believed, found) {
            (Some(believed), found) if believed.anchor == anchor => {
                let notes = if found == Found::OneCopy { vec![Note::StateMended] } else { Vec::new() };
                (believed, found, notes)
            }
            (Some(old), _) => (Believed { sequence: old.sequence, ..first() }, Found::Nothing, vec![Note::OtherRoot]),
            (None, Found::Lost) => (first(), Found::Lost, vec![Note::StateLost]),
            (None, found) => (first(), found, Vec::new()),
        })
    }

    fn remember(&self, believed: &Believed) -> Result<(), TrustError> {
        let next = Believed { sequence: believed.sequence + 1, ..believed.clone() };
        state::write(&self.folder, &next).map_err(|source| TrustError::Disk {
            act: "write",
            path: self.folder.clone(),
            source,
        })
    }

    /// One attempt: what to believe next.
    fn attempt(&self, wire: &Wire, mut believed: Believed, by: GoBy) -> Result<(Believed, Trusted), TrustError> {
        let disk = |source| TrustError::Disk { act: "write", path: self.folder.clone(), source };
        let scratch = state::scratch(&self.folder, &believed).map_err(disk)?;
        let loaded = load(wire, believed.root.as_bytes(), &scratch)?;
        let reached = fs::read(scratch.join("root.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Signed<Root>>(&bytes).ok());
        fs::remove_dir_all(&scratch).map_err(disk)?;
        if let Some(reached) = &reached
            && adopt(&mut believed, &reached.signed, wire)
        {
            self.remember(&believed)?;
            believed.sequence += 1;
        }
        let repository = loaded.map_err(|error| {
            let root: Option<Signed<Root>> = serde_json::from_str(&believed.root).ok();
            explain(error, wire, root.as_ref().map(|root| &root.signed))
        })?;
        above_floor(&repository, &believed.floor)?;
        if let Some(now) = by_time(by) {
            unexpired(&repository, &believed, wire, now)?;
            believed.latest = believed.latest.max(Some(now));
        }
        let file = |name: &str| {
            wire.seen().files.get(name).and_then(|bytes| String::from_utf8(bytes.clone()).ok()).unwrap_or_default()
        };
        believed.timestamp = file("timestamp.json");
        believed.snapshot = file(&format!("{}.snapshot.json", repository.snapshot().signed.version));
        believed.targets = file(&format!("{}.targets.json", repository.targets().signed.version));
        believed.floor = versions(&repository);
        Ok((believed, trusted(&repository)))
    }
}

fn known_used(wire: &Wire) -> bool {
    wire.seen().known_used
}

fn by_time(by: GoBy) -> Option<Timestamp> {
    match by {
        GoBy::Time(now) => Some(now),
        GoBy::Wait(_) | GoBy::Versions(_) => None,
    }
}

/// Has `tough` read and verify. Expiry is looked at afterwards, by the time that is given.
fn load(wire: &Wire, root: &[u8], datastore: &Path) -> Result<Result<Repository, Tough>, TrustError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|source| TrustError::Disk {
        act: "read",
        path: datastore.to_owned(),
        source,
    })?;
    let anywhere = || Url::parse(ANYWHERE).expect("an address");
    let limits = Limits {
        max_root_size: LARGEST_ROOT,
        max_targets_size: LARGEST_LIST,
        max_timestamp_size: LARGEST_TIMESTAMP,
        max_snapshot_size: LARGEST_SNAPSHOT,
        max_root_updates: MOST_ROOTS,
    };
    let loader = RepositoryLoader::new(&root, anywhere(), anywhere())
        .transport(wire.clone())
        .limits(limits)
        .datastore(datastore)
        .expiration_enforcement(ExpirationEnforcement::Unsafe);
    Ok(runtime.block_on(loader.load()))
}

/// Believes a newer root: whether there is one. Versions of roles with new keys begin anew.
fn adopt(believed: &mut Believed, newer: &Root, wire: &Wire) -> bool {
    let before: Option<Signed<Root>> = serde_json::from_str(&believed.root).ok();
    let file = format!("{}.root.json", newer.version);
    let Some(bytes) = wire.seen().files.get(&file).and_then(|bytes| String::from_utf8(bytes.clone()).ok()) else {
        return false;
    };
    let same = |role| before.as_ref().is_some_and(|before| before.signed.keys(role).eq(newer.keys(role)));
    if !same(RoleType::Timestamp) || !same(RoleType::Snapshot) {
        (believed.floor.timestamp, believed.floor.snapshot) = (0, 0);
        believed.timestamp.clear();
        believed.snapshot.clear();
    }
    if !same(RoleType::Targets) {
        believed.floor.targets = 0;
    }
    believed.root = bytes;
    believed.floor.root = newer.version.get();
    true
}

/// Lists that need not be fetched again, by name.
fn known(believed: &Believed) -> BTreeMap<String, Vec<u8>> {
    let of = |role: &str, version: u64, content: &str| {
        (!content.is_empty()).then(|| (format!("{version}.{role}.json"), content.as_bytes().to_vec()))
    };
    let floor = believed.floor;
    [of("snapshot", floor.snapshot, &believed.snapshot), of("targets", floor.targets, &believed.targets)]
        .into_iter()
        .flatten()
        .collect()
}

fn versions(repository: &Repository) -> Floor {
    Floor {
        root: repository.root().signed.version.get(),
        timestamp: repository.timestamp().signed.version.get(),
        snapshot: repository.snapshot().signed.version.get(),
        targets: repository.targets().signed.version.get(),
    }
}

fn above_floor(repository: &Repository, floor: &Floor) -> Result<(), TrustError> {
    let offered = versions(repository);
    for (role, had, offered) in [
        (RoleType::Root, floor.root, offered.root),
        (RoleType::Timestamp, floor.timestamp, offered.timestamp),
        (RoleType::Snapshot, floor.snapshot, offered.snapshot),
        (RoleType::Targets, floor.targets, offered.targets),
    ] {
        if offered < had {
            return Err(TrustError::Rollback { role, had, offered });
        }
    }
    Ok(())
}

fn ends(repository: &Repository) -> [(RoleType, Timestamp); 4] {
    [
        (RoleType::Root, repository.root().signed.expires),
        (RoleType::Timestamp, repository.timestamp().signed.expires),
        (RoleType::Snapshot, repository.snapshot().signed.expires),
        (RoleType::Targets, repository.targets().signed.expires),
    ]
}

fn unexpired(repository: &Repository, believed: &Believed, wire: &Wire, now: Timestamp) -> Result<(), TrustError> {
    for (role, until) in ends(repository) {
        if until < now {
            let seen = wire.seen();
            let old = seen.files.get("timestamp.json").is_some_and(|bytes| bytes == believed.timestamp.as_bytes());
            return Err(match role {
                RoleType::Timestamp if old => TrustError::Frozen { until },
                role => TrustError::Expired { role, until, now },
            });
        }
    }
    Ok(())
}

fn trusted(repository: &Repository) -> Trusted {
    let until = ends(repository).into_iter().map(|(_, until)| until).min().unwrap_or(Timestamp::MIN);
    Trusted { versions: versions(repository), until, targets: listed(&repository.targets().signed) }
}

fn listed(list: &Targets) -> BTreeMap<String, Target> {
    let target = |(name, target): (&tough::TargetName, &tough::schema::Target)| {
        let custom: Map<String, Value> = target.custom.clone().into_iter().collect();
        let name = name.raw().to_owned();
        (name.clone(), Target { name, length: target.length, sha256: hex(&target.hashes.sha256), custom })
    };
    list.targets.iter().map(target).collect()
}

/// What was believed, if its signatures still say so.
fn verified(believed: &Believed) -> Option<Trusted> {
    fn signed<T: Role + DeserializeOwned>(root: &Root, text: &str) -> Option<T> {
        let signed: Signed<T> = serde_json::from_str(text).ok()?;
        root.verify_role(&signed).ok()?;
        Some(signed.signed)
    }
    let root: Signed<Root> = serde_json::from_str(&believed.root).ok()?;
    let timestamp: TimestampRole = signed(&root.signed, &believed.timestamp)?;
    let snapshot: Snapshot = signed(&root.signed, &believed.snapshot)?;
    let list: Targets = signed(&root.signed, &believed.targets)?;
    let until = root.signed.expires.min(timestamp.expires).min(snapshot.expires).min(list.expires);
    Some(Trusted { versions: believed.floor, until, targets: listed(&list) })
}

/// An error of `tough` by the name of the attack.
fn explain(error: Tough, wire: &Wire, root: Option<&Root>) -> TrustError {
    match error {
        Tough::Transport { url, source, .. } => {
            let file = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default().to_owned();
            transport(file, source, wire, root)
        }
        Tough::VerifyMetadata { role, .. } => forged(&last(wire, role), role, wire, root),
        Tough::ParseMetadata { role, source, .. } => {
            TrustError::Unreadable { file: last(wire, role), why: source.to_string() }
        }
        Tough::VersionMismatch { role, .. } => TrustError::MixAndMatch { file: last(wire, role) },
        Tough::OlderMetadata { role, current_version, new_version, .. } => {
            TrustError::Rollback { role, had: current_version, offered: new_version }
        }
        Tough::OlderSnapshotInTimestamp { snapshot_new, snapshot_old, .. } => {
            TrustError::Rollback { role: RoleType::Snapshot, had: snapshot_old, offered: snapshot_new }
        }
        Tough::SnapshotRoleRollback { old_role_version, new_role_version, .. } => {
            TrustError::Rollback { role: RoleType::Targets, had: old_role_version, offered: new_role_version }
        }
        Tough::SnapshotRoleMissing { role, .. } => TrustError::Dropped { list: role },
        Tough::MaxUpdatesExceeded { max_root_updates, .. } => TrustError::TooManyRoots(max_root_updates),
        Tough::ParseTrustedMetadata { source, .. } => TrustError::BadRoot { why: source.to_string() },
        Tough::VerifyTrustedMetadata { source, .. } => TrustError::BadRoot { why: source.to_string() },
        other => TrustError::Refused(Box::new(other)),
    }
}

fn transport(file: String, error: TransportError, wire: &Wire, root: Option<&Root>) -> TrustError {
    let cause = std::error::Error::source(&error);
    if let Some(refused) = cause.and_then(|cause| cause.downcast_ref::<Refused>()) {
        return match refused {
            Refused::TooLarge(most) => TrustError::TooLarge { file, most: *most },
            Refused::Html => TrustError::Html { file },
            Refused::Source(SourceError::NotThere) => TrustError::Lacking { file },
            Refused::Source(SourceError::Failed(_)) | Refused::Broken(_) => {
                TrustError::Unreachable { file, source: Box::new(error) }
            }
        };
    }
    match cause.and_then(|cause| cause.downcast_ref::<Tough>()) {
        // Other bytes, or more of them, than the file before it names.
        Some(Tough::HashMismatch { .. } | Tough::MaxSizeExceeded { .. }) => {
            let role = if file.ends_with("snapshot.json") { RoleType::Snapshot } else { RoleType::Targets };
            if fits(&file, role, wire, root) {
                TrustError::MixAndMatch { file }
            } else {
                forged(&file, role, wire, root)
            }
        }
        _ => TrustError::Unreachable { file, source: Box::new(error) },
    }
}

/// The name of the file of a role that came last.
fn last(wire: &Wire, role: RoleType) -> String {
    let ending = format!("{role}.json");
    let number = |name: &String| name.split('.').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    let seen = wire.seen();
    seen.files.keys().filter(|name| name.ends_with(&ending)).max_by_key(|name| number(name)).cloned().unwrap_or(ending)
}

/// Whether a file that came is signed as it must be.
fn fits(file: &str, role: RoleType, wire: &Wire, root: Option<&Root>) -> bool {
    fn signed<T: Role + DeserializeOwned>(root: &Root, bytes: &[u8]) -> bool {
        serde_json::from_slice::<Signed<T>>(bytes).is_ok_and(|signed| root.verify_role(&signed).is_ok())
    }
    let seen = wire.seen();
    let (Some(root), Some(bytes)) = (root, seen.files.get(file)) else { return false };
    match role {
        RoleType::Snapshot => signed::<Snapshot>(root, bytes),
        _ => signed::<Targets>(root, bytes),
    }
}

/// A file whose signatures do not count: changed after it was signed, if the right keys are named; or else by others.
fn forged(file: &str, role: RoleType, wire: &Wire, root: Option<&Root>) -> TrustError {
    #[derive(serde::Deserialize)]
    struct Signatures {
        signatures: Vec<Named>,
    }
    #[derive(serde::Deserialize)]
    struct Named {
        keyid: String,
    }
    let seen = wire.seen();
    let signatures = seen.files.get(file).and_then(|bytes| serde_json::from_slice::<Signatures>(bytes).ok());
    let keys = root.and_then(|root| root.roles.get(&role));
    let named = signatures.iter().flat_map(|found| &found.signatures).filter(|signature| {
        keys.is_some_and(|keys| keys.keyids.iter().any(|id| hex(id) == signature.keyid.to_ascii_lowercase()))
    });
    let file = file.to_owned();
    if named.count() as u64 >= keys.map_or(1, |keys| keys.threshold.get()) {
        TrustError::Tampered { file }
    } else {
        TrustError::WrongKeys { file, role, root: root.map_or(0, |root| root.version.get()) }
    }
}
