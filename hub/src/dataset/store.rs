//! Samples and labels in the database.

use std::collections::{BTreeMap, BTreeSet};

use pilah_models::name::{ContentId, Label};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::cluster::{self, LooksColumns};
use super::split::{self, Counts, Split};
use super::{DatasetError, Prepared, UNUSABLE};
use crate::store::entity::{label_history, sample};
use crate::store::{StoreError, now_ms};

/// How many samples each label and split has, by the rows in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By label, without those that are unusable.
    pub of: BTreeMap<Label, Counts>,
    /// All labels together.
    pub all: Counts,
}

impl Tally {
    /// Counts the labelled samples.
    ///
    /// # Errors
    /// The database failed, or a row cannot be read.
    pub async fn read(db: &impl ConnectionTrait) -> Result<Self, DatasetError> {
        let rows: Vec<(String, String, i64)> = sample::Entity::find()
            .select_only()
            .column(sample::Column::Label)
            .column(sample::Column::Split)
            .column_as(sample::Column::Split.count(), "n")
            .filter(sample::Column::Label.is_not_null())
            .filter(sample::Column::Label.ne(UNUSABLE))
            .filter(sample::Column::Split.is_not_null())
            .group_by(sample::Column::Label)
            .group_by(sample::Column::Split)
            .into_tuple()
            .all(db)
            .await?;
        let mut tally = Self::default();
        for (label, split, samples) in rows {
            let label = read(&label, Label::new(label.clone()))?;
            let split = read(&split, split.parse())?;
            tally.add(&label, split, u64::try_from(samples).unwrap_or(0));
        }
        Ok(tally)
    }

    /// Counts `samples` more.
    pub fn add(&mut self, label: &Label, split: Split, samples: u64) {
        self.of.entry(label.clone()).or_default().add(split, samples);
        self.all.add(split, samples);
    }

    /// The split of a new cluster whose first label is this.
    #[must_use]
    pub fn assign(&self, label: &Label) -> Split {
        split::assign(&self.of.get(label).copied().unwrap_or_default(), &self.all)
    }

    /// Every label that occurs.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<Label> {
        self.of.keys().cloned().collect()
    }
}

/// Where a labelled image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Sent by a person over HTTP.
    Upload,
    /// From a folder, by a command.
    Import,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Import => "import",
        }
    }
}

/// A labelled image that is to be stored; its JPEG is stored already.
#[derive(Debug, Clone)]
pub struct NewSample<'a> {
    /// The JPEG's name.
    pub content: &'a ContentId,
    /// The image.
    pub image: &'a Prepared,
    /// What it shows.
    pub label: &'a Label,
    /// Where it comes from.
    pub source: Source,
    /// Who says what it shows.
    pub by: &'a str,
    /// Which others show the same thing.
    pub group: &'a str,
    /// Its split, if the folder that it lay in says so.
    pub fixed: Option<Split>,
    /// Whether it is used for nothing, because the hub that it was exported from excluded it.
    pub excluded: bool,
}

/// What became of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is a new sample.
    New {
        /// Its id.
        sample: String,
        /// What it is used for.
        split: Split,
    },
    /// It is a new sample that is used for nothing, because it resembles samples of two splits.
    Excluded {
        /// Its id.
        sample: String,
        /// Why, in words.
        reason: String,
    },
    /// The very image is there already as this sample. It has that label, now if not before.
    Duplicate(String),
    /// The very image is there already with another label.
    Conflict {
        /// The sample.
        sample: String,
        /// Its label.
        label: String,
    },
}

