//! What is remembered between two checks: the last metadata that was believed, the versions below which nothing is believed, and
//! the latest time that was gone by.
//!
//! ```text
//! trust/believed.json     SHA-256 of the rest of the file, a line feed, the state as JSON
//! trust/believed.2.json   the same, written after it
//! trust/scratch/          tough's datastore, made anew for each check
//! ```
//!
//! [`pilah_models::durable`] leaves the old file or the new one. A card that lies about its writes, or loses a block, can damage one of
//! them nevertheless: then the other counts, and the damaged one is written again. If both are damaged, a bin starts from its
//! root of trust and says so: until the next check it could be given an older list, as on its first day.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pilah_models::durable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the format.
const FORMAT: u32 = 1;
/// Both copies.
const COPIES: [&str; 2] = ["believed.json", "believed.2.json"];

/// The versions below which nothing is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Of root.
    pub root: u64,
    /// Of timestamp; 0 after its keys were exchanged.
    pub timestamp: u64,
    /// Of snapshot; 0 after its keys were exchanged.
    pub snapshot: u64,
    /// Of the list of targets; 0 after its keys were exchanged.
    pub targets: u64,
}

/// What was believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Believed {
    pub format: u32,
    /// Rises with each write.
    pub sequence: u64,
    /// SHA-256 of the root of trust that it started from.
    pub anchor: String,
    pub floor: Floor,
    /// The latest time that was gone by, never later than the end of a signature.
    pub latest: Option<Timestamp>,
    /// The files as they came; empty if there is none.
    pub root: String,
    pub timestamp: String,
    pub snapshot: String,
    pub targets: String,
}

/// What was found of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing, as on the first day.
    Nothing,
    /// Both copies.
    Whole,
    /// One of them: the other is written again.
    OneCopy,
    /// Both damaged.
    Lost,
}

impl Believed {
    /// What a bin believes on its first day.
    pub(crate) fn first(anchor: String, root: String) -> Self {
        Self {
            format: FORMAT,
            sequence: 0,
            anchor,
            floor: Floor::default(),
            latest: None,
            root,
            timestamp: String::new(),
            snapshot: String::new(),
            targets: String::new(),
        }
    }
}

/// Reads what is there; the newer of two whole copies counts.
pub(crate) fn read(folder: &Path) -> io::Result<(Option<Believed>, Found)> {
    let mut whole: Vec<Believed> = Vec::new();
    let mut damaged = 0;
    for copy in COPIES {
        match fs::read(folder.join(copy)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            // A block of the card that cannot be read is damage, too.
            Err(_) => damaged += 1,
            Ok(bytes) => match parse(&bytes) {
                Some(believed) => whole.push(believed),
                None => damaged += 1,
            },
        }
    }
    let found = match (whole.len(), damaged) {
        (0, 0) => Found::Nothing,
        (0, _) => Found::Lost,
        (2, _) if whole[0] == whole[1] => Found::Whole,
        _ => Found::OneCopy,
    };
    Ok((whole.into_iter().max_by_key(|believed| believed.sequence), found))
}

/// Writes both copies, one after the other.
pub(crate) fn write(folder: &Path, believed: &Believed) -> io::Result<()> {
    let json = serde_json::to_vec(believed)?;
    let mut bytes = hex(&Sha256::digest(&json)).into_bytes();
    bytes.push(b'\n');
    bytes.extend(json);
    for copy in COPIES {
        durable::write(&folder.join(copy), &bytes)?;
    }
    Ok(())
}

fn parse(bytes: &[u8]) -> Option<Believed> {
    let (sum, json) = bytes.split_at_checked(64)?;
    let json = json.strip_prefix(b"\n")?;
    if hex(&Sha256::digest(json)).as_bytes() != sum {
        return None;
    }
    serde_json::from_slice(json).ok().filter(|believed: &Believed| believed.format == FORMAT)
}

/// An empty folder for `tough`, with what was believed in it.
pub(crate) fn scratch(folder: &Path, believed: &Believed) -> io::Result<PathBuf> {
    let scratch = folder.join("scratch");
    match fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&scratch)?,
    }
    for (name, content) in [("timestamp.json", &believed.timestamp), ("snapshot.json", &believed.snapshot)] {
        if !content.is_empty() {
            fs::write(scratch.join(name), content)?;
        }
    }
    Ok(scratch)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn believed(sequence: u64) -> Believed {
        let mut believed = Believed::first("a".repeat(64), "{}".to_owned());
        believed.sequence = sequence;
        believed.floor = Floor { root: 1, timestamp: 7, snapshot: 3, targets: 2 };
        believed
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read(folder.path()).expect("reads"), (None, Found::Nothing));
        write(folder.path(), &believed(1)).expect("writes");
        assert_eq!(read(folder.path()).expect("reads"), (Some(believed(1)), Found::Whole));
    }

    #[test]
    fn a_copy_cut_at_any_byte_or_with_any_bit_turned_is_found_and_the_other_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &believed(4)).expect("writes");
        let whole = fs::read(folder.path().join(COPIES[0])).expect("reads");
        for copy in COPIES {
            let path = folder.path().join(copy);
            for length in 0..whole.len() {
                fs::write(&path, &whole[..length]).expect("cuts");
                assert_eq!(read(folder.path()).expect("reads"), (Some(believed(4)), Found::OneCopy), "{copy} {length}");
            }
            for at in 0..whole.len() {
                let mut turned = whole.clone();
                turned[at] ^= 1;
                fs::write(&path, turned).expect("turns");
                assert_eq!(read(folder.path()).expect("reads"), (Some(believed(4)), Found::OneCopy), "{copy} {at}");
            }
            fs::write(&path, &whole).expect("restores");
        }
        for copy in COPIES {
            fs::write(folder.path().join(copy), b"").expect("empties");
        }
        assert_eq!(read(folder.path()).expect("reads"), (None, Found::Lost));
    }

    #[test]
    fn cut_off_between_both_copies_the_newer_one_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &believed(1)).expect("writes");
        let old = fs::read(folder.path().join(COPIES[1])).expect("reads");
        write(folder.path(), &believed(2)).expect("writes");
        fs::write(folder.path().join(COPIES[1]), old).expect("as it was before the second write");
        assert_eq!(read(folder.path()).expect("reads"), (Some(believed(2)), Found::OneCopy));
    }
}
