//! The hub as a whole: started, served, stopped.
//!
//! [`start`] builds the parts in the order in which they need each other and returns once all of them
//! listen, so that the command line, the demo and the tests use the same hub, on port 0 if they like.
//! A hub that is dropped without [`Running::stop`] ends as a killed one would, which must lose nothing.

/// What the parts of a running hub are, and who gets which.
mod state;

/// HTTP connections.
mod connections;

/// `GET /health`, `GET /api/status`, `GET /`.
mod status;

/// Every route, and what applies to all of them.
mod router;

/// Who may do what.
mod needs;

/// The OpenAPI document.
mod openapi;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

pub use openapi::document;
pub use state::AppState;

use crate::address::{Networks, PublicUrl};
use crate::auth::{self, AccountError, Evictions, Logins};
use crate::broker::{self, Embedded, Entrance, Mqtt, Refusals};
use crate::config::Config;
use crate::dataset::import::Imports;
use crate::dataset::{self, Classes};
use crate::door::{self, Capacity, Door, Doors};
use crate::forecast::job::Forecasts;
use crate::ingest::{Broker, BrokerError, Counters, Ingest};
use crate::live::Live;
use crate::predict::Predictor;
use crate::registry::{Parts, Registry, RegistryError};
use crate::secret::Secret;
use crate::settings::Disk;
use crate::store::{Blobs, DataFolder, Store, StoreError};
use crate::train::Trainer;
use crate::updates::Updates;
use crate::{audit, embeddings, review, rollout, statistics};

/// How long requests and jobs have to end when the hub stops.
const GRACE: Duration = Duration::from_secs(5);

/// How long the hub waits at its start for its own broker; milliseconds, as a rule.
const BROKER_READY: Duration = Duration::from_secs(10);

