//! Forecasts in the hub: the quantities of all bins and files, trainings on them, and their answers over HTTP.
//!
//! What is computed, and how, is in the crate `pilah_forecast`, which reads no clock and does no IO. Here are the rows
//! in the database, the trainings and fits in the background, and the routes. `pilah-hub forecast` uses the crate on
//! files without a hub.

/// Rows in the database.
pub(crate) mod store;

/// Trainings in the background.
pub mod job;

/// HTTP.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

#[cfg(test)]
mod tests;
