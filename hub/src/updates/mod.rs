//! Updates that bins can trust: what the registry has, signed, in the repository that they load from.
//!
//! The crate `pilah-repository` signs; this room says what, and when. In force are the model in service, the one
//! before it, those that a rollout names, and the packages of the bin's program that were added. Each model is a target
//! `VERSION.json`, its manifest byte for byte; its networks lie beside it, named by their content, so that what two
//! versions share is there once. A bin is told of a target only when it is in force.
//!
//! A [`job`] compares what is signed with what should be, on a period and whenever either changes; the first round, the
//! retry, and the repair of what storage has lost are the same code. What keeps it from signing (keys that lie elsewhere,
//! a clock that cannot be right, a full disk) keeps neither the hub from starting nor bins from what they have; it is
//! said in the log, in `/api/status` and `/api/v1/updates`.
//!
//! One writes at a time, this hub or a command beside it: [`Updates::alone`].

/// What a model is in the repository. Pure.
mod target;

/// One comparison of what is signed with what should be.
mod round;

/// Packages of the bin's program.
pub(crate) mod packages;

/// Files that nothing names, until they may go. Pure.
mod leftovers;

/// Rounds, until the hub stops.
mod job;

/// HTTP: the repository, and how it stands with it.
pub(crate) mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use pilah_models::name::{ModelVersion, TargetName};
use pilah_models::wire::{DesiredModel, DesiredProgram};
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::{Repository, RepositoryError};
use serde::Serialize;
use tokio::sync::{Notify, watch};
use utoipa::ToSchema;

/// The folder of the repository in the data folder: all of it may be public.
const REPOSITORY: &str = "repository";
/// The folder of the keys, unless they lie elsewhere.
const KEYS: &str = "keys";
/// Held by whoever writes.
const LOCK: &str = "repository.lock";

/// How updates are signed and served.
#[derive(Debug, Clone, Default)]
pub struct UpdatesConfig {
    /// Where the keys lie; `keys` in the data folder, if left out.
    pub keys: Option<PathBuf>,
    /// Whether everybody may load the repository, so that a bucket can stand before it.
    pub public: bool,
}

/// What a bin may be told of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Not tried yet; it will be in a moment.
    Pending,
    /// In force under this name.
    As(TargetName),
    /// Not in force, for a reason that is said elsewhere: bins that go by signatures will not load it.
    Not,
}

/// What became of the versions that are to be in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publications {
    models: BTreeMap<ModelVersion, Option<TargetName>>,
    program: Option<DesiredProgram>,
}

impl Publications {
    /// What a bin may be told of this version.
    #[must_use]
    pub fn of(&self, version: &ModelVersion) -> Publication {
        match self.models.get(version) {
            None => Publication::Pending,
            Some(None) => Publication::Not,
            Some(Some(name)) => Publication::As(name.clone()),
        }
    }

    /// What a bin is told of a model: with its target, if that is in force; nothing yet, if it will be in a moment.
    #[must_use]
    pub fn told(&self, model: DesiredModel) -> Option<DesiredModel> {
        match self.of(&model.version) {
            Publication::Pending => None,
            Publication::As(target) => Some(DesiredModel { target: Some(target), ..model }),
            Publication::Not => Some(DesiredModel { target: None, ..model }),
        }
    }

    /// The program that bins are to have; none leaves them their own.
    #[must_use]
    pub fn program(&self) -> Option<&DesiredProgram> {
        self.program.as_ref()
    }
}

/// How it stands with the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UpdatesView {
    /// The version of the root of trust; `null` before there is one.
    pub root: Option<u64>,
    /// The version of the list of targets in force.
    pub list: Option<u64>,
    /// How many targets are in force.
    pub targets: usize,
    /// When bins take nothing new any more, unless something is signed until then. The hub does so by itself if it has
    /// the keys.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// What is out of order, in words.
    pub faults: Vec<String>,
    /// What should be otherwise, in words: where the root keys lie.
    pub warning: Option<String>,
    /// Whether the repository is served without a login.
    pub public: bool,
}

