//! One flap at a time. Pure: time is an argument.
//!
//! ```text
//!            order                     time is up
//! CLOSED ─────────────▶ OPEN ───────────────────────▶ closing ──▶ CLOSED, and a pause
//!    ▲                   │ could not be opened            │ could not be closed
//!    │                   └───────────────▶ closing        ▼
//!    └───────────────────────────────────────────────── STUCK, tried again
//! ```
//!
//! Whatever fails, the next thing that moves is everything closing: a flap opens only when the last
//! thing that was done was a closing that worked.

use std::time::{Duration, Instant};

use heapless::Deque;

/// Orders that wait while a flap is open. With more, someone throws items in faster than flaps move, and
/// the newest is refused: its item goes where items go that no flap opens for.
pub const WAITING: usize = 4;

/// When to try again what could not be closed.
pub const RETRY: Duration = Duration::from_secs(10);

/// How long a flap is open, and how long nothing moves then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// From open to close.
    pub open: Duration,
    /// From close to the next open.
    pub pause: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<F> {
    /// Open this flap; then [`Interlock::handle_opened`] is due.
    Open(F),
    /// Close all; then [`Interlock::handle_closed`] is due.
    Close,
}

/// An order that is not taken: too many wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused<F>(pub F);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All is closed; one may open from then on.
    Closed { ready: Instant },
    /// One was told to open and has not said yet whether it did.
    Opening,
    /// One is open, or may be.
    Open { until: Instant },
    /// All were told to close and have not said yet whether they did.
    Closing,
    /// Something may be open that could not be closed.
    Stuck { retry: Instant },
}

/// The interlock of flaps `F`.
#[derive(Debug)]
pub struct Interlock<F> {
    pulse: Pulse,
    state: State,
    waiting: Deque<F, WAITING>,
}

impl<F> Interlock<F> {
    /// Flaps of which nobody knows whether they are closed.
    #[must_use]
    pub fn new(pulse: Pulse, now: Instant) -> Self {
        Self { pulse, state: State::Stuck { retry: now }, waiting: Deque::new() }
    }

    /// Takes an order.
    ///
    /// # Errors
    /// [`Refused`]: [`WAITING`] orders wait already.
    pub fn handle_order(&mut self, flap: F, now: Instant) -> Result<(), Refused<F>> {
        if let State::Stuck { retry } = &mut self.state {
            *retry = now;
        }
        self.waiting.push_back(flap).map_err(Refused)
    }

