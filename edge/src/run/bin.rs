//! The state of a bin and what each event does to it.

/// What is asked of a bin at once.
pub(super) mod asked;

/// What becomes of the outbox's entries.
pub(super) mod delivery;

/// The model that the hub wants.
mod update;

/// The trial of a model that has come.
mod trial;
/// What is believed of the signed repository.
pub(super) mod trust;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use pilah_models::wire::{self, Acks, ActuatorState, CameraState, Header, Message, Status, Telemetry};
use tokio::sync::{mpsc, watch};
use tracing::{debug, error, info, warn};

use self::asked::Asked;
use self::delivery::Undelivered;
use self::trust::Belief;
use self::update::News;
use super::body::Body;
use super::heard::Heard;
use super::said::{header_of, status_of};
use super::twin::{self, Found, Note, Strangers};
use super::{Ended, Event};
use crate::camera::CameraConfig;
use crate::camera::replay::Then;
use crate::config::Config;
use crate::health::clock::Clock;
use crate::health::machine::Machine;
use crate::health::vitals::Vitals;
use crate::link::ceiling::Ceiling;
use crate::link::window::Window;
use crate::link::{AckBy, LinkEvent, Outgoing};
use crate::model_store::fetch::Hub;
use crate::model_store::plan::{Plan, RETRY};
use crate::model_store::repository::Repository;
use crate::model_store::selftest::Album;
use crate::model_store::standing::Standing;
use crate::model_store::{InForce, ModelStore};
use crate::outbox::{Acknowledged, Key, Kind, Outbox};
use crate::pipeline::{Cause, Item, View};
use crate::telemetry::Counters;

/// Places in the queue of a connection that entries leave to status and telemetry.
pub(super) const RESERVED_PLACES: usize = 4;

/// When to look again at a connection whose queue is full.
const QUEUE_FULL: Duration = Duration::from_millis(50);

/// The longest the loop waits for anything.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

pub(super) struct Bin {
    clock: Clock,
    pub(super) config: Config,
    pub(super) outbox: Outbox,
    pub(super) window: Window,
    pub(super) ceiling: Ceiling,
    pub(super) made_smaller: u64,
    /// What was last left for `doctor`.
    pub(super) noted: Undelivered,
    store: ModelStore,
    hub: Option<Hub>,
    belief: Belief,
    plan: Plan,
    /// Whether what the attempt to update fetches is still wanted, for the thread that fetches.
    is_wanted: Arc<AtomicBool>,
    in_force: InForce,
    standing: Standing,
    /// The last items, for the next model to be tried on.
    album: Arc<Album>,
    model: watch::Sender<InForce>,
    counters: Arc<Counters>,
    vitals: watch::Sender<Vitals>,
    view: watch::Receiver<View>,
    events: mpsc::Sender<Event>,
    pub(super) camera: CameraState,
    pub(super) body: Body,
    pub(super) asked: Asked,
    /// The queue of the connection, while there is one.
    pub(super) connection: Option<mpsc::Sender<Outgoing>>,
    /// The number of the connection, or of the last one.
    connection_number: Option<u32>,
    will: watch::Sender<Status>,
    strangers: Strangers,
    desired: Heard,
    /// What was last said on `reported`, so that only news is.
    said: Option<News>,
    next_telemetry: Instant,
    started: Instant,
    /// Whether the disk could be written the last time.
    disk_works: bool,
    connection_failed: bool,
}

