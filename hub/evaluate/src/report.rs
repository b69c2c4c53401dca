//! All that is known of a model, in one document: stored with it, sent as JSON, drawn by [`super::plots`],
//! and told in words on its card.
//!
//! Pure: images with answers in, the document out.

use std::collections::{BTreeMap, HashSet};

use pilah_models::bundle::Manifest;
use pilah_models::infer::best;
use pilah_models::name::{ContentId, Label, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bootstrap::{self, Outcome};
use super::calibration::{self, Calibration};
use super::compare::ClassTest;
use super::selective::{self, RiskCoverage};
use super::{Evaluation, McNemar, Speed, answered, evaluate, ratio, wilson};

/// The version of the document.
pub const FORMAT: u32 = 1;

/// How many of the worst answers are listed.
const MOST_OFFENDERS: usize = 24;

/// All that is known of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationReport {
    /// [`FORMAT`].
    pub format: u32,
    /// The model.
    #[schema(value_type = String)]
    pub model: ModelVersion,
    /// When this was found, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its classes in the order of its outputs, which is that of all lists by class here.
    #[schema(value_type = Vec<String>)]
    pub labels: Vec<Label>,
    /// On the test split; `null` if it has no image of a class that the model knows.
    pub test: Option<SetReport>,
    /// On fresh samples from the field: those that bins kept at random, so that they are a fair picture of
    /// what comes, that came after the training's data, and that a person labelled. `null` without any.
    pub field: Option<SetReport>,
    /// Field samples count from here, in milliseconds since 1970.
    pub field_since_ms: i64,
    /// How fast and large it is on the hub's machine.
    pub speed: Speed,
    /// The model in service against this one on the same test images; `null` if this is the one in service,
    /// or if none is.
    pub compared: Option<ComparisonReport>,
    /// What must be known to read the figures, in words.
    pub notes: Vec<String>,
}

/// The figures on one set of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SetReport {
    /// Accuracy, macro-F1, figures of each class, confusion matrix.
    #[serde(flatten)]
    pub figures: Evaluation,
    /// SHA-256 of the list of images and labels: two reports with the same are of the same images.
    #[schema(value_type = String)]
    pub set: ContentId,
    /// How many groups of images that show the same thing.
    pub groups: u64,
    /// 95 % interval of macro-F1, by a bootstrap over groups; `null` with fewer than two groups.
    pub macro_f1_interval: Option<[f64; 2]>,
    /// Whether confidence means what it says.
    pub calibration: Calibration,
    /// What it is worth if it may say *unsure*.
    pub risk_coverage: RiskCoverage,
    /// The surest wrong answers, surest first.
    pub worst: Vec<Offender>,
    /// By smart bin; images that no bin sent come last, without a name.
    pub bins: Vec<BinFigures>,
    /// Images of classes that the model does not know: they are in no figure here.
    pub unknown_class: u64,
    /// Images that could not be read: they are in no figure here.
    pub unreadable: u64,
}

/// A wrong answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Offender {
    /// The sample; its picture is at `/api/v1/samples/{id}/image`.
    pub sample: String,
    /// What it is, as a person says.
    #[schema(value_type = String)]
    pub truth: Label,
    /// What the model says.
    #[schema(value_type = String)]
    pub answer: Label,
    /// With what probability, 0 to 1.
    pub confidence: f64,
    /// What probability it gives to the truth.
    pub truth_probability: f64,
}

/// The figures of one smart bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BinFigures {
    /// The bin; `null` for uploads and imports.
    pub bin: Option<String>,
    /// How many images.
    pub images: u64,
    /// How many of them are labelled right.
    pub correct: u64,
    /// Their share.
    pub accuracy: f64,
    /// Its 95 % interval (Wilson).
    pub interval: [f64; 2],
}

