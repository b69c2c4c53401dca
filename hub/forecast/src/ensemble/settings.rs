//! What an ensemble is made of and fitted with, what is heard of a fit, and why there is none.

use serde::{Deserialize, Serialize};

use crate::prophet::Growth;
use crate::series::Cadence;
use crate::{lstm, prophet};

/// A model of the ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// Trend, seasons and holidays.
    Prophet,
    /// The recurrent network.
    Lstm,
    /// Exponential smoothing.
    Smoothing,
    /// The last season again.
    Naive,
    /// For sporadic demand.
    Intermittent,
}

impl Member {
    /// As it is called outside.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prophet => "prophet",
            Self::Lstm => "lstm",
            Self::Smoothing => "smoothing",
            Self::Naive => "naive",
            Self::Intermittent => "intermittent",
        }
    }
}

/// How the models are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighing {
    /// Prophet 60, network 40; without a network as `Validated`.
    #[default]
    Fixed,
    /// By their errors in the backtest.
    Validated,
}

/// What an ensemble is fitted with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Of Prophet.
    pub prophet: prophet::Options,
    /// Of the network; `None`: without one.
    pub lstm: Option<lstm::Options>,
    /// How the models are weighed.
    pub weighing: Weighing,
    /// How many steps ahead the backtest forecasts; `None`: a season or a month, whichever is more.
    pub horizon: Option<usize>,
    /// From how many origins, at most.
    pub origins: usize,
    /// The probability of the truth to be inside an interval, in the backtest.
    pub level: f64,
    /// Of all that is random.
    pub seed: u64,
    /// The step of series, if it is stated rather than found out.
    #[serde(default)]
    pub cadence: Option<Cadence>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prophet: prophet::Options::default(),
            lstm: None,
            weighing: Weighing::Fixed,
            horizon: None,
            origins: 6,
            level: 0.8,
            seed: 0,
            cadence: None,
        }
    }
}

impl Settings {
    /// These settings for a part of what they are meant for, which has this share of its largest value: the capacity
    /// of logistic growth is that of the whole.
    #[must_use]
    pub fn of_part(&self, share: f64) -> Self {
        let mut part = self.clone();
        if let Growth::Logistic { capacity, floor } = &mut part.prophet.growth
            && share > 0.0
            && share.is_finite()
        {
            *capacity *= share;
            *floor *= share;
        }
        part
    }
}

/// What a fit is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// Prophet is fitted.
    Prophet,
    /// The network that is tested on the past has done an epoch.
    LstmTested(lstm::Epoch),
    /// The network that will forecast has done an epoch.
    Lstm(lstm::Epoch),
}

/// Why there is no model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Fewer known values than a forecast takes.
    #[error("a forecast takes {LEAST} known values or more, and there are {0}")]
    TooFew(usize),
    /// Whoever watches said so.
    #[error("the fit was cancelled")]
    Cancelled,
}

/// The fewest known values of a series that is forecast.
pub const LEAST: usize = 3;
