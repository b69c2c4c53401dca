//! Puts targets in force: a set, not a change, so that whoever publishes compares nothing, and may say the same twice.
//!
//! Files come first, each on disk before the next; a list that names them second; so a publication that is cut off
//! leaves files that nobody asks for, never a name without a file. Files that no list names any more stay, for a bin
//! may be in the midst of loading them ([`Repository::unnamed`] tells which they are).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pilah_models::durable;
use pilah_models::name::{ContentId, TargetName};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tough::schema::{Hashes, Target};

use crate::keys::{KeyFolders, hex};
use crate::renew::Renewed;
use crate::staged::Staged;
use crate::{Repository, RepositoryError, on, whole_seconds};

/// The largest target, in bytes: a package of the program has 20 MB, the largest network 64 MiB.
pub const LARGEST_TARGET: u64 = 256 * 1024 * 1024;

/// A target that is to be in force.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Its name.
    pub name: TargetName,
    /// What it holds.
    pub content: Content,
    /// What else is signed of it, for whoever decides about it.
    pub custom: Map<String, Value>,
}

/// Where a target's bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// Here.
    Bytes(Vec<u8>),
    /// In a file.
    File(PathBuf),
    /// In the repository, since an earlier publication.
    Stored {
        /// Their SHA-256.
        sha256: ContentId,
        /// How many there are.
        length: u64,
    },
}

/// A target that cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// Two of one name.
    #[error("the target {0} is offered twice")]
    Twice(TargetName),
    /// Not in the repository.
    #[error("the target {name} is to be in the repository already, but {} is {what}: publish it with its content", path.display())]
    Gone {
        /// Which.
        name: TargetName,
        /// Where it should be.
        path: PathBuf,
        /// "missing" or of which size.
        what: String,
    },
    /// Something that cannot be signed.
    #[error(
        "the target {name} says {key:?} with a fraction ({value}); what is signed has whole numbers and texts alone: write it as a text"
    )]
    Fraction {
        /// Which.
        name: TargetName,
        /// Where in its custom data.
        key: String,
        /// The number.
        value: String,
    },
    /// Too large.
    #[error("the target {name} has more than {LARGEST_TARGET} bytes, which no bin takes")]
    TooLarge {
        /// Which.
        name: TargetName,
    },
}

/// What a publication did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version of the list in force.
    pub version: u64,
    /// Whether it is a new one; if not, the same targets were in force.
    pub new: bool,
    /// How many files were written.
    pub files: usize,
    /// Which of the targets in force before are not any more.
    pub withdrawn: Vec<String>,
    /// What was signed anew besides.
    pub renewed: Renewed,
}

impl Repository {
    /// Puts exactly these targets in force.
    ///
    /// # Errors
    /// [`RepositoryError`]; what was in force then still is.
    pub fn publish(&self, keys: &KeyFolders, offers: Vec<Offer>, now: Timestamp) -> Result<Published, RepositoryError> {
        let now = whole_seconds(now)?;
        let before = self.read()?;
        let mut targets = HashMap::new();
        let mut files = 0;
        for offer in &offers {
            for (key, value) in &offer.custom {
                if let Some(value) = fraction(value) {
                    return Err(OfferError::Fraction {
                        name: offer.name.clone(),
                        key: key.clone(),
                        value: value.to_string(),
                    }
                    .into());
                }
            }
        }
        for offer in offers {
            let (length, sha256, written) = self.store(&offer)?;
            files += usize::from(written);
            let target = Target {
                length,
                hashes: Hashes { sha256: sha256.into(), _extra: HashMap::new() },
                custom: offer.custom.into_iter().collect(),
                _extra: HashMap::new(),
            };
            if targets.insert(key(&offer.name), target).is_some() {
                return Err(OfferError::Twice(offer.name).into());
            }
        }
        let in_force = before.targets.as_ref();
        let mut withdrawn: Vec<String> = in_force
            .iter()
            .flat_map(|found| found.signed.targets.keys())
            .filter(|name| !targets.contains_key(*name))
            .map(|name| name.raw().to_owned())
            .collect();
        withdrawn.sort();
        if let Some(found) = in_force
            && found.signed.targets == targets
            && before.joined()
        {
            let version = found.signed.version.get();
            let renewed = self.renew(keys, now)?;
            return Ok(Published { version, new: false, files, withdrawn, renewed });
        }
        let mut staged = Staged::new(&before.root.signed, &self.policy, keys, now);
        let version = staged.targets(&before, targets)?;
        staged.write(self)?;
        Ok(Published { version, new: true, files, withdrawn, renewed: self.renew(keys, now)? })
    }

