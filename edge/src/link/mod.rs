//! The connection to the broker: MQTT 3.1.1 over TCP or TLS.
//!
//! Each connection is made from nothing: a clean session, its own queue, its own last will. What was
//! on the way when one broke is still in the outbox, which is the only truth; nothing of the former
//! connection is sent on the next. So there is no session of the broker's to trust, and the topics are
//! subscribed to each time.
//!
//! Two tasks per connection: one polls the network, one publishes, because a publish that waits inside
//! the polling task would wait for itself. Messages over the size limit are never handed to the
//! client, which would tear the connection down again and again.
//!
//! Malformed or foreign messages are told as [`LinkEvent::Refused`]; nothing that a broker sends ends
//! the program.

/// What a connection is made with.
mod settings;

/// Which entry of the outbox is sent next.
pub mod window;

/// How large a message may be.
pub mod ceiling;

/// Whether there could be a connection, for the doctor.
pub mod probe;

/// How large a message the broker takes, for the doctor.
pub mod probe_size;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pilah_models::name::BinId;
use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{Acks, Command, DecodeError, Desired, HubStatus, LARGEST_MESSAGE, Message, Status};
use rumqttc::{
    AsyncClient, ConnectionError, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS, SubscribeFilterInput,
    SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::sync::{mpsc, watch};

pub use self::settings::{AckBy, MqttConfig};
use crate::backoff::Backoff;
use crate::certificates;
use crate::outbox::{Key, Kind};
use crate::secret::Secret;

/// Bytes that a packet may have beyond its message: topic, identifiers, lengths.
const PACKET_OVERHEAD: usize = 1024;

/// How long a bin that stops waits for its farewell to arrive.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection that lasted so long was a good one: the next pause is the shortest.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// What is sent.
#[derive(Debug)]
pub enum Outgoing {
    /// An entry of the outbox.
    Entry {
        /// Its number.
        key: Key,
        /// What it is.
        kind: Kind,
        /// The message.
        body: Vec<u8>,
    },
    /// The bin's presence.
    Status(Vec<u8>),
    /// The model in force.
    Reported(Vec<u8>),
    /// The bin's health. May be lost.
    Telemetry(Vec<u8>),
    /// What came of a command.
    Reply(Vec<u8>),
    /// The last presence; the connection ends behind it.
    Farewell(Vec<u8>),
}

/// What the connection tells.
#[derive(Debug)]
pub enum LinkEvent {
    /// Connected and subscribing. What is sent goes through `outgoing`, while this connection lasts.
    Connected {
        /// Holds as many messages as may be in flight, and a few more.
        outgoing: mpsc::Sender<Outgoing>,
        /// Its number since the program started; the last will that the broker holds has it, too.
        number: u32,
    },
    /// No connection; it is tried again.
    Disconnected {
        /// Why, in words.
        reason: String,
    },
    /// The broker has taken an entry; told only where that counts as an acknowledgement.
    Accepted(Key),
    /// The hub has committed entries.
    Acks(Acks),
    /// The hub wants something.
    Desired(Desired),
    /// The hub asks for something at once.
    Command(Command),
    /// What a sensor says on the topic of [`Link::listening_to`].
    Reading(String),
    /// The hub has come, and asks who is there.
    HubOnline,
    /// What the broker has of this bin's own presence: the bin's word, a last will, or a stranger's.
    OwnStatus(Box<Status>),
    /// The hub was there when it was last heard of, which was before this connection.
    HubWasOnline,
    /// The hub is away, or was when it was last heard of.
    HubAway,
    /// A message was refused, or a topic was denied.
    Refused {
        /// The topic.
        topic: String,
        /// Why, in words.
        reason: String,
    },
}

/// The connection cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The file with the certificates cannot be read.
    #[error("mqtt.ca_file: cannot read {}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// What all connections of a bin share.
pub struct Link {
    bin: BinId,
    ack: AckBy,
    in_flight: usize,
    sensor: Option<String>,
    options: MqttOptions,
    backoff: Backoff,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The options hold the password.
        f.debug_struct("Link").field("bin", &self.bin).field("broker", self.options.broker()).finish_non_exhaustive()
    }
}

