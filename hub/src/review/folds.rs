//! Probabilities of labelled samples by heads that did not see them: k folds by group. It computes for
//! seconds to minutes, and does no IO.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pilah_models::infer::best;
use pilah_models::name::ContentId;
use pilah_models::train::{self, Examples, FittedHead, HeadParams, TrainError};
use tokio_util::sync::CancellationToken;

/// How many folds.
pub const FOLDS: usize = 5;

/// How many steps a fit should take at least: with few examples, an epoch is a single one.
const STEPS: usize = 400;

/// Parameters of a fit that is to tell what stands out, not to ship: coarser than that of a training.
#[must_use]
pub fn params(examples: usize, seed: u64) -> HeadParams {
    let default = HeadParams::default();
    let epochs = (STEPS * default.batch_size / examples.max(1)).clamp(40, STEPS);
    HeadParams { epochs, patience: 5, seed, ..default }
}

/// A labelled sample with its embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What the backbone made of it.
    pub embedding: Vec<f32>,
    /// Its label, as its place among the classes.
    pub class: usize,
    /// Which others show the same thing: they share a fold.
    pub group: String,
}

/// The fold of each sample: groups are dealt to the folds in turn, class by class, so that each fold has
/// its share of each class; in an order that depends on the names of the groups alone.
#[must_use]
pub fn deal(examples: &[Example]) -> Vec<usize> {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for example in examples {
        groups.entry(&example.group).or_insert(example.class);
    }
    let mut order: Vec<(usize, ContentId, &str)> =
        groups.into_iter().map(|(group, class)| (class, ContentId::of(group.as_bytes()), group)).collect();
    order.sort_unstable();
    let folds: BTreeMap<&str, usize> =
        order.iter().enumerate().map(|(place, (_, _, group))| (*group, place % FOLDS)).collect();
    examples.iter().map(|example| folds[example.group.as_str()]).collect()
}

/// The probabilities of each sample by a head that was fitted without its fold: a number per class.
/// Empty for a sample of a class that the head could not be taught, because all its groups lie in the
/// folds that were held out.
///
/// The fold after the one that is judged decides when the fit stops and sets the temperature; the other
/// three are trained on.
///
/// # Errors
/// [`TrainError`]: fewer than two classes have groups in the folds, or `stop` was cancelled.
pub fn out_of_fold(
    examples: &[Example],
    classes: usize,
    params: &HeadParams,
    stop: &CancellationToken,
) -> Result<Vec<Vec<f32>>, TrainError> {
    let folds = deal(examples);
    let mut probabilities = vec![Vec::new(); examples.len()];
    for held_out in 0..FOLDS {
        let validation = (held_out + 1) % FOLDS;
        let in_fold = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..examples.len()).filter(|i| wanted(folds[*i])).collect()
        };
        let judged = in_fold(&|fold| fold == held_out);
        if judged.is_empty() {
            continue;
        }
        let taught = in_fold(&|fold| fold != held_out && fold != validation);
        let head = fit(examples, &taught, &in_fold(&|fold| fold == validation), classes, params, stop)?;
        for i in judged {
            if head.knows(examples[i].class) {
                probabilities[i] = head.probabilities(&examples[i].embedding);
            }
        }
    }
    Ok(probabilities)
}

/// A head over those classes that it was taught.
pub(crate) struct PartialHead {
    head: FittedHead,
    /// The place of each class among the head's outputs.
    outputs: Vec<Option<usize>>,
}

/// Fits a head on some of the examples. Classes that do not occur among them are left out.
pub(crate) fn fit(
    examples: &[Example],
    taught: &[usize],
    validation: &[usize],
    classes: usize,
    params: &HeadParams,
    stop: &CancellationToken,
) -> Result<PartialHead, TrainError> {
    let mut count = 0;
    let mut next = || {
        count += 1;
        count - 1
    };
    let is_taught = |class: usize| taught.iter().any(|i| examples[*i].class == class);
    let outputs: Vec<Option<usize>> = (0..classes).map(|class| is_taught(class).then(&mut next)).collect();
    let collect = |places: &[usize]| {
        let mut set = Examples::new(examples.first().map_or(0, |example| example.embedding.len()));
        for example in places.iter().map(|i| &examples[*i]) {
            if let Some(output) = outputs[example.class] {
                set.push(&example.embedding, output);
            }
        }
        set
    };
    let mut go_on = |_: &train::EpochReport| {
        if stop.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let head = train::fit(&collect(taught), &collect(validation), count, params, &mut go_on)?;
    Ok(PartialHead { head, outputs })
}

impl PartialHead {
    pub(crate) fn knows(&self, class: usize) -> bool {
        self.outputs[class].is_some()
    }

    /// A number per class, 0 for one that was not taught.
    pub(crate) fn probabilities(&self, embedding: &[f32]) -> Vec<f32> {
        let taught = self.head.probabilities(embedding);
        self.outputs.iter().map(|output| output.map_or(0.0, |output| taught[output] as f32)).collect()
    }

    /// The likeliest class.
    pub(crate) fn answer(&self, embedding: &[f32]) -> usize {
        best(&self.probabilities(embedding)).0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Examples of classes that lie apart, two to a group.
    pub(crate) fn examples(classes: usize, each: usize) -> Vec<Example> {
        let example = |i: usize| {
            let (class, number) = (i % classes, i / classes);
            let noise = |k: usize| ((i * 37 + k * 101) % 64) as f32 / 64.0;
            let mut embedding: Vec<f32> = (0..classes + 1).map(noise).collect();
            embedding[class] += 2.0;
            Example { embedding, class, group: format!("{class}/{}", number / 2) }
        };
        (0..classes * each).map(example).collect()
    }

    #[test]
    fn groups_stay_together_and_folds_are_alike() {
        let examples = examples(3, 40);
        let folds = deal(&examples);
        let mut of_group = HashMap::new();
        let mut counts = [[0; FOLDS]; 3];
        for (example, fold) in examples.iter().zip(&folds) {
            assert_eq!(of_group.entry(&example.group).or_insert(*fold), &fold.clone());
            counts[example.class][*fold] += 1;
        }
        assert!(counts.iter().flatten().all(|n| *n == 8), "{counts:?}");
        assert_eq!(deal(&examples), folds);
    }

    #[test]
    fn wrong_labels_stand_out_of_fold() {
        let mut examples = examples(3, 40);
        examples[0].class = 1;
        let rows = out_of_fold(&examples, 3, &HeadParams::default(), &CancellationToken::new()).expect("fits");
        assert_eq!(best(&rows[0]).0, 0, "{:?}", rows[0]);
        let right = (1..examples.len()).filter(|i| best(&rows[*i]).0 == examples[*i].class).count();
        assert!(right > 110, "{right}");
    }

    #[test]
    fn a_class_of_one_group_is_not_judged_and_too_few_classes_are_an_error() {
        let mut examples = examples(2, 20);
        let lonely = Example { embedding: vec![0.0, 0.0, 5.0], class: 2, group: "alone".into() };
        examples.push(lonely);
        let go = CancellationToken::new();
        let rows = out_of_fold(&examples, 3, &HeadParams::default(), &go).expect("fits");
        assert!(rows[40].is_empty() && rows[..40].iter().all(|row| row.len() == 3));
        let one: Vec<Example> = examples.iter().filter(|example| example.class == 0).cloned().collect();
        assert!(out_of_fold(&one, 1, &HeadParams::default(), &go).is_err());
        go.cancel();
        assert!(matches!(out_of_fold(&examples, 3, &HeadParams::default(), &go), Err(TrainError::Cancelled(_))));
    }
}