/// Stores a labelled image, unless the very image is there already. `tally` is kept up to date.
///
/// # Errors
/// The database failed.
pub async fn insert(tx: &impl ConnectionTrait, tally: &mut Tally, new: &NewSample<'_>) -> Result<Stored, DatasetError> {
    if let Some(known) = known(tx, tally, new.content, new.label, new.by).await? {
        return Ok(known);
    }
    let place = match new.excluded {
        true => cluster::Place::alone("it was excluded where it was exported from".to_owned()),
        false => cluster::place(tx, new.group, new.image.looks, new.fixed).await?,
    };
    let split = match place.excluded {
        Some(_) => None,
        None => Some(place.split.or(new.fixed).unwrap_or_else(|| tally.assign(new.label))),
    };
    if let Some(split) = split {
        tally.add(new.label, split, 1);
    }
    let (id, now) = (Uuid::now_v7().to_string(), now_ms());
    let mut row = sample::ActiveModel {
        id: Set(id.clone()),
        source: Set(new.source.name().to_owned()),
        at_ms: Set(now),
        received_ms: Set(now),
        content_sha256: Set(new.content.to_string()),
        width: Set(i32::try_from(new.image.width).unwrap_or(i32::MAX)),
        height: Set(i32::try_from(new.image.height).unwrap_or(i32::MAX)),
        bytes: Set(i64::try_from(new.image.jpeg.len()).unwrap_or(i64::MAX)),
        sure: Set(false),
        label: Set(Some(new.label.to_string())),
        labelled_by: Set(Some(new.by.to_owned())),
        labelled_at_ms: Set(Some(now)),
        group_key: Set(new.group.to_owned()),
        split: Set(split.map(|split| split.name().to_owned())),
        cluster: Set(Some(place.cluster)),
        excluded: Set(place.excluded.clone()),
        sent_by: Set(Some(new.by.to_owned())),
        ..Default::default()
    };
    LooksColumns::of(new.image.looks).set(&mut row);
    sample::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(match (split, place.excluded) {
        (Some(split), _) => Stored::New { sample: id, split },
        (None, reason) => Stored::Excluded { sample: id, reason: reason.unwrap_or_default() },
    })
}

/// What becomes of an image that is there already; one without a label gets this. `None`: it is new.
///
/// # Errors
/// The database failed.
pub async fn known(
    tx: &impl ConnectionTrait,
    tally: &mut Tally,
    content: &ContentId,
    label: &Label,
    by: &str,
) -> Result<Option<Stored>, DatasetError> {
    let Some(same) = same_image(tx, content).await? else { return Ok(None) };
    Ok(Some(match same.label {
        Some(given) if given == label.as_str() => Stored::Duplicate(same.id),
        Some(label) => Stored::Conflict { sample: same.id, label },
        None => {
            self::label(tx, &same.id, Some(label), by).await?;
            *tally = Tally::read(tx).await?;
            Stored::Duplicate(same.id)
        }
    }))
}

/// The sample that shows the very image, one with a label first.
async fn same_image(tx: &impl ConnectionTrait, content: &ContentId) -> Result<Option<sample::Model>, DatasetError> {
    let same = sample::Entity::find().filter(sample::Column::ContentSha256.eq(content.as_str()));
    let labelled = same.clone().filter(sample::Column::Label.is_not_null()).one(tx).await?;
    Ok(match labelled {
        Some(labelled) => Some(labelled),
        None => same.order_by_asc(sample::Column::Id).one(tx).await?,
    })
}

/// Labels a sample: a class, [`UNUSABLE`], or `None` to take the label back. Tells the label before.
///
/// The split that a sample has had stays, whatever the label becomes. One that is excluded gets none.
///
/// # Errors
/// [`DatasetError::NoSample`], or the database failed.
pub async fn label(
    tx: &impl ConnectionTrait,
    id: &str,
    label: Option<&Label>,
    by: &str,
) -> Result<Option<String>, DatasetError> {
    let found = sample::Entity::find_by_id(id).one(tx).await?;
    let found = found.ok_or_else(|| DatasetError::NoSample(id.to_owned()))?;
    let name = label.map(ToString::to_string);
    if found.label == name {
        return Ok(name);
    }
    let now = now_ms();
    let mut row = sample::ActiveModel { id: Set(found.id.clone()), ..Default::default() };
    if let (Some(label), None, None) = (label.filter(|l| l.as_str() != UNUSABLE), &found.split, &found.excluded) {
        let cluster = found.cluster.as_ref().unwrap_or(&found.group_key);
        let split = match cluster::split_of(tx, cluster).await? {
            Some(given) => given,
            None => Tally::read(tx).await?.assign(label),
        };
        row.split = Set(Some(split.name().to_owned()));
    }
    row.label = Set(name.clone());
    row.labelled_by = Set(Some(by.to_owned()));
    row.labelled_at_ms = Set(Some(now));
    row.update(tx).await?;
    let change = label_history::ActiveModel {
        sample_id: Set(found.id),
        was: Set(found.label.clone()),
        label: Set(name),
        by: Set(by.to_owned()),
        at_ms: Set(now),
        ..Default::default()
    };
    label_history::Entity::insert(change).exec_without_returning(tx).await?;
    Ok(found.label)
}