impl Link {
    /// Prepares connections of `bin`.
    ///
    /// # Errors
    /// [`LinkError`]: the certificates cannot be read or used.
    pub fn new(bin: BinId, config: &MqttConfig, password: &Secret) -> Result<Self, LinkError> {
        let address = &config.address;
        let mut options = MqttOptions::new(format!("pilah-{bin}"), (address.host.clone(), address.port));
        let packet = LARGEST_MESSAGE + PACKET_OVERHEAD;
        options
            .set_credentials(bin.as_str(), password.expose().as_bytes().to_vec())
            .set_keep_alive(u16::try_from(config.keep_alive.as_secs()).unwrap_or(u16::MAX))
            .set_clean_session(true)
            .set_max_packet_size(packet, packet)
            .set_inflight(config.in_flight.max(1));
        if address.tls {
            options.set_transport(tls(config.ca_file.as_ref())?);
        }
        let backoff = Backoff::new(config.reconnect);
        Ok(Self { bin, ack: config.ack, in_flight: usize::from(config.in_flight), sensor: None, options, backoff })
    }

    /// Listens to a sensor's topic as well.
    #[must_use]
    pub fn listening_to(mut self, sensor: Option<String>) -> Self {
        self.sensor = sensor;
        self
    }

    /// Connects, and again whenever the connection is lost, until `stop` says so. `will` is the presence
    /// that the broker publishes if the bin disappears, with the number of its connection. Every event goes to `events`; the task ends
    /// when nobody takes them.
    pub async fn run<E: From<LinkEvent> + Send + 'static>(
        mut self,
        will: watch::Receiver<Status>,
        events: mpsc::Sender<E>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut number: u32 = 0;
        while !*stop.borrow() {
            let begun = Instant::now();
            // Counted here: whoever answers an end late must not leave the next connection the will of the last.
            number = number.saturating_add(1);
            let will = Status { connection: Some(number), ..will.borrow().clone() };
            let reason = self.connection((number, will.encode()), &events, &mut stop).await;
            if events.send(LinkEvent::Disconnected { reason }.into()).await.is_err() {
                return;
            }
            if begun.elapsed() > GOOD_CONNECTION {
                self.backoff.reset();
            }
            let pause = self.backoff.next(rand::random());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// One connection from beginning to end; says why it ended.
    async fn connection<E: From<LinkEvent> + Send + 'static>(
        &self,
        (number, will): (u32, Vec<u8>),
        events: &mpsc::Sender<E>,
        stop: &mut watch::Receiver<bool>,
    ) -> String {
        let mut options = self.options.clone();
        options.set_last_will(LastWill::new(Channel::Status.of(&self.bin), will, QoS::AtLeastOnce, true));
        let (client, mut eventloop) = AsyncClient::builder(options).capacity(self.in_flight + 8).build();
        eventloop.network_options.set_tcp_nodelay(true);
        // Nothing comes before the CONNACK.
        let connected = tokio::select! {
            event = eventloop.poll() => event,
            _ = stop.wait_for(|stop| *stop) => return "stopping".to_owned(),
        };
        if let Err(error) = connected {
            return in_words(&error);
        }
        let filters = self.filters().map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
        if let Err(error) = client.try_subscribe_many(filters) {
            return crate::words::in_words(&error);
        }
        let (outgoing, queue) = mpsc::channel(self.in_flight + 8);
        if events.send(LinkEvent::Connected { outgoing, number }.into()).await.is_err() {
            return "stopping".to_owned();
        }
        let publisher = Publisher { bin: self.bin.clone(), ack: self.ack, client, events: events.clone() };
        let publishing = tokio::spawn(publisher.run(queue));
        let reason = self.poll_until_the_end(&mut eventloop, events, stop).await;
        publishing.abort();
        reason
    }

