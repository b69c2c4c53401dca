//! What a bin says of itself, and what the hub wants of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Header;
use crate::name::{ContentId, ModelVersion, TargetName};

/// A bin's presence. On `status`, retained; the last will says `online: false`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Sender, number and time; of a last will, the time of the connection it belongs to.
    #[serde(flatten)]
    pub header: Header,
    /// Whether the bin is connected.
    pub online: bool,
    /// Version of the bin's program.
    pub software: String,
    /// The model in force.
    pub model: ModelVersion,
    /// Whether it can see.
    pub camera: CameraState,
    /// The connection over which it was said, or, of a last will, to which it belongs: counted from 1 within `epoch`.
    /// Absent: a program that does not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// The epochs of the program's starts before this one, the last first, at most [`super::FORMER_EPOCHS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<u32>,
    /// What its camera is. Absent: a program that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera_is: Option<CameraIs>,
    /// The time zone that its system is set to, by its name in the IANA database, such as `Asia/Jakarta`. Absent: it
    /// has none by name, or the program does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// What a camera is: only one that is not real can know the truth of what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraIs {
    /// It shows what is there.
    Real,
    /// It draws what it shows.
    Virtual,
    /// It shows photos from a folder.
    Replay,
}

/// Whether a bin can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CameraState {
    /// Not opened yet.
    Starting,
    /// Frames arrive.
    Streaming,
    /// No frames; it is tried again.
    Failed {
        /// What is wrong, in words.
        error: String,
    },
    /// It has shown all it had: a folder that was replayed to its end.
    Ended,
}

/// A bin's health. On `telemetry`. Counters start at 0 with the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Telemetry {
    /// Sender, number and time.
    #[serde(flatten)]
    pub header: Header,
    /// Seconds since the program started.
    pub uptime_s: u64,
    /// Frames that the trigger looked at.
    pub frames: u64,
    /// Frames that could not be decoded.
    pub frames_corrupt: u64,
    /// Items that were classified.
    pub items: u64,
    /// Messages from the hub that were refused.
    pub refused: u64,
    /// The queue to the hub.
    pub outbox: OutboxState,
    /// Temperature of the processor in °C, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f32>,
    /// Frames that a newer one took the place of before the trigger could look at them; a program
    /// that does not count them says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_skipped: Option<u64>,
    /// Whether the machine slows itself down, where it can be read: on a Raspberry Pi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttling: Option<Throttling>,
    /// The file system of the bin's data, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// Memory that the program takes (resident set), in bytes, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// What moves the flaps, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actuator: Option<ActuatorState>,
    /// How full the bin is, 0 to 1, if a sensor tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<f32>,
    /// As in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// How well the bin sees its chamber.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chamber: Option<ChamberState>,
}

/// Whether a machine slows itself down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Throttling {
    /// For what reasons it does now.
    pub now: Vec<ThrottlingReason>,
    /// For what reasons it did since it was switched on.
    pub since_boot: Vec<ThrottlingReason>,
}

/// Why a machine slows itself down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThrottlingReason {
    /// Its power supply is too weak.
    UnderVoltage,
    /// Its clock is capped, for want of voltage or for heat.
    FrequencyCapped,
    /// It is throttled, for heat.
    Throttled,
    /// It has passed the first limit of its temperature.
    SoftTemperatureLimit,
}

/// How full a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// What is left to the bin's user, in bytes.
    pub free_bytes: u64,
    /// The whole, in bytes.
    pub total_bytes: u64,
}

/// The state of what moves a bin's flaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActuatorState {
    /// Flaps that were opened.
    pub opened: u64,
    /// Flaps that should have been opened and were not.
    pub failed: u64,
    /// What is wrong, in words, as long as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// How well a bin sees its chamber.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChamberState {
    /// Whether it knows what the empty chamber looks like. Until then nothing is sure, and no flap opens.
    pub known: bool,
    /// Items that came before the one before them had gone, and were told from it by their looks.
    pub without_gap: u64,
    /// How often something moved and then lay there that could have been the same item or the next.
    pub unclear: u64,
    /// What is wrong, in words, as long as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The state of a bin's queue to the hub.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxState {
    /// Entries that wait for the hub.
    pub entries: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Images dropped because it was full.
    pub dropped_samples: u64,
    /// Events dropped because it was full of events.
    pub dropped_events: u64,
    /// Entries found damaged on disk and set aside.
    pub damaged: u64,
    /// Entries that the broker does not take, or takes and does not pass on: kept on the bin's disk and tried again
    /// later. A program that does not set any aside says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<u64>,
    /// Images that were made smaller until the broker took them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_smaller: Option<u64>,
    /// The most bytes that the broker takes of a message, as the bin has found out, if that is less than what is
    /// configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_message: Option<u64>,
}