    /// Where a target's file lies.
    pub(crate) fn target_path(&self, sha256: &[u8], name: &str) -> PathBuf {
        self.targets_folder().join(format!("{}.{name}", hex(sha256)))
    }

    /// Puts an offer's bytes in place; how many there are, their SHA-256, and whether they were written.
    fn store(&self, offer: &Offer) -> Result<(u64, Vec<u8>, bool), RepositoryError> {
        let too_large = || OfferError::TooLarge { name: offer.name.clone() };
        match &offer.content {
            Content::Bytes(bytes) => {
                let length = bytes.len() as u64;
                if length > LARGEST_TARGET {
                    return Err(too_large().into());
                }
                let sha256 = Sha256::digest(bytes).to_vec();
                let path = self.target_path(&sha256, offer.name.as_str());
                let whole = is_whole(&path, length, &sha256)?;
                if !whole {
                    self.disk.write(&path, bytes)?;
                }
                Ok((length, sha256, !whole))
            }
            Content::File(file) => {
                let (length, sha256) = measure(file, LARGEST_TARGET)?.ok_or_else(too_large)?;
                let path = self.target_path(&sha256, offer.name.as_str());
                let whole = is_whole(&path, length, &sha256)?;
                if !whole {
                    copy(file, &path)?;
                    if !is_whole(&path, length, &sha256)? {
                        let changed = io::Error::other("it changed while it was copied");
                        fs::remove_file(&path).map_err(on("remove", &path))?;
                        return Err(on("read", file)(changed));
                    }
                }
                Ok((length, sha256, !whole))
            }
            Content::Stored { sha256, length } => {
                let bytes = from_hex(sha256.as_str());
                let path = self.target_path(&bytes, offer.name.as_str());
                let gone = |what: String| OfferError::Gone { name: offer.name.clone(), path: path.clone(), what };
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.len() == *length => Ok((*length, bytes, false)),
                    Ok(metadata) => Err(gone(format!("of {} bytes instead of {length}", metadata.len())).into()),
                    Err(_) => Err(gone("missing".to_owned()).into()),
                }
            }
        }
    }
}

/// The name as `tough` has it.
fn key(name: &TargetName) -> tough::TargetName {
    tough::TargetName::new(name.as_str()).expect("a flat name has nothing to resolve")
}

/// A number with a fraction, which canonical JSON does not have.
fn fraction(value: &Value) -> Option<&serde_json::Number> {
    match value {
        Value::Number(number) => number.is_f64().then_some(number),
        Value::Array(values) => values.iter().find_map(fraction),
        Value::Object(values) => values.values().find_map(fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

/// Length and SHA-256 of a file, unless it is longer than `most`.
pub(crate) fn measure(path: &Path, most: u64) -> Result<Option<(u64, Vec<u8>)>, RepositoryError> {
    let mut file = File::open(path).map_err(on("read", path))?;
    let (mut length, mut hash, mut buffer) = (0, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer).map_err(on("read", path))?;
        if read == 0 {
            return Ok(Some((length, hash.finalize().to_vec())));
        }
        length += read as u64;
        if length > most {
            return Ok(None);
        }
        hash.update(&buffer[..read]);
    }
}

fn is_whole(path: &Path, length: u64, sha256: &[u8]) -> Result<bool, RepositoryError> {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == length) {
        return Ok(false);
    }
    Ok(measure(path, length)?.is_some_and(|(_, found)| found == sha256))
}

/// As [`durable::write`], without the whole file in memory.
fn copy(from: &Path, to: &Path) -> Result<(), RepositoryError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(on("write", folder))?;
    let mut partial = to.as_os_str().to_owned();
    partial.push(durable::TEMPORARY_SUFFIX);
    let partial = PathBuf::from(partial);
    let mut source = File::open(from).map_err(on("read", from))?;
    let written = (|| {
        let mut file = File::create(&partial)?;
        io::copy(&mut source, &mut file)?;
        file.sync_all()?;
        fs::rename(&partial, to)?;
        durable::sync_folder(folder)
    })();
    written.map_err(on("write", to))
}

fn from_hex(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    digits.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
