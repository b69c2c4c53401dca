//! `pilah-hub subscriber`
//!
//! Works on the database beside a running hub as well: its broker sees a change within seconds.

use clap::Subcommand;

use super::data::Data;
use super::secret::Destination;
use crate::auth::{SubscriberName, subscribers};

/// Who did it, in the audit log.
const WHO: &str = "command line";

/// Arguments of `pilah-hub subscriber`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
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
        #[command(flatten)]
        to: Destination,
    },
    /// Give a subscriber a new secret; the old one is worth nothing then
    Renew {
        /// MQTT user name
        name: String,
        #[command(flatten)]
        to: Destination,
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
    let (_, store) = args.data.open().await?;
    match args.command {
        Command::Add { name, samples, to } => {
            to.hand_over(&subscribers::add(&store, &name, samples, WHO).await?)?;
        }
        Command::Renew { name, to } => {
            to.hand_over(&subscribers::renew(&store, &name, WHO).await?)?;
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
