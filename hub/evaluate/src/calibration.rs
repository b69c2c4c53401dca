//! Whether confidence means what it says: of the answers given with 80 %, are 80 % right?
//!
//! The expected calibration error (Naeini et al., AAAI 2015) is 0 for a perfectly calibrated model and
//! endlessly many images. With few images it is not, by chance alone, so it never stands by itself here:
//! [`Calibration::by_chance`] is what a perfectly calibrated model of the same confidences would show on
//! average, and [`Calibration::p_calibrated`] how often it would show this much or more (consistency
//! resampling: Bröcker and Smith, *Weather and Forecasting* 22, 2007).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::draw::Draw;
use super::{ratio, wilson};

/// Into how many parts of equal width confidence is cut.
pub const BINS: usize = 15;

/// How many calibrated models are simulated: enough to tell one in a thousand.
const SIMULATIONS: u32 = 2000;

/// No more images than this are simulated, so that it stays a matter of milliseconds; with this many,
/// chance no longer matters.
const MOST_SIMULATED: usize = 2000;

/// An answer: its confidence, 0 to 1, and whether it is right.
pub type Answered = (f64, bool);

/// How confidence and accuracy agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Calibration {
    /// Expected calibration error, 0 to 1: the mean distance of confidence and accuracy.
    pub error: f64,
    /// The largest distance in any part of the scale, 0 to 1.
    pub largest: f64,
    /// The error that a perfectly calibrated model would show on so many images, on average.
    pub by_chance: f64,
    /// How likely a perfectly calibrated model is to show this error or a larger one.
    pub p_calibrated: f64,
    /// The parts of the confidence scale that hold any answers, in order.
    pub bins: Vec<ReliabilityBin>,
    /// The same before the temperature was applied; absent where the temperature is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_temperature: Option<BeforeTemperature>,
}

/// The calibration that the fit had by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BeforeTemperature {
    /// What the logits were divided by afterwards.
    pub temperature: f64,
    /// Expected calibration error, 0 to 1.
    pub error: f64,
    /// The parts of the confidence scale that hold any answers, in order.
    pub bins: Vec<ReliabilityBin>,
}

/// A part of the confidence scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReliabilityBin {
    /// Where it begins, 0 to 1.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// How many answers are in it.
    pub images: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that is right.
    pub accuracy: f64,
    /// 95 % interval of that share (Wilson).
    pub interval: [f64; 2],
}

/// The calibration of some answers. Without answers, all is 0 and nothing speaks against the model.
#[must_use]
pub fn calibration(answers: &[Answered]) -> Calibration {
    let parts = parts(answers);
    let error = error(&parts, answers.len());
    let bins = bins(&parts);
    let largest = bins.iter().map(|bin| (bin.accuracy - bin.confidence).abs()).fold(0.0, f64::max);
    let (by_chance, p_calibrated) = chance(answers, error);
    Calibration { error, largest, by_chance, p_calibrated, bins, before_temperature: None }
}

/// The expected calibration error alone, 0 to 1; 0 without answers.
#[must_use]
pub fn expected_error(answers: &[Answered]) -> f64 {
    error(&parts(answers), answers.len())
}

/// The calibration before a temperature was applied, of whole rows of probabilities.
///
/// softmax(z / T) to the power T, normalised, is softmax(z): so what the fit said by itself is computed
/// from what the model says now.
///
/// # Panics
/// If there is not a row for each of `truths`.
#[must_use]
pub fn before_temperature(truths: &[usize], rows: &[Vec<f32>], temperature: f64) -> BeforeTemperature {
    assert_eq!(truths.len(), rows.len(), "one row per truth");
    let answers: Vec<Answered> = truths
        .iter()
        .zip(rows)
        .map(|(truth, row)| {
            let (answer, _) = pilah_models::infer::best(row);
            let raised = |p: f32| f64::from(p).max(f64::MIN_POSITIVE).ln() * temperature;
            let highest = raised(row[answer]);
            let sum: f64 = row.iter().map(|p| (raised(*p) - highest).exp()).sum();
            (1.0 / sum, answer == *truth)
        })
        .collect();
    let parts = parts(&answers);
    BeforeTemperature { temperature, error: error(&parts, answers.len()), bins: bins(&parts) }
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    images: u64,
    confidence: f64,
    right: u64,
}

fn parts(answers: &[Answered]) -> [Part; BINS] {
    let mut parts = [Part::default(); BINS];
    for (confidence, right) in answers {
        let part = &mut parts[part_of(*confidence)];
        part.images += 1;
        part.confidence += confidence;
        part.right += u64::from(*right);
    }
    parts
}

