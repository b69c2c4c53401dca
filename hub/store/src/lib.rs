//! The database and the files of a hub: everything that must survive, in one data folder.
//!
//! ```text
//! pilah.db    SQLite (write-ahead log, full sync): rows
//! objects/    images, networks and manifests, each under its SHA-256
//! incoming/   zips that are being received and imported; emptied at start
//! trainings/  what a training needs to be taken up again, a folder each, until it is over
//! hub.lock    held while a hub, or a command that writes, uses the folder
//! ```
//!
//! Rows are plain: text, integers, JSON as text. They become checked domain types at the border of
//! the stage that reads them. Times are milliseconds since 1970 UTC in columns that end in `_ms`.

/// The data folder: made, checked for writing, and locked.
mod folder;

/// What keeps the hub from storing.
mod trouble;

/// What may be written now, and on which connections.
mod keeper;

/// Images and networks by SHA-256.
mod blobs;

/// Half of a hub's data is not a new hub.
mod lost;

/// The connection to the database.
mod connection;

/// The tables, as they came to be.
mod migrations;

/// A row type per table.
pub mod entity;

pub use blobs::{BlobError, Blobs};
pub use connection::{CheckError, DatabaseConnection, DatabaseTransaction, Store};
pub use folder::DataFolder;
pub use trouble::Trouble;

use std::io;
use std::path::PathBuf;

use sea_orm::DbErr;

/// A data folder or database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made or written to.
    #[error("cannot write to the data folder {}: {}", path.display(), unwritable_remedy(source))]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Another process uses it.
    #[error("the data folder {} is in use by another pilah-hub: stop that one, or choose another folder with --data", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// There is no hub's data.
    #[error("there is no hub's data in {}: name its folder with --data", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// There are images without the database that knows them.
    #[error(
        "{0}/pilah.db {what}, but other files of a hub are there: this is not a new hub. Restore pilah.db from the last backup \
         (with pilah.db-wal, if there is one in it) and start again. To begin anew all the same, move {0}/objects and \
         {0}/pilah.db-wal away first",
        folder.display()
    )]
    Lost {
        /// The data folder.
        folder: PathBuf,
        /// What is wrong with the database.
        what: &'static str,
    },
    /// There is a database that knows images, and not one image.
    #[error(
        "the database {0}/pilah.db knows images, but there is none in {0}/objects: mount the disk that they are on, or restore \
         the folder from the last backup, and start again",
        folder.display()
    )]
    NoObjects {
        /// The data folder.
        folder: PathBuf,
    },
    /// A file of the data folder cannot be looked at.
    #[error("cannot read {}: give this user the right to read it", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A newer version of Pilah has used the folder.
    #[error(
        "the data folder {} was used by a newer version of Pilah (its database has {}): start that version, or restore the \
         backup from before the update",
        folder.display(),
        unknown.join(", ")
    )]
    Newer {
        /// The data folder.
        folder: PathBuf,
        /// The migrations that this build does not know.
        unknown: Vec<String>,
    },
    /// The database's file cannot be used.
    #[error("the database {} cannot be used: {}", file.display(), trouble.at_start())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why.
        trouble: Trouble,
        /// The database's reason.
        source: DbErr,
    },
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// A row holds what this build cannot read.
    #[error("row {row} of table {table} cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong.
        problem: String,
    },
}

fn unwritable_remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "its disk is full; make room there",
        io::ErrorKind::ReadOnlyFilesystem => {
            "its disk is mounted read-only; mount it for writing, or choose another folder with --data"
        }
        _ => "choose another with --data, or give this user the right to write there",
    }
}

/// Milliseconds since 1970 UTC, by this machine's clock.
#[must_use]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests;
