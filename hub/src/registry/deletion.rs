//! Deleting a version that nothing refers to.
//!
//! Its name stays taken, as a row without files, so that what once was said of it is never said of another.

use pilah_models::bundle::Manifest;
use pilah_models::name::ContentId;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{Registry, RegistryError, State, backbones, store};
use crate::audit;
use crate::store::StoreError;
use crate::store::entity::{embedding, model};

impl Registry {
    /// Deletes a version with its files.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`]; [`RegistryError::Referred`], which names all that refers to it; or the
    /// storage failed.
    pub async fn delete(&self, version: &str, who: &str) -> Result<(), RegistryError> {
        let _alone = self.activating.lock().await;
        // Read before the transaction: manifests never change, and a version that is made meanwhile has the
        // one in service as its parent, which is not deleted.
        let children = self.children(version).await?;
        let tx = self.store.begin().await?;
        let row = store::find(&tx, version).await?;
        let mut by = store::references(&tx, &row).await?;
        by.extend(children.iter().map(|child| format!("{child} was trained from it")));
        if !by.is_empty() {
            return Err(RegistryError::Referred { what: row.version, by });
        }
        model::Entity::update_many()
            .col_expr(model::Column::State, Expr::value(State::Deleted.name()))
            .filter(model::Column::Version.eq(row.version.as_str()))
            .exec(&tx)
            .await?;
        let files = store::Files::of(&row)?;
        let is_backbone_free = backbones::forget_unused(&tx, &files.backbone).await?;
        audit::note(&tx, who, "model.delete", &serde_json::json!({ "version": row.version })).await?;
        tx.commit().await?;
        tracing::info!(model = row.version, who, "model deleted");
        self.remove_files(&files, is_backbone_free).await?;
        self.tell(&store::version_of(&row)?, State::Deleted, None);
        Ok(())
    }

    /// The versions whose lineage names this one as their parent.
    async fn children(&self, version: &str) -> Result<Vec<String>, RegistryError> {
        let mut children = Vec::new();
        for row in store::all(self.store.db()).await? {
            let bytes = self.blobs.get(&store::Files::of(&row)?.manifest).await?;
            let manifest = Manifest::parse(&bytes).map_err(pilah_models::bundle::BundleError::from)?;
            if manifest.lineage.parent.is_some_and(|parent| parent.as_str() == version) {
                children.push(row.version);
            }
        }
        Ok(children)
    }

    async fn remove_files(&self, files: &store::Files, is_backbone_free: bool) -> Result<(), RegistryError> {
        let db = self.store.db();
        for id in [&files.manifest, &files.head] {
            if !is_named(db, id).await? {
                self.blobs.remove(id).await?;
            }
        }
        if is_backbone_free {
            self.blobs.remove(&files.backbone).await?;
            let of_backbone = embedding::Column::BackboneSha256.eq(files.backbone.as_str());
            embedding::Entity::delete_many().filter(of_backbone).exec(db).await?;
        }
        Ok(())
    }
}

/// Whether a version that is not deleted names this manifest or head.
async fn is_named(db: &impl ConnectionTrait, id: &ContentId) -> Result<bool, StoreError> {
    let any = Condition::any()
        .add(model::Column::ManifestSha256.eq(id.as_str()))
        .add(model::Column::HeadSha256.eq(id.as_str()));
    let named = model::Entity::find().filter(any).filter(model::Column::State.ne(State::Deleted.name()));
    Ok(named.count(db).await? > 0)
}
