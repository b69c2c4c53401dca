//! `pilah-hub forecast`: forecasts of a CSV file, without a hub.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use crate::forecast::accuracy::Accuracy;
use crate::forecast::artefact::Artefact;
use crate::forecast::ensemble::{Band, Ensemble, Member, Settings, Stage, Weighing};
use crate::forecast::intake::{self, DateOrder, Intake, Row};
use crate::forecast::series::{DAY, civil};
use crate::forecast::training::{self, Progress};
use crate::forecast::{holidays, lstm};

/// Arguments of `pilah-hub forecast`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit a model to the total and one to each product, and save them
    Train(TrainArgs),
    /// Forecast the next days
    Predict(PredictArgs),
    /// Forecast what is known already, and tell how far off it was
    Backtest(BacktestArgs),
}

/// What is read, and how it is fitted.
#[derive(Debug, clap::Args)]
struct Common {
    /// A CSV file with columns date, product_id, quantity; or date and quantity of one product
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// What the forecast is made with
    #[arg(long, value_enum, default_value_t = Model::Ensemble)]
    model: Model,
    /// How the ensemble weighs its models: Prophet 60 and the network 40, or by their errors on the past
    #[arg(long, value_enum, default_value_t = Weights::Fixed)]
    weights: Weights,
    /// Of how often the network sees the data
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    epochs: Option<u16>,
    /// Whose holidays count, by two letters such as ID
    #[arg(long, value_name = "COUNTRY")]
    country: Option<String>,
    /// The probability of the truth to be inside an interval
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    level: f64,
    /// Of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How dates are written, such as DD/MM/YYYY, if that is not found out
    #[arg(long, value_name = "FORMAT")]
    dates: Option<String>,
    /// Go on although some rows cannot be read
    #[arg(long)]
    accept_errors: bool,
    /// Take quantities below 0 as they are
    #[arg(long)]
    allow_negative: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct TrainArgs {
    #[command(flatten)]
    common: Common,
    /// Where the models are saved
    #[arg(long, value_name = "FILE", default_value = "forecast.pilah")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct PredictArgs {
    #[command(flatten)]
    common: Common,
    /// How far ahead
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=730))]
    days: u16,
    /// Of this product rather than of all together
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Use the models that `train` saved rather than fit new ones
    #[arg(long, value_name = "FILE")]
    trained: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct BacktestArgs {
    #[command(flatten)]
    common: Common,
    /// How far ahead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=730))]
    days: Option<u16>,
    /// Of this product rather than of all together
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Model {
    Prophet,
    Lstm,
    Ensemble,
    Naive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Weights {
    Fixed,
    Validated,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    // All processors for minutes: not on the threads that answer requests.
    let work = move || match args.command {
        Command::Train(args) => train(&args),
        Command::Predict(args) => predict(&args),
        Command::Backtest(args) => backtest(&args),
    };
    tokio::task::spawn_blocking(work).await?
}

fn train(args: &TrainArgs) -> anyhow::Result<()> {
    let rows = read(&args.common)?;
    let settings = settings(&args.common)?;
    let bar = std::sync::Mutex::new(super::progress::bar("products"));
    let watch = |progress| {
        match progress {
            Progress::Prophet => eprintln!("total: Prophet"),
            Progress::LstmTested(epoch) => tell_epoch("network for the test on the past", epoch),
            Progress::Lstm(epoch) => tell_epoch("network", epoch),
            Progress::Products { done, of } => {
                bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner)(done as u64, of as u64);
            }
        }
        ControlFlow::Continue(())
    };
    let artefact = training::train(&rows, &settings, Timestamp::now(), &watch)?;
    let bytes = artefact.to_bytes();
    pilah_models::durable::write(&args.out, &bytes)?;
    eprintln!();
    let metadata = &artefact.metadata;
    if args.common.json {
        let report = json!({
            "file": args.out, "bytes": bytes.len(), "metadata": metadata,
            "total": summary(&artefact.total),
        });
        return print(&serde_json::to_string_pretty(&report)?);
    }
    let mut text = format!(
        "{}: {} rows from {} to {}, the total and {} products\n",
        args.out.display(),
        metadata.rows,
        civil(metadata.first).date(),
        civil(metadata.last).date(),
        metadata.products
    );
    for (product, reason) in &metadata.skipped {
        text.push_str(&format!("  without {product}: {reason}\n"));
    }
    text.push_str(&accuracies(&artefact.total));
    print(text.trim_end())
}

fn predict(args: &PredictArgs) -> anyhow::Result<()> {
    let ensemble = match &args.trained {
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let artefact = Artefact::from_bytes(&bytes).with_context(|| format!("cannot use {}", path.display()))?;
            of_artefact(artefact, args.product.as_deref())?
        }
        None => fit(&args.common, args.product.as_deref(), None)?,
    };
    let steps = ensemble.series.step.covering(f64::from(args.days));
    let forecast = ensemble.forecast(steps, args.common.level);
    let band = chosen(&forecast.members, &forecast.ensemble, args.common.model, &ensemble)?;
    let dates: Vec<String> = forecast.times.iter().map(|at| date(*at)).collect();
    if args.common.json {
        let answer = json!({
            "product": args.product, "model": format!("{:?}", args.common.model).to_lowercase(),
            "step": ensemble.series.step.in_words(), "level": args.common.level, "dates": dates,
            "mean": band.mean, "lower": band.lower, "upper": band.upper, "fit": summary(&ensemble),
        });
        return print(&serde_json::to_string_pretty(&answer)?);
    }
    let mut text = String::from("date,expected,lower,upper\n");
    for (index, date) in dates.iter().enumerate() {
        let line = format!("{date},{:.3},{:.3},{:.3}\n", band.mean[index], band.lower[index], band.upper[index]);
        text.push_str(&line);
    }
    for note in &ensemble.notes {
        eprintln!("note: {note}");
    }
    print(text.trim_end())
}

