//! The embedded MQTT broker: rmqtt with our rules.
//!
//! - A bin logs in with its id and secret, as the client `pilah-{bin}`: a bin can neither read another's
//!   topics nor push another off its connection by taking its client id.
//! - A bin publishes and listens on its own topics only, as `wire::topic` says; the last will counts as
//!   a publish. What it may not publish ends its connection, what it may not read is refused.
//! - A subscriber logs in with name and secret, as any client that is not called `pilah-…`, listens to what
//!   bins say, and publishes nothing.
//! - Nobody else gets in, except the hub itself, by a secret drawn at each start.
//! - Who has a secret that is worth nothing any more is cut off: [`evict`].
//!
//! Retained messages live in memory: after a restart, bins and hub state again what they said, since
//! both do so at every connection. There is no message that only the broker knows.
//!
//! Connections come in by [`front`], which rmqtt's listener is behind.
//!
//! The broker has its own runtime, which is how it can be stopped: rmqtt has no end of its own.

/// Which broker: this one, or another.
mod choice;

/// Where CONNECT ends.
mod connect;

/// Connections whose secret is worth nothing any more.
mod evict;

/// Where bins connect.
mod front;

/// Who may connect, publish and listen.
mod rules;

/// What a Mosquitto of one's own needs to know.
pub(crate) mod mosquitto;

/// Retained messages in memory.
mod retained;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pilah_models::wire::LARGEST_MESSAGE;
use rmqtt::context::ServerContext;
use rmqtt::net::Builder;
use rmqtt::server::MqttServer;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use utoipa::ToSchema;

use crate::auth::Evictions;
use crate::door::Door;
use crate::secret::Secret;
use crate::store::Store;
pub use choice::Mqtt;
use evict::Admitted;
use front::Passages;
use rules::Rules;

/// Header and topic of a packet that carries the largest message, with room to spare.
const PACKET_OVERHEAD: u32 = 4096;

/// Messages that wait for a subscriber that is slower than they come; then the oldest are dropped, and
/// bins send again what is not acknowledged. 128 KB each at the worst: 256 MB for the hub's own queue.
const QUEUE: usize = 2000;

/// The hub's own MQTT client id, at any broker.
pub(crate) const HUB_CLIENT: &str = "pilah-hub";

/// The most connections at once: each costs some 100 KB.
const CONNECTIONS: usize = 10_000;

/// Threads of the broker.
const THREADS: usize = 2;

/// A broker that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("the MQTT broker cannot listen on {addr}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The threads cannot be started.
    #[error("the MQTT broker cannot start its threads")]
    Threads(#[source] io::Error),
}

/// What the broker refused since it was made. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<RefusalCounters>);

#[derive(Debug, Default)]
struct RefusalCounters {
    connections: AtomicU64,
    publishes: AtomicU64,
    subscriptions: AtomicU64,
}

/// A reading of [`Refusals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct BrokerStatus {
    /// Connections refused: wrong secret, unknown bin, foreign client id or will.
    pub refused_connections: u64,
    /// Publishes refused: not the bin's topic.
    pub refused_publishes: u64,
    /// Subscriptions refused: not the bin's to read.
    pub refused_subscriptions: u64,
}

impl Refusals {
    /// The counters now.
    #[must_use]
    pub fn read(&self) -> BrokerStatus {
        BrokerStatus {
            refused_connections: self.0.connections.load(Ordering::Relaxed),
            refused_publishes: self.0.publishes.load(Ordering::Relaxed),
            refused_subscriptions: self.0.subscriptions.load(Ordering::Relaxed),
        }
    }
}

/// A broker that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Embedded {
    runtime: Option<Runtime>,
    addr: SocketAddr,
}

