//! What the bin believes of the signed repository: looked at for each model that is wanted, and once a day; said on
//! `reported`, faults included.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use pilah_models::name::ContentId;
use pilah_models::wire::{Trust, TrustBy};
use tracing::{info, warn};

use super::{Bin, Event};
use crate::health::clock::Clock;
use crate::health::machine::clock_synced;
use crate::model_store::gate::Gate;
use crate::model_store::repository::{Repository, Signed, pause_after};
use crate::model_store::{InForce, UpdateError};

/// Within what time after the start the repository is looked at first.
const FIRST: Duration = Duration::from_secs(60);

/// What came of looking at the repository, or of an attempt to update.
#[derive(Debug, Default)]
pub(in crate::run) struct Looked {
    /// What is believed now, and whether all was well.
    pub(super) trust: Option<(Trust, bool)>,
    /// Bytes that came for a model, by its manifest.
    pub(super) spent: Option<(ContentId, u64)>,
}

/// Looks at the repository through a gate.
type Look = Box<dyn FnOnce(&Gate) -> (Looked, Result<Signed, UpdateError>) + Send>;

/// What is believed, and when it is looked at again.
#[derive(Debug)]
pub(super) struct Belief {
    repository: Option<Repository>,
    trust: Trust,
    /// Bytes that have come for the last model that was wanted, over all attempts.
    spent: Option<(ContentId, u64)>,
    due: Option<Instant>,
}

impl Belief {
    pub(super) fn new(repository: Option<Repository>, draw: f32, now: Instant) -> Self {
        let trust = match &repository {
            Some(repository) => repository.standing(),
            None => Trust { by: TrustBy::Hub, root: None, targets: None, fault: None },
        };
        let due = repository.as_ref().map(|_| now + FIRST.mul_f32(draw.clamp(0.0, 1.0)));
        Self { repository, trust, spent: None, due }
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(super) fn update_bytes(&self) -> Option<u64> {
        self.spent.as_ref().map(|(_, bytes)| *bytes)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// A look at the repository, to be taken by a thread that may block. `None`: the bin has no root of trust.
    pub(super) fn look(&self, clock: &Clock, in_force: &InForce) -> Option<Look> {
        let repository = self.repository.clone()?;
        let (clock, made) = (clock.clone(), in_force.classifier.manifest().created_at);
        Some(Box::new(move |gate: &Gate| {
            let (now, synchronised) = clock.now(clock_synced(), made);
            let (trust, signed) = repository.check(now, synchronised, gate);
            (Looked { trust: Some((trust, signed.is_ok())), spent: None }, signed)
        }))
    }

    /// Takes in what was seen: whether it is news.
    fn handle_looked(&mut self, looked: Looked, draw: f32, now: Instant) -> bool {
        let before = (self.trust.clone(), self.update_bytes());
        if let Some((trust, went_well)) = looked.trust {
            self.due = Some(now + pause_after(&trust, went_well, draw));
            self.trust = trust;
        }
        if let Some((of, bytes)) = looked.spent {
            let earlier = self.spent.take().filter(|(last, _)| *last == of).map_or(0, |(_, bytes)| bytes);
            self.spent = Some((of, earlier + bytes));
        }
        before != (self.trust.clone(), self.update_bytes())
    }
}

impl Bin {
    /// Begins to look at the repository if it is time, in a thread of its own.
    pub(super) fn start_check(&mut self, now: Instant) {
        if self.belief.due.is_none_or(|due| now < due) {
            return;
        }
        self.belief.due = None;
        let Some(look) = self.belief.look(&self.clock, &self.in_force) else { return };
        let (events, bandwidth) = (self.events.clone(), self.config.updates.bandwidth);
        let check = move || {
            let (looked, _) = look(&Gate::new(Arc::new(AtomicBool::new(true)), bandwidth));
            // If nobody listens, the bin stops.
            drop(events.blocking_send(Event::Looked(Box::new(looked))));
        };
        if let Err(error) = super::super::thread("trust", check) {
            warn!(error = %error, "the repository was not looked at");
            self.belief.due = Some(now + pause_after(&self.belief.trust, false, rand::random()));
        }
    }

    pub(super) fn handle_looked(&mut self, looked: Looked) {
        if self.belief.handle_looked(looked, rand::random(), Instant::now()) {
            let Trust { by, root, targets, fault } = &self.belief.trust;
            match fault {
                Some(fault) => warn!(?by, root, targets, fault, "what is believed of updates"),
                None => info!(?by, root, targets, "what is believed of updates"),
            }
            self.said = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_attempts_take_is_added_up_for_one_model_and_only_news_are_said() {
        let now = Instant::now();
        let mut belief = Belief::new(None, 0.5, now);
        assert_eq!((belief.trust().by, belief.poll_timeout(), belief.update_bytes()), (TrustBy::Hub, None, None));
        let spent = |of: &str, bytes| Looked { spent: Some((ContentId::of(of.as_bytes()), bytes)), trust: None };
        assert!(belief.handle_looked(spent("m2", 100), 0.5, now));
        assert!(belief.handle_looked(spent("m2", 50), 0.5, now));
        assert_eq!(belief.update_bytes(), Some(150));
        assert!(!belief.handle_looked(spent("m2", 0), 0.5, now));
        assert!(belief.handle_looked(spent("m3", 7), 0.5, now));
        assert_eq!(belief.update_bytes(), Some(7));

        let trust = Trust { by: TrustBy::Signatures, root: Some(1), targets: Some(2), fault: None };
        let looked = || Looked { trust: Some((trust.clone(), true)), spent: None };
        assert!(belief.handle_looked(looked(), 0.5, now));
        assert_eq!(belief.poll_timeout(), Some(now + Duration::from_secs(24 * 3600)));
        assert!(!belief.handle_looked(looked(), 0.5, now + Duration::from_secs(1)), "nothing new");
    }
}
