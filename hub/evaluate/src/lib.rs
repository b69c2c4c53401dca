//! What a model is worth, by what it answers on images that it has not seen: figures, a verdict in words, and
//! pictures of both.
//!
//! ```text
//! truths and answers → figures, calibration, risk, interval → report → plots
//!                          └──→ compare (McNemar, by class) ──→ gate
//! ```
//!
//! All of it is pure: truths and probabilities in, numbers out, the same on every machine. Nothing here reads a
//! file, a database or a clock; what the hub measures and reads it hands over. [`gate`] decides whether a model may
//! replace the one in service, by [`rules`] that the operator can change.

use calibration::Answered;
use pilah_models::labels::Labels;
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether trainer and runtime compute the same.
pub mod agreement;

/// Whether confidence means what it says.
pub mod calibration;

/// What a model is worth if it may say *unsure*.
pub mod selective;

/// How far macro-F1 could have come out otherwise.
pub mod bootstrap;

/// Two models on the same images: do they differ beyond chance?
pub mod mcnemar;

/// Two models on the same images, over all and class by class.
pub mod compare;

/// How large a difference could have been seen.
pub mod power;

/// How fast and how large a model is, as it was measured.
mod speed;

/// The epochs of a training.
mod epoch;

/// What the gate asks for.
pub mod rules;

/// Whether a model may go into service.
pub mod gate;

/// All that is known of a model, in one document.
pub mod report;

/// A report as pictures.
pub mod plots;

/// Numbers drawn for bootstrap and simulation.
mod draw;

/// A model for tests.
#[cfg(test)]
mod fixture;

pub use epoch::EpochFigures;
pub use mcnemar::McNemar;
pub use report::EvaluationReport;
pub use rules::GateRules;
pub use speed::Speed;

/// z of a two-sided 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;

/// The figures of one model on one set of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// How many images.
    pub images: u64,
    /// How many of them it labels right.
    pub correct: u64,
    /// `correct / images`, 0 to 1; 0 without images.
    pub accuracy: f64,
    /// 95 % confidence interval of the accuracy, by Wilson's score: lower end, upper end.
    pub interval: [f64; 2],
    /// Mean of F1 over the classes that occur among truths or answers.
    pub macro_f1: f64,
    /// Expected calibration error: how far confidence and accuracy lie apart, 0 to 1.
    pub calibration_error: f64,
    /// Figures of each class, in the order of the labels.
    pub per_class: Vec<ClassFigures>,
    /// Images by true class (rows) and answer (columns), in the order of the labels.
    pub confusion: Vec<Vec<u64>>,
}

/// The figures of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassFigures {
    /// The class.
    #[schema(value_type = String)]
    pub label: Label,
    /// How many images truly are of it.
    pub images: u64,
    /// Share of the answers that name it and are right; 0 if it is never answered.
    pub precision: f64,
    /// Share of its images that are labelled right; 0 if there are none.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// Computes the figures: `truths[i]` is the true class of image `i`, `probabilities[i]` the answer.
///
/// # Panics
/// If the slices differ in length or a class is not among the labels: a defect of the caller.
#[must_use]
pub fn evaluate(labels: &Labels, truths: &[usize], probabilities: &[Vec<f32>]) -> Evaluation {
    assert_eq!(truths.len(), probabilities.len(), "one answer per truth");
    let classes = labels.len();
    let mut confusion = vec![vec![0u64; classes]; classes];
    for (truth, row) in truths.iter().zip(probabilities) {
        confusion[*truth][pilah_models::infer::best(row).0] += 1;
    }
    let images = truths.len() as u64;
    let correct = (0..classes).map(|c| confusion[c][c]).sum();
    let per_class =
        labels.as_slice().iter().enumerate().map(|(class, label)| class_figures(label, class, &confusion)).collect();
    Evaluation {
        images,
        correct,
        accuracy: ratio(correct, images),
        interval: wilson(correct, images),
        macro_f1: macro_f1(&confusion),
        calibration_error: calibration::expected_error(&answered(truths, probabilities)),
        per_class,
        confusion,
    }
}

