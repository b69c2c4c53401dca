//! Models for people: tables of plain text.

use std::fmt::Write as _;

use pilah_evaluate::EvaluationReport;
use pilah_evaluate::gate::Verdict;
use pilah_evaluate::report::{ComparisonReport, SetReport};
use pilah_models::onnx::Change;

use crate::exchange::import::{Imported, Understood};
use crate::registry::backbones::BackboneView;
use crate::registry::routes::{ModelDetail, ModelList};
use crate::registry::scaling::{Because, in_words};

/// How many offenders and differing images are listed; `--json` lists more.
const LISTED: usize = 8;

pub(super) fn list(list: &ModelList) -> String {
    let header = ["VERSION", "STATE", "MADE", "ACCURACY", "MACRO-F1", "TRAINING", "GATE"].map(str::to_owned).to_vec();
    let mut rows = vec![header];
    for model in &list.models {
        let gate = model.gate.as_ref().map_or("-", |verdict| if verdict.passed { "passed" } else { "refused" });
        let state = match (&model.tags[..], model.state.as_str()) {
            // One of them is the previous one, and has the tag.
            ([], "previous") => "was in service".to_owned(),
            ([], state) => state.to_owned(),
            (tags, _) => tags.join(", "),
        };
        rows.push(vec![
            model.version.clone(),
            state,
            day(model.created_ms),
            model.accuracy.map_or("-".into(), percent),
            model.macro_f1.map_or("-".into(), |f1| format!("{f1:.3}")),
            model.training.map_or("-".into(), |training| training.to_string()),
            gate.to_owned(),
        ]);
    }
    table(&rows)
}

pub(super) fn detail(detail: &ModelDetail, report: Option<&EvaluationReport>) -> String {
    let (model, lineage) = (&detail.model, &detail.lineage);
    let text_or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![
        vec!["version".to_owned(), model.version.clone()],
        vec!["state".to_owned(), model.state.clone()],
        vec!["made".to_owned(), format!("{} by {}", day(lineage.made_ms), lineage.software)],
        vec!["training".to_owned(), text_or(lineage.training.map(|id| id.to_string()))],
        vec!["parameters".to_owned(), text_or(lineage.params.as_ref().map(ToString::to_string))],
        vec!["seed".to_owned(), text_or(lineage.seed.map(|seed| seed.to_string()))],
        vec!["parent".to_owned(), text_or(lineage.parent.as_ref().map(ToString::to_string))],
        vec!["dataset".to_owned(), text_or(lineage.dataset.as_ref().map(ToString::to_string))],
        vec!["backbone".to_owned(), lineage.backbone.to_string()],
    ];
    if let Some(overridden) = &model.overridden {
        rows.push(vec!["override".to_owned(), format!("by {}: {}", overridden.by, overridden.reason)]);
    }
    let mut text = table(&rows);
    let thresholds = detail.manifest_content.thresholds.iter();
    let mut classes = vec![vec!["CLASS".to_owned(), "THRESHOLD".to_owned()]];
    classes.extend(thresholds.map(|(label, threshold)| vec![label.to_string(), format!("{threshold:.3}")]));
    text += &format!("\n{}", table(&classes));
    if let Some(verdict) = &model.gate {
        text += &format!("\n{}", gate(verdict));
    }
    match report {
        Some(found) => text += &format!("\n{}", self::report(found)),
        None => text += &format!("\nNot evaluated yet: pilah-hub model evaluate {}\n", model.version),
    }
    text
}

pub(super) fn report(report: &EvaluationReport) -> String {
    let mut text = String::new();
    for (name, found) in [("test split", &report.test), ("fresh field samples", &report.field)] {
        if let Some(found) = found {
            text += &format!("{}\n", set(&format!("{} on the {name}", report.model), found));
        }
    }
    let speed = &report.speed;
    text += &format!(
        "an image takes {:.1} ms here, 95 of 100 at most {:.1} ms; {:.1} MB, of which the head {:.1} kB\n",
        speed.median_ms,
        speed.p95_ms,
        speed.merged_bytes as f64 / 1e6,
        speed.head_bytes as f64 / 1e3
    );
    if let Some(compared) = &report.compared {
        text += &format!("{}\n", compared.summary);
    }
    for note in &report.notes {
        text += &format!("note: {note}\n");
    }
    text
}

