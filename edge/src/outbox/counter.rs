//! The numbers of a bin's messages: never the same twice, whatever is lost.
//!
//! `counter.json` says below which number all may have been used. It is written before the first of
//! a block of numbers is given out, so that after a crash the counter goes on behind the block; a
//! clean stop writes the exact number. If it cannot be written, or is gone, the counter begins a new
//! epoch: numbers of different epochs are different numbers.

use std::io;
use std::path::{Path, PathBuf};

use pilah_models::durable;
use serde::{Deserialize, Serialize};

use super::Key;

/// How many numbers are reserved by one write: a write per thousand messages, and a gap of as many
/// after a crash.
const BLOCK: u64 = 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    epoch: u32,
    /// The first number that has surely not been used.
    reserved: u64,
}

/// Gives out numbers.
#[derive(Debug)]
pub(super) struct Counter {
    epoch: u32,
    next: u64,
    reserved: u64,
    /// `None` once it cannot be written.
    file: Option<PathBuf>,
}

impl Counter {
    /// Goes on where the counter in `folder` stopped, or begins a new epoch.
    pub(super) fn open(folder: &Path, new_epoch: u32) -> Self {
        let file = folder.join("counter.json");
        let stored = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok())
            .filter(|stored| stored.version == 1)
            .unwrap_or(Stored { version: 1, epoch: new_epoch, reserved: 1 });
        Self { epoch: stored.epoch, next: stored.reserved, reserved: stored.reserved, file: Some(file) }
    }

    /// Counts in memory alone, in an epoch of its own.
    pub(super) fn in_memory(new_epoch: u32) -> Self {
        Self { epoch: new_epoch, next: 1, reserved: u64::MAX, file: None }
    }

    /// The next number. `new_epoch` is used if no more can be reserved; the error says why not.
    pub(super) fn next(&mut self, new_epoch: impl FnOnce() -> u32) -> (Key, Option<io::Error>) {
        let mut problem = None;
        if self.next >= self.reserved {
            if let Err(error) = self.store(self.next + BLOCK) {
                *self = Self::in_memory(new_epoch());
                problem = Some(error);
            } else {
                self.reserved = self.next + BLOCK;
            }
        }
        let key = Key { epoch: self.epoch, seq: self.next };
        self.next += 1;
        (key, problem)
    }

    /// Whether the number may have been given out.
    pub(super) fn has_given(&self, key: Key) -> bool {
        key.epoch == self.epoch && key.seq < self.next
    }

    /// Writes the exact number, so that there is no gap after a clean stop.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.store(self.next)?;
        self.reserved = self.next;
        Ok(())
    }

    fn store(&self, reserved: u64) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let stored = Stored { version: 1, epoch: self.epoch, reserved };
        durable::write(file, &serde_json::to_vec(&stored).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(counter: &mut Counter) -> (u32, u64) {
        let (key, problem) = counter.next(|| 99);
        assert!(problem.is_none());
        (key.epoch, key.seq)
    }

    #[test]
    fn goes_on_without_a_gap_after_a_clean_stop_and_behind_the_block_after_a_crash() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut counter = Counter::open(folder.path(), 7);
        assert_eq!((next(&mut counter), next(&mut counter)), ((7, 1), (7, 2)));
        counter.close().expect("stores");
        let mut counter = Counter::open(folder.path(), 8);
        assert_eq!(next(&mut counter), (7, 3));
        drop(counter);
        let mut counter = Counter::open(folder.path(), 9);
        let (epoch, seq) = next(&mut counter);
        assert!(epoch == 7 && seq > 3, "seq {seq}");
        for _ in 0..3000 {
            next(&mut counter);
        }
        drop(counter);
        assert!(next(&mut Counter::open(folder.path(), 9)).1 > seq + 3000);
    }

    #[test]
    fn a_counter_that_is_gone_or_garbled_is_a_new_epoch() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        next(&mut Counter::open(folder.path(), 7));
        for bad in ["", "{", r#"{"version":2,"epoch":7,"reserved":1}"#] {
            std::fs::write(folder.path().join("counter.json"), bad).expect("writes");
            assert_eq!(next(&mut Counter::open(folder.path(), 8)), (8, 1), "{bad:?}");
            std::fs::remove_file(folder.path().join("counter.json")).expect("removes");
        }
    }

    #[test]
    fn a_counter_that_cannot_be_stored_moves_to_a_new_epoch() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut counter = Counter::open(folder.path(), 7);
        next(&mut counter);
        counter.next = counter.reserved;
        // A folder in its place cannot be replaced by a file.
        let file = folder.path().join("counter.json");
        std::fs::remove_file(&file).expect("removes");
        std::fs::create_dir_all(file.join("x")).expect("creates");
        let (key, problem) = counter.next(|| 99);
        assert_eq!(key, Key { epoch: 99, seq: 1 });
        assert!(problem.expect("an error").to_string().contains("counter.json"));
        assert_eq!(next(&mut counter), (99, 2));
    }
}
