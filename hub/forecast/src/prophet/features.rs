//! What Prophet knows of a point in time besides the trend: Fourier terms of its seasons, and holidays.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Seconds in a day.
pub(super) const DAY: f64 = 86_400.0;

/// Days that repeat under one name, and move the values when they come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    /// What it is called.
    pub name: String,
    /// Its days, as days since 1970-01-01.
    pub days: BTreeSet<i64>,
}

/// A season: a period and the number of Fourier terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    /// In days.
    pub(super) period: f64,
    /// How many pairs of sine and cosine.
    pub(super) order: usize,
}

/// The columns of features at `times` (seconds since 1970-01-01): two per Fourier term of each season, then
/// one per holiday.
pub(super) fn columns(times: &[i64], seasons: &[Season], holidays: &[Holiday]) -> Vec<Vec<f64>> {
    let mut columns = Vec::new();
    for season in seasons {
        // Multiples of an angle follow from the angle by rotation; each term costs one multiplication.
        let angles = times.iter().map(|&at| {
            let days = at as f64 / DAY;
            (std::f64::consts::TAU * (days / season.period).rem_euclid(1.0)).sin_cos()
        });
        let base: Vec<(f64, f64)> = angles.collect();
        let mut turned = base.clone();
        for _ in 0..season.order {
            columns.push(turned.iter().map(|t| t.0).collect());
            columns.push(turned.iter().map(|t| t.1).collect());
            for ((sin, cos), (by_sin, by_cos)) in turned.iter_mut().zip(&base) {
                (*sin, *cos) = (*sin * by_cos + *cos * by_sin, *cos * by_cos - *sin * by_sin);
            }
        }
    }
    for holiday in holidays {
        let on = |&at: &i64| f64::from(u8::from(holiday.days.contains(&at.div_euclid(DAY as i64))));
        columns.push(times.iter().map(on).collect());
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_sines_and_cosines_of_multiples() {
        let times: Vec<i64> = (0..400).map(|day| 1_400_000_000 + day * 86_400).collect();
        let season = Season { period: 365.25, order: 10 };
        let columns = columns(&times, &[season], &[]);
        assert_eq!(columns.len(), 20);
        for (index, &at) in times.iter().enumerate() {
            for term in 0..10 {
                let angle = std::f64::consts::TAU * (term + 1) as f64 * (at as f64 / DAY) / 365.25;
                assert!((columns[2 * term][index] - angle.sin()).abs() < 1e-9);
                assert!((columns[2 * term + 1][index] - angle.cos()).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_holiday_lasts_its_whole_day_also_before_1970() {
        let holiday = Holiday { name: "x".into(), days: BTreeSet::from([-1, 3]) };
        let columns = columns(&[-86_400, -1, 0, 3 * 86_400 + 40_000], &[], &[holiday]);
        assert_eq!(columns, [[1.0, 1.0, 0.0, 1.0]]);
    }
}
