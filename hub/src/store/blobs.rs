//! Images and networks by SHA-256, in `{data}/objects/ab/cdef…`.
//!
//! Content never changes under its name, so a put of what exists is done at once, and two writers of
//! the same bytes cannot disagree. A file is synced before its put returns: a row that names it may
//! be committed right after.

use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use pilah_models::name::ContentId;

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
pub struct Blobs(Arc<dyn ObjectStore>);

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
        Ok(Self(Arc::new(local.with_fsync(true))))
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
        match self.0.put_opts(&path_of(&id), bytes.into(), options).await {
            Ok(_) => Ok((id, true)),
            Err(object_store::Error::AlreadyExists { .. }) => Ok((id, false)),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes of this name, checked against it.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn get(&self, id: &ContentId) -> Result<Vec<u8>, BlobError> {
        let bytes = match self.0.get(&path_of(id)).await {
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
        match self.0.head(&path_of(id)).await {
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
        match self.0.delete(&path_of(id)).await {
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
    let path = folder.join(".probe");
    std::fs::write(&path, b"pilah")?;
    std::fs::remove_file(&path)
}
