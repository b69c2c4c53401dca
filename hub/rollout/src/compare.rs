//! Whether the new version holds in the field, while it rolls out: figures with intervals, and one verdict.
//!
//! Four things are compared between items that the new version saw and items that the version in service saw since
//! the rollout began: how often it is right where it is sure (on the random share that people reviewed), how often
//! it is unsure, how confident it is, and how often it says each label. Counts per bin go in; nothing here reads a
//! database or a clock.
//!
//! **Looking often does not lie.** Each interval belongs to a confidence sequence: with a chance of 1 − α it holds
//! the truth at *every* look together, so that a person, and the planner, may look whenever they like and stop when
//! they like. It is the normal mixture of [`sequence`].
//!
//! **Several measures.** The chance of error [`ALPHA`] is split evenly among the four, and that of the labels among
//! the labels (Bonferroni), so that all intervals hold together with a chance of 95 %.
//!
//! **Bins differ, and a bin's items hang together.** Each bin is compared with itself before the rollout, and how
//! far bins stray beyond the chance of their items is estimated and counted: [`difference`].
//!
//! **The verdict** is *worse* if a measure's interval lies on the bad side of 0 and its difference is beyond what is
//! tolerated. A difference that is sure but small is none that holds a rollout, and one that is large but unsure is
//! not yet one. *No worse* and *better* go by what is right and what is unsure alone: that a model is more
//! confident, or says a label more often, is good or bad only by what the items are. But a large change of either is
//! worth a look, and holds, too.

use std::collections::{BTreeMap, BTreeSet};

use difference::{Bin, Difference, Tally};
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The interval that holds at every look.
pub mod sequence;

/// The difference between two versions, over bins that differ.
pub mod difference;

/// The chance that any interval of a comparison ever fails to hold the truth.
pub const ALPHA: f64 = 0.05;

/// What is compared, labels as one.
const MEASURES: f64 = 4.0;

/// What a bin's items under one version were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// All of them.
    pub items: u64,
    /// Those that it was unsure of.
    pub unsure: u64,
    /// The sum of their confidences, each 0 to 1.
    pub confidence: f64,
    /// The sum of the squares of their confidences.
    pub confidence_squares: f64,
    /// How many of them have each label as the likeliest.
    pub labels: BTreeMap<Label, u64>,
    /// Those of the random share that it was sure of and that have a reviewer's label.
    pub reviewed: u64,
    /// Those of them on which the reviewer says the same.
    pub right: u64,
}

impl Seen {
    fn labelled(&self, label: &Label) -> u64 {
        self.labels.get(label).copied().unwrap_or_default()
    }
}

/// What a bin saw. A bin that got the new version in mid-rollout has both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BinField {
    /// Under the version in service, before the rollout began.
    pub before: Seen,
    /// Under the version in service, since the rollout began.
    pub others: Seen,
    /// Under the new version.
    pub new: Seen,
}

/// What differences are tolerated, each a share of items or of 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    /// Fewer of those that it is sure of are right.
    pub right: f64,
    /// More are unsure.
    pub unsure: f64,
    /// It is less confident on the mean.
    pub confidence: f64,
    /// A label's share is another.
    pub share: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { right: 0.03, unsure: 0.03, confidence: 0.05, share: 0.1 }
    }
}

impl Tolerance {
    /// What is out of bounds, in words.
    ///
    /// # Errors
    /// A number that is not above 0 and at most 1.
    pub fn check(&self) -> Result<(), String> {
        let Self { right, unsure, confidence, share } = *self;
        for (name, value) in [("right", right), ("unsure", unsure), ("confidence", confidence), ("share", share)] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(format!("the tolerance {name} is {value}; it takes a number above 0 and at most 1"));
            }
        }
        Ok(())
    }

    fn of(&self, measure: &Measure) -> f64 {
        match measure {
            Measure::Right => self.right,
            Measure::Unsure => self.unsure,
            Measure::Confidence => self.confidence,
            Measure::Share { .. } => self.share,
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "measure", rename_all = "snake_case")]
#[schema(as = FieldMeasure)]
pub enum Measure {
    /// The share that is right of the items that the version was sure of: of the random share, as reviewers say.
    Right,
    /// The share of items that the version was unsure of.
    Unsure,
    /// The mean confidence.
    Confidence,
    /// The share of items with this label as the likeliest.
    Share {
        /// The label.
        #[schema(value_type = String)]
        label: Label,
    },
}

