//! Where bytes come from: a function that opens a file of the repository, over whatever protocol, from a byte on.
//!
//! `tough` reads through it. Every answer is read up to its ceiling and no further, before anything else is done with it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream;
use tough::{Bytes, Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

/// The largest root, in bytes: a hundred keys.
pub const LARGEST_ROOT: u64 = 64 * 1024;
/// The largest timestamp, in bytes; one has about 400.
pub const LARGEST_TIMESTAMP: u64 = 16 * 1024;
/// The largest snapshot, in bytes; one has about 400.
pub const LARGEST_SNAPSHOT: u64 = 64 * 1024;
/// The largest list of targets, in bytes: some 4,000 of them.
pub const LARGEST_LIST: u64 = 1024 * 1024;

/// Which part of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Below `/repo/metadata/`.
    Metadata,
    /// Below `/repo/targets/`.
    Targets,
}

/// A file that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// In which part.
    pub part: Part,
    /// Its name, one component.
    pub name: &'a str,
    /// From which byte on.
    pub from: u64,
}

/// An answer.
pub struct Reply {
    /// Which byte is the first: the one asked for, or 0 where ranges are not served.
    pub from: u64,
    /// The bytes.
    pub body: Box<dyn Read + Send>,
}

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is not there; over HTTP, 404 or 410, and nothing else.
    #[error("it is not there")]
    NotThere,
    /// Anything else.
    #[error("it cannot be had")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

type Open = dyn Fn(Request<'_>) -> Result<Reply, SourceError> + Send + Sync;

/// A repository somewhere.
#[derive(Clone)]
pub struct Source(Arc<Open>);

impl Source {
    /// One that opens files by `open`, which blocks. Time limits, a limit on bandwidth and TLS are its own.
    #[must_use]
    pub fn new(open: impl Fn(Request<'_>) -> Result<Reply, SourceError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// A repository in a folder of this machine: a stick, or a test.
    #[must_use]
    pub fn folder(folder: std::path::PathBuf) -> Self {
        Self::new(move |request| {
            let part = match request.part {
                Part::Metadata => "metadata",
                Part::Targets => "targets",
            };
            let failed = |error: io::Error| match error.kind() {
                io::ErrorKind::NotFound => SourceError::NotThere,
                _ => SourceError::Failed(error.into()),
            };
            let mut file = std::fs::File::open(folder.join(part).join(request.name)).map_err(failed)?;
            io::Seek::seek(&mut file, io::SeekFrom::Start(request.from)).map_err(failed)?;
            Ok(Reply { from: request.from, body: Box::new(file) })
        })
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn open(&self, request: Request<'_>) -> Result<Reply, SourceError> {
        (self.0)(request)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// Why a file of metadata was not handed on to `tough`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    #[error("a page in HTML")]
    Html,
    #[error("broken off")]
    Broken(#[source] io::Error),
    #[error(transparent)]
    Source(SourceError),
}

/// What one check reads through: the network, and what is known already.
#[derive(Clone)]
pub(crate) struct Wire {
    source: Source,
    known: Arc<BTreeMap<String, Vec<u8>>>,
    seen: Arc<Mutex<Seen>>,
}

/// What went through a [`Wire`].
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Files by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Bytes that came over the network.
    pub bytes: u64,
    /// Whether something known was used instead.
    pub known_used: bool,
}

impl Wire {
    pub(crate) fn new(source: Source, known: BTreeMap<String, Vec<u8>>) -> Self {
        Self { source, known: Arc::new(known), seen: Arc::default() }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic while it was held leaves nothing half done: a map and a sum.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Refused> {
        if let Some(bytes) = self.known.get(name) {
            let mut seen = self.seen();
            seen.known_used = true;
            seen.files.insert(name.to_owned(), bytes.clone());
            return Ok(bytes.clone());
        }
        let request = Request { part: Part::Metadata, name, from: 0 };
        let reply = self.source.open(request).map_err(Refused::Source)?;
        let most = ceiling(name);
        let mut bytes = Vec::new();
        let read = reply.body.take(most + 1).read_to_end(&mut bytes);
        self.seen().bytes += bytes.len() as u64;
        read.map_err(Refused::Broken)?;
        if bytes.len() as u64 > most {
            return Err(Refused::TooLarge(most));
        }
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<') {
            return Err(Refused::Html);
        }
        self.seen().files.insert(name.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// How much is read of a file of metadata.
pub(crate) fn ceiling(name: &str) -> u64 {
    if name.ends_with("root.json") {
        LARGEST_ROOT
    } else if name.ends_with("timestamp.json") {
        LARGEST_TIMESTAMP
    } else if name.ends_with("snapshot.json") {
        LARGEST_SNAPSHOT
    } else {
        LARGEST_LIST
    }
}

#[tough::async_trait]
impl Transport for Wire {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let name = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default().to_owned();
        // An error is put into the stream: `tough` takes one of `fetch` at the next root for "there is none".
        let item = self.read(&name).map(Bytes::from).map_err(|refused| {
            let kind = match refused {
                Refused::Source(SourceError::NotThere) => TransportErrorKind::FileNotFound,
                _ => TransportErrorKind::Other,
            };
            TransportError::new_with_cause(kind, url.as_str(), refused)
        });
        Ok(Box::pin(stream::iter([item])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_the_ceiling_of_its_role() {
        for (name, most) in [
            ("7.root.json", LARGEST_ROOT),
            ("timestamp.json", LARGEST_TIMESTAMP),
            ("12.snapshot.json", LARGEST_SNAPSHOT),
            ("12.targets.json", LARGEST_LIST),
            ("anything", LARGEST_LIST),
        ] {
            assert_eq!(ceiling(name), most, "{name}");
        }
    }
}
