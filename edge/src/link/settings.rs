//! What a connection is made with, checked.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::address::BrokerAddress;

/// The connection to the broker.
#[derive(Debug, Clone)]
pub struct MqttConfig {
    /// Where it is.
    pub address: BrokerAddress,
    /// The file that holds the bin's password; `None`: the environment does.
    pub password_file: Option<PathBuf>,
    /// Certificates, in PEM, of those who may vouch for the broker; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Who says that an entry of the outbox has arrived.
    pub ack: AckBy,
    /// How long the connection may be silent before it is probed.
    pub keep_alive: Duration,
    /// The shortest and the longest pause before connecting again.
    pub reconnect: [Duration; 2],
    /// After how long without an acknowledgement an entry is sent again.
    pub resend_after: Duration,
    /// How many entries may be on the way at once.
    pub in_flight: u16,
    /// The largest message that the broker takes, in bytes, its topic and header included.
    pub largest_message: usize,
}

/// Who says that an entry of the outbox has arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckBy {
    /// The hub, once it has committed it.
    #[default]
    Hub,
    /// The broker: for sites without a hub.
    Broker,
}
