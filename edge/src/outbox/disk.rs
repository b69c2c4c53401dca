//! The few operations of a file system that the outbox is built on, in one folder.
//!
//! What they promise is little, because a file system promises little: a name or a byte is there after a
//! power cut only if a sync said so, what was not synced may be there in part, and an error of a sync
//! says that nobody knows what is there. The tests have a second folder, in memory, which does all that
//! (`disk/fake.rs`).

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use pilah_models::durable;

/// A folder.
pub(super) trait Disk: Debug + Send + Sync {
    /// The names in it.
    fn names(&self) -> io::Result<Vec<String>>;

    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// A part of a file.
    fn read_at(&self, name: &str, offset: u64, bytes: usize) -> io::Result<Vec<u8>>;

    /// A new file, which must not be there yet, to append to.
    fn create(&self, name: &str) -> io::Result<Box<dyn Growing>>;

    /// Waits until a file that was appended to by an earlier run is on disk.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Appends to a file, made if it is missing. Not synced.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file off behind its first `bytes`. Not synced.
    fn cut(&self, name: &str, bytes: u64) -> io::Result<()>;

    /// Removes a file. That it is gone already is no error. Not synced.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Syncs names that were made or removed.
    fn sync_names(&self) -> io::Result<()>;

    /// Gives a file a new content, atomically and synced.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()>;
}

/// A file that is appended to.
pub(super) trait Growing: Debug + Send {
    /// Appends; after an error, a part of it may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until what was appended is on disk. After an error some of it may never be, even if a later
    /// sync succeeds: Linux tells of a failed write once.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder of the operating system.
#[derive(Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Disk for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(name))
    }

    fn read_at(&self, name: &str, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.0.join(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut read = vec![0; bytes];
        file.read_exact(&mut read)?;
        Ok(read)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Growing>> {
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).open(self.0.join(name))?))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        File::open(self.0.join(name))?.sync_all()
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).create(true).open(self.0.join(name))?.write_all(bytes)
    }

    fn cut(&self, name: &str, bytes: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.0.join(name))?.set_len(bytes)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_names(&self) -> io::Result<()> {
        durable::sync_folder(&self.0)
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        durable::write(&self.0.join(name), content)
    }
}

impl Growing for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(test)]
pub(super) mod fake;
