//! What a model is worth if it may say *unsure*: accuracy against the share that it answers.
//!
//! Answers are taken surest first. The risk at a coverage is the share of wrong ones among those taken
//! (El-Yaniv and Wiener, *JMLR* 11, 2010); a good confidence keeps it low until most are taken.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calibration::Answered;
use super::ratio;

/// A curve has no more points than this.
const MOST_POINTS: usize = 200;

/// Risk by coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RiskCoverage {
    /// The curve, by rising coverage, at most 200 points.
    pub points: Vec<RiskPoint>,
    /// The area under it, 0 to 1: the mean risk over all coverages; less is better.
    pub area: f64,
    /// Where the model's own thresholds put it; absent without images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_thresholds: Option<RiskPoint>,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RiskPoint {
    /// The share of the images that is answered, 0 to 1.
    pub coverage: f64,
    /// The share of wrong ones among those, 0 to 1.
    pub risk: f64,
    /// The confidence from which an answer counts; absent where each class has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// The curve of some answers; `sure[i]` says whether answer `i` reaches its class's threshold.
///
/// # Panics
/// If the slices differ in length.
#[must_use]
pub fn risk_coverage(answers: &[Answered], sure: &[bool]) -> RiskCoverage {
    assert_eq!(answers.len(), sure.len(), "each answer is sure or not");
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let images = sorted.len() as u64;
    let (mut wrong, mut sum, mut points) = (0, 0.0, Vec::new());
    for (index, (confidence, is_right)) in sorted.iter().enumerate() {
        wrong += u64::from(!is_right);
        let taken = index as u64 + 1;
        sum += ratio(wrong, taken);
        // Answers of the same confidence are taken together.
        if sorted.get(index + 1).is_none_or(|next| next.0 < *confidence) {
            points.push(RiskPoint {
                coverage: ratio(taken, images),
                risk: ratio(wrong, taken),
                threshold: Some(*confidence),
            });
        }
    }
    let taken = sure.iter().filter(|sure| **sure).count() as u64;
    let wrong = answers.iter().zip(sure).filter(|((_, is_right), sure)| **sure && !is_right).count() as u64;
    RiskCoverage {
        points: thinned(points),
        area: if images == 0 { 0.0 } else { sum / images as f64 },
        at_thresholds: (images > 0).then(|| RiskPoint {
            coverage: ratio(taken, images),
            risk: ratio(wrong, taken),
            threshold: None,
        }),
    }
}

/// Every so many of the points, the last one always.
fn thinned(points: Vec<RiskPoint>) -> Vec<RiskPoint> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points.into_iter().enumerate().filter(|(i, _)| (last - i).is_multiple_of(step)).map(|(_, point)| point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_answers_come_first() {
        let answers = [(0.6, false), (0.9, true), (0.8, false), (0.7, true)];
        let curve = risk_coverage(&answers, &[false, true, true, false]);
        let found: Vec<(f64, f64)> = curve.points.iter().map(|p| (p.coverage, p.risk)).collect();
        assert_eq!(found, [(0.25, 0.0), (0.5, 0.5), (0.75, 1.0 / 3.0), (1.0, 0.5)]);
        assert!((curve.area - (0.0 + 0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-9);
        let at = curve.at_thresholds.expect("there are images");
        assert_eq!((at.coverage, at.risk), (0.5, 0.5));
    }

    #[test]
    fn equal_confidences_are_one_point_and_none_are_no_curve() {
        let curve = risk_coverage(&[(0.9, true), (0.9, false)], &[true, true]);
        assert_eq!(curve.points.len(), 1);
        let none = risk_coverage(&[], &[]);
        assert!(none.points.is_empty() && none.at_thresholds.is_none() && none.area == 0.0);
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_end() {
        let answers: Vec<Answered> = (0..1001).map(|i| (f64::from(i) / 1001.0, i % 3 > 0)).collect();
        let curve = risk_coverage(&answers, &vec![true; 1001]);
        assert!(curve.points.len() <= MOST_POINTS, "{}", curve.points.len());
        assert_eq!(curve.points.last().map(|p| p.coverage), Some(1.0));
    }
}
