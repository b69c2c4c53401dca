//! Model versions in the database.

use pilah_evaluate::gate::Verdict;
use pilah_evaluate::{Evaluation, EvaluationReport};
use pilah_models::bundle::Bundle;
use pilah_models::name::{ContentId, ModelVersion};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::{Origin, RegistryError, State};
use crate::audit::note;
use crate::store::entity::{bin, model, rollout};
use crate::store::{Store, StoreError, now_ms};

/// The files of a version.
pub(super) struct Files {
    pub(super) manifest: ContentId,
    pub(super) backbone: ContentId,
    pub(super) head: ContentId,
}

impl Files {
    pub(super) fn of(row: &model::Model) -> Result<Self, StoreError> {
        let id = |text: &str| ContentId::new(text).map_err(|error| corrupt(row, &error));
        Ok(Self {
            manifest: id(&row.manifest_sha256)?,
            backbone: id(&row.backbone_sha256)?,
            head: id(&row.head_sha256)?,
        })
    }
}

pub(super) fn version_of(row: &model::Model) -> Result<ModelVersion, StoreError> {
    ModelVersion::new(row.version.as_str()).map_err(|error| corrupt(row, &error))
}

/// What the gate said; `None` for a version that did not pass it here.
pub(super) fn verdict_of(row: &model::Model) -> Option<Verdict> {
    serde_json::from_str(row.gate_json.as_deref()?).ok()
}

pub(super) fn evaluation_of(row: &model::Model) -> Option<Evaluation> {
    serde_json::from_str(row.metrics_json.as_deref()?).ok()
}

/// The last report, if this build can read it.
pub(super) fn report_of(row: &model::Model) -> Option<EvaluationReport> {
    serde_json::from_str(row.report_json.as_deref()?).ok()
}

pub(super) fn accuracy_of(row: &model::Model) -> Option<f64> {
    evaluation_of(row).map(|figures| figures.accuracy)
}

/// A version that was not deleted.
pub(super) async fn find(db: &impl ConnectionTrait, version: &str) -> Result<model::Model, RegistryError> {
    let row = model::Entity::find_by_id(version).filter(model::Column::State.ne(State::Deleted.name())).one(db).await?;
    if let Some(row) = row {
        return Ok(row);
    }
    let known = all(db).await?.into_iter().map(|row| row.version).collect();
    Err(RegistryError::Unknown { version: version.chars().take(80).collect(), known })
}

/// Every version that was not deleted, newest first.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<model::Model>, RegistryError> {
    let newest_first = model::Entity::find()
        .filter(model::Column::State.ne(State::Deleted.name()))
        .order_by_desc(model::Column::CreatedMs);
    Ok(newest_first.order_by_desc(model::Column::Version).all(db).await?)
}

/// The version that was in service before the one that is: where to go back to.
pub(super) async fn previous(db: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    let rows = model::Entity::find().filter(model::Column::State.eq(State::Previous.name())).all(db).await?;
    // A row of an earlier build does not say when; it was made, at least, before it was in service.
    let newest = rows.into_iter().max_by_key(|row| (row.service_ms.unwrap_or(row.created_ms), row.created_ms));
    Ok(newest.map(|row| row.version))
}

