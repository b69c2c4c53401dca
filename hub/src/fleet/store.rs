//! Queries about bins and what they saw.

use std::collections::HashMap;

use pilah_models::name::{BinId, Label, ModelVersion};
use pilah_models::wire::{CameraState, Message, Reported, Status, TrustBy};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};

use super::view::{BinView, ClassCount, FieldAccuracy, FieldPoint, FieldReport, ModelTakenBack, Place};
use crate::ingest::update_in_words;
use crate::live::ItemSeen;
use crate::store::entity::{bin, event};
use crate::store::{Store, StoreError};

/// Points on the time axis of the field report, at most.
const POINTS: i64 = 60;

/// A bin that is not retired.
pub(super) async fn serving(db: &impl ConnectionTrait, id: &BinId) -> Result<Option<bin::Model>, DbErr> {
    bin::Entity::find_by_id(id.as_str()).filter(bin::Column::RetiredMs.is_null()).one(db).await
}

/// Every bin that is not retired, by id, with its last item.
pub(super) async fn bins(store: &Store) -> Result<Vec<BinView>, StoreError> {
    let rows = serving_bins().order_by_asc(bin::Column::Id).all(store.db()).await?;
    let last = event::Entity::find().filter(event::Column::Id.in_subquery(last_events())).all(store.db()).await?;
    let mut last: HashMap<String, event::Model> = last.into_iter().map(|row| (row.bin.clone(), row)).collect();
    let view = |row: bin::Model| {
        let last = last.remove(&row.id).map(item).transpose()?;
        Ok(bin_view(row, last))
    };
    rows.into_iter().map(view).collect()
}

/// A bin with its last item.
pub(super) async fn bin(store: &Store, row: bin::Model) -> Result<BinView, StoreError> {
    let last = event::Entity::find()
        .filter(event::Column::Bin.eq(&row.id))
        .order_by_desc(event::Column::Id)
        .one(store.db())
        .await?;
    Ok(bin_view(row, last.map(item).transpose()?))
}

fn serving_bins() -> sea_orm::Select<bin::Entity> {
    bin::Entity::find().filter(bin::Column::RetiredMs.is_null())
}

/// The number of each bin's last event: a look into the index per bin, whatever the number of events.
fn last_events() -> SelectStatement {
    let of_bin = Query::select()
        .expr(Func::max(Expr::col((event::Entity, event::Column::Id))))
        .from(event::Entity)
        .and_where(Expr::col((event::Entity, event::Column::Bin)).equals((bin::Entity, bin::Column::Id)))
        .take();
    Query::select()
        .expr(SimpleExpr::SubQuery(None, Box::new(of_bin.into())))
        .from(bin::Entity)
        .and_where(Expr::col((bin::Entity, bin::Column::RetiredMs)).is_null())
        .take()
}

/// The newest items, newest first; of one bin, and before a row number, if asked for.
pub(super) async fn items(
    store: &Store,
    bin: Option<&BinId>,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<ItemSeen>, StoreError> {
    let mut query = event::Entity::find().order_by_desc(event::Column::Id).limit(limit);
    if let Some(bin) = bin {
        query = query.filter(event::Column::Bin.eq(bin.as_str()));
    }
    if let Some(before) = before {
        query = query.filter(event::Column::Id.lt(before));
    }
    query.all(store.db()).await?.into_iter().map(item).collect()
}

/// What the bins, or one of them, saw since `since_ms`.
pub(super) async fn field(store: &Store, since_ms: i64, bin: Option<&BinId>) -> Result<FieldReport, StoreError> {
    let seen = Seen { since_ms, bin };
    let classes = classes(store, seen).await?;
    let models: Vec<FieldAccuracy> = judged(seen)
        .column(event::Column::Model)
        .column_as(event::Column::Id.count(), "items")
        .column_as(event::Column::Id.min(), "first")
        .column_as(event::Column::ReceivedMs.min(), "from_ms")
        .column_as(count_if(is_right()), "right")
        .column_as(count_if(is_sure()), "sure")
        .column_as(count_if(is_sure().and(is_right())), "sure_right")
        .group_by(event::Column::Model)
        .order_by_asc(event::Column::Id.min())
        .into_model::<ModelRow>()
        .all(store.db())
        .await?
        .into_iter()
        .map(FieldAccuracy::from)
        .collect();
    let truth_sources: Vec<String> = judged(seen)
        .column(event::Column::TruthSource)
        .distinct()
        .filter(event::Column::TruthSource.is_not_null())
        .into_tuple()
        .all(store.db())
        .await?;
    Ok(FieldReport { since_ms, classes, models, points: points(store, seen).await?, truth_sources })
}

async fn classes(store: &Store, seen: Seen<'_>) -> Result<Vec<ClassCount>, DbErr> {
    let rows: Vec<(String, i64, i64)> = event::Entity::find()
        .select_only()
        .column(event::Column::Label)
        .column_as(event::Column::Id.count(), "items")
        .column_as(count_if(is_sure()), "sure")
        .filter(seen.condition())
        .group_by(event::Column::Label)
        .order_by_asc(event::Column::Label)
        .into_tuple()
        .all(store.db())
        .await?;
    let count = |(label, items, sure): (String, i64, i64)| ClassCount { label, sure, unsure: items - sure };
    Ok(rows.into_iter().map(count).collect())
}

/// Accuracy over time: a point per model and slice of the time from the first judged item to the last.
async fn points(store: &Store, seen: Seen<'_>) -> Result<Vec<FieldPoint>, DbErr> {
    let span: Option<(Option<i64>, Option<i64>)> = judged(seen)
        .column_as(event::Column::ReceivedMs.min(), "first")
        .column_as(event::Column::ReceivedMs.max(), "last")
        .into_tuple()
        .one(store.db())
        .await?;
    let Some((Some(first), Some(last))) = span else { return Ok(Vec::new()) };
    let width = (last - first) / POINTS + 1;
    let slice = || Expr::col(event::Column::ReceivedMs).sub(first).div(width);
    let rows: Vec<(i64, String, i64, i64)> = judged(seen)
        .column_as(slice(), "slice")
        .column(event::Column::Model)
        .column_as(event::Column::Id.count(), "items")
        .column_as(count_if(is_right()), "right")
        .group_by(slice())
        .group_by(event::Column::Model)
        .order_by_asc(slice())
        .into_tuple()
        .all(store.db())
        .await?;
    let point = |(slice, model, items, right): (i64, String, i64, i64)| FieldPoint {
        at_ms: first + slice * width + width / 2,
        model,
        items,
        right,
    };
    Ok(rows.into_iter().map(point).collect())
}

/// Items whose truth is known.
fn judged(seen: Seen<'_>) -> sea_orm::Select<event::Entity> {
    event::Entity::find().select_only().filter(seen.condition()).filter(event::Column::TruthLabel.is_not_null())
}

/// Which items a report is about.
#[derive(Clone, Copy)]
struct Seen<'a> {
    since_ms: i64,
    bin: Option<&'a BinId>,
}