/// A hub that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or the database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another program listens there.
    #[error("{addr} is taken by another program: choose another address with {flag}, or stop that program")]
    Taken {
        /// Where.
        addr: SocketAddr,
        /// The flag that chooses it.
        flag: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {addr}: choose an address of this machine with {flag}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// The flag that chooses it.
        flag: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The embedded broker cannot start.
    #[error(transparent)]
    Broker(broker::StartError),
    /// The administrator cannot be made.
    #[error("the administrator's account cannot be made")]
    Administrator(#[from] AccountError),
    /// The model in service, or the one to start with, cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The connection to the broker is not configured well.
    #[error(transparent)]
    Connection(#[from] BrokerError),
}

/// A hub that listens.
#[derive(Debug)]
pub struct Running {
    /// Where HTTP is served.
    pub http_addr: SocketAddr,
    /// Where the embedded broker listens, if there is one.
    pub mqtt_addr: Option<SocketAddr>,
    /// The administrator's password, if it was drawn at this start: show it, once.
    pub administrator_password: Option<Secret>,
    /// What the parts share.
    pub state: AppState,
    broker: Option<Embedded>,
    hub_secret: Secret,
    serving: JoinHandle<()>,
    // Aborted when it is dropped.
    tasks: JoinSet<()>,
    // The lock on the data folder is held for as long as the hub lives.
    _folder: DataFolder,
}

/// Starts a hub.
///
/// # Errors
/// [`StartError`]; nothing is left running then.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let folder = DataFolder::open(&config.data)?;
    let store = Store::open(&folder).await?;
    let blobs = Blobs::open(&folder)?;
    let listener = listen(config.http, config.http_steps).await?;
    let http_addr =
        listener.local_addr().map_err(|source| StartError::Listen { addr: config.http, flag: "--http", source })?;

    let descriptors = door::raise_descriptors();
    let (http, mqtt) = (config.door.http, config.door.mqtt);
    let doors = Doors {
        http: Door::new("HTTP", http.unwrap_or(Capacity::http(descriptors)), config.site.proxies.clone()),
        mqtt: Door::new("MQTT", mqtt.unwrap_or(Capacity::mqtt(descriptors)), Networks::default()),
    };
    let entrance = Entrance { door: doors.mqtt.clone(), connect: config.door.mqtt_connect };

    let hub_secret = auth::draw_secret();
    let (refusals, evictions) = (Refusals::default(), Evictions::default());
    let (broker, address) = match &config.mqtt {
        Mqtt::Embedded { addr, steps } => {
            let broker = start_broker(*addr, *steps, &hub_secret, &store, &refusals, &evictions, &entrance).await?;
            let address = Broker::local(broker.addr(), hub_secret.clone());
            (Some(broker), address)
        }
        Mqtt::External { url, user, password, ca_file } => {
            (None, Broker::parse(url, user.clone(), password.clone(), ca_file.clone())?)
        }
    };

    let live = Live::default();
    let counters = Arc::new(Counters::default());
    let mut tasks = JoinSet::new();
    let shutdown = CancellationToken::new();
    let publisher = Ingest::connect(
        &address,
        store.clone(),
        blobs.clone(),
        live.clone(),
        Arc::clone(&counters),
        &mut tasks,
        &shutdown,
    )?;
    if broker.is_some() {
        // So that no bin is faster than the hub, whose first messages would have to be sent again.
        let mut connections = publisher.connections();
        let connected = connections.wait_for(|count| *count > 0);
        if tokio::time::timeout(BROKER_READY, connected).await.is_err() {
            tracing::warn!("the hub is not connected to its own broker yet");
        }
    }
    let registry = Registry::open(store.clone(), blobs.clone(), live.clone(), config.bundle.as_deref()).await?;
    if config.bundle.is_none() {
        registry.begin_with_shipped().await?;
    }
    registry.fall_back(config.bundle.as_deref()).await?;
    let registry = registry.with_rules(config.gate.clone());
    registry.follow(shutdown.clone());
    let parts = Parts { store: store.clone(), blobs: blobs.clone(), registry: registry.clone() };
    let trainer = if config.trains {
        Trainer::open(parts.clone(), live.clone(), shutdown.clone()).await
    } else {
        Trainer::open_watching(parts.clone(), live.clone(), shutdown.clone()).await
    };
    let trainer = trainer.map_err(StoreError::from)?;
    let training = trainer.clone();
    let is_training = move || training.status().in_progress;
    let vectors = embeddings::job::start(parts.clone(), is_training, &live, shutdown.clone());
    let turn = Arc::default();
    review::job::start(
        parts.clone(),
        vectors.clone(),
        trainer.clone(),
        config.review,
        Arc::clone(&turn),
        shutdown.clone(),
    );
    let statistics =
        statistics::job::start(parts, config.data.clone(), vectors.clone(), trainer.clone(), turn, shutdown.clone());
    let updates = Updates::new(&config.data, &config.updates);
    updates.start(&registry, &mut tasks, shutdown.clone()).await;
    let rollout =
        rollout::start(store.clone(), &registry, publisher.clone(), updates.clone(), live.clone(), shutdown.clone());
    let imports =
        Imports::open(store.clone(), blobs.clone(), &config.data, shutdown.clone()).await.map_err(StoreError::from)?;
    let forecasts = Forecasts::open(store.clone(), shutdown.clone()).await.map_err(StoreError::from)?;
    let (data, keep) = (config.data.clone(), config.keep_unlabelled_days);
    dataset::job::start(store.clone(), blobs.clone(), data, keep, &mut tasks, shutdown.clone());
    if let Some(days) = config.keep_audit_days {
        audit::keep(store.clone(), days, &mut tasks, shutdown.clone());
    }
    // Last of all that can fail: a password that was drawn is shown by whoever gets the running hub.
    let administrator_password = auth::ensure_administrator(&store, config.admin_password.as_ref()).await?;
    let mqtt_addr = broker.as_ref().map(Embedded::addr);
    let served = registry.clone();
    let classes = Classes::new(store.clone(), move || served.in_service().map(|model| model.manifest().labels.clone()));
    let state = AppState {
        disk: Arc::new(Disk::new(config.data.clone())),
        mqtt_addr,
        store,
        blobs,
        live,
        config: Arc::new(config),
        publisher,
        ingest: counters,
        refusals,
        evictions,
        doors,
        logins: Arc::new(Logins::default()),
        classes,
        imports,
        forecasts,
        predictor: Predictor::new(registry.clone()),
        registry,
        vectors,
        statistics,
        trainer,
        updates,
        rollout,
        shutdown: shutdown.clone(),
    };

    let terms = connections::Terms {
        door: state.doors.http.clone(),
        times: state.config.door.clone(),
        base: state.config.site.public.as_ref().map_or("/", PublicUrl::base).to_owned(),
    };
    let serving = tokio::spawn(connections::serve(listener, router::router(state.clone()), terms, shutdown));
    tracing::info!(http = %http_addr, mqtt = ?mqtt_addr, descriptors, "hub started");
    Ok(Running {
        http_addr,
        mqtt_addr,
        administrator_password,
        state,
        broker,
        hub_secret,
        serving,
        tasks,
        _folder: folder,
    })
}

impl Running {
    /// The address of the page and the HTTP interface.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http_addr)
    }

    /// Stops in good order: requests end, what was received is committed or left to the bins.
    pub async fn stop(mut self) {
        self.state.shutdown.cancel();
        let ended = async {
            if let Err(error) = (&mut self.serving).await {
                tracing::warn!(%error, "the HTTP server did not stop in order");
            }
            while self.tasks.join_next().await.is_some() {}
            self.state.trainer.stopped().await;
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("some requests or jobs did not end in time; they are cut off");
            self.serving.abort();
        }
        self.stop_broker().await;
        if let Err(error) = self.state.store.clone().close().await {
            tracing::warn!(%error, "the database was not closed in order");
        }
        tracing::info!("hub stopped");
    }

    /// Stops the embedded broker, as a crash would; the hub goes on without it. For tests of what
    /// happens then.
    pub async fn stop_broker(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop().await;
        }
    }

    /// Starts the embedded broker again, on the same port. Does nothing if it runs, or if there is none.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_broker(&mut self) -> Result<(), StartError> {
        if let (None, Some(addr)) = (&self.broker, self.mqtt_addr) {
            let state = &self.state;
            let entrance = Entrance { door: state.doors.mqtt.clone(), connect: state.config.door.mqtt_connect };
            let (store, refusals, evictions) = (&state.store, &state.refusals, &state.evictions);
            let broker = start_broker(addr, 0, &self.hub_secret, store, refusals, evictions, &entrance);
            self.broker = Some(broker.await?);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.shutdown.cancel();
    }
}

