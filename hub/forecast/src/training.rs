//! From rows to an artefact: a model of the total, with a network, and one of each product, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use crate::artefact::{Artefact, Metadata};
use crate::ensemble::{Ensemble, FitError, Settings, Stage};
use crate::intake::Row;
use crate::lstm::Epoch;
use crate::series::{Absent, Series, SeriesError};

/// The category of series in shares of a bin rather than in items, which are no part of a total.
pub const FILL: &str = "fill";

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Progress {
    /// Prophet is fitted to the total.
    Prophet,
    /// The network that is tested on the past has done an epoch.
    LstmTested(Epoch),
    /// The network that will forecast has done an epoch.
    Lstm(Epoch),
    /// Products that are done.
    Products {
        /// How many.
        done: usize,
        /// Of how many.
        of: usize,
    },
}

/// Why there is no artefact.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainingError {
    /// The rows make no series.
    #[error("the total of all products makes no series: {0}")]
    Series(#[from] SeriesError),
    /// The total cannot be fitted.
    #[error("the total of all products: {0}")]
    Fit(FitError),
    /// Whoever watches said so.
    #[error("the training was cancelled; what was trained before stays in use")]
    Cancelled,
}

impl TrainingError {
    /// In words, of a part rather than of the total.
    #[must_use]
    pub fn of_part(self) -> String {
        match self {
            Self::Series(error) => error.to_string(),
            Self::Fit(error) => error.to_string(),
            Self::Cancelled => FitError::Cancelled.to_string(),
        }
    }
}

impl From<FitError> for TrainingError {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Cancelled => Self::Cancelled,
            error => Self::Fit(error),
        }
    }
}

/// The dated quantities of each product, over all stores.
#[must_use]
pub fn by_product(rows: &[Row]) -> BTreeMap<&str, Vec<(i64, f64)>> {
    let mut products: BTreeMap<&str, Vec<(i64, f64)>> = BTreeMap::new();
    for row in rows {
        products.entry(&row.product).or_default().push((row.at, row.quantity));
    }
    products
}

/// The dated quantities of all products together; the fill of bins is left out unless there is nothing else.
#[must_use]
pub fn total(rows: &[Row]) -> Vec<(i64, f64)> {
    let amounts = rows.iter().filter(|row| row.category.as_deref() != Some(FILL));
    let points: Vec<(i64, f64)> = amounts.map(|row| (row.at, row.quantity)).collect();
    if points.is_empty() { rows.iter().map(|row| (row.at, row.quantity)).collect() } else { points }
}

/// A series of points, fitted.
///
/// # Errors
/// If the points make no series, or it cannot be fitted.
pub fn fit(
    points: &[(i64, f64)],
    settings: &Settings,
    watch: impl FnMut(Stage) -> ControlFlow<()>,
) -> Result<Ensemble, TrainingError> {
    let (series, notes) = Series::build_by(points, Absent::Auto, settings.cadence)?;
    fit_series(&series, notes, settings, watch)
}

/// A series, fitted, with what was noticed before.
///
/// # Errors
/// If it cannot be fitted.
pub fn fit_series(
    series: &Series,
    noticed: Vec<String>,
    settings: &Settings,
    watch: impl FnMut(Stage) -> ControlFlow<()>,
) -> Result<Ensemble, TrainingError> {
    let mut ensemble = Ensemble::fit(series, settings, watch)?;
    ensemble.notes.splice(0..0, noticed);
    Ok(ensemble)
}

/// What a date without a row means: of bins' fill it is never 0, since a bin that says nothing may fill all the same.
pub fn absent<'a>(mut rows: impl Iterator<Item = &'a Row>) -> Absent {
    if rows.all(|row| row.category.as_deref() == Some(FILL)) { Absent::Unknown } else { Absent::Auto }
}

/// Trains on rows. `settings` are those of the total; products are fitted without a network. `watch` hears how
/// far it is from several threads, and can end it; `now` becomes part of the metadata.
///
/// # Errors
/// If the total cannot be fitted, or `watch` ends it. Products that cannot be fitted are named in the metadata.
pub fn train(
    rows: &[Row],
    settings: &Settings,
    now: Timestamp,
    watch: &(impl Fn(Progress) -> ControlFlow<()> + Sync),
) -> Result<Artefact, TrainingError> {
    let (series, notes) = Series::build_by(&total(rows), absent(rows.iter()), settings.cadence)?;
    let total = fit_series(&series, notes, settings, |stage| {
        watch(match stage {
            Stage::Prophet => Progress::Prophet,
            Stage::LstmTested(epoch) => Progress::LstmTested(epoch),
            Stage::Lstm(epoch) => Progress::Lstm(epoch),
        })
    })?;
    let points = by_product(rows);
    let (of, done) = (points.len(), AtomicUsize::new(0));
    let alone = Settings { lstm: None, ..settings.clone() };
    let fill: BTreeSet<&str> =
        rows.iter().filter(|row| row.category.as_deref() == Some(FILL)).map(|row| row.product.as_str()).collect();
    let fit_product = |(product, points): (&&str, &Vec<(i64, f64)>)| {
        let done = done.fetch_add(1, Ordering::Relaxed);
        if watch(Progress::Products { done, of }).is_break() {
            return Err(TrainingError::Cancelled);
        }
        let absent = if fill.contains(product) { Absent::Unknown } else { Absent::Auto };
        let series = Series::build_by(points, absent, settings.cadence).map_err(|error| error.to_string());
        let fit = series.and_then(|(series, notes)| {
            let settings = alone.of_part(series.largest() / total.series.largest());
            let fit = fit_series(&series, notes, &settings, |_| ControlFlow::Continue(()));
            fit.map_err(TrainingError::of_part)
        });
        Ok(((*product).to_owned(), fit))
    };
    let fits: Vec<(String, Result<Ensemble, String>)> =
        points.par_iter().map(fit_product).collect::<Result<_, TrainingError>>()?;
    let (mut products, mut skipped) = (BTreeMap::new(), BTreeMap::new());
    for (product, fit) in fits {
        match fit {
            Ok(ensemble) => drop(products.insert(product, ensemble)),
            Err(reason) => drop(skipped.insert(product, reason)),
        }
    }
    let metadata = Metadata {
        trained_at: now,
        data: String::new(),
        rows: rows.len(),
        first: rows.iter().map(|row| row.at).min().unwrap_or(0),
        last: rows.iter().map(|row| row.at).max().unwrap_or(0),
        products: products.len(),
        seed: settings.seed,
        skipped,
    };
    Ok(Artefact { metadata, settings: Some(settings.clone()), total, products })
}

