//! Models that are fitted to answer a question, and kept until the data changes.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::{Forecasts, JobError};
use crate::forecast::ensemble::{Ensemble, Settings};
use crate::forecast::store::{self, Filter};
use crate::forecast::training;

/// How many fits of filtered data are kept: an ensemble of two years of days takes some 50 kB.
const FITS_KEPT: usize = 64;

impl Forecasts {
    /// A model of the rows that a filter takes, kept until the data changes; `None` if there are none.
    pub(crate) async fn fitted(&self, filter: &Filter) -> Result<Option<Arc<Ensemble>>, JobError> {
        let version = store::version(self.0.store.db()).await?;
        let key = format!("{version} {filter:?}");
        if let Some((_, fit)) = self.fits().iter().find(|(kept, _)| *kept == key) {
            return Ok(Some(Arc::clone(fit)));
        }
        if let (Some(product), Some(artefact)) = (&filter.product, self.trained()) {
            let only = Filter { product: Some(product.clone()), ..Filter::default() };
            if *filter == only && artefact.metadata.data == version && artefact.products.contains_key(product) {
                return Ok(artefact.products.get(product).cloned().map(Arc::new));
            }
        }
        let rows = store::rows(self.0.store.db(), filter).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let fit = move || {
            let points = training::total(&rows);
            training::fit(&points, &Settings::default(), |_| ControlFlow::Continue(()))
        };
        let fit = Arc::new(tokio::task::spawn_blocking(fit).await.expect("a fit does not panic")?);
        let mut fits = self.fits();
        fits.push_back((key, Arc::clone(&fit)));
        if fits.len() > FITS_KEPT {
            fits.pop_front();
        }
        Ok(Some(fit))
    }

    fn fits(&self) -> MutexGuard<'_, VecDeque<(String, Arc<Ensemble>)>> {
        self.0.fits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
