//! What each step of the fit sees: a shuffled batch with soft targets, perhaps mixed.
//!
//! A target is a row of probabilities times what the example counts: the class weight. Label
//! smoothing (Szegedy et al., "Rethinking the Inception Architecture", 2016) takes a share of the
//! probability and spreads it over all classes. Mixup (Zhang et al., "mixup: Beyond Empirical Risk
//! Minimization", 2018) replaces each example by a mixture with another of its batch, λ to 1 − λ with
//! λ from Beta(α, α), one for the batch. Dropout (Srivastava et al., 2014) then leaves out a share of the
//! features and makes up for it with the rest.

use ndarray::Array2;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::{Examples, HeadParams};

/// An epoch has at least this many steps, unless that would make batches smaller than [`SMALLEST`]: with
/// few examples, a fit of as many epochs would otherwise end before it came anywhere.
const STEPS: usize = 16;
const SMALLEST: usize = 4;

/// Features `[n, embedding]` and weighted soft targets `[n, classes]`.
pub(super) struct Batch {
    pub(super) features: Array2<f32>,
    pub(super) targets: Array2<f32>,
}

/// The training examples, standardised, with their targets.
pub(super) struct Batches {
    embedding: usize,
    classes: usize,
    features: Vec<f32>,
    targets: Vec<f32>,
    size: usize,
    mixup: f64,
    dropout: f64,
}

/// The random numbers of an epoch: the same for the same seed, wherever the fit was taken up.
pub(super) fn dice(seed: u64, epoch: usize) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed ^ (epoch as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

impl Batches {
    /// `features` are those of the examples, standardised.
    pub(super) fn new(examples: &Examples, features: Vec<f32>, class_weights: &[f32], params: &HeadParams) -> Self {
        let classes = class_weights.len();
        let mut targets = Vec::with_capacity(examples.len() * classes);
        for &target in &examples.targets {
            let spread = params.label_smoothing as f32 / classes as f32;
            let share = |class| spread + if class == target { 1.0 - params.label_smoothing as f32 } else { 0.0 };
            targets.extend((0..classes).map(|class| class_weights[target] * share(class)));
        }
        let size = params.batch_size.min((examples.len() / STEPS).max(SMALLEST));
        Self {
            embedding: examples.embedding,
            classes,
            features,
            targets,
            size,
            mixup: params.mixup,
            dropout: params.input_dropout,
        }
    }

    pub(super) fn examples(&self) -> usize {
        self.targets.len() / self.classes
    }

    /// The places of the examples in the order of an epoch.
    pub(super) fn order(&self, dice: &mut Xoshiro256PlusPlus) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.examples()).collect();
        order.shuffle(dice);
        order
    }

    /// The batches of an epoch, as places among the examples.
    pub(super) fn of<'a>(&self, order: &'a [usize]) -> impl Iterator<Item = &'a [usize]> {
        order.chunks(self.size)
    }

    /// The examples at these places.
    pub(super) fn batch(&self, rows: &[usize], dice: &mut Xoshiro256PlusPlus) -> Batch {
        let mut features = gather(&self.features, self.embedding, rows);
        let mut targets = gather(&self.targets, self.classes, rows);
        if self.mixup > 0.0 {
            let share = beta(self.mixup, dice) as f32;
            let mut partners = rows.to_vec();
            partners.shuffle(dice);
            mix(&mut features, &gather(&self.features, self.embedding, &partners), share);
            mix(&mut targets, &gather(&self.targets, self.classes, &partners), share);
        }
        if self.dropout > 0.0 {
            leave_out(&mut features, self.dropout, dice);
        }
        Batch { features: by_row(features, rows.len()), targets: by_row(targets, rows.len()) }
    }
}

/// Numbers as a matrix of so many rows.
pub(super) fn by_row(numbers: Vec<f32>, rows: usize) -> Array2<f32> {
    let columns = numbers.len() / rows;
    Array2::from_shape_vec((rows, columns), numbers).expect("all rows are equally long, and there is one")
}

fn gather(table: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    let mut gathered = Vec::with_capacity(rows.len() * width);
    rows.iter().for_each(|row| gathered.extend_from_slice(&table[row * width..][..width]));
    gathered
}

fn mix(own: &mut [f32], other: &[f32], share: f32) {
    own.iter_mut().zip(other).for_each(|(own, other)| *own = share * *own + (1.0 - share) * other);
}

