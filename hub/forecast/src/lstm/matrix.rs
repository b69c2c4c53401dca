//! Products of matrices, row by row in memory, on one core; `ndarray`'s kernels pick the vector instructions of the
//! processor at run time.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

/// A matrix in memory, maybe transposed.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a>(ArrayView2<'a, f32>);

impl<'a> View<'a> {
    /// `data` as `rows` rows.
    ///
    /// # Panics
    /// If the length is not that of a matrix.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} rows and {columns} columns");
        Self(ArrayView2::from_shape((rows, columns), data).expect("of this length"))
    }

    /// The same memory with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self(self.0.reversed_axes())
    }
}

/// `target = a · b`, or `target += a · b`. The target is as many rows as `a` and columns as `b`.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn multiply(target: &mut [f32], add: bool, View(a): View<'_>, View(b): View<'_>) {
    assert_eq!(a.ncols(), b.nrows(), "shapes of a product");
    let shape = (a.nrows(), b.ncols());
    let mut target = ArrayViewMut2::from_shape(shape, target).expect("shape of the target of a product");
    general_mat_mul(1.0, &a, &b, if add { 1.0 } else { 0.0 }, &mut target);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        let a: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let b: Vec<f32> = (0..12).map(|i| (i * i) as f32 - 20.0).collect();
        let expected = |i: usize, j: usize| (0..3).map(|k| a[i * 3 + k] * b[k * 4 + j]).sum::<f32>();
        let mut target = vec![100.0; 8];
        multiply(&mut target, false, View::new(&a, 2, 3), View::new(&b, 3, 4));
        multiply(&mut target, true, View::new(&a, 2, 3), View::new(&b, 3, 4));
        for i in 0..2 {
            for j in 0..4 {
                assert_eq!(target[i * 4 + j], 2.0 * expected(i, j));
            }
        }
        let mut turned = vec![0.0; 8];
        multiply(&mut turned, false, View::new(&b, 3, 4).transposed(), View::new(&a, 2, 3).transposed());
        assert_eq!(turned[3 * 2 + 1], expected(1, 3));
    }

    #[test]
    #[should_panic(expected = "shapes of a product")]
    fn shapes_that_do_not_fit_are_refused() {
        multiply(&mut [0.0; 4], false, View::new(&[0.0; 6], 2, 3), View::new(&[0.0; 4], 2, 2));
    }
}