    async fn poll_until_the_end<E: From<LinkEvent>>(
        &self,
        eventloop: &mut EventLoop,
        events: &mpsc::Sender<E>,
        stop: &mut watch::Receiver<bool>,
    ) -> String {
        let farewell_is_over = async {
            // An error means that nobody can stop us any more, which is as good as a stop.
            stop.wait_for(|stop| *stop).await.ok();
            tokio::time::sleep(FAREWELL + Duration::from_secs(1)).await;
        };
        tokio::pin!(farewell_is_over);
        loop {
            let polled = tokio::select! {
                polled = eventloop.poll() => polled,
                () = &mut farewell_is_over => return "stopping".to_owned(),
            };
            let event = match polled {
                Ok(rumqttc::Event::Incoming(Packet::Publish(publish))) => {
                    let topic = String::from_utf8_lossy(&publish.topic);
                    self.read(&topic, publish.retain, &publish.payload)
                }
                Ok(rumqttc::Event::Incoming(Packet::SubAck(ack))) => {
                    let mut answers = self.filters().zip(&ack.return_codes);
                    let denied = answers.find(|(_, answer)| **answer == SubscribeReasonCode::Failure);
                    denied.map(|(topic, _)| LinkEvent::Refused {
                        topic,
                        reason: "the broker does not let the bin read this topic".to_owned(),
                    })
                }
                Ok(_) => None,
                Err(ConnectionError::RequestsDone) => return "stopping".to_owned(),
                Err(error) => return in_words(&error),
            };
            if let Some(event) = event
                && events.send(event.into()).await.is_err()
            {
                return "stopping".to_owned();
            }
        }
    }

    /// What the bin listens to.
    fn filters(&self) -> impl Iterator<Item = String> {
        let of_bin =
            Channel::ALL.into_iter().filter(|channel| channel.is_read_by_bin()).map(|channel| channel.of(&self.bin));
        of_bin.chain([topic::HUB_STATUS.to_owned()]).chain(self.sensor.clone())
    }

    /// What a message means to this bin. Pure.
    fn read(&self, topic: &str, retained: bool, payload: &[u8]) -> Option<LinkEvent> {
        let refused = |reason: String| LinkEvent::Refused { topic: topic.to_owned(), reason };
        let read = || -> Result<Option<LinkEvent>, DecodeError> {
            if topic == topic::HUB_STATUS {
                return Ok(Some(match (HubStatus::decode(payload)?.online, retained) {
                    (true, false) => LinkEvent::HubOnline,
                    // It was said before we came.
                    (true, true) => LinkEvent::HubWasOnline,
                    (false, _) => LinkEvent::HubAway,
                }));
            }
            if self.sensor.as_deref() == Some(topic) {
                return Ok(Some(LinkEvent::Reading(String::from_utf8_lossy(payload).into_owned())));
            }
            let (of, event) = match topic::parse(topic) {
                Some((bin, Channel::Acks)) if bin == self.bin => {
                    let acks = Acks::decode(payload)?;
                    (acks.header.bin.clone(), LinkEvent::Acks(acks))
                }
                Some((bin, Channel::Desired)) if bin == self.bin => {
                    let desired = Desired::decode(payload)?;
                    (desired.header.bin.clone(), LinkEvent::Desired(desired))
                }
                // Nothing is retained any more.
                Some((bin, Channel::Status)) if bin == self.bin && payload.is_empty() => return Ok(None),
                Some((bin, Channel::Status)) if bin == self.bin => {
                    let status = Status::decode(payload)?;
                    (status.header.bin.clone(), LinkEvent::OwnStatus(Box::new(status)))
                }
                Some((bin, Channel::Commands)) if bin == self.bin && retained => {
                    let reason = "a retained command would be done again at each connection; publish it unretained";
                    return Ok(Some(refused(reason.to_owned())));
                }
                Some((bin, Channel::Commands)) if bin == self.bin => {
                    let command = Command::decode(payload)?;
                    (command.header.bin.clone(), LinkEvent::Command(command))
                }
                _ => return Ok(Some(refused("this topic was not asked for".to_owned()))),
            };
            Ok(Some(if of == self.bin { event } else { refused(format!("the message is for bin {of}")) }))
        };
        read().unwrap_or_else(|error| Some(refused(error.to_string())))
    }
}

