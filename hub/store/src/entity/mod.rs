//! A row type per table.
//!
//! `Model` is a row; `Entity`, `Column` and `ActiveModel` are what SeaORM makes of it.

/// A person who may log in.
pub mod user;

/// A login that lasts.
pub mod session;

/// An enrolled bin and the last that it said of itself.
pub mod bin;

/// An item that a bin classified.
pub mod event;

/// An image, from a bin, an upload or an import.
pub mod sample;

/// A change of a sample's label.
pub mod label_history;

/// What a backbone made of an image, kept so that it is computed once.
pub mod embedding;

/// A training, running or over.
pub mod training;

/// A model version that the hub knows.
pub mod model;

/// A backbone that was imported for trainings to come.
pub mod backbone;

/// Something that somebody did.
pub mod audit;

/// Somebody who listens to the bins over MQTT.
pub mod subscriber;

/// A zip that was sent to be imported.
pub mod import;

/// A frozen version of the dataset.
pub mod dataset_version;

/// What is known of a sample's worth to a reviewer, and who has it in hand.
pub mod review;

/// Something that a reviewer did.
pub mod review_action;

/// A result that took long, kept with what it was computed from.
pub mod computation;

/// How much of a product there was at a time.
pub mod quantity;

/// A training of the forecasts.
pub mod forecast_training;

/// What the last training says of a product.
pub mod forecast_result;

/// What the fill sensor of a bin told in a day.
pub mod fill_day;

/// A version on its way to the bins, or one that was.
pub mod rollout;

/// Something that happened to a rollout.
pub mod rollout_event;

/// What a bin's items of a day, a model and a label came to.
pub mod field_day;
