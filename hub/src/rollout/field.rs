//! How the new version does in the field, as far as the hub's rows tell.
//!
//! What a comparison asks of the database does not grow with the events: sums by day, which the intake keeps
//! (`field_days`), in the order of their key, and the reviews of the random share, a few percent of all reviews, by their
//! index. The plans of both questions are held by tests.
//!
//! *Since* the rollout began means from its first day on, by UTC: sums are kept by day. *Before* are the
//! [`BEFORE_DAYS`] days before that. What comes after a rollout has ended is left out. Of a bin that was away, what it saw counts on the day on which it saw it, and a
//! review on the day on which the hub got the image.

use std::collections::BTreeMap;

use pilah_models::name::{Label, ModelVersion};
use pilah_rollout::compare::{self, BinField, Comparison, Seen, Tolerance};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect};

use super::store::Kept;
use crate::dataset::UNUSABLE;
use crate::review::store::to_sample;
use crate::store::entity::{field_day, review, sample};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// As many days before the rollout say how a bin is: four whole weeks, so that each day of the week is in them alike.
pub(crate) const BEFORE_DAYS: i64 = 28;

/// A comparison is made anew after so long, in milliseconds: the figures of a minute change nothing, and the sums of
/// ten thousand bins take a second.
const FRESH_MS: i64 = 60_000;

/// As many comparisons are kept: that of the rollout that is under way, and of those that people look at. When there are
/// more, the oldest is made anew.
const MOST_RECENT: usize = 8;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The version that rolls out.
    pub(crate) new: ModelVersion,
    /// The version in service.
    pub(crate) others: ModelVersion,
    /// When the rollout began, in milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// When it ended, if it did.
    pub(crate) until_ms: Option<i64>,
}

impl Question {
    /// The question of a rollout. One that was begun anew is compared from then on.
    pub(crate) fn of(rollout: &Kept) -> Self {
        let Kept { row, plan, progress } = rollout;
        Self {
            new: plan.new.version.clone(),
            others: plan.before.version.clone(),
            since_ms: progress.reached_ms.first().copied().unwrap_or(row.started_ms),
            until_ms: row.ended_ms,
        }
    }
}

/// The last comparisons, for who asks every few seconds.
#[derive(Debug, Default)]
pub(crate) struct Recent(Vec<(Question, i64, Comparison)>);

impl Recent {
    /// The comparison, at most a minute old.
    pub(crate) async fn compare(
        &mut self,
        db: &impl ConnectionTrait,
        question: &Question,
        now_ms: i64,
    ) -> Result<Comparison, DbErr> {
        self.0.retain(|(_, at_ms, _)| (0..FRESH_MS).contains(&(now_ms - at_ms)));
        if let Some((.., made)) = self.0.iter().find(|(of, ..)| of == question) {
            return Ok(made.clone());
        }
        let made = compare(db, question).await?;
        if self.0.len() == MOST_RECENT {
            self.0.remove(0);
        }
        self.0.push((question.clone(), now_ms, made.clone()));
        Ok(made)
    }
}

/// Compares both versions by what the hub knows now.
pub(crate) async fn compare(db: &impl ConnectionTrait, question: &Question) -> Result<Comparison, DbErr> {
    let bins = gather(db, question).await?;
    Ok(compare::compare(&bins, &Tolerance::default()))
}

/// What each bin saw.
async fn gather(db: &impl ConnectionTrait, question: &Question) -> Result<Vec<BinField>, DbErr> {
    let mut bins: BTreeMap<String, BinField> = BTreeMap::new();
    for row in items(question).into_model::<Items>().all(db).await? {
        let Some(seen) = place(&mut bins, question, row.bin, &row.model, row.since) else { continue };
        let items = count(row.items);
        seen.items += items;
        seen.unsure += count(row.unsure);
        seen.confidence += row.confidence;
        seen.confidence_squares += row.confidence_squares;
        if let Ok(label) = Label::new(row.label) {
            *seen.labels.entry(label).or_default() += items;
        }
    }
    for row in reviewed(question).into_model::<Reviewed>().all(db).await? {
        let Some(seen) = place(&mut bins, question, row.bin, &row.model, row.since) else { continue };
        seen.reviewed += count(row.reviewed);
        seen.right += count(row.right);
    }
    Ok(bins.into_values().collect())
}

