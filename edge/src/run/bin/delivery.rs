//! What becomes of the outbox's entries over the connection: they are sent, made smaller until the broker takes them,
//! or set aside.

use std::path::{Path, PathBuf};
use std::time::Instant;

use pilah_models::durable;
use pilah_models::picture::{self, Limits};
use pilah_models::wire::{Message, OutboxState, Sample, SampleMeta};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::{Bin, RESERVED_PLACES};
use crate::link::window::{Action, Why};
use crate::link::{self, Outgoing};
use crate::outbox::{Acknowledged, Key, Kind};
use crate::samples::SampleRules;

/// What does not get through, as the bin that runs leaves it in its data folder for `doctor`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undelivered {
    /// Entries that are set aside.
    pub(crate) set_aside: u64,
    /// Pictures that were made smaller.
    pub(crate) made_smaller: u64,
    /// The most bytes of a message, as the bin has found out.
    pub(crate) largest_message: Option<u64>,
}

impl Undelivered {
    fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("undelivered.json")
    }

    /// What the bin that runs, or ran last, has left. Nothing if all got through.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::path(data_dir)).ok()?).ok()
    }
}

impl Bin {
    /// Hands entries to the connection, as many as may be on the way.
    pub(super) fn send_waiting(&mut self, now: Instant) {
        while let Some(connection) = &self.connection {
            if connection.capacity() <= RESERVED_PLACES {
                return;
            }
            match self.window.poll_action(self.outbox.in_order(), now) {
                Some(Action::Send(key)) => self.send_entry(key, now),
                Some(Action::GiveUp(key, why)) => self.give_up(key, why, now),
                None => return,
            }
        }
    }

    /// Takes an entry out that has arrived.
    pub(super) fn acknowledge(&mut self, key: Key) -> Acknowledged {
        let (kind, bytes) = (self.outbox.kind(key), self.outbox.body_bytes(key));
        let acknowledged = self.outbox.acknowledge(key);
        if acknowledged != Acknowledged::Unknown {
            if let (Some(kind), Some(bytes)) = (kind, bytes) {
                self.ceiling.handle_taken(link::packet_bytes(&self.config.bin, kind, bytes));
            }
            self.window.handle_acknowledged(key, Instant::now());
            self.note_undelivered();
        }
        acknowledged
    }

    /// What waits, with what does not get through.
    pub(super) fn outbox_state(&self) -> OutboxState {
        let Undelivered { set_aside, made_smaller, largest_message } = self.undelivered();
        let (set_aside, made_smaller) = (Some(set_aside), Some(made_smaller));
        OutboxState { set_aside, made_smaller, largest_message, ..self.outbox.state() }
    }

    /// Whether all is delivered that can be.
    pub(super) fn has_delivered(&self) -> bool {
        self.outbox.state().entries <= self.window.aside() as u64
    }

    /// The most bytes that a picture may have with this said of it.
    pub(super) fn room_for_picture(&mut self, meta: &SampleMeta) -> usize {
        let most = self.ceiling.bytes(Instant::now());
        room_for_picture(meta, most.saturating_sub(link::packet_bytes(&self.config.bin, Kind::Sample, 0)))
    }

    fn send_entry(&mut self, key: Key, now: Instant) {
        let (Some(kind), Some(body)) = (self.outbox.kind(key), self.outbox.body(key)) else {
            // Dropped for want of room, or unreadable: counted there.
            return self.window.handle_gone(key);
        };
        let (bytes, most) = (link::packet_bytes(&self.config.bin, kind, body.len()), self.ceiling.bytes(now));
        if bytes <= most {
            if self.send(Outgoing::Entry { key, kind, body }) {
                self.outbox.handle_sent(key);
            }
            return;
        }
        if self.make_smaller(key, kind, &body, most) {
            // It waits anew.
            self.window.handle_gone(key);
        } else {
            warn!(seq = key.seq, bytes, most, "larger than a message may be: set aside, and tried again in a day");
            self.window.set_aside(key, now);
        }
        self.note_undelivered();
    }

