//! What there is, and whether it is enough.
//!
//! Counts are read when they are asked for, by two queries that an index covers. What takes
//! long (label noise, the learning curve, the size of the folder) is computed in the background and kept
//! in the database; an answer says when that was.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dataset::UNUSABLE;
use crate::dataset::split::{Counts, Split};

/// How accuracy grows with the number of labels: pure.
pub mod curve;

/// Counts in the database.
pub mod store;

/// What takes long, in the background.
pub mod job;

/// HTTP: statistics, learning curve.
pub(crate) mod routes;

pub use job::Statistics;

/// With fewer images than this, a class is not learnt.
const FEW: u64 = 20;

/// A class with less than this share of the images of the largest is far behind.
const BEHIND: f64 = 0.2;

/// A bin that gives more than this share of the labelled images of all bins rules the dataset.
const RULING: f64 = 0.6;

/// More unusable images than this share mean that something is wrong with a camera.
const SPOILT: f64 = 0.2;

/// So many samples have this label, split, bin and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The label, or `unusable`.
    pub label: Option<String>,
    /// The split.
    pub split: Option<String>,
    /// The bin.
    pub bin: Option<String>,
    /// `bin`, `upload` or `import`.
    pub source: String,
    /// How many.
    pub samples: u64,
    /// The size of their images.
    pub bytes: u64,
}

/// So many samples with this label came in this week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedWeek {
    /// The week, counted from the one of 1 January 1970.
    pub week: i64,
    /// The label, or `unusable`.
    pub label: Option<String>,
    /// How many.
    pub samples: u64,
}

/// Counts of all samples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// All samples.
    pub samples: u64,
    /// Those with a class.
    pub labelled: u64,
    /// Those that wait for a label.
    pub unlabelled: u64,
    /// Those that were taken out.
    pub unusable: u64,
    /// By class, in the order of the names.
    pub classes: Vec<ClassBalance>,
    /// By bin; uploads and imports are under `null`.
    pub bins: Vec<BinCounts>,
    /// By week of arrival, the oldest first; weeks without a sample are left out.
    pub weeks: Vec<WeekCounts>,
    /// By source: `bin`, `upload`, `import`.
    pub sources: BTreeMap<String, u64>,
    /// Labelled images by split.
    pub splits: BTreeMap<String, u64>,
    /// The size of all images in bytes; one that several samples share counts for each.
    pub image_bytes: u64,
}

/// The labelled images of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassBalance {
    /// The class.
    pub label: String,
    /// All of them.
    pub images: u64,
    /// In training.
    pub train: u64,
    /// In validation.
    pub validation: u64,
    /// In test.
    pub test: u64,
    /// How many bins they come from.
    pub bins: u64,
}

/// The samples of a bin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BinCounts {
    /// The bin; `null` for uploads and imports.
    pub bin: Option<String>,
    /// All of them.
    pub samples: u64,
    /// Those with a class.
    pub labelled: u64,
    /// Those that were taken out.
    pub unusable: u64,
}

/// The samples of a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WeekCounts {
    /// Its Monday, by UTC.
    pub monday: String,
    /// Samples that came.
    pub samples: u64,
    /// Those of them that have a class by now.
    pub labelled: u64,
}