/// Where items of a model before or since the rollout began are counted; `None`: the new version's, before it began.
fn place<'a>(
    bins: &'a mut BTreeMap<String, BinField>,
    question: &Question,
    bin: String,
    model: &str,
    since: i64,
) -> Option<&'a mut Seen> {
    let is_new = model == question.new.as_str();
    if is_new && since == 0 {
        return None;
    }
    let bin = bins.entry(bin).or_default();
    Some(match (is_new, since) {
        (true, _) => &mut bin.new,
        (false, 0) => &mut bin.before,
        (false, _) => &mut bin.others,
    })
}

#[derive(Debug, FromQueryResult)]
struct Items {
    bin: String,
    model: String,
    since: i64,
    label: String,
    items: i64,
    unsure: i64,
    confidence: f64,
    confidence_squares: f64,
}

/// The sums of both models, by bin, label, and whether it was before.
fn items(question: &Question) -> sea_orm::Select<field_day::Entity> {
    use field_day::Column as C;
    let first_day = question.since_ms.div_euclid(DAY_MS);
    let since = || since("day", first_day);
    let summed = |column: C| column.sum().cast_as("bigint");
    field_day::Entity::find()
        .select_only()
        .column(C::Bin)
        .column(C::Model)
        .column_as(since(), "since")
        .column(C::Label)
        .column_as(summed(C::Items), "items")
        .column_as(summed(C::Unsure), "unsure")
        .column_as(C::Confidence.sum(), "confidence")
        .column_as(C::ConfidenceSquares.sum(), "confidence_squares")
        .filter(C::Model.is_in(models(question)))
        .filter(C::Day.gte(first_day - BEFORE_DAYS))
        .filter(C::Day.lte(question.until_ms.unwrap_or(i64::MAX).div_euclid(DAY_MS)))
        .group_by(C::Bin)
        .group_by(C::Model)
        .group_by(since())
        .group_by(C::Label)
}

#[derive(Debug, FromQueryResult)]
struct Reviewed {
    bin: String,
    model: String,
    since: i64,
    reviewed: i64,
    right: i64,
}

/// How many of the random share of both models, of what they were sure of, were reviewed, and are right.
fn reviewed(question: &Question) -> sea_orm::Select<review::Entity> {
    use sample::Column as S;
    let first_ms = question.since_ms.div_euclid(DAY_MS) * DAY_MS;
    let since = || since("received_ms", first_ms);
    let right = r#"CAST(SUM(CASE WHEN "samples"."guess" = "samples"."label" THEN 1 ELSE 0 END) AS bigint)"#;
    review::Entity::find()
        .select_only()
        .join(JoinType::InnerJoin, to_sample())
        .column(S::Bin)
        .column(S::Model)
        .column_as(since(), "since")
        .column_as(S::Id.count(), "reviewed")
        .column_as(Expr::cust(right), "right")
        .filter(review::Column::State.eq("done"))
        .filter(review::Column::RandomRank.is_not_null())
        .filter(S::Reason.eq("random"))
        .filter(S::Sure.eq(true))
        .filter(S::Label.is_not_null())
        .filter(S::Label.ne(UNUSABLE))
        .filter(S::Bin.is_not_null())
        .filter(S::Model.is_in(models(question)))
        .filter(S::ReceivedMs.gte(first_ms - BEFORE_DAYS * DAY_MS))
        .filter(S::ReceivedMs.lte(question.until_ms.unwrap_or(i64::MAX)))
        .group_by(S::Bin)
        .group_by(S::Model)
        .group_by(since())
}

fn models(question: &Question) -> [&str; 2] {
    [question.new.as_str(), question.others.as_str()]
}

/// 1 from a value on, 0 before. The number is in the text: a parameter in SELECT and one in GROUP BY would be different
/// expressions to PostgreSQL.
fn since(column: &str, first: i64) -> Expr {
    Expr::cust(format!("CAST(CASE WHEN {column} >= {first} THEN 1 ELSE 0 END AS bigint)"))
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests;
