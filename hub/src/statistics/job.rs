//! What takes long, in the background: the learning curve, and the size of the folder. Idempotent, on a
//! period; each result is kept in the database with what it was computed from, and computed anew when
//! that has changed. While a training runs nothing is computed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pilah_models::name::ContentId;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{Mutex, Notify};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::curve::{self, LearningCurve};
use super::store::{self, Labelled};
use crate::embeddings::Vectors;
use crate::error::Chain;
use crate::registry::Parts;
use crate::review::folds::Example;
use crate::review::store::{keep, kept};
use crate::review::value::draw;
use crate::store::now_ms;
use crate::train::Trainer;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(60);

/// The learning curve is computed anew when this share of the labels has come or gone.
const CHANGED_SHARE: f64 = 0.05;

/// At most this many training images are fitted on: some minutes on one processor.
const MOST_IMAGES: usize = 20_000;

/// How old the size of the folder may be.
const SIZE_AGE_MS: i64 = 10 * 60 * 1000;

/// The names under which results are kept.
pub(super) const LEARNING_CURVE: &str = "learning_curve";
pub(super) const FOLDER_SIZE: &str = "folder_size";

/// How much room the data folder takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FolderSize {
    /// Images and networks, in bytes.
    pub objects_bytes: u64,
    /// How many files that is.
    pub objects: u64,
    /// The database with its log, in bytes.
    pub database_bytes: u64,
}

/// Nudges the background computations. Clones nudge the same ones.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    nudge: Arc<Notify>,
}

impl Statistics {
    /// Asks for what is out of date to be computed now.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }
}

/// Starts the reconciler; it ends with `shutdown`. `turn` is held while something long is computed.
#[must_use]
pub fn start(
    parts: Parts,
    folder: PathBuf,
    vectors: Vectors,
    trainer: Trainer,
    turn: Arc<Mutex<()>>,
    shutdown: CancellationToken,
) -> Statistics {
    let statistics = Statistics::default();
    let nudge = Arc::clone(&statistics.nudge);
    let reconciler = Reconciler { parts, folder, vectors, stop: shutdown.clone() };
    tokio::spawn(async move {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = period.tick() => {}
                () = nudge.notified() => {}
            }
            if trainer.status().in_progress {
                continue;
            }
            let _turn = turn.lock().await;
            if let Err(error) = reconciler.pass().await
                && !shutdown.is_cancelled()
            {
                tracing::error!(error = %Chain(&error), "statistics not computed; it is tried again");
            }
        }
    });
    statistics
}

/// What a pass needs.
pub(super) struct Reconciler {
    pub(super) parts: Parts,
    pub(super) folder: PathBuf,
    pub(super) vectors: Vectors,
    pub(super) stop: CancellationToken,
}

impl Reconciler {
    /// Computes what is out of date.
    pub(super) async fn pass(&self) -> Result<(), DbErr> {
        self.measure_folder().await?;
        self.measure_curve().await
    }

    async fn measure_folder(&self) -> Result<(), DbErr> {
        let db = self.parts.store.db();
        let before = kept::<FolderSize>(db, FOLDER_SIZE).await?;
        if before.is_some_and(|before| now_ms() - before.computed_ms < SIZE_AGE_MS) {
            return Ok(());
        }
        let folder = self.folder.clone();
        let size = tokio::task::spawn_blocking(move || measure(&folder)).await;
        let size = size.expect("reading a folder does not panic and is not aborted");
        keep(db, FOLDER_SIZE, &serde_json::Value::Null, &size, now_ms()).await
    }

    async fn measure_curve(&self) -> Result<(), DbErr> {
        let db = self.parts.store.db();
        let status = self.vectors.status();
        // A curve of half of the images would be computed again in a minute.
        let is_whole = self.vectors.is_read() && status.missing == 0;
        let Some(backbone) = status.backbone.filter(|_| is_whole) else { return Ok(()) };
        let counted = store::count(db).await?;
        let labels: u64 = counted.iter().filter(|row| row.split.is_some()).map(|row| row.samples).sum();
        let before = kept::<LearningCurve>(db, LEARNING_CURVE).await?;
        if before.is_some_and(|before| is_fresh(&before.inputs, &backbone, labels)) {
            return Ok(());
        }
        let rows = store::labelled(db).await?;
        let (vectors, stop) = (self.vectors.clone(), self.stop.clone());
        let compute = move || {
            let (train, validation, classes) = examples(&rows, &vectors);
            let images = rows.iter().filter(|row| row.split == "train").count() as u64;
            curve::measure(&train, &validation, classes, images, &stop)
        };
        let curve = tokio::task::spawn_blocking(compute).await.expect("fitting does not panic and is not aborted");
        let Ok(curve) = curve else { return Ok(()) };
        tracing::info!(sentence = curve.sentence, "learning curve computed");
        keep(db, LEARNING_CURVE, &json!({ "backbone": backbone, "labels": labels }), &curve, now_ms()).await
    }
}

fn is_fresh(inputs: &serde_json::Value, backbone: &str, labels: u64) -> bool {
    let before = inputs["labels"].as_u64().unwrap_or(0);
    let changed = labels.abs_diff(before) as f64;
    inputs["backbone"].as_str() == Some(backbone) && (changed == 0.0 || changed < CHANGED_SHARE * labels as f64)
}

/// Training and validation images that have an embedding, and how many classes they have. Whole groups are
/// left out if there are too many.
fn examples(rows: &[Labelled], vectors: &Vectors) -> (Vec<Example>, Vec<Example>, usize) {
    let labels: BTreeSet<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let training = rows.iter().filter(|row| row.split == "train").count();
    let share = MOST_IMAGES as f64 / training.max(1) as f64;
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for row in rows {
        let is_training = row.split == "train";
        if is_training && draw(&row.group_key) >= share {
            continue;
        }
        let embedding = ContentId::new(row.content_sha256.as_str()).ok().and_then(|id| vectors.get(&id));
        let Some(embedding) = embedding else { continue };
        let class = labels.binary_search(&row.label.as_str()).expect("a label of these rows");
        let example = Example { embedding, class, group: row.group_key.clone() };
        if is_training { train.push(example) } else { validation.push(example) }
    }
    (train, validation, labels.len())
}

/// Adds up what lies in the data folder. What cannot be read counts as nothing: a file that is replaced at
/// this moment, mostly.
fn measure(folder: &Path) -> FolderSize {
    let mut size = FolderSize::default();
    let mut folders = vec![folder.join("objects")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => {
                    size.objects += 1;
                    size.objects_bytes += metadata.len();
                }
                Err(_) => {}
            }
        }
    }
    for file in ["pilah.db", "pilah.db-wal"] {
        size.database_bytes += std::fs::metadata(folder.join(file)).map_or(0, |metadata| metadata.len());
    }
    size
}
