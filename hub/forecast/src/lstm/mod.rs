//! A recurrent network that learns the next value from a window of the last ones: two layers of LSTM cells.
//!
//! Each window is shifted by its own mean and divided by one scale, which is saved with the weights: what the
//! network sees does not depend on the level, so a trend does not lead it out of what it learned. Forecasts
//! further ahead feed its own answers back. Training uses Adam (Kingma and Ba, 2015) on mini-batches; the parts
//! of a batch are always the same, so that the result does not depend on the number of processors.

/// A layer, forward and backward.
mod layer;

/// Fast products.
mod matrix;

/// The layers together.
mod network;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use network::{Network, Sizes};

/// The parts of a batch that are computed side by side.
const PARTS: usize = 2;

/// The longest gradient; a longer one is shortened to it.
const LONGEST: f32 = 1.0;

/// What a network is trained with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// How many values it sees.
    pub window: usize,
    /// Cells per layer.
    pub cells: usize,
    /// The share of the layers' outputs that each step of training leaves out.
    pub dropout: f32,
    /// How often it sees every window.
    pub epochs: usize,
    /// How many windows a step of training looks at.
    pub batch: usize,
    /// The size of a step.
    pub learning_rate: f32,
    /// Of all that is random.
    pub seed: u64,
    /// Learn from this many of the newest values only.
    #[serde(default)]
    pub newest: Option<usize>,
}

/// The fewest epochs that [`Options::within`] leaves, unless fewer were wanted.
const FEWEST_EPOCHS: usize = 5;

impl Default for Options {
    fn default() -> Self {
        Self { window: 30, cells: 50, dropout: 0.2, epochs: 50, batch: 32, learning_rate: 1e-3, seed: 0, newest: None }
    }
}

impl Options {
    /// These options with no more to do than to look at `windows` windows over all epochs, in a series of `values`
    /// values: first there are fewer epochs, then older values are left out.
    #[must_use]
    pub fn within(self, values: usize, windows: usize) -> Self {
        let newest = values.min(windows / FEWEST_EPOCHS.min(self.epochs.max(1)) + self.window);
        let epochs = windows / newest.saturating_sub(self.window).max(1);
        Self { newest: Some(newest), epochs: epochs.clamp(1, self.epochs.max(1)), ..self }
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// Epochs done.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The mean squared error over the epoch, of scaled values.
    pub loss: f64,
}

/// Why there is no network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LstmError {
    /// Not enough values.
    #[error("{values} values are too few for a window of {window}: it takes {least} or more")]
    TooFew {
        /// How many there are.
        values: usize,
        /// How many a window takes.
        window: usize,
        /// How many would do.
        least: usize,
    },
    /// A value is not a number.
    #[error("value {0}, counted from 0, is not a number")]
    Value(usize),
    /// Options that make no network.
    #[error(
        "a network needs a window, cells, a batch and epochs of 1 or more, and a dropout of at least 0 and below 1"
    )]
    Options,
    /// Whoever watches said so.
    #[error("the training was cancelled")]
    Cancelled,
}

/// A trained network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lstm {
    window: usize,
    cells: usize,
    scale: f64,
    weights: Vec<f32>,
    /// The last values of the series, where forecasts start.
    tail: Vec<f64>,
    losses: Vec<f64>,
}

impl Lstm {
    /// The fewest values that a network with this window learns from.
    #[must_use]
    pub fn least(window: usize) -> usize {
        window + window.max(20)
    }

