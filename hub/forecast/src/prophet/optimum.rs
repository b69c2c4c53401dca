//! The most probable parameters: where the optimiser starts, and which one runs.

use super::lbfgs::{self, Objective, Stop};
use super::orthant;
use super::posterior::{General, Gram, Problem};
use super::trend::Shape;

/// The most probable parameters, and the steps that it took to find them.
pub(super) fn optimum(problem: &Problem, exact: bool) -> (Vec<f64>, usize) {
    let mut x = vec![0.0; problem.size()];
    (x[0], x[1]) = start(problem);
    let constant = problem.y.iter().all(|&y| y == problem.y[0]);
    let last = x.len() - 1;
    if constant && problem.shape != Shape::Logistic {
        // There is nothing to learn, and no noise: the optimum is at the edge of the parameters.
        (x[0], x[1], x[last]) = (0.0, problem.y[0], 1e-9_f64.ln());
        return (x, 0);
    }
    let iterations = match problem.is_linear() {
        true => minimise(&mut Gram::new(problem), problem, &mut x, exact),
        false => minimise(&mut General::new(problem), problem, &mut x, exact),
    };
    (x, iterations)
}

fn minimise(objective: &mut impl Objective, problem: &Problem, x: &mut [f64], exact: bool) -> usize {
    let (_, iterations) = lbfgs::minimise(objective, x, Stop::default());
    if !exact {
        return iterations;
    }
    iterations + orthant::minimise(objective, x, &problem.changes(), 1.0 / problem.tau, 20_000).1
}

/// Rate and offset through the first and the last value.
fn start(problem: &Problem) -> (f64, f64) {
    let n = problem.t.len();
    let (first, last, capacity) = (problem.y[0], problem.y[n - 1], problem.capacity);
    match problem.shape {
        Shape::Linear => (last - first, first),
        Shape::Flat => (0.0, problem.y.iter().sum::<f64>() / n as f64),
        Shape::Logistic => {
            let inverse = |y: f64| capacity / y.clamp(0.01 * capacity, 0.99 * capacity);
            let (mut from, to) = (inverse(first), inverse(last));
            if (from - to).abs() <= 0.01 {
                from *= 1.05;
            }
            let (from, to) = ((from - 1.0).ln(), (to - 1.0).ln());
            (from - to, from / (from - to))
        }
    }
}