impl Bin {
    #[expect(clippy::too_many_arguments, reason = "the parts of a bin, each made by the caller")]
    pub(super) fn new(
        (clock, counters, vitals, view): (Clock, Arc<Counters>, watch::Sender<Vitals>, watch::Receiver<View>),
        config: Config,
        outbox: Outbox,
        store: ModelStore,
        (hub, repository): (Option<Hub>, Option<Repository>),
        (in_force, standing): (InForce, Standing),
        model: watch::Sender<InForce>,
        events: mpsc::Sender<Event>,
        body: Body,
        asked: Asked,
    ) -> Self {
        let now = Instant::now();
        Note::remove(&config.data_dir);
        let mut outbox = outbox;
        let header = header_of(&clock, &config, &mut outbox, &in_force);
        let will = status_of(&config, &outbox, &in_force, header);
        let bin = Self {
            window: Window::new(usize::from(config.mqtt.in_flight), config.mqtt.resend_after),
            ceiling: Ceiling::new(config.mqtt.largest_message),
            made_smaller: 0,
            noted: Undelivered::default(),
            plan: Plan::new(in_force.id.clone(), RETRY).refusing(standing.blocked()),
            is_wanted: Arc::default(),
            next_telemetry: now,
            started: now,
            camera: CameraState::Starting,
            connection: None,
            connection_number: None,
            will: watch::Sender::new(will),
            strangers: Strangers::default(),
            desired: Heard::default(),
            said: None,
            disk_works: true,
            connection_failed: false,
            clock,
            config,
            outbox,
            store,
            hub,
            belief: Belief::new(repository, rand::random(), now),
            in_force,
            standing,
            album: Arc::default(),
            model,
            counters,
            vitals,
            view,
            events,
            body,
            asked,
        };
        bin.body.compare(&bin.in_force.classifier.manifest().labels);
        bin.forget_undelivered();
        bin
    }

    /// What the broker is to say if the bin disappears.
    pub(super) fn will(&self) -> watch::Receiver<Status> {
        self.will.subscribe()
    }

    /// When something is due without an event.
    pub(super) fn poll_timeout(&self) -> Instant {
        let now = Instant::now();
        let mut next = now + LONGEST_WAIT;
        if let Some(connection) = &self.connection {
            next = next.min(self.next_telemetry);
            if connection.capacity() <= RESERVED_PLACES {
                next = next.min(now + QUEUE_FULL);
            } else if let Some(resend) = self.window.poll_timeout() {
                next = next.min(resend);
            }
        }
        let due = [
            self.plan.poll_timeout(),
            self.asked.poll_timeout(),
            self.standing.poll_timeout(),
            self.belief.poll_timeout(),
        ];
        due.into_iter().flatten().fold(next, Instant::min)
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self) {
        let now = Instant::now();
        self.handle_trial(now);
        self.start_update(now);
        self.start_check(now);
        self.give_up_capture(now);
        self.report();
        self.send_waiting(now);
        if self.connection.is_some() && self.next_telemetry <= now {
            self.next_telemetry = now + self.config.telemetry_every;
            let telemetry = self.telemetry().encode();
            self.send(Outgoing::Telemetry(telemetry));
        }
        self.tell_vitals();
    }

    /// Takes in an event. Breaks when the program is to end.
    pub(super) fn handle(&mut self, event: Event) -> ControlFlow<Ended> {
        match event {
            Event::Camera(state) => self.handle_camera(state),
            Event::Item(item) if item.cause == Cause::Asked => self.handle_captured(&item),
            Event::Item(item) => {
                tracing::info_span!("item", model = %item.model).in_scope(|| self.handle_item(*item));
            }
            Event::Link(LinkEvent::Connected { outgoing, number }) => self.handle_connected(outgoing, number),
            Event::Link(LinkEvent::Disconnected { reason }) => self.handle_disconnected(&reason),
            Event::Link(LinkEvent::Accepted(key)) => drop(self.acknowledge(key)),
            Event::Link(LinkEvent::Acks(acks)) => self.handle_acks(&acks),
            Event::Link(LinkEvent::Desired(desired)) => self.handle_desired(desired),
            Event::Link(LinkEvent::HubOnline) => {
                // It may know nothing of this bin, and what it was sent while it was away waits.
                self.handle_hub(true, true);
                self.say_all_anew();
            }
            Event::Link(LinkEvent::HubWasOnline) => self.handle_hub(true, false),
            Event::Link(LinkEvent::HubAway) => self.handle_hub(false, true),
            Event::Link(LinkEvent::OwnStatus(said)) => self.handle_own_status(&said),
            Event::Link(LinkEvent::Refused { topic, reason }) => self.refuse(&topic, &reason),
            Event::Link(LinkEvent::Command(command)) => self.handle_command(&command)?,
            Event::Link(LinkEvent::Reading(text)) => self.body.handle_reading(Ok(text)),
            Event::Reading(reading) => {
                self.body.handle_reading(reading.map_err(|error| crate::words::in_words(&error)))
            }
            Event::Button(pressed) => self.handle_button(pressed),
            Event::Actuator(state) => self.handle_actuator(state),
            Event::Looked(looked) => self.handle_looked(*looked),
            Event::Updated(outcome) => self.handle_updated(*outcome),
            Event::Stop => return ControlFlow::Break(Ended::Stopped),
        }
        self.handle_timeout();
        let ends = matches!(&self.config.camera, CameraConfig::Replay(replay) if replay.then == Then::Exit);
        if ends && self.camera == CameraState::Ended && self.has_delivered() {
            return ControlFlow::Break(Ended::Stopped);
        }
        ControlFlow::Continue(())
    }

