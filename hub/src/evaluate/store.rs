//! Which images a model is judged by, in the database.

use std::collections::HashSet;

use pilah_models::name::{ContentId, Label};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::dataset::{Split, UNUSABLE};
use crate::store::StoreError;
use crate::store::entity::{sample, training};

/// Why a bin keeps a sample that is a fair picture of what comes.
const RANDOM: &str = "random";

/// How many rows are asked for at once, well below SQLite's limit on parameters.
const ROWS: usize = 500;

/// An image with what it truly shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) sample: String,
    pub(super) content: ContentId,
    pub(super) label: Label,
    pub(super) group: String,
    pub(super) bin: Option<String>,
}

/// The labelled images of the test split, in the order in which they came.
pub(super) async fn test_split(db: &impl ConnectionTrait) -> Result<Vec<Image>, StoreError> {
    images(db, Condition::all().add(sample::Column::Split.eq(Split::Test.name()))).await
}

/// The labelled images that bins kept at random since a time. Images of a group of which an earlier one is
/// there are left out: the training may have seen the same object.
pub(super) async fn fresh(db: &impl ConnectionTrait, since_ms: i64) -> Result<Vec<Image>, StoreError> {
    let wanted = Condition::all().add(sample::Column::Reason.eq(RANDOM)).add(sample::Column::ReceivedMs.gt(since_ms));
    let images = images(db, wanted).await?;
    let groups: HashSet<&str> = images.iter().map(|image| image.group.as_str()).collect();
    let groups: Vec<&str> = groups.into_iter().collect();
    let mut known: HashSet<String> = HashSet::new();
    for part in groups.chunks(ROWS) {
        let earlier: Vec<String> = sample::Entity::find()
            .select_only()
            .column(sample::Column::GroupKey)
            .distinct()
            .filter(sample::Column::GroupKey.is_in(part.iter().copied()))
            .filter(sample::Column::ReceivedMs.lte(since_ms))
            .into_tuple()
            .all(db)
            .await?;
        known.extend(earlier);
    }
    Ok(images.into_iter().filter(|image| !known.contains(&image.group)).collect())
}

/// When a training began: what came later it cannot have seen.
pub(super) async fn training(db: &impl ConnectionTrait, id: i32) -> Result<Option<training::Model>, StoreError> {
    Ok(training::Entity::find_by_id(id).one(db).await?)
}

type Row = (String, String, String, String, Option<String>);

async fn images(db: &impl ConnectionTrait, wanted: Condition) -> Result<Vec<Image>, StoreError> {
    let rows: Vec<Row> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Id)
        .column(sample::Column::ContentSha256)
        .column(sample::Column::Label)
        .column(sample::Column::GroupKey)
        .column(sample::Column::Bin)
        .filter(wanted)
        .filter(sample::Column::Label.is_not_null())
        .filter(sample::Column::Label.ne(UNUSABLE))
        .order_by_asc(sample::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let image = |(sample, content, label, group, bin): Row| {
        let corrupt = |problem: String| StoreError::Corrupt { table: "samples", row: sample.clone(), problem };
        Ok(Image {
            content: ContentId::new(content).map_err(|error| corrupt(error.to_string()))?,
            label: Label::new(label).map_err(|error| corrupt(error.to_string()))?,
            sample,
            group,
            bin,
        })
    };
    rows.into_iter().map(image).collect()
}
