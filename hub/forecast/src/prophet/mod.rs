//! The additive model of Prophet: trend with changepoints, seasons as Fourier terms, holidays, noise.
//!
//! Source: Taylor and Letham, "Forecasting at scale", 2017, and the Python package of facebook/prophet, whose
//! defaults and preparation of data this follows, so that forecasts agree. The parameters are the most
//! probable ones (MAP), as there. Why this is not built on `augurs-prophet`: docs/adr/0016.

/// What is known of a point in time.
mod features;

/// How sure the model is.
mod interval;

/// The optimiser.
mod lbfgs;

/// Where the optimiser starts.
mod optimum;

/// What it is fitted with.
mod options;

/// The optimiser that goes on to the optimum.
mod orthant;

/// What the optimiser optimises.
mod posterior;

/// The trend.
mod trend;

#[cfg(test)]
mod tests;

use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};

pub use features::Holiday;
use features::{DAY, Season};
use optimum::optimum;
pub use options::{Growth, Options, ProphetError, Seasonality};
use posterior::Problem;
use trend::{Numbers, Shape};

use crate::random::{generator, normal_quantile, quantile};

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prophet {
    shape: Shape,
    multiplicative: bool,
    start: i64,
    span: f64,
    floor: f64,
    scale: f64,
    capacity: f64,
    changepoints: Vec<f64>,
    rate: f64,
    offset: f64,
    changes: Vec<f64>,
    seasons: Vec<Season>,
    holidays: Vec<Holiday>,
    coefficients: Vec<f64>,
    noise: f64,
    draws: usize,
    iterations: usize,
}

/// What a model says of some points in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The most probable values.
    pub mean: Vec<f64>,
    /// The lower ends of the intervals.
    pub lower: Vec<f64>,
    /// The upper ends.
    pub upper: Vec<f64>,
}

impl Prophet {
    /// Fits a model to values at ascending times (seconds since 1970-01-01). Absent values are simply not in
    /// the lists. Deterministic.
    ///
    /// # Errors
    /// If there are fewer than two values, one is not finite, times do not ascend, or the capacity is not above
    /// the floor.
    pub fn fit(times: &[i64], values: &[f64], options: &Options) -> Result<Self, ProphetError> {
        if times.len() < 2 || times.len() != values.len() {
            return Err(ProphetError::TooFew(times.len().min(values.len())));
        }
        let bad = |i: &usize| !values[*i].is_finite() || (*i > 0 && times[*i] <= times[*i - 1]);
        if let Some(index) = (0..times.len()).find(bad) {
            return Err(ProphetError::Values { index });
        }
        let (shape, capacity, floor) = match options.growth {
            Growth::Linear => (Shape::Linear, 1.0, 0.0),
            Growth::Flat => (Shape::Flat, 1.0, 0.0),
            Growth::Logistic { capacity, floor } if capacity > floor => (Shape::Logistic, capacity - floor, floor),
            Growth::Logistic { capacity, floor } => return Err(ProphetError::Capacity { capacity, floor }),
        };
        let start = times[0];
        let span = (times[times.len() - 1] - start) as f64;
        let largest = values.iter().map(|v| (v - floor).abs()).fold(0.0, f64::max);
        let scale = if largest == 0.0 { 1.0 } else { largest };
        let t: Vec<f64> = times.iter().map(|&at| (at - start) as f64 / span).collect();
        let y: Vec<f64> = values.iter().map(|v| (v - floor) / scale).collect();
        let seasons = seasons(times, options);
        let features = features::columns(times, &seasons, &options.holidays);
        let seasonal = 2 * seasons.iter().map(|s| s.order).sum::<usize>();
        let scale_of = |index: usize| if index < seasonal { options.season_scale } else { options.holiday_scale };
        let problem = Problem {
            shape,
            capacity: capacity / scale,
            changepoints: changepoints(&t, options),
            multiplicative: vec![options.multiplicative; features.len()],
            scales: (0..features.len()).map(scale_of).collect(),
            features,
            tau: options.changepoint_scale,
            t,
            y,
        };
        let (x, iterations) = optimum(&problem, options.exact);
        Ok(Self {
            shape,
            multiplicative: options.multiplicative,
            start,
            span,
            floor,
            scale,
            capacity,
            rate: x[0],
            offset: x[1],
            changes: x[problem.changes()].to_vec(),
            coefficients: x[problem.coefficients()].to_vec(),
            noise: x[x.len() - 1].exp(),
            changepoints: problem.changepoints,
            seasons,
            holidays: options.holidays.clone(),
            draws: options.draws,
            iterations,
        })
    }

    /// The most probable values at `times`.
    #[must_use]
    pub fn mean(&self, times: &[i64]) -> Vec<f64> {
        let parts = self.parts(times);
        parts.trend.iter().zip(&parts.factor).zip(&parts.added).map(|((t, f), a)| self.unscaled(t * f + a)).collect()
    }

