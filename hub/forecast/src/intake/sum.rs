//! Rows to one quantity for each date, product and store.
//!
//! Rows of one file that have all three alike are parts of one quantity, as receipts are of a day: they are added up.
//! Only a later file corrects what an earlier one said, and that is not decided here.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::btree_map::{BTreeMap, Entry};

use super::report::{LeftOut, Report};
use super::{Row, names};
use crate::series::{Cadence, DAY, Step, step_of};

/// How a time becomes that of its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Floor {
    /// It stays.
    None,
    /// By the calendar.
    Calendar(Cadence),
    /// By seconds from a first time on.
    Grid(i64, i64),
}

impl Floor {
    /// As stated, or as the times have it: times within days of which each has one or some make days.
    pub(super) fn of(times: impl Iterator<Item = i64>, cadence: Option<Cadence>) -> Self {
        if let Some(cadence) = cadence {
            return Self::Calendar(cadence);
        }
        let mut times: Vec<i64> = times.collect();
        times.sort_unstable();
        times.dedup();
        if times.iter().all(|at| at.rem_euclid(DAY) == 0) {
            return Self::None;
        }
        match step_of(&times, true) {
            (Step::Seconds(seconds), start) if seconds < DAY => Self::Grid(start, seconds),
            _ => Self::Calendar(Cadence::Day),
        }
    }

    pub(super) fn floor(self, at: i64) -> i64 {
        match self {
            Self::None => at,
            Self::Calendar(cadence) => cadence.floor(at),
            Self::Grid(start, seconds) => start + (at - start).div_euclid(seconds) * seconds,
        }
    }
}

/// A good row, the line it starts in, and what tells whether another line says all the same.
pub(super) struct Read {
    pub(super) line: u64,
    pub(super) row: Row,
    pub(super) hash: u64,
}

/// Adds up what belongs together, and tells what was done.
pub(super) fn add_up(mut rows: Vec<Read>, report: &mut Report) -> Vec<Row> {
    leave_out_totals(&mut rows, report, "product", |row| &row.product);
    leave_out_totals(&mut rows, report, "store", |row| &row.store);
    report.good = rows.len();
    let mut seen = HashSet::with_capacity(rows.len());
    let mut sums: BTreeMap<(i64, String, String), Row> = BTreeMap::new();
    for Read { row, hash, .. } in rows {
        report.repeated += usize::from(!seen.insert(hash));
        match sums.entry((row.at, row.product.clone(), row.store.clone())) {
            Entry::Vacant(vacant) => drop(vacant.insert(row)),
            Entry::Occupied(mut sum) => {
                let sum = sum.get_mut();
                report.added_up += 1;
                *sum = Row {
                    quantity: sum.quantity + row.quantity,
                    category: row.category.or(sum.category.take()),
                    price: row.price.or(sum.price),
                    on_hand: row.on_hand.or(sum.on_hand),
                    lead_time_days: row.lead_time_days.or(sum.lead_time_days),
                    unit_cost: row.unit_cost.or(sum.unit_cost),
                    ..std::mem::replace(sum, row_of_nothing())
                };
            }
        }
    }
    if report.added_up > 0 {
        report.notes.push(format!(
            "{} of {} rows were added to another one of the same date, product and store: {} quantities are left",
            report.added_up,
            report.good,
            sums.len()
        ));
    }
    if report.repeated > 0 {
        report.notes.push(format!(
            "{} rows say in every column what another one says; they were added up as well: take them out of the file if they are copies",
            report.repeated
        ));
    }
    sums.into_values().collect()
}

/// Leaves out the rows of a product or store that is the sum of all others on each of its dates.
fn leave_out_totals(rows: &mut Vec<Read>, report: &mut Report, kind: &str, name: impl Fn(&Row) -> &str) {
    let Some(total) = rows.iter().find(|read| names::is_total(name(&read.row))) else { return };
    let called = name(&total.row).to_owned();
    let mut sums: HashMap<i64, (f64, f64)> = HashMap::new();
    for Read { row, .. } in rows.iter() {
        let (total, others) = sums.entry(row.at).or_default();
        *(if names::is_total(name(row)) { total } else { others }) += row.quantity;
    }
    let dates: Vec<&(f64, f64)> = sums.values().filter(|(total, _)| *total != 0.0).collect();
    let right = dates.iter().filter(|(total, others)| (total - others).abs() <= 1e-6 * total.abs()).count();
    if dates.is_empty() || right * 10 < dates.len() * 9 {
        report.notes.push(format!("a {kind} is called {called}, and is not the sum of the others: its rows are used"));
        return;
    }
    let mut count = 0;
    rows.retain(|Read { line, row, .. }| {
        if !names::is_total(name(row)) {
            return true;
        }
        count += 1;
        report.leave_out(LeftOut {
            line: *line,
            value: format!("{} {}", name(row), row.quantity),
            reason: format!("it is the sum of the other rows of its date, as the {kind} says"),
        });
        false
    });
    report.notes.push(format!("{count} rows of the {kind} {called} are the sum of the others, and are left out"));
}

fn row_of_nothing() -> Row {
    Row {
        at: 0,
        product: String::new(),
        store: String::new(),
        quantity: 0.0,
        category: None,
        price: None,
        on_hand: None,
        lead_time_days: None,
        unit_cost: None,
    }
}
