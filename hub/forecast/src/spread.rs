//! How far off a forecast may be, learned from how far off it was.
//!
//! A backtest gives errors at each distance into the future. Their size grows with the distance along a curve
//! that is fitted to them; divided by the curve they are comparable, and their quantiles give the interval. This
//! is split conformal prediction (Lei et al., 2018) with a scale. Errors of one origin hang together, so a little
//! is added, as if fewer errors had been seen.

use rand::RngExt as _;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};

/// Errors that were seen, and how they grow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The variance of an error one step ahead, and what each further step adds.
    at_once: f64,
    per_step: f64,
    /// Truth minus forecast over the curve, in runs of one origin each.
    runs: Vec<Vec<f64>>,
}

impl Spread {
    /// Of errors (truth minus forecast), a run per origin, each from one step ahead on; NaN where the truth is
    /// not known.
    #[must_use]
    pub fn learn(runs: &[Vec<f64>]) -> Self {
        let squares: Vec<(f64, f64)> = runs
            .iter()
            .flat_map(|run| run.iter().enumerate().map(|(step, e)| (step as f64, e * e)))
            .filter(|(_, square)| square.is_finite())
            .collect();
        let count = squares.len().max(1) as f64;
        let mean_step = squares.iter().map(|s| s.0).sum::<f64>() / count;
        let mean = squares.iter().map(|s| s.1).sum::<f64>() / count;
        let cross: f64 = squares.iter().map(|(step, square)| (step - mean_step) * (square - mean)).sum();
        let across: f64 = squares.iter().map(|(step, _)| (step - mean_step) * (step - mean_step)).sum();
        // At least a fifth of the mean is there at once, and errors do not shrink with the distance.
        let steepest = if mean_step > 0.0 { 0.8 * mean / mean_step } else { 0.0 };
        let per_step = if across > 0.0 { (cross / across).clamp(0.0, steepest) } else { 0.0 };
        let at_once = (mean - per_step * mean_step).max(1e-18);
        let mut spread = Self { at_once, per_step, runs: Vec::new() };
        spread.runs = runs
            .iter()
            .map(|run| run.iter().enumerate().map(|(step, e)| e / spread.deviation(step)).collect())
            .map(|run: Vec<f64>| run.into_iter().filter(|e| e.is_finite()).collect())
            .filter(|run: &Vec<f64>| !run.is_empty())
            .collect();
        spread
    }

    /// The typical error `step` steps after the first.
    #[must_use]
    pub fn deviation(&self, step: usize) -> f64 {
        (self.at_once + self.per_step * step as f64).sqrt()
    }

    /// The ends of the interval around `mean`, in which the truth is with probability `level`.
    #[must_use]
    pub fn interval(&self, mean: &[f64], level: f64) -> (Vec<f64>, Vec<f64>) {
        let (low, high) = self.quantiles(level);
        let end = |by: f64| mean.iter().enumerate().map(|(step, m)| m + by * self.deviation(step)).collect();
        (end(low), end(high))
    }

    /// One possible run of errors over `steps`: stretches of what was seen, one after another.
    pub fn simulate(&self, steps: usize, rng: &mut SmallRng) -> Vec<f64> {
        let mut errors = Vec::with_capacity(steps);
        while errors.len() < steps && !self.runs.is_empty() {
            let run = &self.runs[rng.random_range(0..self.runs.len())];
            let from = rng.random_range(0..run.len());
            errors.extend(run[from..].iter().take(BLOCK));
        }
        errors.resize(steps, 0.0);
        errors.iter().enumerate().map(|(step, error)| error * self.deviation(step)).collect()
    }

    /// The typical error of the newest run and of those before it, if there are three runs or more.
    #[must_use]
    pub fn newest(&self) -> Option<(f64, f64)> {
        let [before @ .., newest] = self.runs.as_slice() else { return None };
        let root = |errors: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = errors.fold((0.0, 0.0), |(sum, count), e| (sum + e * e, count + 1.0));
            (sum / f64::max(count, 1.0)).sqrt()
        };
        let past = root(&mut before.iter().flatten().copied());
        (before.len() >= 2 && past > 0.0).then(|| (root(&mut newest.iter().copied()), past))
    }

    /// The quantiles of errors over the curve, both tails together made `level`.
    fn quantiles(&self, level: f64) -> (f64, f64) {
        let mut errors: Vec<f64> = self.runs.iter().flatten().copied().collect();
        if errors.is_empty() {
            return (0.0, 0.0);
        }
        // Runs hang together: what they tell is between their number and that of their errors.
        let told = (self.runs.len() as f64 * errors.len() as f64).sqrt();
        let level = (level * (1.0 + 1.0 / told)).min(0.998);
        // Half from the errors' own tails, half from a symmetric one, which is steadier.
        let mut sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
        let both = crate::random::quantile(&mut sizes, level);
        let low = crate::random::quantile(&mut errors, 0.5 - level / 2.0).min(0.0);
        let high = crate::random::quantile(&mut errors, 0.5 + level / 2.0).max(0.0);
        (0.5 * (low - both), 0.5 * (high + both))
    }
}

/// How long stretches of errors stay together in a simulation.
const BLOCK: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{generator, normal};

    fn runs(count: usize, steps: usize, growth: f64) -> Vec<Vec<f64>> {
        let mut rng = generator(4);
        let mut error = |step: usize| 2.0 * (1.0 + growth * step as f64).sqrt() * normal(&mut rng);
        (0..count).map(|_| (0..steps).map(&mut error).collect()).collect()
    }

    #[test]
    fn intervals_grow_as_the_errors_do() {
        let spread = Spread::learn(&runs(300, 20, 0.5));
        assert!((spread.deviation(0) - 2.0).abs() < 0.4, "{}", spread.deviation(0));
        assert!((spread.deviation(19) - 6.48).abs() < 0.6, "{}", spread.deviation(19));
        let steady = Spread::learn(&runs(300, 20, 0.0));
        assert!((steady.deviation(19) / steady.deviation(0) - 1.0).abs() < 0.1);
    }

    #[test]
    fn the_truth_is_inside_as_often_as_promised() {
        let spread = Spread::learn(&runs(40, 10, 0.3));
        let (low, high) = spread.interval(&[0.0; 10], 0.8);
        let (mut inside, mut all) = (0_u32, 0_u32);
        for run in runs(400, 10, 0.3) {
            for (step, error) in run.iter().enumerate() {
                all += 1;
                inside += u32::from((low[step]..=high[step]).contains(error));
            }
        }
        let share = f64::from(inside) / f64::from(all);
        assert!((0.76..0.86).contains(&share), "{share}");
    }

    #[test]
    fn simulated_errors_are_as_large_as_those_seen() {
        let spread = Spread::learn(&runs(50, 10, 0.0));
        let mut rng = generator(2);
        let squares: Vec<f64> = (0..500).flat_map(|_| spread.simulate(10, &mut rng)).map(|e| e * e).collect();
        let deviation = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        assert!((deviation - 2.0).abs() < 0.3, "{deviation}");
    }

    #[test]
    fn without_errors_there_is_no_width() {
        let spread = Spread::learn(&[]);
        assert_eq!(spread.interval(&[3.0], 0.8), (vec![3.0], vec![3.0]));
        assert_eq!(spread.simulate(2, &mut generator(1)), [0.0, 0.0]);
        assert_eq!(Spread::learn(&[vec![f64::NAN]]).interval(&[3.0], 0.8).0, [3.0]);
    }
}
