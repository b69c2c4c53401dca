//! Whether a model may go into service: pure rules over figures, with their reasons in words.
//!
//! Every rule must pass. The verdict is stored with the model; a person may still put a refused
//! model into service, and who did so and why is recorded.
//!
//! A gate over few test images is weak: it lets a loss pass that it could not see. So the verdict also
//! says how large a loss it would have noticed ([`Verdict::notes`]).

use pilah_models::labels::Labels;
use pilah_models::name::{Label, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calibration::Calibration;
use super::compare::{self, ClassTest};
use super::{Evaluation, GateRules, McNemar, Speed, power};

/// The largest difference between a probability of the merged network and the golden output.
const MERGED_TOLERANCE: f32 = 0.005;

/// What the gate knows of a candidate.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its figures on the test split.
    pub evaluation: &'a Evaluation,
    /// How its confidence agrees with its accuracy there.
    pub calibration: &'a Calibration,
    /// Whether it was loaded from its bundle and gave its golden outputs, and whether the runtime computes
    /// what the trainer did; if not, what was wrong.
    pub golden: Result<(), String>,
    /// How fast and large it is, or why that could not be measured.
    pub speed: Result<Speed, String>,
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
    /// Both compared class by class.
    pub by_class: Vec<ClassTest>,
    /// Classes that it knows and the candidate does not.
    pub lost: Vec<Label>,
}

