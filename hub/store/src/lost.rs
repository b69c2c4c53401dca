//! Half of a hub's data is not a new hub: looked at before anything is made in its place.
//!
//! A database that is missing or holds nothing, beside images, was lost or not restored. A hub that made a
//! new one would know none of these images and, in time, take them for leftovers. Images that are missing
//! beside a database that knows some are on a disk that is not mounted, as a rule.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::StoreError;

/// How a JPEG begins. Networks and manifests lie in the same folder.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// Before the database is opened, which would make one and discard a log that belongs to a lost one.
///
/// # Errors
/// [`StoreError::Lost`], or the folder cannot be read.
pub(super) fn check_file(folder: &Path) -> Result<(), StoreError> {
    let length = |name: &str| match fs::metadata(folder.join(name)) {
        Ok(found) => Ok(Some(found.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Unreadable { path: folder.join(name), source }),
    };
    let what = match length("pilah.db")? {
        None => "is missing",
        Some(0) => "is empty",
        Some(_) => return Ok(()),
    };
    let is_log_there = length("pilah.db-wal")?.is_some_and(|length| length > 0);
    if is_log_there || find(folder, |_| Ok(true))? { Err(lost(folder, what)) } else { Ok(()) }
}

/// Once the database is open, before its tables are brought up to date.
///
/// # Errors
/// [`StoreError::Lost`], or the folder or the database cannot be read.
pub(super) async fn check_rows(db: &impl ConnectionTrait, folder: &Path) -> Result<(), StoreError> {
    if !is_one(db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'samples'").await? {
        return if find(folder, |_| Ok(true))? { Err(lost(folder, "holds nothing")) } else { Ok(()) };
    }
    if is_one(db, "SELECT EXISTS(SELECT 1 FROM samples)").await? {
        let is_any = find(folder, |_| Ok(true))?;
        return if is_any { Ok(()) } else { Err(StoreError::NoObjects { folder: folder.to_owned() }) };
    }
    // A hub that was killed before its first sample was committed has an administrator, and perhaps an image.
    if !is_one(db, "SELECT EXISTS(SELECT 1 FROM users)").await? && find(folder, is_jpeg)? {
        return Err(lost(folder, "knows no image and nobody"));
    }
    Ok(())
}

fn lost(folder: &Path, what: &'static str) -> StoreError {
    StoreError::Lost { folder: folder.to_owned(), what }
}

async fn is_one(db: &impl ConnectionTrait, sql: &str) -> Result<bool, DbErr> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index::<i32>(0).map(|count| count > 0))
}

/// Whether an object of the folder is as wanted. It ends at the first.
fn find(folder: &Path, mut is_wanted: impl FnMut(&Path) -> io::Result<bool>) -> Result<bool, StoreError> {
    let objects = folder.join("objects");
    let mut look = || {
        for shelf in entries(&objects)? {
            if shelf.is_dir() {
                for object in entries(&shelf)? {
                    if is_whole(&object) && is_wanted(&object)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    };
    look().map_err(|source| StoreError::Unreadable { path: objects.clone(), source })
}

/// What is being written has another name.
fn is_whole(object: &Path) -> bool {
    object.file_name().and_then(OsStr::to_str).is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_jpeg(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(JPEG.len() as u64).read_to_end(&mut start)?;
    Ok(start == JPEG)
}
