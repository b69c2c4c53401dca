//! Which entry of the outbox is sent next, and which is not sent any more for now. Pure: time is an argument.
//!
//! At most `in_flight` entries are on the way, and of these at most half are samples, so that events go on whatever
//! becomes of pictures. One that is not acknowledged in time is sent again, each time after twice as long, up to
//! [`LONGEST_DOUBLINGS`] doublings.
//!
//! # What does not get through
//! A broker may refuse an entry by breaking the connection, or take it and pass it on to nobody. Neither says so, and
//! either would be repeated for ever. So:
//!
//! - What was on the way when a connection broke is suspected. A suspect is sent alone, behind all that is not
//!   suspected, so that the next break says which one it was; after [`MOST_BREAKS`] breaks it is given up. Events, which
//!   are small, are suspected only if something else was acknowledged since the break before: a broker that breaks
//!   whatever it is sent is not the fault of an entry.
//! - What was not acknowledged while something that was sent after it was, [`MOST_UNHEARD`] times, is given up.
//!
//! What is given up is set aside: it stays in the outbox, and gets another chance after [`ANOTHER_CHANCE`], and at the
//! next start of the program.
//!
//! # A hub that is away
//! When nothing at all is acknowledged for [`SILENCE`] times `resend_after`, or the hub has said that it is away, nothing
//! is sent again but one entry now and then, an event if there is one, at pauses that double. New events are sent once,
//! as many as there are places; pictures wait. The first acknowledgement, or the hub's word that it is back, ends that:
//! everything is due at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::outbox::{Key, Kind};

/// How often the pause before sending again is doubled: from 30 seconds to an hour.
const LONGEST_DOUBLINGS: u32 = 7;

/// After how many pauses without any acknowledgement nobody is supposed to listen.
const SILENCE: u32 = 4;

/// How many connections may break right after an entry was sent.
const MOST_BREAKS: u32 = 3;

/// How often an entry may be overtaken by others that are acknowledged.
const MOST_UNHEARD: u32 = 3;

/// When what was set aside is tried again.
pub const ANOTHER_CHANCE: Duration = Duration::from_secs(24 * 3600);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send this entry. It counts as sent.
    Send(Key),
    /// Send this entry no more for now. It counts as set aside, until it is gone or gets another chance.
    GiveUp(Key, Why),
}

/// Why an entry is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Connections broke right after it was sent.
    Breaks,
    /// Others were acknowledged, and it was not.
    Unheard,
}

/// The entries that are on the way.
#[derive(Debug)]
pub struct Window {
    in_flight: usize,
    resend_after: Duration,
    sent: HashMap<Key, Sent>,
    doubts: HashMap<Key, Doubt>,
    /// When an entry gets another chance.
    aside: HashMap<Key, Instant>,
    /// What was given up and not been told yet.
    given_up: Vec<Key>,
    connected: bool,
    /// The number of the connection.
    connection: u64,
    /// How many entries were sent.
    sendings: u64,
    /// Whether anything was acknowledged since a connection broke.
    heard_since_break: bool,
    hub_is_away: bool,
    unanswered_since: Option<Instant>,
    silence: Option<Silence>,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    kind: Kind,
    due: Instant,
    times: u32,
    /// Which sending it was, of all.
    number: u64,
    connection: u64,
    /// Whether something that was sent later was acknowledged.
    overtaken: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Doubt {
    breaks: u32,
    unheard: u32,
}

/// Nobody seems to listen.
#[derive(Debug, Clone, Copy)]
struct Silence {
    /// When one entry is sent all the same.
    probe: Instant,
    doublings: u32,
    /// In which connection it was probed last.
    probed_in: u64,
}

impl Window {
    /// At most `in_flight` entries at once, each sent again after `resend_after`.
    #[must_use]
    pub fn new(in_flight: usize, resend_after: Duration) -> Self {
        Self {
            in_flight,
            resend_after,
            sent: HashMap::new(),
            doubts: HashMap::new(),
            aside: HashMap::new(),
            given_up: Vec::new(),
            connected: true,
            connection: 0,
            sendings: 0,
            heard_since_break: false,
            hub_is_away: false,
            unanswered_since: None,
            silence: None,
        }
    }