/// The versions that were in service before this one, the last first.
pub(super) async fn before(db: &impl ConnectionTrait, version: &str) -> Result<Vec<String>, StoreError> {
    let mut rows = model::Entity::find()
        .filter(model::Column::State.eq(State::Previous.name()))
        .filter(model::Column::Version.ne(version))
        .all(db)
        .await?;
    rows.sort_by_key(|row| std::cmp::Reverse((row.service_ms.unwrap_or(row.created_ms), row.created_ms)));
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// What refers to a version, in words, except for other versions.
pub(super) async fn references(db: &impl ConnectionTrait, row: &model::Model) -> Result<Vec<String>, StoreError> {
    let mut by = Vec::new();
    if row.state == State::InService.name() {
        by.push("it is in service".to_owned());
    }
    if previous(db).await?.as_deref() == Some(row.version.as_str()) {
        by.push("it is the previous one, to which the hub can go back".to_owned());
    }
    let open = open_rollout(db).await?.filter(|open| [&open.version, &open.before].contains(&&row.version));
    by.extend(open.map(|open| format!("rollout {} is under way with it", open.id)));
    by.extend(bins(db, &row.version).await?);
    Ok(by)
}

/// Keeps what was found of a version.
pub(super) async fn keep_report(db: &impl ConnectionTrait, report: &EvaluationReport) -> Result<(), StoreError> {
    let json = serde_json::to_string(report).expect("a report has string keys");
    model::Entity::update_many()
        .col_expr(model::Column::ReportJson, Expr::value(json))
        .filter(model::Column::Version.eq(report.model.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn in_service(db: &impl ConnectionTrait) -> Result<Option<ModelVersion>, RegistryError> {
    let row = model::Entity::find().filter(model::Column::State.eq(State::InService.name())).one(db).await?;
    Ok(row.map(|row| version_of(&row)).transpose()?)
}

/// The highest n of versions named `m{n}-…`, or how many versions there are, if that is more.
pub(super) async fn highest_number(db: &impl ConnectionTrait) -> Result<u64, RegistryError> {
    let versions: Vec<String> =
        model::Entity::find().select_only().column(model::Column::Version).into_tuple().all(db).await?;
    let number = |version: &String| version.strip_prefix('m')?.split('-').next()?.parse::<u64>().ok();
    Ok(versions.iter().filter_map(number).max().unwrap_or(0).max(versions.len() as u64))
}

/// Whether a registered version refers to this content: only such content is given out.
pub(super) async fn refers_to(db: &impl ConnectionTrait, id: &ContentId) -> Result<bool, RegistryError> {
    let any = Condition::any()
        .add(model::Column::ManifestSha256.eq(id.as_str()))
        .add(model::Column::BackboneSha256.eq(id.as_str()))
        .add(model::Column::HeadSha256.eq(id.as_str()));
    let named = model::Entity::find().filter(any).filter(model::Column::State.ne(State::Deleted.name()));
    Ok(named.count(db).await? > 0)
}

pub(super) async fn insert(
    db: &impl ConnectionTrait,
    bundle: &Bundle,
    origin: &Origin<'_>,
    state: State,
) -> Result<(), RegistryError> {
    let manifest = bundle.manifest();
    if let Some(same) = model::Entity::find_by_id(manifest.version.as_str()).one(db).await? {
        let is_same = same.manifest_sha256 == bundle.id().as_str();
        return if is_same { Ok(()) } else { Err(RegistryError::Taken(manifest.version.clone())) };
    }
    let json = |value: Result<String, serde_json::Error>| value.expect("figures and verdicts have string keys");
    let row = model::ActiveModel {
        version: Set(manifest.version.to_string()),
        manifest_sha256: Set(bundle.id().to_string()),
        backbone_sha256: Set(manifest.backbone.sha256.to_string()),
        head_sha256: Set(manifest.head.sha256.to_string()),
        created_ms: Set(now_ms()),
        training_id: Set(origin.training),
        metrics_json: Set(origin.evaluation.map(|figures| json(serde_json::to_string(figures)))),
        gate_json: Set(origin.verdict.map(|verdict| json(serde_json::to_string(verdict)))),
        state: Set(state.name().to_owned()),
        ..Default::default()
    };
    model::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The rollout under way that does not keep another version from going into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Despite {
    /// Any keeps it from that.
    None,
    /// The one that brings it, at its end.
    Itself(i64),
    /// None does: the one in service cannot be loaded.
    Any,
}

impl Despite {
    fn allows(self, open: i64) -> bool {
        match self {
            Self::None => false,
            Self::Itself(id) => id == open,
            Self::Any => true,
        }
    }
}

/// Makes a version the one in service, and writes down who did it, and, if the gate refused it, why.
pub(super) async fn put_in_service(
    store: &Store,
    version: &ModelVersion,
    who: &str,
    reason: Option<&str>,
    overrides: bool,
    despite: Despite,
) -> Result<(), RegistryError> {
    let (tx, now) = (store.begin().await?, now_ms());
    if let Some(open) = open_rollout(&tx).await?.filter(|open| !despite.allows(open.id)) {
        return Err(RegistryError::RollingOut { rollout: open.id, version: open.version });
    }
    model::Entity::update_many()
        .col_expr(model::Column::State, Expr::value(State::Previous.name()))
        .filter(model::Column::State.eq(State::InService.name()))
        .exec(&tx)
        .await?;
    model::Entity::update_many()
        .col_expr(model::Column::State, Expr::value(State::InService.name()))
        .col_expr(model::Column::ServiceMs, Expr::value(now))
        .filter(model::Column::Version.eq(version.as_str()))
        .exec(&tx)
        .await?;
    if overrides {
        model::Entity::update_many()
            .col_expr(model::Column::OverrideReason, Expr::value(reason))
            .col_expr(model::Column::OverrideBy, Expr::value(who))
            .col_expr(model::Column::OverrideMs, Expr::value(now))
            .filter(model::Column::Version.eq(version.as_str()))
            .exec(&tx)
            .await?;
    }
    let detail = serde_json::json!({ "version": version, "reason": reason, "override": overrides });
    note(&tx, who, "model.activate", &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The rollout that is under way.
async fn open_rollout(db: &impl ConnectionTrait) -> Result<Option<rollout::Model>, StoreError> {
    Ok(rollout::Entity::find().filter(rollout::Column::Open.is_not_null()).one(db).await?)
}

fn corrupt(row: &model::Model, error: &dyn std::error::Error) -> StoreError {
    StoreError::Corrupt { table: "models", row: row.version.clone(), problem: error.to_string() }
}

/// Bins that have a version, or are to have it, in words.
async fn bins(db: &impl ConnectionTrait, version: &str) -> Result<Vec<String>, StoreError> {
    let any = Condition::any().add(bin::Column::ModelVersion.eq(version)).add(bin::Column::DesiredVersion.eq(version));
    let rows = bin::Entity::find().filter(any).filter(bin::Column::RetiredMs.is_null()).all(db).await?;
    let words = |row: bin::Model| {
        if row.model_version.as_deref() == Some(version) {
            format!("bin {} classifies with it", row.id)
        } else {
            format!("bin {} is to have it", row.id)
        }
    };
    Ok(rows.into_iter().map(words).collect())
}
