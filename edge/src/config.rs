//! What a bin is told by its configuration file: TOML, read once, checked whole.
//!
//! An error names the file, the key and the value. A key that is not known is an error, because a
//! misspelt one would silently leave its default. Secrets are not in it: the password is in a file of
//! its own, or in the environment variable [`PASSWORD_VARIABLE`]. Relative paths are relative to the
//! folder in which the program was started.
//!
//! What comes of it are the settings and rules of the rooms below, each a type of the room that goes by it; they
//! know nothing of the file.

/// What the bin sees with.
mod camera;

/// What the bin moves.
mod act;

/// Where the fill level comes from.
mod fill;

/// What someone meant who misspelt a key.
mod nearest;

/// Whether the model knows the classes that flaps are for.
pub mod classes;

/// What the bin serves on its own machine.
mod local;

/// What a new model has to go through.
mod probation;
/// Whose word counts for updates.
mod updates;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local::RawServer;
use pilah_models::name::BinId;
use pilah_models::wire::LARGEST_MESSAGE;
use serde::Deserialize;

use crate::act::BodyConfig;
use crate::address::{BrokerAddress, HubAddress};
use crate::camera::CameraConfig;
use crate::fill::FillConfig;
use crate::link::{AckBy, MqttConfig, ceiling};
use crate::local::LocalConfig;
use crate::model_store::fetch::HubConfig;
use crate::model_store::repository::UpdatesConfig;
use crate::model_store::standing::StandingRules;
use crate::outbox::OutboxRules;
use crate::region::Region;
use crate::samples::SampleRules;
use crate::secret::{PASSWORD_VARIABLE, Secret};
use crate::trigger::TriggerRules;

