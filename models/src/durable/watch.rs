//! What [`super`] does to files, told step by step to whoever watches on the same thread. Only in builds with the feature
//! `watched`, which tests ask for: they work out what a power cut behind any step would leave, or end the program there.

use std::cell::RefCell;
use std::path::PathBuf;

/// Something that was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An empty file was made, or an old one emptied.
    Make(PathBuf),
    /// Bytes were written.
    Write {
        /// To which file.
        path: PathBuf,
        /// From which byte on.
        at: u64,
        /// Which.
        bytes: Vec<u8>,
    },
    /// A file was cut off.
    Cut {
        /// Which.
        path: PathBuf,
        /// Behind how many bytes.
        bytes: u64,
    },
    /// What was written to a file is on disk.
    Sync(PathBuf),
    /// A file got another name.
    Rename {
        /// The old one.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
    /// A file was removed.
    Remove(PathBuf),
    /// The names in a folder are on disk.
    SyncFolder(PathBuf),
}

type Watcher = Box<dyn FnMut(Step)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Tells `each` step of what `work` does on this thread.
pub fn watched<T>(each: impl FnMut(Step) + 'static, work: impl FnOnce() -> T) -> T {
    WATCHER.set(Some(Box::new(each)));
    let result = work();
    WATCHER.set(None);
    result
}

pub(super) fn tell(step: impl FnOnce() -> Step) {
    WATCHER.with_borrow_mut(|watcher| {
        if let Some(watcher) = watcher {
            watcher(step());
        }
    });
}
