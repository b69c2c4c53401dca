//! The wall clock, which a bin reads only to write the time into what it sends.
//!
//! A Raspberry Pi starts in the past and jumps when the network tells it the time; a battery that is flat
//! makes a clock jump back. So nothing is decided by the wall clock: pauses, votes, resends and the
//! watchdog go by the machine's steady clock ([`std::time::Instant`]), order by the numbers of messages.
//! What is written down says whether it can be trusted.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;

/// Something that tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// This machine's.
    #[must_use]
    pub fn system() -> Self {
        Self::new(SystemTime::now)
    }

    /// One that says what `read` does.
    #[must_use]
    pub fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time, and whether it can be right if the machine says that its clock is `synced`: it is not
    /// before `made`, when something was made that is here now. A time that no calendar has is 1970.
    #[must_use]
    pub fn now(&self, synced: bool, made: Timestamp) -> (Timestamp, bool) {
        match Timestamp::try_from((self.0)()) {
            Ok(now) => (now, synced && now >= made),
            Err(_) => (Timestamp::UNIX_EPOCH, false),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_told_but_not_trusted() {
        let time = |text: &str| text.parse::<Timestamp>().expect("valid");
        let made = time("2026-11-22T23:00:00Z");
        let at = |since_1970: i64| {
            let distance = Duration::from_secs(since_1970.unsigned_abs());
            let time =
                if since_1970 < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance };
            Clock::new(move || time)
        };
        let made_at = made.as_second();
        for (clock, synced, expected) in [
            (at(made_at + 1), true, ("2026-11-22T23:00:01Z", true)),
            (at(made_at + 1), false, ("2026-11-22T23:00:01Z", false)),
            (at(made_at - 1), true, ("2026-11-22T22:59:59Z", false)),
            (at(0), true, ("1970-01-01T00:00:00Z", false)),
            (at(-86_400), true, ("1969-12-31T00:00:00Z", false)),
            // The year 11,000 or so, which no timestamp has.
            (at(285_000_000_000), true, ("1970-01-01T00:00:00Z", false)),
        ] {
            assert_eq!(clock.now(synced, made), (time(expected.0), expected.1));
        }
    }
}
