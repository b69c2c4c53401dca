//! Frozen versions of the dataset.
//!
//! A version is the list of all labelled samples with label, split and SHA-256 of the image, as it was at
//! one moment. It is named by its content and never changes; the same dataset has the same version however
//! often it is frozen. It says nothing of bins and people, so that it may outlive what they ask to delete.
//!
//! # Format 1
//! Canonical JSON (RFC 8785: no blanks, members by name). The manifest names the *shards*, which list up to
//! [`SHARD`] samples each, by id:
//!
//! ```text
//! {"counts":{"glass":{"test":1,"train":8}},"format":1,"samples":9,"shards":["5f…"]}
//! [{"at_ms":1,"cluster":"9c…","content":"ab…","height":384,"id":"0190…","label":"glass","looks":"0f…","split":"train","width":512},…]
//! ```
//!
//! Manifest and shards lie in the object storage under their SHA-256; the manifest's is the version's id.
//! Ids grow with time, so that a version shares all shards but the last ones with the version before it,
//! and no version has to be in memory as a whole.

/// What is different between two versions.
mod difference;

use std::collections::BTreeMap;

use pilah_models::name::{ContentId, Label};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use difference::{Changed, Difference, NAMED, compare};

use super::store::Labelled;
use super::{DatasetError, Split, UNUSABLE};
use crate::store::entity::{dataset_version, sample};
use crate::store::{Blobs, Store, StoreError, now_ms};

/// How many samples a shard has at most: 1.5 MB.
pub const SHARD: usize = 5000;

/// Samples by label and split; `none` for those that have no split.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// What a version consists of, in the order of the canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    counts: Counts,
    format: u32,
    samples: u64,
    shards: Vec<ContentId>,
}

/// A sample of a version, in the order of the canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// When it was taken, in milliseconds since 1970.
    pub at_ms: i64,
    /// The start of the SHA-256 of its cluster's name: equal for what belongs together.
    pub cluster: String,
    /// The JPEG.
    pub content: ContentId,
    /// In pixels.
    pub height: i32,
    /// The sample.
    pub id: String,
    /// What it shows.
    pub label: Label,
    /// Its perceptual hash, 16 hexadecimal digits, if it was computed.
    pub looks: Option<String>,
    /// What it is used for; `null` for one that resembles samples of two splits.
    pub split: Option<Split>,
    /// In pixels.
    pub width: i32,
}

/// A version, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The SHA-256 of its manifest.
    #[schema(value_type = String)]
    pub id: ContentId,
    /// When it was first frozen, in milliseconds since 1970.
    pub created_ms: i64,
    /// By whom.
    pub by: String,
    /// What for.
    pub note: String,
    /// How many samples it has.
    pub samples: u64,
    /// Samples by label and split; `none` for those that have no split.
    pub counts: Counts,
}

/// Freezes the dataset as it is now. One that was frozen before has the version that it had.
///
/// # Errors
/// The storage failed.
pub async fn freeze(store: &Store, blobs: &Blobs, by: &str, note: &str) -> Result<Version, DatasetError> {
    let mut manifest = Manifest { counts: Counts::new(), format: 1, samples: 0, shards: Vec::new() };
    // One transaction sees one moment.
    let moment = store.moment().await?;
    let mut after = String::new();
    loop {
        let shard = shard_after(&moment, &after).await?;
        let Some(last) = shard.last() else { break };
        after.clone_from(&last.id);
        for sample in &shard {
            let split = sample.split.map_or("none", Split::name);
            *manifest.counts.entry(sample.label.to_string()).or_default().entry(split.to_owned()).or_default() += 1;
        }
        manifest.samples += shard.len() as u64;
        manifest.shards.push(blobs.put(json(&shard)).await?);
    }
    moment.rollback().await?;
    let id = blobs.put(json(&manifest)).await?;
    let row = dataset_version::ActiveModel {
        id: Set(id.to_string()),
        created_ms: Set(now_ms()),
        by: Set(by.to_owned()),
        note: Set(note.to_owned()),
        samples: Set(i64::try_from(manifest.samples).unwrap_or(i64::MAX)),
        counts_json: Set(String::from_utf8_lossy(&json(&manifest.counts)).into_owned()),
    };
    let same = [dataset_version::Column::Id];
    dataset_version::Entity::insert(row).on_conflict_do_nothing_on(same).exec_without_returning(store.db()).await?;
    find(store.db(), id.as_str()).await
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("text, whole numbers and maps of them are JSON")
}

async fn shard_after(db: &impl ConnectionTrait, after: &str) -> Result<Vec<Frozen>, DatasetError> {
    let rows = sample::Entity::find()
        .filter(sample::Column::Id.gt(after))
        .filter(sample::Column::Label.is_not_null())
        .filter(sample::Column::Label.ne(UNUSABLE))
        .order_by_asc(sample::Column::Id)
        .limit(SHARD as u64)
        .all(db)
        .await?;
    rows.into_iter().map(|row| Ok(frozen(row)?)).collect()
}

