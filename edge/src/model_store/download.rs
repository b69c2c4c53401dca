//! One artifact on its way to the disk. What has come of it stays in `objects/{sha256}.part`, whatever ends the attempt,
//! and the next attempt goes on behind it; so a link that breaks, a disk that is full for a while and a program that is
//! restarted cost what was on the way, and not all of it again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pilah_models::durable::{self, Growing};
use pilah_models::name::ContentId;

use super::fetch::{FetchError, Incoming};

/// The suffix of what has not come whole.
pub(super) const PART: &str = ".part";

/// Where artifacts come from, and whether they are to.
pub struct Supply<'a> {
    /// Asks for an artifact, of which the first bytes (second argument) are there and which may have as many as the
    /// third argument says.
    pub fetch: &'a dyn Fn(&ContentId, u64, u64) -> Result<Incoming, FetchError>,
    /// The bytes that are free on the disk, if that can be told.
    pub free: &'a dyn Fn() -> Option<u64>,
    /// Whether the model is still wanted.
    pub is_wanted: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Supply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supply").finish_non_exhaustive()
    }
}

/// The file that holds what has come of an object.
pub(super) fn part_of(object: &Path) -> PathBuf {
    let mut name = object.as_os_str().to_owned();
    name.push(PART);
    name.into()
}

/// How much of an object has come.
pub(super) fn come(object: &Path) -> u64 {
    fs::metadata(part_of(object)).map_or(0, |part| part.len())
}

/// Fetches what is lacking of an artifact, and returns all of it. If it is what its id says, it is on disk as `object`
/// then; if not, nothing is left of it.
pub(super) fn download(object: &Path, id: &ContentId, limit: u64, supply: &Supply<'_>) -> Result<Vec<u8>, FetchError> {
    let resumed = come(object) > 0;
    match attempt(object, id, limit, supply) {
        // What came earlier may be what is wrong with it.
        Ok(bytes) if resumed && ContentId::of(&bytes) != *id => attempt(object, id, limit, supply),
        Err(FetchError::Status { status: 416, .. } | FetchError::TooLarge { .. }) if resumed => {
            durable::remove(&part_of(object)).map_err(FetchError::Write)?;
            attempt(object, id, limit, supply)
        }
        ended => ended,
    }
}

fn attempt(object: &Path, id: &ContentId, limit: u64, supply: &Supply<'_>) -> Result<Vec<u8>, FetchError> {
    let path = part_of(object);
    // Opened before anything is asked for: what cannot be kept is not fetched.
    let mut part = Growing::open(&path).map_err(FetchError::Write)?;
    let have = part.length();
    if have < limit || have == 0 {
        let incoming = (supply.fetch)(id, have, limit)?;
        if incoming.from != have {
            part.cut(incoming.from).map_err(FetchError::Write)?;
        }
        let copied = incoming.copy_to(&mut part, limit, supply.is_wanted);
        if let Err(FetchError::TooLarge { .. }) = copied {
            durable::remove(&path).map_err(FetchError::Write)?;
        }
        copied?;
    }
    let finish = || -> io::Result<Vec<u8>> {
        let bytes = fs::read(&path)?;
        if ContentId::of(&bytes) == *id {
            durable::rename(&path, object)?;
        } else {
            durable::remove(&path)?;
        }
        Ok(bytes)
    };
    finish().map_err(FetchError::Write)
}
