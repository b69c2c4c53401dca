//! Batches in time, and what follows a commit.
//!
//! A batch is closed when it is full or when its first message has waited for [`LINGER`]: many
//! messages share one sync of the disk, and a lonely one hardly waits. A batch that the storage does
//! not take is tried again a few times, then message by message, so that one that the database refuses
//! does not take others with it. What is left is dropped unacknowledged, and counted: the bin still
//! has it and sends it again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use pilah_models::name::BinId;
use sea_orm::DbErr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::check::{Refusal, observation};
use super::commit::{self, Committed, Oddities, Ready, commit};
use super::image::{KeepError, StoredImage, keep};
use super::labels::KnownLabels;
use super::observation::Observation;
use super::rows::fingerprint;
use super::{Counters, Publisher};
use crate::live::Live;
use crate::store::{Blobs, Store, now_ms};

/// The most messages in one transaction.
const BATCH: usize = 200;

/// The longest that a message waits for others.
const LINGER: Duration = Duration::from_millis(20);

/// Rows that wait for the database: below 1 KB each, so 4 MB at most. When it is full, the connection
/// is not read, and the broker keeps what comes.
const ROWS: usize = 4096;

/// Images that wait to be decoded: 128 KB each, so 16 MB at most; full as above.
const IMAGES: usize = 128;

/// Images decoded at once: 12 MB each while decoded.
const DECODERS: usize = 2;

/// How long to wait before a failed batch is tried again.
const RETRIES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(400), Duration::from_secs(2)];

/// The way from messages to rows. Clones share the queues.
#[derive(Debug, Clone)]
pub struct Ingest {
    rows: mpsc::Sender<Ready>,
    images: mpsc::Sender<Ready>,
    counters: Arc<Counters>,
    store: Store,
}

/// What a batch needs.
#[derive(Debug, Clone)]
struct Sink {
    store: Store,
    blobs: Blobs,
    live: Live,
    publisher: Publisher,
    counters: Arc<Counters>,
    labels: KnownLabels,
    stop: CancellationToken,
}

impl Ingest {
    /// Starts the tasks that write. They end when `stop` is cancelled.
    pub(super) fn start(
        store: Store,
        blobs: Blobs,
        live: Live,
        publisher: Publisher,
        counters: Arc<Counters>,
        tasks: &mut JoinSet<()>,
        stop: CancellationToken,
    ) -> Self {
        let (rows, waiting_rows) = mpsc::channel(ROWS);
        let (images, waiting_images) = mpsc::channel(IMAGES);
        let labels = KnownLabels::new(store.clone(), blobs.clone());
        let sink = Sink { store: store.clone(), labels, blobs, live, publisher, counters: Arc::clone(&counters), stop };
        tasks.spawn(write_batches(sink.clone(), waiting_rows));
        tasks.spawn(write_batches(sink, waiting_images));
        Self { rows, images, counters, store }
    }

    /// Takes a message as it came. Waits while the queue is full.
    pub(super) async fn take(&self, topic: &str, payload: &[u8]) {
        self.counters.messages.fetch_add(1, Ordering::Relaxed);
        let observation = match observation(topic, payload) {
            Ok(observation) => observation,
            Err(Refusal::Malformed(reason)) => return self.counters.refuse(&self.counters.malformed, topic, &reason),
            Err(Refusal::Foreign(reason)) => return self.counters.refuse(&self.counters.refused, topic, &reason),
        };
        let queue = if matches!(observation, Observation::Sample(_)) { &self.images } else { &self.rows };
        // It fails only while the hub stops; the bin keeps what was not acknowledged.
        let fingerprint = fingerprint(&observation, payload);
        queue.send(Ready { observation, fingerprint, received_ms: now_ms(), image: None }).await.ok();
    }

    /// The hub begins to listen: nobody is known to be there until it says so.
    pub(super) async fn forget_presence(&self) {
        if let Err(error) = commit::forget_presence(&self.store).await {
            tracing::warn!(%error, "the hub shows bins as connected that may be gone");
        }
    }
}

async fn write_batches(sink: Sink, mut queue: mpsc::Receiver<Ready>) {
    while let Some(Some(first)) = sink.stop.run_until_cancelled(queue.recv()).await {
        let mut batch = vec![first];
        let until = Instant::now() + LINGER;
        while batch.len() < BATCH {
            match timeout_at(until, queue.recv()).await {
                Ok(Some(next)) => batch.push(next),
                Ok(None) | Err(_) => break,
            }
        }
        sink.write(batch).await;
    }
}

impl Sink {
    async fn write(&self, batch: Vec<Ready>) {
        let batch = self.with_known_labels(batch).await;
        let batch = self.with_images(batch).await;
        if batch.is_empty() {
            return;
        }
        match self.commit_with_retries(&batch).await {
            Ok(done) => self.after(done, &batch),
            Err(error) if batch.len() == 1 => self.give_up(&error),
            Err(_) => {
                for ready in batch {
                    match commit(&self.store, std::slice::from_ref(&ready)).await {
                        Ok(done) => self.after(done, std::slice::from_ref(&ready)),
                        Err(error) => self.give_up(&error),
                    }
                }
            }
        }
    }

