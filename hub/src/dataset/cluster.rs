//! Which groups are one cluster, because near-duplicates link them; a cluster shares a split.
//!
//! A new sample belongs to the cluster of its group, and to that of every sample that looks like it
//! ([`looks::NEAR`]). If these have one split at most, they become one cluster, and nothing moves: of
//! what is merged, only one part had a split. If they have two, the new sample would be seen in training
//! and asked for in the test: it is *excluded*, belongs to nobody, and never gets a split. So a split that
//! was given stays, and near-duplicates with a split always have the same one.
//!
//! ```text
//! new ~ A(train)              → joins A
//! new ~ A(train), B(no split) → joins A, and so does B
//! new ~ A(train), B(test)     → excluded; A and B stay as they are
//! ```

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::looks;
use super::split::Split;
use crate::store::entity::sample;

/// Where a sample belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its cluster.
    pub cluster: String,
    /// The split that the cluster has, if it has one.
    pub split: Option<Split>,
    /// Why the sample gets no split, ever.
    pub excluded: Option<String>,
}

impl Place {
    /// The place of a sample that is excluded, for this reason.
    #[must_use]
    pub fn alone(reason: String) -> Self {
        Self { cluster: format!("alone/{}", uuid::Uuid::now_v7()), split: None, excluded: Some(reason) }
    }
}

/// The columns of a row that hold a perceptual hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LooksColumns {
    /// The whole hash.
    pub looks: i64,
    /// Its bands.
    pub bands: [i32; looks::BANDS],
}

impl LooksColumns {
    /// The columns of this hash.
    #[must_use]
    pub fn of(hash: u64) -> Self {
        Self { looks: hash.cast_signed(), bands: looks::bands(hash).map(i32::from) }
    }

    /// Sets them in a row.
    pub fn set(&self, row: &mut sample::ActiveModel) {
        use sea_orm::ActiveValue::Set;
        row.looks = Set(Some(self.looks));
        let [b0, b1, b2, b3] = self.bands;
        (row.looks_0, row.looks_1) = (Set(Some(b0)), Set(Some(b1)));
        (row.looks_2, row.looks_3) = (Set(Some(b2)), Set(Some(b3)));
    }
}

/// Finds the place of a new sample, and merges the clusters that it links. `fixed` is the split that the
/// sample must have, if its folder says so.
///
/// # Errors
/// The database's.
pub async fn place(tx: &impl ConnectionTrait, group: &str, hash: u64, fixed: Option<Split>) -> Result<Place, DbErr> {
    let own = of_group(tx, group).await?;
    let mut names = near(tx, hash).await?;
    names.extend(own.clone());
    let found = with_splits(tx, names).await?;
    match decide(group, own.as_deref(), &found, fixed) {
        Decision::Join { cluster, absorbed, split } => {
            absorb(tx, &cluster, absorbed).await?;
            Ok(Place { cluster, split, excluded: None })
        }
        Decision::Exclude(splits) => {
            let names: Vec<&str> = splits.iter().map(|split| split.name()).collect();
            Ok(Place::alone(format!("it looks like samples in {}", names.join(" and "))))
        }
    }
}

/// What to do with a sample that these clusters claim.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Join { cluster: String, absorbed: Vec<String>, split: Option<Split> },
    Exclude(Vec<Split>),
}

fn decide(group: &str, own: Option<&str>, found: &BTreeMap<String, Option<Split>>, fixed: Option<Split>) -> Decision {
    let mut splits: Vec<Split> = found.values().copied().flatten().chain(fixed).collect();
    splits.sort_unstable();
    splits.dedup();
    if splits.len() > 1 {
        return Decision::Exclude(splits);
    }
    // The one that has the split goes on, since most rows name it; else the group's own, else any.
    let with_split = found.iter().find(|(_, split)| split.is_some()).map(|(name, _)| name.as_str());
    let cluster = with_split.or(own).or(found.keys().next().map(String::as_str)).unwrap_or(group).to_owned();
    let absorbed = found.keys().filter(|name| **name != cluster).cloned().collect();
    Decision::Join { cluster, absorbed, split: splits.first().copied() }
}

/// The cluster of the samples of a group, if there are any.
async fn of_group(tx: &impl ConnectionTrait, group: &str) -> Result<Option<String>, DbErr> {
    let row: Option<Option<String>> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Cluster)
        .filter(sample::Column::GroupKey.eq(group))
        .filter(sample::Column::Excluded.is_null())
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(row.map(|cluster| cluster.unwrap_or_else(|| group.to_owned())))
}

/// The clusters of the samples that look like this.
async fn near(tx: &impl ConnectionTrait, hash: u64) -> Result<Vec<String>, DbErr> {
    let columns = [sample::Column::Looks0, sample::Column::Looks1, sample::Column::Looks2, sample::Column::Looks3];
    let mut any_band = Condition::any();
    for (column, band) in columns.into_iter().zip(looks::bands(hash)) {
        any_band = any_band.add(column.is_in(looks::probes(band).map(i32::from)));
    }
    // Once each, since a thing that comes again and again has many rows.
    let candidates: Vec<(i64, String)> = sample::Entity::find()
        .select_only()
        .distinct()
        .column(sample::Column::Looks)
        .column(sample::Column::Cluster)
        .filter(any_band)
        .filter(sample::Column::Cluster.is_not_null())
        .filter(sample::Column::Excluded.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    let is_near = |looks: &i64| looks::distance(looks.cast_unsigned(), hash) <= looks::NEAR;
    let mut clusters: Vec<String> =
        candidates.into_iter().filter(|(looks, _)| is_near(looks)).map(|(_, cluster)| cluster).collect();
    clusters.sort_unstable();
    clusters.dedup();
    Ok(clusters)
}

/// These clusters with the split of each, if it has one.
async fn with_splits(tx: &impl ConnectionTrait, names: Vec<String>) -> Result<BTreeMap<String, Option<Split>>, DbErr> {
    let mut clusters = BTreeMap::new();
    for name in names {
        let split = split_of(tx, &name).await?;
        clusters.insert(name, split);
    }
    Ok(clusters)
}

/// The split of a cluster, if it has one.
///
/// # Errors
/// The database's, or a row cannot be read.
pub async fn split_of(tx: &impl ConnectionTrait, cluster: &str) -> Result<Option<Split>, DbErr> {
    let given: Option<String> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Split)
        .filter(members(&[cluster.to_owned()]))
        .filter(sample::Column::Split.is_not_null())
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?;
    given
        .map(|name| name.parse())
        .transpose()
        .map_err(|error: super::split::UnknownSplit| DbErr::Type(error.to_string()))
}

async fn absorb(tx: &impl ConnectionTrait, cluster: &str, absorbed: Vec<String>) -> Result<(), DbErr> {
    if absorbed.is_empty() {
        return Ok(());
    }
    sample::Entity::update_many()
        .col_expr(sample::Column::Cluster, Expr::value(cluster))
        .filter(members(&absorbed))
        .filter(sample::Column::Excluded.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The samples of some clusters.
fn members(clusters: &[String]) -> Condition {
    Condition::any()
        .add(sample::Column::Cluster.is_in(clusters))
        .add(Condition::all().add(sample::Column::Cluster.is_null()).add(sample::Column::GroupKey.is_in(clusters)))
}

#[cfg(test)]
mod tests;
