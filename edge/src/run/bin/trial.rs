//! The trial of a model that was put in force: told of what comes, and ended by itself.

use std::time::Instant;

use tracing::{error, info, warn};

use super::Bin;
use crate::model_store::figures::Seen;
use crate::model_store::trial::Verdict;
use crate::pipeline::Item;

impl Bin {
    /// Takes an item in as far as it says how the model does.
    pub(super) fn judge_item(&mut self, item: &Item) {
        self.album.keep(&item.image);
        // One that was begun by the model before, or that may be a gap, says nothing of this one.
        if item.model != *self.in_force.version() || !item.chamber_known {
            return;
        }
        // That things lie apart is not the model's fault: what counts is what it would have said.
        let manifest = self.in_force.classifier.manifest();
        let place = manifest.labels.as_slice().iter().position(|label| label == item.decision.outcome.guess());
        let sure = place.is_some_and(|index| manifest.is_sure(index, item.decision.confidence));
        self.standing.handle_item(Seen::new(!sure, item.latency));
    }

    /// Ends the trial of the model in force, if it is time to.
    pub(super) fn handle_trial(&mut self, now: Instant) {
        self.standing.handle_turn(self.counters.frames.get(), self.counters.unanswered.get(), now);
        match self.standing.poll_verdict() {
            Verdict::GoOn => {}
            Verdict::Commit => {
                info!(model = %self.in_force.version(), "the model has passed its trial");
                self.standing.commit();
            }
            Verdict::TakeBack { reason } => self.take_back(&reason, now),
        }
    }

    fn take_back(&mut self, reason: &str, now: Instant) {
        let worse = self.in_force.version().clone();
        match self.standing.take_back(reason) {
            Ok(in_force) => {
                warn!(model = %worse, reason, before = %in_force.version(), "model taken back, the one before is in force");
                self.plan.handle_taken_back(in_force.id.clone(), reason, now);
                self.exchange(in_force);
            }
            Err(e) => {
                let error = crate::words::in_words(&e);
                error!(model = %worse, reason, error, "the model should be taken back, and there is no other: it stays");
                self.standing.commit();
            }
        }
    }
}