/// Adds counts up.
#[must_use]
pub fn summarise(counted: &[Counted], counted_weeks: &[CountedWeek]) -> Summary {
    let mut summary = Summary::default();
    let mut classes: BTreeMap<&str, (Counts, BTreeMap<&str, u64>)> = BTreeMap::new();
    let mut bins: BTreeMap<Option<&str>, BinCounts> = BTreeMap::new();
    for row in counted {
        let (class, is_unusable) = match row.label.as_deref() {
            Some(UNUSABLE) => (None, true),
            class => (class, false),
        };
        let labelled = if class.is_some() { row.samples } else { 0 };
        let unusable = if is_unusable { row.samples } else { 0 };
        summary.samples += row.samples;
        summary.labelled += labelled;
        summary.unusable += unusable;
        summary.image_bytes += row.bytes;
        *summary.sources.entry(row.source.clone()).or_default() += row.samples;
        let bin = bins.entry(row.bin.as_deref()).or_insert_with(|| BinCounts {
            bin: row.bin.clone(),
            samples: 0,
            labelled: 0,
            unusable: 0,
        });
        bin.samples += row.samples;
        bin.labelled += labelled;
        bin.unusable += unusable;
        if let Some(class) = class {
            let (counts, of_bins) = classes.entry(class).or_default();
            if let Some(split) = row.split.as_deref().and_then(|name| name.parse::<Split>().ok()) {
                counts.add(split, row.samples);
                *summary.splits.entry(split.name().to_owned()).or_default() += row.samples;
            }
            if let Some(bin) = row.bin.as_deref() {
                *of_bins.entry(bin).or_default() += row.samples;
            }
        }
    }
    summary.unlabelled = summary.samples - summary.labelled - summary.unusable;
    summary.classes = classes
        .into_iter()
        .map(|(label, (counts, bins))| ClassBalance {
            label: label.to_owned(),
            images: counts.total(),
            train: counts.of(Split::Train),
            validation: counts.of(Split::Validation),
            test: counts.of(Split::Test),
            bins: bins.len() as u64,
        })
        .collect();
    summary.bins = bins.into_values().collect();
    summary.weeks = weeks(counted_weeks);
    summary
}

fn weeks(counted: &[CountedWeek]) -> Vec<WeekCounts> {
    let mut weeks: BTreeMap<i64, WeekCounts> = BTreeMap::new();
    for row in counted {
        let new = || WeekCounts { monday: monday(row.week), samples: 0, labelled: 0 };
        let week = weeks.entry(row.week).or_insert_with(new);
        week.samples += row.samples;
        if row.label.as_deref().is_some_and(|label| label != UNUSABLE) {
            week.labelled += row.samples;
        }
    }
    weeks.into_values().collect()
}

/// The Monday of a week. 1 January 1970 was a Thursday, so the week that is number 0 began on 29 December.
fn monday(week: i64) -> String {
    let first = Date::constant(1969, 12, 29);
    let days = jiff::Span::new().try_weeks(week);
    days.and_then(|span| first.checked_add(span)).map_or_else(|_| String::new(), |date| date.to_string())
}

/// What is out of balance, in words, the worst first. Empty if nothing is.
#[must_use]
pub fn warnings(summary: &Summary) -> Vec<String> {
    let mut warnings = Vec::new();
    let largest = summary.classes.iter().max_by_key(|class| class.images);
    for class in &summary.classes {
        let ClassBalance { label, images, .. } = class;
        let (most, of) = largest.map_or((0, ""), |largest| (largest.images, largest.label.as_str()));
        if *images < FEW {
            warnings.push(format!("{label} has only {images} labelled images: label at least {FEW}"));
        } else if (*images as f64) < BEHIND * most as f64 {
            let times = most / images.max(&1);
            warnings.push(format!("{of} has {times} times as many labelled images as {label}: label more {label}"));
        }
        for (split, images) in [("validation", class.validation), ("test", class.test)] {
            if images == 0 && class.images >= FEW {
                warnings.push(format!("no image of {label} is in {split}: label {label} of more objects"));
            }
        }
    }
    let of_bins: Vec<&BinCounts> = summary.bins.iter().filter(|bin| bin.bin.is_some() && bin.samples > 0).collect();
    let labelled: u64 = of_bins.iter().map(|bin| bin.labelled).sum();
    for bin in &of_bins {
        let (name, share) = (bin.bin.as_deref().unwrap_or_default(), bin.labelled as f64 / labelled.max(1) as f64);
        if of_bins.len() > 1 && bin.labelled >= FEW && share > RULING {
            let percent = (100.0 * share).round();
            warnings
                .push(format!("{percent} % of the labelled images of bins come from {name}: label those of others"));
        }
        if bin.samples >= FEW && bin.unusable as f64 > SPOILT * bin.samples as f64 {
            let percent = (100.0 * bin.unusable as f64 / bin.samples as f64).round();
            warnings.push(format!("{percent} % of the images of {name} are unusable: look at its camera"));
        }
    }
    if of_bins.len() > 1 {
        for class in summary.classes.iter().filter(|class| class.bins == 1 && class.images >= FEW) {
            let label = &class.label;
            warnings.push(format!("{label} was labelled at one bin only: a model may take that bin for the class"));
        }
    }
    warnings
}

#[cfg(test)]
mod tests;
