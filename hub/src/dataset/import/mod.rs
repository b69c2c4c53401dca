//! A folder or a zip of class folders, into the dataset.
//!
//! What lies where is looked at first ([`layout`]). Then each file is read, decoded, encoded anew and
//! stored, several at once, and 32 of them are committed together ([`pipeline`]). A file that is no image,
//! damaged, over the limits, of no class, or that the disk does not take is skipped, named and counted,
//! and the rest goes on. Nothing half-done stays: an image is there with its row, or not at all. The same
//! import twice stores everything once.

/// Which class and split the folders of a file say.
mod layout;

/// The files of a folder.
mod folder;

/// The files of a zip, whose words are not believed.
mod archive;

/// Read, decoded, stored, committed.
mod pipeline;

/// Zips that were sent over HTTP, one after the other.
mod job;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

pub use archive::ZipLimits;
pub use job::{ImportStatus, Imports};

use super::DatasetError;
use super::split::Split;
use crate::store::{Blobs, Store};
use pipeline::Files;

/// A folder or zip that cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The folder or zip.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It holds no class folder.
    #[error("{0} holds no class folder: put the images of each class into a folder of its name, such as glass/1.jpg")]
    NoClasses(String),
    /// Several folders have the name of one class.
    #[error(
        "nothing was imported: several folders would become one class: {}. Rename those that are another class, or say that \
         they are the same (--merge-folders, or ?merge_folders=true)",
        one_class(.0)
    )]
    Collision(BTreeMap<Label, Vec<String>>),
    /// It is no zip, a damaged one, or a bomb.
    #[error("{file} cannot be imported: {problem}")]
    Zip {
        /// The zip.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The hub stops.
    #[error("the import was stopped; what was imported stays, and importing the same again adds the rest")]
    Stopped,
    /// The dataset failed.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Who imports.
    pub by: String,
    /// Only these classes, if it is given; else each folder's name is a class.
    pub classes: Option<Vec<Label>>,
    /// Whether folders whose names become one class are one class.
    pub merge_folders: bool,
    /// What a zip may be.
    pub limits: ZipLimits,
    /// Ends the import between two files.
    pub stop: CancellationToken,
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Files in class folders.
    pub files: u64,
    /// New samples.
    pub imported: u64,
    /// Images that were there already. One that had no label has it now.
    pub duplicates: u64,
    /// Of the new samples, those that are used for nothing, because they resemble samples of two splits.
    pub excluded: u64,
    /// New samples by label.
    pub labels: BTreeMap<String, u64>,
    /// New samples by split.
    pub splits: BTreeMap<String, u64>,
    /// Folders whose class has another name than they have.
    #[serde(default)]
    pub renamed: Vec<RenamedFolder>,
    /// Files that are not in the dataset now, each with the reason.
    pub skipped: Vec<Skipped>,
}

/// A folder whose class has another name than it has: `Food Organics` is `food_organics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RenamedFolder {
    /// Its name.
    pub folder: String,
    /// The class.
    pub label: String,
    /// How many files lie in folders of this name.
    pub files: u64,
}

/// A file that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// Its path.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// A file that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Its path, as people see it.
    name: String,
    label: Label,
    fixed: Option<Split>,
    at: At,
    /// What the hub that exported it knew.
    origin: Option<Origin>,
}

/// What the hub that exported an image knew of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    /// What belongs together has the same.
    cluster: String,
    /// Its perceptual hash there, of the image before it was encoded once more.
    looks: Option<u64>,
    /// Whether it was excluded.
    excluded: bool,
}

/// Where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    File(PathBuf),
    /// The number of the entry in the zip.
    Zip(usize),
}

impl Entry {
    fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// What was found: what to import, and what not, with the reason.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Entry>,
    skipped: Vec<Skipped>,
    /// The names of class folders, with the class of each and how many files they hold.
    folders: BTreeMap<String, (Label, u64)>,
    /// What the numbers in the names count in.
    collection: String,
}

