//! Prophet's posterior: a Gaussian likelihood, Gaussian priors, and a Laplace prior on changes of the trend.
//!
//! Source: `prophet.stan` of facebook/prophet. Parameters are rate, offset, changes, coefficients of the
//! features, and the logarithm of the noise's deviation, in this order. As in Stan's optimisation there is no
//! Jacobian for the logarithm.
//!
//! Two implementations of the same function. [`General`] walks over the data. [`Gram`] serves trends that are
//! lines or levels with additive features: the model is then linear in all parameters but the noise, and the
//! sums over the data are computed once. A step costs the square of the number of parameters, whatever the
//! length of the series.

use std::ops::Range;

use super::lbfgs::Objective;
use super::trend::{self, Numbers, Shape};

/// Noise that is assumed even if the model fits exactly, as a variance of scaled values.
const FLOOR: f64 = 1e-12;

/// What the posterior is of.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) shape: Shape,
    /// Scaled times, ascending.
    pub(super) t: Vec<f64>,
    /// Scaled values.
    pub(super) y: Vec<f64>,
    /// Scaled capacity of logistic growth.
    pub(super) capacity: f64,
    /// Scaled times of the changepoints, ascending.
    pub(super) changepoints: Vec<f64>,
    /// The features, one column after another, each as long as `t`.
    pub(super) features: Vec<Vec<f64>>,
    /// Which features scale the trend rather than add to it.
    pub(super) multiplicative: Vec<bool>,
    /// The deviation of the prior of each coefficient.
    pub(super) scales: Vec<f64>,
    /// The scale of the Laplace prior of changes.
    pub(super) tau: f64,
}

impl Problem {
    /// The number of parameters.
    pub(super) fn size(&self) -> usize {
        3 + self.changepoints.len() + self.features.len()
    }

    /// Where the changes are among the parameters.
    pub(super) fn changes(&self) -> Range<usize> {
        2..2 + self.changepoints.len()
    }

    /// Where the coefficients of the features are among the parameters.
    pub(super) fn coefficients(&self) -> Range<usize> {
        2 + self.changepoints.len()..self.size() - 1
    }

    /// Whether the model is linear in all parameters but the noise.
    pub(super) fn is_linear(&self) -> bool {
        self.shape != Shape::Logistic && !self.multiplicative.contains(&true)
    }

    /// The priors and the noise, given the sum of squared errors; adds to the gradient.
    fn priors(&self, x: &[f64], squares: f64, gradient: &mut [f64]) -> f64 {
        let last = self.size() - 1;
        let (n, log_noise) = (self.y.len() as f64, x[last]);
        let variance = (2.0 * log_noise).exp();
        let mut value = n * log_noise + 2.0 * variance + squares / (2.0 * variance);
        gradient[last] += n + 4.0 * variance - squares / variance;
        for index in 0..2 {
            value += x[index] * x[index] / 50.0;
            gradient[index] += x[index] / 25.0;
        }
        for index in self.changes() {
            value += x[index].abs() / self.tau;
            if x[index] != 0.0 {
                gradient[index] += x[index].signum() / self.tau;
            }
        }
        for (index, scale) in self.coefficients().zip(&self.scales) {
            let precision = 1.0 / (scale * scale);
            value += 0.5 * precision * x[index] * x[index];
            gradient[index] += precision * x[index];
        }
        value
    }
}

/// The negative logarithm of the posterior, by walking over the data.
#[derive(Debug)]
pub(super) struct General<'a> {
    problem: &'a Problem,
    segment: Vec<usize>,
    additive: Vec<f64>,
    factor: Vec<f64>,
    trend: Vec<f64>,
    errors: Vec<f64>,
}

impl<'a> General<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        let n = problem.t.len();
        Self {
            problem,
            segment: problem.t.iter().map(|&t| trend::segment_of(t, &problem.changepoints)).collect(),
            additive: vec![0.0; n],
            factor: vec![0.0; n],
            trend: vec![0.0; n],
            errors: vec![0.0; n],
        }
    }
}

impl Objective for General<'_> {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let problem = self.problem;
        gradient.fill(0.0);
        let numbers = Numbers { rate: x[0], offset: x[1], changes: &x[problem.changes()] };
        let segments = trend::segments(problem.shape, numbers, &problem.changepoints);
        self.additive.fill(0.0);
        self.factor.fill(1.0);
        for ((column, &scaling), &beta) in
            problem.features.iter().zip(&problem.multiplicative).zip(&x[problem.coefficients()])
        {
            let sum = if scaling { &mut self.factor } else { &mut self.additive };
            sum.iter_mut().zip(column).for_each(|(sum, v)| *sum += beta * v);
        }
        let mut squares = FLOOR * problem.y.len() as f64;
        for index in 0..problem.t.len() {
            let trend = trend::value(problem.shape, segments[self.segment[index]], problem.t[index], problem.capacity);
            let error = trend * self.factor[index] + self.additive[index] - problem.y[index];
            self.trend[index] = trend;
            self.errors[index] = error;
            squares += error * error;
        }
        let value = problem.priors(x, squares, gradient);
        let precision = (-2.0 * x[x.len() - 1]).exp();

        for ((column, &scaling), slope) in
            problem.features.iter().zip(&problem.multiplicative).zip(&mut gradient[problem.coefficients()])
        {
            let sum: f64 = if scaling {
                column.iter().zip(&self.errors).zip(&self.trend).map(|((v, e), t)| v * e * t).sum()
            } else {
                column.iter().zip(&self.errors).map(|(v, e)| v * e).sum()
            };
            *slope += precision * sum;
        }

        let mut sums = vec![(0.0, 0.0); segments.len()];
        for index in 0..problem.t.len() {
            let slope = precision * self.errors[index] * self.factor[index];
            let segment = self.segment[index];
            let (by_rate, by_offset) = match problem.shape {
                Shape::Linear => (problem.t[index], 1.0),
                Shape::Flat => (0.0, 1.0),
                Shape::Logistic => {
                    let (rate, offset) = segments[segment];
                    let share = self.trend[index] / problem.capacity;
                    let steepness = problem.capacity * share * (1.0 - share);
                    (steepness * (problem.t[index] - offset), -steepness * rate)
                }
            };
            sums[segment].0 += slope * by_rate;
            sums[segment].1 += slope * by_offset;
        }
        let changes = &mut gradient[problem.changes()];
        let (rate, offset) = trend::backward(problem.shape, &sums, &segments, &problem.changepoints, changes);
        gradient[0] += rate;
        gradient[1] += offset;
        value
    }
}

