//! The models on the bin's disk: fetched, verified, and switched to at once or not at all.
//!
//! ```text
//! models/objects/{sha256}        manifests, backbones and heads by their content
//! models/objects/{sha256}.part   what has come of one that is being fetched
//! models/active.json             which manifest is in force, which was before, and how it stands ([`record`])
//! models/figures.json            how the model that is not on trial does ([`figures`])
//! ```
//!
//! An update goes: manifest by its id → room on the disk for what is lacking → the files that are lacking,
//! each under a size ceiling and checked by its SHA-256, on disk → load → golden outputs; so far it is
//! [`ModelStore::prepare`], beside the bin's loop, and the last pictures ([`selftest`]). Then the loop asks whether the
//! model is still wanted, and `active.json` is replaced in one step ([`standing::Standing::put_in_force`]). Whatever goes wrong before that step,
//! power included, leaves the model that was in force; what has come of the other is kept for the next
//! attempt, and deleted when another model is wanted. After a head was retrained only the manifest and a head
//! of a few KB are fetched, for the backbone is there already.
//!
//! Then the model is on [`trial`]: it is kept, or the one before is in force again, by itself. One that brings the program
//! down is taken back at a later start ([`starts`]).
//!
//! At start the active model is loaded; if it is damaged, the one before; if that is, too, the bundle
//! that is configured.
//!
//! With a root of trust, nothing is taken but what was signed ([`repository`], [`signed`]): the hub may still say which of
//! the signed models it wants. Without one, its word counts.
//!
//! Deliberately not here: who may say which model is wanted (the hub's broker account), and when to
//! try again ([`plan`]).

/// Artifacts over HTTP.
pub mod fetch;

/// One artifact on its way to the disk.
pub mod download;

/// When to fetch what.
pub mod plan;

/// Where the bundle is that shipped with the program.
pub mod shipped;

/// How a model did with its last items.
pub mod figures;

/// Whether a new model is as good here as the one before.
pub mod trial;

/// Whether a model brings the program down.
pub mod starts;

/// Whether a new model can answer what this bin saw last.
pub mod selftest;

/// A model that is asked, and may panic.
pub mod answer;

/// What is in force, as it is on disk.
mod record;

/// What the bytes of an update go through.
pub mod gate;
/// How the model in force stands, on disk and in the loop.
pub mod standing;

/// The signed repository.
pub mod repository;

/// Whether what the hub wants is what was signed.
pub mod signed;

/// The signed repository over HTTP.
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use download::Supply;
use fetch::FetchError;
use pilah_models::bundle::{
    Bundle, BundleError, FileRef, LARGEST_MANIFEST, LARGEST_NETWORK, MANIFEST_FILE, Manifest, ManifestError,
};
use pilah_models::durable::{self, TEMPORARY_SUFFIX};
use pilah_models::infer::{Classifier, LoadError};
use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::wire::DesiredModel;
use pilah_trust::TrustError;
use record::Record;
use repository::Signed;

/// What an update leaves free on the disk, in bytes: the outbox and the logs need room, too.
const LEFT_FREE: u64 = 8 * 1024 * 1024;

/// A model that was wanted and is not in force.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// A file could not be fetched.
    #[error("cannot fetch the {part}")]
    Fetch {
        /// `manifest`, `backbone` or `head`.
        part: &'static str,
        /// Why not.
        source: FetchError,
    },
    /// The manifest is not the one that is wanted.
    #[error("the manifest that was fetched has SHA-256 {found}, the one wanted is {expected}")]
    OtherManifest {
        /// What is wanted.
        expected: ContentId,
        /// What came.
        found: ContentId,
    },
    /// The manifest says nothing sensible.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It is of another model than it is said to be.
    #[error("the manifest is of model {found}, not of {expected}")]
    OtherVersion {
        /// What is wanted.
        expected: ModelVersion,
        /// What the manifest says.
        found: ModelVersion,
    },
    /// What was signed is not believed, or does not come.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It is not what was signed.
    #[error(transparent)]
    Unsigned(#[from] signed::Unsigned),
    /// Nothing is believed before the clock is set.
    #[error("waits for the clock to be set: signatures hold until a time")]
    ClockAwaited(Duration),
    /// The model is larger than a bin can load.
    #[error("the {part} has {bytes} bytes, more than the {LARGEST_NETWORK} that a bin loads")]
    TooLarge {
        /// `backbone` or `head`.
        part: &'static str,
        /// What the manifest says.
        bytes: u64,
    },
    /// A file is not the one that the manifest names.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The model cannot be run, or does not answer what it should.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It does not stand up to what this bin sees.
    #[error(transparent)]
    Unfit(#[from] selftest::Unfit),
    /// The disk is too full for it. Nothing was fetched.
    #[error(
        "the disk of {} has {free} bytes free, and the model needs {needed} and as many as {LEFT_FREE} left over: free \
         some space (df -h); it is looked at again",
        folder.display()
    )]
    NoRoom {
        /// Where models are kept.
        folder: PathBuf,
        /// What is lacking of the model.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// It cannot be written.
    #[error("the model cannot be written")]
    Store(#[source] io::Error),
}

impl UpdateError {
    /// Whether the same attempt may succeed later. Content that is wrong stays wrong.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Fetch { source, .. } => source.may_pass(),
            Self::Store(_) | Self::NoRoom { .. } | Self::ClockAwaited(_) => true,
            // Whoever stands in between may be gone next time; but what came whole and is not what was signed is not
            // fetched again and again.
            Self::Trust(error) => {
                !matches!(error, TrustError::ArbitraryTarget { .. } | TrustError::TargetTooLarge { .. })
            }
            _ => false,
        }
    }

    /// It ended because nobody wants it any more.
    #[must_use]
    pub fn given_up() -> Self {
        Self::Fetch { part: "model", source: FetchError::NotWanted }
    }

    /// Whether it ended because nobody wants it any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        matches!(self, Self::Fetch { source: FetchError::NotWanted, .. })
    }
}