fn set(title: &str, set: &SetReport) -> String {
    let figures = &set.figures;
    let mut text = format!(
        "{title}: {} of {} images right, {} (95 % interval {} to {}), {} groups\n",
        figures.correct,
        figures.images,
        percent(figures.accuracy),
        percent(figures.interval[0]),
        percent(figures.interval[1]),
        set.groups
    );
    let interval = set.macro_f1_interval.map(|[low, high]| format!(" ({low:.3} to {high:.3})")).unwrap_or_default();
    let calibration = &set.calibration;
    let before = calibration
        .before_temperature
        .as_ref()
        .map(|before| format!(", {:.3} before temperature {:.2}", before.error, before.temperature))
        .unwrap_or_default();
    text += &format!(
        "macro-F1 {:.3}{interval}; calibration error {:.3}{before} ({:.3} by chance)\n",
        figures.macro_f1, calibration.error, calibration.by_chance
    );
    if let Some(own) = &set.risk_coverage.at_thresholds {
        text += &format!(
            "with its thresholds it answers {}, of which {} wrong\n",
            percent(own.coverage),
            percent(own.risk)
        );
    }
    let labels: Vec<String> = figures.per_class.iter().map(|class| class.label.to_string()).collect();
    let mut rows = vec![["CLASS", "IMAGES", "PRECISION", "RECALL", "F1", "ANSWERED AS"].map(str::to_owned).to_vec()];
    for (class, counts) in figures.per_class.iter().zip(&figures.confusion) {
        let mut named: Vec<(u64, &str)> = counts.iter().copied().zip(labels.iter().map(String::as_str)).collect();
        named.retain(|(count, _)| *count > 0);
        named.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        rows.push(vec![
            class.label.to_string(),
            class.images.to_string(),
            percent(class.precision),
            percent(class.recall),
            format!("{:.3}", class.f1),
            named.iter().map(|(count, label)| format!("{label} {count}")).collect::<Vec<_>>().join(", "),
        ]);
    }
    text += &table(&rows);
    if set.bins.iter().any(|bin| bin.bin.is_some()) {
        let mut rows = vec![["BIN", "IMAGES", "RIGHT", "95 % INTERVAL"].map(str::to_owned).to_vec()];
        rows.extend(set.bins.iter().map(|bin| {
            let [low, high] = bin.interval.map(percent);
            let name = bin.bin.clone().unwrap_or_else(|| "(no bin)".to_owned());
            vec![name, bin.images.to_string(), percent(bin.accuracy), format!("{low} to {high}")]
        }));
        text += &table(&rows);
    }
    for offender in set.worst.iter().take(LISTED) {
        let (sample, truth, answer) = (&offender.sample, &offender.truth, &offender.answer);
        text +=
            &format!("wrong: sample {sample} is {truth}, answered {answer} with {}\n", percent(offender.confidence));
    }
    text
}

