//! Bins with what they reported, in the database.

use pilah_models::name::{BinId, ModelVersion};
use pilah_models::wire::{Message as _, Reported};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::store::entity::bin;

/// A bin as the rollout sees it.
pub(super) struct BinRow {
    pub(super) id: BinId,
    /// The last that it reported; `None` before it has, and if this build cannot read it.
    pub(super) reported: Option<Reported>,
    /// The model that the database says is wanted there.
    pub(super) desired: Option<String>,
}

pub(super) async fn bins(db: &impl ConnectionTrait) -> Result<Vec<BinRow>, DbErr> {
    let rows: Vec<(String, Option<String>, Option<String>)> = bin::Entity::find()
        .select_only()
        .column(bin::Column::Id)
        .column(bin::Column::ReportedJson)
        .column(bin::Column::DesiredVersion)
        .filter(bin::Column::RetiredMs.is_null())
        .order_by_asc(bin::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let read = |(id, reported, desired): (String, Option<String>, Option<String>)| {
        let reported = reported.and_then(|json| Reported::decode(json.as_bytes()).ok());
        Some(BinRow { id: BinId::new(id).ok()?, reported, desired })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

pub(super) async fn set_desired(db: &impl ConnectionTrait, bin: &BinId, version: &ModelVersion) -> Result<(), DbErr> {
    bin::Entity::update_many()
        .col_expr(bin::Column::DesiredVersion, Expr::value(version.to_string()))
        .filter(bin::Column::Id.eq(bin.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Retired bins for which something is still wanted.
pub(super) async fn retired(db: &impl ConnectionTrait) -> Result<Vec<BinId>, DbErr> {
    let rows: Vec<String> = bin::Entity::find()
        .select_only()
        .column(bin::Column::Id)
        .filter(bin::Column::RetiredMs.is_not_null())
        .filter(bin::Column::DesiredVersion.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().filter_map(|id| BinId::new(id).ok()).collect())
}

/// Notes that nothing is wanted of a bin any more.
pub(super) async fn clear_desired(db: &impl ConnectionTrait, bin: &BinId) -> Result<(), DbErr> {
    bin::Entity::update_many()
        .col_expr(bin::Column::DesiredVersion, Expr::value(None::<String>))
        .filter(bin::Column::Id.eq(bin.as_str()))
        .exec(db)
        .await?;
    Ok(())
}