/// The negative logarithm of the posterior of a model that is linear but for the noise, from sums over the
/// data that are computed once.
#[derive(Debug)]
pub(super) struct Gram<'a> {
    problem: &'a Problem,
    /// The products of all columns with each other, row by row.
    products: Vec<f64>,
    /// The products of all columns with the values.
    targets: Vec<f64>,
    /// The sum of squared values.
    total: f64,
    image: Vec<f64>,
}

impl<'a> Gram<'a> {
    /// # Panics
    /// If the problem is not linear.
    pub(super) fn new(problem: &'a Problem) -> Self {
        assert!(problem.is_linear(), "sums over the data exist for linear models only");
        let n = problem.t.len();
        let zero = vec![0.0; n];
        let slope = |from: f64| problem.t.iter().map(|&t| (t - from).max(0.0)).collect::<Vec<_>>();
        let mut columns = match problem.shape {
            Shape::Linear => vec![problem.t.clone(), vec![1.0; n]],
            _ => vec![zero.clone(), vec![1.0; n]],
        };
        for &from in &problem.changepoints {
            columns.push(if problem.shape == Shape::Linear { slope(from) } else { zero.clone() });
        }
        let columns: Vec<&[f64]> =
            columns.iter().map(Vec::as_slice).chain(problem.features.iter().map(Vec::as_slice)).collect();
        let size = columns.len();
        let mut products = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let product = dot(columns[row], columns[column]);
                products[row * size + column] = product;
                products[column * size + row] = product;
            }
        }
        Self {
            problem,
            products,
            targets: columns.iter().map(|column| dot(column, &problem.y)).collect(),
            total: dot(&problem.y, &problem.y),
            image: vec![0.0; size],
        }
    }
}

impl Objective for Gram<'_> {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let size = self.targets.len();
        let linear = &x[..size];
        for (image, row) in self.image.iter_mut().zip(self.products.chunks_exact(size)) {
            *image = dot(row, linear);
        }
        let squares = self.total - 2.0 * dot(&self.targets, linear) + dot(&self.image, linear);
        let squares = squares.max(0.0) + FLOOR * self.problem.y.len() as f64;
        gradient.fill(0.0);
        let value = self.problem.priors(x, squares, gradient);
        let precision = (-2.0 * x[size]).exp();
        for ((slope, image), target) in gradient.iter_mut().zip(&self.image).zip(&self.targets) {
            *slope += precision * (image - target);
        }
        value
    }
}

/// The product of two columns, in eight sums, which the compiler turns into vector instructions.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(shape: Shape, multiplicative: bool) -> Problem {
        let t: Vec<f64> = (0..60).map(|i| f64::from(i) / 59.0).collect();
        let wave = |period: f64| t.iter().map(|t| (t * period).sin()).collect::<Vec<_>>();
        Problem {
            shape,
            y: t.iter().map(|t| 0.4 + 0.3 * t + 0.1 * (20.0 * t).sin()).collect(),
            t: t.clone(),
            capacity: 1.3,
            changepoints: vec![0.2, 0.5, 0.7],
            features: vec![wave(20.0), wave(9.0)],
            multiplicative: vec![multiplicative, false],
            scales: vec![10.0, 0.5],
            tau: 0.05,
        }
    }

    fn check_gradient(objective: &mut impl Objective, x: &[f64]) {
        let mut gradient = vec![0.0; x.len()];
        objective.evaluate(x, &mut gradient);
        let mut ignored = vec![0.0; x.len()];
        for index in 0..x.len() {
            let step = 1e-6;
            let mut at = |by: f64| {
                let mut moved = x.to_vec();
                moved[index] += by;
                objective.evaluate(&moved, &mut ignored)
            };
            let slope = (at(step) - at(-step)) / (2.0 * step);
            let scale = slope.abs().max(1.0);
            assert!((slope - gradient[index]).abs() / scale < 1e-5, "{index}: {slope} but {}", gradient[index]);
        }
    }

    const X: [f64; 8] = [0.9, 0.2, 0.3, -0.4, 0.25, 0.15, -0.2, -1.5];

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for shape in [Shape::Linear, Shape::Logistic, Shape::Flat] {
            for multiplicative in [false, true] {
                check_gradient(&mut General::new(&problem(shape, multiplicative)), &X);
            }
        }
    }

    #[test]
    fn both_implementations_are_the_same_function() {
        for shape in [Shape::Linear, Shape::Flat] {
            let problem = problem(shape, false);
            let (mut a, mut b) = (vec![0.0; X.len()], vec![0.0; X.len()]);
            let general = General::new(&problem).evaluate(&X, &mut a);
            let gram = Gram::new(&problem).evaluate(&X, &mut b);
            assert!((general - gram).abs() < 1e-9 * general.abs().max(1.0));
            for (a, b) in a.iter().zip(&b) {
                assert!((a - b).abs() < 1e-7 * a.abs().max(1.0));
            }
        }
    }
}
