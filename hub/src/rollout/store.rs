//! Bins with what they reported, rollouts and their history, in the database.

use std::collections::BTreeMap;

use pilah_models::name::{BinId, ContentId, ModelVersion};
use pilah_models::wire::{Message as _, Reported, Status};
use pilah_rollout::fleet::{Bin, Model, Says};
use pilah_rollout::plan::Plan;
use pilah_rollout::progress::{Happening, Progress};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::de::DeserializeOwned;

use crate::audit;
use crate::registry::State;
use crate::store::StoreError;
use crate::store::entity::{bin, model, rollout, rollout_event};

/// The most bins in one statement: SQLite takes 32,766 values.
const BINS_PER_STATEMENT: usize = 1000;

/// A bin as the rollout sees it.
pub(super) struct BinRow {
    pub(super) id: BinId,
    /// The last that it reported; `None` before it has, and if this build cannot read it.
    pub(super) reported: Option<Reported>,
    /// The model that the database says is wanted there.
    pub(super) desired: Option<String>,
    tag: Option<String>,
    time_zone: Option<String>,
    status_json: Option<String>,
    last_seen_ms: Option<i64>,
}

impl BinRow {
    /// The same for decisions.
    pub(super) fn bin(&self) -> Bin {
        let said = || Status::decode(self.status_json.as_ref()?.as_bytes()).ok()?.time_zone;
        Bin {
            id: self.id.clone(),
            tag: self.tag.clone(),
            time_zone: self.time_zone.clone().or_else(said),
            last_seen_ms: self.last_seen_ms,
            told: self.desired.as_ref().and_then(|version| ModelVersion::new(version.as_str()).ok()),
            says: self.reported.as_ref().map(Says::from),
        }
    }
}

/// Columns of a bin, in the order of the query.
type Columns = (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>, Option<i64>);

