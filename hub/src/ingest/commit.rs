//! Observations to rows, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use pilah_models::name::{BinId, ModelVersion};
use pilah_models::wire::{
    CommandResult, Event, Message, Outcome, Probabilities, Reply, Reported, SampleMeta, SampleReason, Status, Truth,
    TruthSource, UpdateState,
};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, TryInsertResult};
use uuid::Uuid;

use super::check::Observation;
use super::image::StoredImage;
use crate::dataset::cluster::{self, LooksColumns};
use crate::error::Chain;
use crate::forecast::store::fill;
use crate::live::{ItemSeen, LiveEvent};
use crate::review::wrong;
use crate::store::entity::{audit, bin, event, sample};
use crate::store::{DatabaseTransaction, Store};

/// An observation that is ready for the database.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) observation: Observation,
    pub(super) received_ms: i64,
    /// Of a sample: its image in the object storage.
    pub(super) image: Option<StoredImage>,
}

/// What a transaction did.
#[derive(Debug, Default)]
pub(super) struct Committed {
    /// What the bins may forget, by bin and epoch.
    pub(super) acks: BTreeMap<(BinId, u32), Vec<u64>>,
    /// What to tell those who watch.
    pub(super) live: Vec<LiveEvent>,
    pub(super) events: u64,
    pub(super) samples: u64,
    pub(super) duplicates: u64,
    /// Observations of bins that are not enrolled, which were left out.
    pub(super) strangers: Vec<BinId>,
}

/// Writes a batch, all of it or nothing.
pub(super) async fn commit(store: &Store, batch: &[Ready]) -> Result<Committed, DbErr> {
    let transaction = store.begin().await?;
    let mut done = Committed::default();
    let enrolled = enrolled(&transaction, batch).await?;
    let mut seen: BTreeMap<&BinId, i64> = BTreeMap::new();
    let mut changed: BTreeSet<&BinId> = BTreeSet::new();
    for ready in batch {
        let observation = &ready.observation;
        let header = observation.header();
        if !enrolled.contains(header.bin.as_str()) {
            done.strangers.push(header.bin.clone());
            continue;
        }
        match observation {
            Observation::Event(event) => match insert_event(&transaction, event, ready.received_ms).await? {
                Some(id) => {
                    done.events += 1;
                    done.live.push(LiveEvent::Item(item_seen(id, event)));
                }
                None => done.duplicates += 1,
            },
            Observation::Sample(sample) => {
                let Some(image) = &ready.image else { continue };
                let is_wrong = sample.meta.reason == SampleReason::Wrong;
                // The item may have sent its picture before, for another reason.
                let is_known = is_wrong && mark_wrong(&transaction, &sample.meta).await? > 0;
                let inserted = match is_known {
                    true => None,
                    false => insert_sample(&transaction, &sample.meta, image, ready.received_ms).await?,
                };
                match inserted {
                    Some(id) => {
                        if is_wrong {
                            mark_wrong(&transaction, &sample.meta).await?;
                        }
                        done.samples += 1;
                        done.live.push(LiveEvent::Sample { id, bin: Some(header.bin.clone()) });
                    }
                    None => done.duplicates += 1,
                }
            }
            Observation::Damaged { reason, .. } => note_damage(&transaction, ready, reason).await?,
            Observation::Status(status) => {
                set_status(&transaction, status).await?;
                changed.insert(&header.bin);
            }
            Observation::Reported(reported) => {
                set_reported(&transaction, reported).await?;
                changed.insert(&header.bin);
            }
            Observation::Reply(reply) => done.live.push(answered(reply)),
            Observation::Telemetry(telemetry) => {
                let json = String::from_utf8_lossy(&telemetry.encode()).into_owned();
                update_bin(&transaction, &header.bin, &[(bin::Column::TelemetryJson, Expr::value(json))]).await?;
                if let Some(level) = telemetry.fill {
                    fill::note(&transaction, header.bin.as_str(), f64::from(level), ready.received_ms).await?;
                }
            }
        }
        if observation.wants_ack() {
            done.acks.entry((header.bin.clone(), header.epoch)).or_default().push(header.seq);
        }
        let last = seen.entry(&header.bin).or_default();
        *last = (*last).max(ready.received_ms);
    }
    for (bin, received_ms) in seen {
        update_bin(&transaction, bin, &[(bin::Column::LastSeenMs, Expr::value(received_ms))]).await?;
    }
    for bin in changed {
        done.live.extend(bin_state(&transaction, bin).await?);
    }
    transaction.commit().await?;
    Ok(done)
}