    async fn commit_with_retries(&self, batch: &[Ready]) -> Result<Committed, DbErr> {
        for wait in RETRIES {
            match commit(&self.store, batch).await {
                Ok(done) => return Ok(done),
                Err(error) => tracing::warn!(%error, messages = batch.len(), "batch not committed; trying again"),
            }
            self.stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
        commit(&self.store, batch).await
    }

    fn give_up(&self, error: &DbErr) {
        self.counters.storage_failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%error, "message not stored; its bin will send it again");
    }

    /// Leaves out what has a label that the hub does not know, unacknowledged; of a truth, the truth alone.
    async fn with_known_labels(&self, batch: Vec<Ready>) -> Vec<Ready> {
        let mut known = Vec::with_capacity(batch.len());
        for mut ready in batch {
            match self.labels.unknown(&ready.observation).await {
                Ok(None) => {}
                Ok(Some(label)) => {
                    let words = format!(
                        "the hub knows no label {label}: import the bin's model, or label an image so; until then the \
                         bin keeps it"
                    );
                    self.counters.refuse(&self.counters.refused, &format!("bin {}", ready.observation.bin()), &words);
                    continue;
                }
                Err(error) => {
                    self.give_up(&error);
                    continue;
                }
            }
            if let Some(truth) = ready.observation.truth_mut()
                && let Some(label) = truth.as_ref().map(|truth| truth.label.clone())
                // A truth that cannot be looked up is left out; the item is not.
                && !self.labels.knows(&label).await.unwrap_or(false)
            {
                *truth = None;
                self.counters.truths_left_out.fetch_add(1, Ordering::Relaxed);
            }
            known.push(ready);
        }
        known
    }

    /// Stores the images of a batch. A damaged image makes its sample a damaged one; one that the
    /// storage did not take is left out, unacknowledged.
    async fn with_images(&self, batch: Vec<Ready>) -> Vec<Ready> {
        futures::stream::iter(batch)
            .map(|ready| self.with_image(ready))
            .buffered(DECODERS)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn with_image(&self, mut ready: Ready) -> Option<Ready> {
        let Observation::Sample(sample) = &mut ready.observation else { return Some(ready) };
        match keep(&self.blobs, std::mem::take(&mut sample.jpeg)).await {
            Ok(image) => ready.image = Some(image),
            Err(KeepError::Image(error)) => {
                let header = sample.meta.header.clone();
                ready.observation = Observation::Damaged { header, reason: error.to_string() };
            }
            Err(KeepError::Storage(error)) => {
                self.counters.storage_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error = %crate::error::Chain(&error), "image not stored; its bin will send it again");
                return None;
            }
        }
        Some(ready)
    }

    fn after(&self, done: Committed, batch: &[Ready]) {
        let counters = &self.counters;
        counters.events.fetch_add(done.events, Ordering::Relaxed);
        counters.samples.fetch_add(done.samples, Ordering::Relaxed);
        counters.duplicates.fetch_add(done.duplicates, Ordering::Relaxed);
        counters.stale.fetch_add(done.stale, Ordering::Relaxed);
        counters.truths_left_out.fetch_add(done.truths, Ordering::Relaxed);
        for (bin, odd) in &done.oddities {
            counters.conflicts.fetch_add(odd.conflicts, Ordering::Relaxed);
            warn_of(bin, *odd);
        }
        for bin in &done.strangers {
            counters.refuse(&counters.refused, &format!("bin {bin}"), "it is not enrolled");
        }
        for ready in batch {
            let of = || format!("bin {}", ready.observation.bin());
            if let Observation::Damaged { reason, .. } = &ready.observation {
                counters.refuse(&counters.damaged, &of(), reason);
            }
            if let Some(StoredImage { damage: Some(damage), .. }) = &ready.image {
                counters.note(&counters.damaged, &of(), damage, "image kept, but used for nothing");
            }
        }
        for ((bin, epoch), seqs) in done.acks {
            self.acknowledge(&bin, epoch, &seqs);
        }
        for event in done.live {
            self.live.publish(event);
        }
    }

    fn acknowledge(&self, bin: &BinId, epoch: u32, seqs: &[u64]) {
        if let Err(error) = self.publisher.acks(bin, epoch, seqs) {
            self.counters.acks_dropped.fetch_add(seqs.len() as u64, Ordering::Relaxed);
            tracing::warn!(%bin, %error, count = seqs.len(), "not acknowledged; the bin will send again");
        }
    }
}

fn warn_of(bin: &BinId, odd: Oddities) {
    let Oddities { conflicts, takeovers, restored } = odd;
    if conflicts > 0 {
        tracing::warn!(%bin, conflicts, "numbers in use came with other contents; stored under numbers of their own");
    }
    if takeovers > 0 {
        tracing::warn!(%bin, takeovers, "two programs speak under this bin's id, and take over from each other");
    }
    if restored > 0 {
        tracing::warn!(%bin, "the bin knows nothing of its last start: its card was replaced, restored or copied");
    }
}
