//! How far forecasts are from the truth.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Errors of a forecast over all origins of a backtest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastAccuracy)]
pub struct Accuracy {
    /// The mean absolute error, in units of the quantity.
    pub mae: f64,
    /// The root mean squared error in units of that of the seasonal naive forecast one season ahead, within
    /// the history before the first origin. Source: Hyndman and Koehler, "Another look at measures of forecast
    /// accuracy", 2006, with squares as in the M5 competition.
    pub rmsse: f64,
    /// The share of true values inside the interval, if there were intervals.
    pub coverage: Option<f64>,
    /// How many values were forecast.
    pub values: usize,
}

/// The root mean square of the differences over a season; of neighbours, if they are all 0; 1 if those are too.
#[must_use]
pub fn naive_scale(values: &[f64], season: usize) -> f64 {
    let over = |lag: usize| {
        if values.len() <= lag {
            return 0.0;
        }
        let squares = values.windows(lag + 1).map(|w| (w[lag] - w[0]) * (w[lag] - w[0]));
        (squares.sum::<f64>() / (values.len() - lag) as f64).sqrt()
    };
    [over(season.max(1)), over(1)].into_iter().find(|scale| *scale > 0.0).unwrap_or(1.0)
}

/// The accuracy of errors (forecast minus truth) given the scale.
#[must_use]
pub fn of_errors(errors: &[f64], scale: f64, inside: Option<usize>) -> Accuracy {
    let count = errors.len().max(1) as f64;
    let squares = errors.iter().map(|e| e * e).sum::<f64>() / count;
    Accuracy {
        mae: errors.iter().map(|e| e.abs()).sum::<f64>() / count,
        rmsse: squares.sqrt() / scale,
        coverage: inside.map(|inside| inside as f64 / count),
        values: errors.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_scaled_by_those_of_the_naive_forecast() {
        assert_eq!(naive_scale(&[1.0, 2.0, 4.0, 2.0], 2), (9.0_f64 / 2.0).sqrt());
        assert_eq!(naive_scale(&[1.0, 2.0, 1.0, 2.0], 2), 1.0, "a perfect season leaves the neighbours");
        assert_eq!(naive_scale(&[3.0, 3.0, 3.0], 2), 1.0);
        let accuracy = of_errors(&[3.0, -1.0], 2.0, Some(1));
        assert_eq!(accuracy, Accuracy { mae: 2.0, rmsse: 5.0_f64.sqrt() / 2.0, coverage: Some(0.5), values: 2 });
    }
}
