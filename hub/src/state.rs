//! What every request handler and background job of a running hub shares. Clones are cheap.
//!
//! A stage that has a handle of its own (the registry, the trainer) adds it here as a field and builds
//! it in `server::start`.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::auth::Logins;
use crate::broker::{Evictions, Refusals};
use crate::config::Config;
use crate::dataset::import::Imports;
use crate::door::{Door, DoorsStatus};
use crate::embeddings::Vectors;
use crate::forecast::job::Forecasts;
use crate::ingest::{Counters, Publisher};
use crate::live::Live;
use crate::predict::Predictor;
use crate::registry::Registry;
use crate::rollout::Rollout;
use crate::settings::Disk;
use crate::statistics::Statistics;
use crate::store::{Blobs, Store};
use crate::train::Trainer;

/// What every request handler and background job of a running hub shares.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The database.
    pub store: Store,
    /// Images and networks.
    pub blobs: Blobs,
    /// Who watches.
    pub live: Live,
    /// What the hub was started with.
    pub config: Arc<Config>,
    /// Messages to the bins.
    pub publisher: Publisher,
    /// What came in and what was refused.
    pub ingest: Arc<Counters>,
    /// What the embedded broker refused.
    pub refusals: Refusals,
    /// Has the embedded broker cut off who has an old secret.
    pub evictions: Evictions,
    /// Who is connected.
    pub doors: Doors,
    /// Login attempts, and a memory of verified passwords.
    pub logins: Arc<Logins>,
    /// Model versions, and the one in service.
    pub registry: Registry,
    /// The embeddings of all samples.
    pub vectors: Vectors,
    /// Statistics that take long.
    pub statistics: Statistics,
    /// Trainings.
    pub trainer: Trainer,
    /// Which bin should have which model.
    pub rollout: Rollout,
    /// Zips that are being imported.
    pub imports: Imports,
    /// Forecasts, and trainings of them.
    pub forecasts: Forecasts,
    /// Classifies images for people.
    pub predictor: Predictor,
    /// The size of the data folder.
    pub(crate) disk: Arc<Disk>,
    /// Where the embedded broker listens, if there is one.
    pub mqtt_addr: Option<SocketAddr>,
    /// Cancelled when the hub stops: long answers and jobs end.
    pub shutdown: CancellationToken,
}

/// Both doors of the hub.
#[derive(Debug, Clone)]
pub struct Doors {
    /// Of pages and interface.
    pub http: Door,
    /// Of the embedded broker.
    pub mqtt: Door,
}

impl Doors {
    /// The counters now.
    #[must_use]
    pub fn read(&self) -> DoorsStatus {
        DoorsStatus { http: self.http.read(), mqtt: self.mqtt.read() }
    }
}
