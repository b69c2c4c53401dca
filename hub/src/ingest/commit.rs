//! Observations to rows, in one transaction.

use std::collections::BTreeMap;

use pilah_models::name::{BinId, ModelVersion};
use pilah_models::wire::{
    CameraIs, CommandResult, Event, Header, Message, Reply, Reported, Sample, SampleMeta, SampleReason, Status, Truth,
    TruthSource, UpdateState,
};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, IdenStatic as _, QueryFilter};
use serde_json::json;

use super::field::Days;
use super::image::StoredImage;
use super::observation::Observation;
use super::rows::{self, Receipt, Stored};
use super::standing::{Said, Standing, Verdict};
use super::when;
use crate::audit;
use crate::error::Chain;
use crate::forecast::store::fill;
use crate::live::LiveEvent;
use crate::review::wrong;
use crate::store::entity::{bin, sample};
use crate::store::{DatabaseTransaction, Store};

/// An observation that is ready for the database.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) observation: Observation,
    /// What tells it from any other message, of [`rows::fingerprint`].
    pub(super) fingerprint: String,
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
    /// What a bin said of itself that was older than what is known.
    pub(super) stale: u64,
    /// Truths that a bin with a real camera claimed to know, which were left out.
    pub(super) truths: u64,
    /// What must not be, by bin.
    pub(super) oddities: BTreeMap<BinId, Oddities>,
    /// Observations of bins that are not enrolled, which were left out.
    pub(super) strangers: Vec<BinId>,
    /// The events, added up.
    days: Days,
}

/// What must not be, and is stored all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    /// Messages under a number that another had.
    pub(super) conflicts: u64,
    /// Times that one program under the bin's id took over from another.
    pub(super) takeovers: u64,
    /// Times that the bin's card was replaced or restored.
    pub(super) restored: u64,
}

/// A bin of the batch, as the database has it.
struct Known {
    enrolled_ms: i64,
    standing: Standing,
    camera_is: Option<String>,
    /// When it was heard last in this batch.
    seen_ms: Option<i64>,
    /// Whether what it says of itself has changed.
    has_changed: bool,
    /// What is written to its row at the end.
    row: Vec<(bin::Column, Expr)>,
}

