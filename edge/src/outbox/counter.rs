//! The numbers of a bin's messages: never the same twice, whatever is lost or comes back.
//!
//! Each start of the program is an epoch of its own, drawn at random, and counts from 1: numbers of
//! different epochs are different numbers. So nothing on the card says which numbers are used, and a card
//! that was lost, copied, or brought back by a month gives out none again. Entries of former starts keep
//! the epoch that they were written under.
//!
//! `counter.json` names this epoch and the ones before, so that the bin can tell the hub which start comes
//! after which, and knows its own former self from a stranger. It is written before the first number is
//! given out. If it cannot be, the bin counts all the same, and the next start does not know of this one.

use std::io;
use std::sync::Arc;

use pilah_models::wire::FORMER_EPOCHS;
use serde::{Deserialize, Serialize};

use super::Key;
use super::disk::Disk;

/// The counter's file.
const FILE: &str = "counter.json";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    epoch: u32,
    /// The epochs before, the last first. The first releases had one epoch for as long as the file lasted.
    #[serde(default)]
    former: Vec<u32>,
    /// Below it all numbers of `epoch` may have been used, said the first releases. They begin a new epoch
    /// when they find what they do not know.
    #[serde(default, skip_serializing)]
    reserved: Option<u64>,
    /// The CRC-32 of the epochs, or of epoch and `reserved`, little-endian. The first release wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc: Option<u32>,
}

impl Stored {
    fn new(epoch: u32, former: Vec<u32>) -> Self {
        let mut stored = Self { version: 1, epoch, former, reserved: None, crc: None };
        stored.crc = Some(stored.checksum());
        stored
    }

    fn checksum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for epoch in [self.epoch].iter().chain(&self.former) {
            hasher.update(&epoch.to_le_bytes());
        }
        if let Some(reserved) = self.reserved {
            hasher.update(&reserved.to_le_bytes());
        }
        hasher.finalize()
    }

    fn is_whole(&self) -> bool {
        self.version == 1 && self.crc.is_none_or(|crc| crc == self.checksum())
    }
}

/// Gives out numbers.
#[derive(Debug)]
pub(super) struct Counter {
    epoch: u32,
    next: u64,
    former: Vec<u32>,
    /// Where the epoch is still to be written down.
    unwritten: Option<Arc<dyn Disk>>,
}

impl Counter {
    /// Begins an epoch behind those that `disk` knows. `draw` draws one; it is asked again for one that was used.
    pub(super) fn open(disk: Arc<dyn Disk>, mut draw: impl FnMut() -> u32) -> Self {
        let stored = disk.read(FILE).ok().and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
        let mut former = match stored.filter(Stored::is_whole) {
            Some(stored) => [vec![stored.epoch], stored.former].concat(),
            None => Vec::new(),
        };
        former.truncate(FORMER_EPOCHS);
        let mut epoch = draw();
        while former.contains(&epoch) {
            epoch = draw();
        }
        Self { epoch, next: 1, former, unwritten: Some(disk) }
    }

    /// Counts in memory alone.
    pub(super) fn in_memory(epoch: u32) -> Self {
        Self { epoch, next: 1, former: Vec::new(), unwritten: None }
    }

    /// This epoch.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Those before, the last first.
    pub(super) fn former(&self) -> &[u32] {
        &self.former
    }

    /// The next number. The error says why the epoch could not be written down.
    pub(super) fn next(&mut self) -> (Key, Option<io::Error>) {
        let problem = self.unwritten.take().and_then(|disk| self.store(&*disk).err());
        let key = Key { epoch: self.epoch, seq: self.next };
        self.next += 1;
        (key, problem)
    }

    /// Whether the number may have been given out, at this start or at one before.
    pub(super) fn may_have_given(&self, key: Key) -> bool {
        if key.epoch == self.epoch { key.seq < self.next } else { self.former.contains(&key.epoch) }
    }

