//! Samples in the database, by what is known of them.

use std::collections::HashMap;

use pilah_models::name::ContentId;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
};

use super::{Cursor, Filter, SearchError, Sort};
use crate::dataset::DatasetError;
use crate::review::store::{to_review, to_sample};
use crate::store::entity::{label_history, review, sample};

/// A sample that was found, with its review if it has one yet.
pub type Found = (sample::Model, Option<review::Model>);

/// A page of samples, and where it ended if there may be more.
///
/// # Errors
/// [`SearchError::Cursor`]: it is of another order; or the database failed.
pub async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    sort: Sort,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<(Vec<Found>, Option<Cursor>), SearchError> {
    let found: Vec<(String, Option<f64>)> = match sort {
        Sort::Newest => newest(db, filter, after, limit).await?,
        Sort::Unsure => unsure(db, filter, after, limit).await?,
    };
    let is_full = found.len() as u64 == limit;
    let next =
        found.last().filter(|_| is_full).map(|(sample, unsure)| Cursor { unsure: *unsure, sample: sample.clone() });
    let ids: Vec<String> = found.into_iter().map(|(sample, _)| sample).collect();
    Ok((load(db, &ids).await?, next))
}

async fn newest(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Vec<(String, Option<f64>)>, SearchError> {
    let mut query = sample::Entity::find().select_only().column(sample::Column::Id).filter(conditions(filter));
    if asks_for_review(filter) {
        query = query.join(JoinType::InnerJoin, to_review());
    }
    if let Some(cursor) = after {
        if cursor.unsure.is_some() {
            return Err(SearchError::Cursor(cursor.to_string()));
        }
        query = query.filter(sample::Column::Id.lt(cursor.sample.as_str()));
    }
    let ids: Vec<String> = query.order_by_desc(sample::Column::Id).limit(limit).into_tuple().all(db).await?;
    Ok(ids.into_iter().map(|id| (id, None)).collect())
}

async fn unsure(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Vec<(String, Option<f64>)>, SearchError> {
    let mut query = review::Entity::find()
        .select_only()
        .column(review::Column::SampleId)
        .column(review::Column::Unsure)
        .join(JoinType::InnerJoin, to_sample())
        .filter(review::Column::Unsure.is_not_null())
        .filter(conditions(filter));
    if let Some(cursor) = after {
        let at = cursor.unsure.ok_or_else(|| SearchError::Cursor(cursor.to_string()))?;
        let tie = review::Column::Unsure.eq(at).and(review::Column::SampleId.lt(cursor.sample.as_str()));
        query = query.filter(Condition::any().add(review::Column::Unsure.lt(at)).add(tie));
    }
    let ordered = query.order_by_desc(review::Column::Unsure).order_by_desc(review::Column::SampleId);
    Ok(ordered.limit(limit).into_tuple().all(db).await?)
}

fn conditions(filter: &Filter) -> Condition {
    use review::Column as R;
    use sample::Column as S;
    Condition::all()
        .add_option(filter.label.as_ref().map(|label| S::Label.eq(label)))
        .add_option(filter.unlabelled.then(|| S::Label.is_null()))
        .add_option(filter.guess.as_ref().map(|guess| R::Guess.eq(guess)))
        .add_option(filter.bin.as_ref().map(|bin| S::Bin.eq(bin)))
        .add_option(filter.source.as_ref().map(|source| S::Source.eq(source)))
        .add_option(filter.split.map(|split| S::Split.eq(split.name())))
        .add_option(filter.from_ms.map(|from| S::ReceivedMs.gte(from)))
        .add_option(filter.to_ms.map(|to| S::ReceivedMs.lt(to)))
        .add_option(filter.unsure_from.map(|from| R::Unsure.gte(from)))
        .add_option(filter.unsure_to.map(|to| R::Unsure.lte(to)))
        .add_option(filter.random.then(|| R::RandomRank.is_not_null()))
        .add_option(filter.suspect.then(|| R::Suspect.is_not_null()))
}

fn asks_for_review(filter: &Filter) -> bool {
    filter.unsure_from.is_some()
        || filter.unsure_to.is_some()
        || filter.guess.is_some()
        || filter.random
        || filter.suspect
}

async fn load(db: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<Found>, DbErr> {
    let samples = sample::Entity::find().filter(sample::Column::Id.is_in(ids)).all(db).await?;
    let reviews = review::Entity::find().filter(review::Column::SampleId.is_in(ids)).all(db).await?;
    let mut samples: HashMap<String, sample::Model> = samples.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut reviews: HashMap<String, review::Model> =
        reviews.into_iter().map(|row| (row.sample_id.clone(), row)).collect();
    // One that was deleted since is left out.
    Ok(ids.iter().filter_map(|id| Some((samples.remove(id)?, reviews.remove(id)))).collect())
}

/// A sample with its review, and the changes of its label, the oldest first.
///
/// # Errors
/// There is no such sample, or the database failed.
pub async fn detail(db: &impl ConnectionTrait, id: &str) -> Result<(Found, Vec<label_history::Model>), SearchError> {
    let found = load(db, &[id.to_owned()]).await?.pop();
    let found = found.ok_or_else(|| DatasetError::NoSample(id.to_owned()))?;
    let history = label_history::Entity::find()
        .filter(label_history::Column::SampleId.eq(id))
        .order_by_asc(label_history::Column::Id)
        .all(db)
        .await?;
    Ok((found, history))
}

/// The samples of some images, in the order of the images.
///
/// # Errors
/// The database failed.
pub async fn of_images(
    db: &impl ConnectionTrait,
    images: &[(ContentId, f32)],
) -> Result<Vec<(sample::Model, f32)>, DbErr> {
    let names = images.iter().map(|(content, _)| content.as_str());
    let rows = sample::Entity::find()
        .filter(sample::Column::ContentSha256.is_in(names))
        .order_by_asc(sample::Column::Id)
        .all(db)
        .await?;
    let places: HashMap<&str, (usize, f32)> =
        images.iter().enumerate().map(|(place, (content, likeness))| (content.as_str(), (place, *likeness))).collect();
    let mut found: Vec<(usize, f32, sample::Model)> = rows
        .into_iter()
        .filter_map(|row| {
            let (place, likeness) = *places.get(row.content_sha256.as_str())?;
            Some((place, likeness, row))
        })
        .collect();
    found.sort_by_key(|(place, ..)| *place);
    Ok(found.into_iter().map(|(_, likeness, row)| (row, likeness)).collect())
}
