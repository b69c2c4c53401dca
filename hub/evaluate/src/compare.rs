//! Two models on the same images, over all and class by class.

use pilah_models::labels::Labels;
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::McNemar;

/// Two models on the images of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassTest {
    /// The class.
    #[schema(value_type = String)]
    pub label: Label,
    /// How many images truly are of it.
    pub images: u64,
    /// How many of them the old model labels right.
    pub old_right: u64,
    /// How many of them the new model labels right.
    pub new_right: u64,
    /// McNemar's exact test on them.
    pub test: McNemar,
    /// `test.p_worse`, corrected for the number of classes by Holm: the chance that any class looks this
    /// much worse although none is.
    pub p_worse: f64,
}

/// Compares class by class: `truths[i]` is the true class of image `i`; the others say whether each model
/// labels it right. Classes without an image are not tested.
///
/// # Panics
/// If the slices differ in length or a class is not among the labels: a defect of the caller.
#[must_use]
pub fn by_class(labels: &Labels, truths: &[usize], old_right: &[bool], new_right: &[bool]) -> Vec<ClassTest> {
    assert!(truths.len() == old_right.len() && truths.len() == new_right.len(), "one answer of each per truth");
    let test = |(class, label): (usize, &Label)| {
        let of_class = |right: &[bool]| -> Vec<bool> {
            truths.iter().zip(right).filter(|(truth, _)| **truth == class).map(|(_, right)| *right).collect()
        };
        let (old, new) = (of_class(old_right), of_class(new_right));
        let count = |right: &[bool]| right.iter().filter(|right| **right).count() as u64;
        let test = McNemar::compare(&old, &new);
        let (old_right, new_right) = (count(&old), count(&new));
        ClassTest { label: label.clone(), images: old.len() as u64, old_right, new_right, test, p_worse: test.p_worse }
    };
    let mut tests: Vec<ClassTest> =
        labels.as_slice().iter().enumerate().map(test).filter(|test| test.images > 0).collect();
    let corrected = holm(&tests.iter().map(|test| test.test.p_worse).collect::<Vec<_>>());
    tests.iter_mut().zip(corrected).for_each(|(test, p)| test.p_worse = p);
    tests
}

/// Corrects probabilities for their number (S. Holm, *Scandinavian Journal of Statistics* 6, 1979): the
/// smallest of k is multiplied by k, the next by k − 1, and so on, none below the one before.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut corrected = vec![0.0; p.len()];
    let mut least: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(p[index] * (p.len() - rank) as f64).min(1.0);
        corrected[index] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_agrees_with_r() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn each_class_is_tested_on_its_own_images() {
        let labels = Labels::parse(["a", "b", "c"]).expect("valid");
        let truths: Vec<usize> = [vec![0; 10], vec![1; 10]].concat();
        let old: Vec<bool> = vec![true; 20];
        let new: Vec<bool> = (0..20).map(|i| !(10..17).contains(&i)).collect();
        let tests = by_class(&labels, &truths, &old, &new);
        let [a, b] = &tests[..] else { panic!("c has no image: {tests:?}") };
        assert_eq!((a.images, a.old_right, a.new_right), (10, 10, 10));
        assert_eq!((b.test.only_old, b.test.only_new, b.new_right), (7, 0, 3));
        assert!((b.test.p_worse - 1.0 / 128.0).abs() < 1e-12);
        assert!((b.p_worse - 2.0 / 128.0).abs() < 1e-12, "two classes were tested");
        assert!((a.p_worse - 1.0).abs() < 1e-12);
    }
}
