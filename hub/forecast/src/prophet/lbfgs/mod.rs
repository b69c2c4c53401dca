//! Minimises a function by limited-memory BFGS with a line search for the strong Wolfe conditions.
//!
//! Source: Nocedal and Wright, "Numerical optimization", 2006, algorithms 7.4, 3.5 and 3.6. Memory, first step,
//! interpolation and tolerances are those of Stan's optimiser, which Python's prophet uses. It often stops
//! before the optimum, since the prior of changes has kinks; forecasts agree only if one stops at the same
//! place.

/// The search along a line.
mod line_search;

use std::collections::VecDeque;

use line_search::{cubic_minimum, search};

/// How many steps the approximation of the curvature remembers.
const MEMORY: usize = 5;

/// The first step along the steepest descent.
const FIRST: f64 = 1e-3;

/// The least step.
const LEAST: f64 = 1e-12;

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
