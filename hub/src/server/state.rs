//! The parts of a running hub, and who gets which. Clones are cheap.
//!
//! No stage names the whole: a handler takes the parts that it uses, as `State<Part>`, and the `routes` of its stage
//! say in their bounds which these are. What of the whole is a part of some stage is said once, below. A stage that
//! has a handle of its own (the registry, the trainer) adds it here as a field, builds it in `server::start`, and adds
//! a line to the list of parts.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRef;
use tokio_util::sync::CancellationToken;

use crate::auth::{Access, Evictions, Logins};
use crate::broker::Refusals;
use crate::config::Config;
use crate::dataset::Classes;
use crate::dataset::import::Imports;
use crate::door::Doors;
use crate::embeddings::Vectors;
use crate::forecast::job::Forecasts;
use crate::ingest::{Counters, Publisher};
use crate::live::{Live, Streams};
use crate::predict::Predictor;
use crate::registry::{Parts, Registry};
use crate::review::ReviewConfig;
use crate::rollout::Rollout;
use crate::settings::{Disk, Sources};
use crate::statistics::Statistics;
use crate::store::{Blobs, Store};
use crate::train::{AcceptedContamination, Trainer};
use crate::updates::Updates;

/// All parts of a running hub.
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
    /// Signed updates.
    pub updates: Updates,
    /// Which bin should have which model.
    pub rollout: Rollout,
    /// The classes that samples may be given.
    pub classes: Classes,
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

/// Says how each part is had from the whole.
macro_rules! parts {
    (|$state:ident| $($part:ty => $had:expr,)*) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref($state: &AppState) -> Self {
                $had
            }
        }
    )*};
}

parts! { |state|
    Store => state.store.clone(),
    Blobs => state.blobs.clone(),
    Access => Access { store: state.store.clone(), logins: Arc::clone(&state.logins) },
    Evictions => state.evictions.clone(),
    Live => state.live.clone(),
    Streams => Streams::new(Access::from_ref(state), state.shutdown.clone()),
    Publisher => state.publisher.clone(),
    Classes => state.classes.clone(),
    Imports => state.imports.clone(),
    Registry => state.registry.clone(),
    Parts => Parts {
        store: state.store.clone(),
        blobs: state.blobs.clone(),
        registry: state.registry.clone(),
    },
    Vectors => state.vectors.clone(),
    ReviewConfig => state.config.review,
    Statistics => state.statistics.clone(),
    Trainer => state.trainer.clone(),
    AcceptedContamination => AcceptedContamination(state.config.accepted_contamination),
    Predictor => state.predictor.clone(),
    Forecasts => state.forecasts.clone(),
    Updates => state.updates.clone(),
    Rollout => state.rollout.clone(),
    Sources => Sources {
        config: Arc::clone(&state.config),
        disk: Arc::clone(&state.disk),
        mqtt_addr: state.mqtt_addr,
    },
    CancellationToken => state.shutdown.clone(),
}
