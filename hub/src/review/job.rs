//! Keeps the queue up to date until the hub stops: idempotent, on a period and on a nudge.
//!
//! New samples are scored as soon as they have an embedding; all are scored anew when another model is
//! in service, when labels have been judged, and at the start. Labels are judged, which takes long, when
//! enough of them have changed. While a training runs nothing is computed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use pilah_models::name::ContentId;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::folds::{self, Example};
use super::noise::{self, Noise, Suspect};
use super::score::{Judge, References};
use super::store::{self, Scored, Which};
use super::{ReviewConfig, State, value};
use crate::embeddings::Vectors;
use crate::registry::Parts;
use crate::store::entity::{label_history, review, review_action, sample};
use crate::store::{StoreError, now_ms};
use crate::train::Trainer;

/// How often it looks without being nudged.
const PERIOD: Duration = Duration::from_secs(30);

/// Labels are judged anew when this many have changed, or this share of all.
const CHANGED_LABELS: u64 = 20;
const CHANGED_SHARE: f64 = 0.05;

/// Fewer labels say nothing about each other.
const LEAST_JUDGED: usize = 50;

/// At most this many labels are judged: a minute or two on one processor.
const MOST_JUDGED: usize = 20_000;

/// The name under which the label noise is kept.
pub(crate) const LABEL_NOISE: &str = "label_noise";

/// What is known about wrong labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NoiseReport {
    /// Labels that were judged by heads that did not see them.
    pub judged: u64,
    /// Estimated share of wrong ones among them, 0 to 1.
    pub share: f64,
    /// Labels that are suspect, and come up for review again.
    pub suspects: u64,
    /// Which label is given to what is probably something else, the most frequent first.
    pub pairs: Vec<NoisyPair>,
}

/// A label, and what it is given to by mistake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NoisyPair {
    /// The label.
    pub label: String,
    /// What the images probably show.
    pub likely: String,
    /// Estimated number of images.
    pub images: f64,
}

/// Starts the reconciler; it ends with `shutdown`. `turn` is held while something long is computed, so
/// that background work takes one processor at a time.
pub fn start(
    parts: Parts,
    vectors: Vectors,
    trainer: Trainer,
    config: ReviewConfig,
    turn: Arc<Mutex<()>>,
    shutdown: CancellationToken,
) {
    let mut changes = vectors.changes();
    let mut models = parts.registry.changes();
    let mut reconciler = Reconciler::new(parts, vectors, config, shutdown.clone());
    tokio::spawn(async move {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = period.tick() => {}
                changed = changes.changed() => if changed.is_err() { return },
                changed = models.changed() => if changed.is_err() { return },
            }
            changes.mark_unchanged();
            models.mark_unchanged();
            let is_early = reconciler.parts.registry.in_service().is_some() && !reconciler.vectors.is_read();
            if is_early || trainer.status().in_progress {
                continue;
            }
            let _turn = turn.lock().await;
            if let Err(error) = reconciler.pass().await
                && !shutdown.is_cancelled()
            {
                tracing::error!(error = %crate::error::Chain(&error), "samples are not scored; it is tried again");
            }
        }
    });
}

/// What changes when there is something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    model: Option<String>,
    backbone: Option<String>,
    embedded: u64,
    samples: u64,
    labels: u64,
    action: i64,
    change: i64,
}

/// What a pass needs, and what the last ones left.
pub(crate) struct Reconciler {
    parts: Parts,
    vectors: Vectors,
    config: ReviewConfig,
    stop: CancellationToken,
    seen: Option<Mark>,
    /// The model and the labels by which all were scored.
    scored: Option<Mark>,
    references: Arc<References>,
}

impl Reconciler {
    pub(crate) fn new(parts: Parts, vectors: Vectors, config: ReviewConfig, stop: CancellationToken) -> Self {
        Self { parts, vectors, config, stop, seen: None, scored: None, references: Arc::default() }
    }

