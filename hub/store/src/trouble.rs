//! What keeps the hub from storing: found in an error, said in words, and remembered until it is over.
//!
//! After a full disk, a damaged file or a failing device nothing is assumed of the connection that met it:
//! SQLite ends a transaction by itself then, and a library above it may go on counting one. [`Soundness`] is
//! what is known of a part of the storage (the database, the objects). It does no IO and reads no clock:
//! `keeper` acts on what it says.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// How long after a trial that failed there is no other.
const PAUSE: Duration = Duration::from_millis(250);

/// A trial that took long (a damaged database is read from end to end) has a pause so many times as long.
const PAUSE_FOR_LONG: u32 = 10;

/// Why the hub cannot store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No room is left.
    Full,
    /// It may be read only.
    ReadOnly,
    /// The database's file is not one, or not whole.
    Damaged,
    /// The machine has no memory left.
    Memory,
    /// Reading or writing fails.
    Device,
    /// The database's file cannot be opened.
    Missing,
}

/// A write that was not even tried, because the last ones failed.
#[derive(Debug, thiserror::Error)]
#[error("nothing is written, because {}", .0.words())]
pub(super) struct Refused(pub(super) Trouble);

/// A commit at the moment when another connection met an error: what was written may be there or not.
#[derive(Debug, thiserror::Error)]
#[error("whether this was written is not known, because {}", .0.words())]
pub(super) struct InDoubt(pub(super) Trouble);

impl Trouble {
    /// The reason, to stand behind "because", and how to mend it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "the disk of its data folder is full: make room there",
            Self::ReadOnly => {
                "its data folder cannot be written to: mount it for writing, or give the hub's user the right to"
            }
            Self::Damaged => "its database is damaged: stop the hub, and restore pilah.db from the last backup",
            Self::Memory => "the machine has no memory left: stop other programs, or give it more",
            Self::Device => {
                "reading or writing the disk of its data folder fails: see the system's log, and check the disk"
            }
            Self::Missing => "its database cannot be opened: see whether the data folder is there, and whose it is",
        }
    }

    /// The same for one file, at start: what is wrong, and how to mend it.
    pub(super) fn at_start(self) -> &'static str {
        match self {
            Self::Full => "its disk is full: make room there",
            Self::ReadOnly => "it is read-only: mount its disk for writing, or give this user the right to write to it",
            Self::Damaged => "it is damaged, or no database of Pilah at all: restore it from the last backup",
            Self::Memory => "the machine has no memory left: stop other programs, or give it more",
            Self::Device => "reading or writing its disk fails: see the system's log, and check the disk",
            Self::Missing => "it cannot be opened: give this user the right to read it and to write in its folder",
        }
    }

    /// What an error, or one that it was made of, says of the storage; `None` if it says nothing.
    #[must_use]
    pub fn in_error(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(trouble) = Self::at(error) {
                return Some(trouble);
            }
            next = error.source();
        }
        None
    }

    fn at(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(DbErr::Conn(inner) | DbErr::Exec(inner) | DbErr::Query(inner)) = error.downcast_ref() {
            return Self::at_runtime(inner);
        }
        if let Some(inner) = error.downcast_ref() {
            return Self::at_runtime(inner);
        }
        if let Some(inner) = error.downcast_ref() {
            return Self::at_sqlx(inner);
        }
        error.downcast_ref().and_then(Self::at_io)
    }

    fn at_runtime(error: &RuntimeErr) -> Option<Self> {
        match error {
            RuntimeErr::SqlxError(error) => Self::at_sqlx(error),
            RuntimeErr::Internal(_) => None,
        }
    }

    pub(super) fn at_sqlx(error: &SqlxError) -> Option<Self> {
        match error {
            SqlxError::Database(error) => Self::of_code(error.code()?.parse().ok()?),
            SqlxError::Io(error) => Self::at_io(error),
            // The thread that had the connection has ended.
            SqlxError::WorkerCrashed => Some(Self::Device),
            _ => None,
        }
    }

    fn at_io(error: &io::Error) -> Option<Self> {
        if let Some(refused) = error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
            return Some(refused.0);
        }
        if let Some(InDoubt(trouble)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Some(*trouble);
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Self::Full),
            io::ErrorKind::ReadOnlyFilesystem => Some(Self::ReadOnly),
            _ => None,
        }
    }

    /// By SQLite's result code, plain or extended (<https://www.sqlite.org/rescode.html>).
    fn of_code(code: u32) -> Option<Self> {
        /// `SQLITE_IOERR_SHMSIZE`: the index of the log cannot grow.
        const NO_ROOM_FOR_INDEX: u32 = 10 | (19 << 8);
        if code == NO_ROOM_FOR_INDEX {
            return Some(Self::Full);
        }
        match code & 0xff {
            7 => Some(Self::Memory),
            8 => Some(Self::ReadOnly),
            10 => Some(Self::Device),
            11 | 26 => Some(Self::Damaged),
            13 => Some(Self::Full),
            14 => Some(Self::Missing),
            _ => None,
        }
    }

    /// Of an error of the object storage that is neither "not found" nor "already there".
    pub(super) fn of_objects(error: &object_store::Error) -> Self {
        if let object_store::Error::PermissionDenied { .. } = error {
            return Self::ReadOnly;
        }
        Self::in_error(error).unwrap_or(Self::Device)
    }
}