/// Writes a batch, all of it or nothing.
pub(super) async fn commit(store: &Store, batch: &[Ready]) -> Result<Committed, DbErr> {
    let transaction = store.begin().await?;
    let mut done = Committed::default();
    let mut bins = known(&transaction, batch).await?;
    for ready in batch {
        let observation = &ready.observation;
        let header = observation.header();
        let Some(bin) = bins.get_mut(header.bin.as_str()) else {
            done.strangers.push(header.bin.clone());
            continue;
        };
        let receipt = Receipt {
            fingerprint: &ready.fingerprint,
            received_ms: ready.received_ms,
            seen_ms: when::seen_ms(header, bin.enrolled_ms, ready.received_ms),
        };
        let is_heard = match observation {
            Observation::Event(event) => {
                take_event(&transaction, event, receipt, bin, &mut done).await?;
                true
            }
            Observation::Sample(sample) => {
                let Some(image) = &ready.image else { continue };
                take_sample(&transaction, sample, image, receipt, bin, &mut done).await?;
                true
            }
            Observation::Damaged { reason, .. } => {
                note_damage(&transaction, header, receipt.received_ms, reason).await?;
                true
            }
            // The doctor tries the broker out; the bin need not be there. The hub's own numbers begin at 1.
            Observation::Reply(reply) if reply.of_seq == 0 => false,
            Observation::Reply(reply) => {
                done.live.push(answered(reply));
                true
            }
            Observation::Status(status) => {
                let is_last = stands(bin, Said::Status(status), receipt, &mut done);
                if is_last {
                    bin.camera_is = status.camera_is.map(|is| camera_column(is).to_owned());
                    bin.row.extend(status_columns(status));
                    bin.has_changed = true;
                }
                is_last
            }
            Observation::Reported(reported) => {
                let is_last = stands(bin, Said::Reported(reported), receipt, &mut done);
                if is_last {
                    bin.row.extend(reported_columns(reported));
                    bin.has_changed = true;
                }
                is_last
            }
            Observation::Telemetry(telemetry) => {
                let is_last = stands(bin, Said::Telemetry(telemetry), receipt, &mut done);
                if is_last {
                    bin.row.push((bin::Column::TelemetryJson, Expr::value(text_of(telemetry.as_ref()))));
                    if let Some(level) = telemetry.fill {
                        fill::note(&transaction, header.bin.as_str(), f64::from(level), receipt.seen_ms).await?;
                    }
                }
                is_last
            }
        };
        if observation.wants_ack() {
            done.acks.entry((header.bin.clone(), header.epoch)).or_default().push(header.seq);
        }
        if is_heard {
            bin.seen_ms = bin.seen_ms.max(Some(ready.received_ms));
        }
    }
    for (id, known) in bins {
        let odd = BinId::new(id.as_str()).ok().and_then(|id| done.oddities.get(&id)).copied().unwrap_or_default();
        update_bin(&transaction, &id, known.columns(odd)).await?;
        if known.has_changed {
            done.live.extend(bin_state(&transaction, &id).await?);
        }
    }
    std::mem::take(&mut done.days).add_to(&transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

/// The bins of a batch that are enrolled and serve.
async fn known(transaction: &DatabaseTransaction, batch: &[Ready]) -> Result<BTreeMap<String, Known>, DbErr> {
    let bins: Vec<&str> = batch.iter().map(|ready| ready.observation.bin().as_str()).collect();
    let rows = bin::Entity::find()
        .filter(bin::Column::Id.is_in(bins))
        .filter(bin::Column::RetiredMs.is_null())
        .all(transaction)
        .await?;
    let known = |row: bin::Model| {
        // What cannot be read any more is as good as nothing: the next word counts as the last.
        let standing = row.standing_json.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let known = Known {
            enrolled_ms: row.created_ms,
            standing: standing.unwrap_or_default(),
            camera_is: row.camera_is,
            seen_ms: None,
            has_changed: false,
            row: Vec::new(),
        };
        (row.id, known)
    };
    Ok(rows.into_iter().map(known).collect())
}

impl Known {
    fn columns(&self, odd: Oddities) -> Vec<(bin::Column, Expr)> {
        use sea_orm::sea_query::ExprTrait as _;
        let mut columns = self.row.clone();
        let Some(seen_ms) = self.seen_ms else { return columns };
        columns.push((bin::Column::LastSeenMs, Expr::value(seen_ms)));
        for (counter, moment, more) in [
            (bin::Column::Conflicts, bin::Column::ConflictMs, odd.conflicts),
            (bin::Column::Takeovers, bin::Column::TakeoverMs, odd.takeovers),
        ] {
            if more > 0 {
                let more = i64::try_from(more).unwrap_or(i64::MAX);
                columns.push((counter, Expr::col(counter).add(more)));
                columns.push((moment, Expr::value(seen_ms)));
            }
        }
        columns
    }
}

async fn take_event(
    transaction: &DatabaseTransaction,
    event: &Event,
    receipt: Receipt<'_>,
    bin: &mut Known,
    done: &mut Committed,
) -> Result<(), DbErr> {
    let truth = believed(event.truth.as_ref(), bin, done);
    match rows::insert_event(transaction, event, truth, receipt).await? {
        stored @ (Stored::New(id) | Stored::Beside(id)) => {
            if matches!(stored, Stored::Beside(_)) {
                conflict(&event.header.bin, event.header.epoch, bin, done);
            }
            done.events += 1;
            done.days.note(event, receipt.seen_ms);
            done.live.push(LiveEvent::Item(rows::item_seen(id, event, truth, receipt.seen_ms)));
        }
        Stored::Before => done.duplicates += 1,
    }
    Ok(())
}

async fn take_sample(
    transaction: &DatabaseTransaction,
    sample: &Sample,
    image: &StoredImage,
    receipt: Receipt<'_>,
    bin: &mut Known,
    done: &mut Committed,
) -> Result<(), DbErr> {
    let meta = &sample.meta;
    let own_epoch = i64::from(meta.header.epoch);
    let is_wrong = meta.reason == SampleReason::Wrong;
    // The item may have sent its picture before, for another reason.
    if is_wrong && has_picture(transaction, meta).await? && mark_wrong(transaction, meta, own_epoch).await? > 0 {
        done.duplicates += 1;
        return Ok(());
    }
    let truth = believed(meta.truth.as_ref(), bin, done);
    match rows::insert_sample(transaction, meta, truth, image, receipt).await? {
        stored @ (Stored::New(_) | Stored::Beside(_)) => {
            if matches!(stored, Stored::Beside(_)) {
                conflict(&meta.header.bin, meta.header.epoch, bin, done);
            }
            let (Stored::New((id, epoch)) | Stored::Beside((id, epoch))) = stored else { return Ok(()) };
            if let Some(damage) = &image.damage {
                let reason = format!("{damage}; kept, and used for nothing");
                note_damage(transaction, &meta.header, receipt.received_ms, &reason).await?;
            }
            if is_wrong {
                mark_wrong(transaction, meta, epoch).await?;
            }
            done.samples += 1;
            done.live.push(LiveEvent::Sample { id, bin: Some(meta.header.bin.clone()) });
        }
        Stored::Before => done.duplicates += 1,
    }
    Ok(())
}

/// Only a camera that is not a real one knows what it shows. A program that does not say what its camera is, is
/// believed.
fn believed<'a>(truth: Option<&'a Truth>, bin: &Known, done: &mut Committed) -> Option<&'a Truth> {
    let truth = truth?;
    let source = rows::source_column(truth.source);
    let is_known = bin.camera_is.as_deref().is_none_or(|is| is == source);
    done.truths += u64::from(!is_known);
    is_known.then_some(truth)
}