/// The model in force. On `reported`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// Sender, number and time.
    #[serde(flatten)]
    pub header: Header,
    /// The model that classifies.
    pub model: ModelVersion,
    /// SHA-256 of its manifest.
    pub manifest: ContentId,
    /// How far the last update came.
    pub update: UpdateState,
    /// As in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// What the bin goes by when it decides what to believe. Absent: a program that believes the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// The trial that the model in force is on, while it is on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<Probation>,
    /// Models that the bin has taken back by itself and does not install again, the last first, at most
    /// [`super::TAKEN_BACK`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_back: Vec<TakenBack>,
    /// How far the last update of the bin's program came, if it was ever to have another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramUpdate>,
    /// Bytes that came over the network for the last update of the model, metadata included, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_bytes: Option<u64>,
}

/// What a bin goes by when it decides what to believe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trust {
    /// Signatures, and what else.
    pub by: TrustBy,
    /// The version of the root that it trusts. Absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<u64>,
    /// The version of the list of targets that it believes. Absent: none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<u64>,
    /// What is out of order, in words, as long as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What decides whether an update is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrustBy {
    /// Signatures that have not expired.
    Signatures,
    /// Signatures and versions: the clock is not to be relied on, and old news would not be noticed.
    SignaturesWithoutTime,
    /// Nothing yet: the clock is waited for.
    WaitingForTime,
    /// The hub's word: this bin has no root of trust.
    Hub,
}

/// A model on trial: if it does worse than the one before, the bin takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probation {
    /// The model to which the bin would go back.
    pub before: ModelVersion,
    /// Items that it has classified.
    pub items: u64,
    /// Items that it has to classify.
    pub of_items: u64,
    /// Seconds that it has been in force.
    pub seconds: u64,
    /// Seconds that it has to be.
    pub of_seconds: u64,
}

/// A model that a bin has taken back by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenBack {
    /// Its name.
    pub version: ModelVersion,
    /// SHA-256 of its manifest: another model of that name is not meant.
    pub manifest: ContentId,
    /// Why, in words.
    pub reason: String,
}

/// How far an update of a bin's program came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProgramUpdate {
    /// Being fetched and verified.
    Fetching {
        /// The version wanted.
        target: String,
    },
    /// Verified, and handed to whoever installs it.
    Installing {
        /// The version wanted.
        target: String,
    },
    /// Installed, and found healthy.
    Installed {
        /// The version that runs.
        target: String,
    },
    /// Refused, or taken back; the old program goes on.
    Failed {
        /// The version wanted.
        target: String,
        /// What is wrong with it, in words.
        error: String,
    },
}

/// How far an update came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum UpdateState {
    /// What is desired is in force, or nothing is desired.
    Idle,
    /// Being fetched and checked.
    Fetching {
        /// The model wanted.
        target: ModelVersion,
    },
    /// Refused; the old model goes on.
    Failed {
        /// The model wanted.
        target: ModelVersion,
        /// What is wrong with it, in words.
        error: String,
    },
}

/// What the hub wants of a bin. On `desired`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Desired {
    /// Sender, number and time.
    #[serde(flatten)]
    pub header: Header,
    /// The model wanted; `null` leaves the bin its own.
    pub model: Option<DesiredModel>,
    /// The program wanted. Absent: the bin's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<DesiredProgram>,
}

/// A model that the hub wants in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredModel {
    /// Its name.
    pub version: ModelVersion,
    /// SHA-256 of its manifest, which names the rest. A bin without a root of trust fetches each by its id from the hub.
    pub manifest: ContentId,
    /// The target of the update repository that is its manifest. A bin with a root of trust loads what is signed under
    /// this name, and nothing else. Absent: it is not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
}

/// A program that the hub wants in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredProgram {
    /// Its version, as `pilah-edge --version` says it.
    pub version: String,
    /// The target of the update repository that is its package. Only what is signed under this name is installed.
    pub target: TargetName,
}

/// What the hub has committed to its database. On `acks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acks {
    /// The hub's number and time.
    #[serde(flatten)]
    pub header: Header,
    /// The bin's epoch that `seqs` are of.
    pub of_epoch: u32,
    /// The messages that the bin may forget.
    pub seqs: Vec<u64>,
}

/// The hub's presence. On `hub/status`, retained; the last will says `online: false`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HubStatus {
    /// Version of the message, [`super::VERSION`].
    #[schemars(extend("const" = super::VERSION))]
    pub v: u8,
    /// When it was said.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Whether the hub is connected.
    pub online: bool,
    /// Version of the hub's program.
    pub software: String,
}
