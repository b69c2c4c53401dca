//! What is printed.

use std::fmt::Write as _;
use std::io::Write as _;

use pilah_forecast::accuracy::Accuracy;
use pilah_forecast::ensemble::Ensemble;
use pilah_forecast::intake::Report;
use pilah_forecast::lstm;
use pilah_forecast::series::{DAY, civil};
use serde_json::json;

pub(super) fn summary(ensemble: &Ensemble) -> serde_json::Value {
    json!({
        "character": ensemble.character, "values": ensemble.series.len(), "weights": ensemble.weights,
        "accuracy": ensemble.accuracy, "ensemble_accuracy": ensemble.ensemble_accuracy, "notes": ensemble.notes,
        "drift": ensemble.drift(),
    })
}

pub(super) fn accuracies(ensemble: &Ensemble) -> String {
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

/// How many bad rows, and how many lines that were left out, are printed.
const PRINTED: usize = 20;

/// What was found in a file, column by column, and what it comes to.
pub(super) fn found(report: &Report) -> String {
    let mut text = format!("{}, fields separated by {}\n", report.encoding, report.delimiter);
    for column in &report.understood {
        let field = column.field.as_deref().unwrap_or("-");
        let _ = write!(text, "  {:<20} {field:<15} {}", column.name, column.understood);
        let examples = column.written.iter().zip(&column.read).take(2);
        let examples: Vec<String> = examples
            .map(|(written, read)| match read.as_str() {
                "" => written.clone(),
                read if read == written => read.to_owned(),
                read => format!("{written} is {read}"),
            })
            .collect();
        let _ = writeln!(text, "{}{}", if examples.is_empty() { "" } else { ": " }, examples.join(", "));
    }
    for line in report.left_out.iter().take(PRINTED) {
        let _ = writeln!(text, "left out, line {}: {}: {}", line.line, line.value, line.reason);
    }
    for error in report.errors.iter().take(PRINTED) {
        let _ = writeln!(text, "line {}, column {}: {}: {}", error.line, error.column, error.value, error.reason);
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let Report {
        rows,
        good,
        added_up,
        left_out_lines,
        bad,
        quantities,
        products,
        stores,
        first,
        last,
        total,
        step,
        ..
    } = report;
    let _ = writeln!(
        text,
        "{rows} rows: {good} good, of which {added_up} were added to others; {left_out_lines} lines left out, {bad} cannot be read"
    );
    let _ = writeln!(
        text,
        "{quantities} quantities of {products} products in {stores} stores from {first} to {last}, one per {step}, {total} in total"
    );
    text
}

pub(super) fn tell_epoch(what: &str, epoch: lstm::Epoch) {
    if epoch.epoch.is_multiple_of(10) || epoch.epoch == epoch.epochs {
        eprintln!("{what}: epoch {} of {}, loss {:.4}", epoch.epoch, epoch.epochs, epoch.loss);
    }
}

/// A date, with its time if that is not midnight.
pub(super) fn date(at: i64) -> String {
    let civil = civil(at);
    if at.rem_euclid(DAY) == 0 { civil.date().to_string() } else { civil.to_string() }
}

/// Prints a result. A reader that closed the pipe has seen enough.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