/// Imports a folder, or a zip if `from` is a file: each folder's name is a class. `progress` is told how many files of how many are done.
///
/// # Errors
/// [`ImportError`]: nothing can be imported from there, or the hub's database cannot be read.
pub async fn import(
    store: &Store,
    blobs: &Blobs,
    from: &Path,
    by: &str,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<ImportReport, ImportError> {
    let options = Options { by: by.to_owned(), ..Options::default() };
    import_with(store, blobs, from, &options, progress).await
}

/// The same with options.
///
/// # Errors
/// As [`import`].
pub async fn import_with(
    store: &Store,
    blobs: &Blobs,
    from: &Path,
    options: &Options,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<ImportReport, ImportError> {
    let name = from.canonicalize().unwrap_or_else(|_| from.to_owned());
    let name = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    import_as(store, blobs, from, &name, options, progress).await
}

/// The same, where the file has another name than its sender gave it.
async fn import_as(
    store: &Store,
    blobs: &Blobs,
    from: &Path,
    name: &str,
    options: &Options,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<ImportReport, ImportError> {
    let (path, name, own) = (from.to_owned(), name.to_owned(), options.clone());
    let look = move || -> Result<(Found, Files), ImportError> {
        let (found, files) = if path.is_file() {
            let (found, archive) = archive::scan(&path, &name, &own)?;
            (found, Files::Zip(Box::new(archive)))
        } else {
            (folder::scan(&path, &own)?, Files::Folder)
        };
        Ok((Found { collection: name, ..found }, files))
    };
    let (found, files) = tokio::task::spawn_blocking(look).await.expect("looking does not panic and is not aborted")?;
    found.check_collisions(options.merge_folders)?;
    pipeline::run(store, blobs, found, files, options, progress).await
}

impl Found {
    /// Takes a file of a class folder, or lists it as skipped if the folder's name is no class.
    fn take(&mut self, name: String, folder: String, fixed: Option<Split>, at: At, options: &Options) {
        match layout::class(&folder, options.classes.as_deref()) {
            Ok(label) => {
                self.folders.entry(folder).or_insert_with(|| (label.clone(), 0)).1 += 1;
                self.entries.push(Entry { name, label, fixed, at, origin: None });
            }
            Err(reason) => self.skipped.push(Skipped { file: name, reason }),
        }
    }

    /// Two folders that become one class may be one, or two: whoever imports them knows.
    fn check_collisions(&self, merge: bool) -> Result<(), ImportError> {
        let mut of: BTreeMap<Label, Vec<String>> = BTreeMap::new();
        for (folder, (label, _)) in &self.folders {
            of.entry(label.clone()).or_default().push(folder.clone());
        }
        of.retain(|_, folders| folders.len() > 1);
        if merge || of.is_empty() { Ok(()) } else { Err(ImportError::Collision(of)) }
    }

    fn renamed(&self) -> Vec<RenamedFolder> {
        let renamed = self.folders.iter().filter(|(folder, (label, _))| label.as_str() != folder.as_str());
        renamed
            .map(|(folder, (label, files))| RenamedFolder {
                folder: folder.clone(),
                label: label.to_string(),
                files: *files,
            })
            .collect()
    }
}

fn one_class(folders: &BTreeMap<Label, Vec<String>>) -> String {
    let of = |(label, folders): (&Label, &Vec<String>)| {
        let folders: Vec<String> = folders.iter().map(|folder| format!("{folder:?}")).collect();
        format!("{} are all {label}", folders.join(" and "))
    };
    folders.iter().map(of).collect::<Vec<_>>().join("; ")
}

impl ImportReport {
    /// Why nothing of it is in the dataset, in words; `None` if something is, be it since long.
    #[must_use]
    pub fn nothing(&self) -> Option<String> {
        if self.imported + self.duplicates > 0 {
            return None;
        }
        let first = self
            .skipped
            .first()
            .map_or_else(String::new, |skipped| format!("; the first: {}: {}", skipped.file, skipped.reason));
        Some(format!("none of the {} files was imported{first}", self.files))
    }

    fn skip(&mut self, entry: &Entry, reason: String) {
        self.skipped.push(Skipped { file: entry.name.clone(), reason });
    }

    fn count(&mut self, label: &Label, split: Option<Split>) {
        self.imported += 1;
        *self.labels.entry(label.to_string()).or_default() += 1;
        match split {
            Some(split) => *self.splits.entry(split.name().to_owned()).or_default() += 1,
            None => self.excluded += 1,
        }
    }
}

#[cfg(test)]
mod tests;
