//! What the hub has not committed yet: on disk, bounded, checksummed.
//!
//! Guarantees
//! - An entry that [`Outbox::sync`] returned for is found again after a power cut at any byte, until
//!   [`Outbox::acknowledge`] takes it out. Nothing garbled is ever found: each record has a checksum.
//! - A number (epoch, seq) is given out once, whatever is lost (`counter.rs`).
//! - Live entries take at most `max_bytes`; the files at most a quarter and two segments more. When
//!   there is no room, images go first, those that teach least and of those the oldest; then events,
//!   the oldest first. Every drop is counted.
//!
//! Format: append-only segments, and beside each a list of the records that are done with
//! (`segment.rs`). A segment goes when all in it is done with; one that is mostly done with is
//! rewritten into the newest. What is found at start is never appended to: the newest segment of the
//! last run may end in half a record.
//!
//! The disk is synced once per item. The lists of what is done are not: what is lost of them is sent
//! again, and the hub knows it by its number. Bodies stay on disk until they are sent.
//!
//! If the disk is full or cannot be written, entries are kept in memory, up to
//! [`LARGEST_IN_MEMORY`]; the bin goes on, and the next entry tries the disk again.
//!
//! Deliberately not here: when to send ([`crate::link::window`]), and what an entry means.

mod counter;
mod index;
mod segment;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use counter::Counter;
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
    in_memory: u64,
    /// The highest number of each epoch before this one.
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
        let folder = Folder(path.to_owned());
        let ids = folder.list().map_err(failed)?;
        let mut outbox = Self::in_memory(rules);
        outbox.counter = Counter::open(path, new_epoch());
        outbox.next_segment = ids.last().map_or(1, |last| last + 1);
        outbox.folder = Some(folder);
        for id in ids {
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
            in_memory: 0,
            former: HashMap::new(),
            dropped: [0; 2],
            damaged: 0,
            disk_problem: None,
        }
    }

    /// A number for the next message, whether it goes through the outbox or not.
    pub fn next_key(&mut self) -> Key {
        let (key, problem) = self.counter.next(new_epoch);
        if problem.is_some() {
            self.disk_problem = problem;
        }
        key
    }

    /// Adds an entry under a number from [`Outbox::next_key`]. `worth` orders samples, see
    /// [`crate::samples::worth`].
    pub fn append(&mut self, key: Key, kind: Kind, worth: u8, body: Vec<u8>) {
        let bytes = segment::record_bytes(&body);
        self.index.insert(Waiting { key, kind, worth, bytes, place: Place::Memory(Vec::new()) });
        self.enforce_bound();
        if self.index.get(key).is_none() {
            return;
        }
        match self.write(&segment::record(key, kind, worth, &body)) {
            Ok((segment, offset)) => {
                self.place(key, segment, offset, u64::from(bytes));
            }
            Err(problem) => {
                self.disk_problem = problem;
                self.keep_in_memory(key, kind, body);
            }
        }
        self.compact();
    }

    /// Waits until all entries are on disk, and says what has kept them from it since the last call.
    ///
    /// # Errors
    /// The operating system's; the entries are then kept in memory, or dropped and counted.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(problem) = self.disk_problem.take() {
            return Err(problem);
        }
        match &self.head {
            Some(head) => head.sync(),
            None => Ok(()),
        }
    }

    /// Takes an entry out: the hub has it.
    pub fn acknowledge(&mut self, key: Key) -> Acknowledged {
        if self.take(key) {
            self.delete_done_segments();
            Acknowledged::Taken
        } else if self.counter.has_given(key) || self.former.get(&key.epoch).is_some_and(|last| key.seq <= *last) {
            Acknowledged::Before
        } else {
            Acknowledged::Unknown
        }
    }

    /// The body of an entry. One that has become unreadable is counted as damaged and taken out.
    pub fn body(&mut self, key: Key) -> Option<Vec<u8>> {
        let entry = self.index.get(key)?;
        let read = match (&entry.place, &self.folder) {
            (Place::Memory(body), _) => Some(body.clone()),
            (Place::Disk { segment, offset }, Some(folder)) => folder.body(*segment, *offset, entry.bytes).ok(),
            (Place::Disk { .. }, None) => None,
        };
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
        }
    }

    /// Syncs everything, for a clean stop.
    ///
    /// # Errors
    /// The operating system's.
    pub fn close(mut self) -> io::Result<()> {
        self.sync()?;
        self.counter.close()
    }

    fn recover(&mut self, id: u64) {
        let Some(folder) = &self.folder else { return };
        let Ok(contents) = folder.read(id) else {
            // The file is there but cannot be read: nobody knows how many entries it held.
            self.damaged += 1;
            return;
        };
        self.damaged += contents.damaged;
        self.segments.insert(id, Segment { bytes: contents.bytes, ..Segment::default() });
        for found in contents.records {
            let last = self.former.entry(found.key.epoch).or_insert(0);
            *last = (*last).max(found.key.seq);
            let place = Place::Memory(Vec::new());
            let entry = Waiting { key: found.key, kind: found.kind, worth: found.worth, bytes: found.bytes, place };
            // A crash while a segment was rewritten leaves an entry in both: the later one counts.
            if let Some(earlier) = self.index.insert(entry) {
                self.release(&earlier.place, earlier.bytes);
            }
            self.place(found.key, id, found.offset, u64::from(found.bytes));
        }
    }

    fn place(&mut self, key: Key, segment: u64, offset: u32, bytes: u64) {
        if let Some(entry) = self.index.get_mut(key) {
            entry.place = Place::Disk { segment, offset };
            let segment = self.segments.entry(segment).or_default();
            segment.live += 1;
            segment.live_bytes += bytes;
        }
    }

    /// Appends a record to the newest segment. The error is `None` if there is no disk to write to.
    fn write(&mut self, record: &[u8]) -> Result<(u64, u32), Option<io::Error>> {
        let folder = self.folder.as_ref().ok_or(None)?;
        let room = self.rules.segment_bytes.saturating_sub(record.len() as u64);
        if let Some(full) = self.head.take_if(|head| head.bytes > room) {
            full.sync().map_err(Some)?;
        }
        let head = match &mut self.head {
            Some(head) => head,
            none => {
                let head = folder.create(self.next_segment)?;
                self.segments.insert(head.id, Segment { bytes: head.bytes, ..Segment::default() });
                self.next_segment += 1;
                none.insert(head)
            }
        };
        let id = head.id;
        match head.append(record) {
            Ok(offset) => {
                self.segments.entry(id).or_default().bytes = head.bytes;
                Ok((id, offset))
            }
            Err(error) => {
                self.head = None;
                self.delete_done_segments();
                Err(Some(error))
            }
        }
    }

    fn keep_in_memory(&mut self, key: Key, kind: Kind, body: Vec<u8>) {
        let bytes = u64::from(segment::record_bytes(&body));
        if self.in_memory + bytes > LARGEST_IN_MEMORY {
            self.index.remove(key);
            self.count_drop(kind);
        } else if let Some(entry) = self.index.get_mut(key) {
            entry.place = Place::Memory(body);
            self.in_memory += bytes;
        }
    }

    /// Takes an entry out of the index and off the disk.
    fn take(&mut self, key: Key) -> bool {
        let Some(entry) = self.index.remove(key) else { return false };
        self.release(&entry.place, entry.bytes);
        true
    }

    fn release(&mut self, place: &Place, bytes: u32) {
        match place {
            Place::Memory(body) if body.is_empty() => {}
            Place::Memory(_) => self.in_memory -= u64::from(bytes),
            Place::Disk { segment: id, offset } => {
                if let Some(segment) = self.segments.get_mut(id) {
                    segment.live -= 1;
                    segment.live_bytes -= u64::from(bytes);
                    // A segment of which nothing is left is deleted whole.
                    if let (Some(folder), true) = (&self.folder, segment.live > 0 || self.head_is(*id)) {
                        // If this is lost, the entry is sent again, and the hub knows its number.
                        folder.done(*id, *offset).ok();
                    }
                }
            }
        }
    }

    fn head_is(&self, id: u64) -> bool {
        self.head.as_ref().is_some_and(|head| head.id == id)
    }

    fn enforce_bound(&mut self) {
        while self.index.bytes() > self.rules.max_bytes {
            let Some(victim) = self.index.victim() else { return };
            let kind = self.index.get(victim).map(|entry| entry.kind);
            self.take(victim);
            if let Some(kind) = kind {
                self.count_drop(kind);
            }
        }
        self.delete_done_segments();
    }

    fn count_drop(&mut self, kind: Kind) {
        self.dropped[usize::from(kind == Kind::Sample)] += 1;
    }

    fn delete_done_segments(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        let head = self.head.as_ref().map(|head| head.id);
        self.segments.retain(|id, segment| segment.live > 0 || Some(*id) == head || folder.delete(*id).is_err());
    }

    /// Rewrites the segment with the smallest live share while the files are much larger than what
    /// they hold.
    fn compact(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        let on_disk: u64 = self.segments.values().map(|segment| segment.bytes).sum();
        let live: u64 = self.segments.values().map(|segment| segment.live_bytes).sum();
        if on_disk <= live + live / 4 + 2 * self.rules.segment_bytes {
            return;
        }
        let sealed = self.segments.iter().filter(|(id, _)| !self.head_is(**id));
        let Some((&id, _)) = sealed.min_by_key(|(_, segment)| segment.live_bytes * 1024 / segment.bytes.max(1)) else {
            return;
        };
        let in_it = |place: &Place| matches!(place, Place::Disk { segment, .. } if *segment == id);
        let moving: Vec<_> = self.index.by_age().filter(|entry| in_it(&entry.place)).cloned().collect();
        for entry in moving {
            let Place::Disk { offset, .. } = entry.place else { continue };
            let Ok(body) = folder.body(id, offset, entry.bytes) else {
                self.damaged += 1;
                self.take(entry.key);
                continue;
            };
            match self.write(&segment::record(entry.key, entry.kind, entry.worth, &body)) {
                Ok((segment, offset)) => {
                    self.release(&entry.place, entry.bytes);
                    self.place(entry.key, segment, offset, u64::from(entry.bytes));
                }
                Err(problem) => {
                    self.disk_problem = problem;
                    return;
                }
            }
        }
        // Only what is surely in its new place may be deleted from its old one.
        if self.head.as_ref().is_none_or(|head| head.sync().is_ok()) {
            self.delete_done_segments();
        }
    }
}

fn new_epoch() -> u32 {
    rand::random_range(1..=u32::MAX)
}

#[cfg(test)]
mod tests;