    /// Enrols what is new, judges labels if that is due, and scores what needs it.
    pub(crate) async fn pass(&mut self) -> Result<(), StoreError> {
        store::enrol(&self.parts.store, self.config.random_share).await?;
        let mark = self.mark().await?;
        if self.seen.as_ref() == Some(&mark) {
            return Ok(());
        }
        // Labels are judged when all of them can be.
        let is_due = self.vectors.status().missing == 0 && is_judgement_due(&self.judged_by().await?, &mark);
        let has_drifted = self.scored.as_ref().is_none_or(|scored| scored.model != mark.model || many(scored, &mark));
        let which = if is_due || has_drifted { Which::All } else { Which::Unscored };
        let samples = Arc::new(store::read(self.parts.store.db(), which).await?);
        let suspects = if is_due { self.judge_labels(&samples, &mark).await? } else { None };
        let changes = self.score(Arc::clone(&samples), which, suspects).await;
        store::write(&self.parts.store, &changes, now_ms()).await?;
        if which == Which::All {
            self.scored = Some(mark.clone());
        }
        if !changes.is_empty() {
            tracing::debug!(samples = samples.len(), changed = changes.len(), "reviews scored");
        }
        self.seen = Some(mark);
        Ok(())
    }

    async fn mark(&self) -> Result<Mark, DbErr> {
        let db = self.parts.store.db();
        let model = self.parts.registry.in_service();
        Ok(Mark {
            model: model.as_ref().map(|model| model.manifest().version.to_string()),
            backbone: model.as_ref().map(|model| model.manifest().backbone.sha256.to_string()),
            embedded: self.vectors.generation(),
            samples: sample::Entity::find().count(db).await?,
            labels: sample::Entity::find().filter(sample::Column::Label.is_not_null()).count(db).await?,
            action: last_action(db).await?,
            change: last_change(db).await?,
        })
    }

    /// By what the labels were judged last.
    async fn judged_by(&self) -> Result<serde_json::Value, DbErr> {
        let kept = store::kept::<NoiseReport>(self.parts.store.db(), LABEL_NOISE).await?;
        Ok(kept.map_or(serde_json::Value::Null, |kept| kept.inputs))
    }

    /// Judges labels by heads that did not see them, and keeps what was found. `None` if there are too
    /// few to be judged.
    async fn judge_labels(
        &self,
        samples: &Arc<Vec<Scored>>,
        mark: &Mark,
    ) -> Result<Option<HashMap<String, (Suspect, String)>>, DbErr> {
        let (samples, vectors, stop) = (Arc::clone(samples), self.vectors.clone(), self.stop.clone());
        let judge = move || judge(&samples, &vectors, &stop);
        let found = tokio::task::spawn_blocking(judge).await.expect("judging does not panic and is not aborted");
        let Some((suspects, report)) = found else { return Ok(None) };
        let inputs = json!({ "backbone": mark.backbone, "labels": mark.labels, "change": mark.change });
        store::keep(self.parts.store.db(), LABEL_NOISE, &inputs, &report, now_ms()).await?;
        tracing::info!(judged = report.judged, suspects = report.suspects, share = report.share, "labels judged");
        Ok(Some(suspects))
    }

    async fn score(
        &mut self,
        samples: Arc<Vec<Scored>>,
        which: Which,
        suspects: Option<HashMap<String, (Suspect, String)>>,
    ) -> Vec<(Scored, Scored)> {
        let (vectors, model) = (self.vectors.clone(), self.parts.registry.in_service());
        let known = (which == Which::Unscored).then(|| Arc::clone(&self.references));
        let score = move || {
            let references = known.unwrap_or_else(|| Arc::new(References::of(&samples, &vectors)));
            let judge = Judge {
                model: model.as_deref(),
                vectors: &vectors,
                references: &references,
                suspects: suspects.as_ref(),
            };
            (judge.changes(&samples), references)
        };
        let (changes, references) =
            tokio::task::spawn_blocking(score).await.expect("scoring does not panic and is not aborted");
        self.references = references;
        changes
    }
}

async fn last_action(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let newest = review_action::Entity::find().select_only().column(review_action::Column::Id);
    let newest = newest.order_by_desc(review_action::Column::Id).limit(1);
    Ok(newest.into_tuple().one(db).await?.unwrap_or(0))
}