impl Seen<'_> {
    fn condition(self) -> Condition {
        let since = event::Column::ReceivedMs.gte(self.since_ms);
        Condition::all().add(since).add_option(self.bin.map(|bin| event::Column::Bin.eq(bin.as_str())))
    }
}

fn is_sure() -> SimpleExpr {
    Expr::col(event::Column::Outcome).eq("label")
}

fn is_right() -> SimpleExpr {
    Expr::col(event::Column::Label).equals(event::Column::TruthLabel)
}

fn count_if(condition: SimpleExpr) -> SimpleExpr {
    Func::sum(Expr::case(condition, 1).finally(0)).into()
}

#[derive(FromQueryResult)]
struct ModelRow {
    model: String,
    items: i64,
    from_ms: i64,
    right: i64,
    sure: i64,
    sure_right: i64,
}

impl From<ModelRow> for FieldAccuracy {
    fn from(row: ModelRow) -> Self {
        let ModelRow { model, items, from_ms, right, sure, sure_right } = row;
        Self { model, from_ms, items, right, sure, sure_right }
    }
}

fn bin_view(row: bin::Model, last_item: Option<ItemSeen>) -> BinView {
    let status = row.status_json.as_deref().and_then(|json| Status::decode(json.as_bytes()).ok());
    let reported = row.reported_json.as_deref().and_then(|json| Reported::decode(json.as_bytes()).ok());
    let trust = reported.as_ref().and_then(|reported| reported.trust.as_ref());
    let by = trust.map(|trust| match trust.by {
        TrustBy::Signatures => "signatures",
        TrustBy::SignaturesWithoutTime => "signatures_without_time",
        TrustBy::WaitingForTime => "waiting_for_time",
        TrustBy::Hub => "hub",
    });
    let trust_fault = trust.and_then(|trust| trust.fault.clone());
    let update_bytes = reported.as_ref().and_then(|reported| reported.update_bytes);
    let taken_back = reported.iter().flat_map(|reported| reported.taken_back.clone());
    let taken_back = taken_back.map(|taken| ModelTakenBack {
        version: taken.version.to_string(),
        manifest: taken.manifest.to_string(),
        reason: taken.reason,
    });
    let place = row.latitude.zip(row.longitude);
    BinView {
        software: status.as_ref().map(|status| status.software.clone()),
        time_zone: row.time_zone.or_else(|| status.as_ref()?.time_zone.clone()),
        taken_back: taken_back.collect(),
        trust: by.map(str::to_owned),
        trust_fault,
        update_bytes,
        camera: status.map(|status| match status.camera {
            CameraState::Starting => "starting".to_owned(),
            CameraState::Streaming => "streaming".to_owned(),
            CameraState::Ended => "ended".to_owned(),
            CameraState::Failed { error } => format!("failed: {error}"),
        }),
        update: row.reported_json.as_deref().and_then(update_in_words),
        telemetry: row.telemetry_json.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        place: place.map(|(latitude, longitude)| Place { latitude, longitude, address: row.address }),
        id: row.id,
        name: row.name,
        group: row.group_name,
        created_ms: row.created_ms,
        last_seen_ms: row.last_seen_ms,
        online: row.online,
        model: row.model_version,
        desired_model: row.desired_version,
        conflicts: row.conflicts,
        conflict_ms: row.conflict_ms,
        takeovers: row.takeovers,
        takeover_ms: row.takeover_ms,
        last_item,
    }
}

fn item(row: event::Model) -> Result<ItemSeen, StoreError> {
    let corrupt = |problem: String| StoreError::Corrupt { table: "events", row: row.id.to_string(), problem };
    let label = |label: &str| Label::new(label).map_err(|error| corrupt(error.to_string()));
    Ok(ItemSeen {
        id: row.id,
        bin: BinId::new(row.bin.as_str()).map_err(|error| corrupt(error.to_string()))?,
        at_ms: row.seen_ms.unwrap_or(row.at_ms),
        sure: row.outcome == "label",
        label: label(&row.label)?,
        confidence: row.confidence,
        model: ModelVersion::new(row.model.as_str()).map_err(|error| corrupt(error.to_string()))?,
        latency_ms: row.latency_ms,
        truth: row.truth_label.as_deref().map(label).transpose()?,
        truth_source: row.truth_source.clone(),
    })
}