/// What to do before something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing is known against it.
    Nothing,
    /// Try whether writing works again.
    Trial(Trouble),
    /// Refuse: the last trial failed a moment ago.
    Wait(Trouble),
}

/// What is known of a part of the storage.
#[derive(Debug, Default)]
pub(super) struct Soundness {
    trouble: Option<Trouble>,
    latest: Option<Trouble>,
    last: Option<Instant>,
    count: u64,
    next_trial: Option<Instant>,
    worked: Option<Instant>,
}

impl Soundness {
    /// An error was met. Tells whether it is news.
    pub(super) fn met(&mut self, trouble: Trouble, now: Instant) -> bool {
        self.last = Some(now);
        self.latest = Some(trouble);
        self.count += 1;
        self.trouble.replace(trouble) != Some(trouble)
    }

    /// A write that was seen to work. It ends no trouble: a small one may fit where a large one does not.
    pub(super) fn worked(&mut self, now: Instant) {
        self.worked = Some(now);
    }

    /// A trial that began at `began` has ended. Tells whether it ended a trouble.
    pub(super) fn tried(&mut self, outcome: Result<(), Trouble>, began: Instant, now: Instant) -> bool {
        match outcome {
            // Something else may have met an error while the trial went well.
            Ok(()) if self.last.is_none_or(|last| last < began) => {
                self.worked = Some(now);
                self.trouble.take().is_some()
            }
            Ok(()) => false,
            Err(trouble) => {
                self.met(trouble, now);
                self.next_trial = Some(now + PAUSE.max((now - began) * PAUSE_FOR_LONG));
                false
            }
        }
    }

    /// What to do before something is written.
    pub(super) fn due(&self, now: Instant) -> Due {
        match (self.trouble, self.next_trial) {
            (None, _) => Due::Nothing,
            (Some(trouble), Some(next)) if now < next => Due::Wait(trouble),
            (Some(trouble), _) => Due::Trial(trouble),
        }
    }

    /// What keeps it from storing.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// What was met last, be it over or not.
    pub(super) fn latest(&self) -> Option<Trouble> {
        self.latest
    }

    /// Whether nobody has seen a write work for so long.
    pub(super) fn is_unproven(&self, now: Instant, since: Duration) -> bool {
        self.worked.is_none_or(|worked| now.saturating_duration_since(worked) >= since)
    }

