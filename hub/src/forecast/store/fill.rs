//! The fill of bins in the database: a row per bin and day.

use std::collections::BTreeMap;

use pilah_forecast::fill::{self, FillDay};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel as _, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::DAY_MS;
use crate::store::entity::fill_day;

/// Takes in what a bin's sensor told at a time.
pub(crate) async fn note(db: &impl ConnectionTrait, bin: &str, level: f64, at_ms: i64) -> Result<(), DbErr> {
    // A day beyond the reading's is of a clock that was wrong.
    let before = of_bin(bin).filter(fill_day::Column::Day.lte(at_ms.div_euclid(DAY_MS))).one(db).await?;
    let changed = fill::handle_reading(before.map(of_model).as_ref(), level, at_ms);
    let replaced = OnConflict::columns([fill_day::Column::Bin, fill_day::Column::Day])
        .update_columns([
            fill_day::Column::Last,
            fill_day::Column::LastAtMs,
            fill_day::Column::Highest,
            fill_day::Column::Peak,
            fill_day::Column::Gained,
            fill_day::Column::Collections,
            fill_day::Column::Readings,
        ])
        .to_owned();
    let models = changed.into_iter().map(|day| to_model(bin, day).into_active_model().reset_all());
    fill_day::Entity::insert_many(models).on_conflict(replaced).exec_without_returning(db).await?;
    Ok(())
}

/// The last `limit` days of a bin, in their order.
pub(crate) async fn days(db: &impl ConnectionTrait, bin: &str, limit: u64) -> Result<Vec<FillDay>, DbErr> {
    let mut days: Vec<FillDay> = of_bin(bin).limit(limit).all(db).await?.into_iter().map(of_model).collect();
    days.reverse();
    Ok(days)
}

/// The last day of each bin up to `today`, unless the bin has been silent for longer than is planned for.
pub(crate) async fn now(db: &impl ConnectionTrait, today: i64) -> Result<BTreeMap<String, FillDay>, DbErr> {
    let rows = fill_day::Entity::find()
        .filter(fill_day::Column::Day.between(today - fill::LONGEST_SILENCE, today))
        .order_by_asc(fill_day::Column::Day)
        .all(db)
        .await?;
    // Of each bin the last one stays.
    Ok(rows.into_iter().map(|row| (row.bin.clone(), of_model(row))).collect())
}

/// What each bin gained per day, as a share of what it holds, on the days before `today`; the last ten years.
pub(super) async fn gains(db: &impl ConnectionTrait, today: i64) -> Result<BTreeMap<String, Vec<(i64, f64)>>, DbErr> {
    let rows = fill_day::Entity::find()
        .filter(fill_day::Column::Day.between(today - 3650, today))
        .order_by_asc(fill_day::Column::Bin)
        .order_by_asc(fill_day::Column::Day)
        .all(db)
        .await?;
    let mut bins: BTreeMap<String, Vec<FillDay>> = BTreeMap::new();
    for row in rows {
        bins.entry(row.bin.clone()).or_default().push(of_model(row));
    }
    Ok(bins.into_iter().map(|(bin, days)| (bin, fill::gains(&days, today).collect())).collect())
}

/// The days of a bin, the newest first.
fn of_bin(bin: &str) -> sea_orm::Select<fill_day::Entity> {
    fill_day::Entity::find().filter(fill_day::Column::Bin.eq(bin)).order_by_desc(fill_day::Column::Day)
}

fn of_model(row: fill_day::Model) -> FillDay {
    let fill_day::Model { bin: _, day, last, last_at_ms, highest, peak, gained, collections, readings } = row;
    FillDay { day, last, last_at_ms, highest, peak, gained, collections, readings }
}

fn to_model(bin: &str, day: FillDay) -> fill_day::Model {
    let FillDay { day, last, last_at_ms, highest, peak, gained, collections, readings } = day;
    fill_day::Model { bin: bin.to_owned(), day, last, last_at_ms, highest, peak, gained, collections, readings }
}
