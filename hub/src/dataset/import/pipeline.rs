//! Read, decoded, stored, committed.
//!
//! ```text
//! read (one thread) ──▶ decode, encode, hash (all processors) ──▶ store the image ──▶ 32 rows, one commit
//! ```
//!
//! The order of the files is kept, so that the same import gives the same splits. What the storage does
//! not take, disk full above all, is listed, and images whose rows were not committed are taken away.

use std::borrow::Cow;
use std::fs;
use std::num::NonZero;

use futures::StreamExt as _;
use pilah_models::name::ContentId;
use pilah_models::picture::Limits;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::archive::{self, Archive};
use super::{At, Entry, Found, ImportError, ImportReport, Options, Origin, ZipLimits};
use crate::dataset::decoding::decode_with_room;
use crate::dataset::store::{self, NewSample, Source, Stored, Tally};
use crate::dataset::{DatasetError, Prepared, group, looks};
use crate::error::Chain;
use crate::store::entity::sample;
use crate::store::{Blobs, Store};

/// How many files are committed together.
const BATCH: usize = 32;

/// The most images decoded at once, whatever the processors; large ones wait for room, too ([`decode_with_room`]).
const MOST_DECODERS: usize = 8;

/// Files that wait to be decoded: 25 MB each at most. When it is full, reading waits.
const READ_AHEAD: usize = 4;

/// Images that are being written to the disk while others are decoded.
const SYNCING: usize = 2;

/// Images that wait for their batch: 1 MB each. When it is full, decoding waits.
const READY_AHEAD: usize = 16;

/// So many files after each other that the storage does not take are the last that are tried.
const GIVE_UP_AFTER: usize = 64;

/// What is said of a file that came after these.
const NOT_TRIED: &str = "not tried: the storage did not take the files before it";

/// Where the bytes come from.
pub(super) enum Files {
    Folder,
    Zip(Box<Archive>),
}

/// A file on its way.
struct Ready {
    entry: Entry,
    image: Image,
}

/// What became of its bytes.
enum Image {
    /// An image, in the object storage; whether it is new there.
    Stored(Box<Prepared>, ContentId, bool),
    /// The very file came from here: it is a stored image.
    Known(ContentId),
    /// No image that is taken.
    Refused(String),
    /// The storage failed.
    Failed(String),
}

pub(super) async fn run(
    store: &Store,
    blobs: &Blobs,
    found: Found,
    files: Files,
    options: &Options,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<ImportReport, ImportError> {
    let renamed = found.renamed();
    let Found { entries, skipped, collection, .. } = found;
    let count = (entries.len() + skipped.len()) as u64;
    let mut report = ImportReport { files: count, renamed, skipped, ..ImportReport::default() };
    let total = report.files;
    progress(report.skipped.len() as u64, total);
    let mut left = entries.clone().into_iter();
    // Ends the reading; what was read by then still comes, so that none of it is forgotten.
    let end = options.stop.child_token();
    let mut kept = read_and_keep(store, blobs, entries, files, options.limits, end.clone());
    let (mut batch, mut failures) = (Vec::with_capacity(BATCH), 0);
    while receive_batch(&mut kept, &mut batch).await {
        left.by_ref().take(batch.len()).for_each(drop);
        if end.is_cancelled() {
            discard(store, blobs, &batch).await;
            batch.iter().for_each(|ready| report.skip(&ready.entry, NOT_TRIED.into()));
        } else {
            let before = report.skipped.len();
            let taken = commit(store, blobs, &collection, &options.by, &batch, &mut report).await;
            failures = if taken { 0 } else { failures + report.skipped.len() - before };
            if failures >= GIVE_UP_AFTER {
                end.cancel();
            }
            progress(total - left.len() as u64, total);
        }
        batch.clear();
    }
    if options.stop.is_cancelled() {
        return Err(ImportError::Stopped);
    }
    left.for_each(|entry| report.skip(&entry, NOT_TRIED.into()));
    progress(total, total);
    Ok(report)
}

/// Takes the next files, a full batch unless they are the last. `false`: there are none.
async fn receive_batch(kept: &mut mpsc::Receiver<Ready>, batch: &mut Vec<Ready>) -> bool {
    while batch.len() < BATCH && kept.recv_many(batch, BATCH - batch.len()).await > 0 {}
    !batch.is_empty()
}

/// Starts the reading and the decoding. The files come out in their order.
fn read_and_keep(
    store: &Store,
    blobs: &Blobs,
    entries: Vec<Entry>,
    files: Files,
    zip: ZipLimits,
    end: CancellationToken,
) -> mpsc::Receiver<Ready> {
    let (read_to, read_from) = mpsc::channel(READ_AHEAD);
    let (keep_to, keep_from) = mpsc::channel(READY_AHEAD);
    tokio::task::spawn_blocking(move || read_all(files, entries, &zip, &read_to, &end));
    let decoders = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_DECODERS);
    let (store, blobs, turns) = (store.clone(), blobs.clone(), Semaphore::new(decoders));
    tokio::spawn(async move {
        let (store, blobs, turns) = (&store, &blobs, &turns);
        let mut kept = std::pin::pin!(
            ReceiverStream::new(read_from)
                .map(|(entry, bytes)| async move { Ready { entry, image: keep(store, blobs, bytes, turns).await } })
                .buffered(decoders + SYNCING)
        );
        while let Some(ready) = kept.next().await {
            if keep_to.send(ready).await.is_err() {
                break;
            }
        }
    });
    keep_from
}