fn part_of(confidence: f64) -> usize {
    ((confidence * BINS as f64) as usize).min(BINS - 1)
}

fn error(parts: &[Part; BINS], images: usize) -> f64 {
    let gaps: f64 = parts.iter().map(|part| (part.right as f64 - part.confidence).abs()).sum();
    if images == 0 { 0.0 } else { gaps / images as f64 }
}

fn bins(parts: &[Part; BINS]) -> Vec<ReliabilityBin> {
    let bin = |(index, part): (usize, &Part)| ReliabilityBin {
        from: index as f64 / BINS as f64,
        to: (index + 1) as f64 / BINS as f64,
        images: part.images,
        confidence: part.confidence / part.images as f64,
        accuracy: ratio(part.right, part.images),
        interval: wilson(part.right, part.images),
    };
    parts.iter().enumerate().filter(|(_, part)| part.images > 0).map(bin).collect()
}

/// What a calibrated model of these confidences shows: the mean error, and how often it is `error` or more.
fn chance(answers: &[Answered], error_found: f64) -> (f64, f64) {
    let step = answers.len().div_ceil(MOST_SIMULATED).max(1);
    let confidences: Vec<f64> = answers.iter().step_by(step).map(|(confidence, _)| *confidence).collect();
    if confidences.is_empty() {
        return (0.0, 1.0);
    }
    let mut draw = Draw::new(confidences.len() as u64);
    let (mut sum, mut as_large) = (0.0, 0u32);
    for _ in 0..SIMULATIONS {
        let mut gaps = [0.0; BINS];
        for confidence in &confidences {
            gaps[part_of(*confidence)] += f64::from(draw.share() < *confidence) - confidence;
        }
        let simulated = gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / confidences.len() as f64;
        sum += simulated;
        // Of equal errors, rounding must not decide.
        as_large += u32::from(simulated >= error_found - 1e-9);
    }
    (sum / f64::from(SIMULATIONS), f64::from(as_large + 1) / f64::from(SIMULATIONS + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `images` answers of a confidence, of which a share is right.
    fn answers(images: usize, confidence: f64, right: f64) -> Vec<Answered> {
        let count = (images as f64 * right).round() as usize;
        (0..images).map(|i| (confidence, i < count)).collect()
    }

    #[test]
    fn the_error_is_the_distance_of_confidence_and_accuracy() {
        let mut mixed = answers(100, 0.95, 0.85);
        mixed.extend(answers(100, 0.55, 0.55));
        let found = calibration(&mixed);
        assert!((found.error - 0.05).abs() < 1e-9 && (found.largest - 0.10).abs() < 1e-9, "{found:?}");
        let [low, high] = &found.bins[..] else { panic!("two parts: {found:?}") };
        assert_eq!((low.images, high.images), (100, 100));
        assert!((high.accuracy - 0.85).abs() < 1e-9 && high.from < 0.95 && high.to > 0.95);
        assert_eq!(calibration(&[]).bins, []);
    }

    #[test]
    fn chance_explains_an_error_on_few_images_but_not_on_many() {
        let (few, many) = (calibration(&answers(10, 0.9, 1.0)), calibration(&answers(1000, 0.9, 1.0)));
        assert!((few.error - many.error).abs() < 1e-9, "the same error");
        assert!(few.p_calibrated > 0.3, "0.9^10 is 0.35: {few:?}");
        assert!(many.p_calibrated < 0.01 && many.by_chance < few.by_chance, "{many:?}");
    }

    #[test]
    fn the_temperature_is_undone() {
        // Logits 2 and 0, of which temperature 2 made 1 and 0.
        let softmax = |z: f64| (1.0 / (1.0 + (-z).exp())) as f32;
        let rows = vec![vec![softmax(1.0), 1.0 - softmax(1.0)]; 4];
        let before = before_temperature(&[0, 0, 0, 1], &rows, 2.0);
        assert!((before.bins[0].confidence - f64::from(softmax(2.0))).abs() < 1e-6, "{before:?}");
        assert!((before.error - (f64::from(softmax(2.0)) - 0.75)).abs() < 1e-6, "{before:?}");
        let sure = before_temperature(&[0], &[vec![1.0, 0.0]], 3.0);
        assert!((sure.bins[0].confidence - 1.0).abs() < 1e-9, "{sure:?}");
    }
}
