//! The files of the outbox: how a record is written, and what can be read back after a crash.
//!
//! ```text
//! {id}.seg    MAGIC, then records one after the other
//!   record    length u32 │ crc32 u32 │ kind u8 │ worth u8 │ epoch u32 │ seq u64 │ body
//!             ╰ of what follows the crc ╯ ╰ over the length and all that follows the crc
//! {id}.ack    offsets of records that are done with: offset u32 │ crc32 u32
//! ```
//!
//! Integers are little-endian. Where there is no whole record whose checksum fits, the next one is looked
//! for at every byte that follows, so that damage costs the records that it hits and no others; each
//! damaged stretch is counted.

use std::io;
use std::sync::Arc;

use pilah_models::durable::TEMPORARY_SUFFIX;
use pilah_models::wire::LARGEST_MESSAGE;

use super::disk::{Disk, Growing};
use super::{Key, Kind};

/// How every segment begins.
const MAGIC: [u8; 8] = *b"PILAHBX1";
/// Length and checksum.
const FRAME: usize = 8;
/// Kind, worth, epoch and seq.
const META: usize = 14;
/// The suffix of segments.
const SEGMENT: &str = "seg";
/// The suffix of the lists of offsets that are done with.
const DONE: &str = "ack";

/// A record as it was found in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) offset: u32,
    pub(super) key: Key,
    pub(super) kind: Kind,
    pub(super) worth: u8,
    /// Bytes on disk, the frame among them.
    pub(super) bytes: u32,
}

/// What a segment holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) records: Vec<Found>,
    /// Stretches that hold no record.
    pub(super) damaged: u64,
    /// The size of the file.
    pub(super) bytes: u64,
}

/// A record as it is written.
pub(super) fn record(key: Key, kind: Kind, worth: u8, body: &[u8]) -> Vec<u8> {
    let length = (META + body.len()) as u32;
    let mut bytes = Vec::with_capacity(FRAME + length as usize);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.push(match kind {
        Kind::Event => 1,
        Kind::Sample => 2,
    });
    bytes.push(worth);
    bytes.extend_from_slice(&key.epoch.to_le_bytes());
    bytes.extend_from_slice(&key.seq.to_le_bytes());
    bytes.extend_from_slice(body);
    let crc = checksum(&bytes);
    bytes[4..FRAME].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The bytes that a record with this body takes.
pub(super) fn record_bytes(body: &[u8]) -> u32 {
    (FRAME + META + body.len()) as u32
}

/// Reads all that can be read of a segment.
pub(super) fn scan(bytes: &[u8]) -> Contents {
    let mut contents = Contents { bytes: bytes.len() as u64, ..Contents::default() };
    if bytes.len() < MAGIC.len() {
        // A segment that was cut within its first bytes held nothing yet.
        return contents;
    }
    let mut offset = if bytes.starts_with(&MAGIC) { MAGIC.len() } else { 0 };
    let mut lost = false;
    while offset < bytes.len() {
        match whole_record(&bytes[offset..]).and_then(|record| Some((record.len(), parse(record)?))) {
            Some((length, (key, kind, worth))) => {
                contents.records.push(Found { offset: offset as u32, key, kind, worth, bytes: length as u32 });
                offset += length;
                lost = false;
            }
            None => {
                contents.damaged += u64::from(!lost);
                offset += 1;
                lost = true;
            }
        }
    }
    contents
}

fn whole_record(bytes: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    if !(META..=META + LARGEST_MESSAGE).contains(&length) {
        return None;
    }
    bytes.get(..FRAME + length)
}

fn parse(record: &[u8]) -> Option<(Key, Kind, u8)> {
    let crc = u32::from_le_bytes(record.get(4..FRAME)?.try_into().ok()?);
    if crc != checksum(record) {
        return None;
    }
    let kind = match record[FRAME] {
        1 => Kind::Event,
        2 => Kind::Sample,
        _ => return None,
    };
    let epoch = u32::from_le_bytes(record.get(FRAME + 2..FRAME + 6)?.try_into().ok()?);
    let seq = u64::from_le_bytes(record.get(FRAME + 6..FRAME + META)?.try_into().ok()?);
    Some((Key { epoch, seq }, kind, record[FRAME + 1]))
}

fn checksum(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&record[..4]);
    hasher.update(&record[FRAME..]);
    hasher.finalize()
}

/// The folder in which segments lie.
#[derive(Debug, Clone)]
pub(super) struct Folder(pub(super) Arc<dyn Disk>);

fn name(id: u64, suffix: &str) -> String {
    format!("{id:016x}.{suffix}")
}

/// The ids of what lies in a folder.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Segments, in order.
    pub(super) segments: Vec<u64>,
    /// The first id that nothing was ever named by. One that is used again could inherit a list of what is
    /// done with.
    pub(super) next: u64,
}

