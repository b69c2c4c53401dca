//! What the bin serves on its own machine, for whoever stands before it: the figures for Prometheus
//! and the preview for whoever installs it. Both are off unless the configuration names an address.
//!
//! A server that cannot have its address, or that is asked nonsense, costs the bin nothing: it goes on
//! without.

/// Pictures one after the other in one answer.
pub mod live;

/// As much of HTTP as that takes.
pub mod http;

/// The figures for Prometheus.
mod metrics;

/// The live picture, the region, the last items.
pub mod preview;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use self::http::{Serve, serve};
use self::metrics::Metrics;
use self::preview::Preview;
use crate::health::vitals::Vitals;
use crate::telemetry::Counters;

/// The servers for whoever is at the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LocalConfig {
    /// Where Prometheus finds `/metrics`.
    pub metrics: Option<SocketAddr>,
    /// Where the installer finds the live picture.
    pub preview: Option<SocketAddr>,
}

/// What is served; it ends when this is dropped.
#[derive(Debug)]
pub struct Servers(Vec<JoinHandle<()>>);

impl Drop for Servers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Serves what has an address; the figures tell of the disk that `data_dir` is on.
#[must_use]
pub fn start(
    config: LocalConfig,
    data_dir: &Path,
    preview: Option<&Arc<Preview>>,
    vitals: &watch::Receiver<Vitals>,
    counters: &Arc<Counters>,
    runtime: &Handle,
) -> Servers {
    let mut servers = Vec::new();
    if let Some(address) = config.metrics {
        let data_dir = data_dir.to_owned();
        let metrics = Metrics { vitals: vitals.clone(), counters: Arc::clone(counters), data_dir };
        servers.push(runtime.spawn(listen("metrics", address, Arc::new(metrics))));
    }
    if let (Some(address), Some(preview)) = (config.preview, preview) {
        servers.push(runtime.spawn(listen("preview", address, Arc::clone(preview))));
    }
    Servers(servers)
}

/// Serves at `address`, or says why that cannot be.
async fn listen(what: &'static str, address: SocketAddr, server: Arc<impl Serve>) {
    match TcpListener::bind(address).await {
        Ok(listener) => {
            let at = listener.local_addr().unwrap_or(address);
            if !at.ip().is_loopback() {
                warn!(what, %at, "served beyond this machine, unencrypted");
            }
            info!(what, url = %format_args!("http://{at}/"), "served");
            server.begins(at);
            serve(listener, server).await;
        }
        Err(e) => error!(what, %address, error = %e, "not served: choose another address, or stop what has it"),
    }
}