    /// Says goodbye, so that the broker does not publish the last will.
    pub(super) fn say_farewell(&mut self) {
        let farewell = self.status(false).encode();
        self.send(Outgoing::Farewell(farewell));
        self.connection = None;
        self.standing.handle_stop();
    }

    /// Takes in what still comes after the farewell.
    pub(super) fn handle_last(&mut self, event: Event) {
        match event {
            Event::Link(LinkEvent::Acks(acks)) => self.handle_acks(&acks),
            Event::Link(LinkEvent::Accepted(key)) => drop(self.acknowledge(key)),
            Event::Item(item) => self.handle_item(*item),
            _ => {}
        }
    }

    /// Closes the flaps, and syncs the disk.
    pub(super) fn close(self) {
        self.body.stop();
        if let Err(e) = self.outbox.close() {
            error!(error = %e, "outbox not synced");
        }
    }

    fn handle_camera(&mut self, state: CameraState) {
        if state == self.camera {
            return;
        }
        match &state {
            CameraState::Failed { error } => warn!(error, "camera failed"),
            state => info!(?state, "camera"),
        }
        self.camera = state;
        self.publish_status();
    }

    /// A fault is told at once.
    fn handle_actuator(&mut self, state: ActuatorState) {
        if self.body.handle_actuator(state) {
            self.next_telemetry = Instant::now();
        }
    }

    fn handle_item(&mut self, item: Item) {
        // Of what may be a gap, not even the rest is to be opened for.
        if item.chamber_known {
            self.body.open(&item.decision.outcome);
        }
        self.vitals.send_modify(|vitals| vitals.tally.add(&item));
        self.judge_item(&item);
        let header = self.header();
        let number = Key { epoch: header.epoch, seq: header.seq };
        let Item { decision, agreed, frames, latency, model, truth, .. } = &item;
        let latency_ms = latency.as_secs_f32() * 1000.0;
        info!(
            seq = number.seq,
            label = %decision.outcome.guess(),
            sure = decision.is_sure(),
            confidence = decision.confidence,
            latency_ms,
            model = %model,
            chamber_known = item.chamber_known,
            "item"
        );
        let event = wire::Event {
            header,
            outcome: decision.outcome.clone(),
            confidence: decision.confidence,
            probabilities: decision.probabilities.clone(),
            model: model.clone(),
            latency_ms,
            frames: *frames,
            truth: truth.clone(),
        };
        self.outbox.append(number, Kind::Event, 0, event.encode());
        // The event is on its way while the image is encoded.
        self.send_waiting(Instant::now());
        if let Some(reason) = self.config.samples.keep(decision.is_sure(), *agreed, rand::random()) {
            let header = self.header();
            if let Err(error) = self.keep_picture(header, number.seq, &item, reason) {
                warn!(error, "image not kept");
            }
        }
        self.sync_outbox();
        self.asked.handle_item(number, item);
    }

    pub(super) fn sync_outbox(&mut self) {
        match (self.outbox.sync(), self.disk_works) {
            (Ok(()), true) | (Err(_), false) => {}
            (Ok(()), false) => {
                info!("outbox on disk again");
                self.disk_works = true;
            }
            (Err(e), true) => {
                error!(error = %e, "outbox cannot be written: entries are kept in memory");
                self.disk_works = false;
            }
        }
    }

    fn handle_connected(&mut self, outgoing: mpsc::Sender<Outgoing>, number: u32) {
        info!(broker = %self.config.mqtt.address, waiting = self.outbox.state().entries, "connected");
        self.connection = Some(outgoing);
        self.connection_number = Some(number);
        self.connection_failed = false;
        self.window.handle_connected(Instant::now());
        self.say_all_anew();
    }

