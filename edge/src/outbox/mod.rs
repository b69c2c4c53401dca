//! What the hub has not committed yet: on disk, bounded, checksummed.
//!
//! # Guarantees
//! - An entry for which [`Outbox::sync`] returned is found again after a power cut at any byte, until
//!   [`Outbox::acknowledge`] takes it out. Nothing garbled is ever found: each record has a checksum. A
//!   damaged byte costs at most the entry that it is in. Recovery needs no hand.
//! - A number (epoch, seq) is given out once, whatever is lost or comes back: each start of the program is
//!   an epoch of its own (`counter.rs`).
//! - Only what was sent can be acknowledged.
//! - Live entries take at most `max_bytes`; the files at most a quarter and two segments more. When
//!   there is no room, images go first, those that teach least and of those the oldest; then events,
//!   the oldest first. Every drop is counted.
//!
//! They hold as long as the disk does what it says. A card that claims to have synced what it has not can
//! lose what was claimed, but nothing of it is ever taken for something else. `crash.rs` among the tests
//! cuts the power at every operation and every byte, fills the disk, lets syncs fail and lie, and flips
//! bits.
//!
//! # Format
//! Append-only segments, and beside each a list of the records that are done with (`segment.rs`). A
//! segment goes when all in it is done with; one that is mostly done with is copied into the newest, and
//! deleted when the copies are synced. What is found at start is never appended to: the newest segment of
//! the last run may end in half a record.
//!
//! The disk is synced once per item. The lists of what is done are not: what is lost of them is sent
//! again, and the hub knows it by its number. Bodies stay on disk until they are sent. An entry keeps
//! its number from start to start; order is that in which entries were added, whatever their epochs.
//!
//! If the disk is full or cannot be written, entries are kept in memory, up to [`LARGEST_IN_MEMORY`], and
//! written as soon as it works again. A sync that fails leaves nobody knowing what is on disk, and Linux
//! tells of it once (Rebello et al., "Can Applications Recover from fsync Failures?", 2020): what it was
//! to save is taken back into memory and written anew, to another segment.
//!
//! # A week without a network
//! An event is about 0.4 KB on disk, an image of 640 × 480 about 75 KB, 120 KiB at most. At one item a
//! minute, 7 days are 10,080 items: 4 MB of events. With an image of every fourth item, which is what
//! doubt and chance keep as a rule, 192 MB of images: together less than three quarters of 256 MiB. Images
//! of 120 KiB fit of every fifth item. The test `a_week_offline_fits` computes it from an event and an
//! image as they are.
//!
//! # Wear of the card
//! An item without an image writes its record once, 0.4 KB, and syncs once. On ext4 that is one block of
//! data and about three of the journal, because the file has grown: 16 KB. Its acknowledgement is 8 bytes,
//! written back by the kernel in its own time with those of others: at most one block, 4 KB. Numbers cost
//! one small file a start. At one item a minute, all acknowledged one by one, that is 29 MB
//! a day, and 27 MB a day more with an image of every fourth item: 20 GB a year, so that a card of 16 GB
//! is written over little more than once a year. Copying happens only when files are a quarter and two
//! segments larger than what is alive in them.
//!
//! Deliberately not here: when to send ([`crate::link::window`]), and what an entry means.

mod counter;
mod disk;
mod index;
mod segment;

/// How entries get to the disk, and off it.
mod store;

/// An entry takes another body.
mod exchange;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use counter::Counter;
use disk::Disk;
use index::{Index, Waiting};
use pilah_models::wire::OutboxState;
use segment::{Folder, Head};
use serde::Deserialize;

/// The most bytes that are kept in memory while the disk cannot be written: events of a day.
pub const LARGEST_IN_MEMORY: u64 = 4 * 1024 * 1024;

/// The number of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The incarnation of the counter.
    pub epoch: u32,
    /// The number in it, from 1.
    pub seq: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An item; dropped last.
    Event,
    /// An image; dropped first.
    Sample,
}

/// The bounds of an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxRules {
    /// The most bytes of all entries together. 256 MiB hold about 400,000 events, or 8,000 images.
    pub max_bytes: u64,
    /// The size of a segment in bytes.
    pub segment_bytes: u64,
}

impl Default for OutboxRules {
    fn default() -> Self {
        Self { max_bytes: 256 * 1024 * 1024, segment_bytes: 4 * 1024 * 1024 }
    }
}

/// The outbox cannot use its folder.
#[derive(Debug, thiserror::Error)]
#[error("the outbox cannot use {}", path.display())]
pub struct OutboxError {
    /// Its folder.
    pub path: PathBuf,
    /// The operating system's reason.
    pub source: io::Error,
}

/// What came of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// The entry is gone.
    Taken,
    /// It was gone already.
    Before,
    /// No message of that number was ever sent.
    Unknown,
}

/// Where the body of an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Disk { segment: u64, offset: u32 },
    Memory(Vec<u8>),
}

#[derive(Debug, Default)]
struct Segment {
    bytes: u64,
    live: u64,
    live_bytes: u64,
}

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    rules: OutboxRules,
    counter: Counter,
    index: Index<Place>,
    /// Where segments lie; `None` if all is in memory.
    folder: Option<Folder>,
    segments: BTreeMap<u64, Segment>,
    head: Option<Head>,
    next_segment: u64,
    /// Keys and bytes of what is kept in memory.
    kept: BTreeSet<Key>,
    in_memory: u64,
    /// What was appended to the head since it was synced.
    unsynced: Vec<Key>,
    /// Segments of the last run of which nobody knows whether they are on disk.
    doubtful: BTreeSet<u64>,
    /// How often what was appended had to be taken back.
    taken_back: u64,
    /// The highest number that was found of each epoch before this one.
    former: HashMap<u32, u64>,
    dropped: [u64; 2],
    damaged: u64,
    /// Why the disk could not be written the last time.
    disk_problem: Option<io::Error>,
}

