//! What moves when an item was classified: the flap of its class, or that of the rest.
//!
//! ```text
//! outcome ─► Flap ─► interlock (one at a time) ─► drive: GPIO lines, or a program
//! ```
//!
//! A thread of its own moves the flaps, because a program may take seconds and a flap must be closed in
//! time whatever else the bin does. The rules are pure ([`interlock`]): a flap opens for a while, then
//! nothing moves for a while, and no second one opens before the first is surely closed.
//!
//! What fails is told and counted, and stops nothing: lines that are in use or that have gone are asked
//! for again with the next item, and every [`interlock::RETRY`]. A flap that could not be closed keeps
//! all others closed. An order is never kept for later: an item that is gone needs no flap.

/// One flap at a time: pure.
pub mod interlock;

/// Lines of a GPIO chip.
pub mod gpio;

/// Which line, or which number, is whose.
pub mod wiring;

/// A program that moves the flaps.
pub mod hook;

/// The button with which people say that the bin was wrong.
pub mod button;

/// The light with which a bin shows which one it is.
pub mod light;

/// Flaps that an installer moves.
pub mod by_hand;

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use pilah_models::name::Label;
use pilah_models::wire::{ActuatorState, Outcome};

use self::button::Button;
use self::gpio::GpioError;
use self::hook::Hook;
use self::interlock::{Action, Interlock, Pulse, Refused};
use self::light::Light;
use self::wiring::{Wired, Wiring};
use crate::program::ProgramError;

/// How long the thread waits at most for an order.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What the body of a bin has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BodyConfig {
    /// What moves the flaps.
    pub act: Option<ActConfig>,
    /// The button with which people say that the bin was wrong.
    pub button: Option<Button>,
    /// The light with which it shows which one it is.
    pub light: Option<Light>,
}

/// Where an item goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flap {
    /// To others of its class.
    Class(Label),
    /// To the rest.
    Rest,
}

impl Flap {
    /// Where an item of this outcome goes.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Label { label } => Self::Class(label.clone()),
            Outcome::Unsure { .. } => Self::Rest,
        }
    }
}

impl fmt::Display for Flap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(label) => label.fmt(f),
            Self::Rest => f.write_str("rest"),
        }
    }
}

/// What a bin moves, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct ActConfig {
    /// What moves the flaps.
    pub by: By,
    /// How long a flap is open, and how long nothing moves then.
    pub pulse: Pulse,
}

/// What moves the flaps.
#[derive(Debug, Clone, PartialEq)]
pub enum By {
    /// Lines of a GPIO chip.
    Lines(Wiring),
    /// A program.
    Program(Hook),
}

impl ActConfig {
    /// What moves the flaps; nothing is moved yet.
    #[must_use]
    pub fn drive(&self) -> Box<dyn Drive> {
        match &self.by {
            By::Lines(wiring) => Box::new(Wired::new(wiring.clone())),
            By::Program(hook) => Box::new(hook.clone()),
        }
    }
}

/// Why a flap did not move.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// Its lines.
    #[error(transparent)]
    Gpio(#[from] GpioError),
    /// Its program.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// Something that moves flaps.
pub trait Drive: Send {
    /// Whether there is a flap for such items.
    fn has(&self, flap: &Flap) -> bool;

    /// Opens a flap. The others must be closed.
    ///
    /// # Errors
    /// [`ActError`]: it may be open, closed, or half-way.
    fn open(&mut self, flap: &Flap) -> Result<(), ActError>;

    /// Closes whatever is open.
    ///
    /// # Errors
    /// [`ActError`]: something may still be open.
    fn close(&mut self) -> Result<(), ActError>;
}

/// Flaps that are moved as items come.
pub struct Actuator {
    drive: Box<dyn Drive>,
    interlock: Interlock<Flap>,
    state: ActuatorState,
    /// Whether the last closing failed.
    stuck: bool,
}

impl fmt::Debug for Actuator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actuator").field("interlock", &self.interlock).finish_non_exhaustive()
    }
}

impl Actuator {
    /// Flaps that `drive` moves, each for a pulse. They are closed first.
    #[must_use]
    pub fn new(drive: Box<dyn Drive>, pulse: Pulse, now: Instant) -> Self {
        Self { drive, interlock: Interlock::new(pulse, now), state: ActuatorState::default(), stuck: false }
    }

    /// What was moved, and what is wrong.
    #[must_use]
    pub fn state(&self) -> &ActuatorState {
        &self.state
    }

    /// Takes orders until nobody can give any, and says how it is whenever that has changed. Everything
    /// is closed at the end.
    pub fn run(mut self, orders: &Receiver<Flap>, mut tell: impl FnMut(&ActuatorState)) {
        let mut told = None;
        loop {
            self.work(Instant::now);
            if told.as_ref() != Some(&self.state) {
                tell(&self.state);
                told = Some(self.state.clone());
            }
            let now = Instant::now();
            let until = self.interlock.poll_timeout().map_or(LONGEST_WAIT, |at| at.saturating_duration_since(now));
            match orders.recv_timeout(until) {
                Ok(flap) => self.handle_order(flap, Instant::now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(error) = self.drive.close() {
            tracing::warn!(error = crate::words::in_words(&error), "flaps not closed");
        }
    }

    /// Takes an order. Where there is no flap for it, nothing moves.
    pub fn handle_order(&mut self, flap: Flap, now: Instant) {
        if !self.drive.has(&flap) {
            return;
        }
        if let Err(Refused(flap)) = self.interlock.handle_order(flap, now) {
            self.state.failed += 1;
            self.state.fault = Some(format!("{flap}: {} flaps wait already", interlock::WAITING));
        }
    }

    /// Does what is due.
    pub fn work(&mut self, clock: impl Fn() -> Instant) {
        while let Some(action) = self.interlock.poll_action(clock()) {
            match action {
                Action::Open(flap) => {
                    let opened = self.drive.open(&flap);
                    self.interlock.handle_opened(opened.is_ok(), clock());
                    match opened {
                        Ok(()) => {
                            self.state.opened += 1;
                            self.state.fault = None;
                        }
                        Err(error) => {
                            self.state.failed += 1;
                            self.state.fault = Some(format!("{flap}: {}", crate::words::in_words(&error)));
                        }
                    }
                }
                Action::Close => {
                    let closed = self.drive.close();
                    let given_up = self.interlock.handle_closed(closed.is_ok(), clock());
                    self.state.failed += given_up as u64;
                    let was_stuck = std::mem::replace(&mut self.stuck, closed.is_err());
                    match closed {
                        Ok(()) if was_stuck => self.state.fault = None,
                        Ok(()) => {}
                        Err(error) => self.state.fault = Some(crate::words::in_words(&error)),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
