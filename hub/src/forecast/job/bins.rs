//! Models of bins for collection plans: fitted side by side, without a network, and kept until the data changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use pilah_forecast::ensemble::{Ensemble, Settings};
use pilah_forecast::intake::Row;
use pilah_forecast::plan::Unit;
use pilah_forecast::series::Series;
use pilah_forecast::training::{self, TrainingError};
use rayon::prelude::*;

use super::{Forecasts, JobError};
use crate::forecast::store;

/// A bin, and what its plan goes by.
pub(crate) type BinUnit = (String, Unit);

/// A model, or why there is none, in words.
pub(crate) type BinFit = Result<Arc<Ensemble>, String>;

/// Models of one version of the data: of two years of days each takes some 50 kB. Failures are not kept: bins send
/// what they could not send before.
#[derive(Debug, Default)]
pub(super) struct BinFits {
    data: String,
    fits: BTreeMap<BinUnit, Arc<Ensemble>>,
}

impl Forecasts {
    /// The models of bins, in the order asked for.
    pub(crate) async fn of_bins(&self, wanted: &[BinUnit]) -> Result<Vec<BinFit>, JobError> {
        let data = store::version(self.0.store.db()).await?;
        // Whoever plans at the same time waits, and finds the models.
        let mut kept = self.0.bins.lock().await;
        if kept.data != data {
            *kept = BinFits { data, fits: BTreeMap::new() };
        }
        let missing: BTreeSet<BinUnit> = wanted.iter().filter(|key| !kept.fits.contains_key(key)).cloned().collect();
        let mut failed = BTreeMap::new();
        if !missing.is_empty() {
            let fill = missing.iter().any(|key| key.1 == Unit::Fill);
            let items = missing.iter().any(|key| key.1 == Unit::Items);
            let rows = store::of_bins(self.0.store.db(), items, fill).await?;
            let mut settings = Settings::default();
            if let Some(trained) = self.trained().and_then(|artefact| artefact.settings.clone()) {
                settings.prophet.holidays = trained.prophet.holidays;
            }
            let work = move || fit_all(missing, &rows, &settings);
            let fits = tokio::task::spawn_blocking(work).await.expect("a fit does not panic");
            for (key, fit) in fits {
                match fit {
                    Ok(fit) => drop(kept.fits.insert(key, fit)),
                    Err(reason) => drop(failed.insert(key, reason)),
                }
            }
        }
        let of = |key| kept.fits.get(key).cloned().ok_or_else(|| failed.get(key).cloned().unwrap_or_default());
        Ok(wanted.iter().map(of).collect())
    }
}

fn fit_all(wanted: BTreeSet<BinUnit>, rows: &[Row], settings: &Settings) -> Vec<(BinUnit, BinFit)> {
    let mut by_bin: BTreeMap<BinUnit, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let unit = if row.category.as_deref() == Some(training::FILL) { Unit::Fill } else { Unit::Items };
        by_bin.entry((row.store.clone(), unit)).or_default().push(row);
    }
    let fit = |key: BinUnit| {
        let fit = match by_bin.get(&key) {
            None => Err(match key.1 {
                Unit::Fill => "there is no whole day yet on which it told its fill".to_owned(),
                Unit::Items => "it has sent no item before today".to_owned(),
            }),
            Some(rows) => of_bin(rows, settings).map(Arc::new).map_err(TrainingError::of_part),
        };
        (key, fit)
    };
    wanted.into_par_iter().map(fit).collect()
}

fn of_bin(rows: &[&Row], settings: &Settings) -> Result<Ensemble, TrainingError> {
    let points: Vec<(i64, f64)> = rows.iter().map(|row| (row.at, row.quantity)).collect();
    let (series, notes) = Series::build(&points, training::absent(rows.iter().copied()))?;
    training::fit_series(&series, notes, settings, |_| ControlFlow::Continue(()))
}
