//! `pilah-hub user`
//!
//! Works on the database beside a running hub as well: SQLite lets both write.

use clap::Subcommand;

use super::data::Data;
use crate::auth::accounts::{self, By, Change};
use crate::auth::{self, Role, UserName};

/// Arguments of `pilah-hub user`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account, draw a password for it, and print that
    Add {
        /// Login name: 1 to 64 of a-z, 0-9, '.', '_', '-' and '@'
        name: UserName,
        /// What they may do
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Give a user another role, and end their sessions
    Set {
        /// Login name
        name: String,
        /// What they may do from now on
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Draw a new password for a user, print it, and end their sessions
    Reset {
        /// Login name
        name: String,
    },
    /// Delete an account; what the user did stays
    Remove {
        /// Login name
        name: String,
    },
    /// List the accounts
    List,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, store) = args.data.open().await?;
    match args.command {
        Command::Add { name, role } => {
            let drawn = accounts::add(&store, &name, None, role, By::CommandLine).await?;
            println!("{}", drawn.expect("none was given").reveal());
        }
        Command::Set { name, role } => {
            let change = Change { role: Some(role), password: None };
            accounts::change(&store, &name, change, By::CommandLine).await?;
        }
        Command::Reset { name } => println!("{}", auth::reset_password(&store, &name).await?.reveal()),
        Command::Remove { name } => accounts::delete(&store, &name, By::CommandLine).await?,
        Command::List => {
            for row in accounts::list(store.db()).await? {
                println!("{}\t{}", row.name, row.role);
            }
        }
    }
    store.close().await?;
    Ok(())
}