    /// What to do now with what is `waiting`, in its order: events before samples.
    pub fn poll_action(&mut self, waiting: impl Iterator<Item = (Key, Kind)>, now: Instant) -> Option<Action> {
        if let Some(key) = self.given_up.pop() {
            return Some(Action::GiveUp(key, Why::Breaks));
        }
        // What gets another chance waits again as any other; what is held against it is not forgotten.
        self.aside.retain(|_, chance| *chance > now);
        self.judge_silence(now);
        if let Some(silence) = self.silence {
            return self.poll_silent(silence, waiting, now).map(Action::Send);
        }
        let overdue = self.sent.iter().filter(|(_, sent)| sent.due <= now).min_by_key(|(key, sent)| (sent.due, **key));
        if let Some((key, sent)) = overdue.map(|(key, sent)| (*key, *sent)) {
            if sent.overtaken {
                let doubt = self.doubts.entry(key).or_default();
                doubt.unheard += 1;
                if doubt.unheard >= MOST_UNHEARD {
                    self.set_aside(key, now);
                    return Some(Action::GiveUp(key, Why::Unheard));
                }
            }
            return Some(Action::Send(self.send(key, sent.kind, now)));
        }
        let (key, kind) = self.next_of(waiting)?;
        Some(Action::Send(self.send(key, kind, now)))
    }