    /// How many errors were met: what was begun at another count is in doubt.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether a connection made at `created` may have been touched by an error.
    pub(super) fn is_tainted(&self, created: Instant) -> bool {
        self.last.is_some_and(|last| created <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> impl Fn(Instant) -> Instant {
        move |start| start + Duration::from_millis(ms)
    }

    #[test]
    fn sqlite_codes_are_told_apart() {
        for (code, expected) in [
            (13, Some(Trouble::Full)),
            (778, Some(Trouble::Device)),
            (4874, Some(Trouble::Full)),
            (8, Some(Trouble::ReadOnly)),
            (1032, Some(Trouble::ReadOnly)),
            (11, Some(Trouble::Damaged)),
            (267, Some(Trouble::Damaged)),
            (26, Some(Trouble::Damaged)),
            (14, Some(Trouble::Missing)),
            (7, Some(Trouble::Memory)),
            // Busy, a constraint, a savepoint that is not there: the request's affair, not the disk's.
            (5, None),
            (2067, None),
            (1, None),
        ] {
            assert_eq!(Trouble::of_code(code), expected, "{code}");
        }
    }

    #[test]
    fn a_trouble_is_found_behind_other_errors() {
        let io = |kind: io::ErrorKind| {
            crate::BlobError::Storage(object_store::Error::Generic {
                store: "local",
                source: Box::new(io::Error::from(kind)),
            })
        };
        assert_eq!(Trouble::in_error(&io(io::ErrorKind::StorageFull)), Some(Trouble::Full));
        assert_eq!(Trouble::in_error(&io(io::ErrorKind::ReadOnlyFilesystem)), Some(Trouble::ReadOnly));
        assert_eq!(Trouble::in_error(&io(io::ErrorKind::TimedOut)), None);
        let refused = || SqlxError::Io(io::Error::other(Refused(Trouble::Full)));
        let wrapped = crate::StoreError::Database(DbErr::Conn(RuntimeErr::SqlxError(refused().into())));
        assert_eq!(Trouble::in_error(&wrapped), Some(Trouble::Full));
        assert_eq!(Trouble::in_error(&DbErr::Custom("full".into())), None);
    }

    #[test]
    fn a_trouble_lasts_until_a_trial_that_began_after_it() {
        let start = Instant::now();
        let mut known = Soundness::default();
        assert_eq!(known.due(start), Due::Nothing);
        assert!(known.met(Trouble::Full, at(10)(start)), "is news");
        assert!(!known.met(Trouble::Full, at(11)(start)), "is known");
        assert_eq!(known.due(at(12)(start)), Due::Trial(Trouble::Full));
        known.worked(at(13)(start));
        assert_eq!(known.due(at(14)(start)), Due::Trial(Trouble::Full), "another's write proves nothing");

        assert!(!known.tried(Err(Trouble::Full), at(20)(start), at(21)(start)));
        assert_eq!(known.due(at(22)(start)), Due::Wait(Trouble::Full));
        assert_eq!(known.due(at(272)(start)), Due::Trial(Trouble::Full));
        assert!(!known.tried(Ok(()), at(15)(start), at(280)(start)), "it began before the last error");
        assert!(known.tried(Ok(()), at(290)(start), at(291)(start)));
        assert_eq!((known.due(at(292)(start)), known.trouble(), known.count()), (Due::Nothing, None, 3));
    }

    #[test]
    fn a_long_trial_has_a_long_pause() {
        let start = Instant::now();
        let mut known = Soundness::default();
        known.met(Trouble::Damaged, start);
        known.tried(Err(Trouble::Damaged), start, at(1000)(start));
        assert_eq!(known.due(at(10_999)(start)), Due::Wait(Trouble::Damaged));
        assert_eq!(known.due(at(11_000)(start)), Due::Trial(Trouble::Damaged));
    }

    #[test]
    fn what_is_older_than_an_error_is_tainted() {
        let start = Instant::now();
        let mut known = Soundness::default();
        assert!(!known.is_tainted(start));
        known.met(Trouble::Device, at(5)(start));
        assert!(known.is_tainted(at(4)(start)) && known.is_tainted(at(5)(start)));
        assert!(!known.is_tainted(at(6)(start)));
    }

    #[test]
    fn a_write_proves_for_a_while() {
        let start = Instant::now();
        let (mut known, since) = (Soundness::default(), Duration::from_secs(30));
        assert!(known.is_unproven(start, since));
        known.worked(start);
        assert!(!known.is_unproven(at(29_999)(start), since));
        assert!(known.is_unproven(at(30_000)(start), since));
    }
}
