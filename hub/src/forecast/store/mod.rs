//! Rows of quantities, trainings and results.

/// What bins count and report.
mod bins;

/// The fill of bins.
pub(crate) mod fill;

/// What there are quantities of.
mod products;

use std::collections::HashMap;

use pilah_forecast::intake::Row;
use pilah_forecast::training::FILL;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel as _, QueryFilter,
    QueryOrder,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::bins::of_bins;
pub(crate) use self::products::{Product, products};
use crate::store::entity::{forecast_result, forecast_training, quantity};
use crate::store::{Store, now_ms};

/// How many rows one statement writes: with nine columns, far below what a database takes.
const AT_ONCE: usize = 500;

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// What a merge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Merged {
    /// Rows whose date, product and store were not there.
    pub new: usize,
    /// Rows that replaced one that said something else.
    pub updated: usize,
    /// Rows that said what was there already.
    pub unchanged: usize,
}

/// Which rows are wanted; all of what is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    pub(crate) product: Option<String>,
    pub(crate) store: Option<String>,
    pub(crate) category: Option<String>,
    /// From this time on, in seconds since 1970-01-01.
    pub(crate) from: Option<i64>,
    /// Up to this time.
    pub(crate) to: Option<i64>,
}

impl Filter {
    /// Whether items and fill of bins can be among what it takes: to count items, all events are read.
    fn may_take_bins(&self) -> (bool, bool) {
        let named = self.product.as_ref().is_none_or(|product| product.contains('/'));
        let of = |kind| named && self.category.as_ref().is_none_or(|category| category == kind);
        (of(bins::ITEMS), of(FILL))
    }

    fn takes(&self, row: &Row) -> bool {
        self.product.as_ref().is_none_or(|product| *product == row.product)
            && self.store.as_ref().is_none_or(|store| *store == row.store)
            && self.category.as_ref().is_none_or(|category| Some(category) == row.category.as_ref())
            && self.from.is_none_or(|from| row.at >= from)
            && self.to.is_none_or(|to| row.at <= to)
    }
}

/// Adds rows to what is stored, all or none; one of the same date, product and store replaces what was there.
pub(crate) async fn merge(store: &Store, rows: &[Row]) -> Result<Merged, DbErr> {
    let tx = store.begin().await?;
    let mut merged = Merged::default();
    for rows in rows.chunks(AT_ONCE) {
        let (first, last) = (rows.iter().map(|row| row.at).min(), rows.iter().map(|row| row.at).max());
        let mut products: Vec<&str> = rows.iter().map(|row| row.product.as_str()).collect();
        products.sort_unstable();
        products.dedup();
        let known = quantity::Entity::find()
            .filter(quantity::Column::Product.is_in(products))
            .filter(quantity::Column::At.between(first.unwrap_or(0), last.unwrap_or(0)))
            .all(&tx)
            .await?;
        let known: HashMap<(String, String, i64), Row> =
            known.into_iter().map(|row| ((row.product.clone(), row.store.clone(), row.at), of_model(row))).collect();
        let mut changed = Vec::new();
        for row in rows {
            match known.get(&(row.product.clone(), row.store.clone(), row.at)) {
                Some(old) if old == row => merged.unchanged += 1,
                Some(_) => {
                    merged.updated += 1;
                    changed.push(row);
                }
                None => {
                    merged.new += 1;
                    changed.push(row);
                }
            }
        }
        if changed.is_empty() {
            continue;
        }
        let key = [quantity::Column::Product, quantity::Column::Store, quantity::Column::At];
        let replaced = OnConflict::columns(key)
            .update_columns([
                quantity::Column::Quantity,
                quantity::Column::Category,
                quantity::Column::Price,
                quantity::Column::OnHand,
                quantity::Column::LeadTimeDays,
                quantity::Column::UnitCost,
            ])
            .to_owned();
        let models = changed.into_iter().map(|row| to_model(row).into_active_model().reset_all());
        quantity::Entity::insert_many(models).on_conflict(replaced).exec_without_returning(&tx).await?;
    }
    tx.commit().await?;
    Ok(merged)
}

