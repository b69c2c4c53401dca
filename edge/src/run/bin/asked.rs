//! What the hub, and people at the bin, ask of it at once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pilah_models::wire::{
    Command, CommandResult, Header, LARGEST_MESSAGE, Message, Reply, Request, Sample, SampleMeta, SampleReason,
};
use tracing::{info, warn};

use super::{Bin, Ended};
use crate::act::gpio::GpioError;
use crate::link::Outgoing;
use crate::outbox::{Key, Kind};
use crate::pipeline::Item;
use crate::samples::worth;

/// How long a picture that was asked for may take to come.
const CAPTURE: Duration = Duration::from_secs(10);

/// What was asked, and what is known to answer with.
#[derive(Debug, Default)]
pub(in crate::run) struct Asked {
    /// The last item, as long as the program runs.
    last_item: Option<LastItem>,
    /// The capture that is under way.
    capture: Option<Capture>,
    /// Tells the pipeline that a picture is wanted.
    wanted: Arc<AtomicBool>,
    /// The last command: a broker may deliver it again.
    last_command: Option<Key>,
}

#[derive(Debug)]
struct LastItem {
    event: Key,
    item: Item,
    marked: bool,
}

#[derive(Debug)]
struct Capture {
    of: Key,
    until: Instant,
}

impl Asked {
    /// Whether a picture is wanted; the pipeline takes it back when it gives one.
    pub(in crate::run) fn wanted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.wanted)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.capture.as_ref().map(|capture| capture.until)
    }

    pub(super) fn handle_item(&mut self, event: Key, item: Item) {
        self.last_item = Some(LastItem { event, item, marked: false });
    }
}

fn done(what: impl Into<String>, about: Option<u64>) -> CommandResult {
    CommandResult::Done { what: what.into(), about }
}

fn refused(error: impl Into<String>) -> CommandResult {
    CommandResult::Refused { error: error.into() }
}

impl Bin {
    /// Does what the hub asks. Breaks when the program is to begin anew.
    pub(super) fn handle_command(&mut self, command: &Command) -> ControlFlow<Ended> {
        let of = Key { epoch: command.header.epoch, seq: command.header.seq };
        if self.asked.last_command.replace(of) == Some(of) {
            return ControlFlow::Continue(());
        }
        info!(request = ?command.request, "asked by the hub");
        let result = match command.request {
            Request::Capture => match self.begin_capture(of) {
                Some(result) => result,
                None => return ControlFlow::Continue(()),
            },
            Request::Identify => match self.body.identify() {
                Ok(()) => done("the light blinks for ten seconds", None),
                Err(error) => refused(error),
            },
            Request::MarkWrong => self.mark_wrong(),
            Request::Restart => done("the program begins anew", None),
        };
        self.reply(of, result);
        match command.request {
            Request::Restart => ControlFlow::Break(Ended::Restart),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Someone pressed the button.
    pub(super) fn handle_button(&mut self, pressed: Result<(), GpioError>) {
        match pressed.map(|()| self.mark_wrong()) {
            Ok(CommandResult::Done { what, .. }) => info!(what, "button"),
            Ok(CommandResult::Refused { error }) => info!(error, "button"),
            Err(error) => warn!(error = crate::words::in_words(&error), "the button does not work; it is tried again"),
        }
    }

    /// Takes in the picture that was asked for.
    pub(super) fn handle_captured(&mut self, item: &Item) {
        let Some(Capture { of, .. }) = self.asked.capture.take() else { return };
        let header = self.header();
        let (own, label) = (header.seq, item.decision.outcome.guess());
        let what = format!("a picture, taken for {label} with {:.0} %", item.decision.confidence * 100.0);
        let result = match self.keep_picture(header, own, item, SampleReason::Requested) {
            Ok(()) => done(what, Some(own)),
            Err(error) => refused(error),
        };
        self.sync_outbox();
        self.reply(of, result);
    }

    /// Gives up on a picture that does not come.
    pub(super) fn give_up_capture(&mut self, now: Instant) {
        if let Some(Capture { of, .. }) = self.asked.capture.take_if(|capture| capture.until <= now) {
            self.asked.wanted.store(false, Ordering::Relaxed);
            let words = format!("no picture within {} s; the camera: {:?}", CAPTURE.as_secs(), self.camera);
            self.reply(of, refused(words));
        }
    }

    /// What came of it at once, if anything did.
    fn begin_capture(&mut self, of: Key) -> Option<CommandResult> {
        if self.asked.capture.is_some() {
            return Some(refused("a picture is being taken already"));
        }
        self.asked.capture = Some(Capture { of, until: Instant::now() + CAPTURE });
        self.asked.wanted.store(true, Ordering::Relaxed);
        None
    }

    fn mark_wrong(&mut self) -> CommandResult {
        let Some(LastItem { event, item, marked }) = &self.asked.last_item else {
            return refused("there was no item since the program started");
        };
        let event = *event;
        let words = format!("item {}, taken for {}, is marked wrong", event.seq, item.decision.outcome.guess());
        if *marked {
            return done(format!("{words} already"), Some(event.seq));
        }
        let item = item.clone();
        let header = self.header();
        if header.epoch != event.epoch {
            return refused("the bin counts anew since that item");
        }
        if let Err(error) = self.keep_picture(header, event.seq, &item, SampleReason::Wrong) {
            return refused(error);
        }
        self.sync_outbox();
        if let Some(last) = &mut self.asked.last_item {
            last.marked = true;
        }
        done(words, Some(event.seq))
    }

    /// Puts the picture of an item into the outbox.
    ///
    /// # Errors
    /// Why it is not kept, in words.
    pub(super) fn keep_picture(
        &mut self,
        header: Header,
        event: u64,
        item: &Item,
        reason: SampleReason,
    ) -> Result<(), String> {
        let key = Key { epoch: header.epoch, seq: header.seq };
        let Item { decision, model, truth, .. } = item.clone();
        let worth = worth(reason, decision.confidence);
        let meta = SampleMeta {
            header,
            event,
            reason,
            outcome: decision.outcome,
            confidence: decision.confidence,
            probabilities: decision.probabilities,
            model,
            width: 0,
            height: 0,
            truth,
        };
        let (samples, room) = (self.config.samples, self.room_for_picture(&meta));
        // What is of no use if it is small enough for this broker is kept as it is, for a better one.
        let encoded = samples.encode_within(&item.image, room).or_else(|_| samples.encode(&item.image));
        let (jpeg, width, height) = encoded.map_err(|error| crate::words::in_words(&error))?;
        let body = Sample { meta: SampleMeta { width, height, ..meta }, jpeg }.encode();
        if body.len() > LARGEST_MESSAGE {
            return Err(format!("its {} bytes do not fit a message", body.len()));
        }
        self.outbox.append(key, Kind::Sample, worth, body);
        Ok(())
    }

    fn reply(&mut self, of: Key, result: CommandResult) {
        let reply = Reply { header: self.header(), of_epoch: of.epoch, of_seq: of.seq, result };
        // Lost with the connection: who asked asks again.
        self.send(Outgoing::Reply(reply.encode()));
    }
}
