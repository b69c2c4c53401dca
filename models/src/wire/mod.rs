//! What goes over MQTT, version 1: the types, their encoding, and where each is sent.
//!
//! Messages are JSON, except that a `Sample` is CBOR, because it carries an image. Every message
//! begins with a `Header`. A reader ignores fields that it does not know, so that a newer sender
//! may add some; what an old reader must not misread gets a new version number, and a message of an
//! unknown version is refused with its number.
//!
//! (`bin`, `epoch`, `seq`) names one message of one bin for ever: MQTT delivers at least once, and
//! the hub uses that key to store exactly once. `epoch` is drawn at random at each start of a bin's
//! program, so that one whose SD card was replaced, restored or copied, and which counts numbers again
//! that were used before, is not taken for one that repeats itself.
//!
//! What a bin says of its state replaces what it said before, by number and not by arrival: brokers
//! deliver the old after the new. Within an epoch the order is `connection`, then `seq`, except that the
//! last word of a connection is its last will, which was numbered before the connection was there.
//! Which epoch comes after which says the list of former epochs in the status.
//!
//! `golden/wire/` holds one file per message and version; a change that cannot read them any more
//! breaks bins in the field. The JSON Schemas and `docs/asyncapi.yaml` are generated from here.

/// Topics and who may use them.
pub mod topic;

/// What a bin says of an item, and the images it sends.
pub mod observation;

/// What a bin says of itself, and what the hub wants of it.
pub mod state;

/// What the hub asks of a bin at once, and what the bin answers.
pub mod command;

/// Bytes to messages and back, with errors that say what was wrong.
mod codec;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use codec::{DecodeError, Message};
pub use command::{Command, CommandResult, Reply, Request};
pub use observation::{Event, Outcome, Probabilities, Sample, SampleMeta, SampleReason, Truth, TruthSource};
pub use state::{
    Acks, ActuatorState, CameraIs, CameraState, ChamberState, Desired, DesiredModel, DesiredProgram, Disk, HubStatus,
    OutboxState, Probation, ProgramUpdate, Reported, Status, TakenBack, Telemetry, Throttling, ThrottlingReason, Trust,
    TrustBy, UpdateState,
};

use crate::name::BinId;

/// The version of the messages in this module.
pub const VERSION: u8 = 1;

/// No message is larger, in bytes: AWS IoT refuses more than 128 KiB, other brokers allow more.
/// Both ends set their packet limit to this and check before they publish.
pub const LARGEST_MESSAGE: usize = 128 * 1024;

/// No sample's JPEG is larger, in bytes, so that with its metadata it fits [`LARGEST_MESSAGE`].
pub const LARGEST_JPEG: usize = 120 * 1024;

/// The most epochs of former starts that a bin remembers and tells.
pub const FORMER_EPOCHS: usize = 16;

/// The most models that a bin tells it has taken back.
pub const TAKEN_BACK: usize = 8;

/// How every message of a bin, and to a bin, begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Version of the message, [`VERSION`].
    #[schemars(extend("const" = VERSION))]
    pub v: u8,
    /// The bin that the message is of, or for.
    pub bin: BinId,
    /// The incarnation of the sender's counter: drawn at random at each start of its program.
    pub epoch: u32,
    /// Counts the sender's messages within `epoch`, from 1.
    pub seq: u64,
    /// When it was said, by the sender's clock. Order by `seq`, not by this.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Whether the sender's clock was synchronised; a Pi without a network starts in the past.
    pub clock_synced: bool,
}

#[cfg(test)]
mod tests;
