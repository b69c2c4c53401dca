//! Journeys across bin, hub and broker, each told by its module's first lines.

mod bad_models;
mod broker_limits;
mod certificates;
mod demo;
mod exactly_once;
mod full_disk;
mod identity;
mod learning;
mod network_cameras;
mod proxies;
mod strangers;
mod updates;
mod worker;
