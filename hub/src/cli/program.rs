//! `pilah-hub program`
//!
//! Works on the folder beside a running hub as well, which sees a change within seconds.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::data::Data;
use crate::audit;
use crate::updates::Place;
use crate::updates::packages::Package;

/// Who did it, in the audit log.
const WHO: &str = "command line";

/// Arguments of `pilah-hub program`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish a package of the bin's program, as deploy/edge/build-deb makes it
    Add {
        /// pilah-edge_VERSION_ARCHITECTURE.deb
        #[arg(value_name = "FILE.deb")]
        file: PathBuf,
    },
    /// List the packages, and say which version bins are to have
    List,
    /// Have bins have this version, as far as they are set to install programs
    Want {
        /// The version; without one, bins keep their own
        version: Option<String>,
    },
    /// Withdraw the packages of a version; bins that have it keep it
    Remove {
        /// The version
        version: String,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (folder, store) = args.data.open().await?;
    let place = Place::of(folder.path(), None);
    let noted = match args.command {
        Command::Add { file } => {
            let package = tokio::task::spawn_blocking(move || place.add_package(&file)).await??;
            println!("{}", line(&package));
            Some(("program.add", json!({ "version": package.version, "arch": package.arch })))
        }
        Command::List => {
            let wanted = place.wanted_program()?;
            for package in place.packages()? {
                let is_wanted = wanted.as_ref() == Some(&package.version);
                println!("{}{}", line(&package), if is_wanted { "\twanted" } else { "" });
            }
            None
        }
        Command::Want { version } => {
            place.want_program(version.as_deref())?;
            Some(("program.want", json!({ "version": version })))
        }
        Command::Remove { version } => {
            for package in place.remove_packages(&version)? {
                println!("{}", line(&package));
            }
            Some(("program.remove", json!({ "version": version })))
        }
    };
    if let Some((what, detail)) = noted {
        audit::note(store.db(), WHO, what, &detail).await?;
    }
    store.close().await?;
    Ok(())
}

fn line(package: &Package) -> String {
    format!("{}\t{}\t{}\t{} bytes", package.target, package.version, package.arch, package.bytes)
}
