//! How a bin begins each message, and what it says of its presence.

use pilah_models::wire::{self, CameraIs, CameraState, Header, Status};

use crate::camera::CameraConfig;
use crate::config::Config;
use crate::health::clock::Clock;
use crate::health::machine::clock_synced;
use crate::model_store::InForce;
use crate::outbox::{Key, Outbox};

/// How the next message begins.
pub(super) fn header_of(clock: &Clock, config: &Config, outbox: &mut Outbox, in_force: &InForce) -> Header {
    let Key { epoch, seq } = outbox.next_key();
    let (at, clock_synced) = clock.now(clock_synced(), in_force.classifier.manifest().created_at);
    Header { v: wire::VERSION, bin: config.bin.clone(), epoch, seq, at, clock_synced }
}

/// The presence of a bin that is not connected and has not seen anything yet.
pub(super) fn status_of(config: &Config, outbox: &Outbox, in_force: &InForce, header: Header) -> Status {
    let camera_is = match &config.camera {
        CameraConfig::Virtual(_) => CameraIs::Virtual,
        CameraConfig::Replay(_) => CameraIs::Replay,
        _ => CameraIs::Real,
    };
    Status {
        header,
        online: false,
        software: env!("CARGO_PKG_VERSION").to_owned(),
        model: in_force.version().clone(),
        camera: CameraState::Starting,
        connection: None,
        former: outbox.former_epochs().to_vec(),
        camera_is: Some(camera_is),
        time_zone: jiff::tz::TimeZone::system().iana_name().map(str::to_owned),
    }
}
