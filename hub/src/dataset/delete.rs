//! A bin's or a person's images, deleted everywhere, and proof of it.
//!
//! Deleted are the rows, the history of their labels, what backbones made of the images, and the images
//! themselves, unless another sample shows the very image. Versions that were frozen before name the images
//! by their SHA-256 alone; an export of such a version says which are gone. A batch is deleted in an order
//! that a crash cannot turn into an image without a row: the same deletion again finishes it.
//!
//! The proof is an entry of the audit log: what was asked for and by whom, how many samples and images
//! went, and one digest over the sorted SHA-256 of the images. Who has an image can show that it was among
//! them; who has the log alone learns nothing of it. Before the entry is written, the hub has looked that
//! none of it is left.

use std::collections::{BTreeMap, BTreeSet};

use pilah_models::name::ContentId;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DatasetError;
use crate::audit;
use crate::store::entity::{embedding, label_history, sample};
use crate::store::{Blobs, Store, StoreError};

/// How many samples are deleted in one transaction.
const BATCH: u64 = 500;

/// Whose samples, or which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// All that this bin sent.
    Bin(String),
    /// All that this person sent.
    Sender(String),
    /// All of bins that nobody has labelled and that came before this time, in milliseconds since 1970.
    UnlabelledBefore(i64),
}

impl Whose {
    fn condition(&self) -> Condition {
        match self {
            Self::Bin(bin) => Condition::all().add(sample::Column::Bin.eq(bin)),
            Self::Sender(name) => Condition::all().add(sample::Column::SentBy.eq(name)),
            Self::UnlabelledBefore(ms) => Condition::all()
                .add(sample::Column::Label.is_null())
                .add(sample::Column::Source.eq("bin"))
                .add(sample::Column::ReceivedMs.lt(*ms)),
        }
    }

    fn detail(&self) -> serde_json::Value {
        match self {
            Self::Bin(bin) => serde_json::json!({ "bin": bin }),
            Self::Sender(name) => serde_json::json!({ "sent_by": name }),
            Self::UnlabelledBefore(ms) => serde_json::json!({ "unlabelled_before_ms": ms }),
        }
    }
}

/// What a deletion takes, or would take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deletion {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// Samples.
    pub samples: u64,
    /// Images.
    pub images: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Images that stay, because other samples show the very same.
    pub kept: u64,
    /// SHA-256 over the sorted SHA-256 of the images, each on a line of its own.
    #[schema(value_type = Option<String>)]
    pub digest: Option<ContentId>,
    /// The number of the entry in the audit log, once it is done.
    pub audit: Option<i64>,
}

/// Says what a deletion would take.
///
/// # Errors
/// The database failed.
pub async fn plan(db: &impl ConnectionTrait, whose: &Whose) -> Result<Deletion, DatasetError> {
    let rows: Vec<(String, i64)> = sample::Entity::find()
        .select_only()
        .column(sample::Column::ContentSha256)
        .column(sample::Column::Bytes)
        .filter(whose.condition())
        .into_tuple()
        .all(db)
        .await?;
    let mut own: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (content, bytes) in &rows {
        let (count, size) = own.entry(content.clone()).or_default();
        (*count, *size) = (*count + 1, *bytes);
    }
    let mut deletion = Deletion { dry_run: true, samples: rows.len() as u64, ..Deletion::default() };
    let names: Vec<&String> = own.keys().collect();
    for part in names.chunks(BATCH as usize) {
        for (content, all) in references(db, part).await? {
            let (count, bytes) = own[&content];
            if all > count {
                deletion.kept += 1;
            } else {
                deletion.images += 1;
                deletion.bytes += u64::try_from(bytes).unwrap_or(0);
            }
        }
    }
    Ok(deletion)
}

/// How many samples show each of these images.
async fn references(db: &impl ConnectionTrait, contents: &[&String]) -> Result<Vec<(String, i64)>, DbErr> {
    sample::Entity::find()
        .select_only()
        .column(sample::Column::ContentSha256)
        .column_as(sample::Column::Id.count(), "n")
        .filter(sample::Column::ContentSha256.is_in(contents.iter().map(|content| content.as_str())))
        .group_by(sample::Column::ContentSha256)
        .into_tuple()
        .all(db)
        .await
}

