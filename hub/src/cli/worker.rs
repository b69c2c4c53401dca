//! `pilah-hub worker`
//!
//! Runs what a hub queues on the same data folder, as many processes as one likes; the database sees to
//! it that each training is taken once. One that is killed loses nothing but the seconds since its last
//! checkpoint.

use tokio_util::sync::CancellationToken;

use super::data::Data;
use super::serve::stop_signal;
use crate::evaluate::rules;
use crate::live::Live;
use crate::registry::{Parts, Registry};
use crate::store::Blobs;
use crate::train::Trainer;

/// Arguments of `pilah-hub worker`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (folder, store) = args.data.open().await?;
    let blobs = Blobs::open(&folder)?;
    let live = Live::default();
    let registry = Registry::open(store.clone(), blobs.clone(), live.clone(), None).await?;
    let registry = registry.with_rules(rules::in_folder(folder.path())?);
    let shutdown = CancellationToken::new();
    let trainer = Trainer::open(Parts { store: store.clone(), blobs, registry }, live, shutdown.clone()).await?;
    println!("Worker on {}: waiting for trainings", folder.path().display());
    stop_signal().await?;
    shutdown.cancel();
    trainer.stopped().await;
    store.close().await?;
    Ok(())
}