/// Marks what is known of an item as wrong. Tells how many images of it there are.
async fn mark_wrong(transaction: &DatabaseTransaction, meta: &SampleMeta) -> Result<usize, DbErr> {
    let Ok(event) = i64::try_from(meta.event) else { return Ok(0) };
    let marked = wrong::mark(transaction, &meta.header.bin, i64::from(meta.header.epoch), event).await;
    marked.map_err(|error| DbErr::Custom(Chain(&error).to_string()))
}

fn answered(reply: &Reply) -> LiveEvent {
    let (done, words, about) = match &reply.result {
        CommandResult::Done { what, about } => (true, what.clone(), *about),
        CommandResult::Refused { error } => (false, error.clone(), None),
    };
    let (bin, of_epoch, of_seq) = (reply.header.bin.clone(), reply.of_epoch, reply.of_seq);
    LiveEvent::Reply { bin, of_epoch, of_seq, done, words, about }
}

async fn enrolled(transaction: &DatabaseTransaction, batch: &[Ready]) -> Result<BTreeSet<String>, DbErr> {
    let bins: BTreeSet<&str> = batch.iter().map(|ready| ready.observation.bin().as_str()).collect();
    let found: Vec<String> = bin::Entity::find()
        .select_only()
        .column(bin::Column::Id)
        .filter(bin::Column::Id.is_in(bins))
        .filter(bin::Column::RetiredMs.is_null())
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(found.into_iter().collect())
}

/// The row's number, or `None` if the event is there already.
async fn insert_event(
    transaction: &DatabaseTransaction,
    event: &Event,
    received_ms: i64,
) -> Result<Option<i64>, DbErr> {
    let (truth_label, truth_source) = truth_columns(event.truth.as_ref());
    let row = event::ActiveModel {
        bin: Set(event.header.bin.to_string()),
        epoch: Set(i64::from(event.header.epoch)),
        seq: Set(seq_column(event.header.seq)),
        at_ms: Set(event.header.at.as_millisecond()),
        received_ms: Set(received_ms),
        outcome: Set(if is_sure(&event.outcome) { "label" } else { "unsure" }.to_owned()),
        label: Set(event.outcome.guess().to_string()),
        confidence: Set(f64::from(event.confidence)),
        probabilities_json: Set(probabilities_column(&event.probabilities)),
        model: Set(event.model.to_string()),
        latency_ms: Set(f64::from(event.latency_ms)),
        truth_label: Set(truth_label),
        truth_source: Set(truth_source),
        ..Default::default()
    };
    let key = [event::Column::Bin, event::Column::Epoch, event::Column::Seq];
    match event::Entity::insert(row).on_conflict_do_nothing_on(key).exec(transaction).await? {
        TryInsertResult::Inserted(inserted) => Ok(Some(inserted.last_insert_id)),
        TryInsertResult::Conflicted | TryInsertResult::Empty => Ok(None),
    }
}

/// The sample's id, or `None` if it is there already.
async fn insert_sample(
    transaction: &DatabaseTransaction,
    meta: &SampleMeta,
    image: &StoredImage,
    received_ms: i64,
) -> Result<Option<String>, DbErr> {
    let id = Uuid::now_v7().to_string();
    let (truth_label, truth_source) = truth_columns(meta.truth.as_ref());
    let group = format!("bin:{}:{}:{}", meta.header.bin, meta.header.epoch, meta.event);
    let place = cluster::place(transaction, &group, image.looks, None).await?;
    let mut row = sample::ActiveModel {
        id: Set(id.clone()),
        source: Set("bin".to_owned()),
        bin: Set(Some(meta.header.bin.to_string())),
        epoch: Set(Some(i64::from(meta.header.epoch))),
        seq: Set(Some(seq_column(meta.header.seq))),
        event_seq: Set(i64::try_from(meta.event).ok()),
        reason: Set(Some(reason_column(meta.reason).to_owned())),
        at_ms: Set(meta.header.at.as_millisecond()),
        received_ms: Set(received_ms),
        content_sha256: Set(image.content.to_string()),
        width: Set(i32::try_from(image.width).unwrap_or(i32::MAX)),
        height: Set(i32::try_from(image.height).unwrap_or(i32::MAX)),
        bytes: Set(i64::try_from(image.bytes).unwrap_or(i64::MAX)),
        model: Set(Some(meta.model.to_string())),
        guess: Set(Some(meta.outcome.guess().to_string())),
        sure: Set(is_sure(&meta.outcome)),
        confidence: Set(Some(f64::from(meta.confidence))),
        probabilities_json: Set(Some(probabilities_column(&meta.probabilities))),
        truth_label: Set(truth_label),
        truth_source: Set(truth_source),
        label: Set(None),
        labelled_by: Set(None),
        labelled_at_ms: Set(None),
        group_key: Set(group),
        split: Set(None),
        cluster: Set(Some(place.cluster)),
        excluded: Set(place.excluded),
        ..Default::default()
    };
    LooksColumns::of(image.looks).set(&mut row);
    let key = [sample::Column::Bin, sample::Column::Epoch, sample::Column::Seq];
    match sample::Entity::insert(row).on_conflict_do_nothing_on(key).exec(transaction).await? {
        TryInsertResult::Inserted(_) => Ok(Some(id)),
        TryInsertResult::Conflicted | TryInsertResult::Empty => Ok(None),
    }
}