/// Deletes, looks that nothing is left, and writes it into the audit log.
///
/// # Errors
/// The storage failed; the same again finishes it.
pub async fn delete(store: &Store, blobs: &Blobs, whose: &Whose, who: &str) -> Result<Deletion, DatasetError> {
    let mut deletion = Deletion::default();
    let (mut removed, mut all) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let rows = sample::Entity::find()
            .filter(whose.condition())
            .order_by_asc(sample::Column::Id)
            .limit(BATCH)
            .all(store.db())
            .await?;
        if rows.is_empty() {
            break;
        }
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let tx = store.begin().await?;
        let shared: Vec<String> = sample::Entity::find()
            .select_only()
            .column(sample::Column::ContentSha256)
            .filter(sample::Column::ContentSha256.is_in(rows.iter().map(|row| row.content_sha256.as_str())))
            .filter(sample::Column::Id.is_not_in(ids.iter().copied()))
            .into_tuple()
            .all(&tx)
            .await?;
        let mut going = BTreeSet::new();
        for row in &rows {
            let content = read(row)?;
            if !shared.contains(&row.content_sha256) && going.insert(content.clone()) {
                blobs.remove(&content).await?;
                deletion.bytes += u64::try_from(row.bytes).unwrap_or(0);
            }
            all.insert(content);
        }
        embedding::Entity::delete_many()
            .filter(embedding::Column::ContentSha256.is_in(going.iter().map(ContentId::as_str)))
            .exec(&tx)
            .await?;
        forget(&tx, &ids).await?;
        tx.commit().await?;
        deletion.samples += rows.len() as u64;
        removed.extend(going);
    }
    deletion.images = removed.len() as u64;
    deletion.kept = (all.len() - removed.len()) as u64;
    look_again(store, blobs, &removed).await?;
    let lines: String = removed.iter().map(|content| format!("{content}\n")).collect();
    deletion.digest = Some(ContentId::of(lines.as_bytes()));
    deletion.audit = Some(write_down(store, whose, who, &deletion).await?);
    Ok(deletion)
}

/// Deletes rows with all that refers to them. A table that names samples is added here.
async fn forget(tx: &impl ConnectionTrait, ids: &[&str]) -> Result<(), DbErr> {
    let of = |column: label_history::Column| column.is_in(ids.iter().copied());
    label_history::Entity::delete_many().filter(of(label_history::Column::SampleId)).exec(tx).await?;
    sample::Entity::delete_many().filter(sample::Column::Id.is_in(ids.iter().copied())).exec(tx).await?;
    Ok(())
}

/// Looks that images are gone: from the disk, and from what backbones made of them.
async fn look_again(store: &Store, blobs: &Blobs, removed: &BTreeSet<ContentId>) -> Result<(), DatasetError> {
    for content in removed {
        if blobs.exists(content).await? {
            return Err(DatasetError::NotGone(content.clone()));
        }
    }
    let names: Vec<&str> = removed.iter().map(ContentId::as_str).collect();
    for part in names.chunks(BATCH as usize) {
        let left = embedding::Entity::find()
            .filter(embedding::Column::ContentSha256.is_in(part.iter().copied()))
            .count(store.db())
            .await?;
        if left > 0 {
            return Err(DatasetError::NotGone(read_id(part[0])?));
        }
    }
    Ok(())
}

async fn write_down(store: &Store, whose: &Whose, who: &str, deletion: &Deletion) -> Result<i64, DbErr> {
    let mut detail = whose.detail();
    for (name, value) in [
        ("samples", serde_json::json!(deletion.samples)),
        ("images", serde_json::json!(deletion.images)),
        ("kept", serde_json::json!(deletion.kept)),
        ("digest", serde_json::json!(deletion.digest)),
    ] {
        detail[name] = value;
    }
    audit::note(store.db(), who, audit::DELETION, &detail).await
}

/// Takes away images that no sample shows: those of an upload or import that was not committed.
pub(crate) async fn remove_unreferenced(
    db: &impl ConnectionTrait,
    blobs: &Blobs,
    contents: Vec<ContentId>,
) -> Result<(), DatasetError> {
    for content in contents {
        let shown = sample::Entity::find().filter(sample::Column::ContentSha256.eq(content.as_str())).count(db).await?;
        if shown == 0 {
            blobs.remove(&content).await?;
        }
    }
    Ok(())
}

fn read(row: &sample::Model) -> Result<ContentId, StoreError> {
    read_id(&row.content_sha256)
}

fn read_id(content: &str) -> Result<ContentId, StoreError> {
    ContentId::new(content).map_err(|error| StoreError::Corrupt {
        table: "samples",
        row: content.to_owned(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
