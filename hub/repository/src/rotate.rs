//! The first root, and new keys for a role.
//!
//! Every root is signed by the keys of the one before and by its own, so that a bin which was off for years follows the
//! chain from the root that it was given. New keys are on disk before a root names them. A rotation that was cut off is
//! taken up where it was: keys that no root names yet are the new ones.
//!
//! Who is cut off by it: whoever holds the old keys, from the moment at which a bin reads the new root. The numbers that a
//! thief has driven up are forgotten by bins with the keys of timestamp or snapshot.

use std::collections::HashMap;

use jiff::Timestamp;
use tough::schema::{RoleKeys, RoleType, Root};

use crate::keys::{self, KeyError, KeyFolders, PrivateKey, hex};
use crate::metadata::Metadata;
use crate::policy::ROLES;
use crate::staged::{SPEC, Staged, number};
use crate::{Repository, RepositoryError, whole_seconds};

/// What `keys init` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    /// How many keys were made.
    pub made: usize,
    /// How many lay there already, and are named by the first root.
    pub found: usize,
    /// That all keys lie on this machine, if so, and what to do about it.
    pub warning: Option<String>,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The version of the new root.
    pub root: u64,
    /// Ids of the keys that count from now on.
    pub keys: Vec<String>,
    /// Ids of those that do not any more, and lie in `retired` if they were there.
    pub retired: Vec<String>,
    /// Which roles were signed.
    pub signed: Vec<RoleType>,
    /// That what was in force stays invalid until the new root is read, as the old keys were not there to sign it.
    pub gap: bool,
}

impl Repository {
    /// Makes the keys that are lacking, the first root, and an empty list of targets.
    ///
    /// # Errors
    /// [`RepositoryError`]; keys that were made by then are used the next time.
    pub fn init(&self, folders: &KeyFolders, now: Timestamp) -> Result<Initialised, RepositoryError> {
        let now = whole_seconds(now)?;
        self.policy.check()?;
        if self.exists() {
            // Cut off after the root was written: the rest follows, nothing else is touched.
            let before = self.read()?;
            if before.timestamp.is_some() || before.root.signed.version.get() > 1 {
                return Err(RepositoryError::There(self.metadata_folder()));
            }
            self.first_list(&before, folders, now)?;
            return Ok(Initialised { made: 0, found: 0, warning: folders.warning() });
        }
        let mut root = Root {
            spec_version: SPEC.to_owned(),
            consistent_snapshot: true,
            version: number(1),
            expires: now.saturating_add(self.policy.root.lasts).unwrap_or(Timestamp::MAX),
            keys: HashMap::new(),
            roles: HashMap::new(),
            _extra: HashMap::new(),
        };
        let (mut made, mut found) = (0, 0);
        for role in ROLES {
            let mut held = match folders.read(role) {
                Ok(held) => held.keys,
                Err(KeyError::Missing { .. } | KeyError::Empty { .. }) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            found += held.len();
            while (held.len() as u64) < self.policy.of(role).keys {
                held.push(keys::make(role, home(folders, role, held.len()))?);
                made += 1;
            }
            self.name_keys(&mut root, role, &held);
        }
        let mut staged = Staged::new(&root, &self.policy, folders, now);
        staged.root(&root, &folders.read(RoleType::Root)?, None)?;
        staged.write(self)?;
        self.first_list(&self.read()?, folders, now)?;
        Ok(Initialised { made, found, warning: folders.warning() })
    }

    fn first_list(&self, before: &Metadata, folders: &KeyFolders, now: Timestamp) -> Result<(), RepositoryError> {
        let mut staged = Staged::new(&before.root.signed, &self.policy, folders, now);
        staged.targets(before, HashMap::new())?;
        staged.write(self)
    }

    /// Makes new keys for a role, and has a new root name them instead of the old ones.
    ///
    /// # Errors
    /// [`RepositoryError`]; keys that were made by then are used the next time.
    pub fn rotate(&self, folders: &KeyFolders, role: RoleType, now: Timestamp) -> Result<Rotated, RepositoryError> {
        let now = whole_seconds(now)?;
        self.policy.check()?;
        let before = self.read()?;
        let old = &before.root.signed;
        // Asked for first: without the root keys no key is made in vain.
        folders.read(RoleType::Root)?.enough_for(old)?;
        let held = match folders.read(role) {
            Ok(held) => Some(held),
            Err(KeyError::Missing { .. } | KeyError::Empty { .. }) if role != RoleType::Root => None,
            Err(error) => return Err(error.into()),
        };
        let policy = self.policy.of(role);
        // Those of a rotation that was cut off; never one that counted once, for it may be the one that was stolen.
        let unused = held.iter().flat_map(|held| &held.keys).filter(|key| !before.ever_named.contains(&key.id));
        let mut new: Vec<PrivateKey> =
            unused.take(usize::try_from(policy.keys).unwrap_or(usize::MAX)).cloned().collect();
        while (new.len() as u64) < policy.keys {
            new.push(keys::make(role, home(folders, role, new.len()))?);
        }
        let mut root = old.clone();
        root.version = number(old.version.get() + 1);
        root.expires = now.saturating_add(self.policy.root.lasts).unwrap_or(Timestamp::MAX);
        self.name_keys(&mut root, role, &new);

        let mut staged = Staged::new(&root, &self.policy, folders, now);
        // What the role signs carries both signatures and comes first, if the old keys are there; or else the root does.
        let gap = role != RoleType::Root && held.as_ref().is_none_or(|held| held.enough_for(old).is_err());
        let keys = folders.read(RoleType::Root)?;
        if role == RoleType::Root {
            staged.root(&root, &keys, Some(old))?;
        } else if gap {
            staged.root(&root, &keys, Some(old))?;
            staged.again(&before, role, &self.metadata_folder())?;
        } else {
            staged.roots.insert(0, old);
            staged.again(&before, role, &self.metadata_folder())?;
            staged.root(&root, &keys, Some(old))?;
        }
        staged.write(self)?;
        for key in held.iter().flat_map(|held| &held.keys).filter(|key| before.ever_named.contains(&key.id)) {
            keys::retire(key)?;
        }
        let ids =
            |root: &Root| root.roles.get(&role).map(|role| role.keyids.iter().map(|id| hex(id)).collect::<Vec<_>>());
        Ok(Rotated {
            root: root.version.get(),
            keys: ids(&root).unwrap_or_default(),
            retired: ids(old).unwrap_or_default(),
            signed: staged.signed,
            gap,
        })
    }

    /// Has `root` name exactly these keys for `role`.
    fn name_keys(&self, root: &mut Root, role: RoleType, keys: &[PrivateKey]) {
        let mut keyids: Vec<_> = keys.iter().map(|key| key.id.clone().into()).collect();
        keyids.sort();
        for key in keys {
            root.keys.insert(key.id.clone().into(), key.public.clone());
        }
        root.roles
            .insert(role, RoleKeys { keyids, threshold: self.policy.of(role).threshold(), _extra: HashMap::new() });
        let named: Vec<_> = root.roles.values().flat_map(|role| role.keyids.iter().cloned()).collect();
        root.keys.retain(|id, _| named.contains(id));
    }
}

/// The folder of a role's key number `index`: if there are several, one after the other.
fn home(folders: &KeyFolders, role: RoleType, index: usize) -> &std::path::Path {
    let folders = folders.of(role);
    &folders[index % folders.len()]
}
