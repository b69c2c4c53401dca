//! A hub with a repository, a bin that looks at it, and somebody in between who may answer otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pilah_models::name::TargetName;
use pilah_repository::Repository;
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::publish::{Content, Offer};
use pilah_trust::clock::Clock;
use pilah_trust::source::{Part, Reply, Source, SourceError};
use pilah_trust::{Checked, Client, Outcome, TrustError};

pub(crate) fn now() -> Timestamp {
    "2026-11-30T23:00:00Z".parse().expect("a time")
}

pub(crate) fn later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

/// What somebody in between answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Bytes(Vec<u8>),
    NotThere,
    /// A server that is out of order.
    Error,
    /// Bytes without end.
    Endless(u8),
    /// The true bytes, and then the connection is gone.
    BreaksAt(u64),
    /// The true bytes, from the first on, whatever is asked for.
    NoRanges,
}

/// What went over the network.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) answers: BTreeMap<String, Answer>,
    pub(crate) asked: Vec<String>,
    pub(crate) bytes: u64,
}

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) repository: Repository,
    pub(crate) keys: KeyFolders,
    pub(crate) traffic: Arc<Mutex<Traffic>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Repository::new(folder.path().join("repository"), Policy::default());
        let keys = KeyFolders::one_machine(&folder.path().join("keys"));
        repository.init(&keys, now()).expect("the first keys");
        fs::write(folder.path().join("trusted.json"), repository.root_of_trust().expect("a root")).expect("writes");
        let bench = Self { folder, repository, keys, traffic: Arc::default() };
        bench.publish(&[("model", "one")]);
        bench
    }

    pub(crate) fn publish(&self, contents: &[(&str, &str)]) {
        publish(&self.repository, &self.keys, contents);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A bin of a name, which waits for its clock for `patience`.
    pub(crate) fn patient_bin(&self, name: &str, patience: Duration) -> Client {
        let (traffic, repository) = (Arc::clone(&self.traffic), self.path("repository"));
        let source = Source::new(move |request| {
            let answer = {
                let mut traffic = traffic.lock().expect("whole");
                traffic.asked.push(request.name.to_owned());
                traffic.answers.get(request.name).cloned()
            };
            let part = if request.part == Part::Metadata { "metadata" } else { "targets" };
            let path = repository.join(part).join(request.name);
            let real = || fs::read(&path).map_err(|_| SourceError::NotThere);
            let from = usize::try_from(request.from).expect("small");
            let (first, body): (u64, Box<dyn Read + Send>) = match answer {
                None => (request.from, Box::new(Cursor::new(real()?.split_off(from)))),
                Some(Answer::Bytes(bytes)) => {
                    (request.from, Box::new(Cursor::new(bytes.get(from..).unwrap_or_default().to_vec())))
                }
                Some(Answer::NotThere) => return Err(SourceError::NotThere),
                Some(Answer::Error) => return Err(SourceError::Failed("503 Service Unavailable".into())),
                Some(Answer::Endless(byte)) => (request.from, Box::new(io::repeat(byte))),
                Some(Answer::BreaksAt(at)) => {
                    let rest = real()?.split_off(from);
                    (request.from, Box::new(Cursor::new(rest).take(at.saturating_sub(request.from)).chain(Gone)))
                }
                Some(Answer::NoRanges) => (0, Box::new(Cursor::new(real()?))),
            };
            Ok(Reply { from: first, body: Box::new(Counted { body, traffic: Arc::clone(&traffic) }) })
        });
        Client::new(&self.path("trusted.json"), self.path(name), source, patience).expect("a client")
    }

    pub(crate) fn bin(&self, name: &str) -> Client {
        self.patient_bin(name, Duration::ZERO)
    }

    pub(crate) fn answer(&self, name: &str, answer: Answer) {
        self.traffic.lock().expect("whole").answers.insert(name.to_owned(), answer);
    }

    pub(crate) fn bytes(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.answer(name, Answer::Bytes(bytes.into()));
    }

    /// Nobody in between any more.
    pub(crate) fn honest(&self) {
        self.traffic.lock().expect("whole").answers.clear();
    }

    /// What was asked for since the last time, and how many bytes came.
    pub(crate) fn asked(&self) -> (Vec<String>, u64) {
        let mut traffic = self.traffic.lock().expect("whole");
        (std::mem::take(&mut traffic.asked), std::mem::take(&mut traffic.bytes))
    }

    /// A file of metadata as it is served now.
    pub(crate) fn metadata(&self, name: &str) -> Vec<u8> {
        fs::read(self.repository.metadata_folder().join(name)).expect("reads")
    }

    /// The whole repository as it is now, in another folder.
    pub(crate) fn copy(&self, name: &str) -> Repository {
        let to = self.path(name);
        copy_folder(&self.path("repository"), &to);
        Repository::new(to, Policy::default())
    }

    /// Answers with all of another repository's metadata.
    pub(crate) fn play(&self, other: &Repository) {
        for entry in fs::read_dir(other.metadata_folder()).expect("lists") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            self.bytes(&name, fs::read(path).expect("reads"));
        }
    }

    /// The true file of a target, by its name.
    pub(crate) fn target_file(&self, name: &str) -> String {
        let files = fs::read_dir(self.repository.targets_folder()).expect("lists");
        let names: BTreeSet<String> =
            files.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.into_iter().find(|file| file.ends_with(&format!(".{name}"))).expect("a file")
    }
}

pub(crate) fn publish(repository: &Repository, keys: &KeyFolders, contents: &[(&str, &str)]) {
    let offer = |(name, text): &(&str, &str)| Offer {
        name: TargetName::new(*name).expect("a name"),
        content: Content::Bytes(text.as_bytes().to_vec()),
        custom: serde_json::Map::new(),
    };
    repository.publish(keys, contents.iter().map(offer).collect(), now()).expect("publishes");
}

pub(crate) fn at(now: Timestamp) -> Clock {
    Clock { now, synchronised: true, waited: Duration::ZERO }
}

/// A check by a clock that is right.
pub(crate) fn check(bin: &Client, now: Timestamp) -> Result<Checked, TrustError> {
    match bin.check(at(now))? {
        Outcome::Checked(checked) => Ok(checked),
        Outcome::Waiting(left) => panic!("waits {left:?}"),
    }
}

/// The names that a bin believes, from disk.
pub(crate) fn believed(bin: &Client) -> Vec<String> {
    let trusted = bin.believed().expect("reads").expect("something is believed");
    trusted.targets().map(|target| target.name.clone()).collect()
}

/// An attack: refused with this error, and what was believed before still is.
#[track_caller]
pub(crate) fn refused(bin: &Client, now: Timestamp) -> TrustError {
    let before = bin.believed().expect("reads");
    let error = check(bin, now).expect_err("it must be refused");
    let after = bin.believed().expect("reads");
    let targets =
        |trusted: Option<pilah_trust::Trusted>| trusted.map(|trusted| trusted.targets().cloned().collect::<Vec<_>>());
    // With new keys of timestamp nothing is believed until they have signed something.
    if after.is_some() {
        assert_eq!(targets(after), targets(before), "{error}");
    }
    error
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, target).expect("copies");
        }
    }
}

/// A connection that is gone.
struct Gone;

impl Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }
}

/// Counts what is read.
struct Counted {
    body: Box<dyn Read + Send>,
    traffic: Arc<Mutex<Traffic>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        self.traffic.lock().expect("whole").bytes += read as u64;
        Ok(read)
    }
}
