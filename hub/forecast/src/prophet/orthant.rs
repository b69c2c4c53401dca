//! Minimises a smooth function plus a weighted sum of absolute values: orthant-wise limited-memory BFGS.
//!
//! Source: Andrew and Gao, "Scalable training of L1-regularized log-linear models", 2007. Prophet's prior on
//! changepoints is a Laplace distribution, whose logarithm has a kink at 0. A plain L-BFGS stalls there; this
//! one stays within an orthant per step, lets a parameter be 0 exactly, and reaches the optimum.

use std::collections::VecDeque;
use std::ops::Range;

use super::lbfgs::Objective;

/// How many pairs of steps the approximation of the curvature remembers.
const MEMORY: usize = 12;

/// The least share of the promised decrease that a step must bring (Armijo's rule).
const SUFFICIENT: f64 = 1e-4;

/// Enough if ten iterations decrease the value by less than this, relatively.
const ENOUGH: f64 = 1e-10;

/// Minimises from `x`, which becomes the best point found, by `iterations` at most. The objective contains
/// `weight · Σ |x[i]|` over `kinks`, with a derivative of 0 at 0. Returns the value and the iterations taken.
pub(super) fn minimise(
    objective: &mut impl Objective,
    x: &mut [f64],
    kinks: &Range<usize>,
    weight: f64,
    iterations: usize,
) -> (f64, usize) {
    let size = x.len();
    let mut gradient = vec![0.0; size];
    let mut value = smooth(objective, x, kinks, weight, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY + 1);
    let (mut steepest, mut direction) = (vec![0.0; size], vec![0.0; size]);
    let (mut next, mut next_gradient) = (vec![0.0; size], vec![0.0; size]);
    let mut past = VecDeque::with_capacity(11);
    for iteration in 0..iterations {
        pseudo_gradient(x, &gradient, kinks, weight, &mut steepest);
        let norm = dot(&steepest, &steepest).sqrt();
        if norm < 1e-9 {
            return (value, iteration);
        }
        curved(&pairs, &steepest, &mut direction);
        for index in kinks.clone() {
            if direction[index] * steepest[index] >= 0.0 {
                direction[index] = 0.0;
            }
        }
        if dot(&direction, &steepest) >= 0.0 {
            pairs.clear();
            direction.iter_mut().zip(&steepest).for_each(|(d, g)| *d = -g);
        }
        let mut step = if pairs.is_empty() { (1.0 / norm).min(1.0) } else { 1.0 };
        let mut taken = None;
        for _ in 0..60 {
            advance(x, &direction, step, &steepest, kinks, &mut next);
            let candidate = smooth(objective, &next, kinks, weight, &mut next_gradient);
            let promised: f64 = steepest.iter().zip(next.iter().zip(&*x)).map(|(g, (n, o))| g * (n - o)).sum();
            if candidate.is_finite() && candidate <= value + SUFFICIENT * promised {
                taken = Some(candidate);
                break;
            }
            step *= 0.5;
        }
        let Some(candidate) = taken else {
            if pairs.is_empty() {
                return (value, iteration);
            }
            pairs.clear();
            continue;
        };
        let pair = Pair::new(x, &next, &gradient, &next_gradient);
        if pair.curvature > 1e-12 * dot(&pair.gradients, &pair.gradients).max(1e-300) {
            pairs.push_back(pair);
            if pairs.len() > MEMORY {
                pairs.pop_front();
            }
        }
        x.copy_from_slice(&next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        past.push_back(value);
        value = candidate;
        if past.len() > 10 {
            let before = past.pop_front().unwrap_or(value);
            if before - value <= ENOUGH * value.abs().max(1.0) {
                return (value, iteration + 1);
            }
        }
    }
    (value, iterations)
}

/// One step of the past: where it went, and how the gradient changed.
struct Pair {
    steps: Vec<f64>,
    gradients: Vec<f64>,
    curvature: f64,
}

impl Pair {
    fn new(x: &[f64], next: &[f64], gradient: &[f64], next_gradient: &[f64]) -> Self {
        let steps: Vec<f64> = next.iter().zip(x).map(|(n, o)| n - o).collect();
        let gradients: Vec<f64> = next_gradient.iter().zip(gradient).map(|(n, o)| n - o).collect();
        let curvature = dot(&steps, &gradients);
        Self { steps, gradients, curvature }
    }
}

/// The two-loop recursion: minus the inverse curvature times the gradient.
fn curved(pairs: &VecDeque<Pair>, gradient: &[f64], direction: &mut [f64]) {
    direction.iter_mut().zip(gradient).for_each(|(d, g)| *d = -g);
    let mut shares = [0.0; MEMORY];
    for (index, pair) in pairs.iter().enumerate().rev() {
        shares[index] = dot(&pair.steps, direction) / pair.curvature;
        add(direction, -shares[index], &pair.gradients);
    }
    if let Some(last) = pairs.back() {
        let scale = last.curvature / dot(&last.gradients, &last.gradients);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (index, pair) in pairs.iter().enumerate() {
        let share = dot(&pair.gradients, direction) / pair.curvature;
        add(direction, shares[index] - share, &pair.steps);
    }
}

/// The steepest of the directional derivatives where there is a kink, the gradient elsewhere.
fn pseudo_gradient(x: &[f64], gradient: &[f64], kinks: &Range<usize>, weight: f64, steepest: &mut [f64]) {
    steepest.copy_from_slice(gradient);
    for index in kinks.clone() {
        let (right, left) = (gradient[index] + weight, gradient[index] - weight);
        steepest[index] = match x[index] {
            x if x > 0.0 => right,
            x if x < 0.0 => left,
            _ if right < 0.0 => right,
            _ if left > 0.0 => left,
            _ => 0.0,
        };
    }
}

/// A step, in which no parameter with a kink changes its sign: it stops at 0.
fn advance(x: &[f64], direction: &[f64], step: f64, steepest: &[f64], kinks: &Range<usize>, next: &mut [f64]) {
    for (index, n) in next.iter_mut().enumerate() {
        *n = x[index] + step * direction[index];
    }
    for index in kinks.clone() {
        let side = if x[index] == 0.0 { -steepest[index] } else { x[index] };
        if next[index] * side <= 0.0 {
            next[index] = 0.0;
        }
    }
}

/// The value, and the gradient of the part without kinks.
fn smooth(objective: &mut impl Objective, x: &[f64], kinks: &Range<usize>, weight: f64, gradient: &mut [f64]) -> f64 {
    let value = objective.evaluate(x, gradient);
    for index in kinks.clone() {
        if x[index] != 0.0 {
            gradient[index] -= weight * x[index].signum();
        }
    }
    value
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half the squared distance to `target`, stretched, plus the penalty on the first two.
    struct Distance {
        target: [f64; 3],
        stretch: [f64; 3],
        weight: f64,
    }

    impl Objective for Distance {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            (0..3)
                .map(|i| {
                    let away = x[i] - self.target[i];
                    let weight = if i < 2 { self.weight } else { 0.0 };
                    let side = if x[i] == 0.0 { 0.0 } else { x[i].signum() };
                    gradient[i] = self.stretch[i] * away + weight * side;
                    0.5 * self.stretch[i] * away * away + weight * x[i].abs()
                })
                .sum()
        }
    }

    #[test]
    fn soft_thresholding_is_found_exactly() {
        let mut objective = Distance { target: [3.0, -0.4, 2.0], stretch: [1.0, 1.0, 500.0], weight: 1.0 };
        let mut x = [0.0, 0.0, -7.0];
        minimise(&mut objective, &mut x, &(0..2), 1.0, 500);
        assert!((x[0] - 2.0).abs() < 1e-6, "{x:?}");
        assert_eq!(x[1], 0.0);
        assert!((x[2] - 2.0).abs() < 1e-6, "{x:?}");
    }
}
