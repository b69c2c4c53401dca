//! Compares storage with what is signed: a target that was deleted or changed is a name that bins ask for in vain.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::publish::measure;
use crate::{Repository, RepositoryError, on};

/// A target that storage does not have as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the target {name} is {what} in storage ({}): publish it again with its content", path.display())]
pub struct Lost {
    /// Its name.
    pub name: String,
    /// Where it should be.
    pub path: PathBuf,
    /// In which way.
    pub what: Loss,
}

/// In which way a target is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// No file.
    #[error("missing")]
    Missing,
    /// Of another length.
    #[error("of {found} bytes instead of {signed}")]
    Length {
        /// How long it is.
        found: u64,
        /// How long it was.
        signed: u64,
    },
    /// Of the right length, with other bytes.
    #[error("changed")]
    Changed,
}

impl Repository {
    /// The targets in force that storage does not have, by name. With `read`, every byte is read; without, lengths count.
    ///
    /// # Errors
    /// [`RepositoryError`], if metadata cannot be read.
    pub fn lost(&self, read: bool) -> Result<Vec<Lost>, RepositoryError> {
        let metadata = self.read()?;
        let targets =
            metadata.targets.ok_or_else(|| RepositoryError::NoTargets(self.metadata_folder()))?.signed.targets;
        let mut lost = Vec::new();
        for (name, target) in targets {
            let path = self.target_path(&target.hashes.sha256, name.raw());
            let what = match fs::metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Loss::Missing),
                Err(error) => return Err(on("read", &path)(error)),
                Ok(found) if found.len() != target.length => {
                    Some(Loss::Length { found: found.len(), signed: target.length })
                }
                Ok(_)
                    if read
                        && measure(&path, target.length)?.is_none_or(|(_, sha256)| sha256 != *target.hashes.sha256) =>
                {
                    Some(Loss::Changed)
                }
                Ok(_) => None,
            };
            lost.extend(what.map(|what| Lost { name: name.raw().to_owned(), path, what }));
        }
        lost.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(lost)
    }

    /// Files among the targets that no list in force names: they may be deleted once no bin is loading them.
    ///
    /// # Errors
    /// [`RepositoryError`], if metadata or the folder cannot be read.
    pub fn unnamed(&self) -> Result<Vec<PathBuf>, RepositoryError> {
        let metadata = self.read()?;
        let targets =
            metadata.targets.ok_or_else(|| RepositoryError::NoTargets(self.metadata_folder()))?.signed.targets;
        let named: BTreeSet<PathBuf> =
            targets.iter().map(|(name, target)| self.target_path(&target.hashes.sha256, name.raw())).collect();
        let folder = self.targets_folder();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(on("read", &folder))?,
        };
        let mut unnamed = Vec::new();
        for entry in entries {
            let path = entry.map_err(on("read", &folder))?.path();
            if !named.contains(&path) {
                unnamed.push(path);
            }
        }
        unnamed.sort();
        Ok(unnamed)
    }
}