/// Wilson's score interval at 95 % of a share (E. B. Wilson, *JASA* 22, 1927): it stays within 0 to
/// 1 and holds for few images and for shares near 1, where the usual ± z·√(p(1−p)/n) does not.
#[must_use]
pub fn wilson(correct: u64, images: u64) -> [f64; 2] {
    if images == 0 {
        return [0.0, 1.0];
    }
    let (n, p, z2) = (images as f64, ratio(correct, images), Z_95 * Z_95);
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

fn class_figures(label: &Label, class: usize, confusion: &[Vec<u64>]) -> ClassFigures {
    let right = confusion[class][class];
    let (images, answered) = totals(class, confusion);
    let (precision, recall) = (ratio(right, answered), ratio(right, images));
    let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    ClassFigures { label: label.clone(), images, precision, recall, f1 }
}

/// Each image's confidence, 0 to 1, and whether its answer is right.
#[must_use]
pub fn answered(truths: &[usize], probabilities: &[Vec<f32>]) -> Vec<Answered> {
    let answer = |(truth, row): (&usize, &Vec<f32>)| {
        let (answer, confidence) = pilah_models::infer::best(row);
        (f64::from(confidence), answer == *truth)
    };
    truths.iter().zip(probabilities).map(answer).collect()
}

/// Mean of F1 over the classes that occur among truths (rows) or answers (columns); 0 if none does.
fn macro_f1(confusion: &[Vec<u64>]) -> f64 {
    let (mut sum, mut occurring) = (0.0, 0u32);
    for class in 0..confusion.len() {
        let (images, answered) = totals(class, confusion);
        if images + answered > 0 {
            occurring += 1;
            // 2·right / (images + answered) is the harmonic mean of precision and recall.
            sum += 2.0 * ratio(confusion[class][class], images + answered);
        }
    }
    if occurring == 0 { 0.0 } else { sum / f64::from(occurring) }
}

/// How many images truly are of a class, and how often it is answered.
fn totals(class: usize, confusion: &[Vec<u64>]) -> (u64, u64) {
    (confusion[class].iter().sum(), confusion.iter().map(|row| row[class]).sum())
}

/// A share, 0 to 1; 0 of nothing.
#[must_use]
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_hot(class: usize, confidence: f32) -> Vec<f32> {
        let mut row = vec![(1.0 - confidence) / 2.0; 3];
        row[class] = confidence;
        row
    }

    fn labels() -> Labels {
        Labels::parse(["a", "b", "c"]).expect("valid")
    }

    #[test]
    fn figures_agree_with_those_computed_by_hand() {
        // Truth a a a b b c; answers a a b b c c.
        let truths = [0, 0, 0, 1, 1, 2];
        let answers: Vec<Vec<f32>> = [0, 0, 1, 1, 2, 2].iter().map(|c| one_hot(*c, 0.8)).collect();
        let e = evaluate(&labels(), &truths, &answers);
        assert_eq!((e.images, e.correct), (6, 4));
        assert_eq!(e.confusion, [[2, 1, 0], [0, 1, 1], [0, 0, 1]]);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        near(e.accuracy, 4.0 / 6.0);
        near(e.per_class[0].precision, 1.0);
        near(e.per_class[0].recall, 2.0 / 3.0);
        near(e.per_class[1].precision, 0.5);
        near(e.per_class[2].f1, 2.0 / 3.0);
        near(e.macro_f1, (0.8 + 0.5 + 2.0 / 3.0) / 3.0);
        near(e.calibration_error, 0.8 - 4.0 / 6.0);
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // R: prop.test(81, 263, correct = FALSE); Newcombe, Statistics in Medicine 17 (1998), table I.
        let cases = [((81, 263), [0.2553, 0.3662]), ((15, 148), [0.0624, 0.1605]), ((0, 20), [0.0, 0.1611])];
        for ((correct, images), expected) in cases {
            let found = wilson(correct, images);
            assert!((found[0] - expected[0]).abs() < 1e-4 && (found[1] - expected[1]).abs() < 1e-4, "{found:?}");
        }
        assert_eq!(wilson(0, 0), [0.0, 1.0], "nothing is known");
    }

    #[test]
    fn a_class_that_nobody_saw_or_answered_does_not_count() {
        let e = evaluate(&labels(), &[0, 1], &[one_hot(0, 0.9), one_hot(1, 0.9)]);
        assert!((e.macro_f1 - 1.0).abs() < 1e-9);
        assert_eq!(e.per_class[2].images, 0);
    }

    proptest! {
        #[test]
        fn figures_stay_in_their_ranges(rows in prop::collection::vec((0usize..3, 0usize..3, 0.34f32..1.0), 0..80)) {
            let truths: Vec<usize> = rows.iter().map(|r| r.0).collect();
            let answers: Vec<Vec<f32>> = rows.iter().map(|r| one_hot(r.1, r.2)).collect();
            let e = evaluate(&labels(), &truths, &answers);
            for figure in [e.accuracy, e.macro_f1, e.calibration_error, e.interval[0], e.interval[1]] {
                prop_assert!((0.0..=1.0).contains(&figure), "{e:?}");
            }
            prop_assert!(e.interval[0] <= e.accuracy + 1e-9 && e.accuracy <= e.interval[1] + 1e-9);
            prop_assert_eq!(e.confusion.iter().flatten().sum::<u64>(), e.images);
        }
    }
}
