//! How large a message may be, as far as the bin knows: what is configured, or less, when the broker has shown that it
//! takes less. Pure: time is an argument.
//!
//! A broker does not say what its limit is. So when a message was given up ([`super::window`]), and nothing as large has
//! ever come through, half of it is the new limit, but never less than what has come through. After
//! [`FORGOTTEN_AFTER`], and at each start of the program, what was learned is forgotten: a limit that somebody raised is
//! found out.

use std::time::{Duration, Instant};

/// When what was learned is tried anew.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What is not lowered further: no event is as large.
pub const LEAST: usize = 2048;

/// How large a message may be.
#[derive(Debug)]
pub struct Ceiling {
    configured: usize,
    learned: Option<(usize, Instant)>,
    largest_taken: usize,
}

impl Ceiling {
    /// At most what is `configured`, in bytes.
    #[must_use]
    pub fn new(configured: usize) -> Self {
        Self { configured, learned: None, largest_taken: 0 }
    }

    /// The most bytes of a message now.
    pub fn bytes(&mut self, now: Instant) -> usize {
        self.learned.take_if(|(_, until)| *until <= now);
        self.learned.map_or(self.configured, |(bytes, _)| bytes)
    }

    /// What was learned, if it is less than what is configured.
    #[must_use]
    pub fn learned(&self) -> Option<usize> {
        self.learned.map(|(bytes, _)| bytes)
    }

    /// A message of so many bytes has come through.
    pub fn handle_taken(&mut self, bytes: usize) {
        self.largest_taken = self.largest_taken.max(bytes);
    }

    /// A message of so many bytes does not come through. The most that messages may have from now on, if its size may be
    /// the reason.
    pub fn handle_refused(&mut self, bytes: usize, now: Instant) -> Option<usize> {
        let half = (bytes / 2).max(self.largest_taken).max(LEAST);
        if half >= bytes {
            return None;
        }
        let lower = half.min(self.bytes(now));
        self.learned = Some((lower, now + FORGOTTEN_AFTER));
        Some(lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_halved_until_messages_come_through_and_forgotten_a_day_later() {
        let (mut ceiling, now) = (Ceiling::new(100_000), Instant::now());
        assert_eq!((ceiling.bytes(now), ceiling.learned()), (100_000, None));
        ceiling.handle_taken(400);
        assert_eq!(ceiling.handle_refused(80_000, now), Some(40_000));
        assert_eq!(ceiling.handle_refused(75_000, now), Some(37_500), "one that was on the way already");
        assert_eq!(ceiling.handle_refused(90_000, now), Some(37_500), "it does not rise");
        assert_eq!(ceiling.handle_refused(37_000, now), Some(18_500));
        ceiling.handle_taken(18_000);
        assert_eq!(ceiling.handle_refused(30_000, now), Some(18_000), "not below what has come through");
        assert_eq!(ceiling.handle_refused(17_000, now), None, "it is not for its size");
        assert_eq!((ceiling.bytes(now), ceiling.learned()), (18_000, Some(18_000)));
        assert_eq!(ceiling.bytes(now + FORGOTTEN_AFTER), 100_000);
        assert_eq!(ceiling.learned(), None);
    }

    #[test]
    fn it_never_reaches_the_size_of_an_event() {
        let (mut ceiling, now) = (Ceiling::new(5000), Instant::now());
        assert_eq!(ceiling.handle_refused(5000, now), Some(2500));
        assert_eq!(ceiling.handle_refused(2400, now), Some(LEAST));
        assert_eq!(ceiling.handle_refused(LEAST, now), None);
        assert_eq!(ceiling.handle_refused(300, now), None);
    }
}
