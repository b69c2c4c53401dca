//! Which classes and images a training takes, decided before anything is computed: pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pilah_models::labels::{Labels, LabelsError};
use pilah_models::name::{ContentId, Label};
use serde::{Deserialize, Serialize};

use crate::dataset::Split;
use crate::dataset::split::Counts;
use crate::dataset::store::Labelled;

/// Fewer images of a class than this teach nothing that holds.
pub const LEAST_PER_CLASS: u64 = 5;

/// A dataset that no head can be trained on, with what is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing is labelled.
    #[error("no image is labelled: upload or import labelled images, or label samples of the bins")]
    Empty,
    /// There is nothing to tell apart.
    #[error("all {images} labelled images are {label}: at least two classes are needed")]
    OneClass {
        /// The class.
        label: Label,
        /// How many images it has.
        images: u64,
    },
    /// Classes with too few images.
    #[error("each class needs at least {LEAST_PER_CLASS} labelled images, but {}: label more of them, or leave them out with \"labels\"", listed(.0))]
    TooFew(Vec<(Label, u64)>),
    /// A class that no image is trained with, because its folder put all elsewhere.
    #[error("no image of {0} is in the training split")]
    NoTraining(Label),
    /// No image to decide by when to stop, or to measure by.
    #[error(
        "the {split} split is empty: images of one object stay together, and a class gives objects to validation \
         and test from its fourth on; label images of more objects"
    )]
    EmptySplit {
        /// Which.
        split: &'static str,
    },
    /// The classes that were asked for are no labels of a model.
    #[error(transparent)]
    Labels(#[from] LabelsError),
}

fn listed(classes: &[(Label, u64)]) -> String {
    let mut text = String::new();
    for (label, images) in classes {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{label} has {images}").expect("writing to a String cannot fail");
    }
    text
}

/// What a training takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The classes in the order of the outputs.
    pub labels: Labels,
    /// The images, in the order in which they came.
    pub images: Vec<Image>,
    /// The frozen version of the dataset that they are of.
    pub dataset: ContentId,
}

/// An image of a training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The JPEG.
    pub content: ContentId,
    /// Its class, as its place among the labels.
    pub target: usize,
    /// What it is used for.
    #[serde(with = "split_name")]
    pub split: Split,
}

/// A split by its name.
mod split_name {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::dataset::Split;