impl<'a> InService<'a> {
    /// Compares the model in service, which knows the classes `known`, with a candidate that knows `labels`:
    /// `truths` are places among `labels`, the others say of each image whether the model labels it right.
    #[must_use]
    pub fn compare(
        version: &'a ModelVersion,
        known: &Labels,
        labels: &Labels,
        truths: &[usize],
        old_right: &[bool],
        new_right: &[bool],
    ) -> Self {
        Self {
            version,
            correct: old_right.iter().filter(|right| **right).count() as u64,
            comparison: McNemar::compare(old_right, new_right),
            by_class: compare::by_class(labels, truths, old_right, new_right),
            lost: known.as_slice().iter().filter(|label| labels.index_of(label).is_none()).cloned().collect(),
        }
    }
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Whether the model may go into service.
    pub passed: bool,
    /// Each rule with its reason.
    pub rules: Vec<Rule>,
    /// What the verdict is worth: how large a loss it would have noticed, which classes it knows nothing of.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One rule and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// Whether it is met.
    pub passed: bool,
    /// What was measured.
    #[serde(default)]
    pub measured: String,
    /// What is wanted.
    #[serde(default)]
    pub wanted: String,
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
pub fn judge(rules: &GateRules, candidate: &Candidate<'_>) -> Verdict {
    let mut judged = vec![golden(candidate)];
    match &candidate.service {
        Some(service) => judged.extend([
            no_class_lost(service),
            accuracy(rules, candidate.evaluation, service),
            not_worse_beyond_chance(rules, service),
            no_class_worse(rules, service),
        ]),
        None => judged.push(better_than_majority(candidate.evaluation)),
    }
    judged.extend([
        calibrated(rules, candidate.evaluation, candidate.calibration),
        fast(rules, &candidate.speed),
        small(rules, &candidate.speed),
    ]);
    Verdict { passed: judged.iter().all(|rule| rule.passed), rules: judged, notes: notes(rules, candidate) }
}

fn rule(name: &str, passed: bool, measured: impl Into<String>, wanted: impl Into<String>, reason: String) -> Rule {
    Rule { rule: name.to_owned(), passed, measured: measured.into(), wanted: wanted.into(), reason }
}

fn golden(candidate: &Candidate<'_>) -> Rule {
    let wanted = "the bundle, the merged network and the trainer give the golden outputs";
    let merged = candidate.speed.as_ref().map_or(0.0, |speed| speed.largest_difference);
    match &candidate.golden {
        Ok(()) if merged > MERGED_TOLERANCE => {
            let reason = format!(
                "backbone and head in one file answer {merged} otherwise than the sealed bundle, {MERGED_TOLERANCE} is allowed"
            );
            rule("golden outputs", false, "different", wanted, reason)
        }
        Ok(()) => {
            let reason = "the sealed bundle loads and gives its golden outputs";
            rule("golden outputs", true, "equal", wanted, reason.into())
        }
        Err(problem) => {
            let reason = format!("the sealed bundle cannot be used: {problem}");
            rule("golden outputs", false, "different", wanted, reason)
        }
    }
}

fn no_class_lost(service: &InService<'_>) -> Rule {
    let wanted = format!("every class of {}", service.version);
    if service.lost.is_empty() {
        return rule("classes", true, "none lost", wanted, format!("it knows every class of {}", service.version));
    }
    let lost = listed(service.lost.iter());
    let reason = format!("{} knows {lost}, this model does not: label images of it", service.version);
    rule("classes", false, format!("{lost} lost"), wanted, reason)
}

fn accuracy(rules: &GateRules, evaluation: &Evaluation, service: &InService<'_>) -> Rule {
    let tie = (evaluation.images as f64 * rules.margin).floor() as u64;
    let (new, old, images) = (evaluation.correct, service.correct, evaluation.images);
    let least = if rules.require_better { old + 1 } else { old.saturating_sub(tie) };
    let reason = format!("it labels {new} of {images} test images right, {} {old}", service.version);
    rule("accuracy", images > 0 && new >= least, new.to_string(), format!("{least} of {images} images or more"), reason)
}

fn not_worse_beyond_chance(rules: &GateRules, service: &InService<'_>) -> Rule {
    let McNemar { only_old, only_new, p_worse, .. } = service.comparison;
    let passed = p_worse >= rules.significance;
    let words = if passed { "it is not worse beyond chance" } else { "it is worse beyond chance" };
    rule(
        "McNemar",
        passed,
        format!("p = {p_worse:.3}"),
        format!("p of {} or more", rules.significance),
        format!(
            "{words}: only {} is right on {only_old} images, only this model on {only_new} (p = {p_worse:.3})",
            service.version
        ),
    )
}

fn no_class_worse(rules: &GateRules, service: &InService<'_>) -> Rule {
    let wanted = format!("p of {} or more in every class, corrected for their number", rules.significance);
    let lowest = service.by_class.iter().map(|class| class.p_worse).fold(1.0, f64::min);
    let worse: Vec<String> = service
        .by_class
        .iter()
        .filter(|class| class.p_worse < rules.significance)
        .map(|class| {
            let ClassTest { label, images, old_right, new_right, p_worse, .. } = class;
            format!("{label} ({new_right} instead of {old_right} of {images} right, p = {p_worse:.3})")
        })
        .collect();
    let reason = if worse.is_empty() {
        "no class is worse beyond chance".to_owned()
    } else {
        format!("it is worse beyond chance in {}", worse.join(", "))
    };
    rule("each class", worse.is_empty(), format!("lowest p = {lowest:.3}"), wanted, reason)
}

fn better_than_majority(evaluation: &Evaluation) -> Rule {
    let largest = evaluation.per_class.iter().max_by_key(|class| class.images);
    let Some((class, majority)) = largest.map(|class| (&class.label, class.images)).filter(|(_, n)| *n > 0) else {
        return rule("baseline", false, "0", "a test image", "there is no test image to judge it by".into());
    };
    let (correct, images) = (evaluation.correct, evaluation.images);
    rule(
        "baseline",
        correct > majority,
        correct.to_string(),
        format!("more than {majority} of {images} images"),
        format!("it labels {correct} of {images} test images right; always saying {class} would give {majority}"),
    )
}

/// Below this chance that a calibrated model shows such an error, the error is real. Much smaller than the
/// chances by which losses are judged: a first model that is far better is seldom calibrated well on its few
/// validation images, its thresholds see to that, and to refuse it would help nobody.
const CALIBRATION_CHANCE: f64 = 0.001;

/// Too large an error is forgiven only where chance could explain it, that is, with few images.
fn calibrated(rules: &GateRules, evaluation: &Evaluation, calibration: &Calibration) -> Rule {
    let Calibration { error, by_chance, p_calibrated, .. } = calibration;
    let is_within = *error <= rules.calibration_error;
    let is_chance = *p_calibrated >= CALIBRATION_CHANCE;
    let (bound, images) = (rules.calibration_error, evaluation.images);
    let reason = match (is_within, is_chance) {
        (true, _) => format!("its confidence is {error:.3} off on average, at most {bound} is allowed"),
        (false, true) => format!(
            "its confidence is {error:.3} off on average, above {bound}, but with {images} test images a calibrated \
             model shows {by_chance:.3} by chance (p = {p_calibrated:.3})"
        ),
        (false, false) => format!(
            "its confidence is {error:.3} off on average, at most {bound} is allowed, and chance does not explain it \
             (p = {p_calibrated:.3})"
        ),
    };
    rule("calibration", is_within || is_chance, format!("{error:.3}"), format!("{bound} or less"), reason)
}

fn fast(rules: &GateRules, speed: &Result<Speed, String>) -> Rule {
    let wanted = format!("{} ms or less", rules.latency_ms);
    match speed {
        Ok(Speed { median_ms, p95_ms, .. }) => rule(
            "latency",
            *median_ms <= rules.latency_ms,
            format!("{median_ms:.1} ms"),
            wanted,
            format!(
                "an image takes {median_ms:.1} ms here (95 of 100 at most {p95_ms:.1} ms), {} ms are allowed",
                rules.latency_ms
            ),
        ),
        Err(problem) => rule("latency", false, "not measured", wanted, format!("it cannot be timed: {problem}")),
    }
}

fn small(rules: &GateRules, speed: &Result<Speed, String>) -> Rule {
    let wanted = format!("{} MB or less", rules.megabytes);
    match speed {
        Ok(Speed { merged_bytes, .. }) => {
            let megabytes = *merged_bytes as f64 / 1e6;
            let reason = format!("it has {megabytes:.1} MB, {} MB are allowed", rules.megabytes);
            rule("size", megabytes <= rules.megabytes, format!("{megabytes:.1} MB"), wanted, reason)
        }
        Err(problem) => rule("size", false, "not measured", wanted, format!("it cannot be merged: {problem}")),
    }
}

/// What the verdict is worth.
fn notes(rules: &GateRules, candidate: &Candidate<'_>) -> Vec<String> {
    let evaluation = candidate.evaluation;
    let images = evaluation.images;
    if images == 0 {
        return vec!["There is no test image, so nothing is known of this model.".into()];
    }
    let mut notes = Vec::new();
    let (seen, unseen): (Vec<_>, Vec<_>) = evaluation.per_class.iter().partition(|class| class.images > 0);
    if let [only] = &seen[..] {
        notes.push(format!("All {images} test images show {}: of the other classes nothing is known.", only.label));
    } else if !unseen.is_empty() {
        let labels = listed(unseen.iter().map(|class| &class.label));
        notes.push(format!("No test image shows {labels}: how well it does there is not known."));
    }
    match &candidate.service {
        Some(service) => {
            let differing = service.comparison.only_old + service.comparison.only_new;
            let seen = power::smallest_loss(images, differing as f64 / images as f64);
            notes.push(match seen {
                Some(loss) => format!(
                    "With {images} test images, a true loss of {:.1} percentage points would have been noticed four \
                     times out of five; a smaller one can pass.",
                    loss * 100.0
                ),
                None => format!("With {images} test images, no loss could have been noticed, however large."),
            });
            notes.extend(blind(rules, &service.by_class));
        }
        None => {
            let [low, high] = evaluation.interval.map(|end| end * 100.0);
            notes.push(format!(
                "With {images} test images, its accuracy is known to lie between {low:.1} and {high:.1} %."
            ));
        }
    }
    notes
}

/// Classes with so few images that losing them all would not have been noticed.
fn blind(rules: &GateRules, by_class: &[ClassTest]) -> Option<String> {
    let least = power::least_losses(rules.significance / by_class.len().max(1) as f64);
    let blind: Vec<String> = by_class
        .iter()
        .filter(|class| class.old_right < least)
        .map(|class| format!("{} ({} of {} right so far)", class.label, class.old_right, class.images))
        .collect();
    let labels = blind.join(", ");
    (!blind.is_empty()).then(|| {
        format!(
            "A class counts as worse once {least} images more of it are wrong. Of these classes too few are tested for \
             that, so that even a total loss would pass: {labels}. Label more of them."
        )
    })
}

fn listed<'a>(labels: impl Iterator<Item = &'a Label>) -> String {
    labels.map(Label::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