    /// Trains on values at even distances, none absent. The same seed gives the same network. `watch` hears of
    /// each epoch, and can end the training.
    ///
    /// # Errors
    /// If there are too few values, one is not finite, the options make no network, or `watch` ends it.
    pub fn train(
        values: &[f64],
        options: &Options,
        mut watch: impl FnMut(Epoch) -> ControlFlow<()>,
    ) -> Result<Self, LstmError> {
        let Options { window, cells, dropout, epochs, batch, .. } = *options;
        if window == 0 || cells == 0 || epochs == 0 || batch == 0 || !(0.0..1.0).contains(&dropout) {
            return Err(LstmError::Options);
        }
        let values = &values[values.len() - options.newest.unwrap_or(values.len()).min(values.len())..];
        if values.len() < Self::least(window) {
            return Err(LstmError::TooFew { values: values.len(), window, least: Self::least(window) });
        }
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(LstmError::Value(index));
        }
        let scale = scale(values, window);
        let examples: Vec<(Vec<f32>, f32)> = values.windows(window + 1).map(|w| example(w, scale)).collect();
        let sizes = Sizes { window, cells };
        let mut rng = SmallRng::seed_from_u64(options.seed);
        let mut weights = sizes.start(&mut rng);
        let mut adam = Adam::new(weights.len(), options.learning_rate);
        let mut networks: Vec<Network> = Vec::new();
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut losses = Vec::with_capacity(epochs);
        for epoch in 1..=epochs {
            order.shuffle(&mut rng);
            let mut sum = 0.0;
            for (number, batch) in order.chunks(batch).enumerate() {
                let part = batch.len().div_ceil(PARTS);
                let share = 1.0 / batch.len() as f32;
                let parts: Vec<&[usize]> = batch.chunks(part).collect();
                let reused = networks.len() == parts.len()
                    && networks.iter().zip(&parts).all(|(network, part)| network.rows() == part.len());
                if !reused {
                    networks = parts.iter().map(|part| Network::new(sizes, part.len())).collect();
                }
                let learn = |(index, (network, part)): (usize, (&mut Network, &&[usize]))| {
                    let windows: Vec<&[f32]> = part.iter().map(|&i| examples[i].0.as_slice()).collect();
                    let targets: Vec<f32> = part.iter().map(|&i| examples[i].1).collect();
                    let seed = options.seed ^ ((epoch as u64) << 40 | (number as u64) << 8 | index as u64);
                    let mut rng = SmallRng::seed_from_u64(seed);
                    network.learn(&weights, &windows, &targets, share, dropout, &mut rng)
                };
                let losses: Vec<f64> = networks.par_iter_mut().zip(&parts).enumerate().map(learn).collect();
                sum += losses.iter().sum::<f64>() * batch.len() as f64;
                adam.step(&mut weights, &networks);
            }
            let loss = sum / examples.len() as f64;
            losses.push(loss);
            if watch(Epoch { epoch, epochs, loss }).is_break() {
                return Err(LstmError::Cancelled);
            }
        }
        let tail = values[values.len() - window..].to_vec();
        Ok(Self { window, cells, scale, weights, tail, losses })
    }

    /// The next `steps` values.
    #[must_use]
    pub fn predict(&self, steps: usize) -> Vec<f64> {
        self.predict_after(&self.tail, steps)
    }

    /// The next `steps` values after other values of the same series, of which the last are looked at.
    ///
    /// # Panics
    /// If there are fewer values than the window holds.
    #[must_use]
    pub fn predict_after(&self, values: &[f64], steps: usize) -> Vec<f64> {
        let mut values = values[values.len() - self.window..].to_vec();
        let mut network = Network::new(Sizes { window: self.window, cells: self.cells }, 1);
        for _ in 0..steps {
            let window = &values[values.len() - self.window..];
            let (scaled, mean) = scaled(window, self.scale);
            let next = network.run(&self.weights, &[&scaled])[0];
            values.push(f64::from(next) * self.scale + mean);
        }
        values.split_off(self.window)
    }

    /// The mean squared error of each epoch, of scaled values.
    #[must_use]
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }
}

/// How far values are from the mean of the window before them, typically: the root of the mean square.
fn scale(values: &[f64], window: usize) -> f64 {
    let squares = values.windows(window).map(|w| {
        let mean = w.iter().sum::<f64>() / window as f64;
        w.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / window as f64
    });
    let mean = squares.sum::<f64>() / (values.len() + 1 - window) as f64;
    if mean > 0.0 && mean.is_finite() { mean.sqrt() } else { 1.0 }
}

/// A window without its mean and in units of the scale, and the mean.
fn scaled(window: &[f64], scale: f64) -> (Vec<f32>, f64) {
    let mean = window.iter().sum::<f64>() / window.len() as f64;
    (window.iter().map(|v| ((v - mean) / scale) as f32).collect(), mean)
}

/// A window and the value after it, scaled.
fn example(values: &[f64], scale: f64) -> (Vec<f32>, f32) {
    let (window, next) = (&values[..values.len() - 1], values[values.len() - 1]);
    let (window, mean) = scaled(window, scale);
    (window, ((next - mean) / scale) as f32)
}

/// The optimiser: steps by the mean of past gradients over the root of their mean square.
#[derive(Debug)]
struct Adam {
    rate: f32,
    steps: i32,
    means: Vec<f32>,
    squares: Vec<f32>,
    gradient: Vec<f32>,
}

impl Adam {
    fn new(size: usize, rate: f32) -> Self {
        Self { rate, steps: 0, means: vec![0.0; size], squares: vec![0.0; size], gradient: vec![0.0; size] }
    }

    /// A step against the sum of the networks' gradients, shortened if it is too long.
    fn step(&mut self, weights: &mut [f32], networks: &[Network]) {
        self.gradient.fill(0.0);
        for network in networks {
            self.gradient.iter_mut().zip(&network.gradient).for_each(|(sum, g)| *sum += g);
        }
        let length = self.gradient.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt() as f32;
        let shorten = if length > LONGEST { LONGEST / length } else { 1.0 };
        self.steps += 1;
        let (first, second) = (0.9_f32, 0.999_f32);
        let (by_mean, by_square) = (1.0 - first.powi(self.steps), 1.0 - second.powi(self.steps));
        let rate = self.rate;
        for (((weight, gradient), mean), square) in
            weights.iter_mut().zip(&self.gradient).zip(&mut self.means).zip(&mut self.squares)
        {
            let gradient = gradient * shorten;
            *mean = first * *mean + (1.0 - first) * gradient;
            *square = second * *square + (1.0 - second) * gradient * gradient;
            *weight -= rate * (*mean / by_mean) / ((*square / by_square).sqrt() + 1e-8);
        }
    }
}
