//! `pilah-hub model`: what the page does with models, for scripts and for hubs without a page.
//!
//! Works on the data folder, whether or not a hub runs on it: the database keeps the two apart, and a
//! running hub follows within seconds when another version is put into service.

/// Models for people.
mod print;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use pilah_models::bundle::Scaling;
use pilah_models::durable;
use pilah_models::name::{ContentId, ModelVersion};
use serde::Serialize;

use super::data::Data;
use crate::audit;
use crate::evaluate::{job, rules};
use crate::exchange::import;
use crate::live::Live;
use crate::registry::Parts;
use crate::registry::backbones::BackboneView;
use crate::registry::routes::{model_detail, model_list};
use crate::registry::{Registry, RegistryError, export};
use crate::store::Blobs;

/// Who is written down for what a command does.
const WHO: &str = "command line";

/// Arguments of `pilah-hub model`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Print JSON, the same as the HTTP interface gives
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List all versions, newest first
    List,
    /// Show a version: figures, gate, lineage, thresholds
    Show {
        /// Which version; the one in service, if left out
        version: Option<String>,
    },
    /// Measure a version on the test split and on fresh field samples, and keep the report
    Evaluate {
        /// Which version; the one in service, if left out
        version: Option<String>,
    },
    /// Compare two versions on the same test images, by McNemar's exact test, over all and by class
    Compare {
        /// A version
        a: String,
        /// Another; the one in service, if left out
        b: Option<String>,
    },
    /// Write a version as a bundle's folder, which `pilah-edge classify --bundle` takes, or, if PATH ends
    /// with .zip, as an archive of model.onnx, labels.txt and a model card
    Export {
        /// The folder or archive to write; made if it is missing
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        /// Which version; the one in service, if left out
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
        /// Also write model.onnx into the folder, backbone and head in one, from `image` to `probabilities`
        #[arg(long)]
        merged: bool,
    },
    /// Import an ONNX backbone, which the next training takes, or a zip archive of an ONNX classifier and
    /// labels.txt, which becomes a version
    Import {
        /// The file
        file: PathBuf,
        /// Width and height of the images that the network takes, if its file does not say
        #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(8..=1024))]
        input_side: Option<u32>,
        /// How the network takes its pixels, if its file does not say: -1..1 (x/127.5 - 1), 0..1 (x/255), 0..255,
        /// imagenet (mean and deviation of ImageNet), or MEAN/DEVIATION of values 0 to 255, one number each or one per
        /// channel. If nothing says it, it is tried out on labelled images
        #[arg(long, value_name = "SCALING", allow_hyphen_values = true)]
        scaling: Option<Scaling>,
    },
    /// Put a version into service: bins fetch it, predictions use it
    Activate {
        /// Which version
        version: String,
        /// Why, which is recorded; needed if the gate refused it
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Delete a version that nothing refers to
    Delete {
        /// Which version
        version: String,
    },
    /// List the imported backbones
    Backbones {
        /// Forget this one instead of listing; the first digits suffice
        #[arg(long, value_name = "SHA256")]
        delete: Option<String>,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (folder, store) = args.data.open().await?;
    let rules = rules::in_folder(folder.path())?;
    let blobs = Blobs::open(&folder)?;
    let registry = Registry::open(store.clone(), blobs.clone(), Live::default(), None).await?.with_rules(rules);
    let parts = Parts { store: store.clone(), blobs, registry };
    let result = carry_out(&parts, args.command, args.json).await;
    store.close().await?;
    result
}

async fn carry_out(parts: &Parts, command: Command, json: bool) -> anyhow::Result<()> {
    let registry = &parts.registry;
    match command {
        Command::List => show(&model_list(registry).await?, json, print::list),
        Command::Show { version } => {
            let version = chosen(registry, version.as_deref()).await?;
            let detail = model_detail(registry, version.as_str()).await?;
            let report = registry.report(&version).await?;
            show(&detail, json, |detail| print::detail(detail, report.as_ref()))
        }
        Command::Evaluate { version } => {
            let version = chosen(registry, version.as_deref()).await?;
            show(&job::evaluate(parts, &version).await?, json, print::report)
        }
        Command::Compare { a, b } => {
            let (a, b) = (registry.known(&a).await?, chosen(registry, b.as_deref()).await?);
            show(&job::compare(parts, &a, &b).await?, json, print::comparison)
        }
        Command::Export { out, version, merged } => {
            let version = chosen(registry, version.as_deref()).await?;
            write(registry, &version, &out, merged)
                .await
                .with_context(|| format!("cannot write the model to {}", out.display()))?;
            let detail = serde_json::json!({ "version": version });
            audit::note(parts.store.db(), WHO, "model.exported", &detail).await?;
            let written = Written { model: version.to_string(), out };
            show(&written, json, |written| format!("{} written to {}\n", written.model, written.out.display()))
        }
        Command::Import { file, input_side, scaling } => {
            let bytes = read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let options = import::Options { side: input_side, scaling };
            let imported = import::import(parts, bytes, &name, &options, WHO).await;
            let imported = imported.with_context(|| format!("cannot import {}", file.display()))?;
            show(&imported, json, print::imported)
        }
        Command::Activate { version, reason } => {
            registry.activate(&version, WHO, reason.as_deref()).await.map_err(with_flag)?;
            let model = model_detail(registry, &version).await?;
            show(&model, json, |_| format!("{version} is in service; a running hub follows within seconds\n"))
        }
        Command::Delete { version } => {
            registry.delete(&version, WHO).await?;
            show(&Deleted { deleted: version }, json, |gone| format!("{} is deleted\n", gone.deleted))
        }
        Command::Backbones { delete: None } => show(&registry.backbones().await?, json, |list| print::backbones(list)),
        Command::Backbones { delete: Some(start) } => {
            let id = backbone(&registry.backbones().await?, &start)?;
            registry.delete_backbone(&id, WHO).await?;
            show(&Deleted { deleted: id.to_string() }, json, |gone| format!("{} is deleted\n", gone.deleted))
        }
    }
}

/// The version of this name, or the one in service.
async fn chosen(registry: &Registry, version: Option<&str>) -> Result<ModelVersion, RegistryError> {
    match version {
        Some(version) => registry.known(version).await,
        None => registry.in_service().map(|model| model.manifest().version.clone()).ok_or(RegistryError::NoneInService),
    }
}

/// The one backbone whose SHA-256 starts so.
fn backbone(list: &[BackboneView], start: &str) -> anyhow::Result<ContentId> {
    let found: Vec<&ContentId> =
        list.iter().map(|backbone| &backbone.sha256).filter(|id| id.as_str().starts_with(start)).collect();
    match found[..] {
        [id] => Ok(id.clone()),
        [] => anyhow::bail!("no imported backbone starts with {start:?}: `pilah-hub model backbones` lists them"),
        _ => anyhow::bail!("{} imported backbones start with {start:?}: give more digits", found.len()),
    }
}

async fn write(registry: &Registry, version: &ModelVersion, out: &Path, merged: bool) -> Result<(), RegistryError> {
    if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) {
        return Ok(durable::write(out, &registry.archive(version).await?)?);
    }
    export::write(&registry.bundle(version).await?, out, merged)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let size = std::fs::metadata(file)?.len();
    anyhow::ensure!(
        size <= import::LARGEST as u64,
        "{size} bytes are more than the {} that are accepted",
        import::LARGEST
    );
    Ok(std::fs::read(file)?)
}

