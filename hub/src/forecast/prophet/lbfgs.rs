//! Minimises a function by limited-memory BFGS with a line search for the strong Wolfe conditions.
//!
//! Source: Nocedal and Wright, "Numerical optimization", 2006, algorithms 7.4, 3.5 and 3.6. Memory, first step,
//! interpolation and tolerances are those of Stan's optimiser, which Python's prophet uses. It often stops
//! before the optimum, since the prior of changes has kinks; forecasts agree only if one stops at the same
//! place.

use std::collections::VecDeque;

/// How many steps the approximation of the curvature remembers.
const MEMORY: usize = 5;

/// The first step along the steepest descent.
const FIRST: f64 = 1e-3;

/// The least step.
const LEAST: f64 = 1e-12;

/// The least share of the promised decrease that a step must bring (Armijo's condition).
const SUFFICIENT: f64 = 1e-4;

/// The largest share of the slope that may be left after a step (the curvature condition).
const FLATTENED: f64 = 0.9;

/// A bracket narrower than this holds no better point.
const NARROW: f64 = 1e-16;

/// What is minimised.
pub(super) trait Objective {
    /// The value at `x`, and its gradient into `gradient`. Not finite where it is not defined.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// The most iterations.
    pub(super) iterations: usize,
    /// Enough if a step decreases the value by less.
    pub(super) decrease: f64,
    /// Enough if it decreases it by less, relative to the value.
    pub(super) relative: f64,
}

impl Default for Stop {
    fn default() -> Self {
        Self { iterations: 10_000, decrease: 1e-12, relative: 1e4 * f64::EPSILON }
    }
}

/// The norms of gradient and step, and the relative gradient, below which Stan stops.
const FLAT: f64 = 1e-8;
const STILL: f64 = 1e-8;
const FLAT_RELATIVE: f64 = 1e7 * f64::EPSILON;

/// A point, the value there, and the gradient.
#[derive(Debug, Clone)]
struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Minimises from `x`, which becomes the best point found. Returns the value there and the iterations taken.
pub(super) fn minimise(objective: &mut impl Objective, x: &mut [f64], stop: Stop) -> (f64, usize) {
    let mut here = Point { x: x.to_vec(), value: 0.0, gradient: vec![0.0; x.len()] };
    here.value = objective.evaluate(&here.x, &mut here.gradient);
    let mut next = here.clone();
    let mut memory = Memory::default();
    let mut direction: Vec<f64> = here.gradient.iter().map(|g| -g).collect();
    let mut first = FIRST;
    let mut iteration = 0;
    while iteration < stop.iterations {
        iteration += 1;
        let mut fresh = memory.pairs.is_empty();
        let mut step = search(objective, &here, &direction, first, &mut next);
        if step.is_none() && !fresh {
            // The approximation misled: start again along the steepest descent.
            fresh = true;
            direction.iter_mut().zip(&here.gradient).for_each(|(d, g)| *d = -g);
            step = search(objective, &here, &direction, FIRST, &mut next);
        }
        let Some(mut step) = step else { break };
        std::mem::swap(&mut here, &mut next);
        let before = &next;
        let scale = memory.remember(&here, before, fresh);
        if fresh {
            direction.iter_mut().for_each(|d| *d /= scale);
            step *= scale;
        }
        let moved = distance(&here.x, &before.x);
        let decrease = (before.value - here.value).abs();
        let size = here.value.abs().max(1.0);
        let slopes = (dot(&before.gradient, &direction), dot(&here.gradient, &direction));
        first = (1.01 * cubic_minimum(slopes.0, step, here.value - before.value, slopes.1, LEAST, 1.0)).min(1.0);
        memory.turn(&here.gradient, &mut direction);
        if decrease < stop.decrease
            || dot(&here.gradient, &here.gradient).sqrt() < FLAT
            || moved < STILL
            || decrease / size.max(before.value.abs()) < stop.relative
            || -dot(&direction, &here.gradient) / size < FLAT_RELATIVE
        {
            break;
        }
    }
    x.copy_from_slice(&here.x);
    (here.value, iteration)
}

