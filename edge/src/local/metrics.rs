//! `GET /metrics`: the figures for Prometheus.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::http::{Reply, Request, Serve};
use crate::health::machine::Machine;
use crate::health::metrics::{CONTENT_TYPE, render};
use crate::health::vitals::Vitals;
use crate::telemetry::Counters;

/// What the figures are taken from.
pub(super) struct Metrics {
    pub(super) vitals: watch::Receiver<Vitals>,
    pub(super) counters: Arc<Counters>,
    pub(super) data_dir: PathBuf,
}

impl Serve for Metrics {
    fn handle(&self, request: &Request, now: Instant) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/metrics") => {
                let vitals = self.vitals.borrow().clone();
                Reply::text(200, CONTENT_TYPE, render(&vitals, &self.counters, &Machine::look(&self.data_dir), now))
            }
            (_, "/metrics") => Reply::plain(405, "only GET"),
            _ => Reply::plain(404, "the figures are at /metrics"),
        }
    }
}
