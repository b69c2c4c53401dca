//! `pilah-hub demo`

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::serve::stop_signal;
use crate::demo::{self, Demo};

/// Arguments of `pilah-hub demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to keep the demo's data in; without it, nothing is left behind
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Replay photos from this folder, which has a folder for each class, instead of drawing items
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// How many bins
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    bins: u8,
    /// The program of the bin; found beside this one, or built by cargo, if left out
    #[arg(long, value_name = "FILE")]
    edge_program: Option<PathBuf>,
    /// Folder of the model that bins and hub begin with; the one in this program, if left out
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

/// Runs the demo until it is told to stop.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { data, images, bins, edge_program, bundle } = args;
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        // Without a signal to wait for, the demo runs until it is killed.
        if stop_signal().await.is_ok() {
            stop.cancel();
        }
    });
    Ok(demo::run(Demo { data, images, bins, edge_program, bundle }, shutdown).await?)
}
