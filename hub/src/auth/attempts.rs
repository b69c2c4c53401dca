//! How often logins may fail: from one address ten times at once, then once in ten seconds; to one account thirty
//! times at once, whoever tries, then once in ten seconds. Pure: time is an argument.
//!
//! A try counts as a failure from its beginning until it turns out right, so that tries at the same moment do not
//! slip through together. The limit of an account would let anybody lock its owner out; so it does not hold for an
//! address from which the right password came before.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::door::party_of;

/// Failures in a row before an address must wait.
const BURST: u32 = 10;

/// Failures in a row before an account must wait.
const ACCOUNT_BURST: u32 = 30;

/// One more try is free each time this has passed.
const REFILL: Duration = Duration::from_secs(10);

/// The most addresses, accounts and pairs of both remembered: some 100 bytes each. When it is full, those that may
/// try again anyway are forgotten, and if there is none of these, all are: an attacker with 10,000 addresses is not
/// stopped here but by the length of the password.
const REMEMBERED: usize = 10_000;

/// Names are told apart by so many characters; no account has a longer one.
const NAME: usize = 64;

/// Who tries. A request without an address (a test, a socket) shares one entry; an IPv6 network of 64 bits has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    address: Option<IpAddr>,
    account: String,
}

impl Attempt {
    pub(super) fn new(address: Option<IpAddr>, account: &str) -> Self {
        Self { address: address.map(party_of), account: account.chars().take(NAME).collect() }
    }
}

/// Why somebody must wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Address(Duration),
    Account(Duration),
}

/// Failed logins.
#[derive(Debug)]
pub(super) struct Attempts {
    addresses: Limit<Option<IpAddr>>,
    accounts: Limit<String>,
    known: HashMap<Attempt, Instant>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { addresses: Limit::new(BURST), accounts: Limit::new(ACCOUNT_BURST), known: HashMap::new() }
    }
}

impl Attempts {
    /// Whether this may be tried now.
    pub(super) fn may(&mut self, attempt: &Attempt, now: Instant) -> Result<(), Wait> {
        self.addresses.admit(&attempt.address, now).map_err(Wait::Address)?;
        if self.known.contains_key(attempt) {
            return Ok(());
        }
        self.accounts.admit(&attempt.account, now).map_err(Wait::Account)
    }

    /// Begins a try, which counts as failed until it has [`Self::succeeded`].
    pub(super) fn begin(&mut self, attempt: &Attempt, now: Instant) -> Result<(), Wait> {
        self.may(attempt, now)?;
        self.addresses.failed(attempt.address, now);
        if !self.known.contains_key(attempt) {
            self.accounts.failed(attempt.account.clone(), now);
        }
        Ok(())
    }

    /// The password was right.
    pub(super) fn succeeded(&mut self, attempt: &Attempt, now: Instant) {
        self.addresses.forgive(&attempt.address);
        if !self.known.contains_key(attempt) {
            self.accounts.forgive(&attempt.account);
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
        }
        self.known.insert(attempt.clone(), now);
    }
}

/// Failures by key, of which so many are free.
#[derive(Debug)]
struct Limit<K> {
    burst: u32,
    failures: HashMap<K, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Instant,
}

impl<K: Hash + Eq> Limit<K> {
    fn new(burst: u32) -> Self {
        Self { burst, failures: HashMap::new() }
    }

    /// Whether this key may try now, or how long it must wait.
    fn admit(&mut self, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(failures) = self.failures.get_mut(key) else { return Ok(()) };
        failures.refill(now);
        if failures.count == 0 {
            self.failures.remove(key);
            return Ok(());
        }
        if failures.count < self.burst { Ok(()) } else { Err(REFILL.saturating_sub(now - failures.since)) }
    }

    /// Notes a failure.
    fn failed(&mut self, key: K, now: Instant) {
        if self.failures.len() >= REMEMBERED && !self.failures.contains_key(&key) {
            let burst = self.burst;
            self.failures.retain(|_, failures| {
                failures.refill(now);
                failures.count >= burst
            });
            if self.failures.len() >= REMEMBERED {
                self.failures.clear();
            }
        }
        let burst = self.burst;
        let failures = self.failures.entry(key).or_insert(Failures { count: 0, since: now });
        failures.refill(now);
        failures.count = (failures.count + 1).min(burst);
    }

