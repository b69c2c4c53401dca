//! A folder of class folders, into the dataset.
//!
//! ```text
//! DIR/glass/…jpg                 the label is the folder's name; the split is decided here
//! DIR/{train,validation,test}/glass/…jpg   the split is the folder's name
//! ```
//!
//! The folders are looked at first, so that a name that cannot be a label stops the import before
//! anything is stored. A file that is no image, damaged, or over the limits is skipped, named and
//! counted, and the rest goes on. The same import twice stores everything once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pilah_models::name::{ContentId, Label, NameError};
use pilah_models::preprocess::Limits;
use serde::Serialize;

use super::split::Split;
use super::store::{self, NewSample, Source, Stored, Tally};
use super::{DatasetError, Prepared, UNUSABLE, group};
use crate::store::{Blobs, Store};

/// How many files are read, stored and committed together.
const BATCH: usize = 32;

/// How many images are decoded at once. One of 50 megapixels takes 300 MB.
const DECODERS: usize = 2;

/// A folder that cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A folder cannot be listed.
    #[error("cannot read the folder {}", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It holds no class folder.
    #[error("{} holds no class folder: put the images of each class into a folder of its name, such as {}/glass", .0.display(), .0.display())]
    NoClasses(PathBuf),
    /// A folder in it has a name that no label can have.
    #[error("the folder {folder:?} cannot be a class: {rule}; rename it, or move it away. Classes so far: {}", known.join(", "))]
    NotALabel {
        /// Its name.
        folder: String,
        /// What a label may be.
        rule: String,
        /// Classes that exist.
        known: Vec<String>,
    },
    /// The dataset failed.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Files in class folders.
    pub files: u64,
    /// New samples.
    pub imported: u64,
    /// Images that were there already, with the same label.
    pub duplicates: u64,
    /// New samples by label.
    pub labels: BTreeMap<String, u64>,
    /// New samples by split.
    pub splits: BTreeMap<String, u64>,
    /// Files that are not in the dataset now, each with the reason.
    pub skipped: Vec<Skipped>,
}

/// A file that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its path.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// A file that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: PathBuf,
    label: Label,
    fixed: Option<Split>,
}

/// Imports a folder. `progress` is told how many files of how many are done.
///
/// # Errors
/// [`ImportError`]: nothing can be imported from there, or the hub's storage failed.
pub async fn import(
    store: &Store,
    blobs: &Blobs,
    root: &Path,
    by: &str,
    mut progress: impl FnMut(u64, u64),
) -> Result<ImportReport, ImportError> {
    let known = Tally::read(store.db()).await?.labels();
    let entries = scan(root, &known)?;
    let source = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let source = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let total = entries.len() as u64;
    let mut report = ImportReport { files: total, ..ImportReport::default() };
    let mut done = 0;
    for batch in entries.chunks(BATCH) {
        let owned = batch.to_vec();
        let prepared = tokio::task::spawn_blocking(move || prepare_all(&owned))
            .await
            .expect("preparing images does not panic and is not aborted");
        let mut ready = Vec::with_capacity(batch.len());
        for (entry, prepared) in batch.iter().zip(prepared) {
            match prepared {
                Ok(image) => {
                    let content = blobs.put(image.jpeg.clone()).await.map_err(DatasetError::from)?;
                    ready.push((entry, image, content));
                }
                Err(reason) => report.skip(entry, reason),
            }
        }
        store_all(store, &source, by, &ready, &mut report).await?;
        done += batch.len() as u64;
        progress(done, total);
    }
    Ok(report)
}

