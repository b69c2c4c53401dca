//! Which bin gets which version when, and what happens next: decided without IO, without a clock, and the same whoever
//! asks and in whatever order the bins come.
//!
//! A rollout brings a new version to the fleet group by group. [`plan`] is what people asked for, [`progress`] how far it
//! has come, [`standing`] where each bin is, [`step`] what follows from it. Who calls keeps plan and progress, tells each
//! bin what [`standing::survey`] says that it should have, and remembers that it was told.

/// Whether the new version holds in the field.
pub mod compare;

/// Bins and models, as a rollout sees them.
pub mod fleet;

/// When a bin may be told of a new version, by the clock of where it stands.
pub mod window;

/// What people asked for: a version, groups, rules.
pub mod plan;

/// How far a rollout has come, and what happened on the way.
pub mod progress;

/// Where each bin stands, and what it should have.
pub mod standing;

/// What happens next.
pub mod step;

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
