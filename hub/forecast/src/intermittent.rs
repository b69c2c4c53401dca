//! Demand that comes now and then: how much, and how likely on a day.
//!
//! Two methods, both exact in what they promise: the mean per step. SBA (Syntetos and Boylan, 2005) smooths
//! sizes and distances of demands, and removes the bias of Croston's method; TSB (Teunter, Syntetos and Babai,
//! 2011) smooths the probability instead, at every step, so that a product that is no longer asked for goes to
//! 0. TSB is taken if the last demand is longer ago than is usual.

use rand::RngExt as _;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How demand comes, after Syntetos, Boylan and Croston, "On the categorization of demand patterns", 2005.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DemandCharacter)]
#[serde(rename_all = "snake_case")]
pub enum Character {
    /// Often, and about the same.
    Smooth,
    /// Often, and of very different sizes.
    Erratic,
    /// Now and then, and about the same.
    Intermittent,
    /// Now and then, and of very different sizes.
    Lumpy,
    /// Never.
    Zero,
}

impl Character {
    /// The character of values without gaps.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let sizes: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
        if sizes.is_empty() {
            return Self::Zero;
        }
        let count = sizes.len() as f64;
        let distance = values.len() as f64 / count;
        let mean = sizes.iter().sum::<f64>() / count;
        let variance = sizes.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / count;
        match (distance >= 1.32, variance / (mean * mean) >= 0.49) {
            (false, false) => Self::Smooth,
            (false, true) => Self::Erratic,
            (true, false) => Self::Intermittent,
            (true, true) => Self::Lumpy,
        }
    }

    /// Whether demand comes now and then only.
    #[must_use]
    pub fn is_sporadic(self) -> bool {
        matches!(self, Self::Intermittent | Self::Lumpy | Self::Zero)
    }
}

/// Which method was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Syntetos–Boylan approximation.
    Sba,
    /// Teunter–Syntetos–Babai.
    Tsb,
}

/// A fitted method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intermittent {
    method: Method,
    /// The mean per step.
    mean: f64,
    /// The probability of a demand per step.
    probability: f64,
    /// Sizes of demands, the latest ones.
    sizes: Vec<f64>,
}

/// How many sizes of demands are kept for simulation.
const SIZES: usize = 500;

impl Intermittent {
    /// Fits to values without gaps. The smoothing parameter is the one that forecast the history best.
    #[must_use]
    pub fn fit(values: &[f64]) -> Self {
        let sizes: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
        let method = if is_ending(values) { Method::Tsb } else { Method::Sba };
        let run = |alpha| match method {
            Method::Sba => sba(values, alpha),
            Method::Tsb => tsb(values, alpha),
        };
        let fits = [0.05, 0.1, 0.15, 0.2, 0.3].map(run);
        let best = fits.into_iter().min_by(|a, b| a.2.total_cmp(&b.2)).unwrap_or((0.0, 0.0, 0.0));
        let from = sizes.len().saturating_sub(SIZES);
        Self { method, mean: best.0, probability: best.1.clamp(0.0, 1.0), sizes: sizes[from..].to_vec() }
    }

    /// The method that was taken.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The next `steps` values: the mean, again and again.
    #[must_use]
    pub fn predict(&self, steps: usize) -> Vec<f64> {
        vec![self.mean; steps]
    }

    /// One possible future of `steps` values: demands come with their probability, in sizes as they were
    /// (Willemain, Smart and Schwarz, 2004), scaled so that the mean is the forecast one.
    pub fn simulate(&self, steps: usize, rng: &mut SmallRng) -> Vec<f64> {
        if self.sizes.is_empty() || self.probability == 0.0 {
            return vec![0.0; steps];
        }
        let mean = self.sizes.iter().sum::<f64>() / self.sizes.len() as f64;
        let scale = if mean == 0.0 { 1.0 } else { self.mean / (self.probability * mean) };
        let mut draw = || match rng.random::<f64>() < self.probability {
            true => scale * self.sizes[rng.random_range(0..self.sizes.len())],
            false => 0.0,
        };
        (0..steps).map(|_| draw()).collect()
    }
}

