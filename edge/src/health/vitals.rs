//! What the loop knows of the bin, for whoever shows it: the metrics and the preview.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pilah_models::name::{Label, ModelVersion};
use pilah_models::wire::{ActuatorState, CameraState, OutboxState, Probation};

use crate::pipeline::{Item, View};

/// The upper bounds of the histogram of decisions, in seconds: the budget is 0.3.
pub const DECISION_BOUNDS: [f32; 9] = [0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0];

/// What the loop knows of the bin.
#[derive(Debug, Clone)]
pub struct Vitals {
    /// When the program began.
    pub started: Instant,
    /// Whether the broker is connected.
    pub connected: bool,
    /// Whether the bin can see.
    pub camera: CameraState,
    /// The model in force.
    pub model: ModelVersion,
    /// The trial that it is on.
    pub probation: Option<Probation>,
    /// How many models were taken back and are not installed again.
    pub taken_back: usize,
    /// The queue to the hub.
    pub outbox: OutboxState,
    /// The items so far.
    pub tally: Tally,
    /// What moves the flaps, if anything does.
    pub actuator: Option<ActuatorState>,
    /// How full the bin is, 0 to 1, if a sensor tells.
    pub fill: Option<f32>,
    /// How well it sees.
    pub view: View,
}

impl Vitals {
    /// Of a bin that begins at `started`.
    #[must_use]
    pub fn new(model: ModelVersion, started: Instant) -> Self {
        let (camera, outbox, tally) = (CameraState::Starting, OutboxState::default(), Tally::default());
        let (view, probation, taken_back) = (View::default(), None, 0);
        let (connected, actuator, fill) = (false, None, None);
        Self { started, connected, camera, model, probation, taken_back, outbox, tally, actuator, fill, view }
    }
}

/// Items so far, by answer and by how long they took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// By the likeliest class and whether the answer was sure.
    pub items: BTreeMap<(Label, bool), u64>,
    /// How many were decided within each of [`DECISION_BOUNDS`] but not within the bound before; the
    /// last count is of those that took longer than all.
    pub decisions: [u64; DECISION_BOUNDS.len() + 1],
    /// All latencies together.
    pub deciding: Duration,
}

impl Tally {
    /// Counts an item.
    pub fn add(&mut self, item: &Item) {
        let decision = &item.decision;
        *self.items.entry((decision.outcome.guess().clone(), decision.is_sure())).or_default() += 1;
        self.add_latency(item.latency);
    }

    fn add_latency(&mut self, latency: Duration) {
        let seconds = latency.as_secs_f32();
        let bound = DECISION_BOUNDS.iter().position(|bound| seconds <= *bound);
        self.decisions[bound.unwrap_or(DECISION_BOUNDS.len())] += 1;
        self.deciding = self.deciding.saturating_add(latency);
    }

    /// How many items there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.decisions.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_counts_under_the_least_bound_that_holds_it() {
        let mut tally = Tally::default();
        for milliseconds in [0, 25, 26, 300, 301, 10_000, 10_001, 3_600_000] {
            tally.add_latency(Duration::from_millis(milliseconds));
        }
        assert_eq!(tally.decisions, [2, 1, 0, 0, 1, 1, 0, 0, 1, 2]);
        assert_eq!(tally.count(), 8);
        assert_eq!(tally.deciding, Duration::from_millis(3_620_653));
    }
}
