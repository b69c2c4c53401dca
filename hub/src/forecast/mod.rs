//! How much is coming, and when to collect: from dated quantities to forecasts, stock advice and a plan.
//!
//! The modules down to [`artefact`] know nothing of the hub: they take values and times, read no clock and do no
//! IO, and all that is random comes from a seed. `pilah-hub forecast` uses them on files without a hub.

/// CSV files to rows.
pub mod intake;

/// Rows to one value per step of time.
pub mod series;

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

/// How much to keep, and when to order.
pub mod stock;

/// From rows to an artefact.
pub mod training;

/// What a training leaves.
pub mod artefact;

/// How trend and seasons are to be modelled.
pub mod modelling;

/// What is asked.
pub mod question;

/// What is answered.
pub mod answer;

/// The fill of bins, a day at a time.
mod fill;

/// When bins are collected.
pub mod plan;

/// An answer as a picture.
mod plot;

/// Rows in the database.
pub(crate) mod store;

/// Trainings in the background.
pub mod job;

/// HTTP.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

#[cfg(test)]
mod tests;