fn frozen(row: sample::Model) -> Result<Frozen, StoreError> {
    let corrupt = |problem: String| StoreError::Corrupt { table: "samples", row: row.id.clone(), problem };
    let label = Label::new(row.label.as_deref().unwrap_or_default()).map_err(|error| corrupt(error.to_string()))?;
    let content = ContentId::new(row.content_sha256.as_str()).map_err(|error| corrupt(error.to_string()))?;
    let split = row.split.as_deref().map(str::parse).transpose();
    let split = split.map_err(|error: super::split::UnknownSplit| corrupt(error.to_string()))?;
    let cluster = ContentId::of(row.cluster.as_ref().unwrap_or(&row.group_key).as_bytes());
    Ok(Frozen {
        at_ms: row.at_ms,
        cluster: cluster.as_str()[..16].to_owned(),
        content,
        height: row.height,
        looks: row.looks.map(|looks| format!("{:016x}", looks.cast_unsigned())),
        label,
        split,
        width: row.width,
        id: row.id,
    })
}

/// All versions, newest first.
///
/// # Errors
/// The database failed.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Version>, DatasetError> {
    let rows = dataset_version::Entity::find().order_by_desc(dataset_version::Column::CreatedMs).all(db).await?;
    rows.into_iter().map(of_row).collect()
}

/// A version by its id, or by a beginning of it that no other has.
///
/// # Errors
/// [`DatasetError::NoVersion`], or the database failed.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Version, DatasetError> {
    let unknown = || DatasetError::NoVersion(id.chars().take(80).collect());
    if id.len() < 8 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let rows =
        dataset_version::Entity::find().filter(dataset_version::Column::Id.starts_with(id)).limit(2).all(db).await?;
    match <[_; 1]>::try_from(rows) {
        Ok([row]) => of_row(row),
        Err(_) => Err(unknown()),
    }
}

fn of_row(row: dataset_version::Model) -> Result<Version, DatasetError> {
    let corrupt = |problem: String| StoreError::Corrupt { table: "dataset_versions", row: row.id.clone(), problem };
    Ok(Version {
        id: ContentId::new(row.id.as_str()).map_err(|error| corrupt(error.to_string()))?,
        counts: serde_json::from_str(&row.counts_json).map_err(|error| corrupt(error.to_string()))?,
        created_ms: row.created_ms,
        by: row.by,
        note: row.note,
        samples: u64::try_from(row.samples).unwrap_or(0),
    })
}

/// The samples of a version that can be trained on, by id.
///
/// # Errors
/// As [`Samples::of`].
pub async fn labelled(blobs: &Blobs, id: &ContentId) -> Result<Vec<Labelled>, DatasetError> {
    let (mut samples, mut labelled) = (Samples::of(blobs, id).await?, Vec::new());
    while let Some(shard) = samples.next_shard().await? {
        labelled.extend(shard.into_iter().filter_map(|sample| {
            let split = sample.split?;
            Some(Labelled { content: sample.content, label: sample.label, split })
        }));
    }
    Ok(labelled)
}

/// The samples of a version, by id, a shard at a time.
#[derive(Debug)]
pub struct Samples {
    blobs: Blobs,
    all: Vec<ContentId>,
    shards: std::vec::IntoIter<ContentId>,
    now: std::vec::IntoIter<Frozen>,
}

impl Samples {
    /// Begins to read a version.
    ///
    /// # Errors
    /// The object storage failed, or the version is not as it was written.
    pub async fn of(blobs: &Blobs, id: &ContentId) -> Result<Self, DatasetError> {
        let manifest: Manifest = parse(id, &blobs.get(id).await?)?;
        if manifest.format != 1 {
            return Err(damaged(id, format!("format {} is newer than this hub: update it", manifest.format)).into());
        }
        let (all, shards) = (manifest.shards.clone(), manifest.shards.into_iter());
        Ok(Self { blobs: blobs.clone(), all, shards, now: Vec::new().into_iter() })
    }

    /// The next shard.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn next_shard(&mut self) -> Result<Option<Vec<Frozen>>, DatasetError> {
        let Some(id) = self.shards.next() else { return Ok(None) };
        Ok(Some(parse(&id, &self.blobs.get(&id).await?)?))
    }

    /// The same samples from the start.
    #[must_use]
    pub fn again(&self) -> Self {
        let shards = self.all.clone().into_iter();
        Self { blobs: self.blobs.clone(), all: self.all.clone(), shards, now: Vec::new().into_iter() }
    }

    async fn next(&mut self) -> Result<Option<Frozen>, DatasetError> {
        loop {
            if let Some(sample) = self.now.next() {
                return Ok(Some(sample));
            }
            match self.next_shard().await? {
                Some(shard) => self.now = shard.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(id: &ContentId, bytes: &[u8]) -> Result<T, DatasetError> {
    Ok(serde_json::from_slice(bytes).map_err(|error| damaged(id, error.to_string()))?)
}

fn damaged(id: &ContentId, problem: String) -> StoreError {
    StoreError::Corrupt { table: "dataset_versions", row: id.to_string(), problem }
}

#[cfg(test)]
mod tests;