fn backtest(args: &BacktestArgs) -> anyhow::Result<()> {
    let ensemble = fit(&args.common, args.product.as_deref(), args.days)?;
    ensure!(ensemble.ensemble_accuracy.is_some(), "{}", ensemble.notes.join("; "));
    if args.common.json {
        return print(&serde_json::to_string_pretty(&summary(&ensemble))?);
    }
    for note in &ensemble.notes {
        eprintln!("note: {note}");
    }
    print(accuracies(&ensemble).trim_end())
}

/// The series that is asked for, fitted.
fn fit(common: &Common, product: Option<&str>, days: Option<u16>) -> anyhow::Result<Ensemble> {
    let rows = read(common)?;
    let points = match product {
        None => training::total(&rows),
        Some(product) => {
            let mut products = training::by_product(&rows);
            match products.remove(product) {
                Some(points) => points,
                None => bail!("{}", unknown(product, products.into_keys())),
            }
        }
    };
    let mut settings = settings(common)?;
    if let Some(days) = days {
        let series = crate::forecast::series::Series::build(&points, Default::default())?.0;
        settings.horizon = Some(series.step.covering(f64::from(days)));
    }
    Ok(training::fit(&points, &settings, |stage| {
        match stage {
            Stage::Prophet => {}
            Stage::LstmTested(epoch) => tell_epoch("network for the test on the past", epoch),
            Stage::Lstm(epoch) => tell_epoch("network", epoch),
        }
        ControlFlow::Continue(())
    })?)
}

fn of_artefact(mut artefact: Artefact, product: Option<&str>) -> anyhow::Result<Ensemble> {
    let Some(product) = product else { return Ok(artefact.total) };
    match artefact.products.remove(product) {
        Some(ensemble) => Ok(ensemble),
        None => bail!("{}", unknown(product, artefact.products.keys().map(String::as_str))),
    }
}

fn unknown<'a>(product: &str, products: impl Iterator<Item = &'a str>) -> String {
    match training::nearest(product, products).as_slice() {
        [] => format!("there is no product {product}"),
        near => format!("there is no product {product}: is it {}?", near.join(", ")),
    }
}