/// The bytes that an entry with a body of `body` bytes takes on its way to the broker: a fixed header of up to 5, the
/// topic with its length, and the packet's identifier (MQTT 3.1.1, 3.3).
#[must_use]
pub fn packet_bytes(bin: &BinId, kind: Kind, body: usize) -> usize {
    let channel = match kind {
        Kind::Event => Channel::Events,
        Kind::Sample => Channel::Samples,
    };
    5 + 2 + channel.of(bin).len() + 2 + body
}

struct Publisher<E> {
    bin: BinId,
    ack: AckBy,
    client: AsyncClient,
    events: mpsc::Sender<E>,
}

impl<E: From<LinkEvent> + Send + 'static> Publisher<E> {
    async fn run(self, mut queue: mpsc::Receiver<Outgoing>) {
        while let Some(message) = queue.recv().await {
            let (key, channel, body) = match message {
                Outgoing::Entry { key, kind: Kind::Event, body } => (Some(key), Channel::Events, body),
                Outgoing::Entry { key, kind: Kind::Sample, body } => (Some(key), Channel::Samples, body),
                Outgoing::Status(body) => (None, Channel::Status, body),
                Outgoing::Reported(body) => (None, Channel::Reported, body),
                Outgoing::Telemetry(body) => (None, Channel::Telemetry, body),
                Outgoing::Reply(body) => (None, Channel::Replies, body),
                Outgoing::Farewell(body) => return self.say_farewell(body).await,
            };
            if self.publish(key, channel, body).await.is_none() {
                return;
            }
        }
    }

    /// `None` if the connection is over.
    async fn publish(&self, key: Option<Key>, channel: Channel, body: Vec<u8>) -> Option<()> {
        let topic = channel.of(&self.bin);
        if body.len() > LARGEST_MESSAGE {
            let reason = format!("{} bytes are more than a message may have; it is not sent", body.len());
            return self.events.send(LinkEvent::Refused { topic, reason }.into()).await.ok();
        }
        let qos = if channel == Channel::Telemetry { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let options = PublishOptions::new(qos).retain(channel.is_retained());
        match (key, self.ack) {
            (Some(key), AckBy::Broker) => {
                let notice = self.client.publish_tracked(topic, body, options).await.ok()?;
                let events = self.events.clone();
                // At most as many of these wait as messages may be in flight.
                tokio::spawn(async move {
                    if notice.wait_async().await.is_ok() {
                        // If nobody listens, the bin stops, and the entry is sent again at its next start.
                        events.send(LinkEvent::Accepted(key).into()).await.ok();
                    }
                });
            }
            _ => self.client.publish(topic, body, options).await.ok()?,
        }
        Some(())
    }

    async fn say_farewell(self, body: Vec<u8>) {
        let options = PublishOptions::at_least_once().retained();
        if let Ok(notice) = self.client.publish_tracked(Channel::Status.of(&self.bin), body, options).await {
            // Whether it arrived or not, the connection ends now; if not, the last will says the same.
            tokio::time::timeout(FAREWELL, notice.wait_async()).await.ok();
        }
        self.client.disconnect_now().await.ok();
    }
}

fn tls(ca_file: Option<&PathBuf>) -> Result<Transport, LinkError> {
    let Some(path) = ca_file else {
        return Transport::try_tls_with_default_config().map_err(|e| LinkError::Tls(e.to_string()));
    };
    let ca = std::fs::read(path).map_err(|source| LinkError::Certificates { path: path.clone(), source })?;
    Ok(Transport::tls_with_config(TlsConfiguration::Simple { ca, alpn: None, client_auth: None }))
}

/// The client's errors repeat their sources.
fn in_words(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => format!("the broker refuses the connection: {code:?}"),
        error => certificates::explained("mqtt.ca_file", error.to_string()),
    }
}

#[cfg(test)]
mod tests;
