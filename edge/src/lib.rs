//! The program on the bin: it sees an item, classifies it on the spot, and tells the hub.
//!
//! ```text
//! camera ─► trigger ─► infer ─► vote ─► decide ─► act, outbox ─► link ─► broker ─► hub
//!    threads: camera │ pipeline (trigger … decide) │ bin (outbox and all state) │ act (flaps) │ link (MQTT)
//! ```
//!
//! What decides is pure and takes the time as an argument; [`run`] joins the parts in one loop.

/// What a person is told of an error.
mod words;

/// What may be shown of a text that comes from elsewhere.
mod masked;

/// Secrets, from files or the environment.
pub mod secret;

/// Where brokers, hubs and cameras are.
pub mod address;

/// Those who may vouch for a server, and what one that is not accepted means.
mod certificates;

/// Pauses before trying again.
pub mod backoff;

/// Another program, run with a time limit.
mod program;

/// Where frames come from.
pub mod camera;

/// The part of the picture that is looked at.
pub mod region;

/// When to look.
pub mod trigger;

/// One answer from several frames.
pub mod vote;

/// From probabilities to an answer.
pub mod decide;

/// What is counted.
pub mod telemetry;

/// From frames to items, in a thread of its own.
pub mod pipeline;

/// What moves when an item was classified.
pub mod act;

/// How full the bin is.
pub mod fill;

/// Which images are worth sending.
pub mod samples;

/// What the hub has not committed yet.
pub mod outbox;

/// The connection to the broker.
pub mod link;

/// The models on the bin's disk.
pub mod model_store;

/// How the bin is, and to whom it is told.
pub mod health;

/// What is served to whoever stands before the bin.
pub mod local;

/// What a bin is told by its configuration file.
pub mod config;

/// The bin: one loop that joins all parts.
pub mod run;

/// Images from files, classified at once.
pub mod classify;

/// What is wrong with an installation, and what to do.
pub mod doctor;

/// How often the trigger errs.
pub mod confusion;

/// What each stage costs on this machine.
pub mod bench;

#[cfg(test)]
mod testing;
