//! Keeps the embeddings up to date until the hub stops: idempotent, on a period and on a nudge.
//!
//! It compares the images of all samples with those that have an embedding under the backbone in
//! service, computes what is missing, and forgets what was deleted. While a training runs it waits:
//! that embeds by itself, and wants the processors.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pilah_models::infer::Backbone;
use pilah_models::name::ContentId;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::embed::{self, EmbedError};
use super::{Vectors, store};
use crate::error::Chain;
use crate::live::{Live, LiveEvent};
use crate::registry::Parts;

/// How often it looks without being nudged.
const PERIOD: Duration = Duration::from_secs(10);

/// Samples that come within this time are looked at together.
const GATHER: Duration = Duration::from_millis(500);

/// How many images are asked for at once; after each such part, whoever searches finds them.
const PART: usize = 128;

/// Starts the reconciler; it ends with `shutdown`, and waits while a training runs, as `is_training` says.
#[must_use]
pub fn start(
    parts: Parts,
    is_training: impl Fn() -> bool + Send + 'static,
    live: &Live,
    shutdown: CancellationToken,
) -> Vectors {
    let vectors = Vectors::default();
    let mut reconciler = Reconciler { parts, vectors: vectors.clone(), seen: None, stop: shutdown.clone() };
    let (mut events, mut models) = (live.watch(), reconciler.parts.registry.changes());
    tokio::spawn(async move {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = period.tick() => {}
                changed = models.changed() => if changed.is_err() { return },
                event = events.recv() => match event {
                    Ok(LiveEvent::Sample { .. }) | Err(RecvError::Lagged(_)) => {
                        tokio::select! {
                            () = shutdown.cancelled() => return,
                            () = tokio::time::sleep(GATHER) => {}
                        }
                        // Whatever was told meanwhile is seen by the pass that follows.
                        events = events.resubscribe();
                    }
                    Ok(_) => continue,
                    Err(RecvError::Closed) => return,
                },
            }
            models.mark_unchanged();
            if is_training() {
                continue;
            }
            match reconciler.pass().await {
                Ok(()) | Err(EmbedError::Cancelled) => {}
                // The database is closed under a pass that the hub's end met.
                Err(_) if shutdown.is_cancelled() => return,
                Err(error) => tracing::error!(error = %Chain(&error), "samples are not embedded; it is tried again"),
            }
        }
    });
    vectors
}

/// What a pass needs and what the last one saw.
pub(crate) struct Reconciler {
    pub(crate) parts: Parts,
    pub(crate) vectors: Vectors,
    seen: Option<(ContentId, u64, Option<String>)>,
    stop: CancellationToken,
}

impl Reconciler {
    /// One that has seen nothing yet.
    #[cfg(test)]
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, vectors: Vectors::default(), seen: None, stop: CancellationToken::new() }
    }

    /// Embeds what is missing, and forgets what is gone.
    pub(crate) async fn pass(&mut self) -> Result<(), EmbedError> {
        let Some(model) = self.parts.registry.in_service() else {
            if self.vectors.status().backbone.is_some() {
                self.vectors.begin(None, 0);
                self.vectors.tell();
            }
            return Ok(());
        };
        let (id, backbone) = (model.manifest().backbone.sha256.clone(), Arc::clone(model.backbone()));
        let (count, newest) = store::mark(self.parts.store.db()).await?;
        let mark = (id.clone(), count, newest);
        if self.seen.as_ref() == Some(&mark) {
            return Ok(());
        }
        let is_new = self.vectors.status().backbone.as_deref() != Some(id.as_str());
        if is_new {
            let (vectors, dimension) = (&self.vectors, backbone.embedding_len());
            vectors.begin(Some(id.clone()), dimension);
            let keep = |page| {
                vectors.insert(page);
            };
            store::read_all(&self.parts.store, &id, dimension, keep).await?;
        }
        let wanted = store::contents(self.parts.store.db()).await?;
        let removed = self.forget(&wanted);
        let missing = self.missing(wanted);
        if is_new {
            self.vectors.tell();
        }
        let changed = removed > 0 || !missing.is_empty();
        self.embed(&id, &backbone, &missing).await?;
        if changed {
            self.vectors.tell();
        }
        self.seen = Some(mark);
        Ok(())
    }

    fn forget(&self, wanted: &HashSet<ContentId>) -> usize {
        let mut current = self.vectors.write();
        let known = current.places.keys().chain(current.failed.keys());
        let gone: Vec<ContentId> = known.filter(|content| !wanted.contains(*content)).cloned().collect();
        gone.iter().for_each(|content| current.remove(content));
        gone.len()
    }

    /// The images that have no embedding, in a stable order.
    fn missing(&self, wanted: HashSet<ContentId>) -> Vec<ContentId> {
        let mut current = self.vectors.write();
        let is_missing = |content: &ContentId| !current.places.contains_key(content);
        let is_hopeful = |content: &ContentId| !current.failed.contains_key(content);
        let mut missing: Vec<ContentId> = wanted.into_iter().filter(|c| is_missing(c) && is_hopeful(c)).collect();
        missing.sort_unstable();
        current.missing = missing.len() as u64;
        current.is_read = true;
        missing
    }

    async fn embed(&self, id: &ContentId, backbone: &Arc<Backbone>, missing: &[ContentId]) -> Result<(), EmbedError> {
        for part in missing.chunks(PART) {
            let is_current = |model: Arc<pilah_models::infer::Classifier>| model.manifest().backbone.sha256 == *id;
            if !self.parts.registry.in_service().is_some_and(is_current) {
                return Ok(());
            }
            let Parts { store, blobs, .. } = &self.parts;
            let found = embed::embed(store, blobs, backbone, id, part, &|_| {}, &self.stop).await?;
            let vectors = part.iter().filter_map(|content| Some((content.clone(), found.get(content)?.to_vec())));
            self.vectors.insert(vectors.collect::<Vec<_>>());
            let mut current = self.vectors.write();
            current.missing = current.missing.saturating_sub(part.len() as u64);
            for (content, reason) in found.failed {
                tracing::warn!(image = %content, reason, "image not embedded");
                current.failed.insert(content, reason);
            }
        }
        Ok(())
    }
}
