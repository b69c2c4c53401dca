//! What a random split would have promised: the accuracy of the same head with a random and with the
//! grouped split, side by side.
//!
//! A random split puts photos of one object into training and test, and the test then asks for what
//! training has shown. For each seed the dataset is split anew, once photo by photo and once cluster by
//! cluster, both in the shares of [`crate::dataset::split`]; a head is fitted to each on the embeddings of the model in
//! service (or of another backbone), and judged by its own test split. The stored splits are not touched.
//!
//! A backbone that was itself trained on these images knows them all, and hides the difference: of the model
//! that ships and TrashNet nothing can be learned this way.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use pilah_models::infer::{Backbone, LoadError};
use pilah_models::name::{ContentId, Label};
use pilah_models::train::{self as fitting, Examples, FittedHead, HeadParams};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::dataset::split::{self, Counts, Split};
use crate::dataset::{self, DatasetError, UNUSABLE};
use crate::embeddings::embed::{self, EmbedError};
use crate::registry::{BackboneFile, Parts};
use crate::store::entity::sample;

/// The most seeds of one comparison: each takes two fits, of some seconds.
pub const MOST_SEEDS: u64 = 20;

/// The most images of one comparison, the newest ones: 100 MB of embeddings of 1,280 numbers, and their copies.
const MOST_IMAGES: u64 = 20_000;

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum HonestyError {
    /// No model is in service, so there is no backbone.
    #[error("no model is in service whose backbone could be used")]
    NoBackbone,
    /// The dataset is too small.
    #[error("there is too little to compare: at least two classes with ten images each are needed")]
    TooFew,
    /// The images cannot be embedded.
    #[error(transparent)]
    Embedding(#[from] EmbedError),
    /// The backbone cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A head cannot be fitted.
    #[error("a head cannot be fitted; label images of more objects")]
    Fit(#[from] fitting::TrainError),
    /// The dataset failed.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// The same head with a random and with the grouped split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Honesty {
    /// Images that were used.
    pub images: u64,
    /// Clusters of them.
    pub clusters: u64,
    /// The model whose backbone was used, or the SHA-256 of the backbone that was given.
    pub backbone: String,
    /// Each seed.
    pub seeds: Vec<SeedFigures>,
    /// With a random split.
    pub random: Spread,
    /// With the grouped split.
    pub grouped: Spread,
    /// By how much a random split flatters: the difference of the means, 0.02 for two points.
    pub optimism: f64,
}

/// Accuracy on the test split, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeedFigures {
    /// Of the split and of the fit.
    pub seed: u64,
    /// With a random split.
    pub random: f64,
    /// With the grouped split.
    pub grouped: f64,
}

/// Mean and standard deviation over the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of one seed's figure.
    pub deviation: f64,
}

/// An image that takes part.
#[derive(Debug, Clone)]
struct Item {
    embedding: Vec<f32>,
    target: usize,
    cluster: String,
}

/// Compares over some seeds, at most [`MOST_SEEDS`], on the embeddings of this backbone or of the model in
/// service. `told` hears what is being done.
///
/// # Errors
/// [`HonestyError`].
pub async fn compare(
    parts: &Parts,
    backbone: Option<BackboneFile>,
    seeds: u64,
    stop: &CancellationToken,
    mut told: impl FnMut(String),
) -> Result<Honesty, HonestyError> {
    let (backbone, id, name) = load(parts, backbone).await?;
    let rows = labelled(parts).await?;
    let labels: Vec<&Label> = BTreeMap::from_iter(rows.iter().map(|row| (&row.label, ()))).into_keys().collect();
    if labels.len() < 2 || rows.len() < 20 {
        return Err(HonestyError::TooFew);
    }
    told(format!("embedding {} images, those that were not embedded before", rows.len()));
    let images = rows.iter().map(|row| &row.content);
    let embeddings = embed::embed(&parts.store, &parts.blobs, &backbone, &id, images, &|_| {}, stop).await?;
    let items: Vec<Item> = rows
        .iter()
        .filter_map(|row| {
            Some(Item {
                embedding: embeddings.get(&row.content)?.to_vec(),
                target: labels.iter().position(|label| **label == row.label)?,
                cluster: row.cluster.clone(),
            })
        })
        .collect();
    let (items, classes) = (Arc::new(items), labels.len());
    let mut figures = Vec::new();
    for seed in 0..seeds.clamp(1, MOST_SEEDS) {
        if stop.is_cancelled() {
            return Err(EmbedError::Cancelled.into());
        }
        told(format!("seed {seed}: fitting with a random and with the grouped split"));
        let items = Arc::clone(&items);
        let fit = move || -> Result<SeedFigures, fitting::TrainError> {
            let random = accuracy(&items, &divide(&items, seed, false), classes, seed)?;
            let grouped = accuracy(&items, &divide(&items, seed, true), classes, seed)?;
            Ok(SeedFigures { seed, random, grouped })
        };
        figures.push(tokio::task::spawn_blocking(fit).await.expect("fitting does not panic and is not aborted")?);
    }
    let clusters: std::collections::HashSet<&str> = items.iter().map(|item| item.cluster.as_str()).collect();
    let random = spread(figures.iter().map(|figure| figure.random));
    let grouped = spread(figures.iter().map(|figure| figure.grouped));
    Ok(Honesty {
        images: items.len() as u64,
        clusters: clusters.len() as u64,
        backbone: name,
        seeds: figures,
        random,
        grouped,
        optimism: random.mean - grouped.mean,
    })
}