async fn store_all(
    store: &Store,
    source: &str,
    by: &str,
    ready: &[(&Entry, Prepared, ContentId)],
    report: &mut ImportReport,
) -> Result<(), DatasetError> {
    let tx = store.begin().await?;
    let mut tally = Tally::read(&tx).await?;
    for (entry, image, content) in ready {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
        let group = group::of_file(source, entry.fixed, &entry.label, &name, image.looks);
        let new = NewSample {
            content,
            image,
            label: &entry.label,
            source: Source::Import,
            by,
            group: &group,
            fixed: entry.fixed,
        };
        match store::insert(&tx, &mut tally, &new).await? {
            Stored::New { split, .. } => report.count(entry, split),
            Stored::Duplicate(_) => report.duplicates += 1,
            Stored::Conflict { sample, label } => {
                report.skip(entry, format!("the same image is sample {sample}, labelled {label}"));
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

impl ImportReport {
    fn skip(&mut self, entry: &Entry, reason: String) {
        self.skipped.push(Skipped { file: entry.path.display().to_string(), reason });
    }

    fn count(&mut self, entry: &Entry, split: Split) {
        self.imported += 1;
        *self.labels.entry(entry.label.to_string()).or_default() += 1;
        *self.splits.entry(split.name().to_owned()).or_default() += 1;
    }
}

/// Reads, decodes and re-encodes some files, on [`DECODERS`] threads, in order.
fn prepare_all(entries: &[Entry]) -> Vec<Result<Prepared, String>> {
    let share = entries.len().div_ceil(DECODERS).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = entries
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(prepare_file).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("decoding does not panic")).collect()
    })
}

fn prepare_file(entry: &Entry) -> Result<Prepared, String> {
    let limits = Limits::default();
    let read = || {
        // Looked at before it is read, so that a huge file costs nothing.
        let size = fs::metadata(&entry.path)?.len();
        if size > limits.bytes as u64 { Ok(Err(size)) } else { fs::read(&entry.path).map(Ok) }
    };
    match read() {
        Ok(Ok(bytes)) => super::prepare(&bytes, &limits).map_err(|error| error.to_string()),
        Ok(Err(size)) => Err(format!("the file has {size} bytes, the limit is {}", limits.bytes)),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Finds the files of every class. Files beside the class folders, folders within them, and hidden
/// ones are passed over: they are READMEs and the file manager's.
fn scan(root: &Path, known: &BTreeSet<Label>) -> Result<Vec<Entry>, ImportError> {
    let mut entries = Vec::new();
    let mut classes = 0;
    for folder in folders(root)? {
        let name = file_name(&folder);
        match Split::of_folder(&name) {
            Some(split) => {
                for class in folders(&folder)? {
                    classes += 1;
                    entries.extend(files_of(&class, Some(split), known)?);
                }
            }
            None => {
                classes += 1;
                entries.extend(files_of(&folder, None, known)?);
            }
        }
    }
    if classes == 0 { Err(ImportError::NoClasses(root.to_owned())) } else { Ok(entries) }
}

fn files_of(folder: &Path, fixed: Option<Split>, known: &BTreeSet<Label>) -> Result<Vec<Entry>, ImportError> {
    let name = file_name(folder);
    let refused = |rule: String| ImportError::NotALabel {
        folder: name.clone(),
        rule,
        known: known.iter().map(ToString::to_string).collect(),
    };
    let label = Label::new(name.as_str()).map_err(|NameError { rule, .. }| refused(format!("a label is {rule}")))?;
    if label.as_str() == UNUSABLE {
        return Err(refused("this name marks images that are taken out".into()));
    }
    let mut paths = list(folder)?;
    paths.retain(|path| path.is_file());
    // By number, so that runs of consecutive photos come in one piece.
    paths.sort_by_cached_key(|path| {
        let name = file_name(path);
        let (prefix, number) = group::trailing_number(&name).map_or((name.clone(), 0), |(p, n)| (p.to_owned(), n));
        (prefix, number, name)
    });
    Ok(paths.into_iter().map(|path| Entry { path, label: label.clone(), fixed }).collect())
}

fn folders(of: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let mut folders = list(of)?;
    folders.retain(|path| path.is_dir());
    folders.sort();
    Ok(folders)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let read = || fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = read().map_err(|source| ImportError::Read { path: folder.to_owned(), source })?;
    paths.retain(|path| !file_name(path).starts_with('.'));
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
