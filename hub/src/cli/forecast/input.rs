//! From arguments to rows and settings.

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;

use super::args::{Common, Model, Weights};
use crate::forecast::ensemble::{Settings, Weighing};
use crate::forecast::intake::{self, DateOrder, Intake, Row};
use crate::forecast::modelling::{Modelling, Seasons, Trend};
use crate::forecast::series::DAY;
use crate::forecast::{holidays, lstm};

/// The rows of the file; what could not be read is told.
pub(super) fn read(common: &Common) -> anyhow::Result<Vec<Row>> {
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

pub(super) fn settings(common: &Common) -> anyhow::Result<Settings> {
    ensure!((0.5..=0.99).contains(&common.level), "--level {} is not between 0.5 and 0.99", common.level);
    let mut settings = Settings { level: common.level, seed: common.seed, ..Settings::default() };
    if let Some(country) = &common.country {
        settings.prophet.holidays = holidays::of_country(country)?;
    }
    let modelling = Modelling {
        growth: common.growth.as_deref().and_then(Trend::parse),
        capacity: common.capacity,
        floor: common.floor,
        seasonality: common.seasonality.as_deref().and_then(Seasons::parse),
    };
    modelling.check()?;
    modelling.apply(&mut settings.prophet);
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::forecast::prophet::Growth;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        common: Common,
    }

    fn settings_of(line: &str) -> Result<Settings, String> {
        let words = ["forecast", "sales.csv"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        settings(&line.common).map_err(|error| error.to_string())
    }

    #[test]
    fn growth_and_seasonality_are_arguments() {
        let asked = settings_of("--growth logistic --capacity 50 --floor -5 --seasonality multiplicative");
        let asked = asked.expect("settings").prophet;
        assert_eq!(asked.growth, Growth::Logistic { capacity: 50.0, floor: -5.0 });
        assert!(asked.multiplicative);
        let usual = settings_of("").expect("settings").prophet;
        assert!(usual.growth == Growth::Linear && !usual.multiplicative);
        for (line, words) in [
            ("--growth exponential", "linear, flat, logistic"),
            ("--seasonality none", "additive, multiplicative"),
            ("--growth logistic", "given with a capacity"),
            ("--capacity 50", "left out unless growth is logistic"),
            ("--level 2", "not between"),
        ] {
            let error = settings_of(line).expect_err(line);
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