async fn last_change(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let newest = label_history::Entity::find().select_only().column(label_history::Column::Id);
    let newest = newest.order_by_desc(label_history::Column::Id).limit(1);
    Ok(newest.into_tuple().one(db).await?.unwrap_or(0))
}

/// Whether so many labels have changed that what depends on them has to be computed again.
fn many(before: &Mark, now: &Mark) -> bool {
    enough(before.labels, before.change, now)
}

fn enough(labels: u64, change: i64, now: &Mark) -> bool {
    let changed = now.labels.abs_diff(labels).max(now.change.abs_diff(change));
    changed >= CHANGED_LABELS.max((CHANGED_SHARE * now.labels as f64) as u64)
}

fn is_judgement_due(judged_by: &serde_json::Value, now: &Mark) -> bool {
    let Some(labels) = judged_by["labels"].as_u64() else { return now.labels as usize >= LEAST_JUDGED };
    let change = judged_by["change"].as_i64().unwrap_or(0);
    judged_by["backbone"].as_str() != now.backbone.as_deref() || enough(labels, change, now)
}

type Judged = (HashMap<String, (Suspect, String)>, NoiseReport);

/// Judges the labels that have an embedding.
fn judge(samples: &[Scored], vectors: &Vectors, stop: &CancellationToken) -> Option<Judged> {
    let labels: BTreeSet<&str> = samples.iter().filter_map(Scored::class).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let mut order: Vec<(f64, &Scored)> =
        samples.iter().filter(|sample| sample.class().is_some()).map(|s| (value::draw(&s.group_key), s)).collect();
    // Whole groups, the same ones each time.
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut judged, mut examples) = (Vec::new(), Vec::new());
    for (_, sample) in order {
        if examples.len() == MOST_JUDGED {
            break;
        }
        let embedding = ContentId::new(sample.content_sha256.as_str()).ok().and_then(|id| vectors.get(&id));
        if let (Some(embedding), Some(label)) = (embedding, sample.class()) {
            let class = labels.binary_search(&label).expect("a label of these samples");
            examples.push(Example { embedding, class, group: sample.group_key.clone() });
            judged.push(sample);
        }
    }
    if examples.len() < LEAST_JUDGED {
        return None;
    }
    let params = folds::params(examples.len(), 0);
    let rows = match folds::out_of_fold(&examples, labels.len(), &params, stop) {
        Ok(rows) => rows,
        Err(error) => {
            tracing::debug!(%error, "labels cannot be judged");
            return None;
        }
    };
    let given: Vec<usize> = examples.iter().map(|example| example.class).collect();
    let noise = noise::find(&given, &rows, labels.len());
    let report = report(&noise, &rows, &labels);
    let found = judged.iter().zip(&noise.suspects).filter_map(|(sample, suspect)| Some((sample, (*suspect)?)));
    let suspects = found
        .map(|(sample, suspect)| (sample.sample_id.clone(), (suspect, labels[suspect.class].to_owned())))
        .collect();
    Some((suspects, report))
}

fn report(noise: &Noise, rows: &[Vec<f32>], labels: &[&str]) -> NoiseReport {
    let mut pairs = Vec::new();
    for (label, row) in noise.joint.iter().enumerate() {
        for (likely, images) in row.iter().enumerate().filter(|(likely, n)| *likely != label && **n > 0.0) {
            pairs.push(NoisyPair {
                label: labels[label].to_owned(),
                likely: labels[likely].to_owned(),
                images: *images,
            });
        }
    }
    pairs.sort_by(|a, b| b.images.total_cmp(&a.images));
    NoiseReport {
        judged: rows.iter().filter(|row| !row.is_empty()).count() as u64,
        share: noise.share,
        suspects: noise.suspects.iter().flatten().count() as u64,
        pairs,
    }
}

/// How many labelled samples are in the queue because their label is suspect.
///
/// # Errors
/// The database failed.
pub(crate) async fn suspects_waiting(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    review::Entity::find()
        .filter(review::Column::State.eq(State::Open.name()))
        .filter(review::Column::Suspect.is_not_null())
        .count(db)
        .await
}
