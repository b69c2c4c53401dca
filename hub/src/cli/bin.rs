//! `pilah-hub bin`
//!
//! Works on the database beside a running hub as well: SQLite lets both write.

use std::path::PathBuf;

use clap::Subcommand;
use pilah_models::name::BinId;
use sea_orm::{EntityTrait, QueryOrder};

use super::secret::hand_over;
use crate::fleet;
use crate::store::entity::bin;
use crate::store::{DataFolder, Store};

/// Arguments of `pilah-hub bin`.
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
    /// Enrol a bin; prints its secret, which is shown this once
    Add {
        /// Its id: 1 to 64 of a-z, 0-9, '_' and '-'
        id: BinId,
        /// What people call it
        #[arg(long, default_value = "")]
        name: String,
        /// Write the secret into this file instead, which only this user can read
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give a bin a new secret; the old one is worth nothing then, and ends at a running hub within seconds
    Renew {
        /// Its id
        id: BinId,
        /// Write the secret into this file instead, which only this user can read
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List the bins
    List,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let folder = DataFolder::open_shared(&args.data)?;
    let store = Store::open(&folder).await?;
    match args.command {
        Command::Add { id, name, password_file } => {
            let secret = fleet::enrol(&store, &id, &name, "command line").await?;
            hand_over(&secret, password_file.as_deref())?;
        }
        Command::Renew { id, password_file } => {
            let secret = fleet::renew_secret(&store, &id, "command line").await?;
            hand_over(&secret, password_file.as_deref())?;
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
