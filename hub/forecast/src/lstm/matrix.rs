//! Products of matrices, row by row in memory, on one core.
//!
//! `gemm` picks the vector instructions of the processor at run time. Its interface is of raw pointers; this is
//! the one place that calls it, behind checks of all lengths.

/// A matrix in memory, maybe transposed.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    by_row: isize,
    by_column: isize,
}

impl<'a> View<'a> {
    /// `data` as `rows` rows.
    ///
    /// # Panics
    /// If the length is not that of a matrix.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} rows and {columns} columns");
        Self { data, rows, columns, by_row: columns as isize, by_column: 1 }
    }

    /// The same memory with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, by_row: self.by_column, by_column: self.by_row, ..self }
    }
}

/// `target = a · b`, or `target += a · b`. The target is as many rows as `a` and columns as `b`.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn multiply(target: &mut [f32], add: bool, a: View<'_>, b: View<'_>) {
    assert_eq!(a.columns, b.rows, "shapes of a product");
    assert_eq!(target.len(), a.rows * b.columns, "shape of the target of a product");
    if target.is_empty() {
        return;
    }
    #[expect(unsafe_code, reason = "the only fast product of matrices in the tree takes pointers")]
    // SAFETY: a view's data covers all its rows and columns at its strides, as its constructors assert, and the
    // target covers `a.rows` rows of `b.columns`, as asserted above; borrows keep the three apart.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            target.as_mut_ptr(),
            1,
            b.columns as isize,
            add,
            a.data.as_ptr(),
            a.by_column,
            a.by_row,
            b.data.as_ptr(),
            b.by_column,
            b.by_row,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
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
