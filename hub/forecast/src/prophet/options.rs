//! What a Prophet model is fitted with, and why it cannot be.

use serde::{Deserialize, Serialize};

use super::Holiday;

/// How the trend grows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// By a rate that changes at changepoints.
    #[default]
    Linear,
    /// Not at all.
    Flat,
    /// Towards a capacity, from a floor.
    Logistic {
        /// What the values saturate at.
        capacity: f64,
        /// What they start from.
        floor: f64,
    },
}

/// Whether a season is in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seasonality {
    /// If the history is long and dense enough: two years for the yearly season, two weeks of days for the
    /// weekly, two days of hours for the daily.
    #[default]
    Auto,
    /// No.
    Off,
    /// With this number of Fourier terms.
    Order(usize),
}

/// What a Prophet model is fitted with. The defaults are those of the Python package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// How the trend grows.
    pub growth: Growth,
    /// How many changepoints the trend may have, at most.
    pub changepoints: usize,
    /// The share of the history, from its start, that changepoints are in.
    pub changepoint_range: f64,
    /// How easily the trend changes: the scale of the prior of changes.
    pub changepoint_scale: f64,
    /// The season of a year, 10 terms.
    pub yearly: Seasonality,
    /// The season of a week, 3 terms.
    pub weekly: Seasonality,
    /// The season of a day, 4 terms.
    pub daily: Seasonality,
    /// Whether seasons and holidays scale the trend rather than add to it.
    pub multiplicative: bool,
    /// How strong seasons may be.
    pub season_scale: f64,
    /// How strong holidays may be.
    pub holiday_scale: f64,
    /// The holidays.
    pub holidays: Vec<Holiday>,
    /// How many futures are drawn for intervals.
    pub draws: usize,
    /// Whether to go on to the optimum, about ten times as long, rather than to stop where Python's package
    /// does. The result then does not depend on rounding.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            growth: Growth::Linear,
            changepoints: 25,
            changepoint_range: 0.8,
            changepoint_scale: 0.05,
            yearly: Seasonality::Auto,
            weekly: Seasonality::Auto,
            daily: Seasonality::Auto,
            multiplicative: false,
            season_scale: 10.0,
            holiday_scale: 10.0,
            holidays: Vec::new(),
            draws: 1000,
            exact: false,
        }
    }
}

/// Why a Prophet model cannot be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProphetError {
    /// Fewer than two values.
    #[error("a trend needs two values or more at different times, and there are {0}")]
    TooFew(usize),
    /// Not finite, or times do not ascend.
    #[error("value {index} is not a number, or its time is not after the one before")]
    Values {
        /// Counted from 0.
        index: usize,
    },
    /// Logistic growth without room to grow.
    #[error("logistic growth needs a capacity above its floor: {capacity} is not above {floor}")]
    Capacity {
        /// As given.
        capacity: f64,
        /// As given.
        floor: f64,
    },
}
