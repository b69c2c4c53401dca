//! The model that the hub wants: fetched beside the loop, put in force if it is still wanted, and said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pilah_models::wire::{Desired, Message, Reported};
use tracing::{debug, info, warn};

use super::trust::Looked;
use super::{Bin, Event};
use crate::health::machine;
use crate::link::Outgoing;
use crate::model_store::download::Supply;
use crate::model_store::fetch::FetchError;
use crate::model_store::gate::Gate;
use crate::model_store::{InForce, UpdateError};
use crate::outbox::Key;

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
            let put = || self.store.put_in_force(&prepared, &self.in_force.id);
            if wanted { put().map(|()| Some(prepared)) } else { Ok(None) }
        });
        match outcome {
            Ok(Some(in_force)) => {
                info!(model = %in_force.version(), "model in force");
                self.plan.handle_success(in_force.id.clone(), now);
                self.model.send_replace(in_force.clone());
                self.in_force = in_force;
                self.body.compare(&self.in_force.classifier.manifest().labels);
                self.publish_status();
            }
            Ok(None) => {
                info!(model = %self.in_force.version(), "the model that has come is not wanted any more");
                self.plan.handle_given_up(now);
            }
            Err(e) if e.is_given_up() => self.plan.handle_given_up(now),
            Err(e) => {
                let words = crate::words::in_words(&e);
                warn!(error = words, model = %self.in_force.version(), "update failed, the old model goes on");
                self.plan.handle_failure(words, e.may_pass(), rand::random(), now);
            }
        }
    }

    /// Says on `reported` what is new.
    pub(super) fn report(&mut self) {
        let news = (self.in_force.id.clone(), self.plan.state());
        if self.connection.is_none() || self.said.as_ref() == Some(&news) {
            return;
        }
        let reported = Reported {
            header: self.header(),
            model: self.in_force.version().clone(),
            manifest: news.0.clone(),
            update: news.1.clone(),
            connection: self.connection_number,
            trust: Some(self.belief.trust().clone()),
            probation: None,
            taken_back: Vec::new(),
            program: None,
            update_bytes: self.belief.update_bytes(),
        };
        if self.send(Outgoing::Reported(reported.encode())) {
            self.said = Some(news);
        }
    }
}
