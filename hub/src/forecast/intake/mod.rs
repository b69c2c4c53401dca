//! From a CSV file to rows: whatever its encoding, separators, headers, dates and decimals.
//!
//! What is not stated is detected, and the report says what was. A row that cannot be read is named by its line,
//! column, value and reason; the others stand. Whether they are used all the same is for the caller to decide.
//! Of rows with the same date, product and store, the last one counts.

/// Bytes to text.
mod decode;

/// Text to fields.
mod fields;

/// Which column is what.
mod header;

/// Dates.
mod date;

/// Numbers.
mod number;

/// Records to rows.
mod row;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

pub use date::DateOrder;
use fields::Records;
use header::Columns;
pub use header::Field;
pub use number::Decimal;
use row::RowReader;

/// The largest file that is read, in bytes. Text, fields and rows take about five times as much memory.
pub const LARGEST: usize = 64 << 20;

/// How many row errors are kept; the others are counted.
const ERRORS_KEPT: usize = 100;

/// How many rows the detection of dates and decimals looks at.
const LOOKED_AT: usize = 2000;

/// What is known of a file beforehand; what is not stated is detected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// What separates fields.
    pub delimiter: Option<char>,
    /// How days, months and years follow each other: see [`DateOrder::parse`].
    pub dates: Option<DateOrder>,
    /// What separates the fraction.
    pub decimal: Option<Decimal>,
    /// The product of all rows of a file without a column of products.
    pub product: Option<String>,
    /// Whether quantities may be below 0.
    pub allow_negative: bool,
    /// The last time that is not in the future, in seconds since 1970-01-01.
    pub latest: Option<i64>,
}

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
    /// How dates are written.
    pub dates: String,
    /// What separates the fraction of numbers.
    pub decimal: String,
    /// Rows in the file, without empty ones.
    pub rows: usize,
    /// Rows that could be read, and were not replaced by a later one.
    pub good: usize,
    /// Rows that a later one with the same date, product and store replaced.
    pub replaced: usize,
    /// Rows that could not be read.
    pub bad: usize,
    /// The first of them.
    pub errors: Vec<RowError>,
    /// What had to be guessed.
    pub notes: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// Its good rows, by date, product and store.
    pub rows: Vec<Row>,
    /// What was found.
    pub report: Report,
}

/// A file that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// Columns are missing.
    #[error("there is no column for {missing}: the header has {}. {hint}", header.join(", "))]
    Columns {
        /// What is missing.
        missing: String,
        /// What is there.
        header: Vec<String>,
        /// How to mend it.
        hint: String,
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

/// Reads a file.
///
/// # Errors
/// If it is empty, too large, not text, or lacks a column or any good row.
pub fn read(bytes: &[u8], options: &Options) -> Result<Intake, IntakeError> {
    if bytes.is_empty() {
        return Err(IntakeError::Empty);
    }
    if bytes.len() > LARGEST {
        return Err(IntakeError::TooLarge(bytes.len()));
    }
    let (text, encoding) = decode::decode(bytes)?;
    let delimiter = options.delimiter.unwrap_or_else(|| fields::delimiter(&text));
    let mut records = Records::new(&text, delimiter);
    let Some((_, header)) = records.next() else { return Err(IntakeError::Empty) };
    let columns = Columns::of(&header, options.product.is_some())?;
    let records: Vec<(u64, Vec<std::borrow::Cow<'_, str>>)> = records.collect();
    if records.is_empty() {
        return Err(IntakeError::HeaderOnly);
    }
    let mut report = Report {
        encoding: encoding.to_owned(),
        delimiter: fields::in_words(delimiter).to_owned(),
        columns: columns.used(),
        ignored_columns: columns.ignored(),
        rows: records.len(),
        ..Report::default()
    };
    let sample = |field: Field| {
        let index = columns.index(field);
        records.iter().take(LOOKED_AT).filter_map(move |(_, row)| row.get(index?)).map(|value| value.trim())
    };
    let dates = options.dates.unwrap_or_else(|| DateOrder::detect(sample(Field::Date), &mut report.notes));
    let decimal =
        options.decimal.unwrap_or_else(|| Decimal::detect(sample(Field::Quantity), delimiter, &mut report.notes));
    report.dates = dates.in_words().to_owned();
    report.decimal = decimal.in_words().to_owned();

    let reader = RowReader { columns: &columns, header: &header, dates, decimal, options };
    let mut rows: HashMap<(i64, String, String), Row> = HashMap::new();
    for (line, record) in &records {
        match reader.row(*line, record) {
            Ok(row) => {
                let key = (row.at, row.product.clone(), row.store.clone());
                report.replaced += usize::from(rows.insert(key, row).is_some());
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
        return Err(IntakeError::NoGoodRow { rows: report.rows, first: report.errors.swap_remove(0) });
    }
    report.good = rows.len();
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by(|a, b| (a.at, &a.product, &a.store).cmp(&(b.at, &b.product, &b.store)));
    Ok(Intake { rows, report })
}
