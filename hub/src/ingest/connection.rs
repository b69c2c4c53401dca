//! The connection to the broker: subscribed, polled, and made again when it breaks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{LARGEST_MESSAGE, Message};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, LastWill, MqttOptions, QoS, SubscribeReasonCode, Transport};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::publisher::{Outgoing, hub_status, send_all};
use super::{Counters, Ingest, Publisher};
use crate::broker::HUB_CLIENT;
use crate::live::Live;
use crate::secret::Secret;
use crate::store::{Blobs, Store};

/// Header and topic of a packet that carries the largest message, with room to spare.
const PACKET_OVERHEAD: usize = 4096;

/// How long to wait before the next try, after each failure; then the last one for ever.
const BACKOFF: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// Where the broker is, and as whom the hub connects.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The hub's user name there.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// TLS, if it is to be used.
    pub tls: Option<Tls>,
}

/// How the broker is known to be the right one.
#[derive(Debug, Clone)]
pub enum Tls {
    /// By the certificates that the system trusts.
    System,
    /// By the certificates in this PEM file.
    File(PathBuf),
}

/// A broker that cannot be connected to as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The URL is not one of a broker.
    #[error("--mqtt-url {url:?} is not valid: write mqtt://host:port or mqtts://host:port, without a user")]
    Url {
        /// The URL as it came.
        url: String,
    },
    /// The certificates cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The system's certificates cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Broker {
    /// The embedded broker.
    #[must_use]
    pub fn local(addr: SocketAddr, password: Secret) -> Self {
        Self { host: addr.ip().to_string(), port: addr.port(), user: topic::HUB_USER.to_owned(), password, tls: None }
    }

    /// An external one by its URL.
    ///
    /// # Errors
    /// [`BrokerError::Url`].
    pub fn parse(url: &str, user: String, password: Secret, ca_file: Option<PathBuf>) -> Result<Self, BrokerError> {
        let wrong = || BrokerError::Url { url: url.chars().take(200).collect() };
        let (tls, rest) = match url.split_once("://") {
            Some(("mqtt" | "tcp", rest)) => (None, rest),
            Some(("mqtts" | "ssl", rest)) => (Some(ca_file.map_or(Tls::System, Tls::File)), rest),
            _ => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() || rest.contains(['/', '@', '?', '#', ' ']) {
            return Err(wrong());
        }
        let standard = if tls.is_some() { 8883 } else { 1883 };
        let (host, port) = match rest.rsplit_once(':') {
            // An IPv6 address has colons of its own, and stands in brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (rest, standard),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, user, password, tls })
    }

    fn options(&self) -> Result<MqttOptions, BrokerError> {
        let mut options = MqttOptions::new(HUB_CLIENT, (self.host.clone(), self.port));
        options
            .set_credentials(self.user.clone(), self.password.reveal().to_owned())
            .set_keep_alive(30)
            .set_inflight(100)
            .set_max_packet_size(LARGEST_MESSAGE + PACKET_OVERHEAD, LARGEST_MESSAGE + PACKET_OVERHEAD)
            .set_last_will(LastWill::new(topic::HUB_STATUS, hub_status(false).encode(), QoS::AtLeastOnce, true))
            // A broker that survives the hub keeps what comes while the hub is away.
            .set_clean_session(false);
        match &self.tls {
            None => {}
            Some(Tls::System) => {
                let tls = Transport::try_tls_with_default_config().map_err(|e| BrokerError::Tls(e.to_string()))?;
                options.set_transport(tls);
            }
            Some(Tls::File(path)) => {
                let pem =
                    std::fs::read(path).map_err(|source| BrokerError::Certificates { path: path.clone(), source })?;
                options.set_transport(Transport::tls(pem, None, None));
            }
        }
        Ok(options)
    }
}

impl Ingest {
    /// Connects to the broker, in the background and for as long as `stop` is not cancelled, and
    /// writes what the bins say.
    ///
    /// # Errors
    /// [`BrokerError`]: the certificates cannot be used. A broker that is away is no error: it is
    /// tried again.
    pub fn connect(
        broker: &Broker,
        store: Store,
        blobs: Blobs,
        live: Live,
        counters: Arc<Counters>,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Result<Publisher, BrokerError> {
        let options = broker.options()?;
        let (publisher, queue): (Publisher, tokio::sync::mpsc::Receiver<Outgoing>) = Publisher::new();
        let (client, events) = AsyncClient::builder(options).capacity(256).build();
        let ingest = Self::start(store, blobs, live, publisher.clone(), Arc::clone(&counters), tasks, stop.clone());
        tasks.spawn(send_all(queue, client.clone(), stop.clone()));
        let connection = Connection { client, ingest, publisher: publisher.clone(), counters };
        let stop = stop.clone();
        tasks.spawn(async move { connection.run(events, stop).await });
        Ok(publisher)
    }
}

/// What the bins say.
fn channels() -> impl Iterator<Item = Channel> {
    Channel::ALL.into_iter().filter(|channel| !channel.is_from_hub())
}

struct Connection {
    client: AsyncClient,
    ingest: Ingest,
    publisher: Publisher,
    counters: Arc<Counters>,
}

impl Connection {
    async fn run(self, mut events: EventLoop, stop: CancellationToken) {
        let mut failures = 0;
        let mut granted = 0;
        loop {
            let Some(event) = stop.run_until_cancelled(events.poll()).await else { break };
            match event {
                Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                    failures = 0;
                    granted = 0;
                    stop.run_until_cancelled(self.ingest.forget_presence()).await;
                    self.subscribe();
                }
                Ok(Event::Incoming(Incoming::SubAck(answer))) => {
                    if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                        tracing::error!(
                            "the broker refuses a subscription: the hub's user may not read the bins' topics"
                        );
                    } else {
                        granted += 1;
                    }
                    if granted == channels().count() {
                        tracing::info!("connected to the broker");
                        self.counters.set_connected(true);
                        self.publisher.connected();
                    }
                }
                Ok(Event::Incoming(Incoming::Publish(publish))) => {
                    let topic = String::from_utf8_lossy(&publish.topic);
                    stop.run_until_cancelled(self.ingest.take(&topic, &publish.payload)).await;
                }
                Ok(_) => {}
                Err(error) => {
                    self.counters.set_connected(false);
                    self.publisher.disconnected();
                    if failures == 0 {
                        tracing::warn!(%error, "connection to the broker lost; trying again");
                    } else {
                        tracing::debug!(%error, failures, "no connection to the broker");
                    }
                    let wait = BACKOFF[failures.min(BACKOFF.len() - 1)];
                    failures += 1;
                    stop.run_until_cancelled(tokio::time::sleep(wait)).await;
                }
            }
        }
        self.counters.set_connected(false);
        self.say_goodbye(events).await;
    }

    /// Subscribes, whether or not the broker kept the session: doing it twice is harmless, and brings
    /// the retained messages again.
    fn subscribe(&self) {
        let client = self.client.clone();
        // In a task of its own, because the client's queue may be full of what waited for the connection,
        // and only polling, which is this task's, empties it.
        tokio::spawn(async move {
            for channel in channels() {
                if let Err(error) = client.subscribe(channel.of_all(), QoS::AtLeastOnce).await {
                    tracing::error!(%error, channel = channel.name(), "cannot subscribe");
                }
            }
        });
    }

    /// Leaves in good order, so that the broker says "offline" at once rather than after a timeout.
    async fn say_goodbye(&self, mut events: EventLoop) {
        let status = hub_status(false).encode();
        let options = rumqttc::PublishOptions::new(QoS::AtLeastOnce).retained();
        if self.client.try_publish(topic::HUB_STATUS, status, options).is_err() || self.client.try_disconnect().is_err()
        {
            return;
        }
        let leave = async { while events.poll().await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(1), leave).await.ok();
    }
}