    fn say_all_anew(&mut self) {
        self.publish_status();
        self.said = None;
        self.next_telemetry = Instant::now();
    }

    /// Corrects what the broker tells of this bin: it is here. Notices others that speak under its id.
    fn handle_own_status(&mut self, said: &Status) {
        let found = self.strangers.handle_status(said, self.outbox.epoch(), self.outbox.former_epochs());
        if found != Found::Nothing {
            let at = self.header().at;
            twin::tell(found, said, &self.config.data_dir, at);
        }
        if !said.online {
            self.publish_status();
        }
    }

    fn handle_disconnected(&mut self, reason: &str) {
        if self.connection.take().is_some() || !self.connection_failed {
            warn!(reason, "not connected");
        } else {
            debug!(reason, "not connected");
        }
        self.connection_failed = true;
        self.window.handle_disconnected(Instant::now());
        self.renew_will();
    }

    fn handle_acks(&mut self, acks: &Acks) {
        let unknown = acks
            .seqs
            .iter()
            .filter(|seq| self.acknowledge(Key { epoch: acks.of_epoch, seq: **seq }) == Acknowledged::Unknown)
            .count();
        if unknown > 0 {
            self.refuse("acks", &format!("{unknown} acknowledged numbers were never sent"));
        }
    }

    /// What the hub says of itself counts only where it is the hub that acknowledges.
    fn handle_hub(&mut self, online: bool, news: bool) {
        if self.config.mqtt.ack == AckBy::Hub {
            self.window.handle_hub(online, news, Instant::now());
        }
    }

    fn refuse(&mut self, topic: &str, reason: &str) {
        self.counters.refused.add(1);
        warn!(topic, reason, "message refused");
    }

    fn publish_status(&mut self) {
        if self.connection.is_some() {
            let status = self.status(true).encode();
            self.send(Outgoing::Status(status));
        }
    }

    /// Whether the connection has taken it.
    pub(super) fn send(&mut self, message: Outgoing) -> bool {
        let Some(connection) = &self.connection else { return false };
        match connection.try_send(message) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => false,
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.connection = None;
                false
            }
        }
    }

    fn renew_will(&mut self) {
        let will = self.status(false);
        self.will.send_replace(will);
    }

    pub(super) fn header(&mut self) -> Header {
        header_of(&self.clock, &self.config, &mut self.outbox, &self.in_force)
    }

    fn status(&mut self, online: bool) -> Status {
        let header = self.header();
        let (camera, connection) = (self.camera.clone(), self.connection_number);
        Status { online, camera, connection, ..status_of(&self.config, &self.outbox, &self.in_force, header) }
    }

    fn telemetry(&mut self) -> Telemetry {
        let machine = Machine::look(&self.config.data_dir);
        Telemetry {
            header: self.header(),
            uptime_s: self.started.elapsed().as_secs(),
            frames: self.counters.frames.get(),
            frames_corrupt: self.counters.frames_corrupt.get(),
            items: self.counters.items.get(),
            refused: self.counters.refused.get(),
            outbox: self.outbox_state(),
            temperature_c: machine.temperature_c,
            frames_skipped: Some(self.counters.frames_skipped.get()),
            throttling: machine.throttling,
            disk: machine.disk,
            memory_bytes: machine.memory_bytes,
            actuator: self.body.actuator(),
            fill: self.body.fill(),
            connection: self.connection_number,
            chamber: (self.counters.frames.get() > 0).then(|| self.view.borrow().state(self.started.elapsed())),
        }
    }

    /// Leaves what is known to whoever shows it.
    fn tell_vitals(&self) {
        self.vitals.send_modify(|vitals| {
            vitals.connected = self.connection.is_some();
            vitals.camera = self.camera.clone();
            vitals.model = self.in_force.version().clone();
            vitals.probation = self.standing.probation();
            vitals.taken_back = self.standing.blocked().count();
            vitals.outbox = self.outbox_state();
            vitals.actuator = self.body.actuator();
            vitals.fill = self.body.fill();
            vitals.view = *self.view.borrow();
        });
    }
}