/// The backbone that was given, or that of the model in service, with its id and a name to show.
async fn load(parts: &Parts, given: Option<BackboneFile>) -> Result<(Arc<Backbone>, ContentId, String), HonestyError> {
    if let Some(BackboneFile { onnx, input }) = given {
        let load = move || (Backbone::load(&onnx, &input), ContentId::of(&onnx));
        let (backbone, id) =
            tokio::task::spawn_blocking(load).await.expect("loading does not panic and is not aborted");
        let name = id.to_string();
        return Ok((Arc::new(backbone?), id, name));
    }
    let model = parts.registry.in_service().ok_or(HonestyError::NoBackbone)?;
    let (id, name) = (model.manifest().backbone.sha256.clone(), model.manifest().version.to_string());
    Ok((Arc::clone(model.backbone()), id, name))
}

struct Row {
    content: ContentId,
    label: Label,
    cluster: String,
}

async fn labelled(parts: &Parts) -> Result<Vec<Row>, DatasetError> {
    let rows = sample::Entity::find()
        .filter(sample::Column::Label.is_not_null())
        .filter(sample::Column::Label.ne(UNUSABLE))
        .filter(sample::Column::Split.is_not_null())
        .order_by_desc(sample::Column::Id)
        .limit(MOST_IMAGES)
        .all(parts.store.db())
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Row {
                content: dataset::store::read(&row.id, ContentId::new(row.content_sha256))?,
                label: dataset::store::read(&row.id, Label::new(row.label.unwrap_or_default()))?,
                cluster: row.cluster.unwrap_or(row.group_key),
            })
        })
        .collect()
}

/// The split of each item: by cluster, or each for itself, in an order that the seed draws.
fn divide(items: &[Item], seed: u64, by_cluster: bool) -> Vec<Split> {
    let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let key = if by_cluster { item.cluster.clone() } else { format!("{at:09}") };
        members.entry(key).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> = members.into_values().collect();
    groups.shuffle(&mut StdRng::seed_from_u64(seed));
    let mut of_label: BTreeMap<usize, Counts> = BTreeMap::new();
    let (mut of_all, mut splits) = (Counts::default(), vec![Split::Train; items.len()]);
    for group in groups {
        let split = split::assign(&of_label.get(&items[group[0]].target).copied().unwrap_or_default(), &of_all);
        for at in group {
            splits[at] = split;
            of_label.entry(items[at].target).or_default().add(split, 1);
            of_all.add(split, 1);
        }
    }
    splits
}

fn accuracy(items: &[Item], splits: &[Split], classes: usize, seed: u64) -> Result<f64, fitting::TrainError> {
    let length = items.first().map_or(0, |item| item.embedding.len());
    let examples = |wanted: Split| {
        let mut examples = Examples::new(length);
        for (item, _) in items.iter().zip(splits).filter(|(_, split)| **split == wanted) {
            examples.push(&item.embedding, item.target);
        }
        examples
    };
    let (train, validation) = (examples(Split::Train), examples(Split::Validation));
    let params = HeadParams { seed, ..HeadParams::default() };
    let head = fitting::fit(&train, &validation, classes, &params, &mut |_| ControlFlow::Continue(()))?;
    let test: Vec<&Item> =
        items.iter().zip(splits).filter(|(_, split)| **split == Split::Test).map(|(item, _)| item).collect();
    let right = test.iter().filter(|item| answer(&head, &item.embedding) == item.target).count();
    Ok(right as f64 / test.len().max(1) as f64)
}

fn answer(head: &FittedHead, embedding: &[f32]) -> usize {
    let probabilities = head.probabilities(embedding);
    (0..probabilities.len()).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or_default()
}

fn spread(figures: impl Iterator<Item = f64> + Clone) -> Spread {
    let count = figures.clone().count().max(1) as f64;
    let mean = figures.clone().sum::<f64>() / count;
    let squares = figures.map(|figure| (figure - mean).powi(2)).sum::<f64>();
    Spread { mean, deviation: (squares / (count - 1.0).max(1.0)).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(objects: usize, photos: usize) -> Vec<Item> {
        (0..objects * photos)
            .map(|at| Item {
                embedding: vec![at as f32],
                target: at / photos % 2,
                cluster: format!("o{}", at / photos),
            })
            .collect()
    }

    #[test]
    fn clusters_stay_together_and_photos_do_not() {
        let items = items(100, 5);
        let grouped = divide(&items, 3, true);
        assert!(grouped.chunks(5).all(|object| object.iter().all(|split| *split == object[0])));
        let random = divide(&items, 3, false);
        assert!(random.chunks(5).any(|object| object.iter().any(|split| *split != object[0])));
        for splits in [&grouped, &random] {
            let test = splits.iter().filter(|split| **split == Split::Test).count();
            assert!((45..=55).contains(&test), "{test} of 500");
        }
        assert_ne!(divide(&items, 4, true), grouped, "another seed, another split");
    }

    #[test]
    fn the_mean_and_the_deviation_are_the_textbook_ones() {
        let spread = spread([0.8, 0.9, 1.0].into_iter());
        assert!((spread.mean - 0.9).abs() < 1e-12 && (spread.deviation - 0.1).abs() < 1e-12, "{spread:?}");
    }
}