/// The repository of a running hub. Clones share it.
#[derive(Debug, Clone)]
pub struct Updates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    public: bool,
    wanted: watch::Sender<BTreeSet<ModelVersion>>,
    publications: watch::Sender<Publications>,
    view: watch::Sender<UpdatesView>,
    nudge: Notify,
}

/// Where repository and keys lie: what a command beside the hub needs as well.
#[derive(Debug, Clone)]
pub struct Place {
    data: PathBuf,
    /// Where the keys lie.
    pub keys: KeyFolders,
}

impl Place {
    /// Those of a data folder, with the keys in `keys` or else in the data folder.
    #[must_use]
    pub fn of(data: &Path, keys: Option<&Path>) -> Self {
        let keys = keys.map_or_else(|| data.join(KEYS), Path::to_owned);
        Self { data: data.to_owned(), keys: KeyFolders::one_machine(&keys) }
    }

    /// The folder that a web server or a bucket may serve.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.data.join(REPOSITORY)
    }

    /// The repository, which need not exist yet.
    #[must_use]
    pub fn repository(&self, policy: Policy) -> Repository {
        Repository::new(self.folder(), policy)
    }

    /// Does something while nobody else writes. It blocks: another writer takes a moment.
    ///
    /// # Errors
    /// The lock cannot be had, as the folder cannot be written to.
    pub fn alone<T>(&self, act: impl FnOnce() -> T) -> io::Result<T> {
        let lock = File::options().create(true).truncate(false).write(true).open(self.data.join(LOCK))?;
        lock.lock()?;
        Ok(act())
    }

    /// Words without the path of the data folder, which people far away need not know.
    fn without_path(&self, words: &str) -> String {
        let data = self.data.to_string_lossy();
        if data.is_empty() { words.to_owned() } else { words.replace(&format!("{data}/"), "") }
    }
}

impl Updates {
    /// Those of the hub on this data folder.
    #[must_use]
    pub fn new(data: &Path, config: &UpdatesConfig) -> Self {
        Self(Arc::new(Inner {
            place: Place::of(data, config.keys.as_deref()),
            public: config.public,
            wanted: watch::Sender::default(),
            publications: watch::Sender::default(),
            view: watch::Sender::new(UpdatesView { public: config.public, ..UpdatesView::default() }),
            nudge: Notify::new(),
        }))
    }

    /// Has these versions published as well as those that always are: a rollout's, while it is open.
    pub fn want(&self, versions: BTreeSet<ModelVersion>) {
        self.0.wanted.send_if_modified(|wanted| std::mem::replace(wanted, versions) != *wanted);
    }

    /// The target of a version, if it is in force.
    #[must_use]
    pub fn published(&self, version: &ModelVersion) -> Option<TargetName> {
        match self.0.publications.borrow().of(version) {
            Publication::As(name) => Some(name),
            Publication::Pending | Publication::Not => None,
        }
    }

    /// What became of the versions that are to be in force; each change wakes those who watch.
    #[must_use]
    pub fn publications(&self) -> watch::Receiver<Publications> {
        self.0.publications.subscribe()
    }

    /// How it stands with the repository.
    #[must_use]
    pub fn view(&self) -> UpdatesView {
        self.0.view.borrow().clone()
    }

    /// Has it look at once: a package was added.
    pub fn nudge(&self) {
        self.0.nudge.notify_one();
    }

    /// The newest root: what a bin is given to trust.
    ///
    /// # Errors
    /// [`RepositoryError`]: there is none yet, or it is damaged.
    pub async fn root_of_trust(&self) -> Result<String, RepositoryError> {
        let repository = self.0.place.repository(Policy::default());
        let read = tokio::task::spawn_blocking(move || repository.root_of_trust());
        let root = read.await.expect("reading files does not panic and is not aborted")?;
        Ok(String::from_utf8(root).expect("what was parsed as JSON is UTF-8"))
    }
}

#[cfg(test)]
mod tests;
