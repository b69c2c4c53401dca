//! `pilah-hub dataset`

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Subcommand;

use crate::dataset::import::{self, ImportReport};
use crate::store::{Blobs, DataFolder, Store, StoreError};

/// How many skipped files are named on a terminal; `--json` names all.
const NAMED: usize = 20;

/// Arguments of `pilah-hub dataset`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import a folder with a folder of images per class, or train, validation and test folders of such
    Import {
        /// The folder
        #[arg(value_name = "DIR")]
        from: PathBuf,
        /// The hub's data folder
        #[arg(long, value_name = "DIR", default_value = "pilah-data")]
        data: PathBuf,
        /// Print what became of the files as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Command::Import { from, data, json } = args.command;
    // Beside a running hub as well: every batch is one transaction of its own.
    let folder = match DataFolder::open(&data) {
        Err(StoreError::Locked { .. }) => DataFolder::open_shared(&data)?,
        other => other?,
    };
    let store = Store::open(&folder).await?;
    let blobs = Blobs::open(&folder)?;
    let progress = progress();
    let report = import::import(&store, &blobs, &from, "command line", progress).await?;
    store.close().await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

/// A line that grows on a terminal, else one line per tenth.
fn progress() -> impl FnMut(u64, u64) {
    let is_terminal = std::io::stderr().is_terminal();
    let mut tenth = 0;
    move |done, total| {
        if is_terminal {
            let end = if done == total { "\n" } else { "" };
            eprint!("\r{done} of {total} files{end}");
        } else if done * 10 / total.max(1) > tenth || done == total {
            tenth = done * 10 / total.max(1);
            eprintln!("{done} of {total} files");
        }
    }
}

fn print(report: &ImportReport) {
    println!(
        "{} images imported, {} were there already, {} files skipped",
        report.imported,
        report.duplicates,
        report.skipped.len()
    );
    for (label, images) in &report.labels {
        println!("  {label}: {images}");
    }
    for (split, images) in &report.splits {
        println!("  {split}: {images}");
    }
    for skipped in report.skipped.iter().take(NAMED) {
        println!("skipped {}: {}", skipped.file, skipped.reason);
    }
    if report.skipped.len() > NAMED {
        println!("and {} more: --json names them", report.skipped.len() - NAMED);
    }
}
