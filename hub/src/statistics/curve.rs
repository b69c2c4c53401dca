//! "Have I labelled enough?": how accuracy grows with the number of labels, and where that leads. It
//! computes for seconds to minutes, and does no IO.
//!
//! Heads are fitted on growing shares of the training groups, several times with other groups, and judged
//! on the validation split. When a fit stops is decided on a part of its own share, so that the
//! validation images are new to it. The error follows an inverse power law in most of machine learning,
//! error(n) = a + b · n^−c (Hestness et al., "Deep Learning Scaling is Predictable, Empirically", 2017;
//! Cortes et al., "Learning Curves", 1993): it is fitted to the points and read off at twice as many.

use std::collections::BTreeSet;

use pilah_evaluate::wilson;
use pilah_models::train::TrainError;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::review::folds::{self, Example};
use crate::review::value::draw;

/// The shares of the training groups.
const SHARES: [f64; 6] = [1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0, 1.0 / 2.0, 3.0 / 4.0, 1.0];

/// How often each share is drawn.
const SEEDS: usize = 3;

/// Which part of a share decides when a fit stops.
const HELD_OUT: f64 = 0.15;

/// Fewer points do not determine three numbers.
const LEAST_POINTS: usize = 4;

/// A gain that is worth the labelling: one point of accuracy.
const WORTHWHILE: f64 = 0.01;

/// How often the fit is repeated with other draws of the repetitions, and without one of the points.
const RESAMPLINGS: usize = 200;

/// Heads of one share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// The share of the training groups, 0 to 1.
    pub share: f64,
    /// How many training images that is, on average over the repetitions.
    pub images: f64,
    /// The accuracy of each repetition on the validation split, 0 to 1.
    pub accuracies: Vec<f64>,
    /// Their mean.
    pub accuracy: f64,
}

/// error(n) = a + b · n^−c, of n training images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PowerLaw {
    /// The error that remains however many there are.
    pub a: f64,
    /// The error that labels can remove.
    pub b: f64,
    /// How fast they remove it.
    pub c: f64,
}

impl PowerLaw {
    /// The accuracy with `images` training images, 0 to 1.
    #[must_use]
    pub fn accuracy(&self, images: f64) -> f64 {
        (1.0 - self.a - self.b * images.max(1.0).powf(-self.c)).clamp(0.0, 1.0)
    }
}

/// What labelling as many images again would bring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outlook {
    /// Twice as many training images as there are.
    pub images: f64,
    /// The accuracy that is to be expected then.
    pub accuracy: f64,
    /// Where it lies nine times out of ten, as far as the repetitions, and the points
    /// without each one of them, tell.
    pub interval: [f64; 2],
    /// By how much that is more than now, and the interval of that.
    pub gain: f64,
    /// Nine times out of ten.
    pub gain_interval: [f64; 2],
}

/// How accuracy grows with the number of labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LearningCurve {
    /// The points, the smallest share first.
    pub points: Vec<Point>,
    /// The law that was fitted; `null` with too few points.
    pub law: Option<PowerLaw>,
    /// What twice as many would bring; `null` with too few points.
    pub outlook: Option<Outlook>,
    /// How many images judged.
    pub validation_images: u64,
    /// Training images that there are; more than the last point has if it was cut.
    pub training_images: u64,
    /// The answer in words.
    pub sentence: String,
}

/// Fits the heads and draws the conclusion. `examples` are training images, `training_images` of which
/// there are more if they were cut.
///
/// # Errors
/// `stop` was cancelled.
pub fn measure(
    examples: &[Example],
    validation: &[Example],
    classes: usize,
    training_images: u64,
    stop: &CancellationToken,
) -> Result<LearningCurve, TrainError> {
    let mut points = Vec::new();
    for share in SHARES {
        let (mut images, mut accuracies) = (0, Vec::new());
        for seed in 0..SEEDS {
            let (taught, held_out) = part(examples, share, seed);
            match folds::fit(examples, &taught, &held_out, classes, &folds::params(taught.len(), seed as u64), stop) {
                Ok(head) => {
                    let right = validation.iter().filter(|example| head.answer(&example.embedding) == example.class);
                    accuracies.push(right.count() as f64 / validation.len().max(1) as f64);
                    images += taught.len() + held_out.len();
                }
                Err(error @ TrainError::Cancelled(_)) => return Err(error),
                // A share that is too small for all classes says nothing.
                Err(error) => tracing::debug!(%error, share, "no head for the learning curve"),
            }
        }
        if accuracies.len() == SEEDS && !validation.is_empty() {
            let accuracy = mean(&accuracies);
            points.push(Point { share, images: images as f64 / SEEDS as f64, accuracies, accuracy });
        }
    }
    Ok(conclude(points, validation.len() as u64, training_images))
}

