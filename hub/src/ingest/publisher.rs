//! Messages to the bins.
//!
//! Whoever has something to say puts it into a bounded queue, and one task hands it to the MQTT
//! client: publishing from the task that polls the client could wait for itself. When the queue is
//! full (a broker that is away), the message is refused; every sender has a way to repeat itself:
//! bins send again what was not acknowledged, and the rollout states again what is desired.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use pilah_models::name::BinId;
use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{
    Acks, Command, Desired, DesiredModel, DesiredProgram, Header, HubStatus, Message, Request, VERSION,
};
use rumqttc::{AsyncClient, PublishOptions, QoS};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::store::now_ms;

/// How many messages may wait: acknowledgements of some seconds. At most 50 MB, 2 MB as a rule.
const QUEUE: usize = 1024;

/// The most sequence numbers in one [`Acks`]: 6 KB at most, so that it passes brokers that take no more than 8.
const ACKS_PER_MESSAGE: usize = 300;

/// A message that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The queue is full: the broker is away or too slow.
    #[error("the queue to the broker is full")]
    Full,
    /// The hub stops.
    #[error("the hub is stopping")]
    Stopped,
}

/// Messages to the bins, from anywhere in the hub.
#[derive(Debug, Clone)]
pub struct Publisher {
    queue: mpsc::Sender<Outgoing>,
    epoch: u32,
    seq: Arc<AtomicU64>,
    connections: watch::Sender<u64>,
    listening_since_ms: Arc<AtomicI64>,
}

/// Nobody is heard at all.
const DEAF: i64 = i64::MAX;

/// A message on its way to the client.
#[derive(Debug)]
pub(super) struct Outgoing {
    topic: String,
    payload: Vec<u8>,
    retain: bool,
}

impl Publisher {
    /// A publisher, and the queue that [`send_all`] empties.
    pub(super) fn new() -> (Self, mpsc::Receiver<Outgoing>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let publisher = Self {
            queue,
            epoch: rand::random(),
            seq: Arc::default(),
            connections: watch::Sender::new(0),
            listening_since_ms: Arc::new(AtomicI64::new(DEAF)),
        };
        (publisher, waiting)
    }

    /// States what the hub wants of a bin, retained. `None` leaves the bin its own model, or its own program.
    ///
    /// # Errors
    /// [`PublishError`]: not sent; state it again later.
    pub fn desired(
        &self,
        bin: &BinId,
        model: Option<DesiredModel>,
        program: Option<DesiredProgram>,
    ) -> Result<(), PublishError> {
        let desired = Desired { header: self.header(bin), model, program };
        self.send(Channel::Desired.of(bin), desired.encode(), true)
    }

    /// Takes back what the hub wanted of a bin, so that the broker keeps nothing for it.
    ///
    /// # Errors
    /// [`PublishError`]: not sent; do it again later.
    pub fn forget_desired(&self, bin: &BinId) -> Result<(), PublishError> {
        // MQTT: a retained message without content ends the one before.
        self.send(Channel::Desired.of(bin), Vec::new(), true)
    }

    /// Asks something of a bin at once; gives the epoch and the number that its reply will repeat.
    ///
    /// # Errors
    /// [`PublishError`]: not sent.
    pub fn command(&self, bin: &BinId, request: Request) -> Result<(u32, u64), PublishError> {
        let command = Command { header: self.header(bin), request };
        let number = (command.header.epoch, command.header.seq);
        self.send(Channel::Commands.of(bin), command.encode(), false)?;
        Ok(number)
    }

    /// Changes with each new connection to the broker, which may have lost what was retained: state
    /// again what is desired.
    #[must_use]
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.subscribe()
    }

    /// Since when bins have been heard without a break, in milliseconds since 1970; `i64::MAX` while the broker is
    /// away. Before that, a bin may have said anything.
    #[must_use]
    pub fn listening_since_ms(&self) -> i64 {
        self.listening_since_ms.load(Ordering::Relaxed)
    }

    /// Tells a bin what is committed.
    pub(super) fn acks(&self, bin: &BinId, of_epoch: u32, seqs: &[u64]) -> Result<(), PublishError> {
        for seqs in seqs.chunks(ACKS_PER_MESSAGE) {
            let acks = Acks { header: self.header(bin), of_epoch, seqs: seqs.to_vec() };
            self.send(Channel::Acks.of(bin), acks.encode(), false)?;
        }
        Ok(())
    }

    /// Says that the hub is there, and that there is a new connection.
    pub(super) fn connected(&self) {
        // Full only if a broker was away for long; the last will has said "offline", and the next
        // connection corrects it.
        self.send(topic::HUB_STATUS.to_owned(), hub_status(true).encode(), true).ok();
        self.listening_since_ms.store(now_ms(), Ordering::Relaxed);
        self.connections.send_modify(|count| *count += 1);
    }

    /// Says that nobody is heard until there is another connection.
    pub(super) fn disconnected(&self) {
        self.listening_since_ms.store(DEAF, Ordering::Relaxed);
    }

    fn header(&self, bin: &BinId) -> Header {
        Header {
            v: VERSION,
            bin: bin.clone(),
            epoch: self.epoch,
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            at: Timestamp::now(),
            clock_synced: true,
        }
    }

    fn send(&self, topic: String, payload: Vec<u8>, retain: bool) -> Result<(), PublishError> {
        self.queue.try_send(Outgoing { topic, payload, retain }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PublishError::Full,
            mpsc::error::TrySendError::Closed(_) => PublishError::Stopped,
        })
    }
}

/// What the hub says of itself.
pub(super) fn hub_status(online: bool) -> HubStatus {
    HubStatus { v: VERSION, at: Timestamp::now(), online, software: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Hands what is queued to the client until the hub stops.
pub(super) async fn send_all(mut queue: mpsc::Receiver<Outgoing>, client: AsyncClient, stop: CancellationToken) {
    while let Some(Some(next)) = stop.run_until_cancelled(queue.recv()).await {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(next.retain);
        match stop.run_until_cancelled(client.publish(next.topic.clone(), next.payload, options)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(topic = next.topic, %error, "message not published"),
            None => return,
        }
    }
}
