//! What bins count and tell, as rows: items are called `bin/class`, fill `bin/fill%`, in percent of what the bin
//! holds.

use std::collections::HashMap;

use pilah_forecast::intake::Row;
use pilah_forecast::series::DAY;
use pilah_forecast::training::FILL;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QuerySelect};

use super::{DAY_MS, fill};
use crate::store::entity::event;
use crate::store::now_ms;

/// The category of what bins count.
pub(super) const ITEMS: &str = "items";

/// What bins count and tell, per day, up to yesterday: the items of each bin and class, and the fill that a bin
/// gained, if they are wanted. The store is the bin.
pub(crate) async fn of_bins(db: &impl ConnectionTrait, items: bool, fill: bool) -> Result<Vec<Row>, DbErr> {
    let today = now_ms() / DAY_MS;
    let mut rows = Vec::new();
    if items {
        rows.extend(days_of_bins(&counted(db).await?, today));
    }
    if fill {
        for (bin, gains) in fill::gains(db, today).await? {
            let of_day = |(day, gained)| row(day, format!("{bin}/fill%"), &bin, 100.0 * gained, FILL);
            rows.extend(gains.into_iter().map(of_day));
        }
    }
    Ok(rows)
}

/// The items of each bin and class per day.
async fn counted(db: &impl ConnectionTrait) -> Result<Vec<(String, String, i64, i64)>, DbErr> {
    // The number is in the text: a parameter in SELECT and one in GROUP BY would be different expressions.
    let day = || Expr::cust(format!("COALESCE(seen_ms, at_ms) / {DAY_MS}"));
    event::Entity::find()
        .select_only()
        .column(event::Column::Bin)
        .column(event::Column::Label)
        .column_as(day(), "day")
        .column_as(event::Column::Id.count(), "items")
        .group_by(event::Column::Bin)
        .group_by(event::Column::Label)
        .group_by(day())
        .into_tuple()
        .all(db)
        .await
}

/// Counts as rows, from the bin's first day to yesterday; a day on which it saw nothing is a 0. What is more than
/// ten years ago is left out: a clock of the hub that was never set would fill half a century.
fn days_of_bins(counted: &[(String, String, i64, i64)], today: i64) -> Vec<Row> {
    let recent = counted.iter().filter(|(_, _, day, _)| (today - 3650..today).contains(day));
    let mut first: HashMap<&str, i64> = HashMap::new();
    let mut streams: HashMap<(&str, &str), HashMap<i64, i64>> = HashMap::new();
    for (bin, label, day, items) in recent {
        let first = first.entry(bin).or_insert(*day);
        *first = (*first).min(*day);
        streams.entry((bin, label)).or_default().insert(*day, *items);
    }
    let mut rows = Vec::new();
    for ((bin, label), days) in streams {
        for day in first[bin]..today {
            let items = days.get(&day).copied().unwrap_or(0) as f64;
            rows.push(row(day, format!("{bin}/{label}"), bin, items, ITEMS));
        }
    }
    rows
}

fn row(day: i64, product: String, bin: &str, quantity: f64, category: &str) -> Row {
    Row {
        at: day * DAY,
        product,
        store: bin.to_owned(),
        quantity,
        category: Some(category.to_owned()),
        price: None,
        on_hand: None,
        lead_time_days: None,
        unit_cost: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_count_their_empty_days_and_forget_clocks_that_were_never_set() {
        let count = |label: &str, day, items| ("b1".to_owned(), label.to_owned(), day, items);
        let rows = days_of_bins(&[count("glass", 19_000, 4), count("paper", 19_002, 1), count("glass", 3, 9)], 19_003);
        let of = |product: &str| rows.iter().filter(|r| r.product == product).map(|r| r.quantity).collect::<Vec<_>>();
        assert_eq!(of("b1/glass"), [4.0, 0.0, 0.0]);
        assert_eq!(of("b1/paper"), [0.0, 0.0, 1.0]);
    }
}