    pub(super) fn serialize<S: Serializer>(split: &Split, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(split.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Split, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Plan {
    /// How many images a split has.
    #[must_use]
    pub fn images_in(&self, split: Split) -> u64 {
        self.images.iter().filter(|image| image.split == split).count() as u64
    }
}

/// Decides what a training takes of the labelled samples, which are those of a frozen version. The classes
/// are those that were asked for, or else all that occur: those of the model in service first, in its order,
/// then others by name.
///
/// # Errors
/// [`PlanError`], which says what is missing.
pub fn plan(
    dataset: ContentId,
    samples: &[Labelled],
    in_service: Option<&Labels>,
    asked: Option<&[Label]>,
) -> Result<Plan, PlanError> {
    let (labels, images) = choose(samples, in_service, asked)?;
    Ok(Plan { labels, images, dataset })
}

/// Checks that the labelled samples are enough to train on.
///
/// # Errors
/// [`PlanError`], which says what is missing.
pub fn check(samples: &[Labelled], in_service: Option<&Labels>, asked: Option<&[Label]>) -> Result<(), PlanError> {
    choose(samples, in_service, asked).map(drop)
}

fn choose(
    samples: &[Labelled],
    in_service: Option<&Labels>,
    asked: Option<&[Label]>,
) -> Result<(Labels, Vec<Image>), PlanError> {
    let mut counts: BTreeMap<&Label, Counts> = BTreeMap::new();
    for sample in samples {
        counts.entry(&sample.label).or_default().add(sample.split, 1);
    }
    if let ([_, ..], Some((label, of))) = (samples, counts.first_key_value())
        && counts.len() == 1
    {
        return Err(PlanError::OneClass { label: (*label).clone(), images: of.total() });
    }
    if samples.is_empty() {
        return Err(PlanError::Empty);
    }
    let labels = Labels::new(match asked {
        Some(asked) => asked.to_vec(),
        None => in_order(&counts, in_service),
    })?;
    check_classes(&labels, &counts)?;
    let images: Vec<Image> = samples
        .iter()
        .filter_map(|sample| {
            let target = labels.index_of(&sample.label)?;
            Some(Image { content: sample.content.clone(), target, split: sample.split })
        })
        .collect();
    match [Split::Validation, Split::Test].into_iter().find(|split| images.iter().all(|image| image.split != *split)) {
        Some(split) => Err(PlanError::EmptySplit { split: split.name() }),
        None => Ok((labels, images)),
    }
}

fn in_order(counts: &BTreeMap<&Label, Counts>, in_service: Option<&Labels>) -> Vec<Label> {
    let known = in_service.map(Labels::as_slice).unwrap_or_default();
    let of_service = known.iter().filter(|label| counts.contains_key(label));
    let new = counts.keys().copied().filter(|label| !known.contains(label));
    of_service.chain(new).cloned().collect()
}

fn check_classes(labels: &Labels, counts: &BTreeMap<&Label, Counts>) -> Result<(), PlanError> {
    let of = |label: &Label| counts.get(label).copied().unwrap_or_default();
    let few: Vec<(Label, u64)> = labels
        .as_slice()
        .iter()
        .map(|label| (label.clone(), of(label).total()))
        .filter(|(_, images)| *images < LEAST_PER_CLASS)
        .collect();
    if !few.is_empty() {
        return Err(PlanError::TooFew(few));
    }
    match labels.as_slice().iter().find(|label| of(label).train == 0) {
        Some(label) => Err(PlanError::NoTraining(label.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str) -> Label {
        Label::new(name).expect("valid")
    }

    fn plan(samples: &[Labelled], in_service: Option<&Labels>, asked: Option<&[Label]>) -> Result<Plan, PlanError> {
        super::plan(ContentId::of(b"a version"), samples, in_service, asked)
    }

    /// Label, and how many images are in training, validation and test.
    type Class = (&'static str, usize, usize, usize);

    fn samples(classes: &[Class]) -> Vec<Labelled> {
        let mut samples = Vec::new();
        for (name, train, validation, test) in classes {
            for (split, count) in [(Split::Train, train), (Split::Validation, validation), (Split::Test, test)] {
                for i in 0..*count {
                    let content = ContentId::of(format!("{name} {split} {i}").as_bytes());
                    samples.push(Labelled { content, label: label(name), split });
                }
            }
        }
        samples
    }

    #[test]
    fn classes_come_in_the_order_of_the_model_in_service() {
        let samples = samples(&[("apple", 8, 1, 1), ("glass", 8, 1, 1), ("trash", 8, 1, 1)]);
        let service = Labels::parse(["trash", "paper", "glass"]).expect("valid");
        let planned = plan(&samples, Some(&service), None).expect("enough");
        assert_eq!(planned.labels, Labels::parse(["trash", "glass", "apple"]).expect("valid"));
        assert_eq!(planned.images_in(Split::Train), 24);
        let stored = serde_json::to_string(&planned).expect("string keys");
        assert_eq!(serde_json::from_str::<Plan>(&stored).expect("reads"), planned, "as it was kept on disk");
        let asked = [label("glass"), label("apple")];
        let planned = plan(&samples, Some(&service), Some(&asked)).expect("enough");
        assert_eq!((planned.labels.as_slice(), planned.images.len()), (&asked[..], 20));
    }

    #[test]
    fn what_is_missing_is_said() {
        type Counts<'a> = &'a [(&'a str, usize, usize, usize)];
        let cases: [(Counts, &str); 5] = [
            (&[], "no image is labelled"),
            (&[("glass", 9, 1, 1)], "all 11 labelled images are glass"),
            (&[("glass", 9, 1, 1), ("metal", 2, 1, 0), ("paper", 1, 0, 0)], "metal has 3, paper has 1"),
            (&[("glass", 9, 1, 1), ("metal", 0, 3, 3)], "no image of metal is in the training split"),
            (&[("glass", 9, 1, 0), ("metal", 9, 1, 0)], "the test split is empty"),
        ];
        for (classes, expected) in cases {
            let error = plan(&samples(classes), None, None).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error:?} should contain {expected:?}");
        }
        let enough = samples(&[("glass", 8, 1, 1), ("metal", 8, 1, 1)]);
        let error = plan(&enough, None, Some(&[label("glass"), label("tin")])).expect_err("no tin").to_string();
        assert!(error.contains("tin has 0"), "{error}");
    }
}
