//! The body of a bin: what it moves, its button, its light, and how full it is. Each has a thread of its
//! own, which is started here and tells the loop.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use pilah_models::labels::Labels;
use pilah_models::wire::{ActuatorState, Outcome};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{Event, RunError, thread};
use crate::act::light::Light;
use crate::act::{ActConfig, Actuator, Flap, interlock};
use crate::config::Config;
use crate::config::classes::Fit;
use crate::fill::{From, Gauge};

pub(super) struct Body {
    act: Option<ActConfig>,
    acting: Option<(SyncSender<Flap>, JoinHandle<()>)>,
    actuator: ActuatorState,
    /// Orders that the thread had no time for.
    refused: u64,
    light: Option<Light>,
    gauge: Option<Gauge>,
    sensor_fails: bool,
    /// While these are held, the other threads go on.
    _wanted: Vec<Sender<()>>,
}

impl Body {
    /// Starts the threads that the configuration asks for.
    pub(super) fn start(config: &Config, events: &mpsc::Sender<Event>) -> Result<Self, RunError> {
        let mut wanted = Vec::new();
        if let Some(button) = config.body.button.clone() {
            let (events, over) = (events.clone(), until_dropped(&mut wanted));
            let pressed = move |pressed| events.blocking_send(Event::Button(pressed)).is_ok();
            watch("button", move || button.watch(&over, pressed))?;
        }
        if let Some(fill) = config.fill.clone()
            && let From::Polled(sensor) = fill.from
        {
            let (events, over) = (events.clone(), until_dropped(&mut wanted));
            let tell = move |reading| events.blocking_send(Event::Reading(reading)).is_ok();
            watch("fill", move || sensor.ask_every(fill.every, &over, tell))?;
        }
        let acting = config.body.act.as_ref().map(|act| start_acting(act, events)).transpose()?;
        Ok(Self {
            act: config.body.act.clone(),
            acting,
            actuator: ActuatorState::default(),
            refused: 0,
            light: config.body.light.clone(),
            gauge: config.fill.clone().map(Gauge::new),
            sensor_fails: false,
            _wanted: wanted,
        })
    }

    /// Says which classes no flap opens for, and which flaps are for no class.
    pub(super) fn compare(&self, labels: &Labels) {
        let Fit { unknown, without_flap } = Fit::of(self.act.as_ref(), labels);
        for class in unknown {
            warn!(label = %class.label, problem = %class, "a flap that never opens");
        }
        for label in without_flap {
            warn!(%label, "no flap opens for this class");
        }
    }

    /// Opens the flap for an item. What comes of it is told later.
    pub(super) fn open(&mut self, outcome: &Outcome) {
        let Some((orders, _)) = &self.acting else { return };
        if orders.try_send(Flap::of(outcome)).is_err() {
            self.refused += 1;
            warn!(refused = self.refused, "flap not opened: those before it still move");
        }
    }

    /// Takes in what the flaps do. Tells whether a fault has come or gone.
    pub(super) fn handle_actuator(&mut self, state: ActuatorState) -> bool {
        let news = state.fault != self.actuator.fault;
        match &state.fault {
            Some(fault) if news => warn!(fault, failed = state.failed, "a flap failed"),
            None if news => info!(opened = state.opened, "flaps work again"),
            _ => {}
        }
        self.actuator = state;
        news
    }

    /// Takes in what a sensor said, or why it says nothing.
    pub(super) fn handle_reading(&mut self, reading: Result<String, String>) {
        let Some(gauge) = &mut self.gauge else { return };
        let taken =
            reading.and_then(|text| gauge.handle_text(&text, Instant::now()).map_err(|error| error.to_string()));
        match (taken, self.sensor_fails) {
            (Err(error), false) => warn!(error, "no fill level"),
            (Ok(()), true) => info!("fill level known again"),
            (Ok(()), false) | (Err(_), true) => return,
        }
        self.sensor_fails = !self.sensor_fails;
    }

    /// What moves the flaps, for the telemetry.
    pub(super) fn actuator(&self) -> Option<ActuatorState> {
        let ActuatorState { opened, failed, fault } = self.actuator.clone();
        self.acting.is_some().then(|| ActuatorState { opened, failed: failed + self.refused, fault })
    }

    /// How full the bin is, 0 to 1, if that is known.
    pub(super) fn fill(&self) -> Option<f32> {
        self.gauge.as_ref()?.level(Instant::now())
    }

    /// Lets the light blink.
    ///
    /// # Errors
    /// Why it does not, in words.
    pub(super) fn identify(&self) -> Result<(), String> {
        match &self.light {
            None => Err("this bin has no light: gpio.light of its configuration names the line of one".to_owned()),
            Some(light) => light.blink().map_err(|error| error.to_string()),
        }
    }

    /// Closes the flaps, and waits until they are.
    pub(super) fn stop(self) {
        if let Some((orders, thread)) = self.acting {
            drop(orders);
            if thread.join().is_err() {
                tracing::error!("a thread panicked");
            }
        }
    }
}

fn start_acting(act: &ActConfig, events: &mpsc::Sender<Event>) -> Result<(SyncSender<Flap>, JoinHandle<()>), RunError> {
    let (orders, taken) = sync_channel(interlock::WAITING);
    let actuator = Actuator::new(act.drive(), act.pulse, Instant::now());
    let (events, span) = (events.clone(), tracing::Span::current());
    // If nobody listens, the bin stops; the flaps are closed all the same.
    let tell = move |state: &ActuatorState| drop(events.blocking_send(Event::Actuator(state.clone())));
    let thread = thread("act", move || span.in_scope(|| actuator.run(&taken, tell)))?;
    Ok((orders, thread))
}

/// Something that a thread can wait for: that the other end is dropped.
fn until_dropped(wanted: &mut Vec<Sender<()>>) -> Receiver<()> {
    let (alive, over) = channel();
    wanted.push(alive);
    over
}

/// Starts a thread that ends by itself and that nobody waits for.
fn watch(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), RunError> {
    let span = tracing::Span::current();
    thread(name, move || span.in_scope(work)).map(drop)
}
