//! The model that the hub wants: fetched beside the loop, put in force if it is still wanted, and said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pilah_models::name::ContentId;
use pilah_models::wire::{Desired, Message, Reported, TAKEN_BACK, TakenBack, UpdateState};
use tracing::{debug, info, warn};

use super::trust::Looked;
use super::{Bin, Event};
use crate::health::machine;
use crate::link::Outgoing;
use crate::model_store::download::Supply;
use crate::model_store::fetch::FetchError;
use crate::model_store::gate::Gate;
use crate::model_store::{InForce, UpdateError, selftest};
use crate::outbox::Key;

/// How often it is looked whether a clock that is waited for has been set: it costs nothing.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

/// What is said on `reported`, as far as it is news. Of a trial, each tenth of its items and of its time.
#[derive(Debug, PartialEq)]
pub(super) struct News {
    in_force: ContentId,
    update: UpdateState,
    trial: Option<(u64, u64)>,
    taken_back: Vec<TakenBack>,
}

impl Bin {
    pub(super) fn handle_desired(&mut self, desired: Desired) {
        let said = Key { epoch: desired.header.epoch, seq: desired.header.seq };
        if self.desired.is_last(said) {
            self.plan.handle_desired(desired, Instant::now());
            self.is_wanted.store(self.plan.is_wanted(), Ordering::Relaxed);
        } else {
            debug!(epoch = said.epoch, seq = said.seq, "an older wish of the hub came late; the newer one stays");
        }
    }

    /// Begins to fetch the model that is wanted, in a thread of its own.
    pub(super) fn start_update(&mut self, now: Instant) {
        let Some(target) = self.plan.poll_action(now) else { return };
        info!(model = %target.version, "update begins");
        let (store, hub, current, events) =
            (self.store.clone(), self.hub.clone(), self.in_force.clone(), self.events.clone());
        let album = Arc::clone(&self.album);
        let (is_wanted, data_dir) = (Arc::new(AtomicBool::new(true)), self.config.data_dir.clone());
        self.is_wanted = Arc::clone(&is_wanted);
        let gate = Gate::new(Arc::clone(&is_wanted), self.config.updates.bandwidth);
        let look = self.belief.look(&self.clock, &self.in_force);
        let update = move || {
            let free = || machine::disk(&data_dir).map(|disk| disk.free_bytes);
            let outcome = match look {
                Some(look) => {
                    let (looked, signed) = look(&gate);
                    drop(events.blocking_send(Event::Looked(Box::new(looked))));
                    signed.and_then(|signed| store.prepare_signed(&current, &target, &signed, &free))
                }
                None => {
                    let supply = Supply {
                        fetch: &|id, have, limit| match &hub {
                            Some(hub) => hub.fetch(id, have, limit).map(|incoming| gate.incoming(incoming)),
                            None => Err(FetchError::NoHub),
                        },
                        free: &free,
                        is_wanted: &|| gate.is_wanted(),
                    };
                    store.prepare(&current, &target, &supply)
                }
            };
            let outcome = outcome.and_then(|prepared| {
                let fit = selftest::examine(&album.pictures(), &current.classifier, &prepared.classifier)?;
                info!(model = %prepared.version(), %fit, "model tried on the last pictures");
                Ok(prepared)
            });
            let given_up = |error| if gate.is_wanted() { error } else { UpdateError::given_up() };
            let outcome = outcome.map_err(given_up);
            let spent = Looked { spent: Some((target.manifest, gate.bytes())), ..Looked::default() };
            drop(events.blocking_send(Event::Looked(Box::new(spent))));
            // If nobody listens, the bin stops; what has come is on disk.
            drop(events.blocking_send(Event::Updated(Box::new(outcome))));
        };
        if let Err(e) = super::super::thread("update", update) {
            self.plan.handle_failure(e.to_string(), true, rand::random(), now);
        }
    }

    /// Puts in force what an attempt has brought, if it is wanted.
    pub(super) fn handle_updated(&mut self, outcome: Result<InForce, UpdateError>) {
        let now = Instant::now();
        let wanted = self.plan.is_wanted();
        let outcome = outcome.and_then(|prepared| {
            let mut put = || self.standing.put_in_force(&prepared, self.in_force.version());
            if wanted { put().map(|()| Some(prepared)) } else { Ok(None) }
        });
        match outcome {
            Ok(Some(in_force)) => {
                info!(model = %in_force.version(), "model in force");
                self.plan.handle_success(in_force.id.clone(), now);
                self.exchange(in_force);
            }
            Ok(None) => {
                info!(model = %self.in_force.version(), "the model that has come is not wanted any more");
                self.plan.handle_given_up(now);
            }
            Err(e) if e.is_given_up() => self.plan.handle_given_up(now),
            Err(UpdateError::ClockAwaited(left)) => self.plan.handle_waiting(now + left.min(LOOK_AT_CLOCK), now),
            Err(e) => {
                let words = crate::words::in_words(&e);
                warn!(error = words, model = %self.in_force.version(), "update failed, the old model goes on");
                self.plan.handle_failure(words, e.may_pass(), rand::random(), now);
            }
        }
    }

    /// Classifies with this model from now on, and says so.
    pub(super) fn exchange(&mut self, in_force: InForce) {
        self.model.send_replace(in_force.clone());
        self.in_force = in_force;
        self.body.compare(&self.in_force.classifier.manifest().labels);
        self.publish_status();
    }

    /// Says on `reported` what is new.
    pub(super) fn report(&mut self) {
        let news = News {
            in_force: self.in_force.id.clone(),
            update: self.plan.state(),
            trial: self.standing.tenths(),
            taken_back: self.standing.blocked().take(TAKEN_BACK).cloned().collect(),
        };
        if self.connection.is_none() || self.said.as_ref() == Some(&news) {
            return;
        }
        let reported = Reported {
            header: self.header(),
            model: self.in_force.version().clone(),
            manifest: news.in_force.clone(),
            update: news.update.clone(),
            connection: self.connection_number,
            trust: Some(self.belief.trust().clone()),
            probation: self.standing.probation(),
            taken_back: news.taken_back.clone(),
            program: None,
            update_bytes: self.belief.update_bytes(),
        };
        if self.send(Outgoing::Reported(reported.encode())) {
            self.said = Some(news);
        }
    }
}
