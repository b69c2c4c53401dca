//! Figures of the forecast's parts, for `forecast_compare.py`, which runs the same tasks with Python's prophet,
//! PyTorch and StatsForecast in the same run. Prints JSON, a line per task.
//!
//! ```text
//! cargo run --release -p pilah-forecast --example forecast_figures -- prophet FILE.csv additive 365
//! cargo run --release -p pilah-forecast --example forecast_figures -- lstm FILE.csv
//! cargo run --release -p pilah-forecast --example forecast_figures -- many 1000
//! cargo run --release -p pilah-forecast --example forecast_figures -- ensemble LONG.csv ORIGINS WINDOWS
//! ```

use std::ops::ControlFlow;
use std::time::Instant;

use pilah_forecast::ensemble::{Ensemble, Settings, Weighing};
use pilah_forecast::intake::{self, Row};
use pilah_forecast::lstm::{self, Lstm};
use pilah_forecast::prophet::{Options, Prophet};
use pilah_forecast::series::{Absent, Series};
use pilah_forecast::training;
use rayon::prelude::*;
use serde_json::json;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["prophet", file, mode, periods] => prophet(file, *mode == "multiplicative", number(periods)),
        ["lstm", file] => network(file),
        ["many", count] => many(number(count)),
        ["ensemble", file, origins, windows] => ensemble(file, number(origins), number(windows)),
        _ => eprintln!(
            "prophet FILE additive|multiplicative PERIODS, lstm FILE, many COUNT, or ensemble FILE ORIGINS WINDOWS"
        ),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn rows(file: &str) -> Vec<Row> {
    let bytes = std::fs::read(file).expect("the file can be read");
    let options = intake::Options { product: Some("y".into()), allow_negative: true, ..intake::Options::default() };
    intake::read(&bytes, &options).expect("the file has rows").rows
}

fn series(file: &str) -> Series {
    Series::build(&training::total(&rows(file)), Absent::Unknown).expect("the rows make a series").0
}

/// The best of three runs, since other programs take their share of a machine.
fn best<T>(work: impl Fn() -> T) -> (f64, T) {
    let mut best = None::<(f64, T)>;
    for _ in 0..3 {
        let begun = Instant::now();
        let result = work();
        let seconds = begun.elapsed().as_secs_f64();
        if best.as_ref().is_none_or(|best| seconds < best.0) {
            best = Some((seconds, result));
        }
    }
    best.expect("three runs")
}

fn prophet(file: &str, multiplicative: bool, periods: usize) {
    let series = series(file);
    let (times, values) = series.known();
    let all: Vec<i64> = times.iter().copied().chain(series.times(series.len(), series.len() + periods)).collect();
    let run = |exact| {
        let options = Options { multiplicative, exact, ..Options::default() };
        let (fit, model) = best(|| Prophet::fit(&times, &values, &options).expect("a fit"));
        let (predict, prediction) = best(|| model.predict(&all, 0.8, 1));
        json!({ "fit": fit, "predict": predict, "yhat": prediction.mean, "iterations": model.iterations() })
    };
    println!("{}", json!({ "default": run(false), "exact": run(true), "known": times.len() }));
}

fn network(file: &str) {
    let values = series(file).filled();
    let begun = Instant::now();
    let network = Lstm::train(&values, &lstm::Options::default(), |_| ControlFlow::Continue(())).expect("a network");
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}", json!({ "seconds": seconds, "values": values.len(), "loss": network.losses().last() }));
}

/// A daily series of two years: a level, a trend, a week, a year, noise, some of them sporadic.
fn daily(seed: usize) -> Series {
    let mut state = seed as u64 * 2_654_435_761 + 1;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let (level, slope, week, year) = (5.0 + 60.0 * uniform(), 0.04 * uniform(), 0.4 * uniform(), 0.3 * uniform());
    let sporadic = seed.is_multiple_of(5);
    let value = |day: usize| {
        let wave = |period: f64| (std::f64::consts::TAU * day as f64 / period).sin();
        let mean = (level + slope * day as f64) * (1.0 + week * wave(7.0) + year * wave(365.25));
        let noise = (0..4).map(|_| uniform()).sum::<f64>() - 2.0;
        let value = (mean * (1.0 + 0.3 * noise)).max(0.0).round();
        if sporadic && uniform() > 0.25 { 0.0 } else { value }
    };
    Series { start: 19_000 * 86_400, step: pilah_forecast::series::Step::DAY, values: (0..730).map(value).collect() }
}

fn many(count: usize) {
    let all: Vec<Series> = (0..count).map(daily).collect();
    let begun = Instant::now();
    let inside: Vec<(usize, usize)> = all
        .par_iter()
        .map(|series| {
            let fit = Ensemble::fit(series, &Settings::default(), |_| ControlFlow::Continue(())).expect("a fit");
            let forecast = fit.forecast(30, 0.8);
            assert_eq!(forecast.ensemble.mean.len(), 30);
            let known = fit.ensemble_accuracy.expect("a backtest");
            ((known.coverage.unwrap_or(0.0) * known.values as f64).round() as usize, known.values)
        })
        .collect();
    let seconds = begun.elapsed().as_secs_f64();
    let (hits, values) = inside.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{}", json!({ "series": count, "seconds": seconds, "coverage": hits as f64 / values as f64 }));
}

/// Forecasts every product of a file from several origins, a season (at most 28 steps) ahead each: what is fitted
/// knows nothing of what comes after its origin. Once with weights that are learned, without a network, and once with
/// Prophet 60 and the network 40, which looks at `windows` windows over all epochs, as in an answer of the hub.
fn ensemble(file: &str, origins: usize, windows: usize) {
    let rows = rows(file);
    let products = training::by_product(&rows);
    let products: Vec<_> = products.into_iter().collect();
    products.par_iter().for_each(|(product, points)| {
        let (series, _) = Series::build(points, Absent::Unknown).expect("a series");
        let horizon = series.step.season().clamp(4, 28).min(series.len() / 6);
        for back in (1..=origins).rev() {
            let origin = series.len() - back * horizon;
            let head = series.head(origin);
            let settings = Settings { weighing: Weighing::Validated, horizon: Some(horizon), ..Settings::default() };
            let fit =
                |settings: &Settings| Ensemble::fit(&head, settings, |_| ControlFlow::Continue(())).expect("a fit");
            let network = lstm::Options::default().within(head.len(), windows);
            let fixed = Settings { weighing: Weighing::Fixed, lstm: Some(network), ..settings.clone() };
            let (fit, fixed) = (fit(&settings), fit(&fixed));
            let forecast = fit.forecast(horizon, 0.8);
            let with_network = fixed.forecast(horizon, 0.8);
            let band = &forecast.ensemble;
            let naive = &forecast.members[&pilah_forecast::ensemble::Member::Naive].mean;
            let numbers =
                |values: &[f64]| values.iter().map(|v| Some(*v).filter(|v| v.is_finite())).collect::<Vec<_>>();
            let line = json!({
                "product": product, "season": series.step.season(), "step": series.step.in_words(),
                "history": head.filled(), "truth": numbers(&series.values[origin..origin + horizon]),
                "mean": band.mean, "lower": band.lower, "upper": band.upper, "naive": naive, "weights": fit.weights,
                "members": with_network.members, "fixed": with_network.ensemble, "fixed_weights": fixed.weights,
            });
            println!("{line}");
        }
    });
}