impl Folder {
    /// What is there. What a crash left behind and nobody needs is removed.
    pub(super) fn list(&self) -> io::Result<Listed> {
        let names = self.0.names()?;
        let ids = |suffix: &str| {
            let ids = names.iter().filter_map(|name| name.strip_suffix(suffix)?.strip_suffix('.'));
            ids.filter_map(|id| u64::from_str_radix(id, 16).ok()).collect::<Vec<_>>()
        };
        let (mut segments, done) = (ids(SEGMENT), ids(DONE));
        segments.sort_unstable();
        let orphans = done.iter().filter(|id| segments.binary_search(id).is_err()).map(|id| name(*id, DONE));
        let leftovers = names.iter().filter(|name| name.ends_with(TEMPORARY_SUFFIX)).cloned();
        for nobodys in orphans.chain(leftovers) {
            // On a disk that cannot be written it stays.
            self.0.remove(&nobodys).ok();
        }
        let next = segments.iter().chain(&done).max().map_or(1, |last| last.saturating_add(1));
        Ok(Listed { segments, next })
    }

    /// Reads a segment of an earlier run, without the records that are done with.
    pub(super) fn read(&self, id: u64) -> io::Result<Contents> {
        let mut contents = scan(&self.0.read(&name(id, SEGMENT))?);
        let done = self.read_done(id);
        contents.records.retain(|record| !done.contains(&record.offset));
        Ok(contents)
    }

    /// Syncs a segment of an earlier run.
    pub(super) fn sync(&self, id: u64) -> io::Result<()> {
        self.0.sync(&name(id, SEGMENT))
    }

    /// If the list cannot be read, all is sent again, and the hub knows it by its number.
    fn read_done(&self, id: u64) -> Vec<u32> {
        let name = name(id, DONE);
        let Ok(bytes) = self.0.read(&name) else { return Vec::new() };
        let whole = bytes.len() / 8 * 8;
        if whole != bytes.len() {
            // What is appended behind half an entry cannot be read; if it cannot be cut, it is sent again.
            self.0.cut(&name, whole as u64).ok();
        }
        let offsets = bytes[..whole].chunks_exact(8).filter_map(|chunk| {
            let (offset, crc) = (chunk[..4].try_into().ok()?, chunk[4..].try_into().ok()?);
            (crc32fast::hash(chunk.get(..4)?) == u32::from_le_bytes(crc)).then_some(u32::from_le_bytes(offset))
        });
        offsets.collect()
    }

    /// Notes that the record at `offset` is done with. Not synced: what is lost of it is sent again.
    pub(super) fn done(&self, id: u64, offset: u32) -> io::Result<()> {
        let offset = offset.to_le_bytes();
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&offset);
        entry[4..].copy_from_slice(&crc32fast::hash(&offset).to_le_bytes());
        self.0.append(&name(id, DONE), &entry)
    }

    /// The body of a record, checked.
    pub(super) fn body(&self, id: u64, offset: u32, bytes: u32) -> io::Result<Vec<u8>> {
        let mut record = self.0.read_at(&name(id, SEGMENT), u64::from(offset), bytes as usize)?;
        let whole = whole_record(&record).is_some_and(|whole| whole.len() == record.len());
        if !whole || parse(&record).is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not fit"));
        }
        Ok(record.split_off(FRAME + META))
    }

    /// Begins a segment. Its name is on disk then, and with it whatever was made or removed before.
    pub(super) fn create(&self, id: u64) -> io::Result<Head> {
        let name = name(id, SEGMENT);
        let begun = self.0.create(&name).and_then(|mut file| {
            file.append(&MAGIC)?;
            self.0.sync_names()?;
            Ok(file)
        });
        match begun {
            Ok(file) => Ok(Head { id, file, bytes: MAGIC.len() as u64 }),
            Err(error) => {
                // An empty segment is harmless; the error is what counts.
                self.0.remove(&name).ok();
                Err(error)
            }
        }
    }

    /// Deletes a segment.
    pub(super) fn delete(&self, id: u64) -> io::Result<()> {
        self.0.remove(&name(id, SEGMENT))?;
        self.0.remove(&name(id, DONE))
    }
}

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: u64,
    file: Box<dyn Growing>,
    pub(super) bytes: u64,
}

impl Head {
    /// Appends a record and returns its offset. After an error the segment must not be appended to,
    /// for it may end in half a record.
    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<u32> {
        let offset = self.bytes as u32;
        self.file.append(record)?;
        self.bytes += record.len() as u64;
        Ok(offset)
    }

    /// Waits until what was appended is on disk. After an error the segment must not be appended to.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

/// The path of a segment, for tests that damage it.
#[cfg(test)]
pub(super) fn path(folder: &std::path::Path, id: u64) -> std::path::PathBuf {
    folder.join(name(id, SEGMENT))
}