/// There is no model at all.
#[derive(Debug, thiserror::Error)]
pub enum NoModel {
    /// The configured bundle is not whole.
    #[error("the bundle {} cannot be used", path.display())]
    Bundle {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: BundleError,
    },
    /// The configured bundle does not load.
    #[error("the model in {} cannot be used", path.display())]
    Load {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: LoadError,
    },
}

/// A model in force.
#[derive(Debug, Clone)]
pub struct InForce {
    /// What classifies.
    pub classifier: Classifier,
    /// SHA-256 of its manifest.
    pub id: ContentId,
}

impl InForce {
    /// Its name.
    #[must_use]
    pub fn version(&self) -> &ModelVersion {
        &self.classifier.manifest().version
    }
}

/// Brings a file: what it is, its id, the most bytes that it may have.
type Fetch<'a> = dyn Fn(&'static str, &ContentId, u64) -> Result<Vec<u8>, UpdateError> + 'a;

/// The models on disk.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
    /// The bundle that is used while there is nothing else.
    shipped: PathBuf,
}

impl ModelStore {
    /// The store in `folder`, which need not exist; `shipped` is the folder of the configured bundle.
    #[must_use]
    pub fn new(folder: PathBuf, shipped: PathBuf) -> Self {
        Self { folder, shipped }
    }

    /// Loads the model that was in force when the program ended, or the best one that is left. What
    /// could not be used is told to `skipped`, with the reason in words.
    ///
    /// # Errors
    /// Not even the configured bundle can be used.
    pub fn load(&self, skipped: impl FnMut(&str)) -> Result<InForce, NoModel> {
        self.delete_leftovers();
        self.find(skipped)
    }

    /// As [`ModelStore::load`], and leaves the folder as it is: for whoever looks in beside a bin that runs.
    ///
    /// # Errors
    /// As [`ModelStore::load`].
    pub fn find(&self, mut skipped: impl FnMut(&str)) -> Result<InForce, NoModel> {
        let record = match self.record() {
            Ok(record) => record,
            Err(error) => {
                skipped(&error.to_string());
                None
            }
        };
        let ids: Vec<ContentId> = record.iter().flat_map(Record::ids).cloned().collect();
        self.first_of(&ids, skipped)
    }

    /// The first of some models on disk that can be used, or else the shipped one.
    fn first_of(&self, ids: &[ContentId], mut skipped: impl FnMut(&str)) -> Result<InForce, NoModel> {
        for id in ids {
            match self.load_stored(id) {
                Ok(classifier) => return Ok(InForce { classifier, id: id.clone() }),
                Err(error) => skipped(&crate::words::in_words(&error)),
            }
        }
        let path = &self.shipped;
        let bundle = Bundle::read(path).map_err(|source| NoModel::Bundle { path: path.clone(), source })?;
        let classifier = Classifier::load(&bundle).map_err(|source| NoModel::Load { path: path.clone(), source })?;
        Ok(InForce { classifier, id: bundle.id() })
    }

    /// Fetches what `target` lacks and verifies it, on the hub's word; all of it is on disk then, and not in force.
    /// Blocks; to be called from a thread that may.
    ///
    /// # Errors
    /// [`UpdateError`]; what has come is kept.
    pub fn prepare(
        &self,
        current: &InForce,
        target: &DesiredModel,
        supply: &Supply<'_>,
    ) -> Result<InForce, UpdateError> {
        let fetch = |part, id: &ContentId, limit| {
            let path = self.object_path(id);
            download::download(&path, id, limit, supply).map_err(|source| UpdateError::Fetch { part, source })
        };
        self.assemble(current, target, supply.free, &fetch, &|_| Ok(()))
    }