    /// An entry does not get through: a picture is made smaller, if that may help.
    fn give_up(&mut self, key: Key, why: Why, now: Instant) {
        let (Some(kind), Some(body)) = (self.outbox.kind(key), self.outbox.body(key)) else {
            return self.window.handle_gone(key);
        };
        let bytes = link::packet_bytes(&self.config.bin, kind, body.len());
        let reason = match why {
            Why::Breaks => "connections broke right after it was sent",
            Why::Unheard => "it is not acknowledged, and what was sent after it is",
        };
        let lower = if kind == Kind::Sample { self.ceiling.handle_refused(bytes, now) } else { None };
        let is_smaller = lower.is_some_and(|most| self.make_smaller(key, kind, &body, most));
        if let Some(most) = lower {
            warn!(
                bytes,
                reason,
                most,
                "the broker does not seem to take messages as large: pictures have fewer bytes from now on; set \
                 mqtt.largest_message, or raise the broker's limit"
            );
        }
        if is_smaller {
            self.window.handle_gone(key);
        } else {
            warn!(seq = key.seq, ?kind, bytes, reason, "set aside, and tried again in a day");
        }
        self.note_undelivered();
    }

    /// Whether a picture has become small enough for a message of so many bytes.
    fn make_smaller(&mut self, key: Key, kind: Kind, body: &[u8], most: usize) -> bool {
        if kind != Kind::Sample {
            return false;
        }
        let most = most.saturating_sub(link::packet_bytes(&self.config.bin, kind, 0));
        let is_smaller =
            smaller(&self.config.samples, body, most).is_some_and(|smaller| self.outbox.exchange(key, smaller));
        if is_smaller {
            self.made_smaller += 1;
            info!(seq = key.seq, from = body.len(), most, "picture made smaller");
        }
        is_smaller
    }

    fn undelivered(&self) -> Undelivered {
        Undelivered {
            set_aside: self.window.aside() as u64,
            made_smaller: self.made_smaller,
            largest_message: self.ceiling.learned().map(|bytes| bytes as u64),
        }
    }

    /// Leaves for `doctor` what does not get through.
    pub(super) fn note_undelivered(&mut self) {
        let now = self.undelivered();
        if self.noted == now {
            return;
        }
        self.noted = now;
        let path = Undelivered::path(&self.config.data_dir);
        // On a disk that cannot be written it is in the log and in the telemetry all the same.
        let written = if now == Undelivered::default() {
            std::fs::remove_file(path)
        } else {
            serde_json::to_vec(&now).map_err(std::io::Error::other).and_then(|text| durable::write(&path, &text))
        };
        written.ok();
    }

    /// What the last run has left for `doctor` says nothing about this one.
    pub(super) fn forget_undelivered(&self) {
        std::fs::remove_file(Undelivered::path(&self.config.data_dir)).ok();
    }
}

/// The most bytes that a picture may have in a message of `most` bytes with this said of it.
fn room_for_picture(meta: &SampleMeta, most: usize) -> usize {
    let meta = SampleMeta { width: u32::MAX, height: u32::MAX, ..meta.clone() };
    // The length of the picture takes 5 bytes instead of 1.
    most.saturating_sub(Sample { meta, jpeg: Vec::new() }.encode().len() + 4)
}

/// The message with a picture that is small enough, if there is one that is worth looking at.
fn smaller(rules: &SampleRules, body: &[u8], most: usize) -> Option<Vec<u8>> {
    let Sample { meta, jpeg } = Sample::decode(body).ok()?;
    let picture = picture::decode(&jpeg, &Limits::default()).ok()?;
    let (jpeg, width, height) = rules.encode_within(&picture, room_for_picture(&meta, most)).ok()?;
    let smaller = Sample { meta: SampleMeta { width, height, ..meta }, jpeg }.encode();
    (smaller.len() <= most && smaller.len() < body.len()).then_some(smaller)
}