/// The rows of the file; what could not be read is told.
fn read(common: &Common) -> anyhow::Result<Vec<Row>> {
    let path = &common.file;
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    ensure!(size <= intake::LARGEST as u64, "{}: {}", path.display(), intake::IntakeError::TooLarge(size as usize));
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let dates = match &common.dates {
        None => None,
        Some(text) => Some(
            DateOrder::parse(text)
                .with_context(|| format!("{text} names no day, month and year: write it like DD/MM/YYYY"))?,
        ),
    };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let options = intake::Options {
        dates,
        product: stem,
        allow_negative: common.allow_negative,
        latest: Some(Timestamp::now().as_second() + DAY),
        ..intake::Options::default()
    };
    let Intake { rows, report } =
        intake::read(&bytes, &options).with_context(|| format!("cannot use {}", path.display()))?;
    for error in report.errors.iter().take(20) {
        eprintln!("line {}, column {}: {}: {}", error.line, error.column, error.value, error.reason);
    }
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    if report.bad > 0 && !common.accept_errors {
        bail!(
            "{} of {} rows cannot be read: mend them, or go on without them by --accept-errors",
            report.bad,
            report.rows
        );
    }
    Ok(rows)
}

fn settings(common: &Common) -> anyhow::Result<Settings> {
    ensure!((0.5..=0.99).contains(&common.level), "--level {} is not between 0.5 and 0.99", common.level);
    let mut settings = Settings { level: common.level, seed: common.seed, ..Settings::default() };
    if let Some(country) = &common.country {
        settings.prophet.holidays = holidays::of_country(country)?;
    }
    if common.weights == Weights::Validated {
        settings.weighing = Weighing::Validated;
    }
    if matches!(common.model, Model::Lstm | Model::Ensemble) {
        let mut network = lstm::Options { seed: common.seed, ..lstm::Options::default() };
        network.epochs = common.epochs.map_or(network.epochs, usize::from);
        settings.lstm = Some(network);
    }
    Ok(settings)
}

fn chosen<'a>(
    members: &'a std::collections::BTreeMap<Member, Band>,
    all: &'a Band,
    model: Model,
    ensemble: &Ensemble,
) -> anyhow::Result<&'a Band> {
    let member = match model {
        Model::Ensemble => return Ok(all),
        Model::Prophet => Member::Prophet,
        Model::Lstm => Member::Lstm,
        Model::Naive => Member::Naive,
    };
    members
        .get(&member)
        .with_context(|| format!("{} has no model of this series: {}", member.name(), ensemble.notes.join("; ")))
}

fn summary(ensemble: &Ensemble) -> serde_json::Value {
    json!({
        "character": ensemble.character, "values": ensemble.series.len(), "weights": ensemble.weights,
        "accuracy": ensemble.accuracy, "ensemble_accuracy": ensemble.ensemble_accuracy, "notes": ensemble.notes,
        "drift": ensemble.drift(),
    })
}

fn accuracies(ensemble: &Ensemble) -> String {
    let line = |name: &str, weight: f64, accuracy: &Accuracy| {
        let coverage = accuracy.coverage.map_or("-".into(), |share| format!("{:.0} %", share * 100.0));
        format!("{name:<14}{:>5.0} %{:>14.4}{:>9.3}{coverage:>10}\n", weight * 100.0, accuracy.mae, accuracy.rmsse)
    };
    let mut text = format!("{:<14}{:>7}{:>14}{:>9}{:>10}\n", "model", "weight", "MAE", "RMSSE", "coverage");
    for (member, accuracy) in &ensemble.accuracy {
        text.push_str(&line(member.name(), ensemble.weights.get(member).copied().unwrap_or(0.0), accuracy));
    }
    if let Some(accuracy) = &ensemble.ensemble_accuracy {
        text.push_str(&line("ensemble", 1.0, accuracy));
    }
    text
}

fn tell_epoch(what: &str, epoch: lstm::Epoch) {
    if epoch.epoch.is_multiple_of(10) || epoch.epoch == epoch.epochs {
        eprintln!("{what}: epoch {} of {}, loss {:.4}", epoch.epoch, epoch.epochs, epoch.loss);
    }
}

/// A date, with its time if that is not midnight.
fn date(at: i64) -> String {
    let civil = civil(at);
    if at.rem_euclid(DAY) == 0 { civil.date().to_string() } else { civil.to_string() }
}

/// Prints a result. A reader that closed the pipe has seen enough.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
