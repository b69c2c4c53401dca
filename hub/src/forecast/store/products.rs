//! What there are quantities of.

use std::collections::BTreeMap;

use sea_orm::ColumnTrait as _;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QuerySelect};

use super::bins;
use crate::store::entity::quantity;

/// A product, and how much there is of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Product {
    pub(crate) product: String,
    pub(crate) category: Option<String>,
    pub(crate) rows: u64,
    /// The first and the last time, in seconds since 1970-01-01.
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) total: f64,
}

/// All products, by name; those of the bins among them.
pub(crate) async fn products(db: &impl ConnectionTrait) -> Result<Vec<Product>, DbErr> {
    let stored: Vec<(String, Option<String>, i64, i64, i64, f64)> = quantity::Entity::find()
        .select_only()
        .column(quantity::Column::Product)
        .column_as(quantity::Column::Category.max(), "category")
        .column_as(quantity::Column::At.count(), "rows")
        .column_as(quantity::Column::At.min(), "first")
        .column_as(quantity::Column::At.max(), "last")
        .column_as(quantity::Column::Quantity.sum(), "total")
        .group_by(quantity::Column::Product)
        .into_tuple()
        .all(db)
        .await?;
    let mut products: BTreeMap<String, Product> = BTreeMap::new();
    let stored = stored.into_iter().map(|(product, category, rows, first, last, total)| {
        let rows = rows.unsigned_abs();
        Product { product, category, rows, first, last, total }
    });
    let counted = bins::of_bins(db, true, true).await?.into_iter().map(|row| Product {
        product: row.product,
        category: row.category,
        rows: 1,
        first: row.at,
        last: row.at,
        total: row.quantity,
    });
    for more in stored.chain(counted) {
        let Some(known) = products.get_mut(&more.product) else {
            products.insert(more.product.clone(), more);
            continue;
        };
        known.rows += more.rows;
        known.first = known.first.min(more.first);
        known.last = known.last.max(more.last);
        known.total += more.total;
    }
    Ok(products.into_values().collect())
}
