//! The scale of each feature: the fit sees mean 0 and deviation 1, the head that ships does not.

use super::Examples;

/// A feature that varies less than this is constant and says nothing.
const LEAST_DEVIATION: f32 = 1e-6;

/// Mean of each feature, and 1 / standard deviation, or 0 for a constant feature.
pub(super) struct Scale {
    pub(super) mean: Vec<f32>,
    pub(super) inverse: Vec<f32>,
}

impl Scale {
    pub(super) fn of(examples: &Examples) -> Self {
        Self::of_rows(examples.embedding, examples.len(), |see| {
            examples.embeddings.chunks(examples.embedding).for_each(see);
        })
    }

    /// That of `count` rows of `features` numbers, which `visit` shows one after the other; it is called twice, so that
    /// rows that are computed need not be kept.
    pub(super) fn of_rows(features: usize, count: usize, visit: impl Fn(&mut dyn FnMut(&[f32]))) -> Self {
        let count = count as f64;
        let mut sums = vec![0.0_f64; features];
        visit(&mut |row| sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x)));
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let mut squares = vec![0.0_f64; features];
        visit(&mut |row| {
            for ((square, &x), mean) in squares.iter_mut().zip(row).zip(&means) {
                *square += (f64::from(x) - mean).powi(2);
            }
        });
        let inverse = |square: &f64| match (square / count).sqrt() as f32 {
            deviation if deviation > LEAST_DEVIATION => 1.0 / deviation,
            _ => 0.0,
        };
        Self { mean: means.iter().map(|&mean| mean as f32).collect(), inverse: squares.iter().map(inverse).collect() }
    }

    /// Every row, standardised.
    pub(super) fn standardise(&self, examples: &Examples) -> Vec<f32> {
        examples.embeddings.chunks(examples.embedding).flat_map(|row| self.standardise_row(row)).collect()
    }

    fn standardise_row(&self, row: &[f32]) -> impl Iterator<Item = f32> {
        row.iter().zip(&self.mean).zip(&self.inverse).map(|((x, mean), inverse)| (x - mean) * inverse)
    }

    /// Makes weights `[outputs, features]` and bias for standardised features those for the features as
    /// they come.
    pub(super) fn fold(&self, weights: &mut [f32], bias: &mut [f32]) {
        for (row, bias) in weights.chunks_mut(self.mean.len()).zip(bias) {
            let mut shift = 0.0_f64;
            for ((weight, mean), inverse) in row.iter_mut().zip(&self.mean).zip(&self.inverse) {
                *weight *= inverse;
                shift += f64::from(*weight) * f64::from(*mean);
            }
            *bias -= shift as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_the_scale_changes_no_logit() {
        let mut examples = Examples::new(3);
        for row in [[1.0, 100.0, 5.0], [3.0, 300.0, 5.0], [2.0, -100.0, 5.0]] {
            examples.push(&row, 0);
        }
        let scale = Scale::of(&examples);
        let (weights, bias) = ([0.5, -2.0, 7.0], [0.25]);
        let (mut folded, mut folded_bias) = (weights, bias);
        scale.fold(&mut folded, &mut folded_bias);
        assert_eq!(folded[2], 0.0, "a constant feature has no say");
        for (row, standardised) in examples.embeddings.chunks(3).zip(scale.standardise(&examples).chunks(3)) {
            let standardised: f32 = standardised.iter().zip(weights).map(|(x, w)| x * w).sum::<f32>() + bias[0];
            let direct: f32 = row.iter().zip(folded).map(|(x, w)| x * w).sum::<f32>() + folded_bias[0];
            assert!((standardised - direct).abs() < 1e-5, "{standardised} and {direct}");
        }
    }
}
