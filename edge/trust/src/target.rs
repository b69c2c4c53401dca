//! Targets: fetched if absent, resumed where they broke off, verified before they have their name.
//!
//! ```text
//! SHA256        a whole target
//! SHA256.part   what has come of one
//! ```
//!
//! Every `STEP` bytes what has come is put on disk, so that neither a power cut nor a broken connection costs more than that
//! again. What has come is worth nothing until it is whole and has the SHA-256 that was signed; if a part turns out to be wrong
//! (blocks that a card lost, or a target that was changed on its way), it is deleted, and fetched once more from the start.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pilah_models::durable::{self, Growing};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::source::{Part, Request, SourceError};
use crate::state::hex;
use crate::{Client, TrustError};

/// What has come is on disk at least this often, in bytes.
pub const STEP: usize = 32 * 1024;

/// A target, as it was signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// How many bytes.
    pub length: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// What else was signed of it.
    pub custom: Map<String, Value>,
}

/// A target that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where.
    pub path: PathBuf,
    /// Bytes that came over the network for it.
    pub bytes: u64,
    /// At which byte an earlier attempt was taken up.
    pub resumed: u64,
}

impl Target {
    /// Where it lies in a folder, once it is whole.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.sha256)
    }

    /// Whether it lies there, whole.
    #[must_use]
    pub fn is_in(&self, folder: &Path) -> bool {
        let path = self.path(folder);
        fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() == self.length)
            && digest(&path).is_ok_and(|sha256| sha256 == self.sha256)
    }

    fn part(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.part", self.sha256))
    }
}

/// Those of the targets that are not in a folder, and how many bytes of them are still to come.
pub fn absent<'a>(wanted: impl IntoIterator<Item = &'a Target>, folder: &Path) -> (Vec<&'a Target>, u64) {
    let lacking: Vec<&Target> = wanted.into_iter().filter(|target| !target.is_in(folder)).collect();
    let here = |target: &Target| fs::metadata(target.part(folder)).map_or(0, |part| part.len());
    let bytes = lacking.iter().map(|target| target.length.saturating_sub(here(target))).sum();
    (lacking, bytes)
}

impl Client {
    /// Fetches a target of at most `most` bytes into a folder, unless it is there. Blocks.
    ///
    /// # Errors
    /// [`TrustError`]; what has come is kept for the next attempt, unless it is wrong.
    pub fn fetch(&self, target: &Target, folder: &Path, most: u64) -> Result<Fetched, TrustError> {
        let path = target.path(folder);
        if target.length > most {
            return Err(TrustError::TargetTooLarge { name: target.name.clone(), length: target.length, most });
        }
        if target.is_in(folder) {
            return Ok(Fetched { path, bytes: 0, resumed: 0 });
        }
        fs::create_dir_all(folder).map_err(disk("write", folder))?;
        let (mut bytes, resumed) = self.complete(target, folder)?;
        let mut wrong = wrong(target, folder)?;
        if wrong.is_some() && resumed > 0 {
            self.remove_part(target, folder)?;
            bytes += self.complete(target, folder)?.0;
            wrong = self::wrong(target, folder)?;
        }
        if let Some(what) = wrong {
            self.remove_part(target, folder)?;
            return Err(TrustError::ArbitraryTarget { name: target.name.clone(), what });
        }
        durable::rename(&target.part(folder), &path).map_err(disk("write", &path))?;
        Ok(Fetched { path, bytes, resumed })
    }

    /// Fetches what is lacking of a part: how many bytes came, and at which byte it was taken up.
    fn complete(&self, target: &Target, folder: &Path) -> Result<(u64, u64), TrustError> {
        let part = target.part(folder);
        let mut file = Growing::open(&part).map_err(disk("write", &part))?;
        if file.length() > target.length {
            file.cut(0).map_err(disk("write", &part))?;
        }
        let have = file.length();
        if have == target.length {
            return Ok((0, have));
        }
        let name = format!("{}.{}", target.sha256, target.name);
        let unreachable =
            |source: Box<dyn std::error::Error + Send + Sync>| TrustError::Unreachable { file: name.clone(), source };
        let flat = !target.name.is_empty() && !target.name.contains(['/', '\\']) && !target.name.starts_with('.');
        if !flat {
            return Err(unreachable("its name is no name of a file".into()));
        }
        let reply =
            self.source.open(Request { part: Part::Targets, name: &name, from: have }).map_err(
                |error| match error {
                    SourceError::NotThere => TrustError::Lacking { file: name.clone() },
                    SourceError::Failed(source) => unreachable(source),
                },
            )?;
        if reply.from != have && reply.from != 0 {
            return Err(unreachable(format!("asked for from byte {have}, it came from byte {}", reply.from).into()));
        }
        if reply.from != have {
            file.cut(reply.from).map_err(disk("write", &part))?;
        }
        // One byte more than was signed shows that there are more.
        let mut body = reply.body.take(target.length + 1 - reply.from);
        let (mut bytes, mut buffer) = (0, vec![0; STEP]);
        loop {
            let (read, broken) = fill(&mut body, &mut buffer);
            if read > 0 {
                file.append(&buffer[..read]).map_err(disk("write", &part))?;
            }
            bytes += read as u64;
            if let Some(broken) = broken {
                return Err(unreachable(broken.into()));
            }
            if read == 0 {
                break;
            }
        }
        let here = reply.from + bytes;
        if here < target.length {
            return Err(unreachable(format!("it broke off after {here} of {} bytes", target.length).into()));
        }
        Ok((bytes, reply.from))
    }

    fn remove_part(&self, target: &Target, folder: &Path) -> Result<(), TrustError> {
        let part = target.part(folder);
        durable::remove(&part).map_err(disk("delete", &part))
    }
}

/// What is wrong with a part that has all its bytes.
fn wrong(target: &Target, folder: &Path) -> Result<Option<String>, TrustError> {
    let part = target.part(folder);
    let length = fs::metadata(&part).map_err(disk("read", &part))?.len();
    if length != target.length {
        return Ok(Some(format!("more than the {} bytes that were signed", target.length)));
    }
    let sha256 = digest(&part).map_err(disk("read", &part))?;
    Ok((sha256 != target.sha256).then(|| format!("SHA-256 {sha256} instead of {}", target.sha256)))
}

/// Reads until the buffer is full, nothing more comes, or it breaks off: how much, and why it broke off.
pub fn fill(body: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match body.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn disk(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TrustError {
    let path = path.to_owned();
    move |source| TrustError::Disk { act, path, source }
}
