//! Pauses before trying again: each twice as long as the one before, with jitter, so that a thousand
//! bins do not come back to a broker in the same second. Pure: the draw is an argument.

use std::time::Duration;

/// The pauses of one thing that is tried again.
#[derive(Debug, Clone)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses from `least` to `most`.
    #[must_use]
    pub fn new([least, most]: [Duration; 2]) -> Self {
        Self { least, most, next: least }
    }

    /// The next pause: from half of its length to the whole, as `draw` (0 up to 1) says.
    pub fn next(&mut self, draw: f32) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.most);
        pause.mul_f32(0.5 + draw.clamp(0.0, 1.0) / 2.0)
    }

    /// It worked: the next pause is the shortest.
    pub fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new([Duration::from_secs(1), Duration::from_secs(6)]);
        let seconds: Vec<_> = (0..5).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 6, 6]);
        backoff.reset();
        assert_eq!(backoff.next(0.0), Duration::from_millis(500));
    }
}
