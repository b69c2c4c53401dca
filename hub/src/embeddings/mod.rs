//! The embeddings of all samples under the backbone in service: kept in the database by [`job`], and in
//! memory for review, search and statistics.
//!
//! In memory are 4 bytes per number: 100,000 images of 256 numbers take 102 MB, of 1,280 numbers
//! 512 MB. They lie in blocks of [`BLOCK`] rows that are shared, not copied, with whoever computes on a
//! [`Snapshot`]; a block that changes meanwhile is copied first (4 MB).
//!
//! Nothing here is lost with the process: what is not in memory is read again, and what is not in the
//! database is computed again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use pilah_models::name::ContentId;
use pilah_models::vectors;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

/// What the backbone makes of each image, computed once.
pub mod embed;

/// Keeps the embeddings up to date.
pub mod job;

/// Embeddings in the database.
mod store;

/// How many rows a block has.
const BLOCK: usize = 4096;

/// The embeddings of all samples. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Vectors(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    current: RwLock<Current>,
    /// Counts up with each pass that changed something.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Current {
    backbone: Option<ContentId>,
    dimension: usize,
    blocks: Vec<Arc<Block>>,
    places: HashMap<ContentId, (usize, usize)>,
    missing: u64,
    failed: HashMap<ContentId, String>,
    /// Whether all that the database has is here, and `missing` is known.
    is_read: bool,
}

/// Embeddings row by row.
#[derive(Debug, Clone, Default)]
struct Block {
    /// `None` where an image was deleted.
    contents: Vec<Option<ContentId>>,
    numbers: Vec<f32>,
    inverse_norms: Vec<f32>,
}

/// Embeddings as they were at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    dimension: usize,
    blocks: Vec<Arc<Block>>,
}

/// How far the embeddings are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmbeddingStatus {
    /// The backbone, by SHA-256; `null` while no model is in service.
    pub backbone: Option<String>,
    /// How many numbers an embedding has.
    pub dimension: usize,
    /// Images that have one.
    pub embedded: u64,
    /// Images that wait for one.
    pub missing: u64,
    /// Images that cannot be read, and have none.
    pub failed: u64,
}

impl Vectors {
    /// How far the embeddings are.
    #[must_use]
    pub fn status(&self) -> EmbeddingStatus {
        let current = self.read();
        EmbeddingStatus {
            backbone: current.backbone.as_ref().map(ToString::to_string),
            dimension: current.dimension,
            embedded: current.places.len() as u64,
            missing: current.missing,
            failed: current.failed.len() as u64,
        }
    }

    /// Counts up with each pass that changed something.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Whether what was computed before has been read, so that what is missing is known. While it is
    /// read, a computation would take a part for the whole.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.read().is_read
    }

    /// How many passes changed something so far.
    #[must_use]
    pub fn generation(&self) -> u64 {
        *self.0.changes.borrow()
    }

    /// The embedding of an image, if there is one yet.
    #[must_use]
    pub fn get(&self, content: &ContentId) -> Option<Vec<f32>> {
        let current = self.read();
        let (block, row) = *current.places.get(content)?;
        Some(current.blocks[block].row(row, current.dimension).to_vec())
    }

    /// Why an image has no embedding and will get none.
    #[must_use]
    pub fn failure(&self, content: &ContentId) -> Option<String> {
        self.read().failed.get(content).cloned()
    }

    /// All embeddings as they are now, for a computation that takes its time.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let current = self.read();
        Snapshot { dimension: current.dimension, blocks: current.blocks.clone() }
    }

    /// Begins with another backbone, without any embedding.
    pub fn begin(&self, backbone: Option<ContentId>, dimension: usize) {
        *self.write() = Current { backbone, dimension, ..Current::default() };
    }

    /// Adds embeddings; images that have one already, and vectors of another length or with a number that
    /// is not finite, are left out. Tells how many were added.
    pub fn insert(&self, vectors: impl IntoIterator<Item = (ContentId, Vec<f32>)>) -> usize {
        let mut current = self.write();
        let mut added = 0;
        for (content, vector) in vectors {
            if is_sound(&vector, current.dimension) && !current.places.contains_key(&content) {
                current.push(content, &vector);
                added += 1;
            }
        }
        added
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Current> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Current> {
        self.0.current.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }
}

impl Current {
    fn push(&mut self, content: ContentId, vector: &[f32]) {
        if self.blocks.last().is_none_or(|block| block.contents.len() == BLOCK) {
            self.blocks.push(Arc::default());
        }
        let place = self.blocks.len() - 1;
        let block = Arc::make_mut(&mut self.blocks[place]);
        self.places.insert(content.clone(), (place, block.contents.len()));
        self.failed.remove(&content);
        block.contents.push(Some(content));
        block.numbers.extend_from_slice(vector);
        block.inverse_norms.push(vectors::inverse_norm(vector));
    }

    /// Forgets an image that was deleted: nothing of it stays in memory.
    fn remove(&mut self, content: &ContentId) {
        self.failed.remove(content);
        if let Some((place, row)) = self.places.remove(content) {
            let block = Arc::make_mut(&mut self.blocks[place]);
            block.contents[row] = None;
            block.inverse_norms[row] = 0.0;
            block.numbers[row * self.dimension..(row + 1) * self.dimension].fill(0.0);
        }
    }
}

impl Block {
    fn row(&self, row: usize, dimension: usize) -> &[f32] {
        &self.numbers[row * dimension..(row + 1) * dimension]
    }
}

impl Snapshot {
    /// How many numbers an embedding has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Every embedding.
    pub fn rows(&self) -> impl Iterator<Item = (&ContentId, &[f32])> {
        self.blocks.iter().flat_map(|block| {
            let rows = block.contents.iter().enumerate();
            rows.filter_map(|(row, content)| Some((content.as_ref()?, block.row(row, self.dimension))))
        })
    }

    /// The images that are most like an embedding, by cosine, the most alike first: an exact search that
    /// looks at all of them. It computes for some 20 ms per 100,000 images: not for the async threads.
    #[must_use]
    pub fn nearest(&self, query: &[f32], count: usize) -> Vec<(ContentId, f32)> {
        if !is_sound(query, self.dimension) {
            return Vec::new();
        }
        let mut best: Vec<(f32, &ContentId)> = Vec::new();
        for block in &self.blocks {
            let cosines = vectors::cosines(query, &block.numbers, &block.inverse_norms);
            let bar = if best.len() < count { f32::NEG_INFINITY } else { best[count - 1].0 };
            let found = cosines.into_iter().zip(&block.contents);
            best.extend(found.filter_map(|(cosine, content)| Some((cosine, content.as_ref()?))).filter(|c| c.0 > bar));
            best.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
            best.truncate(count);
        }
        best.into_iter().map(|(cosine, content)| (content.clone(), cosine)).collect()
    }
}

/// Whether a vector is an embedding of this length: other lengths and infinite or missing numbers are not.
fn is_sound(vector: &[f32], dimension: usize) -> bool {
    dimension > 0 && vector.len() == dimension && vector.iter().all(|x| x.is_finite())
}

#[cfg(test)]
mod tests;
