//! The repository that bins load updates from, by [TUF](https://theupdateframework.io): who holds the hub's disk or its
//! network, but not the keys, can make no bin take anything.
//!
//! ```text
//! repository/metadata/N.root.json      whose keys count, and how many of them; never replaced
//! repository/metadata/N.targets.json   what there is: names, lengths, SHA-256, custom data
//! repository/metadata/N.snapshot.json  which targets.json is in force
//! repository/metadata/timestamp.json   which snapshot is in force; the only file that is replaced
//! repository/targets/SHA256.name       the files, by content, under flat names
//! keys/ROLE/KEYID.pk8                  private keys, PKCS#8, mode 0600
//! ```
//!
//! **What stays private where.** The folder `repository` is public, all of it: a web server or a bucket may hand out
//! every file of it, and whoever changes one is found out. The keys of *timestamp* and *snapshot* lie on the hub, which
//! signs by itself before they expire; who steals them can hold bins at what was published, and no more. The key of
//! *targets* says what bins install: it lies on the hub if the hub is to publish by itself, or with whoever publishes.
//! The keys of *root* name all others; they belong on something that is unplugged, and are needed to exchange keys and
//! every second year. A repository whose root keys lie beside the others ([`keys::KeyFolders::one_machine`]) works the
//! same, and says at each turn that it is that.
//!
//! **A reader never sees a file before what it names.** Files are written targets first, then targets.json, snapshot,
//! timestamp, each by [`pilah_models::durable`]; a power cut between two leaves the old state in force, and numbers that
//! were used are not used again. When a role gets new keys, what they sign carries the old signature, too, and is
//! written before the root that names them: whoever comes in between believes either.
//!
//! Built on `tough`'s schema, canonical form and signatures. Its `RepositoryEditor` signs all roles at once, so that a
//! timestamp could not be renewed without the key of targets, and its files are a third larger; ADR 37 says more.
//!
//! Deliberately not here: HTTP, schedules, which bin wants what.

/// How many keys a role has, how many must sign, and for how long.
pub mod policy;

/// Private keys on disk: made, read, refused.
pub mod keys;

/// What lies in the folder, checked as a bin would check it.
mod metadata;

/// Signing one role after the other, in the order in which they are written.
mod staged;

/// Targets put in force.
pub mod publish;

/// Metadata signed anew before it expires, and what a power cut or a disk left broken mended.
pub mod renew;

/// The first root, and new keys for a role.
pub mod rotate;

/// Targets that storage no longer has as they were signed.
pub mod audit;

/// What is in force, and how it stands with the keys.
pub mod status;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use pilah_models::durable;
pub use tough::schema::RoleType;

pub use crate::metadata::Fault;
use crate::policy::Policy;

/// No clock that is right says an earlier time: 2026-01-01T00:00:00Z.
pub const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The largest list of targets, in bytes: some 4,000 of them. A bin takes no larger one.
pub const LARGEST_LIST: usize = 1024 * 1024;

/// A repository on a folder.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: PathBuf,
    policy: Policy,
    disk: Disk,
}

type Write = dyn Fn(&Path, &[u8]) -> io::Result<()> + Send + Sync;

/// How a file is written; tests cut it off.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Write>);

impl Disk {
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> Result<(), RepositoryError> {
        (self.0)(path, content).map_err(on("write", path))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Repository {
    /// The repository in `folder`, which need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, policy: Policy) -> Self {
        Self { folder: folder.into(), policy, disk: Disk(Arc::new(durable::write)) }
    }

    /// Where metadata lies: what is served at `/repo/metadata/`.
    #[must_use]
    pub fn metadata_folder(&self) -> PathBuf {
        self.folder.join("metadata")
    }

    /// Where targets lie: what is served at `/repo/targets/`.
    #[must_use]
    pub fn targets_folder(&self) -> PathBuf {
        self.folder.join("targets")
    }

    /// Whether keys were ever named here.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.metadata_folder().join("1.root.json").exists()
    }

    /// The newest root: what a bin is given to trust.
    ///
    /// # Errors
    /// [`RepositoryError`], if there is none or the chain of roots is broken.
    pub fn root_of_trust(&self) -> Result<Vec<u8>, RepositoryError> {
        Ok(self.read()?.root.bytes)
    }
}

/// What a repository cannot do.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// There is no root yet.
    #[error("there is no repository in {}: `pilah-hub keys init` makes one", .0.display())]
    NotThere(PathBuf),
    /// There is a root already.
    #[error("there is a repository in {} already: new keys for a role come by `pilah-hub keys rotate`", .0.display())]
    There(PathBuf),
    /// A file that nothing else can stand in for is not what it was.
    #[error("{} is {what}: bring it back from a copy of the repository", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// "missing", or what is wrong with it.
        what: String,
    },
    /// No whole targets.json is left.
    #[error("no signed list of targets is whole in {}: publish the targets again", .0.display())]
    NoTargets(PathBuf),
    /// The clock cannot be right.
    #[error("the clock says {0}, which cannot be: what is signed now would have expired. Set the clock, and try again")]
    Clock(Timestamp),
    /// Keys are lacking, wrong or not kept to oneself.
    #[error(transparent)]
    Keys(#[from] keys::KeyError),
    /// A target cannot be published.
    #[error(transparent)]
    Offer(#[from] publish::OfferError),
    /// Too many targets.
    #[error(
        "the list of targets would have {bytes} bytes, and no bin takes more than {LARGEST_LIST}: withdraw old targets"
    )]
    TooMany {
        /// How long it would be.
        bytes: usize,
    },
    /// A threshold that cannot be reached.
    #[error(transparent)]
    Policy(#[from] policy::PolicyError),
    /// The disk.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// "read", "write".
        act: &'static str,
        /// What.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A signature could not be made.
    #[error("cannot sign {role}")]
    Sign {
        /// Which role.
        role: RoleType,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Puts the path to an error of the disk.
pub(crate) fn on<'a>(act: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> RepositoryError + 'a {
    move |source| RepositoryError::Io { act, path: path.to_owned(), source }
}

/// The time without fractions, as metadata has it, if it can be right.
pub(crate) fn whole_seconds(now: Timestamp) -> Result<Timestamp, RepositoryError> {
    if now < EARLIEST {
        return Err(RepositoryError::Clock(now));
    }
    Timestamp::from_second(now.as_second()).map_err(|_| RepositoryError::Clock(now))
}
