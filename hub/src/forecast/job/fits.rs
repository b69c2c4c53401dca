//! Models that are fitted to answer a question, and kept until the data or what was trained changes.
//!
//! Whoever asks the same while a fit runs waits for it. Few run at a time, each on a thread of its own; one that
//! nobody waits for any more goes on to its end, and is then forgotten.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use pilah_forecast::artefact::Artefact;
use pilah_forecast::ensemble::{Ensemble, Settings};
use pilah_forecast::intake::Row;
use pilah_forecast::lstm;
use pilah_forecast::modelling::Modelling;
use pilah_forecast::question::Known;
use pilah_forecast::series::Series;
use pilah_forecast::training::{self, TrainingError};
use tokio::sync::OnceCell;

use super::{Forecasts, JobError};
use crate::forecast::store::{self, Filter};

/// How many fits are kept: an ensemble of two years of days with its network takes some 200 kB.
const FITS_KEPT: usize = 64;

/// How many fits run at a time; further ones wait.
pub(super) const FITS_AT_ONCE: usize = 2;

/// How many windows the network of an answer looks at over all epochs: some two seconds of two processors. Two
/// years of days are seen 28 times then.
const WINDOWS: usize = 20_000;

/// What names a fit.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    data: String,
    trained: Option<Timestamp>,
    filter: Filter,
    modelling: Modelling,
}

/// A model of the rows that a filter takes, and what they say of stock.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) ensemble: Ensemble,
    pub(crate) known: Known,
}

/// Fits by their names, the oldest first; an empty cell is a fit that runs or failed.
#[derive(Debug, Default)]
pub(super) struct Fits(VecDeque<(Key, Cell)>);

type Cell = Arc<OnceCell<Arc<Fitted>>>;

impl Fits {
    fn cell(&mut self, key: Key) -> Cell {
        if let Some((_, cell)) = self.0.iter().find(|(kept, _)| *kept == key) {
            return Arc::clone(cell);
        }
        let cell = Cell::default();
        self.0.push_back((key, Arc::clone(&cell)));
        if self.0.len() > FITS_KEPT {
            self.0.pop_front();
        }
        cell
    }
}

impl Forecasts {
    /// A model of the rows that a filter takes, as the last training had it but for what is asked; `None` if there
    /// are no rows.
    pub(crate) async fn fitted(&self, filter: &Filter, modelling: &Modelling) -> Result<Option<Arc<Fitted>>, JobError> {
        let data = store::version(self.0.store.db()).await?;
        let artefact = self.trained();
        let trained = artefact.as_ref().map(|artefact| artefact.metadata.trained_at);
        let key = Key { data, trained, filter: filter.clone(), modelling: *modelling };
        let cell = self.0.fits.lock().unwrap_or_else(PoisonError::into_inner).cell(key);
        match cell.get_or_try_init(|| self.fit(filter, modelling, artefact)).await {
            Ok(fitted) => Ok(Some(Arc::clone(fitted))),
            // Bins send what they could not send before: there may be rows the next time.
            Err(JobError::NoData) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn fit(
        &self,
        filter: &Filter,
        modelling: &Modelling,
        artefact: Option<Arc<Artefact>>,
    ) -> Result<Arc<Fitted>, JobError> {
        let permit = Arc::clone(&self.0.fitting).acquire_owned().await.expect("it is never closed");
        let rows = store::rows(self.0.store.db(), filter).await?;
        if rows.is_empty() {
            return Err(JobError::NoData);
        }
        let (modelling, one) = (*modelling, filter.product.is_some());
        let work = move || {
            let _permit = permit;
            let ensemble = of_rows(&rows, &modelling, artefact.as_deref())?;
            // Of several products together nothing is known of stock.
            let known = if one { Known::of(rows.iter()) } else { Known::default() };
            Ok::<_, TrainingError>(Fitted { ensemble, known })
        };
        let fitted = tokio::task::spawn_blocking(work).await.expect("a fit does not panic");
        fitted.map(Arc::new).map_err(|error| JobError::Part(error.of_part()))
    }
}

/// A model of rows, with a network that does not take long.
fn of_rows(rows: &[Row], modelling: &Modelling, artefact: Option<&Artefact>) -> Result<Ensemble, TrainingError> {
    let cadence = artefact.and_then(|artefact| artefact.settings.as_ref()?.cadence);
    let (series, mut notes) = Series::build_by(&training::total(rows), training::absent(rows.iter()), cadence)?;
    let mut settings = match artefact {
        Some(artefact) => {
            let settings = artefact.settings.clone().unwrap_or_default();
            settings.of_part(series.largest() / artefact.total.series.largest())
        }
        None => Settings::default(),
    };
    modelling.apply(&mut settings.prophet);
    let wanted = settings.lstm.unwrap_or_default();
    let network = wanted.within(series.len(), WINDOWS);
    if network.epochs < wanted.epochs && series.len() >= lstm::Lstm::least(wanted.window) {
        let (epochs, of) = (network.epochs, wanted.epochs);
        notes.push(format!("to answer soon, the network saw the data {epochs} times rather than {of}"));
    }
    settings.lstm = Some(network);
    training::fit_series(&series, notes, &settings, |_| ControlFlow::Continue(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(day: i64) -> Key {
        let filter = Filter { from: Some(day), ..Filter::default() };
        Key { data: "1@2".into(), trained: None, filter, modelling: Modelling::default() }
    }

    #[test]
    fn the_same_question_gets_the_same_cell_and_old_ones_are_forgotten() {
        let mut fits = Fits::default();
        let first = fits.cell(key(0));
        assert!(Arc::ptr_eq(&first, &fits.cell(key(0))));
        let mut changed = key(0);
        changed.data = "2@2".into();
        assert!(!Arc::ptr_eq(&first, &fits.cell(changed)), "the data changed");
        for day in 1..=FITS_KEPT as i64 {
            fits.cell(key(day));
        }
        assert_eq!(fits.0.len(), FITS_KEPT);
        assert!(!Arc::ptr_eq(&first, &fits.cell(key(0))));
    }
}
