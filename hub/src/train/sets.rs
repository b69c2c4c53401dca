//! The embedded images that a training fits, stops and judges by.

use pilah_models::name::ContentId;
use pilah_models::train::Examples;

use super::TrainError;
use super::plan::{Plan, PlanError};
use super::report::Splits;
use crate::dataset::Split;
use crate::embeddings::embed::Embeddings;

/// The embedded images of each split, without those that could not be read.
pub(super) struct Sets {
    pub(super) train: Examples,
    pub(super) validation: Examples,
    pub(super) test: Examples,
    /// The images of `test`, in its order.
    pub(super) test_images: Vec<ContentId>,
}

impl Sets {
    pub(super) fn of(plan: &Plan, embeddings: &Embeddings, length: usize) -> Result<Self, TrainError> {
        let mut sets = Self {
            train: Examples::new(length),
            validation: Examples::new(length),
            test: Examples::new(length),
            test_images: Vec::new(),
        };
        for image in &plan.images {
            let Some(embedding) = embeddings.get(&image.content) else { continue };
            let examples = match image.split {
                Split::Train => &mut sets.train,
                Split::Validation => &mut sets.validation,
                Split::Test => {
                    sets.test_images.push(image.content.clone());
                    &mut sets.test
                }
            };
            examples.push(embedding, image.target);
        }
        for (split, examples) in [("validation", &sets.validation), ("test", &sets.test)] {
            if examples.is_empty() {
                return Err(PlanError::EmptySplit { split }.into());
            }
        }
        Ok(sets)
    }

    pub(super) fn sizes(&self) -> Splits {
        let size = |examples: &Examples| examples.len() as u64;
        Splits { train: size(&self.train), validation: size(&self.validation), test: size(&self.test) }
    }
}
