//! The only place that writes files which must survive a power cut.
//!
//! A reader sees the old content or the new one, whole, whatever happens in between: the bytes go
//! to a temporary file in the same folder, are synced, take the name by `rename`, and the folder is
//! synced so that the new name is on disk as well. A temporary file that a crash left behind has a
//! name that ends in `TEMPORARY_SUFFIX`; whoever owns the folder may delete it at start.
//!
//! What comes piece by piece is a [`Growing`] file: each piece is on disk before the next is asked for, and gets its name
//! by [`rename`] when it is whole.

/// What is done to files, told step by step to tests that cut the power in between.
#[cfg(feature = "watched")]
pub mod watch;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells whoever watches, if somebody can.
macro_rules! told {
    ($step:expr) => {
        #[cfg(feature = "watched")]
        {
            use watch::Step;
            watch::tell(|| $step);
        }
    };
}

/// How the names of temporary files end.
pub const TEMPORARY_SUFFIX: &str = ".partial";

/// Writes `content` to `path`, atomically and durably. Creates missing folders.
///
/// # Errors
/// The operating system's, with the path in the message; the old file is then untouched.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(named)?;
    let temporary = temporary_name(path);
    let result = (|| {
        let mut file = File::create(&temporary)?;
        told!(Step::Make(temporary.clone()));
        file.write_all(content)?;
        told!(Step::Write { path: temporary.clone(), at: 0, bytes: content.to_vec() });
        file.sync_all()?;
        told!(Step::Sync(temporary.clone()));
        rename(&temporary, path)
    })();
    if result.is_err() {
        // The write has failed already and that is what the caller hears of; a leftover is harmless.
        fs::remove_file(&temporary).ok();
    }
    result.map_err(named)
}

/// Gives a file that is on disk another name in its folder, durably.
///
/// # Errors
/// The operating system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    told!(Step::Rename { from: from.to_owned(), to: to.to_owned() });
    sync_folder(to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Removes a file. That it is gone may not be on disk yet.
///
/// # Errors
/// The operating system's.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    told!(Step::Remove(path.to_owned()));
    Ok(())
}

/// Syncs a folder, so that names made or removed in it are on disk.
///
/// # Errors
/// The operating system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only Unix can sync a folder; elsewhere the file system's own journal has to do.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    told!(Step::SyncFolder(folder.to_owned()));
    Ok(())
}

/// A file that grows piece by piece, and outlives a power cut up to its last piece.
#[derive(Debug)]
pub struct Growing {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Growing {
    /// Opens a file, with what an earlier run wrote to it; made if it is missing, with its folder.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let is_new = !path.exists();
        let file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
        if is_new {
            told!(Step::Make(path.to_owned()));
            // Or else what is synced of it would have no name.
            sync_folder(folder)?;
        }
        let length = file.metadata()?.len();
        Ok(Self { file, path: path.to_owned(), length })
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Cuts it off behind its first `bytes`, where the next piece goes.
    ///
    /// # Errors
    /// The operating system's.
    pub fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        told!(Step::Cut { path: self.path.clone(), bytes });
        self.length = bytes;
        Ok(())
    }

    /// Appends a piece, and waits until it is on disk.
    ///
    /// # Errors
    /// The operating system's; a part of it may be there.
    pub fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(piece)?;
        told!(Step::Write { path: self.path.clone(), at: self.length, bytes: piece.to_vec() });
        self.length += piece.len() as u64;
        self.file.sync_data()?;
        told!(Step::Sync(self.path.clone()));
        Ok(())
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}-{write}{TEMPORARY_SUFFIX}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/er/file");
        write(&path, b"old").expect("first write");
        write(&path, b"new").expect("second write");
        assert_eq!(fs::read(&path).expect("reads"), b"new");
        assert_eq!(fs::read_dir(path.parent().expect("parent")).expect("lists").count(), 1);
    }

    #[test]
    fn a_file_grows_where_it_was_and_where_it_was_cut() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/er/part");
        let mut file = Growing::open(&path).expect("made");
        file.append(b"one").expect("appends");
        drop(file);
        let mut file = Growing::open(&path).expect("there");
        assert_eq!(file.length(), 3);
        file.append(b" two").expect("appends");
        file.cut(1).expect("cuts");
        file.append(b"h").expect("appends");
        assert_eq!((file.length(), fs::read(&path).expect("reads")), (2, b"oh".to_vec()));
        let whole = path.with_file_name("whole");
        rename(&path, &whole).expect("renames");
        assert_eq!(fs::read(&whole).expect("reads"), b"oh");
        remove(&whole).expect("removes");
        assert_eq!(fs::read_dir(path.parent().expect("parent")).expect("lists").count(), 0);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_names_the_path() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("taken");
        fs::create_dir(&path).expect("a folder in the way");
        let error = write(&path, b"x").expect_err("a folder cannot be replaced by a file");
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "no temporary file stays");
    }
}
