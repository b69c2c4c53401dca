//! The only place that writes files which must survive a power cut.
//!
//! A reader sees the old content or the new one, whole, whatever happens in between: the bytes go
//! to a temporary file in the same folder, are synced, take the name by `rename`, and the folder is
//! synced so that the new name is on disk as well. A temporary file that a crash left behind has a
//! name that ends in `TEMPORARY_SUFFIX`; whoever owns the folder may delete it at start.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(folder)
    })();
    if result.is_err() {
        // The write has failed already and that is what the caller hears of; a leftover is harmless.
        fs::remove_file(&temporary).ok();
    }
    result.map_err(named)
}

/// Syncs a folder, so that names made or removed in it are on disk.
///
/// # Errors
/// The operating system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only Unix can sync a folder; elsewhere the file system's own journal has to do.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
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
    fn a_failed_write_keeps_the_old_file_and_names_the_path() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("taken");
        fs::create_dir(&path).expect("a folder in the way");
        let error = write(&path, b"x").expect_err("a folder cannot be replaced by a file");
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "no temporary file stays");
    }
}
