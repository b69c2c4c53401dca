//! What of the registry leaves the hub: which versions, and of which files they are.

use std::collections::BTreeSet;

use pilah_models::name::{ContentId, ModelVersion};

use super::{Registry, RegistryError, store};

impl Registry {
    /// The version in service and the one before it: what bins have, and what they may go back to.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn baseline(&self) -> Result<BTreeSet<ModelVersion>, RegistryError> {
        let db = self.store.db();
        let previous = store::previous(db).await?.and_then(|version| ModelVersion::new(version).ok());
        Ok(store::in_service(db).await?.into_iter().chain(previous).collect())
    }

    /// SHA-256 of a version's manifest.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], or the storage failed.
    pub async fn manifest_id(&self, version: &ModelVersion) -> Result<ContentId, RegistryError> {
        let row = store::find(self.store.db(), version.as_str()).await?;
        Ok(store::Files::of(&row)?.manifest)
    }

    /// A file of a version: its manifest, or what that names.
    ///
    /// # Errors
    /// It is missing or damaged, or the storage failed.
    pub async fn file(&self, id: &ContentId) -> Result<Vec<u8>, RegistryError> {
        Ok(self.blobs.get(id).await?)
    }
}
