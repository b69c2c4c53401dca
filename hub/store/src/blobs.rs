//! Images and networks by SHA-256, in `{data}/objects/ab/cdef…`.
//!
//! Content never changes under its name, so a put of what exists is done at once, and two writers of
//! the same bytes cannot disagree. A file is synced before its put returns: a row that names it may
//! be committed right after.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use pilah_models::name::ContentId;

use super::keeper::Condition;
use super::trouble::{Due, Trouble};
use super::{DataFolder, StoreError};

/// A blob that cannot be stored or found.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is none of this name.
    #[error("no object {0} is stored")]
    Missing(ContentId),
    /// The file is not what its name says.
    #[error("object {0} is damaged on disk")]
    Damaged(ContentId),
    /// The storage failed: disk full, no permission.
    #[error("the object storage failed")]
    Storage(#[from] object_store::Error),
}

/// Images and networks by their SHA-256.
#[derive(Debug, Clone)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
    folder: PathBuf,
    condition: Condition,
}

/// How much is written to try whether there is room again: as much as a large image.
const TRIAL: usize = 256 * 1024;

impl Blobs {
    /// The blobs of a data folder.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`]: the folder `objects` cannot be made or written to.
    pub fn open(folder: &DataFolder) -> Result<Self, StoreError> {
        let path = folder.path().join("objects");
        let unwritable = |source| StoreError::Unwritable { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(unwritable)?;
        probe(&path).map_err(unwritable)?;
        let local = LocalFileSystem::new_with_prefix(&path).map_err(|e| unwritable(std::io::Error::other(e)))?;
        let objects = Arc::new(local.with_fsync(true));
        Ok(Self { objects, folder: path, condition: folder.condition().clone() })
    }

    /// Stores bytes, durably, and gives their name.
    ///
    /// # Errors
    /// [`BlobError::Storage`].
    pub async fn put(&self, bytes: Vec<u8>) -> Result<ContentId, BlobError> {
        self.put_new(bytes).await.map(|(id, _)| id)
    }

    /// The same, and tells whether they were not there before.
    ///
    /// # Errors
    /// [`BlobError::Storage`].
    pub async fn put_new(&self, bytes: Vec<u8>) -> Result<(ContentId, bool), BlobError> {
        let id = ContentId::of(&bytes);
        let options = PutOptions::from(PutMode::Create);
        match self.objects.put_opts(&path_of(&id), bytes.into(), options).await {
            Ok(_) => Ok((id, true)),
            Err(object_store::Error::AlreadyExists { .. }) => Ok((id, false)),
            Err(error) => {
                self.meet(Trouble::of_objects(&error), &error);
                Err(error.into())
            }
        }
    }

    fn meet(&self, trouble: Trouble, error: &dyn std::error::Error) {
        if self.condition.objects().met(trouble, Instant::now()) {
            tracing::error!(%error, "no image can be stored, because {}", trouble.words());
        }
    }

    /// Whether images can be stored now. After one could not, it is tried with a file of its size.
    ///
    /// # Errors
    /// What keeps them from being stored.
    pub async fn check(&self) -> Result<(), Trouble> {
        let due = self.condition.objects().due(Instant::now());
        match due {
            Due::Nothing => return Ok(()),
            Due::Wait(trouble) => return Err(trouble),
            Due::Trial(_) => {}
        }
        let (folder, began) = (self.folder.clone(), Instant::now());
        let outcome = tokio::task::spawn_blocking(move || write_probe(&folder, &vec![0x5a; TRIAL])).await;
        let outcome = outcome.expect("writing a file does not panic and is not aborted");
        let outcome = outcome.map_err(|error| Trouble::in_error(&error).unwrap_or(Trouble::Device));
        let mut objects = self.condition.objects();
        if objects.tried(outcome, began, Instant::now()) {
            tracing::info!("images can be stored again");
        }
        objects.trouble().map_or(Ok(()), Err)
    }

    /// The bytes of this name, checked against it.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn get(&self, id: &ContentId) -> Result<Vec<u8>, BlobError> {
        let bytes = match self.objects.get(&path_of(id)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Err(BlobError::Missing(id.clone())),
            Err(error) => return Err(error.into()),
        };
        if ContentId::of(&bytes) == *id { Ok(bytes.into()) } else { Err(BlobError::Damaged(id.clone())) }
    }

    /// Whether there are bytes of this name.
    ///
    /// # Errors
    /// [`BlobError::Storage`].
    pub async fn exists(&self, id: &ContentId) -> Result<bool, BlobError> {
        match self.objects.head(&path_of(id)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the bytes of this name, which nothing refers to any more. Removing what is not there is no
    /// error.
    ///
    /// # Errors
    /// [`BlobError::Storage`].
    pub async fn remove(&self, id: &ContentId) -> Result<(), BlobError> {
        match self.objects.delete(&path_of(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// 256 folders, so that none grows to millions of names.
fn path_of(id: &ContentId) -> ObjectPath {
    let (folder, name) = id.as_str().split_at(2);
    ObjectPath::from_iter([folder, name])
}

/// Shows at start, rather than at the first image, that nothing can be written.
fn probe(folder: &Path) -> std::io::Result<()> {
    write_probe(folder, b"pilah")
}

/// Writes a file, durably, and takes it away again.
fn write_probe(folder: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = folder.join(format!(".probe-{}", std::process::id()));
    let written = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    std::fs::remove_file(&path).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    written
}