    fn store(&self, disk: &dyn Disk) -> io::Result<()> {
        let stored = Stored::new(self.epoch, self.former.clone());
        disk.replace(FILE, &serde_json::to_vec(&stored).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::disk::Folder;

    fn open(folder: &tempfile::TempDir, epochs: &[u32]) -> Counter {
        let mut epochs = epochs.iter().copied();
        Counter::open(Arc::new(Folder(folder.path().to_owned())), || epochs.next().expect("another epoch"))
    }

    fn next(counter: &mut Counter) -> (u32, u64) {
        let (key, problem) = counter.next();
        assert!(problem.is_none());
        (key.epoch, key.seq)
    }

    #[test]
    fn each_start_is_an_epoch_of_its_own_and_knows_those_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut counter = open(&folder, &[7]);
        assert_eq!((next(&mut counter), next(&mut counter)), ((7, 1), (7, 2)));
        let mut counter = open(&folder, &[7, 8]);
        assert_eq!((next(&mut counter), counter.former()), ((8, 1), &[7][..]), "7 was used");
        assert!(counter.may_have_given(Key { epoch: 8, seq: 1 }) && counter.may_have_given(Key { epoch: 7, seq: 99 }));
        assert!(!counter.may_have_given(Key { epoch: 8, seq: 2 }) && !counter.may_have_given(Key { epoch: 9, seq: 1 }));
        for epoch in 100..120 {
            next(&mut open(&folder, &[epoch]));
        }
        let former: Vec<u32> = (104..120).rev().collect();
        assert_eq!(open(&folder, &[9]).former(), former, "the last {FORMER_EPOCHS}");
    }

    #[test]
    fn a_card_that_was_brought_back_gives_out_no_number_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        next(&mut open(&folder, &[7]));
        let image = std::fs::read(folder.path().join(FILE)).expect("reads");
        let used = next(&mut open(&folder, &[8]));
        std::fs::write(folder.path().join(FILE), image).expect("writes");
        let mut counter = open(&folder, &[9]);
        assert_ne!(next(&mut counter), used);
        assert_eq!(counter.former(), [7], "it knows nothing of what came after the image");
    }

    #[test]
    fn a_counter_that_is_gone_or_garbled_knows_none_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        next(&mut open(&folder, &[7]));
        for bad in [
            "",
            "{",
            r#"{"version":2,"epoch":7,"former":[]}"#,
            r#"{"version":1,"epoch":7,"former":[],"crc":5}"#,
            r#"{"version":1,"epoch":7,"reserved":1,"krc":5}"#,
        ] {
            std::fs::write(folder.path().join(FILE), bad).expect("writes");
            let mut counter = open(&folder, &[8]);
            assert_eq!((next(&mut counter), counter.former()), ((8, 1), &[][..]), "{bad:?}");
            std::fs::remove_file(folder.path().join(FILE)).expect("removes");
        }
    }

    #[test]
    fn the_files_of_former_releases_are_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&7_u32.to_le_bytes());
        hasher.update(&100_u64.to_le_bytes());
        let second = format!(r#"{{"version":1,"epoch":7,"reserved":100,"crc":{}}}"#, hasher.finalize());
        for file in [r#"{"version":1,"epoch":7,"reserved":100}"#, &second] {
            std::fs::write(folder.path().join(FILE), file).expect("writes");
            let mut counter = open(&folder, &[8]);
            assert_eq!((next(&mut counter), counter.former()), ((8, 1), &[7][..]), "{file}");
        }
    }

    #[test]
    fn an_epoch_that_cannot_be_written_down_is_told_once_and_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // A folder in its place cannot be replaced by a file.
        let file = folder.path().join(FILE);
        std::fs::create_dir_all(file.join("x")).expect("creates");
        let mut counter = open(&folder, &[99]);
        let (key, problem) = counter.next();
        assert_eq!(key, Key { epoch: 99, seq: 1 });
        assert!(problem.expect("an error").to_string().contains(FILE));
        assert_eq!(next(&mut counter), (99, 2));
    }
}
