//! A model card: what a version is, where it comes from, and what it is worth, for people who get it as a
//! file (after Mitchell et al., "Model Cards for Model Reporting", 2019).

use std::fmt::Write as _;

use pilah_evaluate::EvaluationReport;
use pilah_evaluate::gate::Verdict;
use pilah_evaluate::report::SetReport;
use pilah_models::bundle::Manifest;

use super::lineage::{LineageView, Override};

/// What a card is made of.
pub(super) struct Card<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) lineage: &'a LineageView,
    pub(super) report: Option<&'a EvaluationReport>,
    pub(super) verdict: Option<&'a Verdict>,
    pub(super) overridden: Option<&'a Override>,
}

impl Card<'_> {
    /// The card as Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a String cannot fail");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Self { manifest, lineage, .. } = self;
        let labels: Vec<&str> = manifest.labels.as_slice().iter().map(|label| label.as_str()).collect();
        let spec = &manifest.input;
        writeln!(text, "# {}\n", manifest.version)?;
        writeln!(text, "Tells apart {} classes of waste in a picture: {}.\n", labels.len(), labels.join(", "))?;
        writeln!(text, "Made {} by {}.\n", manifest.created_at, lineage.software)?;
        writeln!(text, "## How to run it\n")?;
        writeln!(
            text,
            "`model.onnx` takes `image`, 32-bit floats [1, 3, {}, {}]: RGB, the whole picture stretched to that size, each \
             channel (x − mean) / std of values 0 to 255, with mean {:?} and std {:?}. It gives `probabilities`, [1, {}], in \
             the order of `labels.txt`.\n",
            spec.height,
            spec.width,
            spec.mean,
            spec.std,
            labels.len()
        )?;
        writeln!(text, "An answer below its class's threshold counts as *unsure*:\n")?;
        writeln!(text, "| class | threshold |\n|---|---|")?;
        for (label, threshold) in &manifest.thresholds {
            writeln!(text, "| {label} | {threshold:.3} |")?;
        }
        self.worth(text)?;
        self.origin(text)
    }

    fn worth(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## What it is worth\n")?;
        match self.report {
            None => writeln!(text, "It was not evaluated on this hub.")?,
            Some(report) => {
                for (name, set) in [("the test split", &report.test), ("fresh field samples", &report.field)] {
                    if let Some(set) = set {
                        figures(text, name, set)?;
                    }
                }
                let speed = &report.speed;
                writeln!(
                    text,
                    "An image took {:.1} ms on the hub's machine (95 of 100 at most {:.1} ms); backbone and head have {:.1} MB \
                     together.\n",
                    speed.median_ms,
                    speed.p95_ms,
                    speed.merged_bytes as f64 / 1e6
                )?;
                for note in &report.notes {
                    writeln!(text, "- {note}")?;
                }
            }
        }
        if let Some(verdict) = self.verdict {
            let words = if verdict.passed { "passed" } else { "refused" };
            writeln!(text, "\n### The gate: {words}\n\n| rule | measured | wanted | met |\n|---|---|---|---|")?;
            for rule in &verdict.rules {
                let met = if rule.passed { "yes" } else { "no" };
                writeln!(text, "| {} | {} | {} | {met} |", rule.rule, rule.measured, rule.wanted)?;
            }
            writeln!(text)?;
            for note in &verdict.notes {
                writeln!(text, "- {note}")?;
            }
        }
        if let Some(Override { by, reason, .. }) = self.overridden {
            writeln!(text, "\n{by} put it into service although the gate refused it: {reason}")?;
        }
        Ok(())
    }

    fn origin(&self, text: &mut String) -> std::fmt::Result {
        let LineageView { training, params, parent, backbone, dataset, trained_on, seed, .. } = self.lineage;
        writeln!(text, "\n## Where it comes from\n")?;
        writeln!(text, "- backbone: SHA-256 {backbone}")?;
        if let Some(training) = training {
            writeln!(text, "- training: {training}")?;
        }
        if let Some(parent) = parent {
            writeln!(text, "- in service when it was made: {parent}")?;
        }
        if let Some(dataset) = dataset {
            writeln!(text, "- dataset version: {dataset}")?;
        }
        if let Some(images) = trained_on {
            writeln!(text, "- trained on {images} images")?;
        }
        if let Some(seed) = seed {
            writeln!(text, "- seed: {seed}")?;
        }
        if let Some(params) = params {
            writeln!(text, "- parameters: `{params}`")?;
        }
        Ok(())
    }
}

fn figures(text: &mut String, name: &str, set: &SetReport) -> std::fmt::Result {
    let figures = &set.figures;
    let [low, high] = figures.interval.map(|end| end * 100.0);
    writeln!(
        text,
        "On {name}, {} images of {} groups, it labels {} right: {:.1} % (95 % interval {low:.1} to {high:.1} %).",
        figures.images,
        set.groups,
        figures.correct,
        figures.accuracy * 100.0
    )?;
    let interval = set.macro_f1_interval.map(|[low, high]| format!(" ({low:.3} to {high:.3})")).unwrap_or_default();
    writeln!(text, "Macro-F1 {:.3}{interval}, calibration error {:.3}.\n", figures.macro_f1, set.calibration.error)?;
    writeln!(text, "| class | images | precision | recall | F1 |\n|---|---|---|---|---|")?;
    for class in &figures.per_class {
        writeln!(
            text,
            "| {} | {} | {:.3} | {:.3} | {:.3} |",
            class.label, class.images, class.precision, class.recall, class.f1
        )?;
    }
    writeln!(text)
}
