//! Whether the clock can be gone by. Decided purely: what the clock says, whether it is synchronised, since when it is
//! waited for, what time it was at the last check that went by it.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// No clock that is right says an earlier time: 2026-01-01T00:00:00Z.
pub const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// How far a clock may be set back without being doubted.
pub const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// What is known of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What it says.
    pub now: Timestamp,
    /// Whether the system says that it is synchronised.
    pub synchronised: bool,
    /// How long synchronisation has been waited for, by the steady clock.
    pub waited: Duration,
}

/// Why expiry was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Not synchronised within the limit.
    NotSynchronised,
    /// Before [`EARLIEST`]: it was never set.
    NeverSet,
    /// Before the last time that was gone by.
    SetBack {
        /// That time.
        from: Timestamp,
    },
}

/// What a check goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoBy {
    /// By nothing yet: ask again once the clock is synchronised, or in this time.
    Wait(Duration),
    /// By versions and by expiry at this time.
    Time(Timestamp),
    /// By versions alone: old news that somebody holds a bin at are not noticed.
    Versions(Doubt),
}

impl Clock {
    /// What to go by, if at most `limit` is waited, and `latest` was the time at the last check that went by it.
    #[must_use]
    pub fn go_by(&self, limit: Duration, latest: Option<Timestamp>) -> GoBy {
        if !self.synchronised {
            return match limit.checked_sub(self.waited) {
                Some(left) if !left.is_zero() => GoBy::Wait(left),
                _ => GoBy::Versions(Doubt::NotSynchronised),
            };
        }
        if self.now < EARLIEST {
            return GoBy::Versions(Doubt::NeverSet);
        }
        match latest {
            Some(from) if from.duration_since(self.now) > SLACK => GoBy::Versions(Doubt::SetBack { from }),
            _ => GoBy::Time(self.now),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSynchronised => f.write_str("the clock is not synchronised"),
            Self::NeverSet => f.write_str("the clock was never set"),
            Self::SetBack { from } => write!(f, "the clock was set back; it was {from} before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_waited_for_and_then_versions_decide() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (today, limit) = (time("2026-11-30T23:00:00Z"), Duration::from_secs(600));
        let clock = |now, synchronised, waited| Clock { now, synchronised, waited: Duration::from_secs(waited) };
        for (clock, latest, expected) in [
            (clock(today, true, 0), None, GoBy::Time(today)),
            (clock(today, true, 9_999), Some(time("2026-11-30T22:00:00Z")), GoBy::Time(today)),
            (clock(today, false, 0), None, GoBy::Wait(limit)),
            (clock(today, false, 599), None, GoBy::Wait(Duration::from_secs(1))),
            (clock(today, false, 600), None, GoBy::Versions(Doubt::NotSynchronised)),
            (clock(today, false, 601), Some(today), GoBy::Versions(Doubt::NotSynchronised)),
            (clock(Timestamp::UNIX_EPOCH, true, 0), None, GoBy::Versions(Doubt::NeverSet)),
            (clock(Timestamp::UNIX_EPOCH, false, 600), None, GoBy::Versions(Doubt::NotSynchronised)),
            (clock(today, true, 0), Some(time("2026-12-01T00:00:00Z")), GoBy::Time(today)),
            (
                clock(today, true, 0),
                Some(time("2026-12-01T00:00:01Z")),
                GoBy::Versions(Doubt::SetBack { from: time("2026-12-01T00:00:01Z") }),
            ),
            (clock(time("2099-01-01T00:00:00Z"), true, 0), Some(today), GoBy::Time(time("2099-01-01T00:00:00Z"))),
        ] {
            assert_eq!(clock.go_by(limit, latest), expected, "{clock:?}, {latest:?}");
        }
    }
}
