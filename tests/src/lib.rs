//! The stage for journeys: the real programs as processes, a real broker, real photos.
//!
//! Whatever a journey starts is stopped when its handle is dropped. Servers listen on 127.0.0.1 on
//! ports that were free a moment ago. A journey waits for what it expects by [`eventually`], which
//! fails with the words of what did not come.

/// The programs under test, and waiting for them.
pub mod program;

/// A hub with its own data folder.
pub mod hub;

/// A bin with its own configuration and data folder.
pub mod bin;

/// Debian's Mosquitto as an external broker.
pub mod mosquitto;

/// Debian's nginx before a hub.
pub mod nginx;

/// A file system that can be full.
pub mod small_disk;

/// Photos with known labels.
pub mod photos;

/// Models that have learned nothing yet.
pub mod model;

/// What the documents say.
#[cfg(test)]
mod documents;

/// Which room may use which.
#[cfg(test)]
mod floors;
