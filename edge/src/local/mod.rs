//! What the bin serves on its own machine, for whoever stands before it: the figures for Prometheus
//! and the preview for whoever installs it. Both are off unless the configuration names an address.
//!
//! A server that cannot have its address, or that is asked nonsense, costs the bin nothing: it goes on
//! without.

/// As much of HTTP as that takes.
pub mod http;

/// The figures for Prometheus.
mod metrics;

/// The live picture, the region, the last items.
pub mod preview;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use self::http::{Serve, serve};
use self::metrics::Metrics;
use self::preview::Preview;
use crate::config::Config;
use crate::health::vitals::Vitals;
use crate::telemetry::Counters;

/// What is served; it ends when this is dropped.
#[derive(Debug)]
pub struct Servers(Vec<JoinHandle<()>>);

impl Drop for Servers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Serves what the configuration names an address for.
#[must_use]
pub fn start(
    config: &Config,
    preview: Option<&Arc<Preview>>,
    vitals: &watch::Receiver<Vitals>,
    counters: &Arc<Counters>,
    runtime: &Handle,
) -> Servers {
    let mut servers = Vec::new();
    if let Some(address) = config.local.metrics {
        let data_dir: PathBuf = config.data_dir.clone();
        let metrics = Metrics { vitals: vitals.clone(), counters: Arc::clone(counters), data_dir };
        servers.push(runtime.spawn(listen("metrics", address, Arc::new(metrics))));
    }
    if let (Some(address), Some(preview)) = (config.local.preview, preview) {
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
