//! `pilah-hub train`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use pilah_models::bundle::LARGEST_NETWORK;
use pilah_models::name::Label;
use tokio_util::sync::CancellationToken;

use crate::evaluate::GateRules;
use crate::live::{Live, LiveEvent};
use crate::registry::Registry;
use crate::store::{Blobs, DataFolder, Store};
use crate::train::job::Parts;
use crate::train::{BackboneFile, TrainParams, TrainReport, Trainer};

/// How often progress is printed.
const PRINT_EVERY: Duration = Duration::from_millis(500);

/// Arguments of `pilah-hub train`. No hub may be running on the data folder: it has `POST /api/train`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The hub's data folder
    #[arg(long, value_name = "DIR", default_value = "pilah-data")]
    data: PathBuf,
    /// Use this ONNX network instead of the backbone of the model in service: images [1, 3, H, W], RGB
    /// as x/127.5 - 1, to one embedding
    #[arg(long, value_name = "FILE")]
    backbone: Option<PathBuf>,
    /// Width and height of the images that the backbone takes, if its file does not say
    #[arg(long, value_name = "PIXELS", requires = "backbone", value_parser = clap::value_parser!(u32).range(8..=1024))]
    input_side: Option<u32>,
    /// The model that is put in service if there is none yet
    #[arg(long, value_name = "DIR", default_value = "models/default")]
    bundle: PathBuf,
    /// Of all that is random
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The most passes over the images
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// The step of the optimiser, above 0, at most 1
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// How many images a step looks at
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Train these classes only, in this order
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',')]
    labels: Option<Vec<Label>>,
    /// The accepted share of wrong items among those of a class, from which thresholds are picked
    #[arg(long, value_name = "SHARE")]
    accepted_contamination: Option<f32>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let backbone = args.backbone.as_ref().map(|path| read_backbone(path, args.input_side)).transpose()?;
    let folder = DataFolder::open(&args.data)?;
    let store = Store::open(&folder).await?;
    let blobs = Blobs::open(&folder)?;
    let live = Live::default();
    let registry = Registry::open(store.clone(), blobs.clone(), live.clone(), Some(&args.bundle)).await?;
    let registry = registry.with_rules(GateRules::in_folder(&args.data)?);
    let stop = CancellationToken::new();
    let trainer = Trainer::open(Parts { store: store.clone(), blobs, registry }, live.clone(), stop.clone()).await?;
    let params = TrainParams {
        epochs: args.epochs,
        learning_rate: args.learning_rate,
        batch_size: args.batch_size,
        seed: args.seed,
        labels: args.labels,
        accepted_contamination: args.accepted_contamination,
        ..TrainParams::default()
    };
    let printing = tokio::spawn(print_progress(live));
    let signal = tokio::spawn(async move {
        if super::serve::stop_signal().await.is_ok() {
            stop.cancel();
        }
    });
    let result = trainer.train(params, backbone, "command line").await;
    printing.abort();
    signal.abort();
    let report = result?;
    store.close().await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn read_backbone(path: &std::path::Path, side: Option<u32>) -> anyhow::Result<BackboneFile> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        anyhow::ensure!(size <= LARGEST_NETWORK, "{size} bytes are more than the {LARGEST_NETWORK} that are allowed");
        Ok(BackboneFile::new(std::fs::read(path)?, side)?)
    };
    read().with_context(|| format!("cannot use the backbone {}", path.display()))
}

async fn print_progress(live: Live) {
    let mut events = live.watch();
    let mut last = None::<Instant>;
    loop {
        let Ok(event) = events.recv().await else { continue };
        let LiveEvent::Training(progress) = event else { continue };
        if last.is_none_or(|last: Instant| last.elapsed() >= PRINT_EVERY) && progress.state == "running" {
            last = Some(Instant::now());
            eprintln!("{:3.0} %  {}", progress.progress, progress.message);
        }
    }
}

fn print(report: &TrainReport) {
    let figures = &report.evaluation;
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    println!(
        "{}: {} of {} test images right, {} (95 % interval {} to {}), macro-F1 {:.3}",
        report.model,
        figures.correct,
        figures.images,
        percent(figures.accuracy),
        percent(figures.interval[0]),
        percent(figures.interval[1]),
        figures.macro_f1
    );
    for class in &figures.per_class {
        println!(
            "  {}: precision {}, recall {} of {}",
            class.label,
            percent(class.precision),
            percent(class.recall),
            class.images
        );
    }
    let embedding = &report.embedding;
    println!(
        "embedding {:.1} s ({} images computed, {} cached, {} unreadable), fitting {:.1} s ({} epochs)",
        embedding.seconds,
        embedding.computed,
        embedding.cached,
        embedding.failed.len(),
        report.fitting.seconds,
        report.fitting.epochs
    );
    let verdict = if report.in_service { "in service" } else { "refused by the gate" };
    println!("{verdict}: {}", report.gate.summary());
    for note in &report.gate.notes {
        println!("note: {note}");
    }
    if let Some(level) = &report.ai_level {
        println!("AI level {}, {}", level.level, level.name);
    }
}