    /// As [`ModelStore::prepare`], of nothing but what was signed; `free` tells the bytes that are free on the disk.
    ///
    /// # Errors
    /// [`UpdateError`]; what has come is kept.
    pub fn prepare_signed(
        &self,
        current: &InForce,
        target: &DesiredModel,
        signed: &Signed,
        free: &dyn Fn() -> Option<u64>,
    ) -> Result<InForce, UpdateError> {
        let manifest = signed::manifest_of(&signed.trusted, target)?;
        let fetch = |part, id: &ContentId, limit| {
            let of = if *id == target.manifest { Some(manifest) } else { signed::with_content(&signed.trusted, id) };
            let of = of.ok_or_else(|| signed::Unsigned::Network { part, sha256: id.clone() })?;
            let fetched = signed.client.fetch(of, &self.folder.join("objects"), limit)?;
            fs::read(fetched.path).map_err(UpdateError::Store)
        };
        let labels = &current.classifier.manifest().labels;
        self.assemble(current, target, free, &fetch, &|found| Ok(signed::agrees(manifest, found, labels)?))
    }

    /// Brings together a model of files that are here, or that `fetch` brings (what it is, its id, how large it may be);
    /// a manifest that `agrees` does not agree with is refused before its networks are fetched.
    fn assemble(
        &self,
        current: &InForce,
        target: &DesiredModel,
        free: &dyn Fn() -> Option<u64>,
        fetch: &Fetch<'_>,
        agrees: &dyn Fn(&Manifest) -> Result<(), UpdateError>,
    ) -> Result<InForce, UpdateError> {
        self.delete_unused(&[&current.id, &target.manifest]);
        if self.object(&target.manifest, LARGEST_MANIFEST).is_none() {
            self.make_sure_of_room(LARGEST_MANIFEST, free)?;
        }
        let manifest_bytes = self.bring("manifest", &target.manifest, LARGEST_MANIFEST, fetch)?;
        let found = ContentId::of(&manifest_bytes);
        if found != target.manifest {
            return Err(UpdateError::OtherManifest { expected: target.manifest.clone(), found });
        }
        let manifest = Manifest::parse(&manifest_bytes)?;
        if manifest.version != target.version {
            return Err(UpdateError::OtherVersion { expected: target.version.clone(), found: manifest.version });
        }
        agrees(&manifest)?;
        let files = [("backbone", &manifest.backbone), ("head", &manifest.head)];
        if let Some((part, file)) = files.into_iter().find(|(_, file)| file.bytes > LARGEST_NETWORK) {
            return Err(UpdateError::TooLarge { part, bytes: file.bytes });
        }
        let needed: u64 = files.iter().map(|(_, file)| self.lacking(file)).sum();
        if needed > 0 {
            self.make_sure_of_room(needed, free)?;
        }
        let backbone = self.bring("backbone", &manifest.backbone.sha256, manifest.backbone.bytes, fetch)?;
        let head = self.bring("head", &manifest.head.sha256, manifest.head.bytes, fetch)?;
        let bundle = Bundle::from_parts(manifest_bytes, backbone, head)?;
        let classifier = current.classifier.load_next(&bundle)?;
        Ok(InForce { classifier, id: bundle.id() })
    }

    /// Puts a model in force on disk that was prepared while `previous` was in force, without a trial.
    ///
    /// # Errors
    /// It cannot be written; the model that was in force still is.
    pub fn put_in_force(&self, prepared: &InForce, previous: &ContentId) -> Result<(), UpdateError> {
        let new = record::New { manifest: &prepared.id, version: prepared.version() };
        // One that cannot be read is replaced: it would keep the bin from its model for good.
        let old = self.record().unwrap_or_default();
        self.write_record(&Record::installed(old.as_ref(), new, previous, None)).map_err(UpdateError::Store)?;
        self.delete_unused(&[]);
        Ok(())
    }

    /// The bytes of a file, from the disk or else fetched; if they are what the id says, they are among the
    /// objects then.
    fn bring(&self, part: &'static str, id: &ContentId, limit: u64, fetch: &Fetch<'_>) -> Result<Vec<u8>, UpdateError> {
        let path = self.object_path(id);
        match self.object(id, limit) {
            Some(bytes) => {
                if !fs::read(&path).is_ok_and(|there| there == bytes) {
                    durable::write(&path, &bytes).map_err(UpdateError::Store)?;
                }
                Ok(bytes)
            }
            None => fetch(part, id, limit),
        }
    }

