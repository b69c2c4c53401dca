//! How the bin is, and to whom it is told: what the machine says of itself, what the loop knows, the
//! service manager, and Prometheus.
//!
//! The loop in [`crate::run`] owns the knowledge. It leaves a copy of it ([`vitals::Vitals`]) for
//! whoever shows it, and tells the service manager that it turns ([`service::Service`]); nothing here
//! can hold it up.

/// What the machine says of itself: heat, voltage, disk, memory, clock.
pub mod machine;

/// The wall clock.
pub mod clock;

/// What the loop knows of the bin.
pub mod vitals;

/// The service manager: ready, alive, stopping.
pub mod service;

/// The bin's figures as Prometheus reads them.
pub mod metrics;
