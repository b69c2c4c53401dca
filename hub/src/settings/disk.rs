//! How large the data folder is, and how much room there is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer counts: to add up 100,000 images takes a second.
const FRESH: Duration = Duration::from_secs(60);

/// A data folder whose size is asked for.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    last: Mutex<Option<(Instant, Room)>>,
}

/// What is used, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// The files of the data folder together, in bytes.
    pub(super) used: u64,
    /// What the hub can still write, in bytes; `None` where the system does not say.
    pub(super) free: Option<u64>,
}

impl Disk {
    /// A data folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, last: Mutex::new(None) }
    }

    /// Reads the folder, or remembers what it read a moment ago.
    pub(super) async fn room(self: &Arc<Self>) -> io::Result<Room> {
        let this = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            // Held while reading: who comes meanwhile waits for the same answer.
            let mut last = this.last.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, room)) = *last
                && at.elapsed() < FRESH
            {
                return Ok(room);
            }
            let room = Room { used: size(&this.folder)?, free: free(&this.folder) };
            *last = Some((Instant::now(), room));
            Ok(room)
        });
        read.await.expect("reading a folder does not panic and is not aborted")
    }
}

/// All files in a folder and below, in bytes. What disappears meanwhile does not count.
fn size(folder: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(error),
        };
        match found {
            Ok(bytes) => total += bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(folder).ok()?;
    // Systems count in integers of different sizes.
    fn bytes(blocks: impl Into<u64>, size: impl Into<u64>) -> Option<u64> {
        blocks.into().checked_mul(size.into())
    }
    bytes(found.blocks_available(), found.fragment_size())
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_below_count_and_an_answer_is_remembered() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(folder.path().join("a/b")).expect("makes");
        std::fs::write(folder.path().join("one"), [0; 10]).expect("writes");
        std::fs::write(folder.path().join("a/b/two"), [0; 32]).expect("writes");
        let disk = Arc::new(Disk::new(folder.path().to_owned()));
        let room = disk.room().await.expect("reads");
        assert_eq!(room.used, 42);
        assert!(cfg!(not(unix)) || room.free.is_some_and(|free| free > 0));
        std::fs::write(folder.path().join("three"), [0; 10]).expect("writes");
        assert_eq!(disk.room().await.expect("reads"), room);
        let gone = Arc::new(Disk::new(folder.path().join("gone")));
        assert!(gone.room().await.is_err());
    }
}
