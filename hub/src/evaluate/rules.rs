//! What the gate asks for, read from the data folder: it lies with the data, so that the hub, its workers and the
//! commands judge alike.

use std::io;
use std::path::{Path, PathBuf};

use pilah_evaluate::GateRules;
use pilah_evaluate::rules::{FILE, RulesError};

/// Rules that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file is there and cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file says what cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// The rules of a data folder: those of its file, or the defaults if it has none.
///
/// # Errors
/// [`FolderError`], which names the file and the key.
pub fn in_folder(data: &Path) -> Result<GateRules, FolderError> {
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(GateRules::parse(&text, &path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(GateRules::default()),
        Err(source) => Err(FolderError::Read { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Chain;

    #[test]
    fn no_file_is_no_error_and_the_file_that_is_wrong_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(in_folder(folder.path()).expect("no file is no error"), GateRules::default());
        let path = folder.path().join(FILE);
        std::fs::write(&path, "margin = 0.02").expect("writes");
        assert_eq!(in_folder(folder.path()).expect("valid"), GateRules { margin: 0.02, ..GateRules::default() });
        for (text, expected) in [("margin = 2.0", "it must be 0 to 1"), ("latency = 3.0", "unknown field `latency`")] {
            std::fs::write(&path, text).expect("writes");
            let words = Chain(&in_folder(folder.path()).expect_err(text)).to_string();
            assert!(words.contains(expected) && words.contains(&path.display().to_string()), "{text}: {words}");
        }
        std::fs::remove_file(&path).expect("removes");
        std::fs::create_dir(&path).expect("a folder in its place");
        let error = in_folder(folder.path()).expect_err("it is no file");
        assert!(error.to_string().starts_with("cannot read "), "{error}");
    }
}
