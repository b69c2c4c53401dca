//! Where a version comes from: what is needed to make it again, and what came of the gate.
//!
//! Nothing of it is stored twice: the manifest, which cannot change, says what the model was made of; the
//! training's row says with which parameters; the version's row says who put it into service against the gate.

use pilah_models::bundle::Manifest;
use pilah_models::name::{ContentId, ModelVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Registry, RegistryError, store};
use crate::store::StoreError;
use crate::store::entity::{model, training};

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineageView {
    /// The training that made it; `null` if it came from elsewhere.
    pub training: Option<i32>,
    /// What that training was started with; what is left out had its default.
    #[schema(value_type = Option<Object>)]
    pub params: Option<serde_json::Value>,
    /// The version that was in service then.
    #[schema(value_type = Option<String>)]
    pub parent: Option<ModelVersion>,
    /// SHA-256 of its backbone.
    #[schema(value_type = String)]
    pub backbone: ContentId,
    /// The frozen version of the dataset that it was trained on; of a model from elsewhere, what its maker says.
    #[schema(value_type = Option<String>)]
    pub dataset: Option<ContentId>,
    /// How many images it was trained on.
    pub trained_on: Option<u64>,
    /// The seed of all that was random.
    pub seed: Option<u64>,
    /// The program that made it, with its version.
    pub software: String,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: i64,
}

/// Who put a version into service although the gate refused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Override {
    /// Who.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

impl Override {
    /// What a row says of it.
    pub(super) fn of(row: &model::Model) -> Option<Self> {
        Some(Self { by: row.override_by.clone()?, at_ms: row.override_ms?, reason: row.override_reason.clone()? })
    }
}

/// When a version came to the hub, and from which training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    /// The training that made it.
    pub training: Option<i32>,
    /// When it was registered, in milliseconds since 1970.
    pub created_ms: i64,
}

impl Registry {
    /// When a version came to the hub, and from which training.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], or the storage failed.
    pub async fn birth(&self, version: &ModelVersion) -> Result<Birth, RegistryError> {
        let row = store::find(self.store.db(), version.as_str()).await?;
        Ok(Birth { training: row.training_id, created_ms: row.created_ms })
    }

    /// Where a version comes from; `manifest` is its own.
    pub(super) async fn lineage(&self, row: &model::Model, manifest: &Manifest) -> Result<LineageView, StoreError> {
        use sea_orm::EntityTrait as _;
        let training = match row.training_id {
            Some(id) => training::Entity::find_by_id(id).one(self.store.db()).await?,
            None => None,
        };
        let lineage = &manifest.lineage;
        Ok(LineageView {
            training: row.training_id,
            params: training.and_then(|row| serde_json::from_str(&row.params_json).ok()),
            parent: lineage.parent.clone(),
            backbone: manifest.backbone.sha256.clone(),
            dataset: lineage.dataset.clone(),
            trained_on: lineage.trained_on,
            seed: lineage.seed,
            software: lineage.software.clone(),
            made_ms: manifest.created_at.as_millisecond(),
        })
    }
}