impl Measure {
    /// Whether a difference to this side is bad; `None`: any is.
    fn bad_side(&self) -> Option<f64> {
        match self {
            Self::Right | Self::Confidence => Some(-1.0),
            Self::Unsure => Some(1.0),
            Self::Share { .. } => None,
        }
    }
}

/// What a measure says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FieldFinding)]
pub enum Finding {
    /// Too little is known.
    NotYet,
    /// Surely better.
    Better,
    /// Surely not worse by more than is tolerated.
    NoWorse,
    /// Surely worse, and by more than is tolerated.
    Worse,
}

/// One measure of both versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldMeasured)]
pub struct Measured {
    /// Which.
    #[serde(flatten)]
    pub measure: Measure,
    /// The figure of the new version, 0 to 1; `None` without an item.
    pub new: Option<f64>,
    /// The figure of the version in service since the rollout began.
    pub others: Option<f64>,
    /// The items of the new version that it is counted on.
    pub new_items: u64,
    /// Those of the version in service.
    pub other_items: u64,
    /// The bins that these items are of.
    pub new_bins: u64,
    /// Those of the version in service.
    pub other_bins: u64,
    /// By how much the new version differs, each bin compared with itself before the rollout, −1 to 1. It is not the
    /// difference of the two figures if bins differ. `None` as long as there are too few items or bins.
    pub difference: Option<f64>,
    /// What the difference lies in, at every look, with the chance of [`Measured::alpha`] to err.
    pub interval: Option<[f64; 2]>,
    /// The chance that the interval ever fails to hold the truth.
    pub alpha: f64,
    /// What is tolerated.
    pub tolerance: f64,
    /// What it says by itself.
    pub finding: Finding,
}

/// Whether the new version holds in the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[schema(as = FieldVerdict)]
pub enum Verdict {
    /// Too little is known.
    NotYet,
    /// It is surely no worse, and surely better in what is right or in what is unsure.
    Better,
    /// It is surely no worse by more than is tolerated.
    NoWorse,
    /// It is surely worse in something, by more than is tolerated.
    Worse {
        /// In what, in words.
        words: String,
    },
}

/// The new version against the version in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldComparison)]
pub struct Comparison {
    /// What it comes to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Right, unsure, confidence, and each label by name.
    pub measures: Vec<Measured>,
    /// What is missing for a verdict, in words.
    pub missing: Vec<String>,
}

/// Compares the new version with the one in service over the bins of a rollout.
#[must_use]
pub fn compare(bins: &[BinField], tolerance: &Tolerance) -> Comparison {
    let labels: BTreeSet<&Label> =
        bins.iter().flat_map(|bin| bin.others.labels.keys().chain(bin.new.labels.keys())).collect();
    let each = ALPHA / MEASURES;
    let of_label = each / labels.len().max(1) as f64;
    let mut measures: Vec<Measured> = [Measure::Right, Measure::Unsure, Measure::Confidence]
        .into_iter()
        .map(|measure| measured(bins, measure, each, tolerance))
        .collect();
    let shares = labels.into_iter().map(|label| Measure::Share { label: label.clone() });
    measures.extend(shares.map(|measure| measured(bins, measure, of_label, tolerance)));
    let missing = measures.iter().filter_map(missing).collect();
    Comparison { verdict: verdict(&measures), measures, missing }
}

fn measured(bins: &[BinField], measure: Measure, alpha: f64, tolerance: &Tolerance) -> Measured {
    let tallies: Vec<Bin> = bins
        .iter()
        .map(|bin| Bin {
            before: tally(&measure, &bin.before),
            others: tally(&measure, &bin.others),
            new: tally(&measure, &bin.new),
        })
        .collect();
    let total = |of: fn(&Bin) -> Tally| tallies.iter().map(of).fold(Tally::default(), Tally::plus);
    let bins_of = |of: fn(&Bin) -> Tally| tallies.iter().filter(|bin| of(bin).items > 0).count() as u64;
    let (new, others) = (total(|bin| bin.new), total(|bin| bin.others));
    let tolerated = tolerance.of(&measure);
    let found = difference::difference(&tallies);
    let interval = found.map(|found| interval(&found, alpha, tolerated));
    Measured {
        new: new.mean(),
        others: others.mean(),
        new_items: new.items,
        other_items: others.items,
        new_bins: bins_of(|bin| bin.new),
        other_bins: bins_of(|bin| bin.others),
        difference: found.map(|found| found.value),
        interval,
        alpha,
        tolerance: tolerated,
        finding: finding(&measure, found.map(|found| found.value).zip(interval), tolerated),
        measure,
    }
}

