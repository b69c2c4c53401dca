//! What is counted while the program runs, from any thread.

/// Whether the pipeline still turns.
pub mod pulse;

use std::sync::atomic::{AtomicU64, Ordering};

use self::pulse::Pulse;

/// Something that is counted from any thread.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Someone else has counted: there were `so_far` at least.
    pub fn raise_to(&self, so_far: u64) {
        self.0.fetch_max(so_far, Ordering::Relaxed);
    }

    /// How many there were so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted while the program runs; from 0 at its start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames that the trigger looked at.
    pub frames: Counter,
    /// Frames that a newer one took the place of before the trigger could look at them.
    pub frames_skipped: Counter,
    /// Frames that could not be decoded.
    pub frames_corrupt: Counter,
    /// Items that were classified.
    pub items: Counter,
    /// Frames that the model could not answer.
    pub unanswered: Counter,
    /// Messages from the hub that were refused.
    pub refused: Counter,
    /// Whether the pipeline turns; not a count, but as widely shared.
    pub pulse: Pulse,
}
