//! From which probability an answer counts as sure: conformal risk control (Angelopoulos, Bates,
//! Fisch, Lei and Schuster, "Conformal Risk Control", 2022, arXiv 2208.02814, theorem 1).
//!
//! The operator states the contamination α that they accept. Of all items that the model takes for a
//! class, on average at most the share α end in that class's compartment although they are of another
//! class; the others are right, or *unsure* and in the compartment of the rest. If that holds for each
//! class, then of all items whatever at most the share α end in a wrong compartment.
//!
//! Why this share: conformal risk control needs a loss per item that only falls as the threshold
//! rises, which "sure, and wrong" is. The share of wrong items among those in the compartment is a
//! ratio whose denominator moves with the threshold; no bound in expectation is known for it. It is
//! larger than the share that is bounded by the factor (items taken for the class) / (items in its
//! compartment), which is near 1 for a class that is mostly sure.
//!
//! For class k, let n of the calibration examples be taken for k, and W(λ) of these be wrong with a
//! confidence of λ or more. The threshold is the lowest λ with (W(λ) + 1) / (n + 1) ≤ α. If an
//! item in the field and the n examples come from the same distribution (are exchangeable), then the
//! probability that it is sure and wrong at that λ, over the draw of examples and item, is at most α.
//! The 1 stands for the item itself. If n < 1/α − 1, no λ is low enough.
//!
//! Classes with fewer answers than that share one threshold, found on the answers for any of them, to
//! which those of the next larger class are added until there are enough; the bound then holds for them
//! together, and so does what it says of all items whatever. If all answers are still too few, every
//! class is closed until there are more examples.
//!
//! What it does not say: anything about items that look unlike the examples (another camera, another
//! town), or about one particular draw; and the examples must not have been fitted to.

use crate::bundle::CLOSED;
use crate::infer::best;

/// Rounding of α as a 32-bit float must not cost an example.
const ROUNDING: f64 = 1e-6;

/// The threshold of a class, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassThreshold {
    /// From which probability an answer for this class is sure; [`CLOSED`]: never.
    pub threshold: f32,
    /// How many of the examples are taken for this class, right or wrong.
    pub answers: usize,
    /// How many of these are sure.
    pub sure: usize,
    /// How many of those that are sure are wrong.
    pub wrong: usize,
    /// How many answers a threshold must rest on; `None` if no number suffices.
    pub needed: Option<usize>,
    /// How many answers this one rests on: more than the class's own if it shares the threshold.
    pub rests_on: usize,
}

impl ClassThreshold {
    /// Whether no answer is sure.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.threshold >= CLOSED
    }
}

/// Picks a threshold for each class, in the order of the labels; see [`control`].
///
/// # Panics
/// If there is not a row for each target.
#[must_use]
pub fn pick(probabilities: &[Vec<f32>], targets: &[usize], classes: usize, accepted_contamination: f32) -> Vec<f32> {
    let controlled = control(probabilities, targets, classes, accepted_contamination);
    controlled.iter().map(|class| class.threshold).collect()
}

/// Controls the risk of each class, in the order of the labels. `probabilities` holds a row of
/// `classes` numbers for each of the `targets`. No threshold is below 1 / `classes`, which the highest
/// of `classes` probabilities always reaches.
///
/// # Panics
/// If there is not a row for each target.
#[must_use]
pub fn control(
    probabilities: &[Vec<f32>],
    targets: &[usize],
    classes: usize,
    accepted_contamination: f32,
) -> Vec<ClassThreshold> {
    assert_eq!(probabilities.len(), targets.len(), "a row for each target");
    let mut answers: Vec<Vec<(f32, bool)>> = vec![Vec::new(); classes];
    for (row, &target) in probabilities.iter().zip(targets) {
        let (answer, confidence) = best(row);
        answers[answer].push((confidence, answer == target));
    }
    let floor = 1.0 / classes as f32;
    let needed = needed(accepted_contamination);
    let sharing = sharing(&answers.iter().map(Vec::len).collect::<Vec<_>>(), needed.unwrap_or(usize::MAX));
    let pool: Vec<(f32, bool)> = sharing.iter().flat_map(|&class| answers[class].iter().copied()).collect();
    let shared = lowest(&pool, floor, f64::from(accepted_contamination));
    let of_class = |(class, answers): (usize, &Vec<(f32, bool)>)| {
        let (threshold, rests_on) = if sharing.contains(&class) {
            (shared, pool.len())
        } else {
            (lowest(answers, floor, f64::from(accepted_contamination)), answers.len())
        };
        let sure = || answers.iter().filter(|(confidence, _)| threshold < CLOSED && *confidence >= threshold);
        ClassThreshold {
            threshold,
            answers: answers.len(),
            sure: sure().count(),
            wrong: sure().filter(|(_, right)| !right).count(),
            needed,
            rests_on,
        }
    };
    answers.iter().enumerate().map(of_class).collect()
}

