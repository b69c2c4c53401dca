//! The data folder: made, checked for writing, and locked.
//!
//! The lock is the operating system's on an open file, so a hub that is killed leaves none behind.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;
use super::keeper::Condition;

/// A data folder, and the lock on it for as long as any clone of this value lives.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
    condition: Condition,
    _lock: Option<Arc<File>>,
}

impl DataFolder {
    /// Makes the folder if it is missing, checks that files can be written there, and locks it.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] or [`StoreError::Locked`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let unwritable = |source: io::Error| StoreError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        restrict(path).map_err(unwritable)?;
        let mut lock =
            File::options().create(true).truncate(false).write(true).open(path.join("hub.lock")).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(unwritable)?;
        Ok(Self { path: path.to_owned(), condition: Condition::default(), _lock: Some(Arc::new(lock)) })
    }

    /// Takes a folder that is there, beside a hub that may be running: for commands that change a row or
    /// two, which the database keeps apart by itself.
    ///
    /// # Errors
    /// [`StoreError::Missing`]: there is no hub's data.
    pub fn open_shared(path: &Path) -> Result<Self, StoreError> {
        if path.join("pilah.db").is_file() {
            Ok(Self { path: path.to_owned(), condition: Condition::default(), _lock: None })
        } else {
            Err(StoreError::Missing { path: path.to_owned() })
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of its database and of its objects.
    pub(super) fn condition(&self) -> &Condition {
        &self.condition
    }
}

/// Keeps other users of the machine out: the folder holds private images and password hashes.
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    permissions.set_mode(0o700);
    match fs::set_permissions(path, permissions) {
        // A folder of another owner that we may write to (a mounted volume) keeps its mode.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the Unix version can fail")]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}
