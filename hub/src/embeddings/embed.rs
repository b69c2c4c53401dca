//! What the backbone makes of each image, computed once and kept in the database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pilah_models::infer::Backbone;
use pilah_models::name::ContentId;
use pilah_models::picture::{self, Limits};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tokio_util::sync::CancellationToken;

use crate::error::HttpError;
use crate::store::entity::embedding;
use crate::store::{BlobError, Blobs, Store, StoreError};

/// How many images are read, embedded and committed together.
const BATCH: usize = 32;

/// How many images are embedded at once.
const THREADS: usize = 2;

/// How many rows are asked for at once, well below SQLite's limit on parameters.
const ROWS: usize = 500;

/// Why images are not embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Someone stopped it.
    #[error("embedding was cancelled")]
    Cancelled,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object storage failed: disk full, no permission.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl From<DbErr> for EmbedError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<EmbedError> for HttpError {
    fn from(error: EmbedError) -> Self {
        match error {
            EmbedError::Cancelled => Self::internal(error),
            EmbedError::Store(error) => error.into(),
            EmbedError::Blob(error) => error.into(),
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many images were embedded or found unreadable.
    pub done: u64,
    /// How many there are to do.
    pub total: u64,
    /// How many had been embedded before.
    pub cached: u64,
}

/// The embeddings of some images by one backbone.
#[derive(Debug, Default)]
pub struct Embeddings {
    vectors: HashMap<ContentId, Vec<f32>>,
    /// How many were computed.
    pub computed: u64,
    /// How many had been computed before.
    pub cached: u64,
    /// Images that could not be read, with the reason.
    pub failed: Vec<(ContentId, String)>,
}

impl Embeddings {
    /// The embedding of an image, unless it could not be read.
    #[must_use]
    pub fn get(&self, content: &ContentId) -> Option<&[f32]> {
        self.vectors.get(content).map(Vec::as_slice)
    }
}

/// Embeds images, those that have been embedded before from the database.
///
/// An image that is missing or damaged is left out and named; a failing disk or database ends it.
///
/// # Errors
/// [`EmbedError`]: cancelled, or the storage failed.
pub async fn embed<'a>(
    store: &Store,
    blobs: &Blobs,
    backbone: &Arc<Backbone>,
    id: &ContentId,
    images: impl IntoIterator<Item = &'a ContentId>,
    told: &(dyn Fn(Progress) + Send + Sync),
    stop: &CancellationToken,
) -> Result<Embeddings, EmbedError> {
    let mut seen = HashSet::new();
    let images: Vec<ContentId> = images.into_iter().filter(|image| seen.insert(*image)).cloned().collect();
    let mut done = Embeddings { vectors: read_cached(store, backbone, id, &images).await?, ..Embeddings::default() };
    done.cached = done.vectors.len() as u64;
    let missing: Vec<ContentId> = images.iter().filter(|image| !done.vectors.contains_key(image)).cloned().collect();
    let total = missing.len() as u64;
    told(Progress { done: 0, total, cached: done.cached });
    for batch in missing.chunks(BATCH) {
        if stop.is_cancelled() {
            return Err(EmbedError::Cancelled);
        }
        let mut files = Vec::with_capacity(batch.len());
        for content in batch {
            match blobs.get(content).await {
                Ok(bytes) => files.push((content.clone(), bytes)),
                Err(error @ (BlobError::Missing(_) | BlobError::Damaged(_))) => {
                    done.failed.push((content.clone(), error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let shared = Arc::clone(backbone);
        let embedded = tokio::task::spawn_blocking(move || embed_files(&shared, files))
            .await
            .expect("embedding does not panic and is not aborted");
        let mut new = Vec::with_capacity(batch.len());
        for (content, result) in embedded {
            match result {
                Ok(vector) => new.push((content, vector)),
                Err(reason) => done.failed.push((content, reason)),
            }
        }
        write(store, id, &new).await?;
        done.computed += new.len() as u64;
        done.vectors.extend(new);
        let finished = done.computed + done.failed.len() as u64;
        told(Progress { done: finished, total, cached: done.cached });
    }
    Ok(done)
}

type Embedded = (ContentId, Result<Vec<f32>, String>);

fn embed_files(backbone: &Backbone, files: Vec<(ContentId, Vec<u8>)>) -> Vec<Embedded> {
    let share = files.len().div_ceil(THREADS).max(1);
    std::thread::scope(|scope| {
        let embed_part = |part: &[(ContentId, Vec<u8>)]| -> Vec<Embedded> {
            part.iter().map(|(content, bytes)| (content.clone(), embed_file(backbone, bytes))).collect()
        };
        let threads: Vec<_> = files.chunks(share).map(|part| scope.spawn(move || embed_part(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("embedding does not panic")).collect()
    })
}

fn embed_file(backbone: &Backbone, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let image = picture::decode(bytes, &Limits::default()).map_err(|error| error.to_string())?;
    backbone.embed(&image).map_err(|error| error.to_string())
}

async fn read_cached(
    store: &Store,
    backbone: &Backbone,
    id: &ContentId,
    images: &[ContentId],
) -> Result<HashMap<ContentId, Vec<f32>>, EmbedError> {
    let mut vectors = HashMap::with_capacity(images.len());
    for part in images.chunks(ROWS) {
        let rows = embedding::Entity::find()
            .filter(embedding::Column::BackboneSha256.eq(id.as_str()))
            .filter(embedding::Column::ContentSha256.is_in(part.iter().map(ContentId::as_str)))
            .all(store.db())
            .await?;
        for row in rows {
            // A vector of another length is of no use and is computed again.
            if let (Ok(content), Some(vector)) = (ContentId::new(row.content_sha256), from_bytes(&row.vector))
                && vector.len() == backbone.embedding_len()
            {
                vectors.insert(content, vector);
            }
        }
    }
    Ok(vectors)
}

async fn write(store: &Store, id: &ContentId, vectors: &[(ContentId, Vec<f32>)]) -> Result<(), EmbedError> {
    if vectors.is_empty() {
        return Ok(());
    }
    let rows = vectors.iter().map(|(content, vector)| embedding::ActiveModel {
        backbone_sha256: Set(id.to_string()),
        content_sha256: Set(content.to_string()),
        vector: Set(to_bytes(vector)),
    });
    let key = [embedding::Column::BackboneSha256, embedding::Column::ContentSha256];
    let replace = OnConflict::columns(key).update_column(embedding::Column::Vector).to_owned();
    embedding::Entity::insert_many(rows).on_conflict(replace).exec_without_returning(store.db()).await?;
    Ok(())
}

pub(super) fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub(super) fn from_bytes(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|x| f32::from_le_bytes(*x)).collect())
}
