//! The audit log: who did what, and when.
//!
//! An entry is written in the transaction of what it tells, so that there is neither without the other.
//! What happens often (labels, failed logins, damaged messages) is a *tally*: one entry per hour for
//! whoever did it, which counts. What a single label was is in the history of its sample.
//!
//! Entries are kept for ever unless the hub is told otherwise. Proofs of deletion are kept even then: they
//! are what is left to show that images of a person are gone.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Chain;
use crate::store::entity::audit;
use crate::store::{Store, now_ms};

/// What a proof of deletion is called.
pub(crate) const DELETION: &str = "samples.delete";

/// Who is named where nobody is logged in.
pub(crate) const NOBODY: &str = "nobody";

/// Milliseconds of an hour, which one tally spans, and of a day.
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How often it is looked for entries that are too old.
const EVERY: Duration = Duration::from_hours(6);

/// Writes down that `who` did `what` (`noun.verb`) just now; `detail` is an object without secrets. Gives
/// the entry's number.
///
/// # Errors
/// The database failed.
pub(crate) async fn note(
    db: &impl ConnectionTrait,
    who: &str,
    what: &str,
    detail: &serde_json::Value,
) -> Result<i64, DbErr> {
    insert(db, now_ms(), who, what, detail).await
}

/// Counts one more of `what` for `who`: in their entry that is less than an hour old, or else in a new one. The
/// entry's detail is `detail`, as of the last time, with the `count`.
///
/// # Errors
/// The database failed.
pub(crate) async fn tally(
    db: &impl ConnectionTrait,
    now_ms: i64,
    who: &str,
    what: &str,
    mut detail: serde_json::Value,
) -> Result<(), DbErr> {
    let counting = audit::Entity::find()
        .filter(audit::Column::Who.eq(who))
        .filter(audit::Column::What.eq(what))
        .filter(audit::Column::AtMs.gt(now_ms - HOUR_MS))
        .order_by_desc(audit::Column::Id)
        .one(db)
        .await?;
    detail["count"] = 1.into();
    let Some(entry) = counting else { return insert(db, now_ms, who, what, &detail).await.map(drop) };
    let before = entry.detail_json.and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok());
    detail["count"] = before.and_then(|detail| detail["count"].as_u64()).map_or(1, |count| count + 1).into();
    audit::Entity::update_many()
        .col_expr(audit::Column::DetailJson, Expr::value(detail.to_string()))
        .filter(audit::Column::Id.eq(entry.id))
        .exec(db)
        .await?;
    Ok(())
}

async fn insert(
    db: &impl ConnectionTrait,
    at_ms: i64,
    who: &str,
    what: &str,
    detail: &serde_json::Value,
) -> Result<i64, DbErr> {
    let row = audit::ActiveModel {
        at_ms: Set(at_ms),
        who: Set(who.to_owned()),
        what: Set(what.to_owned()),
        detail_json: Set(Some(detail.to_string())),
        ..Default::default()
    };
    Ok(audit::Entity::insert(row).exec(db).await?.last_insert_id)
}

/// Deletes entries that are older than so many days, except proofs of deletion. Tells how many.
///
/// # Errors
/// The database failed.
async fn forget(db: &impl ConnectionTrait, days: u32, now_ms: i64) -> Result<u64, DbErr> {
    let deleted = audit::Entity::delete_many()
        .filter(audit::Column::AtMs.lt(now_ms - i64::from(days) * DAY_MS))
        .filter(audit::Column::What.ne(DELETION))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

/// Keeps the log no longer than `keep_days`, for as long as the hub runs.
pub(crate) fn keep(store: Store, keep_days: u32, tasks: &mut JoinSet<()>, stop: CancellationToken) {
    tasks.spawn(async move {
        let work = async {
            let mut rounds = tokio::time::interval(EVERY);
            loop {
                rounds.tick().await;
                match forget(store.db(), keep_days, now_ms()).await {
                    Ok(0) => {}
                    Ok(entries) => tracing::info!(entries, days = keep_days, "old entries of the audit log deleted"),
                    Err(error) => {
                        tracing::error!(error = %Chain(&error), "the audit log is not shortened; tried again in 6 hours");
                    }
                }
            }
        };
        stop.run_until_cancelled(work).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DataFolder;

    async fn entries(store: &Store) -> Vec<(i64, String, String, serde_json::Value)> {
        let rows = audit::Entity::find().order_by_asc(audit::Column::Id).all(store.db()).await.expect("reads");
        let read = |json: Option<String>| serde_json::from_str(&json.expect("a detail")).expect("JSON");
        rows.into_iter().map(|row| (row.at_ms, row.who, row.what, read(row.detail_json))).collect()
    }

    async fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&DataFolder::open(folder.path()).expect("opens")).await.expect("opens")
    }

    #[tokio::test]
    async fn what_happens_often_is_counted_by_the_hour() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = store(&folder).await;
        let hour = 1_790_000_000_000_i64;
        for (at, who, sample) in
            [(hour, "vera", 1), (hour + 5, "vera", 2), (hour + 6, "otto", 3), (hour + HOUR_MS, "vera", 4)]
        {
            let detail = serde_json::json!({ "last": sample });
            tally(store.db(), at, who, "labels.given", detail).await.expect("counts");
        }
        let found = entries(&store).await;
        let shown: Vec<_> = found.iter().map(|(at, who, _, detail)| (*at, who.as_str(), detail.to_string())).collect();
        let expected = [
            (hour, "vera", r#"{"last":2,"count":2}"#.to_owned()),
            (hour + 6, "otto", r#"{"last":3,"count":1}"#.to_owned()),
            (hour + HOUR_MS, "vera", r#"{"last":4,"count":1}"#.to_owned()),
        ];
        assert_eq!(shown, expected);
    }

    #[tokio::test]
    async fn proofs_of_deletion_outlive_everything() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = store(&folder).await;
        let now = 1_790_000_000_000;
        for (days, what) in [(31, "bin.enrolled"), (31, DELETION), (29, "bin.retired")] {
            insert(store.db(), now - days * DAY_MS, "admin", what, &serde_json::json!({})).await.expect("writes");
        }
        assert_eq!(forget(store.db(), 30, now).await.expect("deletes"), 1);
        let left: Vec<String> = entries(&store).await.into_iter().map(|(_, _, what, _)| what).collect();
        assert_eq!(left, [DELETION, "bin.retired"]);
    }
}
