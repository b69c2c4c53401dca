//! The next batch, and who has what in hand.
//!
//! What is chosen is decided outside of a transaction; each item is then claimed by an update that
//! takes effect only if nobody has it in hand. Of two reviewers who want the same item one gets it, and
//! the other gets another: on every database.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use pilah_models::name::ContentId;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::diverse::{self, Candidate};
use super::store::{free, to_sample};
use super::{ReviewConfig, ReviewError, Reviewer, State, store};
use crate::embeddings::Vectors;
use crate::store::Store;
use crate::store::entity::{review, review_action};

/// How many candidates are looked at for each item of a batch.
const CANDIDATES_PER_ITEM: usize = 8;

/// How many candidates are read at once, at least and at most.
const PAGE: std::ops::RangeInclusive<usize> = 50..=400;

/// How many pages are read at most to find something that this reviewer has not skipped.
const MOST_PAGES: usize = 100;

/// How often a batch is topped up when others were faster. Each time, one of those who drew at once went on with a
/// whole batch: as many may draw at once, and nobody goes away empty while there is something left.
const ROUNDS: usize = 64;

/// How long a sample that a reviewer skipped is not given to them again.
const SKIPPED: Duration = Duration::from_secs(24 * 3600);

/// How many samples wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// In each of the states that need someone.
    pub open: u64,
    /// For another reviewer.
    pub second: u64,
    /// For a third, or an administrator.
    pub disputed: u64,
}

/// How many samples wait.
///
/// # Errors
/// The database failed.
pub async fn waiting(db: &impl ConnectionTrait) -> Result<Waiting, DbErr> {
    let count =
        async |state: State| review::Entity::find().filter(review::Column::State.eq(state.name())).count(db).await;
    Ok(Waiting {
        open: count(State::Open).await?,
        second: count(State::Second).await?,
        disputed: count(State::Disputed).await?,
    })
}

/// What a reviewer has in hand, the oldest lease first.
///
/// # Errors
/// The database failed.
pub async fn held(db: &impl ConnectionTrait, by: &Reviewer, now_ms: i64) -> Result<Vec<String>, DbErr> {
    review::Entity::find()
        .select_only()
        .column(review::Column::SampleId)
        .filter(review::Column::LeasedBy.eq(by.name.as_str()))
        .filter(review::Column::LeasedUntilMs.gt(now_ms))
        .filter(review::Column::State.ne(State::Done.name()))
        .order_by_asc(review::Column::LeasedUntilMs)
        .order_by_asc(review::Column::SampleId)
        .into_tuple()
        .all(db)
        .await
}

/// The next samples for a reviewer: those that they have in hand, and others up to `count`, all leased
/// anew. Fewer if there are no more. `luck`, 0 to 1, decides by chance on the fraction of an item that
/// is left when the random share of a batch is computed.
///
/// # Errors
/// The database failed.
pub async fn next(
    store: &Store,
    vectors: &Vectors,
    config: &ReviewConfig,
    by: &Reviewer,
    count: usize,
    luck: f64,
    now_ms: i64,
) -> Result<Vec<String>, ReviewError> {
    let until_ms = now_ms + i64::try_from(config.lease.as_millis()).unwrap_or(i64::MAX / 2);
    let queue = Queue { store, vectors, by, now_ms, until_ms };
    let mut batch = held(store.db(), by, now_ms).await?;
    batch.truncate(count);
    let mut batch = queue.claim(&batch).await?;
    for round in 0..ROUNDS {
        if batch.len() == count {
            break;
        }
        // What has just come has no review yet, and is wanted only if nothing else is there.
        if round == 1 && batch.is_empty() {
            store::enrol(store, config.random_share).await?;
        }
        let chosen = queue.choose(&batch, count - batch.len(), config.random_share, luck).await?;
        if chosen.is_empty() && round > 0 {
            break;
        }
        batch.extend(queue.claim(&chosen).await?);
    }
    Ok(batch)
}

struct Queue<'a> {
    store: &'a Store,
    vectors: &'a Vectors,
    by: &'a Reviewer,
    now_ms: i64,
    until_ms: i64,
}

/// A review as the queue needs it.
#[derive(Debug, Clone, FromQueryResult)]
struct Row {
    sample_id: String,
    state: String,
    value: f64,
    random_rank: Option<f64>,
    content_sha256: String,
    group_key: String,
}

/// Which part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Second,
    Disputed,
    Random,
    Valuable,
}

