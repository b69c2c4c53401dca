//! Two layers of LSTM cells and a linear output, on a part of a batch: loss, gradient, prediction.

use rand::RngExt as _;
use rand::rngs::SmallRng;

use super::layer::{Layer, Shape};

/// The sizes of a network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) window: usize,
    pub(super) cells: usize,
}

impl Sizes {
    fn first(self) -> Shape {
        Shape { inputs: 1, cells: self.cells }
    }

    fn second(self) -> Shape {
        Shape { inputs: self.cells, cells: self.cells }
    }

    /// All weights: first layer, second layer, output weights, output bias.
    pub(super) fn parameters(self) -> usize {
        self.first().parameters() + self.second().parameters() + self.cells + 1
    }

    /// Weights to start from: uniform, as wide as the cells allow, and forget gates open.
    pub(super) fn start(self, rng: &mut SmallRng) -> Vec<f32> {
        let bound = 1.0 / (self.cells as f32).sqrt();
        let mut weights: Vec<f32> = (0..self.parameters()).map(|_| bound * (2.0 * rng.random::<f32>() - 1.0)).collect();
        weights[self.first().forget_biases()].fill(1.0);
        let second = self.first().parameters();
        weights[second..][self.second().forget_biases()].fill(1.0);
        weights
    }
}

/// A network at work on up to a fixed number of rows, its memory reused.
#[derive(Debug)]
pub(super) struct Network {
    sizes: Sizes,
    rows: usize,
    first: Layer,
    second: Layer,
    inputs: Vec<f32>,
    /// Outputs of the first layer after dropout, and the factors of the dropout.
    middle: Vec<f32>,
    kept: Vec<f32>,
    last: Vec<f32>,
    last_kept: Vec<f32>,
    by_middle: Vec<f32>,
    by_second: Vec<f32>,
    /// The gradient of the last call of [`Network::learn`].
    pub(super) gradient: Vec<f32>,
}

impl Network {
    pub(super) fn new(sizes: Sizes, rows: usize) -> Self {
        let sequence = sizes.window * rows * sizes.cells;
        Self {
            sizes,
            rows,
            first: Layer::new(sizes.first(), sizes.window, rows),
            second: Layer::new(sizes.second(), sizes.window, rows),
            inputs: vec![0.0; sizes.window * rows],
            middle: vec![0.0; sequence],
            kept: vec![1.0; sequence],
            last: vec![0.0; rows * sizes.cells],
            last_kept: vec![1.0; rows * sizes.cells],
            by_middle: vec![0.0; sequence],
            by_second: vec![0.0; sequence],
            gradient: vec![0.0; sizes.parameters()],
        }
    }

    /// How many rows it works on.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The outputs for windows, one per row.
    ///
    /// # Panics
    /// If there are not as many windows as rows, or one is not as long as the network's.
    pub(super) fn run(&mut self, weights: &[f32], windows: &[&[f32]]) -> Vec<f32> {
        self.kept.fill(1.0);
        self.last_kept.fill(1.0);
        self.forward(weights, windows)
    }

    /// The sum of squared errors over the rows, each weighted by `share`, with a share of `dropout` of the
    /// layers' outputs left out; [`Network::gradient`] becomes its gradient.
    pub(super) fn learn(
        &mut self,
        weights: &[f32],
        windows: &[&[f32]],
        targets: &[f32],
        share: f32,
        dropout: f32,
        rng: &mut SmallRng,
    ) -> f64 {
        for kept in [&mut self.kept, &mut self.last_kept] {
            kept.iter_mut().for_each(|k| *k = if rng.random::<f32>() < dropout { 0.0 } else { 1.0 / (1.0 - dropout) });
        }
        let outputs = self.forward(weights, windows);
        let Sizes { cells, window } = self.sizes;
        let (first, rest) = weights.split_at(self.sizes.first().parameters());
        let (second, output) = rest.split_at(self.sizes.second().parameters());
        self.gradient.fill(0.0);
        let (by_first, by_rest) = self.gradient.split_at_mut(first.len());
        let (by_second, by_output) = by_rest.split_at_mut(second.len());
        self.by_second.fill(0.0);
        let end = &mut self.by_second[(window - 1) * self.rows * cells..];
        let mut loss = 0.0;
        for (row, (&out, &target)) in outputs.iter().zip(targets).enumerate() {
            let error = out - target;
            loss += f64::from(error * error * share);
            let slope = 2.0 * error * share;
            by_output[cells] += slope;
            for cell in 0..cells {
                let at = row * cells + cell;
                by_output[cell] += slope * self.last[at];
                end[at] = slope * output[cell] * self.last_kept[at];
            }
        }
        self.second.backward(second, &self.middle, &self.by_second, by_second, Some(&mut self.by_middle));
        self.by_middle.iter_mut().zip(&self.kept).for_each(|(by, kept)| *by *= kept);
        self.first.backward(first, &self.inputs, &self.by_middle, by_first, None);
        loss
    }

    fn forward(&mut self, weights: &[f32], windows: &[&[f32]]) -> Vec<f32> {
        let Sizes { cells, window } = self.sizes;
        assert_eq!(windows.len(), self.rows, "as many windows as rows");
        for (row, values) in windows.iter().enumerate() {
            assert_eq!(values.len(), window, "as many values as steps");
            for (step, value) in values.iter().enumerate() {
                self.inputs[step * self.rows + row] = *value;
            }
        }
        let (first, rest) = weights.split_at(self.sizes.first().parameters());
        let (second, output) = rest.split_at(self.sizes.second().parameters());
        self.first.forward(first, &self.inputs);
        for ((middle, out), kept) in self.middle.iter_mut().zip(self.first.outputs()).zip(&self.kept) {
            *middle = out * kept;
        }
        self.second.forward(second, &self.middle);
        let end = &self.second.outputs()[(window - 1) * self.rows * cells..];
        for ((last, out), kept) in self.last.iter_mut().zip(end).zip(&self.last_kept) {
            *last = out * kept;
        }
        let product = |row: &[f32]| row.iter().zip(output).map(|(a, b)| a * b).sum::<f32>();
        self.last.chunks_exact(cells).map(|row| output[cells] + product(row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn the_gradient_of_the_whole_is_that_of_finite_differences() {
        let sizes = Sizes { window: 5, cells: 3 };
        let mut rng = SmallRng::seed_from_u64(5);
        let weights = sizes.start(&mut rng);
        let series: Vec<f32> = (0..20).map(|i| (i as f32 * 0.9).sin()).collect();
        let windows = [&series[..5], &series[6..11], &series[9..14]];
        let targets = [series[5], series[11], series[14]];
        let mut network = Network::new(sizes, 3);
        // The same seed leaves out the same numbers, so that the function stays the same.
        let mut loss = |weights: &[f32]| {
            let mut rng = SmallRng::seed_from_u64(9);
            network.learn(weights, &windows, &targets, 1.0, 0.3, &mut rng)
        };
        let slopes: Vec<f64> = (0..weights.len())
            .map(|index| {
                let mut at = |by: f32| {
                    let mut moved = weights.clone();
                    moved[index] += by;
                    loss(&moved)
                };
                (at(4e-3) - at(-4e-3)) / 8e-3
            })
            .collect();
        loss(&weights);
        for (index, (numeric, analytic)) in slopes.iter().zip(&network.gradient).enumerate() {
            assert!((numeric - f64::from(*analytic)).abs() < 2e-3, "{index}: {numeric} but {analytic}");
        }
        assert!(network.gradient.iter().any(|g| g.abs() > 0.1), "the check must see more than zeros");
    }
}
