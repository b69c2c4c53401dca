//! When the fit ends, and which epoch's weights are kept: pure.
//!
//! The losses of an epoch are those of the validation examples, one each, at the temperature that is
//! best for them: the head gets its temperature afterwards, so that being too sure of itself, which
//! grows from the first epoch on, is no reason to stop. Two epochs are compared example by example,
//! and a difference within one standard error is none: with few examples the lowest mean is luck (it
//! was the first epoch's, now and then), and a later epoch, made in smaller steps, is the better
//! choice. So the latest epoch is kept that is not worse than the lowest beyond that, and the fit ends
//! when there has been none for `patience` epochs. Fewer than [`FEWEST`] examples are no judge of when
//! to stop: the last epoch is kept.

use serde::{Deserialize, Serialize};

/// Of fewer examples than this, not even the standard error is known well.
const FEWEST: usize = 20;

/// What is known of the epochs so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stopping {
    patience: usize,
    /// The losses of the epoch with the lowest mean.
    lowest: Vec<f32>,
    /// The epoch whose weights are kept, from 1; 0 before the first.
    pub(super) kept: usize,
}

impl Stopping {
    pub(super) fn new(patience: usize) -> Self {
        Self { patience, lowest: Vec::new(), kept: 0 }
    }

    /// Takes the losses of the next epoch. Tells whether its weights are to be kept.
    pub(super) fn is_to_be_kept(&mut self, epoch: usize, losses: &[f32]) -> bool {
        let (mean, error) = if self.lowest.is_empty() { (-1.0, 0.0) } else { difference(losses, &self.lowest) };
        if mean < 0.0 {
            self.lowest = losses.to_vec();
        }
        let keep = mean <= error;
        if keep {
            self.kept = epoch;
        }
        keep
    }

    /// Whether the fit ends after this epoch.
    pub(super) fn ends(&self, epoch: usize) -> bool {
        epoch - self.kept >= self.patience
    }
}

/// The mean of the differences and its standard error.
fn difference(losses: &[f32], lowest: &[f32]) -> (f64, f64) {
    let count = losses.len() as f64;
    let differences = || losses.iter().zip(lowest).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let mean = differences().sum::<f64>() / count;
    let squares: f64 = differences().map(|d| (d - mean).powi(2)).sum();
    let error = if losses.len() >= FEWEST { (squares / (count - 1.0) / count).sqrt() } else { f64::INFINITY };
    (mean, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same few examples ten times over.
    fn tenfold(losses: &[f32]) -> Vec<f32> {
        losses.repeat(10)
    }

    /// Tells which epoch is kept and after which the fit ends, if it does.
    fn run(patience: usize, epochs: &[&[f32]]) -> (usize, Option<usize>) {
        let mut stopping = Stopping::new(patience);
        for (index, losses) in epochs.iter().enumerate() {
            stopping.is_to_be_kept(index + 1, losses);
            if stopping.ends(index + 1) {
                return (stopping.kept, Some(index + 1));
            }
        }
        (stopping.kept, None)
    }

    #[test]
    fn the_latest_epoch_that_is_not_worse_beyond_chance_is_kept() {
        type Case<'a> = (&'a [&'a [f32]], (usize, Option<usize>));
        let cases: [Case; 5] = [
            // Falling losses: the last.
            (&[&[0.9, 0.8, 0.7], &[0.6, 0.5, 0.4], &[0.3, 0.2, 0.1]], (3, None)),
            // Every example worse by the same: the first, and the fit ends.
            (&[&[0.1, 0.2, 0.3], &[0.2, 0.3, 0.4], &[0.3, 0.4, 0.5]], (1, Some(3))),
            // One lucky epoch, then ups and downs that cancel: the latest.
            (&[&[0.5, 0.5, 0.5], &[0.1, 0.9, 0.55], &[0.9, 0.1, 0.55]], (3, None)),
            // Ten examples say nothing.
            (&[&[0.1], &[0.2], &[0.3]], (3, None)),
            // A step up that is seen in all, then back.
            (&[&[0.4, 0.5], &[0.6, 0.7], &[0.4, 0.5]], (3, None)),
        ];
        for (epochs, expected) in cases {
            let many: Vec<Vec<f32>> = epochs.iter().map(|losses| tenfold(losses)).collect();
            let many: Vec<&[f32]> = many.iter().map(Vec::as_slice).collect();
            assert_eq!(run(2, &many), expected, "{epochs:?}");
        }
    }

    #[test]
    fn it_does_not_drift_upwards() {
        // Each epoch is worse than the one before by less than the noise; against the lowest, it shows.
        let losses = |by: f32| -> Vec<f32> {
            (0..100).map(|i| 0.5 + by + if i % 2 == 0 { 0.1 } else { -0.1 } * by.signum()).collect()
        };
        let epochs: Vec<Vec<f32>> = (0..50).map(|epoch| losses(0.004 * epoch as f32)).collect();
        let epochs: Vec<&[f32]> = epochs.iter().map(Vec::as_slice).collect();
        let (kept, ended) = run(5, &epochs);
        assert!(kept < 10 && ended == Some(kept + 5), "kept {kept}, ended {ended:?}");
    }
}