/// Two models on the same images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonReport {
    /// The one, called old in the tests.
    pub a: Side,
    /// The other, called new.
    pub b: Side,
    /// How many images.
    pub images: u64,
    /// SHA-256 of the list of images and labels.
    #[schema(value_type = String)]
    pub set: ContentId,
    /// Over all.
    pub test: McNemar,
    /// By class, corrected for their number.
    pub by_class: Vec<ClassTest>,
    /// The smallest true loss of accuracy that would have been noticed four times out of five; `null` if
    /// there are too few images to notice any.
    pub smallest_loss: Option<f64>,
    /// Images on which exactly one is right, those first on which only `a` is.
    pub differing: Vec<Differing>,
    /// What it comes to, in words.
    pub summary: String,
}

/// One of two models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Side {
    /// Its name.
    #[schema(value_type = String)]
    pub model: ModelVersion,
    /// How many images it labels right.
    pub correct: u64,
    /// Their share.
    pub accuracy: f64,
    /// Its 95 % interval (Wilson).
    pub interval: [f64; 2],
    /// Classes that the other knows and this one does not: images of them it always labels wrong.
    #[schema(value_type = Vec<String>)]
    pub lacks: Vec<Label>,
}

/// An image on which exactly one of two models is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Differing {
    /// The sample.
    pub sample: String,
    /// What it is.
    #[schema(value_type = String)]
    pub truth: Label,
    /// What `a` says.
    #[schema(value_type = String)]
    pub a: Label,
    /// What `b` says.
    #[schema(value_type = String)]
    pub b: Label,
}

/// An image with what a model says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The sample.
    pub sample: String,
    /// The JPEG.
    pub content: ContentId,
    /// Which others show the same thing.
    pub group: String,
    /// The bin that sent it.
    pub bin: Option<String>,
    /// The true class, as its place among the model's labels.
    pub truth: usize,
    /// Its probabilities.
    pub row: Vec<f32>,
}

/// The figures of a model on some images. `temperature` is what its logits were divided by, if known.
#[must_use]
pub fn set_report(manifest: &Manifest, temperature: Option<f64>, answers: &[Answer]) -> SetReport {
    let labels = &manifest.labels;
    let truths: Vec<usize> = answers.iter().map(|answer| answer.truth).collect();
    let rows: Vec<Vec<f32>> = answers.iter().map(|answer| answer.row.clone()).collect();
    let confidences = answered(&truths, &rows);
    let sure: Vec<bool> = rows
        .iter()
        .map(|row| {
            let (class, confidence) = best(row);
            let threshold = manifest.threshold(class);
            // A threshold of 1 closes its class: no answer is sure of it.
            threshold < 1.0 && confidence >= threshold
        })
        .collect();
    let outcomes: Vec<Outcome<'_>> = answers
        .iter()
        .map(|answer| Outcome { truth: answer.truth, answer: best(&answer.row).0, group: &answer.group })
        .collect();
    let mut calibration = calibration::calibration(&confidences);
    calibration.before_temperature = temperature.map(|t| calibration::before_temperature(&truths, &rows, t));
    SetReport {
        figures: evaluate(labels, &truths, &rows),
        set: set_id(answers.iter().map(|answer| (&answer.content, &labels.as_slice()[answer.truth]))),
        groups: answers.iter().map(|answer| &answer.group).collect::<HashSet<_>>().len() as u64,
        macro_f1_interval: bootstrap::macro_f1_interval(&outcomes, labels.len()),
        calibration,
        risk_coverage: selective::risk_coverage(&confidences, &sure),
        worst: worst(labels.as_slice(), answers),
        bins: bins(answers),
        unknown_class: 0,
        unreadable: 0,
    }
}

/// SHA-256 of a list of images and labels, in whatever order they come.
#[must_use]
pub fn set_id<'a>(images: impl Iterator<Item = (&'a ContentId, &'a Label)>) -> ContentId {
    let mut lines: Vec<String> = images.map(|(content, label)| format!("{content} {label}\n")).collect();
    lines.sort_unstable();
    ContentId::of(lines.concat().as_bytes())
}

fn worst(labels: &[Label], answers: &[Answer]) -> Vec<Offender> {
    let mut wrong: Vec<Offender> = answers
        .iter()
        .filter_map(|answer| {
            let (class, confidence) = best(&answer.row);
            (class != answer.truth).then(|| Offender {
                sample: answer.sample.clone(),
                truth: labels[answer.truth].clone(),
                answer: labels[class].clone(),
                confidence: f64::from(confidence),
                truth_probability: f64::from(answer.row[answer.truth]),
            })
        })
        .collect();
    wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.sample.cmp(&b.sample)));
    wrong.truncate(MOST_OFFENDERS);
    wrong
}