    /// What is to be done now.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action<F>> {
        match self.state {
            State::Closed { ready } if ready <= now => {
                let flap = self.waiting.pop_front()?;
                self.state = State::Opening;
                Some(Action::Open(flap))
            }
            State::Open { until: due } | State::Stuck { retry: due } if due <= now => {
                self.state = State::Closing;
                Some(Action::Close)
            }
            _ => None,
        }
    }

    /// When something is due without an order.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Closed { ready } => (!self.waiting.is_empty()).then_some(ready),
            State::Open { until: due } | State::Stuck { retry: due } => Some(due),
            State::Opening | State::Closing => None,
        }
    }

    /// The flap of [`Action::Open`] was opened, or could not be.
    pub fn handle_opened(&mut self, worked: bool, now: Instant) {
        self.state = State::Open { until: if worked { now + self.pulse.open } else { now } };
    }

    /// All were closed, or could not be: then the orders that wait are given up, and their number is
    /// returned.
    pub fn handle_closed(&mut self, worked: bool, now: Instant) -> usize {
        if worked {
            self.state = State::Closed { ready: now + self.pulse.pause };
            return 0;
        }
        self.state = State::Stuck { retry: now + RETRY };
        let given_up = self.waiting.len();
        self.waiting.clear();
        given_up
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PULSE: Pulse = Pulse { open: Duration::from_millis(1500), pause: Duration::from_millis(300) };

    fn closed(now: Instant) -> Interlock<u8> {
        let mut interlock = Interlock::new(PULSE, now);
        assert_eq!(interlock.poll_action(now), Some(Action::Close), "nobody knows how they were left");
        interlock.handle_closed(true, now - PULSE.pause);
        interlock
    }

    #[test]
    fn a_flap_opens_at_once_and_the_next_after_it_closed_and_a_pause() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut interlock = closed(start);
        interlock.handle_order(1, at(0)).expect("taken");
        interlock.handle_order(2, at(10)).expect("taken");
        assert_eq!(interlock.poll_action(at(10)), Some(Action::Open(1)));
        interlock.handle_opened(true, at(10));
        assert_eq!((interlock.poll_action(at(1509)), interlock.poll_timeout()), (None, Some(at(1510))));
        assert_eq!(interlock.poll_action(at(1510)), Some(Action::Close));
        interlock.handle_closed(true, at(1520));
        assert_eq!((interlock.poll_action(at(1819)), interlock.poll_timeout()), (None, Some(at(1820))));
        assert_eq!(interlock.poll_action(at(1820)), Some(Action::Open(2)));
    }

    #[test]
    fn what_could_not_be_closed_keeps_all_others_closed() {
        let now = Instant::now();
        let mut interlock = closed(now);
        interlock.handle_order(1, now).expect("taken");
        assert_eq!(interlock.poll_action(now), Some(Action::Open(1)));
        interlock.handle_opened(false, now);
        assert_eq!(interlock.poll_action(now), Some(Action::Close), "it may be half open");
        assert_eq!(interlock.handle_closed(false, now), 0);
        assert_eq!(interlock.poll_timeout(), Some(now + RETRY));
        interlock.handle_order(2, now).expect("taken");
        assert_eq!(interlock.poll_action(now), Some(Action::Close), "an order is a reason to try again");
        assert_eq!(interlock.handle_closed(false, now), 1, "an order is not kept for a later item");
        assert_eq!(interlock.poll_action(now + RETRY), Some(Action::Close));
        interlock.handle_closed(true, now + RETRY);
        assert_eq!(interlock.poll_action(now + RETRY * 2), None);
    }

    #[test]
    fn orders_beyond_the_queue_are_refused() {
        let now = Instant::now();
        let mut interlock = closed(now);
        for flap in 0..WAITING as u8 {
            interlock.handle_order(flap, now).expect("taken");
        }
        assert_eq!(interlock.handle_order(9, now), Err(Refused(9)));
    }

    proptest! {
        /// Whatever is ordered when, and whatever fails: at most one flap is open at a time, each open
        /// one has its time, and the pause is kept.
        #[test]
        fn two_flaps_are_never_open(steps in prop::collection::vec((0_u64..900, any::<Option<u8>>(), any::<[bool; 2]>()), 1..300)) {
            let mut now = Instant::now();
            let mut interlock = Interlock::new(PULSE, now);
            let (mut surely_closed, mut opened_at, mut closed_at) = (false, None, None);
            let (mut taken, mut given_up, mut opened) = (0, 0, 0);
            for (pass, order, [opens, closes]) in steps {
                now += Duration::from_millis(pass);
                if let Some(flap) = order && interlock.handle_order(flap, now).is_ok() {
                    taken += 1;
                }
                while let Some(action) = interlock.poll_action(now) {
                    match action {
                        Action::Open(_) => {
                            prop_assert!(surely_closed, "something may be open");
                            prop_assert!(closed_at.is_none_or(|at| now >= at + PULSE.pause));
                            surely_closed = false;
                            opened += 1;
                            opened_at = opens.then_some(now);
                            interlock.handle_opened(opens, now);
                        }
                        Action::Close => {
                            prop_assert!(opened_at.take().is_none_or(|at| now >= at + PULSE.open));
                            surely_closed = closes;
                            closed_at = closes.then_some(now);
                            given_up += interlock.handle_closed(closes, now);
                        }
                    }
                }
                prop_assert!(interlock.poll_timeout().is_none_or(|at| at > now), "what is due is done");
            }
            prop_assert_eq!(taken, opened + given_up + interlock.waiting.len());
        }
    }
}
