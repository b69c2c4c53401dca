//! Who may see the preview: whoever has the code that the log shows. Pure: time and draws are arguments.
//!
//! A code opens the preview to one browser and is spent; the next one is drawn at once. It is short
//! enough to be typed on a phone, so guesses are few: after [`MOST_WRONG`] wrong codes nobody is let in
//! for [`CLOSED_FOR`], and the code is another one. At five guesses a minute, 40 bits last for hundreds
//! of thousands of years. Whoever can read the log could read the picture's files as well.

use std::time::{Duration, Instant};

use heapless::Deque;

/// Wrong codes in a row until the gate closes.
pub const MOST_WRONG: u32 = 5;

/// How long it is closed then.
pub const CLOSED_FOR: Duration = Duration::from_secs(60);

/// For how long a browser that was let in may stay.
pub const SESSION: Duration = Duration::from_secs(12 * 3600);

/// Browsers at once; the one that came first has to make room.
const MOST_SESSIONS: usize = 8;

/// What codes are made of: no letters that are taken for digits, or for each other.
const ALPHABET: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of a code.
const CODE_LENGTH: usize = 8;

/// What a code is written from, and what a session is named by, drawn anew each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Becomes the next code.
    pub code: u64,
    /// Becomes the session.
    pub session: u128,
}

/// What came of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It is right: this names the session.
    Open(String),
    /// It is wrong.
    Wrong,
    /// It was not looked at: there were too many wrong ones.
    Closed,
}

/// The gate.
#[derive(Debug)]
pub struct Gate {
    code: String,
    wrong: u32,
    closed_until: Option<Instant>,
    sessions: Deque<(String, Instant), MOST_SESSIONS>,
}

impl Gate {
    /// A gate with a first code.
    #[must_use]
    pub fn new(draw: Draw) -> Self {
        Self { code: written(draw.code), wrong: 0, closed_until: None, sessions: Deque::new() }
    }

    /// The code that opens it, as people read it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Someone offers a code. The next one, if this one is spent, is made of `draw`.
    pub fn handle_code(&mut self, offered: &str, draw: Draw, now: Instant) -> Entry {
        if self.closed_until.is_some_and(|until| now < until) {
            return Entry::Closed;
        }
        self.closed_until = None;
        if !is_same(&letters(offered), &letters(&self.code)) {
            self.wrong += 1;
            if self.wrong >= MOST_WRONG {
                self.wrong = 0;
                self.closed_until = Some(now + CLOSED_FOR);
                self.code = written(draw.code);
            }
            return Entry::Wrong;
        }
        let session = format!("{:032x}", draw.session);
        if self.sessions.is_full() {
            self.sessions.pop_front();
        }
        self.sessions.push_back((session.clone(), now + SESSION)).expect("there is room");
        self.wrong = 0;
        self.code = written(draw.code);
        Entry::Open(session)
    }

    /// Whether this names a session that lasts.
    #[must_use]
    pub fn is_open_to(&self, session: &str, now: Instant) -> bool {
        self.sessions.iter().any(|(known, until)| is_same(known.as_bytes(), session.as_bytes()) && now < *until)
    }
}

/// Eight letters in two groups.
fn written(draw: u64) -> String {
    let letter = |place: usize| char::from(ALPHABET[(draw >> (place * 5)) as usize % ALPHABET.len()]);
    let (first, second) = (0..CODE_LENGTH / 2, CODE_LENGTH / 2..CODE_LENGTH);
    first.map(letter).chain(['-']).chain(second.map(letter)).collect()
}

/// A code as it may be typed: in any case, with or without the hyphen, with a letter O for a zero.
fn letters(typed: &str) -> Vec<u8> {
    let upper = typed.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase());
    upper
        .map(|b| {
            if b == b'O' {
                b'0'
            } else if matches!(b, b'I' | b'L') {
                b'1'
            } else {
                b
            }
        })
        .collect()
}

/// Compares in a time that does not tell how much is right.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Draw {
        let code = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Draw { code, session: u128::from(code) << 17 | u128::from(seed) }
    }

    #[test]
    fn a_code_opens_once_to_one_browser() {
        let (mut gate, now) = (Gate::new(draw(1)), Instant::now());
        let code = gate.code().to_owned();
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'));
        let typed = format!(" {}", code.to_lowercase().replace('-', ""));
        let Entry::Open(session) = gate.handle_code(&typed, draw(2), now) else { panic!("it is right") };
        assert!(gate.is_open_to(&session, now) && !gate.is_open_to("", now));
        assert_ne!(gate.code(), code);
        assert_eq!(gate.handle_code(&code, draw(3), now), Entry::Wrong, "it is spent");
        assert!(gate.is_open_to(&session, now + SESSION - Duration::from_secs(1)));
        assert!(!gate.is_open_to(&session, now + SESSION), "it is over");
    }

    #[test]
    fn guessing_closes_the_gate_and_changes_the_code_but_throws_nobody_out() {
        let (mut gate, now) = (Gate::new(draw(1)), Instant::now());
        let first = gate.code().to_owned();
        let Entry::Open(session) = gate.handle_code(&first, draw(2), now) else { panic!("it is right") };
        let second = gate.code().to_owned();
        for _ in 0..MOST_WRONG {
            assert_eq!(gate.handle_code("0000-0000", draw(3), now), Entry::Wrong);
        }
        let third = gate.code().to_owned();
        assert_ne!(second, third);
        assert_eq!(gate.handle_code(&third, draw(4), now + CLOSED_FOR / 2), Entry::Closed, "even the right one");
        assert!(gate.is_open_to(&session, now));
        assert_eq!(gate.handle_code(&second, draw(4), now + CLOSED_FOR), Entry::Wrong);
        assert!(matches!(gate.handle_code(&third, draw(4), now + CLOSED_FOR), Entry::Open(_)));
    }

    #[test]
    fn there_is_room_for_a_few_browsers() {
        let (mut gate, now) = (Gate::new(draw(1)), Instant::now());
        let sessions: Vec<_> = (2..12)
            .map(|seed| {
                let code = gate.code().to_owned();
                let Entry::Open(session) = gate.handle_code(&code, draw(seed), now) else { panic!("it is right") };
                session
            })
            .collect();
        let open: Vec<_> = sessions.iter().map(|session| gate.is_open_to(session, now)).collect();
        assert_eq!(open, [[false; 2].as_slice(), &[true; MOST_SESSIONS]].concat());
    }

    #[test]
    fn every_draw_is_a_code_that_can_be_typed() {
        for draw in [0, u64::MAX, 0x1234_5678_9abc_def0] {
            let code = written(draw);
            assert_eq!(letters(&code), code.replace('-', "").into_bytes(), "{code}");
        }
        assert_eq!(letters("o-0 il1"), b"00111");
    }
}