    /// The most probable values at `times`, with intervals that hold with probability `level`. The same seed
    /// gives the same intervals.
    #[must_use]
    pub fn predict(&self, times: &[i64], level: f64, seed: u64) -> Prediction {
        let parts = self.parts(times);
        let t = self.scaled(times);
        let mean: Vec<f64> =
            parts.trend.iter().zip(&parts.factor).zip(&parts.added).map(|((t, f), a)| t * f + a).collect();
        let half = normal_quantile(0.5 + level / 2.0) * self.noise;
        let mut lower: Vec<f64> = mean.iter().map(|m| m - half).collect();
        let mut upper: Vec<f64> = mean.iter().map(|m| m + half).collect();
        let future: Vec<usize> = (0..t.len()).filter(|&index| t[index] > 1.0).collect();
        if !future.is_empty() && self.draws > 0 {
            let mut rng = generator(seed);
            let at: Vec<f64> = future.iter().map(|&index| t[index]).collect();
            let trends = interval::trends(self, &at, self.draws, &mut rng);
            let noise = self.noises(&mut rng);
            let mut values = vec![0.0; self.draws];
            for (position, &index) in future.iter().enumerate() {
                for (draw, value) in values.iter_mut().enumerate() {
                    let trend = trends[draw * at.len() + position];
                    let noise = noise[(draw + position * 7919) % noise.len()];
                    *value = trend * parts.factor[index] + parts.added[index] + noise;
                }
                lower[index] = quantile(&mut values, 0.5 - level / 2.0);
                upper[index] = quantile(&mut values, 0.5 + level / 2.0);
            }
        }
        let unscaled = |values: Vec<f64>| values.into_iter().map(|v| self.unscaled(v)).collect();
        Prediction { mean: unscaled(mean), lower: unscaled(lower), upper: unscaled(upper) }
    }

    /// How many steps the optimiser took.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Noise in all its quantiles, in random order: a sample without the luck of the draw.
    fn noises(&self, rng: &mut SmallRng) -> Vec<f64> {
        use rand::seq::SliceRandom as _;
        let count = self.draws.max(1);
        let quantile = |index: usize| normal_quantile((index as f64 + 0.5) / count as f64) * self.noise;
        let mut noises: Vec<f64> = (0..count).map(quantile).collect();
        noises.shuffle(rng);
        noises
    }

    fn scaled(&self, times: &[i64]) -> Vec<f64> {
        times.iter().map(|&at| (at - self.start) as f64 / self.span).collect()
    }

    fn unscaled(&self, value: f64) -> f64 {
        value * self.scale + self.floor
    }

    /// Trend, factor and what is added, scaled.
    fn parts(&self, times: &[i64]) -> Parts {
        let numbers = Numbers { rate: self.rate, offset: self.offset, changes: &self.changes };
        let segments = trend::segments(self.shape, numbers, &self.changepoints);
        let capacity = self.capacity / self.scale;
        let trend = self
            .scaled(times)
            .into_iter()
            .map(|t| trend::value(self.shape, segments[trend::segment_of(t, &self.changepoints)], t, capacity));
        let mut seasonal = vec![0.0; times.len()];
        for (column, beta) in features::columns(times, &self.seasons, &self.holidays).iter().zip(&self.coefficients) {
            seasonal.iter_mut().zip(column).for_each(|(sum, v)| *sum += beta * v);
        }
        let (factor, added) = match self.multiplicative {
            true => (seasonal.iter().map(|s| 1.0 + s).collect(), vec![0.0; times.len()]),
            false => (vec![1.0; times.len()], seasonal),
        };
        Parts { trend: trend.collect(), factor, added }
    }
}

/// What a prediction is made of: trend · factor + added.
struct Parts {
    trend: Vec<f64>,
    factor: Vec<f64>,
    added: Vec<f64>,
}

/// The seasons that the history is long and dense enough for, or that were asked for.
fn seasons(times: &[i64], options: &Options) -> Vec<Season> {
    let span = (times[times.len() - 1] - times[0]) as f64 / DAY;
    let least = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(0) as f64 / DAY;
    let season = |wanted, period: f64, order: usize, enough: bool| match wanted {
        Seasonality::Order(order) if order > 0 => Some(Season { period, order }),
        Seasonality::Auto if enough => Some(Season { period, order }),
        _ => None,
    };
    [
        season(options.yearly, 365.25, 10, span >= 730.0),
        season(options.weekly, 7.0, 3, span >= 14.0 && least < 7.0),
        season(options.daily, 1.0, 4, span >= 2.0 && least < 1.0),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The times of potential changes: points of the history at even distances, from its first part.
fn changepoints(t: &[f64], options: &Options) -> Vec<f64> {
    let size = ((t.len() as f64 * options.changepoint_range).floor() as usize).clamp(1, t.len());
    let count = options.changepoints.min(size - 1);
    let index = |i: usize| (i as f64 * (size - 1) as f64 / count as f64).round_ties_even() as usize;
    (1..=count).map(|i| t[index(i)]).collect()
}
