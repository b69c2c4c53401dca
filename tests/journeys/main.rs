//! Journeys across bin, hub and broker, each told by its module's first lines.

mod bad_models;
mod demo;
mod exactly_once;
mod learning;
mod proxies;
mod strangers;
mod worker;
