//! `pilah-hub dataset`

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use pilah_models::bundle::Scaling;
use tokio_util::sync::CancellationToken;

use super::data::Data;
use super::progress;
use crate::audit;
use crate::dataset::delete::{self, Deletion, Whose};
use crate::dataset::export::{self, Layout};
use crate::dataset::import::{self, ImportReport, Options};
use crate::dataset::store::Tally;
use crate::dataset::version::{self, Difference, Version};
use crate::evaluate::honesty::{self, Honesty, Spread};
use crate::live::Live;
use crate::registry::{Parts, Registry};
use crate::store::{Blobs, Store};

/// How many skipped files and changed samples are named on a terminal; `--json` names all.
const NAMED: usize = 20;

/// Who a command is, in the history and the audit log.
const WHO: &str = "command line";

/// Arguments of `pilah-hub dataset`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    data: Data,
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import a folder or a zip with a folder of images per class, or train, validation and test folders of such
    Import {
        /// The folder, or the zip
        #[arg(value_name = "PATH")]
        from: PathBuf,
        /// Skip folders whose name is no class of the dataset yet, instead of making one
        #[arg(long)]
        known_classes: bool,
        /// Take folders whose names become one class, such as Glass and glass, for one, instead of importing nothing
        #[arg(long)]
        merge_folders: bool,
    },
    /// Freeze the dataset as it is now, and print the version
    Freeze {
        /// What for
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// List the frozen versions, newest first
    Versions,
    /// Show a frozen version
    Show {
        /// The version, or the first 8 or more digits of it
        version: String,
    },
    /// Show what is different between two versions
    Diff {
        /// The older version
        from: String,
        /// The newer version
        to: String,
    },
    /// Write a version as a zip: an image folder, COCO's JSON, and a Parquet index
    Export {
        /// The version; the dataset as it is now, if left out
        #[arg(long)]
        version: Option<String>,
        /// The zip to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Which views of the images it has
        #[arg(long, value_enum, default_value_t = View::Processed)]
        layout: View,
    },
    /// Say what deleting a bin's or a person's images would take, or delete them
    Delete {
        /// All that this bin sent
        #[arg(long, value_name = "BIN", required_unless_present = "sent_by", conflicts_with = "sent_by")]
        bin: Option<String>,
        /// All that this person uploaded or imported
        #[arg(long, value_name = "NAME")]
        sent_by: Option<String>,
        /// Delete; without it, nothing is changed
        #[arg(long)]
        yes: bool,
    },
    /// Compare the accuracy with a random and with the grouped split, on the embeddings of the model in service
    CompareSplits {
        /// How many seeds
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=honesty::MOST_SEEDS))]
        seeds: u64,
        /// Folder of the model that is put in service if there is none yet; the one in this program, if left out
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
        /// Use this ONNX network instead of the backbone of the model in service, which may have seen the images
        #[arg(long, value_name = "FILE")]
        backbone: Option<PathBuf>,
        /// How it takes its pixels, if its file does not say: -1..1, 0..1, 0..255, imagenet, or MEAN/DEVIATION
        #[arg(long, value_name = "SCALING", requires = "backbone", allow_hyphen_values = true)]
        scaling: Option<Scaling>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum View {
    /// By split and label
    Processed,
    /// By label
    Raw,
    /// Both
    Both,
    /// No images
    Index,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    // Beside a running hub as well: every batch is one transaction of its own.
    let (folder, store) = args.data.open_or_make().await?;
    let blobs = Blobs::open(&folder)?;
    let result = command(args.command, args.json, &store, &blobs).await;
    store.close().await?;
    result
}

async fn command(command: Command, json: bool, store: &Store, blobs: &Blobs) -> anyhow::Result<()> {
    match command {
        Command::Import { from, known_classes, merge_folders } => {
            let classes = match known_classes {
                true => Some(Tally::read(store.db()).await?.labels().into_iter().collect()),
                false => None,
            };
            let options = Options { by: WHO.to_owned(), classes, merge_folders, ..Options::default() };
            let report = import::import_with(store, blobs, &from, &options, progress::bar("files")).await?;
            let detail = serde_json::json!({ "file": from, "imported": report.imported });
            audit::note(store.db(), WHO, "samples.imported", &detail).await?;
            show(json, &report, print_report)?;
            report.nothing().map_or(Ok(()), |nothing| Err(anyhow::anyhow!(nothing)))
        }
        Command::Freeze { note } => show(json, &version::freeze(store, blobs, WHO, &note).await?, print_version),
        Command::Versions => {
            show(json, &version::all(store.db()).await?, |versions| versions.iter().for_each(print_version))
        }
        Command::Show { version } => show(json, &version::find(store.db(), &version).await?, print_version),
        Command::Diff { from, to } => {
            let (from, to) = (version::find(store.db(), &from).await?, version::find(store.db(), &to).await?);
            show(json, &version::compare(blobs, &from.id, &to.id).await?, print_difference)
        }
        Command::Export { version, out, layout } => {
            let version = match version {
                Some(id) => version::find(store.db(), &id).await?,
                None => version::freeze(store, blobs, WHO, "exported").await?,
            };
            let layout = match layout {
                View::Processed => Layout::Processed,
                View::Raw => Layout::Raw,
                View::Both => Layout::Both,
                View::Index => Layout::Index,
            };
            let detail = serde_json::json!({ "version": version.id, "layout": layout });
            let exported = write_zip(blobs.clone(), version, layout, out.clone()).await?;
            audit::note(store.db(), WHO, "dataset.exported", &detail).await?;
            show(json, &exported, |exported| {
                println!("{} images in {}, {} were deleted since", exported.images, out.display(), exported.missing);
            })
        }
        Command::Delete { bin, sent_by, yes } => {
            let whose = bin.map(Whose::Bin).or(sent_by.map(Whose::Sender)).expect("one of them is required");
            let deletion = if yes {
                delete::delete(store, blobs, &whose, WHO).await?
            } else {
                delete::plan(store.db(), &whose).await?
            };
            show(json, &deletion, print_deletion)
        }
        Command::CompareSplits { seeds, bundle, backbone, scaling } => {
            let backbone =
                backbone.as_ref().map(|path| super::train::read_backbone(path, None, scaling)).transpose()?;
            let registry = Registry::open(store.clone(), blobs.clone(), Live::default(), bundle.as_deref()).await?;
            if bundle.is_none() {
                registry.begin_with_shipped().await?;
            }
            let parts = Parts { store: store.clone(), blobs: blobs.clone(), registry };
            let stop = CancellationToken::new();
            let honesty = honesty::compare(&parts, backbone, seeds, &stop, |what| eprintln!("{what}")).await?;
            show(json, &honesty, print_honesty)
        }
    }
}

