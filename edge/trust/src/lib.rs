//! What a bin believes of an update: the client of the hub's [TUF](https://theupdateframework.io) repository.
//!
//! `tough` reads and verifies; beside it is kept what it does not keep, or keeps in a way that a power cut undoes:
//!
//! - **A floor of versions of our own** ([`state`]): one file, in two copies, each with its SHA-256, written whole and
//!   synced. Of `tough`'s datastore, which is neither, a fresh one is made for each check and filled from that file.
//! - **The time is an argument** ([`clock`]). `tough` asks the system, and one look at a clock that is ahead blocks it until
//!   that time. Here a clock that is not synchronised is waited for, up to a limit; then versions alone decide, and the
//!   outcome says so. What is remembered of the time is never later than what a signature vouches for.
//! - **Ceilings and what is no repository** ([`source`]): no answer is read past its ceiling, whatever is signed of its length; a page in
//!   HTML is told from a forged file; and an error at the next root is an error, where `tough` would go on with the old keys.
//! - **Only what is absent comes over the network**: lists that are known by their number are not fetched again, and targets
//!   ([`target`]) are resumed at the byte where they broke off.
//! - **An error for each attack** ([`error::TrustError`]), with what may be the matter.
//!
//! Deliberately not here: what to do with a target, HTTP, a limit on bandwidth (all three are the caller's; [`source::Source`] is where
//! it puts the latter two).

/// Where bytes come from.
pub mod source;

/// Whether the clock can be gone by.
pub mod clock;

/// What is remembered between two checks.
pub mod state;

/// Metadata fetched, verified, compared with what is remembered.
pub mod client;

/// Targets fetched, resumed, verified.
pub mod target;

/// What is refused, by its name.
pub mod error;

pub use client::{Checked, Client, Note, Outcome, Trusted};
pub use error::TrustError;
