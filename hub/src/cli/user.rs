//! `pilah-hub user`

use std::path::PathBuf;

use clap::Subcommand;

use crate::auth;
use crate::store::{DataFolder, Store};

/// Arguments of `pilah-hub user`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The hub's data folder
    #[arg(long, value_name = "DIR", default_value = "pilah-data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draw a new password for a user, print it, and end their sessions
    Reset {
        /// Login name
        name: String,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let folder = DataFolder::open_shared(&args.data)?;
    let store = Store::open(&folder).await?;
    let Command::Reset { name } = args.command;
    let password = auth::reset_password(&store, &name).await?;
    let password = password.ok_or_else(|| anyhow::anyhow!("there is no user {name:?}"))?;
    println!("{}", password.reveal());
    store.close().await?;
    Ok(())
}