/// Sets a share of some numbers to 0, and scales the rest so that the mean stays. A draw serves four
/// numbers, 16 bits each.
fn leave_out(numbers: &mut [f32], share: f64, dice: &mut Xoshiro256PlusPlus) {
    let (out, rest) = ((share * 65_536.0) as u64, (1.0 / (1.0 - share)) as f32);
    for four in numbers.chunks_mut(4) {
        let mut bits: u64 = dice.random();
        for number in four {
            *number = if bits & 0xffff < out { 0.0 } else { *number * rest };
            bits >>= 16;
        }
    }
}

/// A number from Beta(`a`, `a`), 0 < a ≤ 1, by Jöhnk's method (1964); by logarithms, since u^(1/a) is
/// below the smallest float for a small `a`.
fn beta(a: f64, dice: &mut Xoshiro256PlusPlus) -> f64 {
    loop {
        // In (0, 1], so that no logarithm is infinite.
        let mut log = || (1.0 - dice.random::<f64>()).ln() / a;
        let (x, y) = (log(), log());
        if x.exp() + y.exp() <= 1.0 {
            return 1.0 / (1.0 + (y - x).exp());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(params: &HeadParams) -> Batches {
        of(8, params)
    }

    fn of(count: u8, params: &HeadParams) -> Batches {
        let mut examples = Examples::new(2);
        for row in 0..count {
            examples.push(&[f32::from(row), 1.0], usize::from(row % 2));
        }
        let features = examples.embeddings.clone();
        Batches::new(&examples, features, &[0.5, 2.0], params)
    }

    #[test]
    fn few_examples_make_small_batches() {
        let params = HeadParams { batch_size: 12, ..HeadParams::default() };
        for (count, expected) in [(8, 4), (96, 6), (192, 12), (255, 12)] {
            assert_eq!(of(count, &params).size, expected, "of {count}");
        }
        let one = HeadParams { batch_size: 1, ..params };
        assert_eq!(of(96, &one).size, 1, "what was asked for is never exceeded");
    }

    #[test]
    fn smoothing_spreads_a_share_and_the_class_weight_scales_the_row() {
        let params = HeadParams { label_smoothing: 0.2, ..HeadParams::default() };
        let targets = batches(&params).targets;
        for (found, expected) in targets.iter().zip([0.45, 0.05, 0.2, 1.8]) {
            assert!((found - expected).abs() < 1e-6, "{targets:?}");
        }
    }

    #[test]
    fn an_epoch_sees_each_example_once_in_an_order_of_its_own() {
        let batches = batches(&HeadParams { batch_size: 3, ..HeadParams::default() });
        let order = |epoch| batches.order(&mut dice(7, epoch));
        assert_eq!(order(4), order(4));
        assert_ne!(order(4), order(5));
        let mut seen = order(4);
        assert_eq!(batches.of(&seen).map(<[usize]>::len).collect::<Vec<_>>(), [3, 3, 2]);
        seen.sort_unstable();
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn a_mixture_stays_between_its_examples_and_counts_as_much() {
        let batches = batches(&HeadParams { mixup: 0.4, label_smoothing: 0.0, ..HeadParams::linear() });
        let Batch { features, targets } = batches.batch(&[0, 1, 6, 7], &mut dice(3, 1));
        assert_eq!((features.dim(), targets.dim()), ((4, 2), (4, 2)));
        assert!(
            features.rows().into_iter().all(|row| (0.0..=7.0).contains(&row[0]) && (row[1] - 1.0).abs() < 1e-6),
            "{features}"
        );
        assert!((targets.sum() - 5.0).abs() < 1e-4, "two of weight 0.5 and two of weight 2: {targets}");
    }

    #[test]
    fn a_share_is_left_out_and_the_mean_stays() {
        let mut numbers = vec![2.0_f32; 40_001];
        leave_out(&mut numbers, 0.3, &mut dice(1, 1));
        let out = numbers.iter().filter(|x| **x == 0.0).count() as f64 / numbers.len() as f64;
        let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
        assert!((out - 0.3).abs() < 0.01 && (mean - 2.0).abs() < 0.03, "{out} left out, mean {mean}");
    }

    #[test]
    fn beta_has_its_mean_and_variance() {
        for a in [0.01, 0.2, 1.0] {
            let mut dice = dice(1, 1);
            let drawn: Vec<f64> = (0..20_000).map(|_| beta(a, &mut dice)).collect();
            let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
            let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
            assert!((mean - 0.5).abs() < 0.015, "Beta({a}, {a}) has mean 0.5, not {mean}");
            let expected = 0.25 / (2.0 * a + 1.0);
            assert!((variance - expected).abs() < 0.01, "Beta({a}, {a}) has variance {expected}, not {variance}");
        }
    }
}