async fn listen(addr: SocketAddr, steps: u16) -> Result<TcpListener, StartError> {
    let mut step = 0;
    loop {
        let addr = stepped(addr, step);
        match TcpListener::bind(addr).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && step < steps => step += 1,
            Err(source) => return Err(cannot_listen(addr, "--http", source)),
        }
    }
}

async fn start_broker(
    addr: SocketAddr,
    steps: u16,
    hub_secret: &Secret,
    store: &Store,
    refusals: &Refusals,
    evictions: &Evictions,
    entrance: &Entrance,
) -> Result<Embedded, StartError> {
    let mut step = 0;
    loop {
        let addr = stepped(addr, step);
        let (store, refusals, evictions) = (store.clone(), refusals.clone(), evictions.clone());
        match Embedded::start(addr, hub_secret.clone(), store, refusals, evictions, entrance.clone()).await {
            Ok(broker) => return Ok(broker),
            Err(broker::StartError::Listen { source, .. })
                if source.kind() == io::ErrorKind::AddrInUse && step < steps =>
            {
                step += 1;
            }
            Err(broker::StartError::Listen { addr, source }) => return Err(cannot_listen(addr, "--mqtt", source)),
            Err(error) => return Err(StartError::Broker(error)),
        }
    }
}

fn stepped(addr: SocketAddr, step: u16) -> SocketAddr {
    SocketAddr::new(addr.ip(), addr.port().saturating_add(step))
}

fn cannot_listen(addr: SocketAddr, flag: &'static str, source: io::Error) -> StartError {
    if source.kind() == io::ErrorKind::AddrInUse {
        StartError::Taken { addr, flag, source }
    } else {
        StartError::Listen { addr, flag, source }
    }
}

#[cfg(test)]
mod tests;
