//! Reviews in the database, as the job keeps them.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, OnConflict, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationDef,
};

use super::State;
use super::opinions::Opinion;
use super::value::draw;
use crate::dataset::UNUSABLE;
use crate::store::Store;
use crate::store::entity::{computation, review, review_action, sample};

/// How many rows are written in one transaction: other writers wait some tens of milliseconds.
const WRITTEN: usize = 200;

/// How many rows are read at once.
const READ: u64 = 2000;

/// The value of a sample that has not been scored yet: in the middle of the queue.
const UNSCORED: f64 = 0.5;

/// From a review to its sample.
pub(crate) fn to_sample() -> RelationDef {
    review::Entity::belongs_to(sample::Entity).from(review::Column::SampleId).to(sample::Column::Id).into()
}

/// From a sample to its review.
pub(crate) fn to_review() -> RelationDef {
    sample::Entity::belongs_to(review::Entity).from(sample::Column::Id).to(review::Column::SampleId).into()
}

/// How many samples were labelled or found unusable since a time, by all or by one; what was taken back
/// does not count.
///
/// # Errors
/// The database failed.
pub(super) async fn answered(db: &impl ConnectionTrait, since_ms: i64, by: Option<&str>) -> Result<u64, DbErr> {
    use review_action::Column;
    let count: Option<i64> = review_action::Entity::find()
        .select_only()
        .column_as(Expr::col(Column::SampleId).count_distinct(), "samples")
        .filter(Column::AtMs.gte(since_ms))
        .filter(Column::Action.is_in(["label", "unusable"]))
        .filter(Column::Undone.eq(false))
        .filter(Condition::all().add_option(by.map(|by| Column::Reviewer.eq(by))))
        .into_tuple()
        .one(db)
        .await?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Gives each sample without a review one. Tells how many there were.
pub(crate) async fn enrol(store: &Store, random_share: f64) -> Result<u64, DbErr> {
    let (mut after, mut enrolled) = (String::new(), 0);
    loop {
        let has_review = Query::select()
            .expr(Expr::value(1))
            .from(review::Entity)
            .and_where(
                Expr::col((review::Entity, review::Column::SampleId)).equals((sample::Entity, sample::Column::Id)),
            )
            .take();
        let rows: Vec<(String, Option<String>)> = sample::Entity::find()
            .select_only()
            .column(sample::Column::Id)
            .column(sample::Column::Label)
            .filter(sample::Column::Id.gt(after.as_str()))
            .filter(Expr::not_exists(has_review))
            .order_by_asc(sample::Column::Id)
            .limit(WRITTEN as u64)
            .into_tuple()
            .all(store.db())
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(enrolled) };
        after.clone_from(last);
        enrolled += rows.len() as u64;
        insert(store, &rows, random_share).await?;
    }
}

async fn insert(store: &Store, rows: &[(String, Option<String>)], random_share: f64) -> Result<(), DbErr> {
    let transaction = store.begin().await?;
    // One that was deleted since would refuse the whole part.
    let ids = rows.iter().map(|(id, _)| id.as_str());
    let there: Vec<String> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Id)
        .filter(sample::Column::Id.is_in(ids))
        .into_tuple()
        .all(&transaction)
        .await?;
    let new =
        rows.iter().filter(|(id, _)| there.contains(id)).map(|(id, label)| new(id, label.as_deref(), random_share));
    let new: Vec<review::ActiveModel> = new.collect();
    if !new.is_empty() {
        let there_already = OnConflict::column(review::Column::SampleId).do_nothing().to_owned();
        review::Entity::insert_many(new).on_conflict(there_already).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await
}

/// The first review of a sample. What has its label from the start is in no random share.
pub(super) fn new(id: &str, label: Option<&str>, random_share: f64) -> review::ActiveModel {
    let rank = draw(id);
    let state = if label.is_some() { State::Done } else { State::Open };
    review::ActiveModel {
        sample_id: Set(id.to_owned()),
        state: Set(state.name().to_owned()),
        value: Set(UNSCORED),
        random_rank: Set((label.is_none() && rank < random_share).then_some(rank)),
        ..Default::default()
    }
}

/// A sample with its review, as the scores need it.
#[derive(Debug, Clone, PartialEq, FromQueryResult)]
pub(crate) struct Scored {
    pub(crate) sample_id: String,
    pub(crate) content_sha256: String,
    pub(crate) group_key: String,
    pub(crate) bin_reason: Option<String>,
    pub(crate) bin_guess: Option<String>,
    pub(crate) probabilities_json: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) state: String,
    pub(crate) value: f64,
    pub(crate) unsure: Option<f64>,
    pub(crate) disagreement: Option<f64>,
    pub(crate) suspect: Option<f64>,
    pub(crate) novelty: Option<f64>,
    pub(crate) marked_wrong: bool,
    pub(crate) checked: bool,
    pub(crate) guess: Option<String>,
    pub(crate) suggested: Option<String>,
    pub(crate) model: Option<String>,
}

impl Scored {
    /// Whether it has a label that is a class.
    pub(crate) fn class(&self) -> Option<&str> {
        self.label.as_deref().filter(|label| *label != UNUSABLE)
    }
}

/// Which samples are read for scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All.
    All,
    /// Those that have not been scored by their embedding, and the rest of their groups.
    Unscored,
}

