//! From a CSV file to rows: whatever its encoding, separators, headers, dates and decimals.
//!
//! What is not stated is found out from all that the file shows, and the report says what was, column by column.
//! Where the file can be meant in two ways that give different quantities, nothing is guessed: a person is asked, and
//! every door has an option to answer by. A row that cannot be read is named by its line, column, value and reason;
//! the others stand. Whether they are used all the same is for the caller to decide.
//!
//! Rows of one file with the same date, product and store are added up. What a later file says replaces that.

/// Bytes to text.
mod decode;

/// Text to fields.
mod fields;

/// What columns are called.
mod names;

/// Which column is what.
mod header;

/// Fields to a header and records.
mod table;

/// Dates.
mod date;

/// Numbers.
mod number;

/// Columns that nobody knows, and that tell rows apart.
mod apart;

/// What can be meant in two ways: decided, or asked.
mod decide;

/// Records to rows.
mod row;

/// Rows to quantities.
mod sum;

/// Columns in words.
mod understand;

/// What was found.
mod report;

/// What is stated.
mod options;

#[cfg(test)]
mod tests;

/// Files of the kinds that tills, spreadsheets and ERP systems write.
#[cfg(test)]
mod kinds;

use std::hash::{BuildHasher as _, RandomState};

use serde::{Deserialize, Serialize};

pub use self::date::DateForm;
pub use self::header::{Field, Stated};
pub use self::number::Decimal;
pub use self::options::Options;
pub use self::report::{Column, LeftOut, Report, RowError};
use self::row::RowReader;
use self::sum::{Floor, Read};
use self::table::Table;
use crate::series::{Absent, Cadence, Series};

/// The largest file that is read, in bytes. Text, fields and rows take about five times as much memory.
pub const LARGEST: usize = 64 << 20;

/// How many row errors, and how many lines that were left out, are kept; the others are counted.
const ERRORS_KEPT: usize = 100;

/// At how many different dates the detection of their form looks.
const LOOKED_AT: usize = 5000;

/// A row that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Seconds since 1970-01-01, as the date and time are written.
    pub at: i64,
    /// What was sold, or filled, or asked for.
    pub product: String,
    /// Where; empty if there is one place only.
    pub store: String,
    /// How much.
    pub quantity: f64,
    /// Of what kind the product is.
    pub category: Option<String>,
    /// What one costs the buyer.
    pub price: Option<f64>,
    /// What was in stock.
    pub on_hand: Option<f64>,
    /// Days from an order to its arrival.
    pub lead_time_days: Option<f64>,
    /// What one costs.
    pub unit_cost: Option<f64>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// Its quantities, by date, product and store.
    pub rows: Vec<Row>,
    /// What was found.
    pub report: Report,
}

/// A way to answer what is asked of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What to state.
    pub value: String,
    /// What that means.
    pub meaning: String,
}

