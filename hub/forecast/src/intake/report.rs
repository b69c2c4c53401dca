//! What was found in a file: how it is written, what each column is taken for, what was left out, and what it all
//! comes to. It is shown before anything is merged.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IntakeRowError)]
pub struct RowError {
    /// The line that the row starts in, counted from 1.
    pub line: u64,
    /// The column, as the file calls it.
    pub column: String,
    /// What stands there, shortened.
    pub value: String,
    /// What is wrong with it, and how to mend it.
    pub reason: String,
}

/// A line that is no data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IntakeLeftOut)]
pub struct LeftOut {
    /// The line, counted from 1.
    pub line: u64,
    /// What stands there, shortened.
    pub value: String,
    /// Why it is none.
    pub reason: String,
}

impl LeftOut {
    pub(super) fn new((line, fields): &(u64, Vec<Cow<'_, str>>), reason: impl Into<String>) -> Self {
        let filled: Vec<&str> = fields.iter().map(|field| field.trim()).filter(|field| !field.is_empty()).collect();
        Self { line: *line, value: short(&filled.join(" | ")), reason: reason.into() }
    }
}

/// What a column is taken for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IntakeColumn)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// What it is taken for, such as `date` or `product_id`; null if it is not used.
    pub field: Option<String>,
    /// How it is read, or why it is not used.
    pub understood: String,
    /// The first different values, as they stand in the file.
    pub written: Vec<String>,
    /// The same as they are read.
    pub read: Vec<String>,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IntakeReport)]
pub struct Report {
    /// The encoding.
    pub encoding: String,
    /// What separates fields.
    pub delimiter: String,
    /// What each column is taken for, by its name in the file.
    pub columns: BTreeMap<String, String>,
    /// Columns that are not used.
    pub ignored_columns: Vec<String>,
    /// Every column in its order: what it is taken for, and how its values are read.
    pub understood: Vec<Column>,
    /// How dates are written.
    pub dates: String,
    /// What separates the fraction of numbers.
    pub decimal: String,
    /// The distance between the dates of the total, such as `day`.
    pub step: String,
    /// Rows beneath the header, without empty ones.
    pub rows: usize,
    /// Rows that could be read.
    pub good: usize,
    /// Good rows that were added to an earlier one of the same date, product and store.
    pub added_up: usize,
    /// Good rows that say in every column what an earlier one says; they were added up as well.
    pub repeated: usize,
    /// Rows that could not be read.
    pub bad: usize,
    /// The first of them.
    pub errors: Vec<RowError>,
    /// Lines that are no data: titles, totals, headers in between. The first of them.
    pub left_out: Vec<LeftOut>,
    /// How many of those there are.
    pub left_out_lines: usize,
    /// What is merged: quantities, one for each date, product and store.
    pub quantities: usize,
    /// Of how many products.
    pub products: usize,
    /// Of how many stores.
    pub stores: usize,
    /// The first date.
    pub first: String,
    /// The last date.
    pub last: String,
    /// The sum of all quantities.
    pub total: f64,
    /// What had to be guessed, and what a person should look at.
    pub notes: Vec<String>,
}

/// A value as a report shows it.
pub(super) fn short(value: &str) -> String {
    let mut short: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
    if value.chars().count() > 60 {
        short.push('…');
    }
    short
}
