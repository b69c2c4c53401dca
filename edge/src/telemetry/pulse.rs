//! Whether the pipeline still turns: since when it has been at one frame.
//!
//! A loop that turns beside a pipeline that hangs is a bin that sees nothing and says that it is well.
//! So the pipeline says when it begins a frame and when it is through, and a frame that takes longer
//! than [`LONGEST_FRAME`] keeps the service manager from being told that all is well.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No frame takes longer: inference takes under a second on the slowest machine.
pub const LONGEST_FRAME: Duration = Duration::from_secs(60);

/// The pulse of the pipeline, felt from any thread.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Option<Instant>>);

impl Pulse {
    /// Does the work on one frame, which begins at `now`.
    pub fn during<T>(&self, now: Instant, work: impl FnOnce() -> T) -> T {
        self.set(Some(now));
        let done = work();
        self.set(None);
        done
    }

    /// Whether the pipeline is idle, or at a frame for no longer than it may be.
    #[must_use]
    pub fn beats(&self, now: Instant) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| now.saturating_duration_since(since) <= LONGEST_FRAME)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_unless_one_frame_takes_too_long() {
        let (pulse, now) = (Pulse::default(), Instant::now());
        let late = now + LONGEST_FRAME * 100;
        assert!(pulse.beats(late), "an idle pipeline may be idle for ever");
        pulse.during(now, || {
            assert!(pulse.beats(now + LONGEST_FRAME));
            assert!(!pulse.beats(now + LONGEST_FRAME + Duration::from_millis(1)));
        });
        assert!(pulse.beats(late));
    }

    #[test]
    fn a_pipeline_that_panics_at_a_frame_no_longer_beats() {
        let (pulse, now) = (Pulse::default(), Instant::now());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pulse.during(now, || panic!("as a pipeline would"));
        }));
        assert!(panicked.is_err() && !pulse.beats(now + LONGEST_FRAME * 2));
    }
}
