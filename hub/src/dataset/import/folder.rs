//! The files of a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::layout::{self, Says};
use super::{At, Found, ImportError, Options, Skipped};

/// Deeper folders are not looked into: `processed/train/glass/` is the deepest that says something.
const DEEPEST: usize = 4;

/// Looks what there is in a folder.
pub(super) fn scan(root: &Path, options: &Options) -> Result<Found, ImportError> {
    let mut paths = Vec::new();
    walk(root, String::new(), 0, &mut paths)?;
    paths.sort_by_cached_key(|(name, _)| layout::order(name));
    let mut found = Found::default();
    let mut classes = 0;
    for (name, path) in paths {
        let folders: Vec<&str> = name.split('/').collect();
        match layout::read(&folders[..folders.len() - 1]) {
            Says::Nothing => {}
            Says::TooDeep => {
                found.skipped.push(Skipped { file: name, reason: "it lies in a folder of a class folder".into() })
            }
            Says::Class(folder, fixed) => {
                classes += 1;
                found.take(name, folder, fixed, At::File(path), options);
            }
        }
    }
    if classes == 0 { Err(ImportError::NoClasses(root.display().to_string())) } else { Ok(found) }
}

fn walk(folder: &Path, name: String, depth: usize, files: &mut Vec<(String, PathBuf)>) -> Result<(), ImportError> {
    let read = || fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
    let paths = read().map_err(|source| ImportError::Read { path: folder.to_owned(), source })?;
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file.starts_with('.') {
            continue;
        }
        let name = if name.is_empty() { file } else { format!("{name}/{file}") };
        if path.is_dir() {
            if depth < DEEPEST {
                walk(&path, name, depth + 1, files)?;
            }
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}
