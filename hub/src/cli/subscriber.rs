//! `pilah-hub subscriber`
//!
//! Works on the database beside a running hub as well: its broker sees a change within seconds.

use std::path::PathBuf;

use clap::Subcommand;

use super::secret::hand_over;
use crate::auth::{SubscriberName, subscribers};
use crate::store::{DataFolder, Store};

/// Who did it, in the audit log.
const WHO: &str = "command line";

/// Arguments of `pilah-hub subscriber`.
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
    /// Let somebody listen to the bins over MQTT; prints their secret, which is shown this once
    Add {
        /// MQTT user name: 1 to 64 of a-z, 0-9, '_' and '-', and no bin's id
        name: SubscriberName,
        /// Let them have the images as well
        #[arg(long)]
        samples: bool,
        /// Write the secret into this file instead, which only this user can read
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give a subscriber a new secret; the old one is worth nothing then
    Renew {
        /// MQTT user name
        name: String,
        /// Write the secret into this file instead, which only this user can read
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Take an account away
    Remove {
        /// MQTT user name
        name: String,
    },
    /// List the subscribers
    List,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let folder = DataFolder::open_shared(&args.data)?;
    let store = Store::open(&folder).await?;
    match args.command {
        Command::Add { name, samples, password_file } => {
            hand_over(&subscribers::add(&store, &name, samples, WHO).await?, password_file.as_deref())?;
        }
        Command::Renew { name, password_file } => {
            hand_over(&subscribers::renew(&store, &name, WHO).await?, password_file.as_deref())?;
        }
        Command::Remove { name } => subscribers::remove(&store, &name, WHO).await?,
        Command::List => {
            for row in subscribers::list(store.db()).await? {
                println!("{}\t{}", row.name, if row.samples { "with images" } else { "without images" });
            }
        }
    }
    store.close().await?;
    Ok(())
}