/// Reads samples with their reviews, in the order of their ids.
pub(crate) async fn read(db: &impl ConnectionTrait, which: Which) -> Result<Vec<Scored>, DbErr> {
    let mut all: Vec<Scored> = Vec::new();
    loop {
        let after = all.last().map_or(String::new(), |row| row.sample_id.clone());
        let mut query = review::Entity::find()
            .join(JoinType::InnerJoin, to_sample())
            .column(sample::Column::ContentSha256)
            .column(sample::Column::GroupKey)
            .column_as(sample::Column::Reason, "bin_reason")
            .column_as(sample::Column::Guess, "bin_guess")
            .column(sample::Column::ProbabilitiesJson)
            .column(sample::Column::Label)
            .filter(review::Column::SampleId.gt(after))
            .order_by_asc(review::Column::SampleId)
            .limit(READ);
        if which == Which::Unscored {
            let groups = Query::select()
                .distinct()
                .column((sample::Entity, sample::Column::GroupKey))
                .from(review::Entity)
                .inner_join(
                    sample::Entity,
                    Expr::col((review::Entity, review::Column::SampleId)).equals((sample::Entity, sample::Column::Id)),
                )
                .and_where(review::Column::Model.is_null())
                .take();
            query = query.filter(sample::Column::GroupKey.in_subquery(groups));
        }
        let page = query.into_model::<Scored>().all(db).await?;
        let is_last = (page.len() as u64) < READ;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// Writes what has changed between two readings of the same samples, a part at a time. What reviewers did
/// meanwhile stays: a state is changed only where the label is still the one that was judged, and nobody
/// has the sample in hand.
pub(crate) async fn write(store: &Store, changes: &[(Scored, Scored)], now_ms: i64) -> Result<(), DbErr> {
    for part in changes.chunks(WRITTEN) {
        let transaction = store.begin().await?;
        for (before, after) in part {
            let mut row = review::ActiveModel {
                value: Set(after.value),
                unsure: Set(after.unsure),
                disagreement: Set(after.disagreement),
                suspect: Set(after.suspect),
                novelty: Set(after.novelty),
                guess: Set(after.guess.clone()),
                suggested: Set(after.suggested.clone()),
                model: Set(after.model.clone()),
                ..Default::default()
            };
            let of_label = |label: &Option<String>| match label {
                Some(label) => sample::Column::Label.eq(label),
                None => sample::Column::Label.is_null(),
            };
            let same_label = Query::select()
                .expr(Expr::value(1))
                .from(sample::Entity)
                .and_where(sample::Column::Id.eq(before.sample_id.as_str()))
                .and_where(of_label(&before.label))
                .take();
            let mut update = review::Entity::update_many()
                .filter(review::Column::SampleId.eq(before.sample_id.as_str()))
                .filter(Expr::exists(same_label));
            if after.state != before.state {
                row.state = Set(after.state.clone());
                update = update.filter(review::Column::State.eq(before.state.as_str())).filter(free(now_ms));
            }
            update.set(row).exec(&transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Nobody has it in hand.
pub(super) fn free(now_ms: i64) -> Condition {
    Condition::any().add(review::Column::LeasedUntilMs.is_null()).add(review::Column::LeasedUntilMs.lte(now_ms))
}

/// Every opinion on samples that more than one reviewer has looked at, in the order in which they were
/// given.
pub(super) async fn shared_opinions(db: &impl ConnectionTrait) -> Result<Vec<Opinion>, DbErr> {
    let is_opinion = || review_action::Column::Undone.eq(false).and(review_action::Column::Label.is_not_null());
    let shared: Vec<String> = review_action::Entity::find()
        .select_only()
        .column(review_action::Column::SampleId)
        .filter(is_opinion())
        .group_by(review_action::Column::SampleId)
        .having(Expr::expr(Func::count_distinct(Expr::col(review_action::Column::Reviewer))).gt(1))
        .into_tuple()
        .all(db)
        .await?;
    let mut opinions = Vec::new();
    for part in shared.chunks(500) {
        let rows: Vec<(String, String, String)> = review_action::Entity::find()
            .select_only()
            .column(review_action::Column::SampleId)
            .column(review_action::Column::Reviewer)
            .column(review_action::Column::Label)
            .filter(is_opinion())
            .filter(review_action::Column::SampleId.is_in(part.iter().map(String::as_str)))
            .order_by_asc(review_action::Column::Id)
            .into_tuple()
            .all(db)
            .await?;
        opinions.extend(rows.into_iter().map(|(sample, reviewer, label)| Opinion { sample, reviewer, label }));
    }
    Ok(opinions)
}

/// A result that was computed before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept<T> {
    pub(crate) computed_ms: i64,
    pub(crate) inputs: serde_json::Value,
    pub(crate) result: T,
}

/// Reads a result. One that this build cannot read counts as not there: it is computed again.
pub(crate) async fn kept<T: serde::de::DeserializeOwned>(
    db: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<Kept<T>>, DbErr> {
    let row = computation::Entity::find_by_id(name).one(db).await?;
    Ok(row.and_then(|row| {
        Some(Kept {
            computed_ms: row.computed_ms,
            inputs: serde_json::from_str(&row.inputs_json).ok()?,
            result: serde_json::from_str(&row.result_json).ok()?,
        })
    }))
}

/// Keeps a result with what it was computed from, in the place of the one before.
pub(crate) async fn keep(
    db: &impl ConnectionTrait,
    name: &str,
    inputs: &serde_json::Value,
    result: &impl serde::Serialize,
    now_ms: i64,
) -> Result<(), DbErr> {
    let row = computation::ActiveModel {
        name: Set(name.to_owned()),
        computed_ms: Set(now_ms),
        inputs_json: Set(inputs.to_string()),
        result_json: Set(serde_json::to_string(result).expect("plain data is JSON")),
    };
    let replace = OnConflict::column(computation::Column::Name)
        .update_columns([
            computation::Column::ComputedMs,
            computation::Column::InputsJson,
            computation::Column::ResultJson,
        ])
        .to_owned();
    computation::Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}
