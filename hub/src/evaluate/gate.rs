//! Whether a model may go into service: pure rules over figures, with their reasons in words.
//!
//! Every rule must pass. The verdict is stored with the model; a person may still put a refused
//! model into service, and who did so and why is recorded.

use pilah_models::name::{Label, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Evaluation, McNemar};

/// Below this probability, a loss against the model in service does not count as chance.
const SIGNIFICANCE: f64 = 0.05;

/// By what share of the test images a model may fall behind and still count as equal. With fewer
/// than 200 images that is not one, so that it may not fall behind at all.
const TIE: f64 = 0.005;

/// What the gate knows of a candidate.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its figures on the test split.
    pub evaluation: &'a Evaluation,
    /// Whether it was loaded from its bundle and gave its golden outputs; if not, what was wrong.
    pub golden: Result<(), String>,
    /// The model in service on the same images, if it has a class in common with the candidate.
    pub service: Option<InService<'a>>,
}

/// The model in service, on the candidate's test images.
#[derive(Debug, Clone)]
pub struct InService<'a> {
    /// Its name.
    pub version: &'a ModelVersion,
    /// How many of the test images it labels right.
    pub correct: u64,
    /// Both compared image by image.
    pub comparison: McNemar,
    /// Classes that it knows and the candidate does not.
    pub lost: Vec<Label>,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Whether the model may go into service.
    pub passed: bool,
    /// Each rule with its reason.
    pub rules: Vec<Rule>,
}

/// One rule and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// Whether it is met.
    pub passed: bool,
    /// Why, in words.
    pub reason: String,
}

impl Verdict {
    /// The reasons of the rules that are not met, or of all if all are.
    #[must_use]
    pub fn summary(&self) -> String {
        let wanted = |rule: &&Rule| self.passed || !rule.passed;
        self.rules.iter().filter(wanted).map(|rule| rule.reason.as_str()).collect::<Vec<_>>().join("; ")
    }
}

/// Judges a candidate.
#[must_use]
pub fn judge(candidate: &Candidate<'_>) -> Verdict {
    let mut rules = vec![golden(candidate)];
    match &candidate.service {
        Some(service) => rules.extend([
            no_class_lost(service),
            not_fewer_right(candidate.evaluation, service),
            not_worse_beyond_chance(service),
        ]),
        None => rules.push(better_than_majority(candidate.evaluation)),
    }
    Verdict { passed: rules.iter().all(|rule| rule.passed), rules }
}

fn rule(name: &str, passed: bool, reason: String) -> Rule {
    Rule { rule: name.to_owned(), passed, reason }
}

fn golden(candidate: &Candidate<'_>) -> Rule {
    match &candidate.golden {
        Ok(()) => rule("golden outputs", true, "the sealed bundle loads and gives its golden outputs".into()),
        Err(problem) => rule("golden outputs", false, format!("the sealed bundle cannot be used: {problem}")),
    }
}

fn no_class_lost(service: &InService<'_>) -> Rule {
    let lost = service.lost.iter().map(Label::as_str).collect::<Vec<_>>().join(", ");
    if lost.is_empty() {
        rule("classes", true, format!("it knows every class of {}", service.version))
    } else {
        rule("classes", false, format!("{} knows {lost}, this model does not: label images of it", service.version))
    }
}

fn not_fewer_right(evaluation: &Evaluation, service: &InService<'_>) -> Rule {
    let tie = (evaluation.images as f64 * TIE).floor() as u64;
    let passed = evaluation.images > 0 && evaluation.correct + tie >= service.correct;
    let (new, old, images) = (evaluation.correct, service.correct, evaluation.images);
    rule("accuracy", passed, format!("it labels {new} of {images} test images right, {} {old}", service.version))
}

