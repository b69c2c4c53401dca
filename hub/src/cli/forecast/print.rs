//! What is printed.

use std::io::Write as _;

use serde_json::json;

use crate::forecast::accuracy::Accuracy;
use crate::forecast::ensemble::Ensemble;
use crate::forecast::lstm;
use crate::forecast::series::{DAY, civil};

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
