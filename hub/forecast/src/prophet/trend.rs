//! The trend: a line, a saturating curve or a level, whose rate may change at given times.
//!
//! Time is scaled so that the history spans 0 to 1, values so that their largest magnitude is 1. Source of the
//! formulas: Taylor and Letham, "Forecasting at scale", 2017, section 3.1.

use serde::{Deserialize, Serialize};

/// How the trend grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    Linear,
    Logistic,
    Flat,
}

/// The numbers of a trend: rate and offset at the start, and the change of the rate at each changepoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'a> {
    pub(super) rate: f64,
    pub(super) offset: f64,
    /// As long as the changepoints.
    pub(super) changes: &'a [f64],
}

/// Rate and offset in each segment between changepoints; one segment more than changepoints.
pub(super) fn segments(shape: Shape, numbers: Numbers<'_>, times: &[f64]) -> Vec<(f64, f64)> {
    let mut segments = Vec::with_capacity(times.len() + 1);
    let (mut rate, mut offset) = (numbers.rate, numbers.offset);
    segments.push((rate, offset));
    for (&time, &change) in times.iter().zip(numbers.changes) {
        let before = rate;
        rate += change;
        match shape {
            Shape::Linear => offset -= time * change,
            Shape::Logistic => offset += (time - offset) * (1.0 - before / rate),
            Shape::Flat => {}
        }
        segments.push((rate, offset));
    }
    segments
}

/// The trend at `t` in a segment; `capacity` is what logistic growth saturates at.
pub(super) fn value(shape: Shape, (rate, offset): (f64, f64), t: f64, capacity: f64) -> f64 {
    match shape {
        Shape::Linear => rate * t + offset,
        Shape::Logistic => capacity / (1.0 + (-rate * (t - offset)).exp()),
        Shape::Flat => offset,
    }
}

/// The index of the segment that each of `t` is in; a changepoint belongs to the segment that it starts.
pub(super) fn segment_of(t: f64, times: &[f64]) -> usize {
    times.partition_point(|&change| change <= t)
}

/// Adds the gradient of a function of the trend to that of rate, offset and changes, given its derivative by
/// each trend value, summed by segment: `sums[s]` holds for linear growth (Σ d·t, Σ d), for logistic growth
/// (Σ d·∂trend/∂rate, Σ d·∂trend/∂offset).
pub(super) fn backward(
    shape: Shape,
    sums: &[(f64, f64)],
    segments: &[(f64, f64)],
    times: &[f64],
    changes: &mut [f64],
) -> (f64, f64) {
    match shape {
        Shape::Flat => (0.0, sums.iter().map(|s| s.1).sum()),
        Shape::Linear => {
            let (mut by_rate, mut by_offset) = (0.0, 0.0);
            for segment in (0..sums.len()).rev() {
                by_rate += sums[segment].0;
                by_offset += sums[segment].1;
                if segment > 0 {
                    changes[segment - 1] += by_rate - times[segment - 1] * by_offset;
                }
            }
            (by_rate, by_offset)
        }
        Shape::Logistic => {
            // Offsets follow from each other, so the derivative runs back through them.
            let (mut by_offset, mut by_rate) = (0.0, 0.0);
            let mut rates: Vec<f64> = sums.iter().map(|s| s.0).collect();
            for segment in (1..sums.len()).rev() {
                by_offset += sums[segment].1;
                let ((before, offset), (rate, _)) = (segments[segment - 1], segments[segment]);
                let away = times[segment - 1] - offset;
                rates[segment] += by_offset * away * before / (rate * rate);
                rates[segment - 1] -= by_offset * away / rate;
                by_offset *= before / rate;
                by_rate += rates[segment];
                changes[segment - 1] += by_rate;
            }
            (by_rate + rates[0], by_offset + sums[0].1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_bends_without_a_jump() {
        let numbers = Numbers { rate: 1.0, offset: 0.5, changes: &[2.0, -3.0] };
        let times = [0.3, 0.6];
        let segments = segments(Shape::Linear, numbers, &times);
        for (index, &time) in times.iter().enumerate() {
            let before = value(Shape::Linear, segments[index], time, 0.0);
            let after = value(Shape::Linear, segments[index + 1], time, 0.0);
            assert!((before - after).abs() < 1e-12);
        }
        assert_eq!(segment_of(0.3, &times), 1);
        assert_eq!(segment_of(0.29, &times), 0);
    }

    #[test]
    fn a_saturating_curve_bends_without_a_jump_and_stays_below_its_capacity() {
        let numbers = Numbers { rate: 4.0, offset: 0.4, changes: &[1.5, -2.0] };
        let times = [0.3, 0.6];
        let segments = segments(Shape::Logistic, numbers, &times);
        for (index, &time) in times.iter().enumerate() {
            let before = value(Shape::Logistic, segments[index], time, 7.0);
            let after = value(Shape::Logistic, segments[index + 1], time, 7.0);
            assert!((before - after).abs() < 1e-12);
        }
        assert!(value(Shape::Logistic, segments[2], 9.0, 7.0) < 7.0);
    }
}