fn not_worse_beyond_chance(service: &InService<'_>) -> Rule {
    let McNemar { only_old, only_new, p_worse, .. } = service.comparison;
    let passed = p_worse >= SIGNIFICANCE;
    let words = if passed { "it is not worse beyond chance" } else { "it is worse beyond chance" };
    rule(
        "McNemar",
        passed,
        format!(
            "{words}: only {} is right on {only_old} images, only this model on {only_new} (p = {p_worse:.3})",
            service.version
        ),
    )
}

fn better_than_majority(evaluation: &Evaluation) -> Rule {
    let largest = evaluation.per_class.iter().max_by_key(|class| class.images);
    let Some((class, majority)) = largest.map(|class| (&class.label, class.images)).filter(|(_, n)| *n > 0) else {
        return rule("baseline", false, "there is no test image to judge it by".into());
    };
    let (correct, images) = (evaluation.correct, evaluation.images);
    rule(
        "baseline",
        correct > majority,
        format!("it labels {correct} of {images} test images right; always saying {class} would give {majority}"),
    )
}

#[cfg(test)]
mod tests {
    use pilah_models::labels::Labels;

    use super::*;
    use crate::evaluate::evaluate;

    /// `images` of two classes, half each, of which the first `correct` are labelled right.
    fn evaluation(images: usize, correct: usize) -> Evaluation {
        let truths: Vec<usize> = (0..images).map(|i| i % 2).collect();
        let answers: Vec<Vec<f32>> = truths
            .iter()
            .enumerate()
            .map(|(i, t)| if (i < correct) == (*t == 0) { vec![0.9, 0.1] } else { vec![0.1, 0.9] })
            .collect();
        evaluate(&Labels::parse(["a", "b"]).expect("valid"), &truths, &answers)
    }

    fn judged(evaluation: &Evaluation, service: Option<(u64, u64, u64)>, lost: &[&str]) -> Verdict {
        let version = ModelVersion::new("m1").expect("valid");
        judge(&Candidate {
            evaluation,
            golden: Ok(()),
            service: service.map(|(correct, only_old, only_new)| InService {
                version: &version,
                correct,
                comparison: McNemar::of(only_old, only_new),
                lost: lost.iter().map(|l| Label::new(*l).expect("valid")).collect(),
            }),
        })
    }

    #[test]
    fn against_the_model_in_service() {
        // (test images, new right, old right, only old, only new, passes)
        let cases = [
            (100, 80, 70, 5, 15, true),
            (100, 80, 80, 10, 10, true),
            (100, 79, 80, 11, 10, false),
            (400, 318, 320, 12, 10, true),
            (400, 317, 320, 13, 10, false),
            (2000, 1590, 1600, 10, 0, false),
            (0, 0, 0, 0, 0, false),
        ];
        for (images, new, old, only_old, only_new, passes) in cases {
            let verdict = judged(&evaluation(images, new), Some((old, only_old, only_new)), &[]);
            assert_eq!(verdict.passed, passes, "{images} {new} {old}: {verdict:?}");
        }
    }

    #[test]
    fn a_class_may_not_be_lost() {
        let verdict = judged(&evaluation(100, 99), Some((50, 0, 49)), &["trash"]);
        assert!(!verdict.passed);
        assert_eq!(verdict.summary(), "m1 knows trash, this model does not: label images of it");
    }

    #[test]
    fn the_first_model_must_beat_saying_always_the_same() {
        for (images, correct, passes) in [(100, 51, true), (100, 50, false), (0, 0, false)] {
            let verdict = judged(&evaluation(images, correct), None, &[]);
            assert_eq!(verdict.passed, passes, "{correct} of {images}: {verdict:?}");
        }
    }

    #[test]
    fn a_bundle_that_does_not_load_never_passes() {
        let evaluation = evaluation(100, 100);
        let verdict =
            judge(&Candidate { evaluation: &evaluation, golden: Err("golden input 0".into()), service: None });
        assert!(!verdict.passed && verdict.summary().contains("golden input 0"));
    }
}