/// Writes down, once, that a message was acknowledged without being stored.
async fn note_damage(transaction: &DatabaseTransaction, ready: &Ready, reason: &str) -> Result<(), DbErr> {
    let header = ready.observation.header();
    let detail = serde_json::json!({ "epoch": header.epoch, "seq": header.seq, "reason": reason });
    let row = audit::ActiveModel {
        at_ms: Set(ready.received_ms),
        who: Set(format!("bin:{}", header.bin)),
        what: Set("message.damaged".to_owned()),
        detail_json: Set(Some(detail.to_string())),
        ..Default::default()
    };
    audit::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

async fn set_status(transaction: &DatabaseTransaction, status: &Status) -> Result<(), DbErr> {
    let json = String::from_utf8_lossy(&status.encode()).into_owned();
    let set = [
        (bin::Column::Online, Expr::value(status.online)),
        (bin::Column::StatusJson, Expr::value(json)),
        (bin::Column::ModelVersion, Expr::value(status.model.to_string())),
    ];
    update_bin(transaction, &status.header.bin, &set).await
}

async fn set_reported(transaction: &DatabaseTransaction, reported: &Reported) -> Result<(), DbErr> {
    let json = String::from_utf8_lossy(&reported.encode()).into_owned();
    let set = [
        (bin::Column::ReportedJson, Expr::value(json)),
        (bin::Column::ModelVersion, Expr::value(reported.model.to_string())),
    ];
    update_bin(transaction, &reported.header.bin, &set).await
}

async fn update_bin(transaction: &DatabaseTransaction, bin: &BinId, set: &[(bin::Column, Expr)]) -> Result<(), DbErr> {
    let mut update = bin::Entity::update_many().filter(bin::Column::Id.eq(bin.as_str()));
    for (column, value) in set {
        update = update.col_expr(*column, value.clone());
    }
    update.exec(transaction).await?;
    Ok(())
}

async fn bin_state(transaction: &DatabaseTransaction, bin: &BinId) -> Result<Option<LiveEvent>, DbErr> {
    let row = bin::Entity::find_by_id(bin.as_str()).one(transaction).await?;
    Ok(row.map(|row| LiveEvent::Bin {
        bin: bin.clone(),
        online: row.online,
        model: row.model_version.and_then(|version| ModelVersion::new(version).ok()),
        update: row.reported_json.as_deref().and_then(update_in_words),
    }))
}

/// What a bin's last `Reported` says of an update, in words; `None` if there is nothing to say.
pub(crate) fn update_in_words(reported_json: &str) -> Option<String> {
    match Reported::decode(reported_json.as_bytes()).ok()?.update {
        UpdateState::Idle => None,
        UpdateState::Fetching { target } => Some(format!("fetching {target}")),
        UpdateState::Failed { target, error } => Some(format!("refused {target}: {error}")),
    }
}

fn item_seen(id: i64, event: &Event) -> ItemSeen {
    ItemSeen {
        id,
        bin: event.header.bin.clone(),
        at_ms: event.header.at.as_millisecond(),
        sure: is_sure(&event.outcome),
        label: event.outcome.guess().clone(),
        confidence: f64::from(event.confidence),
        model: event.model.clone(),
        latency_ms: f64::from(event.latency_ms),
        truth: event.truth.as_ref().map(|truth| truth.label.clone()),
        truth_source: event.truth.as_ref().map(|truth| source_column(truth.source).to_owned()),
    }
}

fn is_sure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Label { .. })
}

fn seq_column(seq: u64) -> i64 {
    i64::try_from(seq).expect("checked when the message was read")
}

fn probabilities_column(probabilities: &Probabilities) -> String {
    serde_json::to_string(probabilities).expect("labels are strings")
}

fn truth_columns(truth: Option<&Truth>) -> (Option<String>, Option<String>) {
    truth.map(|truth| (truth.label.to_string(), source_column(truth.source).to_owned())).unzip()
}

fn source_column(source: TruthSource) -> &'static str {
    match source {
        TruthSource::Virtual => "virtual",
        TruthSource::Replay => "replay",
    }
}

fn reason_column(reason: SampleReason) -> &'static str {
    match reason {
        SampleReason::Unsure => "unsure",
        SampleReason::Disagreement => "disagreement",
        SampleReason::Random => "random",
        SampleReason::Wrong => "wrong",
        SampleReason::Requested => "requested",
    }
}
