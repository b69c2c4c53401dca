//! `pilah-hub train`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use pilah_models::bundle::{LARGEST_NETWORK, Scaling};
use pilah_models::name::Label;
use tokio_util::sync::CancellationToken;

use super::data::Data;
use crate::evaluate::rules;
use crate::live::{Live, LiveEvent};
use crate::registry::{BackboneFile, Parts, Registry};
use crate::store::Blobs;
use crate::train::{TrainParams, TrainReport, Trainer};

/// Who wants the training.
const WHO: &str = "command line";

/// How often progress is printed.
const PRINT_EVERY: Duration = Duration::from_millis(500);

/// Arguments of `pilah-hub train`. Beside a running hub, either of the two may run the training; the hub
/// has the model all the same.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Use this ONNX network instead of the backbone of the model in service: images, RGB, to one embedding
    #[arg(long, value_name = "FILE")]
    backbone: Option<PathBuf>,
    /// Width and height of the images that the backbone takes, if its file does not say
    #[arg(long, value_name = "PIXELS", requires = "backbone", value_parser = clap::value_parser!(u32).range(8..=1024))]
    input_side: Option<u32>,
    /// How the backbone takes its pixels, if its file does not say: -1..1 (x/127.5 - 1), 0..1 (x/255), 0..255,
    /// imagenet, or MEAN/DEVIATION of values 0 to 255
    #[arg(long, value_name = "SCALING", requires = "backbone", allow_hyphen_values = true)]
    scaling: Option<Scaling>,
    /// Folder of the model that is put in service if there is none yet; the one in this program, if left out
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
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
    /// How many numbers the hidden layer has; 0: none
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// How strongly weights are drawn to 0, 0 to 10
    #[arg(long, value_name = "DECAY")]
    weight_decay: Option<f64>,
    /// The share of an embedding that each step leaves out, 0 to 0.9
    #[arg(long, value_name = "SHARE")]
    input_dropout: Option<f64>,
    /// The share of the hidden layer that each step leaves out, 0 to 0.9
    #[arg(long, value_name = "SHARE")]
    dropout: Option<f64>,
    /// The share of a label's probability that is spread over all classes, 0 to 0.5
    #[arg(long, value_name = "SHARE")]
    label_smoothing: Option<f64>,
    /// How strongly images are mixed with each other, 0 to 1
    #[arg(long, value_name = "ALPHA")]
    mixup: Option<f64>,
    /// How many epochs that are worse than the best beyond chance end the fit
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
    /// Whether every class counts the same, however many images it has
    #[arg(long, value_name = "BOOL")]
    class_weights: Option<bool>,
    /// Train these classes only, in this order
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',', value_parser = Label::read)]
    labels: Option<Vec<Label>>,
    /// Of the items that the model takes for a class, the share that may end in its compartment although they
    /// are of another, above 0, at most 1: thresholds are picked by it
    #[arg(long, value_name = "SHARE")]
    accepted_contamination: Option<f32>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let backbone = args.backbone.as_ref().map(|path| read_backbone(path, args.input_side, args.scaling)).transpose()?;
    let (folder, store) = args.data.open_or_make().await?;
    let blobs = Blobs::open(&folder)?;
    let live = Live::default();
    let registry = Registry::open(store.clone(), blobs.clone(), live.clone(), args.bundle.as_deref()).await?;
    if args.bundle.is_none() {
        registry.begin_with_shipped().await?;
    }
    let registry = registry.with_rules(rules::in_folder(folder.path())?);
    let stop = CancellationToken::new();
    let trainer = Trainer::open(Parts { store: store.clone(), blobs, registry }, live.clone(), stop.clone()).await?;
    let params = TrainParams {
        hidden: args.hidden,
        epochs: args.epochs,
        learning_rate: args.learning_rate,
        batch_size: args.batch_size,
        weight_decay: args.weight_decay,
        input_dropout: args.input_dropout,
        dropout: args.dropout,
        label_smoothing: args.label_smoothing,
        mixup: args.mixup,
        patience: args.patience,
        class_weights: args.class_weights,
        seed: args.seed,
        labels: args.labels,
        accepted_contamination: args.accepted_contamination,
    };
    let printing = tokio::spawn(print_progress(live));
    let id = trainer.start_with(params, backbone, WHO).await?;
    let result = tokio::select! {
        result = trainer.wait(id) => result,
        signal = super::serve::stop_signal() => {
            signal?;
            trainer.cancel(id, WHO).await?;
            trainer.wait(id).await
        }
    };
    printing.abort();
    stop.cancel();
    trainer.stopped().await;
    let report = result?;
    store.close().await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

pub(super) fn read_backbone(
    path: &std::path::Path,
    side: Option<u32>,
    scaling: Option<Scaling>,
) -> anyhow::Result<BackboneFile> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        anyhow::ensure!(size <= LARGEST_NETWORK, "{size} bytes are more than the {LARGEST_NETWORK} that are allowed");
        Ok(BackboneFile::new(&std::fs::read(path)?, side, scaling)?)
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
    for threshold in &report.thresholds {
        println!("  {} is {}", threshold.label, threshold.in_words());
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
