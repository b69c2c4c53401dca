//! Which entry of the outbox is sent next. Pure: time is an argument.
//!
//! At most `in_flight` entries are on the way. One that is not acknowledged in time is sent again, each
//! time after twice as long, up to [`LONGEST_DOUBLINGS`] doublings, so that a hub that is away for a
//! week costs little; when it says that it is back, everything is due at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::outbox::Key;

/// How often the pause before sending again is doubled.
const LONGEST_DOUBLINGS: u32 = 5;

/// The entries that are on the way.
#[derive(Debug)]
pub struct Window {
    in_flight: usize,
    resend_after: Duration,
    sent: HashMap<Key, Sent>,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    due: Instant,
    times: u32,
}

impl Window {
    /// At most `in_flight` entries at once, each sent again after `resend_after`.
    #[must_use]
    pub fn new(in_flight: usize, resend_after: Duration) -> Self {
        Self { in_flight, resend_after, sent: HashMap::new() }
    }

    /// The entry to send now, of those `waiting` in their order. It counts as sent.
    pub fn poll_action(&mut self, waiting: impl Iterator<Item = Key>, now: Instant) -> Option<Key> {
        let overdue = self.sent.iter().filter(|(_, sent)| sent.due <= now).min_by_key(|(key, sent)| (sent.due, **key));
        let key = match overdue {
            Some((key, _)) => *key,
            None if self.sent.len() >= self.in_flight => return None,
            None => waiting.into_iter().find(|key| !self.sent.contains_key(key))?,
        };
        let times = self.sent.get(&key).map_or(0, |sent| sent.times);
        let pause = self.resend_after * 2_u32.pow(times.min(LONGEST_DOUBLINGS));
        self.sent.insert(key, Sent { due: now + pause, times: times + 1 });
        Some(key)
    }

    /// When an entry is to be sent again.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sent.values().map(|sent| sent.due).min()
    }

    /// The entry is acknowledged, or gone.
    pub fn handle_gone(&mut self, key: Key) {
        self.sent.remove(&key);
    }

    /// The connection is new, or the hub is back: nothing is on the way.
    pub fn handle_reset(&mut self) {
        self.sent.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RESEND: Duration = Duration::from_secs(10);

    fn key(seq: u64) -> Key {
        Key { epoch: 1, seq }
    }

    fn poll(window: &mut Window, waiting: &[u64], now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| window.poll_action(waiting.iter().map(|seq| key(*seq)), now)).map(|k| k.seq).collect()
    }

    #[test]
    fn sends_in_order_up_to_the_window_and_goes_on_when_one_is_gone() {
        let (mut window, now) = (Window::new(2, RESEND), Instant::now());
        assert_eq!(poll(&mut window, &[1, 2, 3], now), [1, 2]);
        window.handle_gone(key(1));
        assert_eq!(poll(&mut window, &[2, 3], now), [3]);
        window.handle_reset();
        assert_eq!(poll(&mut window, &[2, 3, 4], now), [2, 3], "all is sent anew after a reset");
    }

    #[test]
    fn sends_again_after_pauses_that_grow() {
        let (mut window, start) = (Window::new(2, RESEND), Instant::now());
        let mut sent_at = Vec::new();
        for second in 0..2000 {
            for seq in poll(&mut window, &[7], start + Duration::from_secs(second)) {
                assert_eq!(seq, 7);
                sent_at.push(second);
            }
        }
        assert_eq!(sent_at, [0, 10, 30, 70, 150, 310, 630, 950, 1270, 1590, 1910]);
    }

    #[test]
    fn knows_when_it_is_due() {
        let (mut window, now) = (Window::new(2, RESEND), Instant::now());
        assert_eq!(window.poll_timeout(), None);
        poll(&mut window, &[1], now);
        poll(&mut window, &[1, 2], now + Duration::from_secs(3));
        assert_eq!(window.poll_timeout(), Some(now + RESEND));
    }

    proptest! {
        /// Over a channel that loses, with a hub that acknowledges what reaches it, all arrive, and no
        /// more than the window are ever on the way.
        #[test]
        fn everything_arrives_in_the_end(
            losses in prop::collection::vec(any::<bool>(), 1..200),
            count in 1_u64..20,
            size in 1_usize..5,
        ) {
            let (mut window, mut now) = (Window::new(size, RESEND), Instant::now());
            let mut waiting: Vec<u64> = (1..=count).collect();
            let mut losses = losses.into_iter();
            let mut rounds = 0;
            while !waiting.is_empty() {
                let sent = poll(&mut window, &waiting, now);
                prop_assert!(sent.len() <= size);
                for seq in sent {
                    if !losses.next().unwrap_or(false) {
                        waiting.retain(|waiting| *waiting != seq);
                        window.handle_gone(key(seq));
                    }
                }
                now = window.poll_timeout().unwrap_or(now);
                rounds += 1;
                prop_assert!(rounds < 1000);
            }
        }
    }
}