/// The rows that a filter takes, those of the bins among them, in the order of time.
pub(crate) async fn rows(db: &impl ConnectionTrait, filter: &Filter) -> Result<Vec<Row>, DbErr> {
    let mut query = quantity::Entity::find();
    if let Some(product) = &filter.product {
        query = query.filter(quantity::Column::Product.eq(product));
    }
    if let Some(store) = &filter.store {
        query = query.filter(quantity::Column::Store.eq(store));
    }
    if let Some(category) = &filter.category {
        query = query.filter(quantity::Column::Category.eq(category));
    }
    let mut rows: Vec<Row> = query.all(db).await?.into_iter().map(of_model).collect();
    let (items, fill) = filter.may_take_bins();
    rows.extend(of_bins(db, items, fill).await?);
    rows.retain(|row| filter.takes(row));
    rows.sort_by(|a, b| (a.at, &a.product, &a.store).cmp(&(b.at, &b.product, &b.store)));
    Ok(rows)
}

/// What changes whenever the data does: the last merge, and the day, since the bins' counts change by the day.
pub(crate) async fn version(db: &impl ConnectionTrait) -> Result<String, DbErr> {
    let last = forecast_training::Entity::find()
        .filter(forecast_training::Column::Merged.eq(true))
        .order_by_desc(forecast_training::Column::Id)
        .one(db)
        .await?;
    Ok(format!("{}@{}", last.map(|row| row.id).unwrap_or_default(), now_ms() / DAY_MS))
}

/// Writes what a training says of products, instead of what the one before said.
pub(crate) async fn put_results(store: &Store, training: &str, results: Vec<(String, String)>) -> Result<(), DbErr> {
    let tx = store.begin().await?;
    forecast_result::Entity::delete_many().exec(&tx).await?;
    for results in results.chunks(AT_ONCE) {
        let models = results.iter().map(|(product, json)| forecast_result::ActiveModel {
            product: Set(product.clone()),
            training: Set(training.to_owned()),
            result_json: Set(json.clone()),
        });
        forecast_result::Entity::insert_many(models).exec_without_returning(&tx).await?;
    }
    tx.commit().await
}

fn of_model(row: quantity::Model) -> Row {
    Row {
        at: row.at,
        product: row.product,
        store: row.store,
        quantity: row.quantity,
        category: row.category,
        price: row.price,
        on_hand: row.on_hand,
        lead_time_days: row.lead_time_days,
        unit_cost: row.unit_cost,
    }
}

fn to_model(row: &Row) -> quantity::Model {
    quantity::Model {
        product: row.product.clone(),
        store: row.store.clone(),
        at: row.at,
        quantity: row.quantity,
        category: row.category.clone(),
        price: row.price,
        on_hand: row.on_hand,
        lead_time_days: row.lead_time_days,
        unit_cost: row.unit_cost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DataFolder;

    fn row(product: &str, at: i64, quantity: f64) -> Row {
        let model = quantity::Model {
            product: product.into(),
            store: String::new(),
            at,
            quantity,
            category: Some("c".into()),
            price: None,
            on_hand: None,
            lead_time_days: None,
            unit_cost: None,
        };
        of_model(model)
    }

    #[tokio::test]
    async fn the_last_row_of_a_key_wins_and_the_counts_tell() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = DataFolder::open(&temporary.path().join("data")).expect("a new data folder");
        let store = Store::open(&folder).await.expect("a new database");
        let rows: Vec<Row> = (0..1200).map(|day| row("a", day, day as f64)).collect();
        assert_eq!(merge(&store, &rows).await.expect("merges"), Merged { new: 1200, updated: 0, unchanged: 0 });
        let again = [row("a", 5, 5.0), row("a", 6, 60.0), row("b", 6, 1.0)];
        assert_eq!(merge(&store, &again).await.expect("merges"), Merged { new: 1, updated: 1, unchanged: 1 });
        let only = Filter { product: Some("a".into()), from: Some(6), to: Some(7), ..Filter::default() };
        let quantities: Vec<f64> =
            super::rows(store.db(), &only).await.expect("reads").iter().map(|r| r.quantity).collect();
        assert_eq!(quantities, [60.0, 7.0]);
        let products = products(store.db()).await.expect("reads");
        let told: Vec<(&str, u64, i64, i64, f64)> =
            products.iter().map(|p| (p.product.as_str(), p.rows, p.first, p.last, p.total)).collect();
        let sum = (0..1200).sum::<i64>() as f64 + 54.0;
        assert_eq!(told, [("a", 1200, 0, 1199, sum), ("b", 1, 6, 6, 1.0)]);
        assert_eq!(products[0].category.as_deref(), Some("c"));
    }
}