/// A share of the groups: those to fit on, and those by which the fit stops. Each seed has an order of the
/// groups of its own, and a larger share contains the smaller ones.
fn part(examples: &[Example], share: f64, seed: usize) -> (Vec<usize>, Vec<usize>) {
    let groups: BTreeSet<&str> = examples.iter().map(|example| example.group.as_str()).collect();
    let place = |group: &str, salt: &str| draw(&format!("{salt} {seed} {group}"));
    let mut order: Vec<(f64, &str)> = groups.into_iter().map(|group| (place(group, "order"), group)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let taken: BTreeSet<&str> =
        order.iter().take((share * order.len() as f64).ceil() as usize).map(|(_, group)| *group).collect();
    let chosen = (0..examples.len()).filter(|i| taken.contains(examples[*i].group.as_str()));
    chosen.partition(|i| place(&examples[*i].group, "stop") >= HELD_OUT)
}

/// The law, the outlook, and the words.
#[must_use]
pub fn conclude(points: Vec<Point>, validation_images: u64, training_images: u64) -> LearningCurve {
    let means: Vec<(f64, f64)> = points.iter().map(|point| (point.images, point.accuracy)).collect();
    let law = fit_law(&means);
    let outlook = law.and_then(|law| outlook(&points, law));
    let sentence = sentence(&points, outlook.as_ref(), validation_images);
    LearningCurve { points, law, outlook, validation_images, training_images, sentence }
}

/// The law with the least squared error, by a grid over c and least squares for a and b, neither below 0.
/// A point counts by its images: the larger shares spread less, and lie nearer to what is asked. c is at
/// most 1, twice what was ever measured on images: a steeper law would only bend around one low point.
/// `None` for too few points.
#[must_use]
pub fn fit_law(points: &[(f64, f64)]) -> Option<PowerLaw> {
    if points.len() < LEAST_POINTS || points.iter().any(|(n, accuracy)| *n < 1.0 || !accuracy.is_finite()) {
        return None;
    }
    let candidate = |step: usize| {
        let c = 0.02 * step as f64;
        let row = |(n, accuracy): &(f64, f64)| (*n, n.powf(-c), 1.0 - accuracy);
        let rows: Vec<(f64, f64, f64)> = points.iter().map(row).collect();
        let all: f64 = rows.iter().map(|(w, ..)| w).sum();
        let mean_x = rows.iter().map(|(w, x, _)| w * x).sum::<f64>() / all;
        let mean_y = rows.iter().map(|(w, _, y)| w * y).sum::<f64>() / all;
        let covariance: f64 = rows.iter().map(|(w, x, y)| w * (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = rows.iter().map(|(w, x, _)| w * (x - mean_x).powi(2)).sum();
        let mut b = if variance > 0.0 { (covariance / variance).max(0.0) } else { 0.0 };
        let mut a = mean_y - b * mean_x;
        if a < 0.0 {
            let squares: f64 = rows.iter().map(|(w, x, _)| w * x * x).sum();
            (a, b) = (0.0, rows.iter().map(|(w, x, y)| w * x * y).sum::<f64>() / squares);
        }
        let error: f64 = rows.iter().map(|(w, x, y)| w * (a + b * x - y).powi(2)).sum();
        (error, PowerLaw { a, b, c })
    };
    (1..=50).map(candidate).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, law)| law)
}

fn outlook(points: &[Point], law: PowerLaw) -> Option<Outlook> {
    let now = points.last()?.images;
    let gain_of = |law: &PowerLaw| law.accuracy(2.0 * now) - law.accuracy(now);
    let resampled = |round: usize| {
        let point = |(place, point): (usize, &Point)| {
            let pick = |k: usize| (draw(&format!("{round} {place} {k}")) * point.accuracies.len() as f64) as usize;
            let drawn: Vec<f64> = (0..point.accuracies.len()).map(|k| point.accuracies[pick(k)]).collect();
            (point.images, mean(&drawn))
        };
        // Each time without one of the points, since the shape of the law is uncertain, too.
        let left_out =
            (points.len() > LEAST_POINTS).then(|| (draw(&format!("{round}")) * points.len() as f64) as usize);
        let kept = points.iter().enumerate().filter(|(place, _)| Some(*place) != left_out);
        fit_law(&kept.map(point).collect::<Vec<_>>())
    };
    let laws: Vec<PowerLaw> = (0..RESAMPLINGS).filter_map(resampled).collect();
    let interval = |of: &dyn Fn(&PowerLaw) -> f64| {
        let mut values: Vec<f64> = laws.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values.get(((values.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
        [at(0.05), at(0.95)]
    };
    Some(Outlook {
        images: 2.0 * now,
        accuracy: law.accuracy(2.0 * now),
        interval: interval(&|law| law.accuracy(2.0 * now)),
        gain: gain_of(&law),
        gain_interval: interval(&gain_of),
    })
}

fn sentence(points: &[Point], outlook: Option<&Outlook>, validation_images: u64) -> String {
    let (Some(last), Some(outlook)) = (points.last(), outlook) else {
        return "There are too few labelled images to say whether they are enough: label some of each class, of \
                several objects, until the validation split has images of each."
            .to_owned();
    };
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let right = (last.accuracy * validation_images as f64).round() as u64;
    let [low, high] = wilson(right, validation_images);
    let [gain_low, gain_high] = outlook.gain_interval;
    let verdict = if gain_low >= WORTHWHILE {
        "More labels are worth it."
    } else if gain_high < WORTHWHILE {
        "More images of the same kind would hardly help: look for wrong labels and for classes that look alike."
    } else {
        "Whether more labels are worth it cannot be told from so few yet."
    };
    format!(
        "With {:.0} training images, {} of {} validation images are recognised (so few images tell it to within {} to \
         {}). With twice as many it would be about {}, likely {} to {}. {verdict}",
        last.images,
        percent(last.accuracy),
        validation_images,
        percent(low),
        percent(high),
        percent(outlook.accuracy),
        percent(outlook.interval[0]),
        percent(outlook.interval[1]),
    )
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::folds::tests::examples;

    fn points(law: PowerLaw, spread: f64) -> Vec<Point> {
        let point = |share: f64| {
            let images = 1600.0 * share;
            let accuracy = law.accuracy(images);
            let accuracies = vec![accuracy - spread, accuracy, accuracy + spread];
            Point { share, images, accuracies, accuracy }
        };
        SHARES.map(point).to_vec()
    }

    #[test]
    fn a_law_is_found_again() {
        let law = PowerLaw { a: 0.05, b: 1.2, c: 0.4 };
        let means: Vec<(f64, f64)> = points(law, 0.0).iter().map(|p| (p.images, p.accuracy)).collect();
        let found = fit_law(&means).expect("enough points");
        assert!((found.accuracy(3200.0) - law.accuracy(3200.0)).abs() < 0.002, "{found:?}");
        assert_eq!(fit_law(&means[..3]), None);
        assert_eq!(fit_law(&[(0.0, 0.5); 4]), None, "no images");
        assert_eq!(fit_law(&[(1.0, f64::NAN); 4]), None);
    }

    #[test]
    fn the_verdict_follows_from_the_gain() {
        let steep = conclude(points(PowerLaw { a: 0.0, b: 1.2, c: 0.3 }, 0.002), 500, 1600);
        assert!(steep.sentence.ends_with("More labels are worth it."), "{}", steep.sentence);
        assert!(steep.outlook.expect("enough").gain > 0.02);
        let flat = conclude(points(PowerLaw { a: 0.1, b: 1.0, c: 1.5 }, 0.001), 500, 1600);
        assert!(flat.sentence.contains("hardly help"), "{}", flat.sentence);
        let noisy = conclude(points(PowerLaw { a: 0.05, b: 0.4, c: 0.3 }, 0.05), 500, 1600);
        assert!(noisy.sentence.contains("cannot be told"), "{}", noisy.sentence);
        let none = conclude(Vec::new(), 0, 0);
        assert!(none.law.is_none() && none.sentence.contains("too few"));
    }

    #[test]
    fn shares_grow_by_whole_groups() {
        let examples = examples(3, 40);
        let of = |share| {
            let (mut fit, stop) = part(&examples, share, 1);
            fit.extend(stop);
            fit.sort_unstable();
            fit
        };
        let (half, all) = (of(0.5), of(1.0));
        assert_eq!((half.len(), all.len()), (60, 120));
        assert!(half.iter().all(|i| all.contains(i)));
        let groups = |rows: &[usize]| rows.iter().map(|i| examples[*i].group.clone()).collect::<BTreeSet<_>>();
        assert_eq!(groups(&half).len(), 30, "no group is torn");
        let (fit, stop) = part(&examples, 1.0, 1);
        assert!(groups(&fit).is_disjoint(&groups(&stop)));
    }

    #[test]
    fn a_curve_of_what_can_be_learnt() {
        let examples = examples(3, 80);
        let (train, validation) = examples.split_at(180);
        let go = CancellationToken::new();
        let curve = measure(train, validation, 3, 180, &go).expect("fits");
        let last = curve.points.last().expect("the whole");
        assert!(last.accuracy > 0.95 && last.images == 180.0, "{curve:?}");
        go.cancel();
        assert!(matches!(measure(train, validation, 3, 180, &go), Err(TrainError::Cancelled(_))));
        let none = measure(&[], &[], 0, 0, &CancellationToken::new()).expect("is no error");
        assert!(none.points.is_empty());
    }
}
