//! Arguments of `pilah-hub forecast`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use pilah_forecast::modelling::{Seasons, Trend};

/// Arguments of `pilah-hub forecast`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read a file and say what is in it: what each column is taken for, what was left out, what it comes to
    Check(CheckArgs),
    /// Fit a model to the total and one to each product, and save them
    Train(TrainArgs),
    /// Forecast the next days
    Predict(PredictArgs),
    /// Forecast what is known already, and tell how far off it was
    Backtest(BacktestArgs),
}

/// What is read, and how it is fitted.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// A CSV file with dates and quantities, and perhaps products and stores: see `forecast check`
    #[arg(value_name = "FILE.csv")]
    pub(super) file: PathBuf,
    /// What the forecast is made with
    #[arg(long, value_enum, default_value_t = Model::Ensemble)]
    pub(super) model: Model,
    /// How the ensemble weighs its models: Prophet 60 and the network 40, or by their errors on the past
    #[arg(long, value_enum, default_value_t = Weights::Fixed)]
    pub(super) weights: Weights,
    /// Of how often the network sees the data
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) epochs: Option<u16>,
    /// Whose holidays count, by two letters such as ID
    #[arg(long, value_name = "COUNTRY")]
    pub(super) country: Option<String>,
    /// How Prophet's trend grows; logistic growth takes a capacity
    #[arg(long, value_name = "HOW", value_parser = Trend::NAMES)]
    pub(super) growth: Option<String>,
    /// What logistic growth saturates at; `train` gives each product its share
    #[arg(long, value_name = "QUANTITY")]
    pub(super) capacity: Option<f64>,
    /// What logistic growth starts from, 0 if left out
    #[arg(long, value_name = "QUANTITY", allow_negative_numbers = true)]
    pub(super) floor: Option<f64>,
    /// Whether seasons and holidays add to Prophet's trend or scale it
    #[arg(long, value_name = "HOW", value_parser = Seasons::NAMES)]
    pub(super) seasonality: Option<String>,
    /// The probability of the truth to be inside an interval
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    pub(super) level: f64,
    /// Of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) reading: Reading,
    /// Go on although some rows cannot be read
    #[arg(long)]
    pub(super) accept_errors: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How the file is read, if that is not found out.
#[derive(Debug, clap::Args)]
pub(super) struct Reading {
    /// How dates are written, such as DD/MM/YYYY, MM.YYYY, week or excel
    #[arg(long, value_name = "FORMAT")]
    dates: Option<String>,
    /// What separates fields: one character, or tab
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// What separates the fraction: point or comma
    #[arg(long, value_name = "SIGN")]
    decimal: Option<String>,
    /// The distance between dates: hour, day, week, month, quarter or year; what is closer together is added up
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// What columns are, such as Artikel=product,Filiale=store,Beleg=ignore
    #[arg(long, value_name = "NAME=FIELD")]
    columns: Vec<String>,
    /// Take quantities below 0 as they are
    #[arg(long)]
    pub(super) allow_negative: bool,
}

impl Reading {
    /// Each option that is given, by its name, and its value.
    pub(super) fn stated(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let one =
            [("dates", &self.dates), ("delimiter", &self.delimiter), ("decimal", &self.decimal), ("step", &self.step)];
        let one = one.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        one.chain(self.columns.iter().map(|value| ("columns", value.as_str())))
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// A CSV file with dates and quantities
    #[arg(value_name = "FILE.csv")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Where the models are saved
    #[arg(long, value_name = "FILE", default_value = "forecast.pilah")]
    pub(super) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct PredictArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// How far ahead
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=730))]
    pub(super) days: u16,
    /// Of this product rather than of all together
    #[arg(long, value_name = "NAME")]
    pub(super) product: Option<String>,
    /// Use the models that `train` saved rather than fit new ones
    #[arg(long, value_name = "FILE")]
    pub(super) trained: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct BacktestArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// How far ahead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=730))]
    pub(super) days: Option<u16>,
    /// Of this product rather than of all together
    #[arg(long, value_name = "NAME")]
    pub(super) product: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Model {
    Prophet,
    Lstm,
    Ensemble,
    Naive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Weights {
    Fixed,
    Validated,
}
