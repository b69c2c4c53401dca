//! `pilah-hub model`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use pilah_models::name::ModelVersion;

use crate::live::Live;
use crate::registry::{Registry, RegistryError, export};
use crate::store::{Blobs, DataFolder, Store};

/// Arguments of `pilah-hub model`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a model as a bundle's folder, which `pilah-edge classify --bundle` takes
    Export {
        /// The hub's data folder
        #[arg(long, value_name = "DIR", default_value = "pilah-data")]
        data: PathBuf,
        /// The folder to write; made if it is missing
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Which version; the one in service, if left out
        #[arg(long, value_name = "VERSION")]
        version: Option<ModelVersion>,
        /// Also write model.onnx, backbone and head in one, from `image` to `probabilities`
        #[arg(long)]
        merged: bool,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Command::Export { data, out, version, merged } = args.command;
    let folder = DataFolder::open_shared(&data)?;
    let store = Store::open(&folder).await?;
    let blobs = Blobs::open(&folder)?;
    let registry = Registry::open(store.clone(), blobs, Live::default(), None).await?;
    let in_service = || registry.in_service().map(|model| model.manifest().version.clone());
    let version = version.or_else(in_service).ok_or(RegistryError::NoneInService)?;
    let bundle = registry.bundle(&version).await?;
    export::write(&bundle, &out, merged).with_context(|| format!("cannot write the model to {}", out.display()))?;
    store.close().await?;
    println!("{version} written to {}", out.display());
    Ok(())
}