impl Embedded {
    /// Starts a broker on `addr`; port 0 takes a free one. `hub_secret` is what the hub itself logs in
    /// with.
    ///
    /// # Errors
    /// [`StartError`]: the address is taken, or the system is out of threads.
    pub async fn start(
        addr: SocketAddr,
        hub_secret: Secret,
        store: Store,
        refusals: Refusals,
        evictions: Evictions,
        entrance: Entrance,
    ) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("pilah-broker")
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        let passages = Passages::default();
        let (admitted, hub) = (Admitted::default(), tokio::runtime::Handle::current());
        let rules = Rules::new(hub_secret, store.clone(), refusals, admitted.clone(), passages.clone(), hub.clone());
        match runtime.spawn(listen(addr, entrance, passages, rules)).await {
            Ok(Ok((addr, context))) => {
                runtime.spawn(evict::run(context, admitted, store, hub, evictions));
                Ok(Self { runtime: Some(runtime), addr })
            }
            Ok(Err(error)) => {
                runtime.shutdown_background();
                Err(error)
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(StartError::Threads(io::Error::other(error)))
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes the listener and every connection, without a word, as a crash would. When it returns, the
    /// port is free.
    pub async fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            let stopped = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(5)));
            if let Err(error) = stopped.await {
                tracing::warn!(%error, "the broker did not stop in order");
            }
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How clients come in.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// Who may.
    pub door: Door,
    /// How long a client has for its CONNECT.
    pub connect: Duration,
}

/// Runs on the broker's own runtime, to which listener and connections belong.
async fn listen(
    addr: SocketAddr,
    entrance: Entrance,
    passages: Passages,
    rules: Rules,
) -> Result<(SocketAddr, ServerContext), StartError> {
    // On Unix, a restart need not wait for connections of before; the port is not shared.
    let public = TcpListener::bind(addr).await.map_err(|source| StartError::Listen { addr, source })?;
    let bound = public.local_addr().map_err(|source| StartError::Listen { addr, source })?;
    let (inside, context) = listen_inside(rules).await?;
    tokio::spawn(front::serve(public, inside, entrance.door, entrance.connect, passages));
    Ok((bound, context))
}

/// Starts rmqtt on the loopback device, behind [`front`].
async fn listen_inside(rules: Rules) -> Result<(SocketAddr, ServerContext), StartError> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let failed = |source: io::Error| StartError::Listen { addr, source };
    let listener = Builder::new()
        .name("pilah")
        .laddr(addr)
        .nodelay(true)
        .allow_anonymous(false)
        .max_connections(CONNECTIONS)
        .max_handshaking_limit(100)
        .handshake_timeout(Duration::from_secs(15))
        .max_packet_size(u32::try_from(LARGEST_MESSAGE).expect("128 KiB") + PACKET_OVERHEAD)
        .max_mqueue_len(QUEUE)
        .max_inflight(NonZeroU16::new(200).expect("not zero"))
        .max_clientid_len(128)
        .max_topic_levels(8)
        .max_subscriptions(16)
        // A week, where rmqtt has two hours and five minutes: a bin may be away for long.
        .session_expiry_interval(Duration::from_secs(7 * 24 * 3600))
        .max_session_expiry_interval(Duration::from_secs(7 * 24 * 3600))
        // Zero: what is retained or queued does not expire.
        .message_expiry_interval(Duration::ZERO)
        .bind()
        .and_then(rmqtt::net::Listener::tcp)
        .map_err(|error| failed(into_io(error)))?;
    let bound = listener.local_addr().map_err(|error| failed(into_io(error)))?;

    // rmqtt would refuse connections while the processor is busy, which it is whenever a model is trained.
    let context = ServerContext::new().busy_check_enable(false).task_exec_workers(64).build().await;
    *context.extends.retain_mut().await = Box::new(retained::InMemory::default());
    rules.register(&context).await;
    let serving = context.clone();
    tokio::spawn(async move {
        if let Err(error) = MqttServer::new(serving).listener_by_id(listener, 1).build().run().await {
            tracing::error!(%error, "the MQTT broker ended");
        }
    });
    Ok((bound, context))
}

fn into_io(error: rmqtt::net::Error) -> io::Error {
    error.downcast::<io::Error>().unwrap_or_else(|other| io::Error::other(other.to_string()))
}

#[cfg(test)]
mod tests;
