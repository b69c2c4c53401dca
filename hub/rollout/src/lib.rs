//! Which bin gets which version when.
