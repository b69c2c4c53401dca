//! From which probability an answer counts as sure.
//!
//! The operator states the contamination that they accept: which share of the items that fall into
//! a class's compartment may be of another class. For each class, the threshold is the lowest at
//! which that held on the validation examples. This is the empirical rate on examples that also
//! stopped and calibrated the fit, so the rate in the field is somewhat higher; it is no bound that
//! holds with a stated probability.

use crate::infer::best;

/// No threshold is higher, so that a class never becomes one that no answer can reach.
pub const HIGHEST: f32 = 0.95;

/// Picks a threshold for each class, in the order of the labels. `probabilities` holds a row of
/// `classes` numbers for each of the `targets`. A class that the model never answers, or whose
/// surest answers are wrong too often, gets [`HIGHEST`]; none is below 1 / `classes`, which the
/// highest of `classes` probabilities always reaches.
///
/// # Panics
/// If there is not a row for each target.
#[must_use]
pub fn pick(probabilities: &[Vec<f32>], targets: &[usize], classes: usize, accepted_contamination: f32) -> Vec<f32> {
    assert_eq!(probabilities.len(), targets.len(), "a row for each target");
    let mut answers: Vec<Vec<(f32, bool)>> = vec![Vec::new(); classes];
    for (row, &target) in probabilities.iter().zip(targets) {
        let (answer, confidence) = best(row);
        answers[answer].push((confidence, answer == target));
    }
    let floor = 1.0 / classes as f32;
    let within_bounds = |answers: &mut Vec<(f32, bool)>| {
        lowest(answers, accepted_contamination).map_or(HIGHEST, |t| t.clamp(floor, HIGHEST))
    };
    answers.iter_mut().map(within_bounds).collect()
}

/// The lowest confidence such that, of the answers from there on, at most `accepted` are wrong.
/// 0 if all answers together are good enough.
fn lowest(answers: &mut [(f32, bool)], accepted: f32) -> Option<f32> {
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut wrong, mut lowest) = (0, None);
    for (index, &(confidence, is_right)) in answers.iter().enumerate() {
        wrong += usize::from(!is_right);
        // Answers of the same confidence are accepted together or not at all.
        let is_last_of_its_kind = answers.get(index + 1).is_none_or(|next| next.0 < confidence);
        if is_last_of_its_kind && wrong as f32 <= accepted * (index + 1) as f32 {
            lowest = Some(if index + 1 == answers.len() { 0.0 } else { confidence });
        }
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes; an answer for class 0 at each confidence, right or wrong.
    fn threshold(answers: &[(f32, bool)], accepted: f32) -> f32 {
        let rows: Vec<Vec<f32>> = answers.iter().map(|(p, _)| vec![*p, 1.0 - p]).collect();
        let targets: Vec<usize> = answers.iter().map(|(_, is_right)| usize::from(!is_right)).collect();
        pick(&rows, &targets, 2, accepted)[0]
    }

    #[test]
    fn the_lowest_threshold_that_keeps_the_accepted_contamination() {
        let answers = [(0.9, true), (0.8, true), (0.7, false), (0.65, true), (0.6, false)];
        let cases = [(0.0, 0.8), (0.2, 0.8), (0.25, 0.65), (0.34, 0.65), (0.4, 0.5), (1.0, 0.5)];
        for (accepted, expected) in cases {
            assert_eq!(threshold(&answers, accepted), expected, "accepted {accepted}");
        }
    }

    #[test]
    fn answers_of_one_confidence_stand_or_fall_together() {
        assert_eq!(threshold(&[(0.9, true), (0.7, true), (0.7, false), (0.6, false)], 0.1), 0.9);
    }

    #[test]
    fn without_good_answers_the_threshold_is_the_highest() {
        assert_eq!(threshold(&[(0.9, false)], 0.1), HIGHEST);
        assert_eq!(pick(&[], &[], 3, 0.02), [HIGHEST; 3]);
        assert_eq!(threshold(&[(0.99, true), (0.6, false)], 0.0), HIGHEST, "capped");
    }

    #[test]
    fn none_is_below_chance() {
        assert_eq!(threshold(&[(0.51, true)], 0.02), 0.5);
    }
}
