//! Counts in the database.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Counted, CountedWeek};
use crate::dataset::UNUSABLE;
use crate::store::entity::sample;

/// A week in milliseconds.
const WEEK_MS: i64 = 7 * 24 * 3600 * 1000;

/// From the Monday before 1 January 1970 to that Thursday.
const TO_MONDAY_MS: i64 = 3 * 24 * 3600 * 1000;

/// Counts all samples. One pass over an index, in its order: some 20 ms for 100,000.
///
/// # Errors
/// The database failed.
pub async fn count(db: &impl ConnectionTrait) -> Result<Vec<Counted>, DbErr> {
    type Row = (Option<String>, Option<String>, Option<String>, String, i64, Option<i64>);
    let rows: Vec<Row> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Label)
        .column(sample::Column::Split)
        .column(sample::Column::Bin)
        .column(sample::Column::Source)
        .column_as(sample::Column::Source.count(), "samples")
        .column_as(sample::Column::Bytes.sum().cast_as("bigint"), "bytes")
        .group_by(sample::Column::Label)
        .group_by(sample::Column::Split)
        .group_by(sample::Column::Bin)
        .group_by(sample::Column::Source)
        .into_tuple()
        .all(db)
        .await?;
    let counted = |(label, split, bin, source, samples, bytes): Row| Counted {
        label,
        split,
        bin,
        source,
        samples: number(samples),
        bytes: number(bytes.unwrap_or(0)),
    };
    Ok(rows.into_iter().map(counted).collect())
}

/// Counts all samples by week. The weeks make the order another than the index's: some 40 ms for 100,000.
///
/// # Errors
/// The database failed.
pub async fn count_weeks(db: &impl ConnectionTrait) -> Result<Vec<CountedWeek>, DbErr> {
    // Whole weeks, by the division of integers. The numbers are in the text: a parameter in SELECT and one
    // in GROUP BY would be different expressions to PostgreSQL.
    let week = || Expr::cust(format!("(received_ms + {TO_MONDAY_MS}) / {WEEK_MS}"));
    let rows: Vec<(Option<String>, i64, i64)> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Label)
        .column_as(week(), "week")
        .column_as(sample::Column::Source.count(), "samples")
        .group_by(sample::Column::Label)
        .group_by(week())
        .into_tuple()
        .all(db)
        .await?;
    let counted = |(label, week, samples)| CountedWeek { label, week, samples: number(samples) };
    Ok(rows.into_iter().map(counted).collect())
}

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A labelled sample, as the learning curve takes it.
#[derive(Debug, Clone, PartialEq, Eq, sea_orm::FromQueryResult)]
pub(super) struct Labelled {
    pub(super) content_sha256: String,
    pub(super) label: String,
    pub(super) split: String,
    pub(super) group_key: String,
}

/// Every sample that can be trained on or validated by, in the order of the ids.
pub(super) async fn labelled(db: &impl ConnectionTrait) -> Result<Vec<Labelled>, DbErr> {
    sample::Entity::find()
        .select_only()
        .column(sample::Column::ContentSha256)
        .column(sample::Column::Label)
        .column(sample::Column::Split)
        .column(sample::Column::GroupKey)
        .filter(sample::Column::Label.is_not_null())
        .filter(sample::Column::Label.ne(UNUSABLE))
        .filter(sample::Column::Split.is_in(["train", "validation"]))
        .order_by_asc(sample::Column::Id)
        .into_model::<Labelled>()
        .all(db)
        .await
}
