//! Scalings tried out on labelled images of the dataset.
//!
//! A classifier answers with its own classes. A backbone has none: an image counts as right if its embedding is nearest
//! to the mean of those of its class, itself left out. Images of the test split are not looked at; the gate judges by
//! them.

use std::collections::BTreeMap;

use image::RgbImage;
use pilah_models::bundle::{InputSpec, Scaling};
use pilah_models::infer::{self, Backbone, Head, InferError};
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, Label};
use pilah_models::picture::{self, Limits};
use pilah_models::preprocess;
use pilah_models::vectors::{dot, inverse_norm};

use crate::dataset::Split;
use crate::dataset::store::{Labelled, labelled};
use crate::evaluate::EvaluateError;
use crate::registry::scaling::{Evidence, Trial};
use crate::registry::{Parts, RegistryError};
use crate::store::BlobError;

/// The most images that are tried, over all classes: each is looked at with each scaling.
const MOST_IMAGES: usize = 96;

/// The most images of a class.
const MOST_OF_A_CLASS: usize = 24;

/// A loaded network to try.
pub(super) struct Subject {
    pub(super) backbone: Backbone,
    /// The rest of it, if it is a classifier.
    pub(super) classifier: Option<(Head, Labels)>,
}

/// An image of the size that the network takes, and its class.
struct Example {
    image: RgbImage,
    class: usize,
}

/// Tries the scalings that have a name, and those of the evidence. No trials: there are not images of two classes.
pub(super) async fn run(parts: &Parts, subject: Subject, evidence: &Evidence) -> Result<Vec<Trial>, EvaluateError> {
    let images = labelled(parts.store.db()).await?;
    let images = images.into_iter().filter(|image| image.split != Split::Test).collect();
    let (chosen, classes) = choose(images, subject.classifier.as_ref().map(|(_, labels)| labels));
    if classes < 2 {
        return Ok(Vec::new());
    }
    let mut files = Vec::with_capacity(chosen.len());
    for (content, class) in chosen {
        match parts.blobs.get(&content).await {
            Ok(bytes) => files.push((bytes, class)),
            // It is missed elsewhere, too, and told there.
            Err(BlobError::Missing(_) | BlobError::Damaged(_)) => {}
            Err(error) => return Err(RegistryError::from(error).into()),
        }
    }
    let mut scalings: Vec<Scaling> = Scaling::NAMED.iter().map(|(_, scaling)| *scaling).collect();
    for (scaling, _) in evidence {
        if !scalings.iter().any(|known| known.is_near(scaling)) {
            scalings.push(*scaling);
        }
    }
    let tried = tokio::task::spawn_blocking(move || {
        let spec = subject.backbone.input();
        let examples: Vec<Example> = files
            .into_iter()
            .filter_map(|(bytes, class)| {
                let image = picture::decode(&bytes, &Limits::default()).ok()?;
                Some(Example { image: preprocess::resize(&image, spec.width, spec.height), class })
            })
            .collect();
        scalings.into_iter().map(|scaling| subject.trial(scaling, &examples, classes)).collect()
    });
    Ok(tried.await.expect("trying does not panic and is not aborted"))
}

/// Images of the network's classes, or of all, as many of each, from all over the dataset; with how many classes
/// occur.
fn choose(images: Vec<Labelled>, labels: Option<&Labels>) -> (Vec<(ContentId, usize)>, usize) {
    let mut of: BTreeMap<Label, Vec<ContentId>> = BTreeMap::new();
    for image in images {
        if labels.is_none_or(|labels| labels.index_of(&image.label).is_some()) {
            of.entry(image.label).or_default().push(image.content);
        }
    }
    let each = (MOST_IMAGES / of.len().max(1)).clamp(1, MOST_OF_A_CLASS);
    let mut chosen = Vec::new();
    for (number, (label, images)) in of.iter().enumerate() {
        let class = labels.and_then(|labels| labels.index_of(label)).unwrap_or(number);
        let taken = each.min(images.len());
        chosen.extend((0..taken).map(|i| (images[i * images.len() / taken].clone(), class)));
    }
    (chosen, of.len())
}

