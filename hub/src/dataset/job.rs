//! What has to be looked after in the background: what a killed hub left behind, samples from before there
//! were perceptual hashes, and samples that nobody labels.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pilah_models::name::ContentId;
use pilah_models::picture::{self, Limits};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cluster::{self, LooksColumns};
use super::delete::{self, Whose};
use super::leftovers::{Suspects, Swept};
use super::{DatasetError, leftovers, looks};
use crate::error::Chain;
use crate::store::entity::sample;
use crate::store::{BlobError, Blobs, Store, now_ms};

/// How often it is looked for what has to go.
const EVERY: Duration = Duration::from_hours(6);

/// How many samples are looked up at once.
const BATCH: u64 = 50;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Starts the background work.
pub fn start(
    store: Store,
    blobs: Blobs,
    data: PathBuf,
    keep_unlabelled_days: Option<u32>,
    tasks: &mut JoinSet<()>,
    stop: CancellationToken,
) {
    tasks.spawn(async move {
        let work = async {
            match fill_in_looks(&store, &blobs).await {
                Ok(0) => {}
                Ok(samples) => tracing::info!(samples, "perceptual hashes computed of samples that had none"),
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "perceptual hashes are missing; restart to try again");
                }
            }
            let (objects, mut suspects) = (data.join("objects"), None);
            let mut rounds = tokio::time::interval(EVERY);
            loop {
                rounds.tick().await;
                sweep(&store, &objects, &mut suspects).await;
                let Some(days) = keep_unlabelled_days else { continue };
                if let Err(error) = retain(&store, &blobs, days, now_ms()).await {
                    tracing::error!(error = %Chain(&error), "old samples are not deleted; tried again in 6 hours");
                }
            }
        };
        stop.run_until_cancelled(work).await;
    });
}

/// Takes away what killed hubs left behind. The first round after a start finds nothing suspicious yet.
async fn sweep(store: &Store, objects: &Path, suspects: &mut Option<Suspects>) {
    let (folder, now) = (objects.to_owned(), SystemTime::now());
    let half_written = tokio::task::spawn_blocking(move || leftovers::sweep_half_written(&folder, now));
    let half_written = half_written.await.expect("looking at files does not panic").map_err(DatasetError::from);
    let unshown = match suspects {
        None => Ok(Swept::Gone { taken: 0, waiting: 0 }),
        Some(suspects) => leftovers::sweep_unshown(store, objects, now, suspects).await,
    };
    suspects.get_or_insert_default();
    match (half_written, unshown) {
        (Ok(0), Ok(Swept::Gone { taken: 0, waiting: 0 })) => {}
        (Ok(half_written), Ok(Swept::Gone { taken, waiting })) => {
            tracing::info!(half_written, taken, waiting, "images of a killed hub taken away");
        }
        (Ok(_), Ok(Swept::NothingKnown { unshown })) => tracing::error!(
            unshown,
            "the database knows no image, but there are images; none is taken away. If the database is not the one that \
             belongs to them, restore that"
        ),
        (Ok(_), Ok(Swept::TooMany { unshown })) => tracing::error!(
            unshown,
            "the database does not know many of the images; none is taken away. If it is older than they are, restore a \
             newer backup of it"
        ),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(error = %Chain(&error), "images of a killed hub cannot be looked for; tried again in 6 hours");
        }
    }
}

/// Deletes samples of bins that nobody has labelled for so many days. Tells how many.
///
/// # Errors
/// The storage failed.
pub async fn retain(store: &Store, blobs: &Blobs, days: u32, now_ms: i64) -> Result<u64, DatasetError> {
    let whose = Whose::UnlabelledBefore(now_ms - i64::from(days) * DAY_MS);
    if delete::plan(store.db(), &whose).await?.samples == 0 {
        return Ok(0);
    }
    let deletion = delete::delete(store, blobs, &whose, "hub").await?;
    tracing::info!(samples = deletion.samples, days, "old samples without a label deleted");
    Ok(deletion.samples)
}

/// Computes the perceptual hash of samples that have none, and links near-duplicates. A split that was given
/// is not moved: of two near-duplicates in different splits, the one that is looked at now loses its split.
///
/// # Errors
/// The storage failed.
async fn fill_in_looks(store: &Store, blobs: &Blobs) -> Result<u64, DatasetError> {
    let (mut after, mut filled) = (String::new(), 0);
    loop {
        let rows = sample::Entity::find()
            .filter(sample::Column::Looks.is_null())
            .filter(sample::Column::Id.gt(after.as_str()))
            .order_by_asc(sample::Column::Id)
            .limit(BATCH)
            .all(store.db())
            .await?;
        let Some(last) = rows.last() else { return Ok(filled) };
        after.clone_from(&last.id);
        for row in rows {
            let content = super::store::read(&row.id, ContentId::new(row.content_sha256.as_str()))?;
            let jpeg = match blobs.get(&content).await {
                Ok(jpeg) => jpeg,
                Err(error @ (BlobError::Missing(_) | BlobError::Damaged(_))) => {
                    tracing::warn!(sample = row.id, %error, "no perceptual hash");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let hash = move || picture::decode(&jpeg, &Limits::default()).map(|image| looks::perceptual_hash(&image));
            match tokio::task::spawn_blocking(hash).await.expect("decoding does not panic") {
                Ok(hash) => fill_in(store, row, hash).await?,
                Err(error) => {
                    tracing::warn!(sample = row.id, %error, "no perceptual hash");
                    continue;
                }
            }
            filled += 1;
        }
    }
}

async fn fill_in(store: &Store, row: sample::Model, hash: u64) -> Result<(), DatasetError> {
    let tx = store.begin().await?;
    let place = cluster::place(&tx, &row.group_key, hash, None).await?;
    let mut change = sample::ActiveModel { id: Set(row.id.clone()), ..Default::default() };
    LooksColumns::of(hash).set(&mut change);
    if let Some(reason) = &place.excluded {
        tracing::warn!(sample = row.id, split = row.split, reason, "taken out of its split");
        change.split = Set(None);
    }
    change.cluster = Set(Some(place.cluster));
    change.excluded = Set(place.excluded);
    change.update(&tx).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests;