pub(super) fn comparison(report: &ComparisonReport) -> String {
    let mut text = format!("{}\n", report.summary);
    for side in [&report.a, &report.b].into_iter().filter(|side| !side.lacks.is_empty()) {
        let lacks: Vec<&str> = side.lacks.iter().map(|label| label.as_str()).collect();
        text += &format!("{} does not know {}\n", side.model, lacks.join(", "));
    }
    let (a, b) = (report.a.model.as_str(), report.b.model.as_str());
    let header = ["CLASS", "IMAGES", a, b, "ONLY THE FIRST", "ONLY THE SECOND", "P WORSE (HOLM)"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(report.by_class.iter().map(|class| {
        vec![
            class.label.to_string(),
            class.images.to_string(),
            class.old_right.to_string(),
            class.new_right.to_string(),
            class.test.only_old.to_string(),
            class.test.only_new.to_string(),
            format!("{:.3}", class.p_worse),
        ]
    }));
    text += &table(&rows);
    for differing in report.differing.iter().take(LISTED) {
        let (sample, truth) = (&differing.sample, &differing.truth);
        text += &format!("differs: sample {sample} is {truth}, answered {} and {}\n", differing.a, differing.b);
    }
    text
}

pub(super) fn imported(imported: &Imported) -> String {
    match imported {
        Imported::Backbone { backbone, understood: input } => format!(
            "backbone {} ({}): images of {}×{}, {} numbers each, {:.1} ms; the next training takes it and embeds all images \
             anew\n{}",
            backbone.name,
            &backbone.sha256.as_str()[..12],
            backbone.width,
            backbone.height,
            backbone.embedding,
            backbone.median_ms,
            understood(input)
        ),
        Imported::Model { model, labels, renamed, understood: input, gate: verdict } => {
            let labels: Vec<&str> = labels.iter().map(|label| label.as_str()).collect();
            let verdict = verdict.as_ref().map_or_else(
                || "There is no test image of its classes, so the gate did not judge it.\n".to_owned(),
                gate,
            );
            let renamed: String =
                renamed.iter().map(|name| format!("{:?} is called {}\n", name.written, name.label)).collect();
            format!(
                "{model} tells apart {}\n{renamed}{}{verdict}Put it into service with: pilah-hub model activate {model}\n",
                labels.join(", "),
                understood(input)
            )
        }
    }
}

/// What was understood of a network's input.
fn understood(input: &Understood) -> String {
    let because = match input.because {
        Because::Said => "as you said",
        Because::Manifest => "as its manifest says",
        Because::File => "as its file says",
        Because::Bytes => "since it takes bytes",
        Because::Images => "since it agrees with labelled images best",
    };
    let numbers = |of: &[f32; 3]| of.map(|x| x.to_string()).join(", ");
    let mut text = format!(
        "images of {}×{}; pixels as {}, {because}: (x - {}) / {}\n",
        input.width,
        input.height,
        input.scaling,
        numbers(&input.mean),
        numbers(&input.std)
    );
    if input.images > 0 {
        text += &format!("tried out: {}\n", in_words(&input.tried, input.images));
    }
    for doubt in &input.doubts {
        let by = match doubt.by {
            Because::Images => "labelled images agree better with",
            Because::Manifest => "its manifest says",
            _ => "its file says",
        };
        text += &format!(
            "WARNING: {by} {}: import it again with --scaling={} if that is right\n",
            doubt.scaling, doubt.scaling
        );
    }
    for change in &input.changes {
        text += match change {
            Change::Gathered => "tensors of its second file were taken in\n",
            Change::Widened => "half precision was widened to single\n",
            Change::Bytes => "it takes bytes: images are given to it as such\n",
            Change::ChannelsLast => "it takes its channels last: images are given to it so\n",
            Change::LogSoftmax => "it ended with a logarithm of probabilities, and ends with these now\n",
        };
    }
    text
}

pub(super) fn backbones(list: &[BackboneView]) -> String {
    let mut rows =
        vec![["BACKBONE", "FILE", "INPUT", "EMBEDDING", "MS", "IMPORTED", "NEXT TRAINING"].map(str::to_owned).to_vec()];
    rows.extend(list.iter().map(|backbone| {
        vec![
            backbone.sha256.as_str()[..12].to_owned(),
            backbone.name.clone(),
            format!("{}×{}", backbone.width, backbone.height),
            backbone.embedding.to_string(),
            format!("{:.1}", backbone.median_ms),
            day(backbone.created_ms),
            if backbone.next { "yes" } else { "no" }.to_owned(),
        ]
    }));
    table(&rows)
}

fn gate(verdict: &Verdict) -> String {
    let words = if verdict.passed { "passed" } else { "refused" };
    let mut rows = vec![["RULE", "MET", "MEASURED", "WANTED"].map(str::to_owned).to_vec()];
    rows.extend(verdict.rules.iter().map(|rule| {
        let met = if rule.passed { "yes" } else { "NO" };
        vec![rule.rule.clone(), met.to_owned(), rule.measured.clone(), rule.wanted.clone()]
    }));
    let mut text = format!("gate: {words}\n{}", table(&rows));
    for rule in verdict.rules.iter().filter(|rule| !rule.passed) {
        text += &format!("{}: {}\n", rule.rule, rule.reason);
    }
    for note in &verdict.notes {
        text += &format!("note: {note}\n");
    }
    text
}

/// Columns as wide as their widest cell; the last one is not padded.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ").expect("writing to a String cannot fail");
        }
        writeln!(text, "{}", line.trim_end()).expect("writing to a String cannot fail");
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A day, in UTC.
fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_where_their_text_ends() {
        let rows = [vec!["A", "LONG HEADER", "C"], vec!["größer", "1", ""]];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        assert_eq!(table(&rows), "A       LONG HEADER  C\ngrößer  1\n");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn days_and_shares() {
        assert_eq!((day(0).as_str(), day(i64::MAX).as_str()), ("1970-01-01 00:00", "-"));
        assert_eq!(percent(0.876), "87.6 %");
    }
}
