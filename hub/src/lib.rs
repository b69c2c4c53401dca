//! The server: gathers samples, has them reviewed, retrains, and pushes models to the bins.

/// Passwords and tokens, which do not show in logs.
pub mod secret;

/// Where the hub is reached, and where requests come from.
pub mod address;

/// Who may come in: limits before HTTP and MQTT.
pub mod door;

/// The one error of the HTTP interface.
pub mod error;

/// A file that a request brings.
mod body;

/// The database and the files: a crate of its own, which knows no stage.
pub use pilah_store as store;

/// Who did what, and when.
mod audit;

/// Who may do what: people by login, bins by secret.
pub mod auth;

/// The embedded MQTT broker.
pub mod broker;

/// From the bins' messages to rows.
pub mod ingest;

/// The bins, what they saw, and how well.
pub mod fleet;

/// The private dataset: images with labels.
pub mod dataset;

/// What the backbone in service makes of every sample.
pub mod embeddings;

/// What a person should look at next, and what they say.
pub mod review;

/// What there is, and whether it is enough.
pub mod statistics;

/// Samples by what is known of them, and by what they look like.
pub mod search;

/// From labelled samples to a new model.
pub mod train;

/// What a model is worth, and whether it may go into service.
pub mod evaluate;

/// Model versions, one of them in service.
pub mod registry;

/// Models in and out.
pub mod exchange;

/// How far the hub's model has come, in one number.
pub mod level;

/// Updates that bins can trust: signed, and served.
pub mod updates;

/// The model in service, to the bins.
pub mod rollout;

/// An image that a person asks about.
pub mod predict;

/// What to do with an item of a class.
pub mod recommend;

/// How much is coming, and when to collect.
pub mod forecast;

/// What happens right now, for whoever watches.
pub mod live;

/// What a hub is started with.
pub mod config;

/// What the hub runs with, and what changes it.
pub mod settings;

/// The hub as a whole: started, served, stopped.
pub mod server;

/// The dashboard that a browser gets.
mod dashboard;

/// The whole of Pilah on one machine, with virtual bins.
pub mod demo;

/// The command line.
pub mod cli;

/// A hub, a client and a bin, for tests.
#[cfg(test)]
mod testing;
