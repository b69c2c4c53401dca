//! The data folder that a command works on.

use std::path::{Path, PathBuf};

use crate::store::{DataFolder, Store, StoreError};

/// Where the hub's data are.
#[derive(Debug, clap::Args)]
pub(super) struct Data {
    /// The hub's data folder
    #[arg(long, value_name = "DIR", default_value = "pilah-data", global = true)]
    data: PathBuf,
}

impl Data {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.data
    }

    /// Whether a hub's data lie there.
    pub(super) fn is_there(&self) -> bool {
        DataFolder::open_shared(&self.data).is_ok()
    }

    /// Makes the folder if there is none, whether or not a hub runs on it.
    pub(super) fn make(&self) -> Result<(), StoreError> {
        match DataFolder::open(&self.data) {
            Ok(_) | Err(StoreError::Locked { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Opens the folder and its database, whether or not a hub runs on it: SQLite lets both write.
    pub(super) async fn open(&self) -> Result<(DataFolder, Store), StoreError> {
        let folder = DataFolder::open_shared(&self.data)?;
        let store = Store::open(&folder).await?;
        Ok((folder, store))
    }

    /// The same, and makes the folder if there is none.
    pub(super) async fn open_or_make(&self) -> Result<(DataFolder, Store), StoreError> {
        let folder = match DataFolder::open(&self.data) {
            Err(StoreError::Locked { .. }) => DataFolder::open_shared(&self.data)?,
            opened => opened?,
        };
        let store = Store::open(&folder).await?;
        Ok((folder, store))
    }
}