fn bins(answers: &[Answer]) -> Vec<BinFigures> {
    let mut counts: BTreeMap<(bool, Option<&str>), (u64, u64)> = BTreeMap::new();
    for answer in answers {
        let count = counts.entry((answer.bin.is_none(), answer.bin.as_deref())).or_default();
        count.0 += 1;
        count.1 += u64::from(best(&answer.row).0 == answer.truth);
    }
    let figures = |((_, bin), (images, correct)): ((bool, Option<&str>), (u64, u64))| BinFigures {
        bin: bin.map(ToOwned::to_owned),
        images,
        correct,
        accuracy: ratio(correct, images),
        interval: wilson(correct, images),
    };
    counts.into_iter().map(figures).collect()
}

#[cfg(test)]
mod tests {
    use pilah_models::labels::Labels;

    use super::*;
    use crate::fixture::manifest;

    fn answer(number: usize, bin: Option<&str>, truth: usize, row: [f32; 2]) -> Answer {
        Answer {
            sample: format!("s{number}"),
            content: ContentId::of(&number.to_le_bytes()),
            group: format!("g{}", number / 2),
            bin: bin.map(ToOwned::to_owned),
            truth,
            row: row.to_vec(),
        }
    }

    fn report(answers: &[Answer]) -> SetReport {
        let manifest = manifest("m1", &Labels::parse(["glass", "metal"]).expect("valid"));
        set_report(&manifest, Some(2.0), answers)
    }

    #[test]
    fn the_surest_wrong_answers_come_first_and_bins_are_told_apart() {
        let answers = [
            answer(0, Some("b2"), 0, [0.9, 0.1]),
            answer(1, None, 0, [0.2, 0.8]),
            answer(2, Some("b1"), 1, [0.95, 0.05]),
            answer(3, Some("b1"), 1, [0.3, 0.7]),
        ];
        let report = report(&answers);
        let worst: Vec<(&str, &str)> = report.worst.iter().map(|w| (w.sample.as_str(), w.answer.as_str())).collect();
        assert_eq!(worst, [("s2", "glass"), ("s1", "metal")]);
        assert!((report.worst[0].truth_probability - 0.05).abs() < 1e-6);
        let bins: Vec<(Option<&str>, u64, u64)> =
            report.bins.iter().map(|b| (b.bin.as_deref(), b.images, b.correct)).collect();
        assert_eq!(bins, [(Some("b1"), 2, 1), (Some("b2"), 1, 1), (None, 1, 0)]);
        assert_eq!((report.groups, report.figures.correct), (2, 2));
        assert!(report.macro_f1_interval.is_some() && report.calibration.before_temperature.is_some());
    }

    #[test]
    fn a_set_is_named_by_its_images_and_labels() {
        let answers = [answer(0, None, 0, [0.9, 0.1]), answer(1, None, 1, [0.2, 0.8])];
        let turned: Vec<Answer> = answers.iter().rev().cloned().collect();
        assert_eq!(report(&answers).set, report(&turned).set);
        let relabelled = [answer(0, None, 1, [0.9, 0.1]), answer(1, None, 1, [0.2, 0.8])];
        assert_ne!(report(&answers).set, report(&relabelled).set);
    }

    #[test]
    fn the_document_can_be_read_back_and_no_image_is_no_failure() {
        for answers in [vec![], vec![answer(0, None, 0, [0.9, 0.1])]] {
            let report = report(&answers);
            let json = serde_json::to_string(&report).expect("serialises");
            let read: SetReport = serde_json::from_str(&json).expect("reads");
            // Numbers may come back with their last bit changed.
            assert_eq!((&read.set, &read.figures.confusion), (&report.set, &report.figures.confusion));
            assert_eq!((read.bins.len(), read.groups, read.worst), (report.bins.len(), report.groups, report.worst));
        }
    }
}
