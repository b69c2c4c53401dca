//! Events and images as rows, each under a number that is its own.
//!
//! (bin, epoch, seq) names one message for ever, so that what comes again is stored once. But a number is not
//! trusted without its content: a card that was brought back by a program which counted on where the card stood
//! gives out numbers again. A message that is another one than that which has its number is stored beside it: the
//! upper 32 bits of the epoch's column, which are zero else, count how many there are. What comes again of it is
//! known by its content, too.

use pilah_models::name::ContentId;
use pilah_models::wire::{Event, Header, Outcome, Probabilities, SampleMeta, SampleReason, Truth, TruthSource};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, TryInsertResult};
use uuid::Uuid;

use super::image::StoredImage;
use super::observation::Observation;
use crate::dataset::cluster::{self, LooksColumns};
use crate::live::ItemSeen;
use crate::store::DatabaseTransaction;
use crate::store::entity::{event, sample};

/// Messages under one number that are counted; further ones are told apart by their content.
const COUNTED: i64 = 64;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored<I> {
    /// It is in the database.
    New(I),
    /// It was there already.
    Before,
    /// Another one had its number. It is in the database beside that one.
    Beside(I),
}

/// When a message came and what it is, beside what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt<'a> {
    /// What tells it from any other message, of [`fingerprint`].
    pub(super) fingerprint: &'a str,
    /// When it came.
    pub(super) received_ms: i64,
    /// When what it tells was.
    pub(super) seen_ms: i64,
}

/// What tells a message from any other: the SHA-256 of its bytes; of a sample without its image, which a bin may
/// make smaller before it sends it again. Empty for what is not stored under its number.
pub(super) fn fingerprint(observation: &Observation, payload: &[u8]) -> String {
    match observation {
        Observation::Event(_) => ContentId::of(payload).to_string(),
        Observation::Sample(sample) => {
            let meta = SampleMeta { width: 0, height: 0, ..sample.meta.clone() };
            ContentId::of(&serde_json::to_vec(&meta).unwrap_or_default()).to_string()
        }
        _ => String::new(),
    }
}

/// The epochs under which a message may be stored, in the order in which they are tried.
fn epochs(header: &Header, fingerprint: &str) -> impl Iterator<Item = i64> {
    let by_content = fingerprint.get(..7).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    let epoch = i64::from(header.epoch);
    (0..COUNTED).chain([COUNTED + by_content]).map(move |beside| epoch + (beside << 32))
}

fn exhausted(header: &Header) -> DbErr {
    DbErr::Custom(format!("{} different messages of bin {} have number {}", COUNTED + 1, header.bin, header.seq))
}

fn outcome<I>(epoch: i64, header: &Header, id: I) -> Stored<I> {
    if epoch == i64::from(header.epoch) { Stored::New(id) } else { Stored::Beside(id) }
}

/// Stores an event.
pub(super) async fn insert_event(
    transaction: &DatabaseTransaction,
    event: &Event,
    truth: Option<&Truth>,
    receipt: Receipt<'_>,
) -> Result<Stored<i64>, DbErr> {
    let (truth_label, truth_source) = truth_columns(truth);
    let mut row = event::ActiveModel {
        bin: Set(event.header.bin.to_string()),
        seq: Set(seq_column(event.header.seq)),
        at_ms: Set(event.header.at.as_millisecond()),
        received_ms: Set(receipt.received_ms),
        outcome: Set(outcome_column(&event.outcome).to_owned()),
        label: Set(event.outcome.guess().to_string()),
        confidence: Set(f64::from(event.confidence)),
        probabilities_json: Set(probabilities_column(&event.probabilities)),
        model: Set(event.model.to_string()),
        latency_ms: Set(f64::from(event.latency_ms)),
        truth_label: Set(truth_label),
        truth_source: Set(truth_source),
        fingerprint: Set(Some(receipt.fingerprint.to_owned())),
        seen_ms: Set(Some(receipt.seen_ms)),
        ..Default::default()
    };
    let key = [event::Column::Bin, event::Column::Epoch, event::Column::Seq];
    for epoch in epochs(&event.header, receipt.fingerprint) {
        row.epoch = Set(epoch);
        match event::Entity::insert(row.clone()).on_conflict_do_nothing_on(key).exec(transaction).await? {
            TryInsertResult::Inserted(inserted) => return Ok(outcome(epoch, &event.header, inserted.last_insert_id)),
            TryInsertResult::Conflicted | TryInsertResult::Empty => {}
        }
        let there = event::Entity::find()
            .filter(event::Column::Bin.eq(event.header.bin.as_str()))
            .filter(event::Column::Epoch.eq(epoch))
            .filter(event::Column::Seq.eq(seq_column(event.header.seq)))
            .one(transaction)
            .await?;
        if there.is_none_or(|there| is_same_event(&there, event, receipt.fingerprint)) {
            return Ok(Stored::Before);
        }
    }
    Err(exhausted(&event.header))
}

