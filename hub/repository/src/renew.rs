//! Signs metadata anew before it expires, and mends what a power cut or a disk left broken, as far as keys go.
//!
//! One function for all of it, run on a period and at start: it compares what is there with what should be, and signs
//! the least that makes it right. It never takes what was in force back to an earlier version, for bins refuse that.
//!
//! - A role is due when it has less than [`RolePolicy::ahead`](crate::policy::RolePolicy) left, when the newest root's
//!   keys have not signed it, or when it holds longer than it may (a clock was ahead when it was signed).
//! - What is damaged or missing is signed from what is whole: a timestamp from the newest snapshot, that from the newest list.
//!   A damaged list of targets is signed from no copy, as nobody but the publisher knows what it said:
//!   [`RepositoryError::NoTargets`].
//! - A key that is lacking stops what it signs and nothing else: it is told in `Renewed::lacking`.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use tough::schema::RoleType;

use crate::keys::KeyFolders;
use crate::metadata::{Fault, Metadata};
use crate::staged::{Staged, number};
use crate::{Repository, RepositoryError, on, whole_seconds};

/// How much longer than its time something may hold before a clock is taken to have been wrong.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// What a renewal did, and what it could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Which roles were signed.
    pub signed: Vec<RoleType>,
    /// Which are due and could not be.
    pub lacking: Vec<Lacking>,
    /// What was found broken; mended, unless a role of it is lacking.
    pub found: Vec<Fault>,
    /// When something has to be signed next.
    pub due: Option<Timestamp>,
}

/// A role that is due and could not be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Which.
    pub role: RoleType,
    /// When bins take nothing new any more for lack of it; none if that is so now.
    pub expires: Option<Timestamp>,
    /// Why not, and what to do.
    pub why: String,
}

impl Repository {
    /// Signs what is due at `now`.
    ///
    /// # Errors
    /// [`RepositoryError`], if the clock or the disk is wrong, or no list of targets is left. Keys that are lacking are
    /// no error, but told.
    pub fn renew(&self, keys: &KeyFolders, now: Timestamp) -> Result<Renewed, RepositoryError> {
        let now = whole_seconds(now)?;
        let before = self.read()?;
        let mut renewed = Renewed { found: before.faults.clone(), ..Renewed::default() };
        self.remove_leftovers(&before.faults)?;
        if before.targets.is_none() {
            return Err(RepositoryError::NoTargets(self.metadata_folder()));
        }
        if self.is_due(&before, RoleType::Root, now) {
            self.renew_root(&before, keys, now, &mut renewed)?;
        }
        // From the list on: what is signed anew is named anew.
        for role in [RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp] {
            let before = self.read()?;
            if !self.is_due(&before, role, now)
                && (role == RoleType::Targets || self.names_what_is_there(&before, role))
            {
                continue;
            }
            let mut staged = Staged::new(&before.root.signed, &self.policy, keys, now);
            match staged.again(&before, role, &self.metadata_folder()) {
                Ok(()) => {
                    staged.write(self)?;
                    renewed.signed.append(&mut staged.signed);
                    break;
                }
                Err(RepositoryError::Keys(error)) => {
                    renewed.lacking.push(Lacking { role, expires: before.expires(role), why: error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        let after = self.read()?;
        renewed.due = crate::policy::ROLES
            .into_iter()
            .filter(|role| renewed.lacking.iter().all(|lacking| lacking.role != *role))
            .filter_map(|role| after.expires(role)?.checked_sub(self.policy.of(role).ahead).ok())
            .min();
        Ok(renewed)
    }

    fn is_due(&self, metadata: &Metadata, role: RoleType, now: Timestamp) -> bool {
        let policy = self.policy.of(role);
        metadata.expires(role).is_none_or(|expires| {
            let left = expires.duration_since(now);
            left <= policy.ahead || left > policy.lasts + SLACK
        })
    }

    /// Whether a role names the file that is newest and whole.
    fn names_what_is_there(&self, metadata: &Metadata, role: RoleType) -> bool {
        match role {
            RoleType::Snapshot => {
                metadata.snapshot.as_ref().zip(metadata.targets.as_ref()).is_some_and(|(snapshot, targets)| {
                    snapshot.signed.meta.get("targets.json").map(|meta| meta.version) == Some(targets.signed.version)
                })
            }
            RoleType::Timestamp => metadata.joined(),
            RoleType::Root | RoleType::Targets | RoleType::DelegatedTargets => true,
        }
    }

    fn renew_root(
        &self,
        before: &Metadata,
        keys: &KeyFolders,
        now: Timestamp,
        renewed: &mut Renewed,
    ) -> Result<(), RepositoryError> {
        let old = &before.root.signed;
        let mut root = old.clone();
        root.version = number(old.version.get() + 1);
        let mut staged = Staged::new(old, &self.policy, keys, now);
        root.expires = staged.expires(RoleType::Root);
        match keys
            .read(RoleType::Root)
            .map_err(RepositoryError::from)
            .and_then(|held| staged.root(&root, &held, Some(old)))
        {
            Ok(_) => {
                staged.write(self)?;
                renewed.signed.append(&mut staged.signed);
                Ok(())
            }
            Err(RepositoryError::Keys(error)) => {
                let lacking = Lacking { role: RoleType::Root, expires: Some(old.expires), why: error.to_string() };
                renewed.lacking.push(lacking);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn remove_leftovers(&self, faults: &[Fault]) -> Result<(), RepositoryError> {
        for fault in faults {
            if let Fault::Leftover(name) = fault {
                let path = self.metadata_folder().join(name);
                fs::remove_file(&path).map_err(on("remove", &path))?;
            }
        }
        Ok(())
    }
}
