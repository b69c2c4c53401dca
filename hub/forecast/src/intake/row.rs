//! One record to a row, or to what is wrong with it.

use std::borrow::Cow;

use super::header::Columns;
use super::report::short;
use super::{DateForm, Decimal, Field, Options, Row, RowError};
use crate::series::{DAY, civil};

/// The longest name of a product, store or category, in characters.
const LONGEST_NAME: usize = 200;

/// The largest number that is believed.
const LARGEST_NUMBER: f64 = 1e12;

/// What a record is read with.
pub(super) struct RowReader<'a> {
    pub(super) columns: &'a Columns,
    pub(super) dates: DateForm,
    pub(super) decimal: Decimal,
    pub(super) options: &'a Options,
}

impl RowReader<'_> {
    pub(super) fn row(&self, line: u64, record: &[Cow<'_, str>]) -> Result<Row, RowError> {
        let header = &self.columns.header;
        // Some programs end every row with a separator.
        let filled = record.len() - record.iter().rev().take_while(|value| value.trim().is_empty()).count();
        if record.len() < header.len() || filled > header.len() {
            let reason = format!(
                "the header has {} columns and this row {}: quote fields that contain the separator",
                header.len(),
                record.len()
            );
            return Err(RowError { line, column: String::new(), value: short(&record.join(" | ")), reason });
        }
        let value = |field| self.columns.index(field).map_or("", |index| record[index].trim());
        let error = |field: Field, reason: String| {
            let column = self.columns.index(field).map_or(field.name(), |index| header[index].as_str());
            RowError { line, column: column.to_owned(), value: short(value(field)), reason }
        };
        let at = self.dates.read(value(Field::Date)).map_err(|reason| error(Field::Date, reason))?;
        if self.options.latest.is_some_and(|latest| at > latest) {
            return Err(error(Field::Date, "the date is in the future".into()));
        }
        if at < -70 * 366 * DAY {
            return Err(error(Field::Date, format!("{} is too long ago to be meant", civil(at).date())));
        }
        let name = |field| {
            let name = text_of(value(field));
            match name.chars().count() {
                count if count > LONGEST_NAME => {
                    Err(error(field, format!("{count} characters are too many: {LONGEST_NAME} at most")))
                }
                _ if name.chars().any(char::is_control) => {
                    Err(error(field, "there is a control character in it".into()))
                }
                _ => Ok(name.to_owned()),
            }
        };
        let mut product = name(Field::Product)?;
        if self.columns.index(Field::Product).is_none() {
            product = self.options.product.clone().or_else(|| self.options.file.clone()).unwrap_or_default();
        }
        if product.is_empty() {
            return Err(error(Field::Product, "the product is missing".into()));
        }
        let number = |field| match value(field) {
            "" => Ok(None),
            text => match self.decimal.read(text) {
                Err(reason) => Err(error(field, reason)),
                Ok(number) if number.abs() > LARGEST_NUMBER => {
                    Err(error(field, "the number is too large to be meant".into()))
                }
                Ok(number) => Ok(Some(number)),
            },
        };
        let positive = |field| match number(field)? {
            Some(number) if number < 0.0 => Err(error(field, "it cannot be below 0".into())),
            number => Ok(number),
        };
        let quantity =
            number(Field::Quantity)?.ok_or_else(|| error(Field::Quantity, "the quantity is missing".into()))?;
        if quantity < 0.0 && !self.options.allow_negative {
            let reason = "a quantity below 0: leave returns out, or allow negative quantities".into();
            return Err(error(Field::Quantity, reason));
        }
        Ok(Row {
            at,
            product,
            store: name(Field::Store)?,
            quantity,
            category: Some(name(Field::Category)?).filter(|name| !name.is_empty()),
            price: positive(Field::Price)?,
            on_hand: positive(Field::OnHand)?,
            lead_time_days: positive(Field::LeadTime)?,
            unit_cost: positive(Field::UnitCost)?,
        })
    }
}

/// A text without what spreadsheets put around it so that it is not taken for a number: `="0042"`, `'0042`.
fn text_of(value: &str) -> &str {
    let inner = value.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let digits = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit());
    inner.or_else(|| value.strip_prefix('\'').filter(digits)).unwrap_or(value).trim()
}