/// A measure's items as numbers from 0 to 1.
fn tally(measure: &Measure, seen: &Seen) -> Tally {
    match measure {
        Measure::Right => Tally::of_count(seen.reviewed, seen.right),
        Measure::Unsure => Tally::of_count(seen.items, seen.unsure),
        Measure::Confidence => Tally { items: seen.items, sum: seen.confidence, squares: seen.confidence_squares },
        Measure::Share { label } => Tally::of_count(seen.items, seen.labelled(label)),
    }
}

fn interval(found: &Difference, alpha: f64, tolerance: f64) -> [f64; 2] {
    let radius = sequence::radius(found.variance, alpha, tolerance);
    [(found.value - radius).max(-1.0), (found.value + radius).min(1.0)]
}

fn finding(measure: &Measure, found: Option<(f64, [f64; 2])>, tolerance: f64) -> Finding {
    let Some((value, [low, high])) = found else { return Finding::NotYet };
    let Some(bad) = measure.bad_side() else {
        return if (low > 0.0 || high < 0.0) && value.abs() > tolerance {
            Finding::Worse
        } else if low > -tolerance && high < tolerance {
            Finding::NoWorse
        } else {
            Finding::NotYet
        };
    };
    // Turned so that more is worse.
    let (value, low, high) = if bad > 0.0 { (value, low, high) } else { (-value, -high, -low) };
    if low > 0.0 && value > tolerance {
        Finding::Worse
    } else if high < 0.0 {
        Finding::Better
    } else if high < tolerance {
        Finding::NoWorse
    } else {
        Finding::NotYet
    }
}

fn verdict(measures: &[Measured]) -> Verdict {
    let worse: Vec<String> = measures.iter().filter(|each| each.finding == Finding::Worse).map(in_words).collect();
    if !worse.is_empty() {
        return Verdict::Worse { words: worse.join("; ") };
    }
    let decides = |each: &&Measured| matches!(each.measure, Measure::Right | Measure::Unsure);
    let deciding: Vec<Finding> = measures.iter().filter(decides).map(|each| each.finding).collect();
    if deciding.contains(&Finding::NotYet) {
        Verdict::NotYet
    } else if deciding.contains(&Finding::Better) {
        Verdict::Better
    } else {
        Verdict::NoWorse
    }
}

/// In what the new version is worse.
fn in_words(each: &Measured) -> String {
    let percent = |share: Option<f64>| format!("{:.1} %", 100.0 * share.unwrap_or_default());
    let (new, others) = (percent(each.new), percent(each.others));
    let figures = match &each.measure {
        Measure::Right => format!("{new} of what it is sure of is right, {others} with the version in service"),
        Measure::Unsure => format!("{new} of the items are unsure, {others} with the version in service"),
        Measure::Confidence => format!("its mean confidence is {new}, {others} with the version in service"),
        Measure::Share { label } => {
            format!("it takes {new} of the items for {label}, the version in service {others}")
        }
    };
    let [low, high] = each.interval.unwrap_or([-1.0, 1.0]).map(|end| 100.0 * end);
    let items = format!("{} against {} items", each.new_items, each.other_items);
    format!("{figures} (bin by bin a difference of {low:+.1} to {high:+.1} points; {items})")
}

/// What keeps a measure that decides from saying anything.
fn missing(each: &Measured) -> Option<String> {
    let what = match each.measure {
        Measure::Right => "reviewed items of the random share",
        Measure::Unsure => "items",
        Measure::Confidence | Measure::Share { .. } => return None,
    };
    if each.finding != Finding::NotYet {
        return None;
    }
    let (new, others) = (each.new_items, each.other_items);
    if each.difference.is_some() {
        return Some(format!("more {what}: {new} of the new version and {others} of the one in service leave it open"));
    }
    if new.min(others) < difference::LEAST_ITEMS {
        let least = difference::LEAST_ITEMS;
        return Some(format!(
            "{what}: {new} of the new version and {others} of the one in service; {least} of each are the least"
        ));
    }
    Some(format!(
        "bins: {what} of the new version are of {} and those of the one in service of {}; {} in all are the least",
        each.new_bins,
        each.other_bins,
        difference::LEAST_FREEDOM + 2
    ))
}

#[cfg(test)]
mod tests;