impl Outbox {
    /// Opens the outbox in `path`, made if it is missing, with all that the last run left.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(path: &Path, rules: OutboxRules) -> Result<Self, OutboxError> {
        let failed = |source| OutboxError { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        Self::on(Arc::new(disk::Folder(path.to_owned())), rules).map_err(failed)
    }

    /// As [`Outbox::open`], on any disk.
    fn on(disk: Arc<dyn Disk>, rules: OutboxRules) -> io::Result<Self> {
        let folder = Folder(Arc::clone(&disk));
        let listed = folder.list()?;
        let mut outbox = Self::in_memory(rules);
        outbox.counter = Counter::open(disk, new_epoch);
        outbox.next_segment = listed.next;
        outbox.folder = Some(folder);
        for id in listed.segments {
            outbox.recover(id);
        }
        outbox.delete_done_segments();
        outbox.enforce_bound();
        Ok(outbox)
    }

    /// An outbox without a disk: what it holds is gone when the program ends.
    #[must_use]
    pub fn in_memory(rules: OutboxRules) -> Self {
        Self {
            rules,
            counter: Counter::in_memory(new_epoch()),
            index: Index::default(),
            folder: None,
            segments: BTreeMap::new(),
            head: None,
            next_segment: 1,
            kept: BTreeSet::new(),
            in_memory: 0,
            unsynced: Vec::new(),
            doubtful: BTreeSet::new(),
            taken_back: 0,
            former: HashMap::new(),
            dropped: [0; 2],
            damaged: 0,
            disk_problem: None,
        }
    }

    /// A number for the next message, whether it goes through the outbox or not.
    pub fn next_key(&mut self) -> Key {
        let (key, problem) = self.counter.next();
        self.note(problem);
        key
    }

    /// The epoch of all numbers that are given out; it stays as long as the program runs.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.counter.epoch()
    }

    /// The epochs of former starts, as far as the disk remembers, the last first.
    #[must_use]
    pub fn former_epochs(&self) -> &[u32] {
        self.counter.former()
    }

    /// Adds an entry under a number from [`Outbox::next_key`]. `worth` orders samples, see
    /// [`crate::samples::worth`].
    pub fn append(&mut self, key: Key, kind: Kind, worth: u8, body: Vec<u8>) {
        let bytes = segment::record_bytes(&body);
        let place = Place::Memory(Vec::new());
        self.index.insert(Waiting { key, kind, worth, bytes, sent: false, place });
        self.enforce_bound();
        if self.index.get(key).is_none() {
            return;
        }
        match self.write(&segment::record(key, kind, worth, &body)) {
            Ok(place) => {
                self.place(key, place);
                self.unsynced.push(key);
            }
            Err(problem) => {
                self.note(problem);
                self.keep_in_memory(key, body);
            }
        }
        self.compact();
    }

    /// Waits until all entries are on disk, those that were kept in memory as well, and says what has kept
    /// them from it since the last call.
    ///
    /// # Errors
    /// The operating system's; what is not on disk is kept in memory, or was dropped and counted.
    pub fn sync(&mut self) -> io::Result<()> {
        self.write_kept();
        self.copy_doubtful();
        self.sync_head();
        match self.disk_problem.take() {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }

    /// The entry is on its way to the hub.
    pub fn handle_sent(&mut self, key: Key) {
        if let Some(entry) = self.index.get_mut(key) {
            entry.sent = true;
        }
    }

    /// Takes an entry out: the hub has it. One that was never sent stays, whatever the hub says.
    pub fn acknowledge(&mut self, key: Key) -> Acknowledged {
        match self.index.get(key) {
            Some(entry) if !entry.sent => Acknowledged::Unknown,
            Some(_) => {
                self.take(key);
                self.delete_done_segments();
                Acknowledged::Taken
            }
            None => {
                let was_given = match self.former.get(&key.epoch) {
                    Some(last) => key.seq <= *last,
                    None => self.counter.may_have_given(key),
                };
                if was_given { Acknowledged::Before } else { Acknowledged::Unknown }
            }
        }
    }

    /// The body of an entry. One that has become unreadable is counted as damaged and taken out.
    pub fn body(&mut self, key: Key) -> Option<Vec<u8>> {
        let read = self.read(self.index.get(key)?);
        if read.is_none() {
            self.damaged += 1;
            self.take(key);
        }
        read
    }

    /// All that waits, in the order in which it is to be sent: events before samples, each from the
    /// oldest.
    pub fn in_order(&self) -> impl Iterator<Item = (Key, Kind)> {
        self.index.in_order().map(|entry| (entry.key, entry.kind))
    }

    /// What this entry is, if it waits.
    #[must_use]
    pub fn kind(&self, key: Key) -> Option<Kind> {
        self.index.get(key).map(|entry| entry.kind)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// Sizes and losses.
    #[must_use]
    pub fn state(&self) -> OutboxState {
        OutboxState {
            entries: self.index.len() as u64,
            bytes: self.index.bytes(),
            dropped_events: self.dropped[0],
            dropped_samples: self.dropped[1],
            damaged: self.damaged,
            ..OutboxState::default()
        }
    }

    /// Syncs everything, for a clean stop.
    ///
    /// # Errors
    /// The operating system's.
    pub fn close(mut self) -> io::Result<()> {
        self.sync()
    }
}

fn new_epoch() -> u32 {
    rand::random_range(1..=u32::MAX)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod crash;