/// The version of the configuration's format.
pub const VERSION: u32 = 1;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It is no TOML, or a key or a value is not one that is known.
    #[error("{} is not valid{}", path.display(), meant.as_ref().map(|meant| format!(" (did you mean {meant:?}?)")).unwrap_or_default())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The known name that is nearest to an unknown one.
        meant: Option<String>,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// A value is out of bounds, or contradicts another.
    #[error("{}: {key} = {value}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key with its section, as in `mqtt.url`.
        key: String,
        /// Its value.
        value: String,
        /// What would be valid.
        problem: String,
    },
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who the bin is.
    pub bin: BinId,
    /// Where the outbox and the models are kept.
    pub data_dir: PathBuf,
    /// What it sees with.
    pub camera: CameraConfig,
    /// The part of the picture that it looks at.
    pub region: Region,
    /// When it looks.
    pub trigger: TriggerRules,
    /// How many frames vote on an item.
    pub vote_frames: u8,
    /// The bundle that is used until the hub wants another; `None` for the one that ships.
    pub bundle: Option<PathBuf>,
    /// Which images are kept.
    pub samples: SampleRules,
    /// The bounds of the outbox.
    pub outbox: OutboxRules,
    /// The connection to the broker.
    pub mqtt: MqttConfig,
    /// Where artifacts are fetched; `None`: the bin takes no updates.
    pub hub: Option<HubConfig>,
    /// What a new model has to go through.
    pub standing: StandingRules,
    /// Whose word counts for updates, and what they may take.
    pub updates: UpdatesConfig,
    /// How often telemetry is sent.
    pub telemetry_every: Duration,
    /// What it serves on its own machine.
    pub local: LocalConfig,
    /// What it moves, its button and its light.
    pub body: BodyConfig,
    /// Where the fill level comes from; `None`: it is not measured.
    pub fill: Option<FillConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    version: u32,
    data_dir: PathBuf,
    bin: RawBin,
    camera: CameraConfig,
    #[serde(default)]
    trigger: RawTrigger,
    #[serde(default)]
    vote: RawVote,
    #[serde(default)]
    model: RawModel,
    #[serde(default)]
    samples: SampleRules,
    #[serde(default)]
    outbox: OutboxRules,
    mqtt: RawMqtt,
    hub: Option<RawHub>,
    #[serde(default)]
    updates: updates::RawUpdates,
    #[serde(default)]
    telemetry: RawTelemetry,
    #[serde(default)]
    metrics: RawServer,
    #[serde(default)]
    preview: RawServer,
    #[serde(default)]
    gpio: act::RawGpio,
    #[serde(default)]
    act: act::RawAct,
    #[serde(default)]
    fill: fill::RawFill,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBin {
    id: BinId,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTrigger {
    region: Region,
    settle_s: f64,
    reach_settle_s: f64,
    clear_s: f64,
    stuck_after_s: f64,
    motion_share: f32,
    presence_share: f32,
}

impl Default for RawTrigger {
    fn default() -> Self {
        let rules = TriggerRules::default();
        Self {
            region: Region::WHOLE,
            settle_s: rules.settle.as_secs_f64(),
            reach_settle_s: rules.reach_settle.as_secs_f64(),
            clear_s: rules.clear.as_secs_f64(),
            stuck_after_s: rules.stuck_after.as_secs_f64(),
            motion_share: rules.motion_share,
            presence_share: rules.presence_share,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawVote {
    frames: u8,
}

impl Default for RawVote {
    fn default() -> Self {
        Self { frames: 3 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawModel {
    bundle: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMqtt {
    url: String,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    ack: AckBy,
    #[serde(default = "RawMqtt::keep_alive_s")]
    keep_alive_s: u16,
    #[serde(default = "RawMqtt::reconnect_min_s")]
    reconnect_min_s: f64,
    #[serde(default = "RawMqtt::reconnect_max_s")]
    reconnect_max_s: f64,
    #[serde(default = "RawMqtt::resend_after_s")]
    resend_after_s: f64,
    #[serde(default = "RawMqtt::in_flight")]
    in_flight: u16,
    #[serde(default = "RawMqtt::largest_message")]
    largest_message: usize,
}

impl RawMqtt {
    fn keep_alive_s() -> u16 {
        30
    }
    fn reconnect_min_s() -> f64 {
        0.5
    }
    fn reconnect_max_s() -> f64 {
        60.0
    }
    fn resend_after_s() -> f64 {
        30.0
    }
    fn in_flight() -> u16 {
        32
    }
    fn largest_message() -> usize {
        LARGEST_MESSAGE
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHub {
    url: String,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTelemetry {
    every_s: f64,
}

impl Default for RawTelemetry {
    fn default() -> Self {
        Self { every_s: 60.0 }
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file, and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a configuration file; `path` is for the errors.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let parse = |source: toml::de::Error| ConfigError::Parse {
            path: path.to_owned(),
            meant: nearest::nearest(source.message()),
            source: Box::new(source),
        };
        let raw: RawConfig = toml::from_str(text).map_err(parse)?;
        raw.check().map_err(|Wrong { key, value, problem }| ConfigError::Value {
            path: path.to_owned(),
            key,
            value,
            problem,
        })
    }

    /// The bin's password, from its file or from the environment.
    ///
    /// # Errors
    /// There is none: the message says where it was looked for.
    pub fn password(&self) -> io::Result<Secret> {
        Secret::find("mqtt.password_file", self.mqtt.password_file.as_deref(), PASSWORD_VARIABLE)
    }
}

struct Wrong {
    key: String,
    value: String,
    problem: String,
}

fn wrong(key: &str, value: impl fmt::Debug, problem: impl Into<String>) -> Wrong {
    Wrong { key: key.to_owned(), value: format!("{value:?}"), problem: problem.into() }
}

fn within<T: PartialOrd + fmt::Debug + Copy>(key: &str, value: T, least: T, most: T) -> Result<T, Wrong> {
    if least <= value && value <= most {
        Ok(value)
    } else {
        Err(wrong(key, value, format!("it must be from {least:?} to {most:?}")))
    }
}

fn seconds(key: &str, value: f64, least: f64, most: f64) -> Result<Duration, Wrong> {
    within(key, value, least, most).map(Duration::from_secs_f64)
}

impl RawConfig {
    fn check(self) -> Result<Config, Wrong> {
        if self.version != VERSION {
            return Err(wrong("version", self.version, format!("this build reads version {VERSION}")));
        }
        if self.data_dir.as_os_str().is_empty() {
            return Err(wrong("data_dir", self.data_dir, "it must name a folder"));
        }
        self.camera.check()?;
        within("samples.random_share", self.samples.random_share, 0.0, 1.0)?;
        within("samples.largest_side", self.samples.largest_side, 32, 4096)?;
        within("outbox.segment_bytes", self.outbox.segment_bytes, 64 * 1024, 1 << 30)?;
        within("outbox.max_bytes", self.outbox.max_bytes, 1 << 20, 1 << 40)?;
        let t = self.trigger;
        let hub = self.hub.map(RawHub::check).transpose()?;
        let (updates, standing) = self.updates.check(hub.as_ref())?;
        Ok(Config {
            bin: self.bin.id,
            data_dir: self.data_dir,
            camera: self.camera,
            region: t.region,
            trigger: TriggerRules {
                settle: seconds("trigger.settle_s", t.settle_s, 0.0, 60.0)?,
                reach_settle: seconds("trigger.reach_settle_s", t.reach_settle_s, 0.0, 60.0)?,
                clear: seconds("trigger.clear_s", t.clear_s, 0.0, 60.0)?,
                stuck_after: seconds("trigger.stuck_after_s", t.stuck_after_s, 1.0, 86_400.0)?,
                motion_share: within("trigger.motion_share", t.motion_share, 0.0, 1.0)?,
                presence_share: within("trigger.presence_share", t.presence_share, 0.0, 1.0)?,
                ..TriggerRules::default()
            },
            vote_frames: within("vote.frames", self.vote.frames, 1, 100)?,
            bundle: self.model.bundle,
            samples: self.samples,
            outbox: self.outbox,
            mqtt: self.mqtt.check()?,
            updates,
            standing,
            hub,
            telemetry_every: seconds("telemetry.every_s", self.telemetry.every_s, 0.1, 86_400.0)?,
            local: local::check(&self.metrics, &self.preview)?,
            body: act::check(self.gpio, self.act)?,
            fill: self.fill.check()?,
        })
    }
}

impl RawMqtt {
    fn check(self) -> Result<MqttConfig, Wrong> {
        let address =
            self.url.parse::<BrokerAddress>().map_err(|problem| wrong("mqtt.url", &self.url, problem.to_string()))?;
        if let (Some(file), false) = (&self.ca_file, address.tls) {
            return Err(wrong("mqtt.ca_file", file, "it is of use only with an mqtts:// url"));
        }
        let least = seconds("mqtt.reconnect_min_s", self.reconnect_min_s, 0.01, 3600.0)?;
        let most = seconds("mqtt.reconnect_max_s", self.reconnect_max_s, self.reconnect_min_s, 3600.0)?;
        Ok(MqttConfig {
            address,
            password_file: self.password_file,
            ca_file: self.ca_file,
            ack: self.ack,
            keep_alive: Duration::from_secs(u64::from(within("mqtt.keep_alive_s", self.keep_alive_s, 5, 3600)?)),
            reconnect: [least, most],
            resend_after: seconds("mqtt.resend_after_s", self.resend_after_s, 0.1, 3600.0)?,
            in_flight: within("mqtt.in_flight", self.in_flight, 1, 1000)?,
            largest_message: within("mqtt.largest_message", self.largest_message, ceiling::LEAST, LARGEST_MESSAGE)?,
        })
    }
}

impl RawHub {
    fn check(self) -> Result<HubConfig, Wrong> {
        let address =
            self.url.parse::<HubAddress>().map_err(|problem| wrong("hub.url", &self.url, problem.to_string()))?;
        Ok(HubConfig { address, ca_file: self.ca_file })
    }
}

#[cfg(test)]
mod tests;