type ReadFile = (Entry, Result<Vec<u8>, String>);

fn read_all(
    mut files: Files,
    entries: Vec<Entry>,
    zip: &ZipLimits,
    read_to: &mpsc::Sender<ReadFile>,
    end: &CancellationToken,
) {
    let limits = Limits::default();
    for entry in entries {
        if end.is_cancelled() {
            return;
        }
        let bytes = match (&mut files, &entry.at) {
            (Files::Zip(archive), At::Zip(number)) => archive::read(archive, *number, zip, &limits),
            (_, At::File(path)) => read_file(path, &limits),
            (Files::Folder, At::Zip(_)) => unreachable!("a folder has no zip's entries"),
        };
        // It fails when the import has ended.
        if read_to.blocking_send((entry, bytes)).is_err() {
            return;
        }
    }
}

fn read_file(path: &std::path::Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let read = || {
        // Looked at before it is read, so that a huge file costs nothing, nor does a pipe.
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Ok(Err("it is no file".to_owned()));
        }
        let size = metadata.len();
        if size > limits.bytes as u64 {
            return Ok(Err(format!("the file has {size} bytes, the limit is {}", limits.bytes)));
        }
        fs::read(path).map(Ok)
    };
    read().unwrap_or_else(|error: std::io::Error| Err(format!("cannot be read: {error}")))
}

/// Decodes, encodes and stores an image.
async fn keep(store: &Store, blobs: &Blobs, bytes: Result<Vec<u8>, String>, turns: &Semaphore) -> Image {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(reason) => return Image::Refused(reason),
    };
    let itself = ContentId::of(&bytes);
    let same = sample::Entity::find().filter(sample::Column::ContentSha256.eq(itself.as_str()));
    match same.count(store.db()).await {
        Ok(0) => {}
        Ok(_) => return Image::Known(itself),
        Err(error) => return Image::Failed(storage(&error)),
    }
    let prepare =
        |bytes: Vec<u8>| crate::dataset::prepare(&bytes, &Limits::default()).map_err(|error| error.to_string());
    let turn = turns.acquire().await.expect("nobody closes it");
    let prepared = match decode_with_room(bytes, prepare).await {
        Ok(prepared) => prepared,
        Err(reason) => return Image::Refused(reason),
    };
    drop(turn);
    match blobs.put_new(prepared.jpeg.clone()).await {
        Ok((content, is_new)) => Image::Stored(Box::new(prepared), content, is_new),
        Err(error) => Image::Failed(storage(&error)),
    }
}

fn storage(error: &dyn std::error::Error) -> String {
    format!("the storage did not take it: {}", Chain(error))
}

