//! What the empty chamber looks like, on disk: read once at the start, written when it is known, now and then, and at
//! the end. A bin works without: then it has to learn its chamber anew.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use pilah_models::durable;
use tracing::{info, warn};

use crate::trigger::memory::{Memory, MemoryError};

/// The file in the data folder.
const NAME: &str = "chamber";

/// A memory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChamberError {
    /// The file cannot be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// It holds something else.
    #[error("{} is left aside", .0.display())]
    Content(PathBuf, #[source] MemoryError),
}

/// Where the empty chamber is kept.
#[derive(Debug)]
pub(crate) struct ChamberFile {
    path: PathBuf,
    /// Whether the last write failed.
    fails: bool,
}

impl ChamberFile {
    /// The file in a data folder.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { path: data_dir.join(NAME), fails: false }
    }

    /// What was kept; `None` if nothing was.
    ///
    /// # Errors
    /// [`ChamberError`].
    pub(crate) fn find(&self) -> Result<Option<Memory>, ChamberError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => {
                Memory::decode(&bytes).map(Some).map_err(|error| ChamberError::Content(self.path.clone(), error))
            }
            // A file in the way of the data folder is told elsewhere.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(ChamberError::Read(self.path.clone(), error)),
        }
    }

    /// What was kept, if it can be used.
    pub(super) fn read(&self) -> Option<Memory> {
        match self.find() {
            Ok(Some(memory)) => Some(memory),
            Ok(None) => {
                info!("the empty chamber is not known yet: until it is, nothing is sure and no flap opens");
                None
            }
            Err(error) => {
                warn!(error = crate::words::in_words(&error), "the empty chamber has to be learnt anew");
                None
            }
        }
    }

    /// Keeps it.
    pub(super) fn keep(&mut self, memory: &Memory) {
        let written = durable::write(&self.path, &memory.encode());
        match &written {
            Err(error) if !self.fails => warn!(%error, "the empty chamber is not kept for the next start"),
            _ => {}
        }
        self.fails = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Region;
    use crate::trigger::Thumbnail;

    #[test]
    fn what_is_kept_is_found_again_and_what_is_damaged_is_left_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut file = ChamberFile::of(folder.path());
        assert!(file.find().expect("nothing is no error").is_none());
        let chamber = Thumbnail::of(&image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8, y as u8, 9])));
        let memory = Memory { region: Region::WHOLE, chamber };
        file.keep(&memory);
        assert_eq!(file.read(), Some(memory));
        std::fs::write(folder.path().join(NAME), b"PILAHCH1 and then nothing").expect("writes");
        let words = crate::words::in_words(&file.find().expect_err("damaged"));
        assert!(words.contains("chamber is left aside: it is damaged: its length"), "{words}");
        assert_eq!(file.read(), None);
        file.keep(&memory);
        assert_eq!(file.read(), Some(memory), "it is written anew");
    }
}
