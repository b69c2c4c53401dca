//! What the bin serves on its own machine: `[metrics]` and `[preview]`. Both are off unless an address
//! is named; an address other than the machine's own (127.0.0.1, ::1) is open to whoever reaches it.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{Wrong, wrong};
use crate::local::LocalConfig;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawServer {
    listen: Option<String>,
}

/// Checks both sections.
pub(super) fn check(metrics: &RawServer, preview: &RawServer) -> Result<LocalConfig, Wrong> {
    let address = |key: &str, server: &RawServer| -> Result<Option<SocketAddr>, Wrong> {
        let Some(text) = &server.listen else { return Ok(None) };
        let parsed = text
            .parse()
            .map_err(|_| wrong(key, text, "it must be an IP address and a port, as in 127.0.0.1:9464 or [::1]:9464"))?;
        Ok(Some(parsed))
    };
    let local =
        LocalConfig { metrics: address("metrics.listen", metrics)?, preview: address("preview.listen", preview)? };
    match (local.metrics, local.preview) {
        (Some(one), Some(other)) if one == other && one.port() != 0 => {
            Err(wrong("preview.listen", other.to_string(), "metrics.listen is the same; each needs its own port"))
        }
        _ => Ok(local),
    }
}