/// A file that cannot be read at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IntakeError {
    /// No byte.
    #[error("the file is empty")]
    Empty,
    /// More than is read.
    #[error(
        "the file has {0} bytes, and {LARGEST} are the most: split it by date, and send the parts one after another"
    )]
    TooLarge(usize),
    /// Not text.
    #[error("the file is not text but {0}: export it as CSV")]
    Binary(&'static str),
    /// Text that is broken.
    #[error("the file starts as {0}, but is not: save it as UTF-8")]
    Encoding(&'static str),
    /// No data.
    #[error("the file has a header and no rows")]
    HeaderOnly,
    /// A column that is stated is not there.
    #[error("there is no column {name}: the header has {}", header.join(", "))]
    NoSuchColumn {
        /// As it was stated.
        name: String,
        /// What is there.
        header: Vec<String>,
    },
    /// Columns are missing.
    #[error("there is no column for {missing}: the header has {}. {hint}", header.join(", "))]
    Columns {
        /// What is missing.
        missing: String,
        /// What is there.
        header: Vec<String>,
        /// How to mend it.
        hint: String,
        /// What was found so far.
        found: Box<Report>,
    },
    /// It can be meant in two ways.
    #[error("{question}: state {}", in_words(option, choices))]
    Unclear {
        /// What is not clear, and why.
        question: String,
        /// The option that answers it.
        option: &'static str,
        /// The answers.
        choices: Vec<Choice>,
        /// What was found so far.
        found: Box<Report>,
    },
    /// No row could be read.
    #[error("none of the {rows} rows can be read; the first, in line {}: {} in column {}: {}", first.line, first.value, first.column, first.reason)]
    NoGoodRow {
        /// How many there are.
        rows: usize,
        /// Why the first cannot.
        first: RowError,
    },
}

fn in_words(option: &str, choices: &[Choice]) -> String {
    let choice = |choice: &Choice| format!("{option}={} ({})", choice.value, choice.meaning);
    choices.iter().map(choice).collect::<Vec<_>>().join(" or ")
}

/// Reads a file.
///
/// # Errors
/// If it is empty, too large, not text, lacks a column or any good row, or can be meant in two ways.
pub fn read(bytes: &[u8], options: &Options) -> Result<Intake, IntakeError> {
    if bytes.is_empty() {
        return Err(IntakeError::Empty);
    }
    if bytes.len() > LARGEST {
        return Err(IntakeError::TooLarge(bytes.len()));
    }
    let (text, encoding) = decode::decode(bytes)?;
    let mut table = Table::of(&text, options.delimiter, &options.columns).ok_or(IntakeError::Empty)?;
    let mut report = Report {
        encoding: encoding.to_owned(),
        delimiter: fields::in_words(table.delimiter).to_owned(),
        rows: table.records.len() + table.below,
        ..Report::default()
    };
    std::mem::take(&mut table.left_out).into_iter().for_each(|line| report.leave_out(line));
    if let Some(name) = options.columns.unknown(&table.columns.header) {
        return Err(IntakeError::NoSuchColumn { name: name.to_owned(), header: table.columns.header });
    }
    let named = options.product.is_some() || options.file.is_some();
    let Some(date) = table.columns.index(Field::Date).filter(|_| table.columns.index(Field::Quantity).is_some()) else {
        return Err(missing(&table, named, report));
    };
    if table.records.is_empty() {
        return Err(IntakeError::HeaderOnly);
    }
    let dates = options.dates.unwrap_or_else(|| {
        let different = date::different(table.values(date), LOOKED_AT);
        DateForm::detect(different.iter().copied(), &table.columns.header[date], &mut report.notes)
    });
    report.dates = dates.in_words().to_owned();
    let times: Vec<Option<i64>> = table.values_of_all(date).map(|value| dates.read(value).ok()).collect();
    let floor = Floor::of(times.iter().copied().flatten(), options.cadence);
    let times: Vec<Option<i64>> = times.into_iter().map(|at| at.map(|at| floor.floor(at))).collect();

    let decimal = match options.decimal {
        Some(decimal) => decimal,
        None => decide::decimal(&table, dates, &mut report)?,
    };
    report.decimal = decimal.in_words().to_owned();
    decide::what_tells_apart(&mut table, options, &times, (dates, decimal), &mut report)?;
    let columns = &table.columns;
    if columns.index(Field::Product).is_none() && !named {
        return Err(missing(&table, named, report));
    }
    let file = options.file.as_ref().filter(|_| options.product.is_none());
    if let Some(file) = file.filter(|_| columns.index(Field::Product).is_none()) {
        report
            .notes
            .push(format!("there is no column of products: all rows are of one product, called {file} as the file"));
    }
    if let Some((product, column)) = options.product.as_ref().zip(columns.index(Field::Product)) {
        report.notes.push(format!("products are in the column {}: {product} is not used", columns.header[column]));
    }
    describe(&table, Some(dates), Some(decimal), &mut report);

    let reader = RowReader { columns, dates, decimal, options };
    let hash = RandomState::new();
    let mut rows = Vec::with_capacity(table.records.len());
    for (line, record) in &table.records {
        match reader.row(*line, record) {
            Ok(mut row) => {
                row.at = floor.floor(row.at);
                rows.push(Read { line: *line, row, hash: hash.hash_one(record) });
            }
            Err(error) => {
                report.bad += 1;
                if report.errors.len() < ERRORS_KEPT {
                    report.errors.push(error);
                }
            }
        }
    }
    if rows.is_empty() {
        return Err(match report.errors.is_empty() {
            true => IntakeError::HeaderOnly,
            false => IntakeError::NoGoodRow { rows: table.records.len(), first: report.errors.swap_remove(0) },
        });
    }
    if options.cadence.is_none() && floor == Floor::Calendar(Cadence::Day) {
        report
            .notes
            .push("dates have a time of day: quantities are added up per day; state step=hour if that is wrong".into());
    }
    let rows = sum::add_up(rows, &mut report);
    if rows.is_empty() {
        return Err(IntakeError::HeaderOnly);
    }
    summarise(&rows, options, &mut report);
    Ok(Intake { rows, report })
}

impl Report {
    /// Keeps a line that is no data, if it is one of the first, and counts it.
    fn leave_out(&mut self, line: LeftOut) {
        self.left_out_lines += 1;
        if self.left_out.len() < ERRORS_KEPT {
            self.left_out.push(line);
        }
    }
}

fn describe(table: &Table<'_>, dates: Option<DateForm>, decimal: Option<Decimal>, report: &mut Report) {
    report.columns = table.columns.used();
    report.ignored_columns = table.columns.ignored();
    report.understood = understand::columns(table, dates, decimal);
}

/// The error for a file without a date, a quantity, or, unless it is `named`, a product.
fn missing(table: &Table<'_>, named: bool, mut report: Report) -> IntakeError {
    describe(table, None, None, &mut report);
    let columns = &table.columns;
    let missing: Vec<&str> = [Field::Date, Field::Product, Field::Quantity]
        .into_iter()
        .filter(|field| columns.index(*field).is_none() && !(named && *field == Field::Product))
        .map(Field::name)
        .collect();
    let is_data = columns.header.iter().any(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    let hint = if is_data {
        "The first line must name the columns".to_owned()
    } else if missing == ["product_id"] {
        "Add the column, or name the one product of the file".to_owned()
    } else {
        format!(
            "Rename the columns, or state what they are, such as columns=NAME={}",
            missing.first().unwrap_or(&"date")
        )
    };
    let header = columns.header.clone();
    IntakeError::Columns { missing: missing.join(" and "), header, hint, found: Box::new(report) }
}

/// What it all comes to.
fn summarise(rows: &[Row], options: &Options, report: &mut Report) {
    let count = |name: fn(&Row) -> &str| rows.iter().map(name).collect::<std::collections::BTreeSet<_>>().len();
    report.quantities = rows.len();
    report.products = count(|row| &row.product);
    report.stores = count(|row| &row.store);
    let (first, last) = (rows.iter().map(|row| row.at).min(), rows.iter().map(|row| row.at).max());
    report.first = first.map(date::shown).unwrap_or_default();
    report.last = last.map(date::shown).unwrap_or_default();
    report.total = rows.iter().map(|row| row.quantity).sum();
    let points: Vec<(i64, f64)> = rows.iter().map(|row| (row.at, row.quantity)).collect();
    match Series::build_by(&points, Absent::Auto, options.cadence) {
        Ok((series, notes)) => {
            report.step = series.step.in_words();
            report.notes.extend(notes.into_iter().map(|note| format!("the total: {note}")));
        }
        Err(error) => report.notes.push(format!("the total: {error}")),
    }
}
