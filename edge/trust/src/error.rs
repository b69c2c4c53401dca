//! What is refused, each by a name of its own, with what may be the matter. Whatever it is, what was believed before still is.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use tough::schema::RoleType;

/// An update that is not believed, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No root of trust.
    #[error("cannot read the root of trust {}: bring it with the enrolment, or from the hub's repository/metadata/N.root.json", path.display())]
    NoRoot {
        /// Where it should be.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A root of trust that is none.
    #[error("the root of trust is not a signed root.json ({why}): bring it anew from the hub")]
    BadRoot {
        /// What is wrong with it.
        why: String,
    },
    /// The repository cannot be reached.
    #[error("cannot fetch {file}")]
    Unreachable {
        /// Which file.
        file: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It can be reached, and does not have what it must have.
    #[error("the repository has no {file}: is the address right, and has anything been published?")]
    Lacking {
        /// Which file.
        file: String,
    },
    /// A page in place of metadata.
    #[error(
        "instead of {file} a page in HTML came: is the address right, or does a portal of the network want a login?"
    )]
    Html {
        /// Which file was asked for.
        file: String,
    },
    /// Endless data.
    #[error("{file} is larger than {most} bytes, which nothing that is signed here is; it was read no further")]
    TooLarge {
        /// Which file.
        file: String,
        /// How much is read of it.
        most: u64,
    },
    /// Not metadata.
    #[error("{file} is no signed metadata: {why}")]
    Unreadable {
        /// Which file.
        file: String,
        /// What the parser says.
        why: String,
    },
    /// The right keys are named, and their signatures do not fit the content.
    #[error("{file} was changed after it was signed")]
    Tampered {
        /// Which file.
        file: String,
    },
    /// Signed by keys that root does not name, or by too few.
    #[error("{file} is not signed by the keys that root {root} names for {role}, or by too few of them")]
    WrongKeys {
        /// Which file.
        file: String,
        /// Whose keys.
        role: RoleType,
        /// The root's version.
        root: u64,
    },
    /// Signed by the right keys, and not what the file before it names.
    #[error("{file} is signed, but is not the one that is in force: files of different times were mixed")]
    MixAndMatch {
        /// Which file.
        file: String,
    },
    /// An older version than was believed.
    #[error(
        "the repository offers {role} {offered}, and this bin has seen {had}: an old state was played back, or the hub was restored from a copy"
    )]
    Rollback {
        /// Whose version.
        role: RoleType,
        /// The lowest that would be believed.
        had: u64,
        /// What came.
        offered: u64,
    },
    /// A list that was named is not named any more.
    #[error("the new snapshot does not name {list} any more, which the one before did")]
    Dropped {
        /// Which list.
        list: String,
    },
    /// Nothing new since what is believed, and that has expired.
    #[error(
        "no news since the timestamp that held until {until}: the hub does not sign any more, or somebody keeps its news from this bin"
    )]
    Frozen {
        /// When it ended.
        until: Timestamp,
    },
    /// New, and expired all the same.
    #[error(
        "{role} held until {until}, and it is {now}: the hub has not signed anew, an old state was played back, or this clock is ahead"
    )]
    Expired {
        /// Which role.
        role: RoleType,
        /// When it ended.
        until: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// A chain of roots without end.
    #[error("more than {0} roots follow the one that is trusted: bring a newer root of trust")]
    TooManyRoots(u64),
    /// No target of this name.
    #[error("nothing signed names the target {0}")]
    NoSuchTarget(String),
    /// Other bytes than were signed.
    #[error("what came as {name} is not what was signed ({what}); it was deleted")]
    ArbitraryTarget {
        /// Which target.
        name: String,
        /// In which way.
        what: String,
    },
    /// More than the bin takes.
    #[error("the target {name} has {length} bytes, and at most {most} are taken")]
    TargetTooLarge {
        /// Which target.
        name: String,
        /// How long it is, as signed.
        length: u64,
        /// The ceiling.
        most: u64,
    },
    /// The disk.
    #[error("cannot {act} {}", path.display())]
    Disk {
        /// "read", "write".
        act: &'static str,
        /// What.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// What `tough` says besides.
    #[error("metadata is refused")]
    Refused(#[source] Box<tough::error::Error>),
}
