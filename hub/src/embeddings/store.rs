//! Embeddings in the database.

use std::collections::HashSet;

use pilah_models::name::ContentId;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{embed, is_sound};
use crate::store::Store;
use crate::store::entity::{embedding, sample};

/// How many embeddings are read at once: 2 MB of 256 numbers each.
const PAGE: u64 = 2000;

/// Reads every embedding by a backbone, page by page. A row that is no embedding of this length, or has
/// a number that is not finite, is deleted, so that it is computed again.
pub(super) async fn read_all(
    store: &Store,
    backbone: &ContentId,
    dimension: usize,
    mut on_page: impl FnMut(Vec<(ContentId, Vec<f32>)>),
) -> Result<(), DbErr> {
    let mut after = String::new();
    loop {
        let rows = embedding::Entity::find()
            .filter(embedding::Column::BackboneSha256.eq(backbone.as_str()))
            .filter(embedding::Column::ContentSha256.gt(after.as_str()))
            .order_by_asc(embedding::Column::ContentSha256)
            .limit(PAGE)
            .all(store.db())
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.content_sha256);
        let (mut sound, mut broken) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let vector = embed::from_bytes(&row.vector).filter(|vector| is_sound(vector, dimension));
            match (ContentId::new(row.content_sha256.as_str()), vector) {
                (Ok(content), Some(vector)) => sound.push((content, vector)),
                _ => broken.push(row.content_sha256),
            }
        }
        if !broken.is_empty() {
            tracing::warn!(rows = broken.len(), "embeddings that cannot be used are computed again");
            let of_backbone = embedding::Column::BackboneSha256.eq(backbone.as_str());
            let delete = embedding::Entity::delete_many().filter(of_backbone);
            delete.filter(embedding::Column::ContentSha256.is_in(broken)).exec(store.db()).await?;
        }
        on_page(sound);
    }
}

/// The images of all samples.
pub(super) async fn contents(db: &impl ConnectionTrait) -> Result<HashSet<ContentId>, DbErr> {
    let names: Vec<String> = sample::Entity::find()
        .select_only()
        .column(sample::Column::ContentSha256)
        .distinct()
        .into_tuple()
        .all(db)
        .await?;
    Ok(names.into_iter().filter_map(|name| ContentId::new(name).ok()).collect())
}

/// How many samples there are, and the newest: what changes when samples come or go.
pub(super) async fn mark(db: &impl ConnectionTrait) -> Result<(u64, Option<String>), DbErr> {
    let newest: Option<String> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Id)
        .order_by_desc(sample::Column::Id)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok((sample::Entity::find().count(db).await?, newest))
}
