//! How often a client may fail: ten times at once, then once in ten seconds. Pure: time is an argument.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures in a row before a client must wait.
const BURST: u32 = 10;

/// A client gets one more try each time this has passed.
const REFILL: Duration = Duration::from_secs(10);

/// The most addresses remembered: 100 bytes each. When it is full, those that may try again anyway are
/// forgotten, and if there is none of these, all are: an attacker with 10,000 addresses is not stopped
/// here but by the length of the password.
const ADDRESSES: usize = 10_000;

/// Failed logins by client address. A request without an address (a test, a socket) shares one entry.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<Option<IpAddr>, Failures>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Instant,
}

impl Attempts {
    /// Whether this client may try now, or how long it must wait.
    pub(super) fn admit(&mut self, client: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let Some(failures) = self.0.get_mut(&client) else { return Ok(()) };
        failures.refill(now);
        if failures.count == 0 {
            self.0.remove(&client);
            return Ok(());
        }
        if failures.count < BURST { Ok(()) } else { Err(REFILL.saturating_sub(now - failures.since)) }
    }

    /// Notes a failure.
    pub(super) fn failed(&mut self, client: Option<IpAddr>, now: Instant) {
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&client) {
            self.0.retain(|_, failures| {
                failures.refill(now);
                failures.count >= BURST
            });
            if self.0.len() >= ADDRESSES {
                self.0.clear();
            }
        }
        let failures = self.0.entry(client).or_insert(Failures { count: 0, since: now });
        failures.refill(now);
        failures.count = (failures.count + 1).min(BURST);
    }
}

impl Failures {
    fn refill(&mut self, now: Instant) {
        let periods = (now - self.since).as_secs() / REFILL.as_secs();
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        self.count = self.count.saturating_sub(periods);
        self.since += REFILL * periods.min(1_000_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_then_one_try_in_ten_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        let mut attempts = Attempts::default();
        for _ in 0..BURST {
            assert_eq!(attempts.admit(client, at(0)), Ok(()));
            attempts.failed(client, at(0));
        }
        assert_eq!(attempts.admit(client, at(1)), Err(Duration::from_secs(9)));
        assert_eq!(attempts.admit(Some(IpAddr::from([192, 0, 2, 2])), at(1)), Ok(()), "another client");
        assert_eq!(attempts.admit(client, at(11)), Ok(()));
        attempts.failed(client, at(11));
        assert!(attempts.admit(client, at(12)).is_err());
        assert_eq!(attempts.admit(client, at(3600)), Ok(()));
        assert!(attempts.0.is_empty(), "who has waited is forgotten");
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut attempts = Attempts::default();
        for n in 0..(2 * ADDRESSES as u32) {
            attempts.failed(Some(IpAddr::from(n.to_be_bytes())), start);
        }
        assert!(attempts.0.len() <= ADDRESSES);
    }
}
