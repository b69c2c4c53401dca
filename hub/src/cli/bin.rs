//! `pilah-hub bin`
//!
//! Works on the database beside a running hub as well: SQLite lets both write.

use std::path::PathBuf;

use clap::Subcommand;
use pilah_models::durable;
use pilah_models::name::BinId;
use pilah_repository::policy::Policy;
use sea_orm::{EntityTrait, QueryOrder};

use super::data::Data;
use super::secret::Destination;
use crate::fleet;
use crate::store::entity::bin;
use crate::updates::Place;

/// Arguments of `pilah-hub bin`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enrol a bin; prints its secret, which is shown this once
    Add {
        /// Its id: 1 to 64 of a-z, 0-9, '_' and '-'
        id: BinId,
        /// What people call it
        #[arg(long, default_value = "")]
        name: String,
        /// Write the root of trust into this file: what [updates] root names in the bin's configuration
        #[arg(long, value_name = "FILE")]
        root_file: Option<PathBuf>,
        #[command(flatten)]
        to: Destination,
    },
    /// Give a bin a new secret; the old one is worth nothing then, and ends at a running hub within seconds
    Renew {
        /// Its id
        id: BinId,
        #[command(flatten)]
        to: Destination,
    },
    /// List the bins
    List,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, store) = args.data.open().await?;
    match args.command {
        Command::Add { id, name, root_file, to } => {
            // Read first: a bin that is enrolled has a secret that nobody could be shown again.
            let root = || Place::of(args.data.path(), None).repository(Policy::default()).root_of_trust();
            let root = root_file.map(|file| root().map(|root| (file, root))).transpose()?;
            let secret = fleet::enrol(&store, &id, &name, "command line").await?;
            to.hand_over(&secret)?;
            match root {
                Some((file, root)) => {
                    durable::write(&file, &root)?;
                    eprintln!("root of trust written to {}", file.display());
                }
                None => {
                    eprintln!("root of trust: `pilah-hub keys root`, for the file that [updates] root names on the bin")
                }
            }
        }
        Command::Renew { id, to } => {
            let secret = fleet::renew_secret(&store, &id, "command line").await?;
            to.hand_over(&secret)?;
        }
        Command::List => {
            for row in bin::Entity::find().order_by_asc(bin::Column::Id).all(store.db()).await? {
                let presence = match row.retired_ms {
                    Some(_) => "retired",
                    None if row.online => "online",
                    None => "offline",
                };
                println!("{}\t{presence}\t{}\t{}", row.id, row.model_version.unwrap_or_default(), row.name);
            }
        }
    }
    store.close().await?;
    Ok(())
}
