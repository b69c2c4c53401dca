//! How much is coming, and when to collect: from dated quantities to forecasts, stock advice and a plan.
//!
//! [`intake`] reads CSV files to rows, [`series`] makes one value per step of time of them, [`training`] fits all
//! models to them and leaves an [`artefact`]; [`answer`] says what an [`ensemble`] makes of a [`question`]. For bins,
//! [`fill`] tells what a sensor's readings mean, and [`plan`] when a truck should come.
//!
//! Nothing here knows the hub: it takes values and times, reads no clock and does no IO, and all that is random comes
//! from a seed. So a file can be forecast without a hub, and the same data gives the same numbers. Files, database,
//! HTTP and the time of day are with those who call.

/// CSV files to rows.
pub mod intake;

/// Rows to one value per step of time.
pub mod series;

/// The fill of bins, a day at a time.
pub mod fill;

/// Public holidays.
pub mod holidays;

/// Draws and quantiles.
mod random;

/// Trend, seasons and holidays.
pub mod prophet;

/// A recurrent network.
pub mod lstm;

/// Level, trend and season that follow the series.
pub mod smoothing;

/// The same as a season ago.
pub mod naive;

/// Demand that comes now and then.
pub mod intermittent;

/// Errors of forecasts.
pub mod accuracy;

/// Intervals learned from errors.
pub mod spread;

/// All models of a series, weighed against each other.
pub mod ensemble;

/// From rows to an artefact.
pub mod training;

/// What a training leaves.
pub mod artefact;

/// How trend and seasons are to be modelled.
pub mod modelling;

/// What is asked.
pub mod question;

/// How much to keep, and when to order.
pub mod stock;

/// What is answered.
pub mod answer;

/// An answer as a picture.
pub mod plot;

/// When bins are collected.
pub mod plan;