fn conflict(id: &BinId, epoch: u32, bin: &mut Known, done: &mut Committed) {
    done.oddities.entry(id.clone()).or_default().conflicts += 1;
    // The numbers of this epoch were given out twice, so they do not tell what was said last either.
    bin.standing.forget(epoch);
    bin.row.push((bin::Column::StandingJson, Expr::value(json_of(&bin.standing))));
}

/// Whether a bin's word about itself is its last.
fn stands(bin: &mut Known, said: Said<'_>, receipt: Receipt<'_>, done: &mut Committed) -> bool {
    let id = said.header().bin.clone();
    let verdict = bin.standing.handle(said);
    bin.row.push((bin::Column::StandingJson, Expr::value(json_of(&bin.standing))));
    match verdict {
        Verdict::Last => {}
        Verdict::Older => done.stale += 1,
        Verdict::Restored => done.oddities.entry(id).or_default().restored += 1,
        Verdict::TakenOver => {
            done.oddities.entry(id).or_default().takeovers += 1;
            bin.seen_ms = bin.seen_ms.max(Some(receipt.received_ms));
        }
    }
    verdict != Verdict::Older
}

/// Whether there is a picture of the item that a sample shows, not only of its number.
async fn has_picture(transaction: &DatabaseTransaction, meta: &SampleMeta) -> Result<bool, DbErr> {
    let Ok(event) = i64::try_from(meta.event) else { return Ok(false) };
    let there = sample::Entity::find()
        .filter(sample::Column::Bin.eq(meta.header.bin.as_str()))
        .filter(sample::Column::Epoch.eq(i64::from(meta.header.epoch)))
        .filter(sample::Column::EventSeq.eq(event))
        .all(transaction)
        .await?;
    Ok(there.iter().any(|there| {
        there.guess.as_deref() == Some(meta.outcome.guess().as_str())
            && there.model.as_deref() == Some(meta.model.as_str())
            && there.confidence.is_some_and(|confidence| (confidence - f64::from(meta.confidence)).abs() < 1e-9)
    }))
}