/// Whether the last demand is longer ago than three times the usual distance.
fn is_ending(values: &[f64]) -> bool {
    let demands = values.iter().filter(|v| **v != 0.0).count();
    let since = values.iter().rev().take_while(|v| **v == 0.0).count();
    demands > 0 && since as f64 > 3.0 * values.len() as f64 / demands as f64
}

/// Mean, probability, and mean squared error of one step ahead.
fn sba(values: &[f64], alpha: f64) -> (f64, f64, f64) {
    let Some(first) = values.iter().position(|v| *v != 0.0) else { return (0.0, 0.0, 0.0) };
    let demands = values.iter().filter(|v| **v != 0.0).count();
    let (mut size, mut distance) = (values[first], values.len() as f64 / demands as f64);
    let (mut since, mut squares) = (1.0, 0.0);
    for value in &values[first + 1..] {
        let forecast = (1.0 - alpha / 2.0) * size / distance;
        squares += (value - forecast) * (value - forecast);
        if *value == 0.0 {
            since += 1.0;
        } else {
            size += alpha * (value - size);
            distance += alpha * (since - distance);
            since = 1.0;
        }
    }
    ((1.0 - alpha / 2.0) * size / distance, 1.0 / distance, squares)
}

/// Mean, probability, and mean squared error of one step ahead.
fn tsb(values: &[f64], alpha: f64) -> (f64, f64, f64) {
    let Some(first) = values.iter().position(|v| *v != 0.0) else { return (0.0, 0.0, 0.0) };
    let demands = values.iter().filter(|v| **v != 0.0).count();
    let (mut size, mut probability) = (values[first], demands as f64 / values.len() as f64);
    let mut squares = 0.0;
    for value in &values[first + 1..] {
        squares += (value - size * probability) * (value - size * probability);
        let came = f64::from(u8::from(*value != 0.0));
        probability += alpha * (came - probability);
        if came == 1.0 {
            size += alpha * (value - size);
        }
    }
    (size * probability, probability, squares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    fn every(days: usize, size: f64, count: usize) -> Vec<f64> {
        (0..count).map(|day| if day % days == 0 { size } else { 0.0 }).collect()
    }

    #[test]
    fn the_character_follows_from_distances_and_sizes() {
        assert_eq!(Character::of(&every(1, 5.0, 30)), Character::Smooth);
        assert_eq!(Character::of(&every(4, 5.0, 30)), Character::Intermittent);
        assert_eq!(Character::of(&[0.0; 9]), Character::Zero);
        let mut lumpy = every(4, 1.0, 40);
        lumpy[8] = 60.0;
        assert_eq!(Character::of(&lumpy), Character::Lumpy);
        assert_eq!(Character::of(&[1.0, 1.0, 1.0, 40.0, 1.0]), Character::Erratic);
    }

    #[test]
    fn the_mean_is_size_over_distance() {
        let fit = Intermittent::fit(&every(5, 10.0, 200));
        assert_eq!(fit.method(), Method::Sba);
        assert!((fit.predict(1)[0] - 2.0).abs() < 0.15, "{fit:?}");
    }

    #[test]
    fn what_is_no_longer_asked_for_goes_to_zero() {
        let mut values = every(3, 10.0, 120);
        values.extend([0.0; 60]);
        let fit = Intermittent::fit(&values);
        assert_eq!(fit.method(), Method::Tsb);
        assert!(fit.predict(1)[0] < 0.6, "{fit:?}");
    }

    #[test]
    fn nothing_stays_nothing() {
        let fit = Intermittent::fit(&[0.0; 50]);
        assert_eq!(fit.predict(3), [0.0; 3]);
        assert_eq!(fit.simulate(4, &mut generator(1)), [0.0; 4]);
    }

    #[test]
    fn simulated_futures_have_the_mean_and_the_zeros() {
        let fit = Intermittent::fit(&every(5, 10.0, 200));
        let future = fit.simulate(20_000, &mut generator(1));
        let mean = future.iter().sum::<f64>() / 20_000.0;
        assert!((mean - fit.predict(1)[0]).abs() < 0.1, "{mean}");
        let zeros = future.iter().filter(|v| **v == 0.0).count() as f64 / 20_000.0;
        assert!((zeros - 0.8).abs() < 0.03, "{zeros}");
    }
}
