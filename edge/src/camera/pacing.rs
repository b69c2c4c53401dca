//! Which frames of a camera that runs by itself are decoded, so that one that is faster than asked for costs no more
//! than asked for. Pure: the time is an argument.

use std::time::Duration;

/// At most so many frames per second.
#[derive(Debug, Clone)]
pub(crate) struct Pacing {
    every: Duration,
    due: Option<Duration>,
}

impl Pacing {
    /// At most `frames_per_second`, which is more than 0.
    pub(crate) fn new(frames_per_second: f32) -> Self {
        Self { every: Duration::from_secs_f32(1.0 / frames_per_second), due: None }
    }

    /// The time from one frame to the next.
    pub(crate) fn every(&self) -> Duration {
        self.every
    }

    /// Whether the frame of this time, which never goes back, is one of them. A frame that is early by less than a
    /// quarter is: cameras are not exact, and one that is as fast as asked for must lose none.
    pub(crate) fn takes(&mut self, at: Duration) -> bool {
        match self.due {
            Some(due) if at + self.every / 4 < due => false,
            Some(due) => {
                self.due = Some((due + self.every).max(at));
                true
            }
            None => {
                self.due = Some(at + self.every);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(asked: f32, camera: f32, jitter_ms: u64, frames: u32) -> usize {
        let mut pacing = Pacing::new(asked);
        (0..frames)
            .filter(|n| {
                let jitter = Duration::from_millis(u64::from(n * 7919 % 13) * jitter_ms / 12);
                pacing.takes(Duration::from_secs_f32(*n as f32 / camera) + jitter)
            })
            .count()
    }

    #[test]
    fn a_fast_camera_is_thinned_and_a_slow_one_is_not() {
        // Ten seconds of each camera: asked for, its own rate, jitter in ms, how many are taken.
        let cases = [
            (10.0, 30.0, 0, 100),
            (10.0, 30.0, 5, 100),
            (10.0, 10.0, 0, 100),
            (10.0, 10.0, 20, 100),
            (10.0, 5.0, 20, 50),
            (10.0, 25.0, 0, 100),
            (1.0, 60.0, 0, 10),
        ];
        for (asked, camera, jitter, expected) in cases {
            let found = taken(asked, camera, jitter, (camera * 10.0) as u32);
            // The second may come a quarter early, and all behind it then do.
            assert!((expected..=expected + 1).contains(&found), "{asked} of {camera} ± {jitter} ms: {found}");
        }
    }

    #[test]
    fn after_a_pause_there_is_no_burst() {
        let mut pacing = Pacing::new(10.0);
        assert!(pacing.takes(Duration::ZERO) && pacing.takes(Duration::from_secs(60)));
        let burst = (1..=10).filter(|n| pacing.takes(Duration::from_millis(60_000 + n * 10))).count();
        assert!(burst <= 2, "{burst} in 100 ms");
    }
}
