//! Which bin gets which version when.

/// Whether the new version holds in the field.
pub mod compare;