    /// When there is something to do without an event.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = match self.silence {
            Some(silence) => Some(silence.probe),
            None => self.sent.values().map(|sent| sent.due).min(),
        };
        due.into_iter().chain(self.aside.values().copied()).min()
    }

    /// How many entries are set aside.
    #[must_use]
    pub fn aside(&self) -> usize {
        self.aside.len()
    }

    /// The entry is not sent before it gets another chance.
    pub fn set_aside(&mut self, key: Key, now: Instant) {
        self.sent.remove(&key);
        self.aside.insert(key, now + ANOTHER_CHANCE);
        // One more failure, then, and it is here again.
        self.doubts.insert(key, Doubt { breaks: MOST_BREAKS - 1, unheard: MOST_UNHEARD - 1 });
    }

    /// The entry is acknowledged.
    pub fn handle_acknowledged(&mut self, key: Key, now: Instant) {
        let sent = self.sent.get(&key).copied();
        self.handle_gone(key);
        for other in self.sent.values_mut() {
            other.overtaken |= sent.is_some_and(|sent| other.number < sent.number);
        }
        self.heard_since_break = true;
        self.hub_is_away = false;
        self.unanswered_since = (!self.sent.is_empty()).then_some(now);
        if self.silence.take().is_some() {
            self.sent.values_mut().for_each(|sent| sent.due = now);
        }
    }

    /// The entry is gone, whether or not it arrived.
    pub fn handle_gone(&mut self, key: Key) {
        self.sent.remove(&key);
        self.doubts.remove(&key);
        self.aside.remove(&key);
        self.given_up.retain(|given_up| *given_up != key);
    }

    /// The connection is new: nothing is on the way, but as long as nobody seems to listen, what was sent before is not
    /// sent anew for that reason.
    pub fn handle_connected(&mut self, now: Instant) {
        self.connected = true;
        self.connection += 1;
        self.judge_silence(now);
        if self.silence.is_none() {
            self.sent.clear();
        }
    }

    /// The connection is lost, if there was one.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.connected, false) {
            return;
        }
        let on_the_way = || self.sent.iter().filter(|(_, sent)| sent.connection == self.connection);
        let suspected = |key: &Key| self.doubts.get(key).is_some_and(|doubt| doubt.breaks > 0);
        let any_suspected = on_the_way().any(|(key, _)| suspected(key));
        let blamed: Vec<Key> = on_the_way()
            .filter(|(key, sent)| {
                (suspected(key) || !any_suspected) && (sent.kind == Kind::Sample || self.heard_since_break)
            })
            .map(|(key, _)| *key)
            .collect();
        for key in blamed {
            let doubt = self.doubts.entry(key).or_default();
            doubt.breaks += 1;
            if doubt.breaks >= MOST_BREAKS {
                self.set_aside(key, now);
                self.given_up.push(key);
            }
        }
        self.heard_since_break = false;
    }

    /// The hub says whether it is there; `news` if it says so now, and has not only said so before.
    pub fn handle_hub(&mut self, online: bool, news: bool, now: Instant) {
        if !online {
            self.hub_is_away = true;
            self.judge_silence(now);
        } else if news || self.hub_is_away {
            self.hub_is_away = false;
            self.unanswered_since = None;
            self.silence = None;
            self.sent.clear();
        }
    }

    fn send(&mut self, key: Key, kind: Kind, now: Instant) -> Key {
        let times = self.sent.get(&key).map_or(0, |sent| sent.times);
        let due = now + self.pause(times);
        self.sendings += 1;
        let (number, connection) = (self.sendings, self.connection);
        self.sent.insert(key, Sent { kind, due, times: times + 1, number, connection, overtaken: false });
        self.unanswered_since.get_or_insert(now);
        key
    }

    fn pause(&self, doublings: u32) -> Duration {
        self.resend_after * 2_u32.pow(doublings.min(LONGEST_DOUBLINGS))
    }

    /// The next that was not sent yet, if there is a place for it.
    fn next_of(&self, waiting: impl Iterator<Item = (Key, Kind)>) -> Option<(Key, Kind)> {
        let samples = self.sent.values().filter(|sent| sent.kind == Kind::Sample).count();
        let events = self.sent.len() - samples;
        // With a single place, an event goes beside the sample that has it.
        let place_for_event = self.sent.len() < self.in_flight || (events == 0 && self.in_flight == 1);
        let place_for_sample =
            self.sent.len() < self.in_flight && samples < (self.in_flight / 2).max(1) && self.silence.is_none();
        if !place_for_event && !place_for_sample {
            return None;
        }
        let is_alone = !self.sent.values().any(|sent| sent.connection == self.connection);
        let mut suspect: Option<(u32, Key, Kind)> = None;
        // Samples stand behind events, so that nothing is left to look at where there is no place for them.
        for (key, kind) in waiting.take_while(|(_, kind)| *kind == Kind::Event || place_for_sample) {
            if self.aside.contains_key(&key)
                || self.sent.contains_key(&key)
                || (kind == Kind::Event && !place_for_event)
            {
                continue;
            }
            match self.doubts.get(&key).map_or(0, |doubt| doubt.breaks) {
                0 => return Some((key, kind)),
                breaks if suspect.is_none_or(|(least, ..)| breaks < least) => suspect = Some((breaks, key, kind)),
                _ => {}
            }
        }
        suspect.filter(|_| is_alone).map(|(_, key, kind)| (key, kind))
    }

    /// Nobody seems to listen: one entry now and then, and new events once.
    fn poll_silent(
        &mut self,
        silence: Silence,
        waiting: impl Iterator<Item = (Key, Kind)>,
        now: Instant,
    ) -> Option<Key> {
        let mut waiting = waiting.filter(|(key, _)| !self.aside.contains_key(key)).peekable();
        let first = waiting.peek().copied();
        if let Some((key, kind)) = self.next_of(waiting) {
            return Some(self.send(key, kind, now));
        }
        let sent = |of: Kind| {
            let sent = self.sent.iter().filter(move |(_, sent)| sent.kind == of);
            sent.map(|(key, sent)| (*key, sent.kind)).min_by_key(|(key, _)| *key)
        };
        // In a new connection the network may have been what was silent: an event is cheap enough to ask.
        let is_new = silence.probed_in != self.connection;
        let probe = sent(Kind::Event).or_else(|| sent(Kind::Sample)).or(first);
        let probe = probe.filter(|(key, kind)| {
            !self.aside.contains_key(key) && (silence.probe <= now || (is_new && *kind == Kind::Event))
        });
        let doublings = silence.doublings + u32::from(probe.is_some());
        if silence.probe <= now || probe.is_some() {
            let probe = now + self.pause(silence.doublings);
            self.silence = Some(Silence { probe, doublings, probed_in: self.connection });
        }
        probe.map(|(key, kind)| self.send(key, kind, now))
    }

    fn judge_silence(&mut self, now: Instant) {
        let unanswered = self.unanswered_since.is_some_and(|since| now >= since + self.resend_after * SILENCE);
        if !self.hub_is_away && !unanswered {
            self.silence = None;
        } else if self.silence.is_none() {
            let probe = self.sent.values().map(|sent| sent.due).min().unwrap_or(now + self.resend_after).max(now);
            let doublings = self.sent.values().map(|sent| sent.times).max().unwrap_or(1);
            self.silence = Some(Silence { probe, doublings, probed_in: self.connection });
        }
    }
}

#[cfg(test)]
mod tests;
