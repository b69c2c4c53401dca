//! The numbers of a bin's messages: never the same twice, whatever is lost.
//!
//! `counter.json` says below which number all may have been used. It is written before the first of
//! a block of numbers is given out, so that after a crash the counter goes on behind the block; a
//! clean stop writes the exact number. If it cannot be written, or is gone, or its checksum does not
//! fit, the counter begins a new epoch: numbers of different epochs are different numbers.
//!
//! A card that claims to have written what it has not may bring back an older file. So the counter goes on
//! behind the highest number that is found in the outbox as well.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Key;
use super::disk::Disk;

/// The counter's file.
const FILE: &str = "counter.json";

/// How many numbers are reserved by one write: a write per thousand messages, and a gap of as many
/// after a crash.
const BLOCK: u64 = 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    epoch: u32,
    /// The first number that has surely not been used.
    reserved: u64,
    /// The CRC-32 of the other two, little-endian. The first release wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc: Option<u32>,
}

impl Stored {
    fn new(epoch: u32, reserved: u64) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&epoch.to_le_bytes());
        hasher.update(&reserved.to_le_bytes());
        Self { version: 1, epoch, reserved, crc: Some(hasher.finalize()) }
    }

    fn is_whole(&self) -> bool {
        self.version == 1 && (self.crc.is_none() || self.crc == Self::new(self.epoch, self.reserved).crc)
    }
}

/// Gives out numbers.
#[derive(Debug)]
pub(super) struct Counter {
    epoch: u32,
    next: u64,
    reserved: u64,
    /// `None` once it cannot be written.
    disk: Option<Arc<dyn Disk>>,
}

impl Counter {
    /// Goes on where the counter on `disk` stopped, or begins a new epoch.
    pub(super) fn open(disk: Arc<dyn Disk>, new_epoch: u32) -> Self {
        let stored = disk
            .read(FILE)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok())
            .filter(Stored::is_whole)
            .unwrap_or_else(|| Stored::new(new_epoch, 1));
        Self { epoch: stored.epoch, next: stored.reserved, reserved: stored.reserved, disk: Some(disk) }
    }

    /// This number was found in the outbox: it has been used, whatever the file says.
    pub(super) fn handle_found(&mut self, key: Key) {
        if key.epoch == self.epoch && key.seq >= self.next {
            self.next = key.seq.saturating_add(1);
            self.reserved = self.reserved.max(self.next);
        }
    }

    /// Counts in memory alone, in an epoch of its own.
    pub(super) fn in_memory(new_epoch: u32) -> Self {
        Self { epoch: new_epoch, next: 1, reserved: u64::MAX, disk: None }
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
        let Some(disk) = &self.disk else { return Ok(()) };
        let stored = Stored::new(self.epoch, reserved);
        disk.replace(FILE, &serde_json::to_vec(&stored).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::disk::Folder;

    fn open(folder: &tempfile::TempDir, new_epoch: u32) -> Counter {
        Counter::open(Arc::new(Folder(folder.path().to_owned())), new_epoch)
    }

    fn next(counter: &mut Counter) -> (u32, u64) {
        let (key, problem) = counter.next(|| 99);
        assert!(problem.is_none());
        (key.epoch, key.seq)
    }

    #[test]
    fn goes_on_without_a_gap_after_a_clean_stop_and_behind_the_block_after_a_crash() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut counter = open(&folder, 7);
        assert_eq!((next(&mut counter), next(&mut counter)), ((7, 1), (7, 2)));
        counter.close().expect("stores");
        let mut counter = open(&folder, 8);
        assert_eq!(next(&mut counter), (7, 3));
        drop(counter);
        let mut counter = open(&folder, 9);
        let (epoch, seq) = next(&mut counter);
        assert!(epoch == 7 && seq > 3, "seq {seq}");
        for _ in 0..3000 {
            next(&mut counter);
        }
        drop(counter);
        assert!(next(&mut open(&folder, 9)).1 > seq + 3000);
    }

    #[test]
    fn a_counter_that_is_gone_or_garbled_is_a_new_epoch() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        next(&mut open(&folder, 7));
        for bad in [
            "",
            "{",
            r#"{"version":2,"epoch":7,"reserved":1}"#,
            r#"{"version":1,"epoch":7,"reserved":1,"crc":5}"#,
            r#"{"version":1,"epoch":7,"reserved":1,"krc":5}"#,
        ] {
            std::fs::write(folder.path().join("counter.json"), bad).expect("writes");
            assert_eq!(next(&mut open(&folder, 8)), (8, 1), "{bad:?}");
            std::fs::remove_file(folder.path().join("counter.json")).expect("removes");
        }
    }

    #[test]
    fn the_file_of_the_first_release_is_read_and_what_was_found_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(FILE), r#"{"version":1,"epoch":7,"reserved":100}"#).expect("writes");
        assert_eq!(next(&mut open(&folder, 8)), (7, 100));
        let mut counter = open(&folder, 8);
        counter.handle_found(Key { epoch: 6, seq: 99_999 });
        counter.handle_found(Key { epoch: 7, seq: 5000 });
        counter.handle_found(Key { epoch: 7, seq: 4000 });
        assert_eq!(next(&mut counter), (7, 5001));
        drop(counter);
        assert!(next(&mut open(&folder, 8)).1 > 5001, "the block was reserved");
    }

    #[test]
    fn a_counter_that_cannot_be_stored_moves_to_a_new_epoch() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut counter = open(&folder, 7);
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
