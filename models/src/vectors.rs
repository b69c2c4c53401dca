//! Arithmetic on embeddings: how alike two images are.
//!
//! It is here rather than where it is used because this crate is optimised in every profile: a search
//! over 100,000 embeddings is 25 million multiplications.

/// The sum of the products of two vectors, in single precision. Eight running sums let the processor
/// work on several products at once, and keep the rounding error small.
///
/// What one vector has more than the other does not count.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (x, y) in a8.iter().zip(b8) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

/// 1 / length of a vector; 0 for one without a length, which is like nothing.
#[must_use]
pub fn inverse_norm(vector: &[f32]) -> f32 {
    let squared = dot(vector, vector);
    if squared.is_normal() { squared.sqrt().recip() } else { 0.0 }
}

/// The cosine of the angle between `query` and each row of `rows`, −1 to 1, to 1e-5 or so. `norms` has
/// the [`inverse_norm`] of each row; rows are as long as the query.
///
/// # Panics
/// If there is not a norm for each row.
#[must_use]
pub fn cosines(query: &[f32], rows: &[f32], norms: &[f32]) -> Vec<f32> {
    assert_eq!(rows.len(), norms.len() * query.len(), "a norm for each row");
    if query.is_empty() {
        return vec![0.0; norms.len()];
    }
    let norm = inverse_norm(query);
    rows.chunks_exact(query.len()).zip(norms).map(|(row, of_row)| dot(query, row) * norm * of_row).collect()
}

/// The highest cosine between `query` and any row, as [`cosines`] computes it. `None` without rows.
///
/// # Panics
/// As [`cosines`].
#[must_use]
pub fn highest_cosine(query: &[f32], rows: &[f32], norms: &[f32]) -> Option<f32> {
    cosines(query, rows, norms).into_iter().reduce(f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_summed_whatever_the_length() {
        for length in [0, 1, 7, 8, 9, 256, 259] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let expected: f32 = (0..length).map(|i| (i * i) as f32).sum();
            assert_eq!(dot(&a, &a), expected, "{length}");
        }
    }

    #[test]
    fn cosines_do_not_depend_on_length_and_nothing_is_like_zero() {
        let rows = [1.0, 0.0, 0.0, 3.0, -2.0, 0.0, 0.0, 0.0];
        let norms: Vec<f32> = rows.chunks(2).map(inverse_norm).collect();
        let found = cosines(&[5.0, 0.0], &rows, &norms);
        assert_eq!(found, [1.0, 0.0, -1.0, 0.0]);
        assert_eq!(highest_cosine(&[0.0, 0.1], &rows, &norms), Some(1.0));
        assert_eq!(highest_cosine(&[1.0, 1.0], &[], &[]), None);
        assert_eq!(cosines(&[f32::NAN, 1.0], &rows, &norms).len(), 4);
        assert_eq!(inverse_norm(&[f32::NAN]), 0.0, "no number has no length");
    }
}
