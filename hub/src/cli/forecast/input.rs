//! From arguments to rows and settings.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use jiff::Timestamp;
use pilah_forecast::ensemble::{Settings, Weighing};
use pilah_forecast::intake::{self, Intake, IntakeError, Row};
use pilah_forecast::modelling::{Modelling, Seasons, Trend};
use pilah_forecast::series::DAY;
use pilah_forecast::{holidays, lstm};

use super::args::{Common, Model, Reading, Weights};
use super::print;

/// What is in a file, if it can be read.
pub(super) fn look(path: &Path, reading: &Reading) -> anyhow::Result<Intake> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    ensure!(size <= intake::LARGEST as u64, "{}: {}", path.display(), IntakeError::TooLarge(size as usize));
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let options =
        intake::Options { latest: Some(Timestamp::now().as_second() + DAY), ..options(reading)? }.of_file(&name);
    intake::read(&bytes, &options).map_err(asked).with_context(|| format!("cannot use {}", path.display()))
}

/// What a person states of the file.
fn options(reading: &Reading) -> anyhow::Result<intake::Options> {
    let mut options = intake::Options { allow_negative: reading.allow_negative, ..intake::Options::default() };
    for (name, value) in reading.stated() {
        options.set(name, value).map_err(|allowed| anyhow!("--{name} is {value}, and must be {allowed}"))?;
    }
    Ok(options)
}

/// What is asked, with the arguments that answer it.
fn asked(error: IntakeError) -> anyhow::Error {
    let IntakeError::Unclear { question, option, choices, .. } = error else { return error.into() };
    let choices = choices.iter().map(|choice| format!("  --{option} '{}'   {}", choice.value, choice.meaning));
    anyhow!("{question}. Say so by one of\n{}", choices.collect::<Vec<_>>().join("\n"))
}

/// The rows of the file; what was made of it is told.
pub(super) fn read(common: &Common) -> anyhow::Result<Vec<Row>> {
    let Intake { rows, report } = look(&common.file, &common.reading)?;
    eprint!("{}", print::found(&report));
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
    settings.cadence = options(&common.reading)?.cadence;
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
    use pilah_forecast::prophet::Growth;
    use pilah_forecast::series::Cadence;

    use super::*;

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
        assert_eq!(settings_of("--step week").expect("settings").cadence, Some(Cadence::Week));
        let usual = settings_of("").expect("settings").prophet;
        assert!(usual.growth == Growth::Linear && !usual.multiplicative);
        for (line, words) in [
            ("--growth exponential", "linear, flat, logistic"),
            ("--seasonality none", "additive, multiplicative"),
            ("--growth logistic", "given with a capacity"),
            ("--capacity 50", "left out unless growth is logistic"),
            ("--level 2", "not between"),
            ("--step fortnight", "--step is fortnight, and must be one of hour, day"),
        ] {
            let error = settings_of(line).expect_err(line);
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    #[test]
    fn a_file_is_read_as_stated_and_what_is_asked_names_the_argument() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("depot.csv");
        let look_at = |text: &str, line: &str| {
            std::fs::write(&file, text).expect("it is written");
            let words = ["forecast", "x.csv"].into_iter().chain(line.split_whitespace());
            let common = Line::try_parse_from(words).expect("arguments").common;
            look(&file, &common.reading).map_err(|error| format!("{error:#}"))
        };
        let thousands = "date;product;quantity\n2025-01-06;a;1.500\n2025-01-07;a;1.250\n";
        let asked = look_at(thousands, "").expect_err("it is asked");
        assert!(asked.contains("depot.csv") && asked.contains("--decimal 'comma'   1500"), "{asked}");
        let found = look_at(thousands, "--decimal comma --step week").expect("it is stated");
        assert_eq!((found.rows.len(), found.rows[0].quantity), (1, 2750.0));
        let stated = "--columns a=product --columns b=date,c=quantity --delimiter bar --allow-negative";
        let found = look_at("a|b|c\nx|2025-01-06|-3\n", stated).expect("it is stated");
        assert_eq!((found.rows[0].product.as_str(), found.rows[0].quantity), ("x", -3.0));
        let found = look_at("Datum;Menge\n06.01.2025;3\nSumme;3\n", "").expect("it is clear");
        let told = print::found(&found.report);
        for words in ["Datum", "day-month-year", "06.01.2025", "2025-01-06", "line 3", "it is a total", "called depot"]
        {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}