/// Marks what is known of an item as wrong. Tells how many images of it there are.
async fn mark_wrong(transaction: &DatabaseTransaction, meta: &SampleMeta, epoch: i64) -> Result<usize, DbErr> {
    let Ok(event) = i64::try_from(meta.event) else { return Ok(0) };
    let marked = wrong::mark(transaction, &meta.header.bin, epoch, event).await;
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

/// Counts, by the hour, messages of a bin that were acknowledged without being stored, or that are stored and of no use.
async fn note_damage(
    transaction: &DatabaseTransaction,
    header: &Header,
    received_ms: i64,
    reason: &str,
) -> Result<(), DbErr> {
    let detail = json!({ "epoch": header.epoch, "seq": header.seq, "reason": reason });
    audit::tally(transaction, received_ms, &format!("bin:{}", header.bin), "message.damaged", detail).await
}

/// Nobody is known to be connected.
pub(super) async fn forget_presence(store: &Store) -> Result<(), DbErr> {
    let online = bin::Entity::update_many().filter(bin::Column::Online.eq(true));
    online.col_expr(bin::Column::Online, Expr::value(false)).exec(store.db()).await?;
    Ok(())
}

fn status_columns(status: &Status) -> [(bin::Column, Expr); 4] {
    [
        (bin::Column::Online, Expr::value(status.online)),
        (bin::Column::StatusJson, Expr::value(text_of(status))),
        (bin::Column::ModelVersion, Expr::value(status.model.to_string())),
        (bin::Column::CameraIs, Expr::value(status.camera_is.map(|is| camera_column(is).to_owned()))),
    ]
}

fn reported_columns(reported: &Reported) -> [(bin::Column, Expr); 2] {
    [
        (bin::Column::ReportedJson, Expr::value(text_of(reported))),
        (bin::Column::ModelVersion, Expr::value(reported.model.to_string())),
    ]
}

fn text_of(message: &impl Message) -> String {
    String::from_utf8_lossy(&message.encode()).into_owned()
}

fn json_of(standing: &Standing) -> String {
    serde_json::to_string(standing).expect("numbers and lists")
}

fn camera_column(is: CameraIs) -> &'static str {
    match is {
        CameraIs::Real => "real",
        CameraIs::Virtual => rows::source_column(TruthSource::Virtual),
        CameraIs::Replay => rows::source_column(TruthSource::Replay),
    }
}

async fn update_bin(
    transaction: &DatabaseTransaction,
    bin: &str,
    columns: Vec<(bin::Column, Expr)>,
) -> Result<(), DbErr> {
    // A column that was set several times has its last value.
    let mut last: BTreeMap<&'static str, (bin::Column, Expr)> = BTreeMap::new();
    for (column, value) in columns {
        last.insert(column.as_str(), (column, value));
    }
    if last.is_empty() {
        return Ok(());
    }
    let mut update = bin::Entity::update_many().filter(bin::Column::Id.eq(bin));
    for (column, value) in last.into_values() {
        update = update.col_expr(column, value);
    }
    update.exec(transaction).await?;
    Ok(())
}

async fn bin_state(transaction: &DatabaseTransaction, bin: &str) -> Result<Option<LiveEvent>, DbErr> {
    let row = bin::Entity::find_by_id(bin).one(transaction).await?;
    let named = row.and_then(|row| Some((BinId::new(row.id.as_str()).ok()?, row)));
    Ok(named.map(|(bin, row)| LiveEvent::Bin {
        bin,
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
