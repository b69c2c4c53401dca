//! How sure Prophet is: what the future may be like if the trend goes on changing as it did.
//!
//! In the past only noise is uncertain, and an interval is exact. In the future the trend gets new
//! changepoints, as many per time as it had, with changes as large as they were on average; a thousand such
//! futures are drawn. Source: Taylor and Letham, section 3.1.4.

use rand::RngExt as _;
use rand::rngs::SmallRng;

use super::Prophet;
use super::trend::{self, Numbers, Shape};
use crate::random::{laplace, poisson};

/// The trend in `draws` futures at scaled times `t`, all of them after the history: one future after another.
pub(super) fn trends(model: &Prophet, t: &[f64], draws: usize, rng: &mut SmallRng) -> Vec<f64> {
    let last = t.iter().copied().fold(1.0, f64::max);
    let expected = model.changepoints.len() as f64 * (last - 1.0);
    let magnitude = model.changes.iter().map(|c| c.abs()).sum::<f64>() / model.changes.len().max(1) as f64 + 1e-8;
    let mut all = Vec::with_capacity(draws * t.len());
    for _ in 0..draws {
        let count = if expected > 0.0 && model.shape != Shape::Flat { poisson(rng, expected) } else { 0 };
        let mut new: Vec<(f64, f64)> =
            (0..count).map(|_| (1.0 + rng.random::<f64>() * (last - 1.0), laplace(rng, magnitude))).collect();
        new.sort_by(|a, b| a.0.total_cmp(&b.0));
        let times: Vec<f64> = model.changepoints.iter().copied().chain(new.iter().map(|n| n.0)).collect();
        let changes: Vec<f64> = model.changes.iter().copied().chain(new.iter().map(|n| n.1)).collect();
        let numbers = Numbers { rate: model.rate, offset: model.offset, changes: &changes };
        let segments = trend::segments(model.shape, numbers, &times);
        all.extend(t.iter().map(|&t| {
            trend::value(model.shape, segments[trend::segment_of(t, &times)], t, model.capacity / model.scale)
        }));
    }
    all
}