    /// Takes a failure back.
    fn forgive(&mut self, key: &K) {
        if let Some(failures) = self.failures.get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
            if failures.count == 0 {
                self.failures.remove(key);
            }
        }
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

    fn from(n: u8, account: &str) -> Attempt {
        Attempt::new(Some(IpAddr::from([192, 0, 2, n])), account)
    }

    #[test]
    fn ten_failures_then_one_try_in_ten_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        let mut attempts = Limit::new(BURST);
        for _ in 0..BURST {
            assert_eq!(attempts.admit(&client, at(0)), Ok(()));
            attempts.failed(client, at(0));
        }
        assert_eq!(attempts.admit(&client, at(1)), Err(Duration::from_secs(9)));
        assert_eq!(attempts.admit(&Some(IpAddr::from([192, 0, 2, 2])), at(1)), Ok(()), "another client");
        assert_eq!(attempts.admit(&client, at(11)), Ok(()));
        attempts.failed(client, at(11));
        assert!(attempts.admit(&client, at(12)).is_err());
        assert_eq!(attempts.admit(&client, at(3600)), Ok(()));
        assert!(attempts.failures.is_empty(), "who has waited is forgotten");
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut attempts = Attempts::default();
        for n in 0..(2 * REMEMBERED as u32) {
            let attempt = Attempt::new(Some(IpAddr::from(n.to_be_bytes())), &format!("{n}{}", "x".repeat(1000)));
            attempts.begin(&attempt, start).expect("is the first");
            if n % 2 == 0 {
                attempts.succeeded(&attempt, start);
            }
        }
        assert!(attempts.addresses.failures.len() <= REMEMBERED);
        assert!(attempts.accounts.failures.len() <= REMEMBERED);
        assert!(attempts.known.len() <= REMEMBERED);
        assert!(attempts.accounts.failures.keys().all(|name| name.len() <= NAME));
    }

    #[test]
    fn what_is_under_way_counts() {
        let start = Instant::now();
        let mut attempts = Attempts::default();
        for _ in 0..BURST {
            attempts.begin(&from(1, "anna"), start).expect("may be tried");
        }
        assert!(matches!(attempts.begin(&from(1, "anna"), start), Err(Wait::Address(_))), "ten at the same moment");
        attempts.succeeded(&from(1, "anna"), start);
        attempts.begin(&from(1, "anna"), start).expect("one of them was right");
    }

    #[test]
    fn an_account_is_guarded_whoever_tries_and_its_owner_gets_in() {
        let start = Instant::now();
        let mut attempts = Attempts::default();
        attempts.begin(&from(1, "anna"), start).expect("may be tried");
        attempts.succeeded(&from(1, "anna"), start);
        for n in 0..ACCOUNT_BURST {
            attempts.begin(&from(10 + n as u8, "anna"), start).expect("may be tried");
        }
        assert!(matches!(attempts.may(&from(99, "anna"), start), Err(Wait::Account(wait)) if wait <= REFILL));
        attempts.may(&from(99, "budi"), start).expect("another account");
        attempts.begin(&from(1, "anna"), start).expect("she was here before");
        attempts.may(&from(99, "anna"), start + REFILL).expect("one more in ten seconds");
    }

    #[test]
    fn a_household_shares_its_tries() {
        let start = Instant::now();
        let mut attempts = Attempts::default();
        for n in 0..u128::from(BURST) {
            let address = std::net::Ipv6Addr::from_bits((0x2001_0db8 << 96) | n);
            attempts.begin(&Attempt::new(Some(address.into()), "anna"), start).expect("may be tried");
        }
        let next = Attempt::new(Some("2001:db8::ffff".parse().expect("an address")), "anna");
        assert!(matches!(attempts.may(&next, start), Err(Wait::Address(_))));
    }
}
