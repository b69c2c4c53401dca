//! Which broker the hub speaks with.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::secret::Secret;

/// Which broker the hub speaks with.
#[derive(Debug, Clone)]
pub enum Mqtt {
    /// One within the hub.
    Embedded {
        /// Where it listens; port 0 takes a free one.
        addr: SocketAddr,
        /// How often to try the next port when that one is taken. 0: that is an error.
        steps: u16,
    },
    /// Another one, which knows the hub and the bins by itself.
    External {
        /// `mqtt://host:port` or `mqtts://host:port`.
        url: String,
        /// The hub's user name there.
        user: String,
        /// Its password.
        password: Secret,
        /// The certificates to trust instead of the system's, a PEM file.
        ca_file: Option<PathBuf>,
    },
}