    /// How much of a file is still to be written.
    fn lacking(&self, file: &FileRef) -> u64 {
        let path = self.object_path(&file.sha256);
        match fs::metadata(&path) {
            Ok(there) if there.len() == file.bytes => 0,
            _ => file.bytes.saturating_sub(download::come(&path)),
        }
    }

    fn make_sure_of_room(&self, needed: u64, free: &dyn Fn() -> Option<u64>) -> Result<(), UpdateError> {
        match free() {
            Some(free) if free < needed.saturating_add(LEFT_FREE) => {
                Err(UpdateError::NoRoom { folder: self.folder.clone(), needed, free })
            }
            _ => Ok(()),
        }
    }

    fn record(&self) -> io::Result<Option<Record>> {
        let path = self.active_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        };
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {e}", path.display())))?;
        match record.version {
            record::VERSION => Ok(Some(record)),
            other => Err(io::Error::other(format!("{} is of version {other}, not 1", path.display()))),
        }
    }

    fn write_record(&self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec(record).map_err(io::Error::other)?;
        durable::write(&self.active_path(), &text)
    }

    /// SHA-256 of the shipped manifest, if it can be read.
    fn shipped_id(&self) -> Option<ContentId> {
        fs::read(self.shipped.join(MANIFEST_FILE)).ok().map(|bytes| ContentId::of(&bytes))
    }

    fn load_stored(&self, id: &ContentId) -> Result<Classifier, UpdateError> {
        let read = |id: &ContentId| {
            let path = self.object_path(id);
            match fs::read(&path) {
                // What was gone back to may be the shipped one.
                Err(source) if source.kind() == io::ErrorKind::NotFound => {
                    self.object(id, LARGEST_NETWORK).ok_or(UpdateError::Bundle(BundleError::Read { path, source }))
                }
                read => read.map_err(|source| UpdateError::Bundle(BundleError::Read { path, source })),
            }
        };
        let manifest_bytes = read(id)?;
        let found = ContentId::of(&manifest_bytes);
        if found != *id {
            return Err(UpdateError::OtherManifest { expected: id.clone(), found });
        }
        let manifest = Manifest::parse(&manifest_bytes)?;
        let (backbone, head) = (read(&manifest.backbone.sha256)?, read(&manifest.head.sha256)?);
        Ok(Classifier::load(&Bundle::from_parts(manifest_bytes, backbone, head)?)?)
    }

    /// The bytes of this content, if they are on disk and whole: among the objects or in the bundle that
    /// was configured.
    fn object(&self, id: &ContentId, limit: u64) -> Option<Vec<u8>> {
        let shipped = ["backbone.onnx", "head.onnx", "manifest.json"].map(|name| self.shipped.join(name));
        let places = std::iter::once(self.object_path(id)).chain(shipped);
        places
            .filter(|path| fs::metadata(path).is_ok_and(|file| file.len() <= limit))
            .find_map(|path| fs::read(path).ok().filter(|bytes| ContentId::of(bytes) == *id))
    }

    fn object_path(&self, id: &ContentId) -> PathBuf {
        self.folder.join("objects").join(id.as_str())
    }

    fn active_path(&self) -> PathBuf {
        self.folder.join("active.json")
    }

    /// Deletes what a crash left half written. What cannot be deleted takes room and does no harm.
    fn delete_leftovers(&self) {
        for folder in [&self.folder, &self.folder.join("objects")] {
            for path in files(folder) {
                if path.to_string_lossy().ends_with(TEMPORARY_SUFFIX) {
                    fs::remove_file(path).ok();
                }
            }
        }
    }

    /// Deletes the objects, whole or not, that neither the active model needs, nor the one before, nor any of
    /// `others`.
    fn delete_unused(&self, others: &[&ContentId]) {
        // Of what cannot be read nobody knows what it needs.
        let Ok(record) = self.record() else { return };
        let active: Vec<ContentId> = record.iter().flat_map(Record::ids).cloned().collect();
        let mut used = BTreeSet::new();
        for id in active.iter().chain(others.iter().copied()) {
            used.insert(id.as_str().to_owned());
            if let Some(manifest) = self.object(id, LARGEST_MANIFEST).and_then(|bytes| Manifest::parse(&bytes).ok()) {
                used.insert(manifest.backbone.sha256.into());
                used.insert(manifest.head.sha256.into());
            }
        }
        for path in files(&self.folder.join("objects")) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !used.contains(name.strip_suffix(download::PART).unwrap_or(&name)) {
                durable::remove(&path).ok();
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

#[cfg(test)]
mod tests;