/// What was stored before fingerprints were kept is compared by what it says.
fn is_same_event(there: &event::Model, event: &Event, fingerprint: &str) -> bool {
    match &there.fingerprint {
        Some(of_it) => of_it == fingerprint,
        None => {
            there.at_ms == event.header.at.as_millisecond()
                && there.outcome == outcome_column(&event.outcome)
                && there.label == event.outcome.guess().as_str()
                && there.model == event.model.as_str()
                && (there.confidence - f64::from(event.confidence)).abs() < 1e-9
        }
    }
}

/// Stores what is known of an image, which is in the object storage. Tells its id, and the epoch in its row.
pub(super) async fn insert_sample(
    transaction: &DatabaseTransaction,
    meta: &SampleMeta,
    truth: Option<&Truth>,
    image: &StoredImage,
    receipt: Receipt<'_>,
) -> Result<Stored<(String, i64)>, DbErr> {
    for epoch in epochs(&meta.header, receipt.fingerprint) {
        let there = sample::Entity::find()
            .filter(sample::Column::Bin.eq(meta.header.bin.as_str()))
            .filter(sample::Column::Epoch.eq(epoch))
            .filter(sample::Column::Seq.eq(seq_column(meta.header.seq)))
            .one(transaction)
            .await?;
        match there {
            Some(there) if is_same_sample(&there, meta, receipt.fingerprint) => return Ok(Stored::Before),
            Some(_) => {}
            None => {
                let id = write_sample(transaction, meta, truth, image, receipt, epoch).await?;
                return Ok(outcome(epoch, &meta.header, (id, epoch)));
            }
        }
    }
    Err(exhausted(&meta.header))
}

fn is_same_sample(there: &sample::Model, meta: &SampleMeta, fingerprint: &str) -> bool {
    match &there.fingerprint {
        Some(of_it) => of_it == fingerprint,
        None => {
            there.at_ms == meta.header.at.as_millisecond()
                && there.event_seq == i64::try_from(meta.event).ok()
                && there.guess.as_deref() == Some(meta.outcome.guess().as_str())
                && there.model.as_deref() == Some(meta.model.as_str())
        }
    }
}

async fn write_sample(
    transaction: &DatabaseTransaction,
    meta: &SampleMeta,
    truth: Option<&Truth>,
    image: &StoredImage,
    receipt: Receipt<'_>,
    epoch: i64,
) -> Result<String, DbErr> {
    let id = Uuid::now_v7().to_string();
    let (truth_label, truth_source) = truth_columns(truth);
    let group = format!("bin:{}:{epoch}:{}", meta.header.bin, meta.event);
    let place = match &image.damage {
        Some(damage) => cluster::Place::alone(damage.clone()),
        None => cluster::place(transaction, &group, image.looks, None).await?,
    };
    let mut row = sample::ActiveModel {
        id: Set(id.clone()),
        source: Set("bin".to_owned()),
        bin: Set(Some(meta.header.bin.to_string())),
        epoch: Set(Some(epoch)),
        seq: Set(Some(seq_column(meta.header.seq))),
        event_seq: Set(i64::try_from(meta.event).ok()),
        reason: Set(Some(reason_column(meta.reason).to_owned())),
        at_ms: Set(meta.header.at.as_millisecond()),
        received_ms: Set(receipt.received_ms),
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
        fingerprint: Set(Some(receipt.fingerprint.to_owned())),
        ..Default::default()
    };
    LooksColumns::of(image.looks).set(&mut row);
    sample::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(id)
}

/// What those who watch are told of an event.
pub(super) fn item_seen(id: i64, event: &Event, truth: Option<&Truth>, seen_ms: i64) -> ItemSeen {
    ItemSeen {
        id,
        bin: event.header.bin.clone(),
        at_ms: seen_ms,
        sure: is_sure(&event.outcome),
        label: event.outcome.guess().clone(),
        confidence: f64::from(event.confidence),
        model: event.model.clone(),
        latency_ms: f64::from(event.latency_ms),
        truth: truth.map(|truth| truth.label.clone()),
        truth_source: truth.map(|truth| source_column(truth.source).to_owned()),
    }
}

fn outcome_column(outcome: &Outcome) -> &'static str {
    if is_sure(outcome) { "label" } else { "unsure" }
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

/// As in the database.
pub(super) fn source_column(source: TruthSource) -> &'static str {
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