impl Queue<'_> {
    /// First what others wait for, then the random share's part, then the most valuable; and whatever is
    /// left if one of them runs short.
    async fn choose(&self, have: &[String], count: usize, share: f64, luck: f64) -> Result<Vec<String>, DbErr> {
        let mut chosen: Vec<String> = Vec::with_capacity(count);
        for part in [Part::Disputed, Part::Second] {
            let rows = self.candidates(part, have, count - chosen.len()).await?;
            chosen.extend(rows.into_iter().take(count - chosen.len()).map(|row| row.sample_id));
        }
        let left = count - chosen.len();
        let random = ((left as f64 * share + luck).floor() as usize).min(left);
        let drawn = self.candidates(Part::Random, have, left).await?;
        let mut drawn = drawn.into_iter().map(|row| row.sample_id);
        chosen.extend(drawn.by_ref().take(random));
        let wanted = count - chosen.len();
        let rows = self.candidates(Part::Valuable, have, wanted * CANDIDATES_PER_ITEM).await?;
        chosen.extend(self.diverse(&rows, wanted));
        let short = count - chosen.len();
        chosen.extend(drawn.take(short));
        Ok(chosen)
    }

    fn diverse(&self, rows: &[Row], count: usize) -> Vec<String> {
        let candidate = |row: &Row| Candidate {
            sample: row.sample_id.clone(),
            group: row.group_key.clone(),
            value: row.value,
            embedding: ContentId::new(row.content_sha256.as_str()).ok().and_then(|id| self.vectors.get(&id)),
        };
        let candidates: Vec<Candidate> = rows.iter().map(candidate).collect();
        diverse::choose(&candidates, count).into_iter().map(|place| candidates[place].sample.clone()).collect()
    }

    /// Samples that this reviewer may have, in the order of the part; at least `count`, if there are.
    async fn candidates(&self, part: Part, have: &[String], count: usize) -> Result<Vec<Row>, DbErr> {
        let mut found: Vec<Row> = Vec::new();
        let mut last: Option<Row> = None;
        // Twice as many as are needed, so that a few that do not fit cost no second reading.
        let size = (2 * count).clamp(*PAGE.start(), *PAGE.end());
        for _ in 0..MOST_PAGES {
            if found.len() >= count {
                break;
            }
            let page = self.page(part, last.as_ref(), size as u64).await?;
            let is_last = page.len() < size;
            last = page.last().cloned();
            let unfit = self.unfit(&page).await?;
            found.extend(
                page.into_iter().filter(|row| !unfit.contains(&row.sample_id) && !have.contains(&row.sample_id)),
            );
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    async fn page(&self, part: Part, after: Option<&Row>, size: u64) -> Result<Vec<Row>, DbErr> {
        let state = match part {
            Part::Second => State::Second,
            Part::Disputed => State::Disputed,
            Part::Random | Part::Valuable => State::Open,
        };
        let (order, descending) = match part {
            Part::Random => (review::Column::RandomRank, false),
            Part::Second | Part::Disputed | Part::Valuable => (review::Column::Value, true),
        };
        let mut query = review::Entity::find()
            .join(JoinType::InnerJoin, to_sample())
            .column(crate::store::entity::sample::Column::ContentSha256)
            .column(crate::store::entity::sample::Column::GroupKey)
            .filter(review::Column::State.eq(state.name()))
            .filter(free(self.now_ms));
        query = match part {
            Part::Random => query.filter(review::Column::RandomRank.is_not_null()),
            Part::Valuable => query.filter(review::Column::RandomRank.is_null()),
            Part::Second | Part::Disputed => query,
        };
        if let Some(after) = after {
            let place = if descending { after.value } else { after.random_rank.unwrap_or_default() };
            let beyond = if descending { order.lt(place) } else { order.gt(place) };
            let tie = if descending {
                review::Column::SampleId.lt(after.sample_id.as_str())
            } else {
                review::Column::SampleId.gt(after.sample_id.as_str())
            };
            query = query.filter(Condition::any().add(beyond).add(Condition::all().add(order.eq(place)).add(tie)));
        }
        let direction = if descending { Order::Desc } else { Order::Asc };
        query
            .order_by(order, direction.clone())
            .order_by(review::Column::SampleId, direction)
            .limit(size)
            .into_model::<Row>()
            .all(self.store.db())
            .await
    }

    /// Which of these samples this reviewer is not given: skipped of late, or their opinion is known.
    async fn unfit(&self, page: &[Row]) -> Result<HashSet<String>, DbErr> {
        if page.is_empty() {
            return Ok(HashSet::new());
        }
        let actions = review_action::Entity::find()
            .filter(review_action::Column::Reviewer.eq(self.by.name.as_str()))
            .filter(review_action::Column::Undone.eq(false))
            .filter(review_action::Column::SampleId.is_in(page.iter().map(|row| row.sample_id.as_str())))
            .all(self.store.db())
            .await?;
        let states: HashMap<&str, &str> = page.iter().map(|row| (row.sample_id.as_str(), row.state.as_str())).collect();
        let oldest_skip = self.now_ms - i64::try_from(SKIPPED.as_millis()).unwrap_or(i64::MAX / 2);
        let is_unfit = |action: &review_action::Model| {
            let state = states.get(action.sample_id.as_str()).and_then(|name| State::of(name));
            match (action.action.as_str(), state) {
                ("skip", _) => action.at_ms > oldest_skip,
                (_, Some(State::Disputed)) => !self.by.is_administrator,
                (_, Some(State::Second)) => true,
                _ => false,
            }
        };
        Ok(actions.into_iter().filter(is_unfit).map(|action| action.sample_id).collect())
    }

    /// Takes what nobody else has, all or part of it, and tells what was taken.
    async fn claim(&self, samples: &[String]) -> Result<Vec<String>, ReviewError> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.store.begin().await?;
        let mut taken = Vec::with_capacity(samples.len());
        for sample in samples {
            let claimed = review::Entity::update_many()
                .col_expr(review::Column::LeasedBy, Expr::value(self.by.name.as_str()))
                .col_expr(review::Column::LeasedUntilMs, Expr::value(self.until_ms))
                .filter(review::Column::SampleId.eq(sample.as_str()))
                .filter(review::Column::State.ne(State::Done.name()))
                .filter(free(self.now_ms).add(review::Column::LeasedBy.eq(self.by.name.as_str())))
                .exec(&transaction)
                .await?;
            if claimed.rows_affected == 1 {
                taken.push(sample.clone());
            }
        }
        transaction.commit().await?;
        Ok(taken)
    }
}