impl Subject {
    fn trial(&self, scaling: Scaling, examples: &[Example], classes: usize) -> Trial {
        let size = self.backbone.input();
        let spec = InputSpec::scaled(size.width, size.height, scaling);
        let embed = |example: &Example| self.backbone.embed_tensor(&preprocess::to_tensor(&example.image, &spec));
        let right = match &self.classifier {
            Some((head, _)) => {
                let answer = |example: &Example| -> Result<usize, InferError> {
                    Ok(infer::best(&head.probabilities(&embed(example)?)?).0)
                };
                // What it cannot be run on, it does not label right.
                examples.iter().map(|example| answer(example).is_ok_and(|class| class == example.class)).collect()
            }
            None => {
                let embeddings: Vec<Vec<f32>> =
                    examples.iter().map(|example| embed(example).unwrap_or_default()).collect();
                nearest_means(&embeddings, &examples.iter().map(|e| e.class).collect::<Vec<_>>(), classes)
            }
        };
        Trial { scaling, right }
    }
}

/// For each vector whether the mean of its class, itself left out, is nearer than those of the others, by angle.
fn nearest_means(vectors: &[Vec<f32>], of: &[usize], classes: usize) -> Vec<bool> {
    let length = vectors.iter().map(Vec::len).max().unwrap_or(0);
    let unit: Vec<Vec<f32>> = vectors
        .iter()
        .map(|vector| {
            let norm = inverse_norm(vector);
            let mut unit: Vec<f32> = vector.iter().map(|x| x * norm).collect();
            unit.resize(length, 0.0);
            unit
        })
        .collect();
    let mut sums = vec![vec![0.0f32; length]; classes];
    for (vector, class) in unit.iter().zip(of) {
        sums[*class].iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    let cosine = |sum: &[f32], vector: &[f32]| dot(sum, vector) * inverse_norm(sum);
    unit.iter()
        .zip(of)
        .map(|(vector, class)| {
            let rest: Vec<f32> = sums[*class].iter().zip(vector).map(|(sum, x)| sum - x).collect();
            let own = cosine(&rest, vector);
            let others = sums.iter().enumerate().filter(|(other, _)| other != class);
            others.into_iter().all(|(_, sum)| cosine(sum, vector) < own)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_chosen_from_all_over_and_of_the_classes_that_count() {
        let label = |name: &str| Label::new(name).expect("valid");
        let image = |name: &str, number: u32| Labelled {
            content: ContentId::of(format!("{name}{number}").as_bytes()),
            label: label(name),
            split: Split::Train,
        };
        let mut images: Vec<Labelled> = (0..100).map(|n| image("glass", n)).collect();
        images.extend((0..3).map(|n| image("metal", n)));
        images.extend((0..9).map(|n| image("tin", n)));
        let labels = Labels::parse(["metal", "paper", "glass"]).expect("valid");
        let (chosen, classes) = choose(images.clone(), Some(&labels));
        assert_eq!((classes, chosen.len()), (2, MOST_OF_A_CLASS + 3));
        assert_eq!(chosen.iter().filter(|(_, class)| *class == 0).count(), 3, "metal is the first output");
        assert!(chosen.contains(&(image("glass", 95).content, 2)), "the last ones as well");
        let (all, classes) = choose(images, None);
        assert_eq!((classes, all.len()), (3, MOST_OF_A_CLASS + 3 + 9));
        assert_eq!(choose(Vec::new(), None), (Vec::new(), 0));
    }

    #[test]
    fn an_embedding_is_right_where_its_class_lies() {
        let at = |degrees: f32| vec![degrees.to_radians().cos() * 3.0, degrees.to_radians().sin() * 3.0];
        let vectors = [at(0.0), at(10.0), at(90.0), at(100.0), at(85.0)];
        assert_eq!(nearest_means(&vectors, &[0, 0, 1, 1, 0], 2), [true, true, true, true, false]);
        assert_eq!(nearest_means(&[vec![], vec![1.0]], &[0, 1], 2), [false, false], "alone, nothing is near");
    }
}
