//! A file system of a few megabytes, which can be filled to the last byte and freed again.
//!
//! It is a `tmpfs`, which says "no space left" as a real disk does. Mounting one needs root, or `sudo` that asks
//! for no password; [`SmallDisk::mount`] gives `None` elsewhere.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A small file system, unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of so many megabytes.
    ///
    /// # Errors
    /// What `mount` says where it may not.
    pub fn mount(megabytes: u32) -> Result<Self, String> {
        let disk = Self { folder: tempfile::tempdir().map_err(|error| error.to_string())? };
        std::fs::create_dir(disk.path()).map_err(|error| error.to_string())?;
        let size = format!("size={megabytes}m,mode=0777");
        as_root(&["mount", "-t", "tmpfs", "-o", &size, "pilah-small-disk", &disk.path().display().to_string()])?;
        Ok(disk)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Takes all the room that is left. What the hub gives back meanwhile is taken by calling it again.
    ///
    /// # Panics
    /// If writing fails for another reason than that it is full.
    pub fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("opens the ballast");
        for block in [&[0x5a; 65_536][..], &[0x5a; 4096], &[0x5a; 1]] {
            loop {
                match ballast.write(block) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk fails otherwise: {error}"),
                }
            }
        }
    }

    /// Gives the room back.
    ///
    /// # Panics
    /// If it was not filled.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process of a journey that failed may still have files open there.
        as_root(&["umount", "--lazy", &self.path().display().to_string()]).ok();
    }
}

fn as_root(command: &[&str]) -> Result<(), String> {
    let tried = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{program}: {said}")) }
    };
    let plain = tried(command[0], &command[1..]);
    if plain.is_ok() || !Path::new("/usr/bin/sudo").exists() {
        return plain;
    }
    tried("sudo", &[&["-n"], command].concat())
}