/// The classes that share a threshold, by how many answers each has: those with fewer than `needed`, and
/// as many of the next larger ones as they need to have enough together.
fn sharing(answers: &[usize], needed: usize) -> Vec<usize> {
    let mut by_size: Vec<usize> = (0..answers.len()).collect();
    by_size.sort_by_key(|&class| answers[class]);
    let (mut sharing, mut together) = (Vec::new(), 0);
    for class in by_size {
        if answers[class] < needed || (!sharing.is_empty() && together < needed) {
            together += answers[class];
            sharing.push(class);
        }
    }
    sharing
}

/// How many answers a threshold needs at least: the lowest n with 1 / (n + 1) ≤ `accepted`.
#[must_use]
pub fn needed(accepted_contamination: f32) -> Option<usize> {
    let accepted = f64::from(accepted_contamination);
    // Beyond a million it is never.
    (accepted > 1e-6).then(|| (1.0 / (accepted * (1.0 + ROUNDING)) - 1.0).ceil().max(0.0) as usize)
}

/// The lowest threshold that the answers, each with its confidence and whether it is right, allow.
fn lowest(answers: &[(f32, bool)], floor: f32, accepted: f64) -> f32 {
    let mut wrong: Vec<f32> = answers.iter().filter(|(_, right)| !right).map(|(confidence, _)| *confidence).collect();
    wrong.sort_by(|a, b| b.total_cmp(a));
    // W + 1 ≤ α·(n + 1); of the sum, 1 is for the item to come.
    let allowance = (accepted * (answers.len() + 1) as f64 * (1.0 + ROUNDING)).floor();
    if allowance < 1.0 {
        return CLOSED;
    }
    // The surest of the wrong answers that may not be accepted, and with it all that are no surer.
    let first_too_many = wrong.get(allowance as usize - 1);
    first_too_many.map_or(floor, |confidence| confidence.next_up().clamp(floor, CLOSED))
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Answers for class 0 of two, at each confidence, right or wrong.
    fn class(answers: &[(f32, bool)], accepted: f32) -> ClassThreshold {
        let rows: Vec<Vec<f32>> = answers.iter().map(|(p, _)| vec![*p, 1.0 - p]).collect();
        let targets: Vec<usize> = answers.iter().map(|(_, is_right)| usize::from(!is_right)).collect();
        control(&rows, &targets, 2, accepted)[0]
    }

    #[test]
    fn the_lowest_threshold_that_the_bound_allows() {
        // Nine answers, so that with the item to come a tenth of the share is one item.
        let answers: Vec<(f32, bool)> =
            [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55].map(|p| (p, ![0.85, 0.6].contains(&p))).to_vec();
        let cases = [
            // (accepted, threshold, sure, wrong)
            (0.09, CLOSED, 0, 0),
            (0.1, 0.85_f32.next_up(), 2, 0),
            (0.2, 0.6_f32.next_up(), 7, 1),
            (0.3, 0.5, 9, 2),
            (1.0, 0.5, 9, 2),
        ];
        for (accepted, threshold, sure, wrong) in cases {
            let found = class(&answers, accepted);
            assert_eq!((found.threshold, found.sure, found.wrong), (threshold, sure, wrong), "accepted {accepted}");
            assert_eq!((found.answers, found.is_closed()), (9, accepted < 0.1));
        }
    }

    #[test]
    fn a_class_with_too_few_answers_is_closed_and_says_how_many_it_needs() {
        let cases = [(0.05, Some(19)), (0.02, Some(49)), (0.1, Some(9)), (0.5, Some(1)), (1.0, Some(0)), (0.0, None)];
        for (accepted, expected) in cases {
            assert_eq!(needed(accepted), expected, "accepted {accepted}");
            let Some(enough) = expected else { continue };
            let right = |count| class(&vec![(0.99, true); count], accepted);
            assert!(!right(enough).is_closed(), "{enough} right answers at {accepted}");
            assert_eq!(right(enough).needed, Some(enough));
            if let Some(fewer) = enough.checked_sub(1) {
                assert!(right(fewer).is_closed(), "{fewer} right answers at {accepted}");
            }
        }
        assert!(class(&vec![(0.99, true); 5000], 0.0).is_closed(), "no number of examples shows that there is no risk");
    }

    #[test]
    fn classes_with_few_answers_share_a_threshold() {
        for (answers, expected) in [
            (&[30, 10, 12][..], &[1, 2][..]),
            (&[30, 25, 4], &[2, 1]),
            (&[40, 0, 19], &[1, 2]),
            (&[19, 19], &[]),
            (&[5, 3, 4], &[1, 2, 0]),
        ] {
            assert_eq!(sharing(answers, 19), expected, "{answers:?}");
        }
        // Right answers for two classes, too few for either alone.
        let rows = |count: usize| -> (Vec<Vec<f32>>, Vec<usize>) {
            (0..count).map(|i| (if i % 2 == 0 { vec![0.9, 0.1] } else { vec![0.2, 0.8] }, i % 2)).unzip()
        };
        let (enough, targets) = rows(20);
        let found = control(&enough, &targets, 2, 0.05);
        assert!(found.iter().all(|class| class.threshold == 0.5 && class.answers == 10 && class.rests_on == 20));
        let (few, targets) = rows(18);
        assert!(control(&few, &targets, 2, 0.05).iter().all(|class| class.is_closed() && class.rests_on == 18));
    }

    /// One class is harder than the other, and neither has enough answers: the bound holds for both together.
    #[test]
    fn what_is_shared_keeps_the_bound_together() {
        const DRAWS: usize = 3000;
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut item = || {
            let answer = usize::from(dice.random::<f64>() < 0.5);
            let right = dice.random::<f64>() < [0.95, 0.7][answer];
            (answer, 0.5 + 0.5 * dice.random::<f32>(), right)
        };
        let (mut spoilt, mut open) = (0, 0);
        for _ in 0..DRAWS {
            let drawn: Vec<_> = (0..24).map(|_| item()).collect();
            let row = |answer: usize, p: f32| if answer == 0 { vec![p, 1.0 - p] } else { vec![1.0 - p, p] };
            let rows: Vec<Vec<f32>> = drawn.iter().map(|(answer, p, _)| row(*answer, *p)).collect();
            let targets: Vec<usize> =
                drawn.iter().map(|(answer, _, right)| if *right { *answer } else { 1 - answer }).collect();
            let thresholds = pick(&rows, &targets, 2, 0.05);
            open += usize::from(thresholds.iter().any(|threshold| *threshold < CLOSED));
            let (answer, p, right) = item();
            spoilt += usize::from(thresholds[answer] < CLOSED && p >= thresholds[answer] && !right);
        }
        let (risk, error) = (spoilt as f64 / DRAWS as f64, (0.05_f64 * 0.95 / DRAWS as f64).sqrt());
        assert!(risk <= 0.05 + 3.0 * error, "{risk}");
        assert!(open > DRAWS / 2, "open in {open} of {DRAWS} draws");
    }

    #[test]
    fn answers_of_one_confidence_stand_or_fall_together() {
        let found = class(&[(0.9, true), (0.7, true), (0.7, false), (0.6, true)], 0.2);
        assert_eq!((found.threshold, found.sure), (0.7_f32.next_up(), 1));
    }

    #[test]
    fn a_wrong_answer_of_probability_1_closes_the_class() {
        assert!(class(&[(1.0, false), (1.0, true), (0.9, true), (0.8, true)], 0.2).is_closed());
    }

    /// An item: how sure the model is that it is of class k, and whether it is; the model is too sure
    /// of itself by `lie`.
    fn draw(dice: &mut Xoshiro256PlusPlus, lie: f64) -> (usize, f32, bool) {
        let answer = usize::from(dice.random::<f64>() < 0.3);
        let truly = 0.5 + 0.5 * dice.random::<f64>().sqrt();
        let right = dice.random::<f64>() < truly;
        (answer, (truly + lie * (1.0 - truly)) as f32, right)
    }

    /// The guarantee: over many draws of examples, the share of items that are sure and wrong, of those
    /// taken for the class, is at most α on average; and the thresholds are not so high that this is
    /// for nothing.
    #[test]
    fn the_risk_is_what_was_accepted_on_average_over_draws() {
        const DRAWS: usize = 3000;
        const ITEMS: usize = 200;
        for (accepted, examples, lie) in [(0.05_f32, 150, 0.0), (0.05, 60, 0.8), (0.1, 40, 0.3), (0.02, 400, 0.5)] {
            let mut dice = Xoshiro256PlusPlus::seed_from_u64(11);
            let mut risks: [Vec<f64>; 2] = Default::default();
            for _ in 0..DRAWS {
                let drawn: Vec<_> = (0..examples).map(|_| draw(&mut dice, lie)).collect();
                let row = |answer: usize, p: f32| if answer == 0 { vec![p, 1.0 - p] } else { vec![1.0 - p, p] };
                let rows: Vec<Vec<f32>> = drawn.iter().map(|(answer, p, _)| row(*answer, *p)).collect();
                let targets: Vec<usize> =
                    drawn.iter().map(|(answer, _, right)| if *right { *answer } else { 1 - answer }).collect();
                let thresholds = pick(&rows, &targets, 2, accepted);
                let (mut taken, mut spoilt) = ([0.0; 2], [0.0; 2]);
                for _ in 0..ITEMS {
                    let (answer, p, right) = draw(&mut dice, lie);
                    taken[answer] += 1.0;
                    if thresholds[answer] < CLOSED && p >= thresholds[answer] && !right {
                        spoilt[answer] += 1.0;
                    }
                }
                for class in 0..2 {
                    risks[class].push(spoilt[class] / f64::max(taken[class], 1.0));
                }
            }
            for risks in &risks {
                let mean = risks.iter().sum::<f64>() / DRAWS as f64;
                let variance = risks.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / DRAWS as f64;
                let error = (variance / DRAWS as f64).sqrt();
                let accepted = f64::from(accepted);
                assert!(mean <= accepted + 3.0 * error, "{mean} ± {error} is more than {accepted}");
                // With n answers, the bound is met up to 1/(n + 1): 18 in the smallest class here.
                let least = if examples >= 150 { 0.5 } else { 0.0 };
                assert!(mean >= least * accepted, "{mean} is needlessly low for {accepted} and {examples} examples");
            }
        }
    }
}