/// The last steps, and how the gradient changed with them.
#[derive(Debug, Default)]
struct Memory {
    pairs: VecDeque<Pair>,
    scale: f64,
}

#[derive(Debug)]
struct Pair {
    inverse: f64,
    gradients: Vec<f64>,
    steps: Vec<f64>,
}

impl Memory {
    /// Remembers a step, alone if `fresh`. Returns the curvature along it.
    fn remember(&mut self, here: &Point, before: &Point, fresh: bool) -> f64 {
        let steps: Vec<f64> = here.x.iter().zip(&before.x).map(|(a, b)| a - b).collect();
        let gradients: Vec<f64> = here.gradient.iter().zip(&before.gradient).map(|(a, b)| a - b).collect();
        let product = dot(&gradients, &steps);
        let squares = dot(&gradients, &gradients);
        if fresh {
            self.pairs.clear();
        } else if self.pairs.len() == MEMORY {
            self.pairs.pop_front();
        }
        self.scale = product / squares;
        self.pairs.push_back(Pair { inverse: 1.0 / product, gradients, steps });
        squares / product
    }

    /// The two-loop recursion: the direction that the remembered curvature suggests.
    fn turn(&self, gradient: &[f64], direction: &mut [f64]) {
        direction.iter_mut().zip(gradient).for_each(|(d, g)| *d = -g);
        let mut shares = [0.0; MEMORY];
        for (index, pair) in self.pairs.iter().enumerate().rev() {
            shares[index] = pair.inverse * dot(&pair.steps, direction);
            add(direction, -shares[index], &pair.gradients);
        }
        direction.iter_mut().for_each(|d| *d *= self.scale);
        for (index, pair) in self.pairs.iter().enumerate() {
            let share = pair.inverse * dot(&pair.gradients, direction);
            add(direction, shares[index] - share, &pair.steps);
        }
    }
}

/// A place on the line: how far, the value, and the slope.
#[derive(Debug, Clone, Copy)]
struct Place {
    step: f64,
    value: f64,
    slope: f64,
}

/// Goes along `direction` to a point that satisfies the Wolfe conditions, into `next`; how far it is.
fn search(
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
fn cubic_minimum(slope0: f64, x: f64, value: f64, slope: f64, low: f64, high: f64) -> f64 {
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley.
    struct Valley;

    impl Objective for Valley {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient[0] = -2.0 * a - 400.0 * x[0] * b;
            gradient[1] = 200.0 * b;
            a * a + 100.0 * b * b
        }
    }

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        let mut x = [-1.2, 1.0];
        let (value, iterations) = minimise(&mut Valley, &mut x, Stop::default());
        assert!(value < 1e-9, "{value} at {x:?} after {iterations}");
        assert!(iterations < 100);
    }

    /// Defined for positive numbers only.
    struct Edge;

    impl Objective for Edge {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient[0] = 1.0 - 1.0 / x[0];
            x[0] - x[0].ln()
        }
    }

    #[test]
    fn a_step_over_the_edge_of_the_domain_is_shortened() {
        let mut x = [40.0];
        minimise(&mut Edge, &mut x, Stop::default());
        assert!((x[0] - 1.0).abs() < 1e-4, "{x:?}");
    }

    #[test]
    fn the_least_of_a_cubic_is_at_an_end_or_between() {
        // s³ − s: slope −1 at 0; value 0 and slope 2 at 1.
        assert!((cubic_minimum(-1.0, 1.0, 0.0, 2.0, 0.0, 1.0) - 3.0_f64.sqrt().recip()).abs() < 1e-9);
        assert_eq!(cubic_minimum(-1.0, 1.0, 0.0, 2.0, 0.0, 0.4), 0.4);
        assert_eq!(cubic_minimum(-1.0, 1.0, -1.0, -1.0, 0.0, 1.0), 1.0);
    }
}
