//! Journeys across bin, hub and broker, each told by its module's first lines.

mod bad_models;
mod demo;
mod exactly_once;
mod identity;
mod learning;
mod strangers;
mod worker;
