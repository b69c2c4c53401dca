//! McNemar's exact test: do two models differ on the same images, beyond chance?
//!
//! Only the images on which exactly one of them is right say anything. If the models were equally
//! good, each of those would be a fair coin, so the count of one side is binomial with p = ½
//! (Q. McNemar, *Psychometrika* 12, 1947; the exact form, not the χ² approximation, because test
//! splits are small).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How two models compare on the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct McNemar {
    /// Images that only the old model labels right.
    pub only_old: u64,
    /// Images that only the new model labels right.
    pub only_new: u64,
    /// How likely a difference of this size or larger, either way, is by chance.
    pub p: f64,
    /// How likely it is by chance that the new model loses this many or more.
    pub p_worse: f64,
}

impl McNemar {
    /// Compares by whether each model is right on each image; both slices are of the same images.
    #[must_use]
    pub fn compare(old_right: &[bool], new_right: &[bool]) -> Self {
        let count = |wanted: (bool, bool)| {
            old_right.iter().zip(new_right).filter(|(old, new)| (**old, **new) == wanted).count() as u64
        };
        Self::of(count((true, false)), count((false, true)))
    }

    /// The test of two counts.
    #[must_use]
    pub fn of(only_old: u64, only_new: u64) -> Self {
        let n = only_old + only_new;
        let p = (2.0 * upper_tail(n, only_old.max(only_new))).min(1.0);
        Self { only_old, only_new, p, p_worse: upper_tail(n, only_old) }
    }
}

/// P(X ≥ k) of X binomial with n throws of a fair coin.
fn upper_tail(n: u64, k: u64) -> f64 {
    // log C(n, i) from i = 0 upwards; exact enough (1e-12) for the sizes of test splits.
    let mut log_choose = 0.0;
    let mut sum = 0.0;
    let log_all = n as f64 * std::f64::consts::LN_2;
    for i in 0..=n {
        if i >= k {
            sum += f64::exp(log_choose - log_all);
        }
        log_choose += ((n - i) as f64).ln() - ((i + 1) as f64).ln();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_exact_binomial() {
        // scipy.stats.binomtest(k, n, 0.5).pvalue, and alternative="greater" with k = only_old.
        let cases = [
            ((0, 0), 1.0, 1.0),
            ((0, 5), 0.0625, 1.0),
            ((5, 0), 0.0625, 0.03125),
            ((3, 12), 0.035_156_25, 0.996_307_373_046_875),
            ((10, 10), 1.0, 0.588_098_526_000_976_6),
            ((59, 41), 0.088_626_080_114_067_58, 0.044_313_040_057_033_79),
        ];
        for ((only_old, only_new), p, p_worse) in cases {
            let test = McNemar::of(only_old, only_new);
            assert!((test.p - p).abs() < 1e-9, "{only_old}/{only_new}: {test:?}");
            assert!((test.p_worse - p_worse).abs() < 1e-9, "{only_old}/{only_new}: {test:?}");
        }
    }

    #[test]
    fn counts_only_images_on_which_they_differ() {
        let old = [true, true, false, false, true];
        let new = [true, false, true, true, false];
        let test = McNemar::compare(&old, &new);
        assert_eq!((test.only_old, test.only_new), (2, 2));
    }

    #[test]
    fn large_counts_do_not_overflow() {
        let test = McNemar::of(6000, 5000);
        assert!(test.p.is_finite() && test.p < 1e-10);
    }
}