/// The names most like a wrong one, best first.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wrong = wrong.to_lowercase();
    let mut likely: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.6)
        .collect();
    likely.sort_by(|a, b| b.0.total_cmp(&a.0));
    likely.into_iter().take(5).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Member;
    use crate::prophet::Growth;
    use crate::series::DAY;

    fn row(day: i64, product: &str, quantity: f64) -> Row {
        Row {
            at: day * DAY,
            product: product.into(),
            store: String::new(),
            quantity,
            category: None,
            price: None,
            on_hand: None,
            lead_time_days: None,
            unit_cost: None,
        }
    }

    fn rows() -> Vec<Row> {
        let of_day =
            |day: i64| [row(day, "bottle", 10.0 + (day % 7) as f64), row(day, "can", 5.0 + (day % 7 * 2) as f64)];
        let mut rows: Vec<Row> = (0..80).flat_map(of_day).collect();
        rows.push(row(3, "rare", 1.0));
        rows
    }

    #[test]
    fn every_product_and_the_total_get_a_model() {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        let artefact = train(&rows(), &Settings::default(), now, &|_| ControlFlow::Continue(())).expect("an artefact");
        assert_eq!(artefact.products.keys().collect::<Vec<_>>(), ["bottle", "can"]);
        assert!(artefact.metadata.skipped["rare"].contains("takes 3 known values"), "{:?}", artefact.metadata);
        assert_eq!((artefact.metadata.rows, artefact.metadata.last), (161, 79 * DAY));
        let mean = |ensemble: &Ensemble| ensemble.forecast(7, 0.8).ensemble.mean.iter().sum::<f64>();
        let parts = mean(&artefact.products["bottle"]) + mean(&artefact.products["can"]);
        assert!((mean(&artefact.total) - parts).abs() < 0.05 * parts, "{} and {parts}", mean(&artefact.total));
    }

    #[test]
    fn fill_is_no_part_of_the_total() {
        let mut rows = rows();
        rows.push(Row { category: Some(FILL.into()), ..row(1, "bin", 80.0) });
        assert!(total(&rows).iter().all(|point| point.1 < 50.0));
        assert_eq!(total(&rows[rows.len() - 1..]), [(DAY, 80.0)]);
    }

    #[test]
    fn whoever_watches_can_end_it() {
        let now = Timestamp::UNIX_EPOCH;
        let stop = |progress| match progress {
            Progress::Products { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        assert_eq!(train(&rows(), &Settings::default(), now, &stop).err(), Some(TrainingError::Cancelled));
    }

    #[test]
    fn wrong_names_have_neighbours() {
        let names = ["bottle", "can", "Bottle large", "paper"];
        assert_eq!(nearest("botle", names.into_iter())[0], "bottle");
        assert!(nearest("zzz", names.into_iter()).is_empty());
    }

    #[test]
    fn a_product_has_its_share_of_the_capacity_of_the_whole() {
        let growth = Growth::Logistic { capacity: 100.0, floor: 0.0 };
        let mut settings = Settings::default();
        settings.prophet.growth = growth;
        let half = settings.of_part(0.5);
        assert_eq!(half.prophet.growth, Growth::Logistic { capacity: 50.0, floor: 0.0 });
        assert_eq!(settings.of_part(f64::NAN), settings);
        let now = Timestamp::UNIX_EPOCH;
        let artefact = train(&rows(), &settings, now, &|_| ControlFlow::Continue(())).expect("an artefact");
        for ensemble in artefact.products.values().chain([&artefact.total]) {
            assert!(ensemble.forecast(3, 0.8).members.contains_key(&Member::Prophet), "{:?}", ensemble.notes);
        }
        settings.prophet.growth = Growth::Logistic { capacity: 1.0, floor: 0.0 };
        let low = train(&rows(), &settings, now, &|_| ControlFlow::Continue(())).expect("an artefact").total;
        assert!(low.notes.iter().any(|note| note.contains("saturates too low")), "{:?}", low.notes);
        settings.prophet.growth = Growth::Logistic { capacity: 1.0, floor: 2.0 };
        let none = train(&rows(), &settings, now, &|_| ControlFlow::Continue(())).expect("an artefact").total;
        assert!(none.notes.iter().any(|note| note.starts_with("no Prophet")), "{:?}", none.notes);
    }
}
