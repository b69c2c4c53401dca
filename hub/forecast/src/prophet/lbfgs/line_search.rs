//! The search along a line for a point that satisfies the strong Wolfe conditions.

use super::{LEAST, Objective, Point, dot};

/// The least share of the promised decrease that a step must bring (Armijo's condition).
const SUFFICIENT: f64 = 1e-4;

/// The largest share of the slope that may be left after a step (the curvature condition).
const FLATTENED: f64 = 0.9;

/// A bracket narrower than this holds no better point.
const NARROW: f64 = 1e-16;

/// A place on the line: how far, the value, and the slope.
#[derive(Debug, Clone, Copy)]
struct Place {
    step: f64,
    value: f64,
    slope: f64,
}

/// Goes along `direction` to a point that satisfies the Wolfe conditions, into `next`; how far it is.
pub(super) fn search(
    objective: &mut impl Objective,
    here: &Point,
    direction: &[f64],
    first: f64,
    next: &mut Point,
) -> Option<f64> {
    let start = Place { step: 0.0, value: here.value, slope: dot(&here.gradient, direction) };
    let mut before = Place { step: LEAST, ..start };
    let mut step = first;
    let (mut lengthened, mut shortened) = (0, 0);
    while lengthened < 20 {
        let Some(place) = walk(objective, here, direction, step, next) else {
            if shortened >= 10 {
                return None;
            }
            step = 0.5 * (before.step + step);
            shortened += 1;
            continue;
        };
        shortened = 0;
        let too_high = place.value > start.value + first * SUFFICIENT * start.slope;
        if too_high || (place.value >= before.value && lengthened > 0) {
            return zoom(objective, here, direction, start, before, place, next);
        }
        if place.slope.abs() <= -FLATTENED * start.slope {
            return Some(step);
        }
        if place.slope >= 0.0 {
            return zoom(objective, here, direction, start, place, before, next);
        }
        before = place;
        step *= 10.0;
        lengthened += 1;
    }
    None
}

/// Narrows a bracket whose low end is the best place so far.
fn zoom(
    objective: &mut impl Objective,
    here: &Point,
    direction: &[f64],
    start: Place,
    mut low: Place,
    mut high: Place,
    next: &mut Point,
) -> Option<f64> {
    for round in 1.. {
        let width = (low.step - high.step).abs();
        if width < NARROW || round > 200 {
            return None;
        }
        let middle = 0.5 * (low.step + high.step);
        let mut step = if round % 5 == 0 { middle } else { interpolated(low, high).unwrap_or(middle) };
        let left = low.step.min(high.step);
        let place = loop {
            if let Some(place) = walk(objective, here, direction, step, next) {
                break place;
            }
            step = 0.5 * (step + left);
            if (left - step).abs() < NARROW {
                return None;
            }
        };
        if place.value > start.value + step * SUFFICIENT * start.slope || place.value >= low.value {
            high = place;
            continue;
        }
        if place.slope.abs() <= -FLATTENED * start.slope {
            return Some(step);
        }
        if place.slope * (high.step - low.step) >= 0.0 {
            high = low;
        }
        low = place;
    }
    None
}

/// The point at `step` along `direction`, unless the function is not defined there.
fn walk(objective: &mut impl Objective, here: &Point, direction: &[f64], step: f64, next: &mut Point) -> Option<Place> {
    for ((n, x), d) in next.x.iter_mut().zip(&here.x).zip(direction) {
        *n = x + step * d;
    }
    next.value = objective.evaluate(&next.x, &mut next.gradient);
    let slope = dot(&next.gradient, direction);
    (next.value.is_finite() && slope.is_finite()).then_some(Place { step, value: next.value, slope })
}

/// The minimum of the cubic through two places, if it is well inside.
fn interpolated(low: Place, high: Place) -> Option<f64> {
    let width = (low.step - high.step).abs();
    let d1 = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.step - high.step);
    let root = (d1 * d1 - low.slope * high.slope).sqrt();
    let d2 = if high.step < low.step { -root } else { root };
    let step = high.step - (high.step - low.step) * (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2);
    let inside = low.step.min(high.step) + 0.01 * width..=low.step.max(high.step) - 0.01 * width;
    (step.is_finite() && inside.contains(&step)).then_some(step)
}

/// Where the cubic with value 0 and slope `slope0` at 0, and value `value` and slope `slope` at `x`, is least
/// in an interval.
pub(super) fn cubic_minimum(slope0: f64, x: f64, value: f64, slope: f64, low: f64, high: f64) -> f64 {
    let c3 = (-12.0 * value + 6.0 * x * (slope0 + slope)) / (x * x * x);
    let c2 = -(4.0 * slope0 + 2.0 * slope) / x + 6.0 * value / (x * x);
    let root = (c2 * c2 - 2.0 * slope0 * c3).sqrt();
    let at = |s: f64| s * (s * (s * c3 / 3.0 + c2) / 2.0 + slope0);
    let mut best = (at(low), low);
    for candidate in [high, -(c2 + root) / c3, -(c2 - root) / c3] {
        let allowed = candidate == high || (low < candidate && candidate < high);
        if allowed && at(candidate) < best.0 {
            best = (at(candidate), candidate);
        }
    }
    best.1
}