/// Says how a reason is given here.
fn with_flag(error: RegistryError) -> anyhow::Error {
    match error {
        RegistryError::Refused { .. } => anyhow::anyhow!("{error} with --reason \"…\""),
        error => error.into(),
    }
}

fn show<T: Serialize + ?Sized>(value: &T, json: bool, words: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string_pretty(value)? + "\n" } else { words(value) };
    match std::io::stdout().write_all(text.as_bytes()) {
        // Who reads no further, as `head` does, has what they want.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// What an export wrote.
#[derive(Debug, Serialize)]
struct Written {
    model: String,
    out: PathBuf,
}

/// What is gone.
#[derive(Debug, Serialize)]
struct Deleted {
    deleted: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backbone_is_named_by_its_first_digits() {
        let view = |name: &str| BackboneView {
            sha256: ContentId::of(name.as_bytes()),
            name: name.to_owned(),
            bytes: 1,
            width: 8,
            height: 8,
            scaling: "0..1".into(),
            embedding: 4,
            median_ms: 1.0,
            created_ms: 0,
            created_by: "ada".into(),
            next: true,
        };
        let list = [view("one"), view("two")];
        let id = backbone(&list, &list[1].sha256.as_str()[..12]).expect("the second");
        assert_eq!(id, list[1].sha256);
        let error = |start: &str| backbone(&list, start).expect_err("not one").to_string();
        assert!(error("").contains("2 imported backbones") && error("xyz").contains("no imported backbone"));
    }
}
