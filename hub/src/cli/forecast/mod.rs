//! `pilah-hub forecast`: forecasts of a CSV file, without a hub.

/// What is asked for.
mod args;

/// Files and settings.
mod input;

/// Results.
mod print;

use std::ops::ControlFlow;

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use pilah_forecast::artefact::Artefact;
use pilah_forecast::ensemble::{Band, Ensemble, Member, Stage};
use pilah_forecast::series::{Absent, Series, civil};
use pilah_forecast::training::{self, Progress};
use serde_json::json;

pub(super) use self::args::Args;
use self::args::{BacktestArgs, CheckArgs, Command, Common, Model, PredictArgs, TrainArgs};
use self::input::{look, read, settings};
use self::print::{accuracies, date, print, summary, tell_epoch};

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    // All processors for minutes: not on the threads that answer requests.
    let work = move || match args.command {
        Command::Check(args) => check(&args),
        Command::Train(args) => train(&args),
        Command::Predict(args) => predict(&args),
        Command::Backtest(args) => backtest(&args),
    };
    tokio::task::spawn_blocking(work).await?
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let report = look(&args.file, &args.reading)?.report;
    let text = if args.json { serde_json::to_string_pretty(&report)? } else { print::found(&report) };
    print(text.trim_end())?;
    ensure!(report.bad == 0, "{} of {} rows cannot be read", report.bad, report.rows);
    Ok(())
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
    for note in &artefact.total.notes {
        eprintln!("note: {note}");
    }
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
        let series = Series::build_by(&points, Absent::Auto, settings.cadence)?.0;
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