/// A sample of the dataset as training takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The JPEG.
    pub content: ContentId,
    /// What it shows.
    pub label: Label,
    /// What it is used for.
    pub split: Split,
}

/// Every sample that can be trained on, in a stable order.
///
/// # Errors
/// The database failed, or a row cannot be read.
pub async fn labelled(db: &impl ConnectionTrait) -> Result<Vec<Labelled>, DatasetError> {
    let rows: Vec<(String, String, String)> = sample::Entity::find()
        .select_only()
        .column(sample::Column::ContentSha256)
        .column(sample::Column::Label)
        .column(sample::Column::Split)
        .filter(sample::Column::Label.is_not_null())
        .filter(sample::Column::Label.ne(UNUSABLE))
        .filter(sample::Column::Split.is_not_null())
        .order_by_asc(sample::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter()
        .map(|(content, label, split)| {
            Ok(Labelled {
                label: read(&content, Label::new(label))?,
                split: read(&content, split.parse())?,
                content: read("content_sha256", ContentId::new(content))?,
            })
        })
        .collect()
}

/// Which samples are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those without a label.
    pub unlabelled: bool,
    /// Only those with this label.
    pub label: Option<String>,
    /// Only those of this bin.
    pub bin: Option<String>,
    /// Only those older than this one.
    pub before: Option<String>,
}

/// Samples, newest first.
///
/// # Errors
/// The database failed.
pub async fn page(db: &impl ConnectionTrait, filter: &Filter, limit: u64) -> Result<Vec<sample::Model>, DatasetError> {
    let mut query = sample::Entity::find();
    if filter.unlabelled {
        query = query.filter(sample::Column::Label.is_null());
    }
    if let Some(label) = &filter.label {
        query = query.filter(sample::Column::Label.eq(label));
    }
    if let Some(bin) = &filter.bin {
        query = query.filter(sample::Column::Bin.eq(bin));
    }
    if let Some(before) = &filter.before {
        query = query.filter(sample::Column::Id.lt(before));
    }
    Ok(query.order_by_desc(sample::Column::Id).limit(limit).all(db).await?)
}

/// How many samples wait for a label.
///
/// # Errors
/// The database failed.
pub async fn unlabelled(db: &impl ConnectionTrait) -> Result<u64, DatasetError> {
    Ok(sample::Entity::find().filter(sample::Column::Label.is_null()).count(db).await?)
}

/// The JPEG of a sample.
///
/// # Errors
/// [`DatasetError::NoSample`], or the database failed.
pub async fn content(db: &impl ConnectionTrait, id: &str) -> Result<ContentId, DatasetError> {
    let row = sample::Entity::find_by_id(id).one(db).await?.ok_or_else(|| DatasetError::NoSample(id.to_owned()))?;
    Ok(read(id, ContentId::new(row.content_sha256))?)
}

/// A value of a row, or the error that says which row cannot be read.
pub(crate) fn read<T, E: std::error::Error>(row: &str, value: Result<T, E>) -> Result<T, StoreError> {
    value.map_err(|error| StoreError::Corrupt { table: "samples", row: row.to_owned(), problem: error.to_string() })
}