/// Writes to a temporary file beside the zip, which gets its name once it is whole.
async fn write_zip(blobs: Blobs, version: Version, layout: Layout, out: PathBuf) -> anyhow::Result<export::Exported> {
    let write = move || -> anyhow::Result<export::Exported> {
        let cannot = || format!("cannot write {}", out.display());
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().suffix(".partial").tempfile_in(folder).with_context(cannot)?;
        let mut handle: &File = file.as_file();
        let exported = export::write(&blobs, &version, layout, handle).with_context(cannot)?;
        handle.flush().and_then(|()| handle.sync_all()).with_context(cannot)?;
        file.persist(&out).with_context(cannot)?;
        Ok(exported)
    };
    tokio::task::spawn_blocking(write).await.context("the export ended before its end")?
}

fn show<T: serde::Serialize>(json: bool, value: &T, print: impl FnOnce(&T)) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
    } else {
        print(value);
    }
    Ok(())
}

fn print_report(report: &ImportReport) {
    println!(
        "{} images imported, {} were there already, {} files skipped",
        report.imported,
        report.duplicates,
        report.skipped.len()
    );
    for renamed in &report.renamed {
        println!("  the folder {:?} is the class {} ({} files)", renamed.folder, renamed.label, renamed.files);
    }
    for (label, images) in &report.labels {
        println!("  {label}: {images}");
    }
    for (split, images) in &report.splits {
        println!("  {split}: {images}");
    }
    if report.excluded > 0 {
        println!("  used for nothing, since they resemble samples of two splits: {}", report.excluded);
    }
    for skipped in report.skipped.iter().take(NAMED) {
        println!("skipped {}: {}", skipped.file, skipped.reason);
    }
    if report.skipped.len() > NAMED {
        println!("and {} more: --json names them", report.skipped.len() - NAMED);
    }
}

fn print_version(version: &Version) {
    let at = jiff::Timestamp::from_millisecond(version.created_ms).unwrap_or_default();
    println!("{}  {at:.0}  {} samples  {}", version.id, version.samples, version.note);
    for (label, splits) in &version.counts {
        let splits: Vec<String> = splits.iter().map(|(split, images)| format!("{split} {images}")).collect();
        println!("  {label}: {}", splits.join(", "));
    }
}

fn print_difference(difference: &Difference) {
    println!(
        "{} added, {} removed, {} relabelled, {} with another split, {} the same",
        difference.added, difference.removed, difference.relabelled, difference.moved, difference.same
    );
    let nothing = || "-".to_owned();
    for sample in difference.samples.iter().take(NAMED) {
        let (was, is) = (sample.was.clone().unwrap_or_else(nothing), sample.is.clone().unwrap_or_else(nothing));
        println!("  {}: {was} → {is}", sample.id);
    }
    if difference.samples.len() > NAMED {
        println!("and more: --json names up to {}", version::NAMED);
    }
}

fn print_deletion(deletion: &Deletion) {
    let (verb, end) = if deletion.dry_run { ("would be deleted", "; --yes deletes them") } else { ("deleted", "") };
    println!(
        "{} samples with {} images ({:.1} MB) {verb}; {} images stay, because other samples show them{end}",
        deletion.samples,
        deletion.images,
        deletion.bytes as f64 / 1e6,
        deletion.kept
    );
    if let (Some(digest), Some(audit)) = (&deletion.digest, deletion.audit) {
        println!("none of them is left; entry {audit} of the audit log proves it by the digest {digest}");
    }
}

fn print_honesty(honesty: &Honesty) {
    let percent = |spread: &Spread| format!("{:5.1} % ± {:.1}", spread.mean * 100.0, spread.deviation * 100.0);
    println!("{} images in {} clusters, backbone of {}", honesty.images, honesty.clusters, honesty.backbone);
    println!("  random split:  {}", percent(&honesty.random));
    println!("  grouped split: {}", percent(&honesty.grouped));
    println!("a random split would flatter by {:.1} points", honesty.optimism * 100.0);
    for figure in &honesty.seeds {
        println!("  seed {}: random {:.3}, grouped {:.3}", figure.seed, figure.random, figure.grouped);
    }
}
