//! The forecast that every other one must beat: the same as a season ago.

use serde::{Deserialize, Serialize};

/// Repeats the last season.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeasonalNaive {
    /// The last season, oldest value first.
    last: Vec<f64>,
}

impl SeasonalNaive {
    /// Of values without gaps; a series shorter than its season repeats its last value.
    #[must_use]
    pub fn fit(values: &[f64], season: usize) -> Self {
        let length = if values.len() >= season { season.max(1) } else { 1 };
        Self { last: values[values.len().saturating_sub(length)..].to_vec() }
    }

    /// The next `steps` values; 0 if there was none.
    #[must_use]
    pub fn predict(&self, steps: usize) -> Vec<f64> {
        if self.last.is_empty() {
            return vec![0.0; steps];
        }
        self.last.iter().copied().cycle().take(steps).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_season_comes_again() {
        let values = [9.0, 9.0, 1.0, 2.0, 3.0];
        assert_eq!(SeasonalNaive::fit(&values, 3).predict(5), [1.0, 2.0, 3.0, 1.0, 2.0]);
        assert_eq!(SeasonalNaive::fit(&values, 1).predict(2), [3.0, 3.0]);
        assert_eq!(SeasonalNaive::fit(&values, 12).predict(2), [3.0, 3.0]);
        assert_eq!(SeasonalNaive::fit(&[], 7).predict(2), [0.0, 0.0]);
    }
}
