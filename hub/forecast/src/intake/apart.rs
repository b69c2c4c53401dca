//! Columns of which nothing is known, and which tell rows apart that date, product and store do not.
//!
//! A file with two articles a day in a column that nobody knows has two rows for each day. Neither of them is the
//! day's total, and one product of all of them is not what was meant. A column whose values come again and again on
//! other dates, and without which rows stand beside each other, is what they are of. The number of a receipt, a price
//! or a remark is not: its values do not come again.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::table::Table;

/// On how many different dates a value must come on average.
const COMES_AGAIN: usize = 3;

/// What share of the rows beside each other a column must tell apart, in percent, so that it is used by itself.
const MOST: usize = 80;

/// What share a text must tell apart so that a person is asked, in percent, if no product is known.
const SOME: usize = 10;

/// What share of all rows must stand beside others, in percent; fewer are chance.
const CHANCE: usize = 2;

/// What tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Apart {
    /// Nothing that is not known.
    Nothing,
    /// This column.
    By(usize),
    /// One or more of these, and it is not clear which is what.
    Asked(Vec<usize>),
}

/// Which of the `unknown` columns tell rows apart. `keys` has the date of each record with a number for its product and
/// store, or `None` if it has no date; `no_product` is whether nothing says what the rows are of.
pub(super) fn find(table: &Table<'_>, unknown: &[usize], keys: &[Option<(i64, u64)>], no_product: bool) -> Apart {
    let hash = RandomState::new();
    let value = |row: usize, column: usize| hash.hash_one(table.records[row].1.get(column).map_or("", |v| v.trim()));
    let rows: Vec<(usize, (i64, u64))> =
        keys.iter().enumerate().filter_map(|(row, key)| Some((row, (*key)?))).collect();
    // How many rows stand beside an earlier one, if these columns count as well.
    let beside = |columns: &[usize]| {
        let mut seen = HashSet::with_capacity(rows.len());
        let key = |(row, key): &(usize, (i64, u64))| {
            columns.iter().fold(hash.hash_one(key), |key, column| hash.hash_one((key, value(*row, *column))))
        };
        rows.iter().filter(|row| !seen.insert(key(row))).count()
    };
    let all = beside(&[]);
    if all * 100 <= rows.len() * CHANCE {
        return Apart::Nothing;
    }
    let again: Vec<usize> = unknown.iter().copied().filter(|column| comes_again(table, *column, &rows)).collect();
    let tells = |columns: &[usize]| (all - beside(columns)) * 100 / all;
    let mut telling: Vec<usize> = again.into_iter().filter(|column| tells(&[*column]) > 0).collect();
    if tells(&telling) < MOST {
        // What tells some of them apart, and is a text, may be what they are of all the same.
        telling.retain(|column| {
            no_product && tells(&[*column]) >= SOME && !table.values(*column).all(super::number::is_number)
        });
        return if telling.is_empty() { Apart::Nothing } else { Apart::Asked(telling) };
    }
    // What says nothing more than the others is left out, the last first: a name beside a number.
    for column in telling.clone().into_iter().rev() {
        let others: Vec<usize> = telling.iter().copied().filter(|other| *other != column).collect();
        if !others.is_empty() && beside(&others) == beside(&telling) {
            telling = others;
        }
    }
    match telling.as_slice() {
        [] => Apart::Nothing,
        [one] => Apart::By(*one),
        _ => Apart::Asked(telling),
    }
}

/// Whether the values of a column come again on other dates.
fn comes_again(table: &Table<'_>, column: usize, rows: &[(usize, (i64, u64))]) -> bool {
    let mut dates: HashMap<&str, HashSet<i64>> = HashMap::new();
    let mut with = 0;
    for (row, (at, _)) in rows {
        let value = table.records[*row].1.get(column).map_or("", |value| value.trim());
        // An amount is no name, however often it comes.
        if value.is_empty() || (value.contains(['.', ',']) && super::number::is_number(value)) {
            continue;
        }
        with += 1;
        dates.entry(value).or_default().insert(*at);
        if dates.len() * COMES_AGAIN > rows.len() {
            return false;
        }
    }
    let on = dates.values().map(HashSet::len).sum::<usize>();
    dates.len() > 1 && on >= COMES_AGAIN * dates.len() && with * 10 >= rows.len() * 9
}