/// Every bin that is not retired, by id.
pub(super) async fn bins(db: &impl ConnectionTrait) -> Result<Vec<BinRow>, DbErr> {
    let rows: Vec<Columns> = bin::Entity::find()
        .select_only()
        .column(bin::Column::Id)
        .column(bin::Column::ReportedJson)
        .column(bin::Column::DesiredVersion)
        .column(bin::Column::GroupName)
        .column(bin::Column::TimeZone)
        .column(bin::Column::StatusJson)
        .column(bin::Column::LastSeenMs)
        .filter(bin::Column::RetiredMs.is_null())
        .order_by_asc(bin::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let read = |(id, reported, desired, tag, time_zone, status_json, last_seen_ms): Columns| {
        let reported = reported.and_then(|json| Reported::decode(json.as_bytes()).ok());
        Some(BinRow { id: BinId::new(id).ok()?, reported, desired, tag, time_zone, status_json, last_seen_ms })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Notes which version is wanted of these bins.
pub(super) async fn set_desired(
    db: &impl ConnectionTrait,
    bins: &[BinId],
    version: &ModelVersion,
) -> Result<(), DbErr> {
    for bins in bins.chunks(BINS_PER_STATEMENT) {
        bin::Entity::update_many()
            .col_expr(bin::Column::DesiredVersion, Expr::value(version.to_string()))
            .filter(bin::Column::Id.is_in(bins.iter().map(BinId::as_str)))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Retired bins for which something is still wanted.
pub(super) async fn retired(db: &impl ConnectionTrait) -> Result<Vec<BinId>, DbErr> {
    let rows: Vec<String> = bin::Entity::find()
        .select_only()
        .column(bin::Column::Id)
        .filter(bin::Column::RetiredMs.is_not_null())
        .filter(bin::Column::DesiredVersion.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().filter_map(|id| BinId::new(id).ok()).collect())
}

/// Notes that nothing is wanted of a bin any more.
pub(super) async fn clear_desired(db: &impl ConnectionTrait, bin: &BinId) -> Result<(), DbErr> {
    bin::Entity::update_many()
        .col_expr(bin::Column::DesiredVersion, Expr::value(None::<String>))
        .filter(bin::Column::Id.eq(bin.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// The models of this hub that have their files, and the one of them in service.
pub(super) async fn models(
    db: &impl ConnectionTrait,
) -> Result<(BTreeMap<ModelVersion, ContentId>, Option<Model>), DbErr> {
    let rows: Vec<(String, String, String)> = model::Entity::find()
        .select_only()
        .column(model::Column::Version)
        .column(model::Column::ManifestSha256)
        .column(model::Column::State)
        .filter(model::Column::State.ne(State::Deleted.name()))
        .into_tuple()
        .all(db)
        .await?;
    let (mut known, mut in_service) = (BTreeMap::new(), None);
    for (version, manifest, state) in rows {
        let (Ok(version), Ok(manifest)) = (ModelVersion::new(version), ContentId::new(manifest)) else { continue };
        if state == State::InService.name() {
            in_service = Some(Model { version: version.clone(), manifest: manifest.clone() });
        }
        known.insert(version, manifest);
    }
    Ok((known, in_service))
}

/// A rollout, read.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) row: rollout::Model,
    pub(super) plan: Plan,
    pub(super) progress: Progress,
}

impl Kept {
    fn read(row: rollout::Model) -> Result<Self, StoreError> {
        let plan = parse("rollouts", row.id, &row.plan_json)?;
        let progress = parse("rollouts", row.id, &row.progress_json)?;
        Ok(Self { row, plan, progress })
    }
}

fn parse<T: DeserializeOwned>(table: &'static str, row: i64, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Corrupt {
        table,
        row: row.to_string(),
        problem: error.to_string(),
    })
}

/// The rollout that is under way.
pub(super) async fn open(db: &impl ConnectionTrait) -> Result<Option<Kept>, StoreError> {
    let row = rollout::Entity::find().filter(rollout::Column::Open.is_not_null()).one(db).await?;
    row.map(Kept::read).transpose()
}

/// A rollout.
pub(super) async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<Kept>, StoreError> {
    rollout::Entity::find_by_id(id).one(db).await?.map(Kept::read).transpose()
}

/// The newest rollouts, newest first.
pub(super) async fn newest(db: &impl ConnectionTrait, most: u64) -> Result<Vec<Kept>, StoreError> {
    let rows = rollout::Entity::find().order_by_desc(rollout::Column::Id).limit(most).all(db).await?;
    rows.into_iter().map(Kept::read).collect()
}

/// The number of the next rollout.
pub(super) async fn next_id(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let last = rollout::Entity::find().order_by_desc(rollout::Column::Id).one(db).await?;
    Ok(last.map_or(0, |row| row.id) + 1)
}

/// Keeps a rollout that begins.
pub(super) async fn insert(
    db: &impl ConnectionTrait,
    plan: &Plan,
    progress: &Progress,
    by: &str,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<(), DbErr> {
    let row = rollout::ActiveModel {
        id: Set(plan.id),
        version: Set(plan.new.version.to_string()),
        before: Set(plan.before.version.to_string()),
        state: Set(progress.phase.name().to_owned()),
        open: Set(Some(1)),
        by: Set(by.to_owned()),
        reason: Set(reason.map(ToOwned::to_owned)),
        started_ms: Set(now_ms),
        ended_ms: Set(None),
        plan_json: Set(json(plan)),
        progress_json: Set(json(progress)),
    };
    rollout::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Keeps how far a rollout has come.
pub(super) async fn keep(db: &impl ConnectionTrait, id: i64, progress: &Progress, now_ms: i64) -> Result<(), DbErr> {
    let is_open = progress.phase.is_open();
    let row = rollout::ActiveModel {
        state: Set(progress.phase.name().to_owned()),
        open: Set(is_open.then_some(1)),
        ended_ms: Set((!is_open).then_some(now_ms)),
        progress_json: Set(json(progress)),
        ..Default::default()
    };
    rollout::Entity::update_many().set(row).filter(rollout::Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// Writes down what happened to a rollout: in its history all, in the audit log what is not of a single bin.
pub(super) async fn write_down(
    db: &impl ConnectionTrait,
    plan: &Plan,
    happened: &[Happening],
    now_ms: i64,
) -> Result<(), DbErr> {
    for happening in happened {
        let row = rollout_event::ActiveModel {
            rollout: Set(plan.id),
            at_ms: Set(now_ms),
            happening_json: Set(json(happening)),
            ..Default::default()
        };
        rollout_event::Entity::insert(row).exec_without_returning(db).await?;
        if happening.bin().is_none() {
            let detail = serde_json::json!({
                "rollout": plan.id, "version": plan.new.version, "words": happening.words(),
            });
            let what = format!("rollout.{}", happening.name());
            audit::note(db, happening.by().unwrap_or("hub"), &what, &detail).await?;
        }
    }
    Ok(())
}

/// What happened to a rollout, and when, in order.
pub(super) async fn history(db: &impl ConnectionTrait, id: i64) -> Result<Vec<(i64, Happening)>, StoreError> {
    let rows = rollout_event::Entity::find()
        .filter(rollout_event::Column::Rollout.eq(id))
        .order_by_asc(rollout_event::Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(|row| Ok((row.at_ms, parse("rollout_events", row.id, &row.happening_json)?))).collect()
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plans, progress and happenings have string keys")
}
