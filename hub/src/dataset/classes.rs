//! The classes that samples may be given, as they are now.

use std::fmt;
use std::sync::Arc;

use pilah_models::labels::Labels;
use pilah_models::name::Label;

use super::store::Tally;
use super::{DatasetError, classes};
use crate::store::Store;

/// Knows every class that there is. Clones are cheap.
#[derive(Clone)]
pub struct Classes {
    store: Store,
    in_service: Arc<dyn Fn() -> Option<Labels> + Send + Sync>,
}

impl Classes {
    /// `in_service` gives the labels of the model in service, whichever that is when it is asked.
    #[must_use]
    pub fn new(store: Store, in_service: impl Fn() -> Option<Labels> + Send + Sync + 'static) -> Self {
        Self { store, in_service: Arc::new(in_service) }
    }

    /// Those of the model in service in its order, then others that images are labelled with, by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn known(&self) -> Result<Vec<Label>, DatasetError> {
        let seen = Tally::read(self.store.db()).await?.labels();
        Ok(classes((self.in_service)().as_ref(), &seen))
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classes").finish_non_exhaustive()
    }
}
