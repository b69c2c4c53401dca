//! The files of the outbox: how a record is written, and what can be read back after a crash.
//!
//! ```text
//! {id}.seg    MAGIC, then records one after the other
//!   record    length u32 │ crc32 u32 │ kind u8 │ worth u8 │ epoch u32 │ seq u64 │ body
//!             ╰ of what follows the crc ╯ ╰ over the length and all that follows the crc
//! {id}.ack    offsets of records that are done with: offset u32 │ crc32 u32
//! ```
//!
//! Integers are little-endian. A record whose checksum does not fit is skipped by its length; one
//! that does not end within the file, or whose length makes no sense, ends the reading. Either way
//! it is counted, and every whole record before it is found.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use pilah_models::wire::LARGEST_MESSAGE;

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
    /// Records that cannot be read.
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
    if bytes.len() < MAGIC.len() || bytes[..MAGIC.len()] != MAGIC {
        // A segment that was cut within its first bytes held nothing yet.
        contents.damaged = u64::from(bytes.len() > MAGIC.len());
        return contents;
    }
    let mut offset = MAGIC.len();
    while offset < bytes.len() {
        let Some(record) = whole_record(&bytes[offset..]) else {
            contents.damaged += 1;
            break;
        };
        match parse(record) {
            Some((key, kind, worth)) => {
                contents.records.push(Found { offset: offset as u32, key, kind, worth, bytes: record.len() as u32 });
            }
            None => contents.damaged += 1,
        }
        offset += record.len();
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
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn path(&self, id: u64, suffix: &str) -> PathBuf {
        self.0.join(format!("{id:016x}.{suffix}"))
    }

    /// The ids of the segments there are, in order.
    pub(super) fn list(&self) -> io::Result<Vec<u64>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
            match (id, path.extension().and_then(|e| e.to_str())) {
                (Some(id), Some(SEGMENT)) => ids.push(id),
                (Some(id), Some(DONE)) if !self.path(id, SEGMENT).exists() => fs::remove_file(&path)?,
                _ => {}
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads a segment, without the records that are done with.
    pub(super) fn read(&self, id: u64) -> io::Result<Contents> {
        let mut contents = scan(&fs::read(self.path(id, SEGMENT))?);
        let done = self.read_done(id)?;
        contents.records.retain(|record| !done.contains(&record.offset));
        Ok(contents)
    }

    fn read_done(&self, id: u64) -> io::Result<Vec<u32>> {
        let path = self.path(id, DONE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let whole = bytes.len() / 8 * 8;
        if whole != bytes.len() {
            OpenOptions::new().write(true).open(&path)?.set_len(whole as u64)?;
        }
        let offsets = bytes[..whole].chunks_exact(8).filter_map(|chunk| {
            let (offset, crc) = (chunk[..4].try_into().ok()?, chunk[4..].try_into().ok()?);
            (crc32fast::hash(chunk.get(..4)?) == u32::from_le_bytes(crc)).then_some(u32::from_le_bytes(offset))
        });
        Ok(offsets.collect())
    }

    /// Notes that the record at `offset` is done with. Not synced: what is lost of it is sent again.
    pub(super) fn done(&self, id: u64, offset: u32) -> io::Result<()> {
        let offset = offset.to_le_bytes();
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&offset);
        entry[4..].copy_from_slice(&crc32fast::hash(&offset).to_le_bytes());
        OpenOptions::new().append(true).create(true).open(self.path(id, DONE))?.write_all(&entry)
    }

    /// The body of a record, checked.
    pub(super) fn body(&self, id: u64, offset: u32, bytes: u32) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(id, SEGMENT))?;
        file.seek(SeekFrom::Start(u64::from(offset)))?;
        let mut record = vec![0; bytes as usize];
        file.read_exact(&mut record)?;
        let whole = whole_record(&record).is_some_and(|whole| whole.len() == record.len());
        if !whole || parse(&record).is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not fit"));
        }
        Ok(record.split_off(FRAME + META))
    }

    /// Begins a segment.
    pub(super) fn create(&self, id: u64) -> io::Result<Head> {
        let path = self.path(id, SEGMENT);
        let begun = (|| {
            let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
            file.write_all(&MAGIC)?;
            pilah_models::durable::sync_folder(&self.0)?;
            Ok(file)
        })();
        match begun {
            Ok(file) => Ok(Head { id, file, bytes: MAGIC.len() as u64 }),
            Err(error) => {
                // An empty segment is harmless; the error is what counts.
                fs::remove_file(&path).ok();
                Err(error)
            }
        }
    }

    /// Deletes a segment.
    pub(super) fn delete(&self, id: u64) -> io::Result<()> {
        fs::remove_file(self.path(id, SEGMENT))?;
        match fs::remove_file(self.path(id, DONE)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: u64,
    file: File,
    pub(super) bytes: u64,
}

impl Head {
    /// Appends a record and returns its offset. After an error the segment must not be appended to,
    /// for it may end in half a record.
    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<u32> {
        let offset = self.bytes as u32;
        self.file.write_all(record)?;
        self.bytes += record.len() as u64;
        Ok(offset)
    }

    /// Waits until what was appended is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The path of a segment, for tests that damage it.
#[cfg(test)]
pub(super) fn path(folder: &std::path::Path, id: u64) -> PathBuf {
    Folder(folder.to_owned()).path(id, SEGMENT)
}
