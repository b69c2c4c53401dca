//! From the bins' messages to rows: decode → check → batch → commit → acknowledge.
//!
//! ```text
//! MQTT ──connection──┬─ rows ───→ batch ──→ one transaction ──→ acks, live events
//!                    └─ images ─→ decode, re-encode, store ──→ batch ──→ …
//! ```
//!
//! A bin forgets a message when the hub has acknowledged it, and the hub acknowledges after its
//! commit. What fails on the way is sent again by the bin, so that each message arrives at least once;
//! (bin, epoch, seq) is unique in the database, so that each is stored exactly once. A number is compared with
//! its content before it is trusted (`rows`). What a bin says of itself is ordered by number (`standing`).
//!
//! | message                             | stored | acknowledged | counted as        |
//! |-------------------------------------|--------|--------------|-------------------|
//! | new                                 | yes    | yes          | events, samples   |
//! | seen before                         | no     | yes          | duplicates        |
//! | another one under a number in use   | beside | yes          | conflicts, too    |
//! | state that is older than known      | no     | –            | stale             |
//! | image damaged, or a number is wrong | no     | yes          | damaged           |
//! | image of which a part is missing    | kept, used for nothing | yes | damaged   |
//! | not decodable                       | no     | no           | malformed         |
//! | of a bin other than the topic's     | no     | no           | refused           |
//! | of a bin not enrolled, or retired   | no     | no           | refused           |
//! | with a label that the hub lacks     | no     | no           | refused           |
//! | the storage failed                  | no     | no           | storage_failures  |
//!
//! A damaged message is acknowledged because sending it again would not mend it; it is noted in the audit log once
//! per bin and hour, with how many there were. One of an unknown bin is not: it may be enrolled later. Nor is one
//! with an unknown label: its model may be imported later. Images and rows go separate ways, so that an event does not
//! wait for the decoding of somebody's image.

/// What a bin said.
mod observation;

/// Bytes and topic to a checked observation.
mod check;

/// What a bin says is bounded before it is kept or shown.
mod bounds;

/// The labels that the hub knows.
mod labels;

/// The connection to the broker.
mod connection;

/// Observations to rows, in one transaction.
mod commit;

/// Events and images as rows, each under a number that is its own.
mod rows;

/// What bins see, added up by day as it comes in.
mod field;

/// Which of a bin's words about itself is its last.
mod standing;

/// When something was seen.
mod when;

/// From a bin's image to one that may be kept.
mod image;

/// Batches in time, and what follows a commit.
mod job;

/// Messages to the bins.
mod publisher;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use commit::update_in_words;
pub use connection::{Broker, BrokerError};
pub use job::Ingest;
pub use publisher::{PublishError, Publisher};

/// What came in since the hub started, and what was refused.
#[derive(Debug, Default)]
pub struct Counters {
    connected: AtomicBool,
    messages: AtomicU64,
    events: AtomicU64,
    samples: AtomicU64,
    duplicates: AtomicU64,
    conflicts: AtomicU64,
    stale: AtomicU64,
    truths_left_out: AtomicU64,
    damaged: AtomicU64,
    malformed: AtomicU64,
    refused: AtomicU64,
    storage_failures: AtomicU64,
    acks_dropped: AtomicU64,
    last_refusal: Mutex<Option<String>>,
}

/// A reading of [`Counters`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IngestStatus {
    /// Whether the hub is connected to the broker.
    pub connected: bool,
    /// Messages received.
    pub messages: u64,
    /// Events stored.
    pub events: u64,
    /// Samples stored.
    pub samples: u64,
    /// Messages that came again.
    pub duplicates: u64,
    /// Messages that came under a number which another had, and were stored under one of their own: a bin's card
    /// was brought back, or copied.
    pub conflicts: u64,
    /// What bins said of themselves that came after something newer, and was left out.
    pub stale: u64,
    /// Truths that bins with a real camera claimed to know, which were left out.
    pub truths_left_out: u64,
    /// Messages with a damaged image or an impossible number.
    pub damaged: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Messages of bins that are not enrolled, or on another bin's topic.
    pub refused: u64,
    /// Batches that the database or the object storage did not take.
    pub storage_failures: u64,
    /// Acknowledgements that were not sent because the queue was full; the bins send again.
    pub acks_dropped: u64,
    /// The last message that was not stored, and why; `null` to who is not logged in.
    pub last_refusal: Option<String>,
}

impl Counters {
    /// The counters now.
    #[must_use]
    pub fn read(&self) -> IngestStatus {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        IngestStatus {
            connected: self.connected.load(Ordering::Relaxed),
            messages: get(&self.messages),
            events: get(&self.events),
            samples: get(&self.samples),
            duplicates: get(&self.duplicates),
            conflicts: get(&self.conflicts),
            stale: get(&self.stale),
            truths_left_out: get(&self.truths_left_out),
            damaged: get(&self.damaged),
            malformed: get(&self.malformed),
            refused: get(&self.refused),
            storage_failures: get(&self.storage_failures),
            acks_dropped: get(&self.acks_dropped),
            last_refusal: self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    /// Counts a message that is not stored, and keeps the reason for the status page.
    fn refuse(&self, counter: &AtomicU64, topic: &str, reason: &str) {
        self.note(counter, topic, reason, "message not stored");
    }

    fn note(&self, counter: &AtomicU64, topic: &str, reason: &str, what: &str) {
        counter.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(topic, reason, "{what}");
        *self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{topic}: {reason}"));
    }
}

#[cfg(test)]
mod tests;