/// Commits a batch; if that fails, each file of it is listed. Tells whether the storage took any.
async fn commit(
    store: &Store,
    blobs: &Blobs,
    collection: &str,
    by: &str,
    batch: &[Ready],
    report: &mut ImportReport,
) -> bool {
    let any = batch.iter().any(|ready| matches!(ready.image, Image::Stored(..) | Image::Known(_)));
    let result = if any { try_commit(store, blobs, collection, by, batch).await } else { Ok(Vec::new()) };
    let mut outcomes = match result {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => {
            let reason = storage(&error);
            tracing::error!(error = %Chain(&error), files = batch.len(), "batch of an import not committed");
            discard(store, blobs, batch).await;
            for ready in batch {
                let reason = if let Image::Refused(reason) = &ready.image { reason } else { &reason };
                report.skip(&ready.entry, reason.clone());
            }
            return false;
        }
    };
    for Ready { entry, image } in batch {
        match image {
            Image::Refused(reason) | Image::Failed(reason) => report.skip(entry, reason.clone()),
            Image::Stored(..) | Image::Known(_) => match outcomes.next().expect("one for each image") {
                Stored::New { split, .. } => report.count(&entry.label, Some(split)),
                Stored::Excluded { .. } => report.count(&entry.label, None),
                Stored::Duplicate(_) => report.duplicates += 1,
                Stored::Conflict { sample, label } => {
                    report.skip(entry, format!("the same image is sample {sample}, labelled {label}"));
                }
            },
        }
    }
    any || !batch.iter().any(|ready| matches!(ready.image, Image::Failed(_)))
}

async fn try_commit(
    store: &Store,
    blobs: &Blobs,
    collection: &str,
    by: &str,
    batch: &[Ready],
) -> Result<Vec<Stored>, DatasetError> {
    for ready in batch {
        // The same image was there, of a batch that failed, and is taken away since.
        if let Image::Stored(image, content, false) = &ready.image
            && !blobs.exists(content).await?
        {
            blobs.put(image.jpeg.clone()).await?;
        }
    }
    let tx = store.begin().await?;
    let mut tally = Tally::read(&tx).await?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for Ready { entry, image } in batch {
        let outcome = match image {
            Image::Stored(image, content, _) => {
                let (group, image) = as_exported(collection, entry, image);
                let new = NewSample {
                    content,
                    image: &image,
                    label: &entry.label,
                    source: Source::Import,
                    by,
                    group: &group,
                    fixed: entry.fixed,
                    excluded: entry.origin.as_ref().is_some_and(|origin| origin.excluded),
                };
                store::insert(&tx, &mut tally, &new).await?
            }
            Image::Known(content) => match store::known(&tx, &mut tally, content, &entry.label, by).await? {
                Some(known) => known,
                None => Stored::Conflict { sample: "that was just deleted".into(), label: entry.label.to_string() },
            },
            Image::Refused(_) | Image::Failed(_) => continue,
        };
        outcomes.push(outcome);
    }
    tx.commit().await?;
    Ok(outcomes)
}

/// The group of an image, and its looks. What comes from an export keeps both, so that it belongs together
/// with the same as there; encoding it once more could turn a bit. A hash that is not its own is not taken.
fn as_exported<'a>(collection: &str, entry: &Entry, image: &'a Prepared) -> (String, Cow<'a, Prepared>) {
    let own = || group::of_file(collection, entry.fixed, &entry.label, entry.file_name(), image.looks);
    match &entry.origin {
        Some(Origin { cluster, looks: Some(looks), .. }) if looks::distance(*looks, image.looks) <= looks::NEAR => {
            (format!("export/{cluster}"), Cow::Owned(Prepared { looks: *looks, ..image.clone() }))
        }
        _ => (own(), Cow::Borrowed(image)),
    }
}

/// Takes away the images of a batch that is not committed.
async fn discard(store: &Store, blobs: &Blobs, batch: &[Ready]) {
    let new = batch.iter().filter_map(|ready| match &ready.image {
        Image::Stored(_, content, true) => Some(content.clone()),
        _ => None,
    });
    if let Err(error) = crate::dataset::delete::remove_unreferenced(store.db(), blobs, new.collect()).await {
        tracing::warn!(error = %Chain(&error), "images of a failed import were not taken away");
    }
}
