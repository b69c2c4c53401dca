//! What each column is taken for, in words and by examples.

use super::header::Field;
use super::report::{Column, short};
use super::table::Table;
use super::{DateForm, Decimal, date, names};

/// How many examples a column has.
const EXAMPLES: usize = 3;

/// How many values tell whether a column is empty, or says the same everywhere.
const LOOKED_AT: usize = 2000;

/// Every column in its order; `dates` and `decimal` as far as they are known already.
pub(super) fn columns(table: &Table<'_>, dates: Option<DateForm>, decimal: Option<Decimal>) -> Vec<Column> {
    let of = |index: usize| {
        let values = date::different(table.values(index).take(LOOKED_AT), EXAMPLES);
        let field = table.columns.field(index);
        let read = |value: &str| match field? {
            Field::Date => dates?.read(value).ok().map(date::shown),
            Field::Product | Field::Store | Field::Category => Some(short(value)),
            _ => decimal?.read(value).ok().map(|number| number.to_string()),
        };
        let understood = match field {
            Some(Field::Date) => dates.map_or("dates", DateForm::in_words).to_owned(),
            Some(Field::Product | Field::Store | Field::Category) => "names".to_owned(),
            Some(_) => decimal.map_or("numbers", Decimal::in_words).to_owned(),
            None => not_used(table, index, values.len()),
        };
        Column {
            name: table.columns.header[index].clone(),
            field: field.map(|field| field.name().to_owned()),
            understood,
            written: values.iter().map(|value| short(value)).collect(),
            read: values.iter().map(|value| read(value).unwrap_or_default()).collect(),
        }
    };
    let named = |index: &usize| !table.columns.header[*index].is_empty() || table.columns.field(*index).is_some();
    (0..table.columns.header.len()).filter(named).map(of).collect()
}

fn not_used(table: &Table<'_>, index: usize, different: usize) -> String {
    let columns = &table.columns;
    if columns.is_left_out(index) {
        return "left out, as stated".into();
    }
    if let Some(other) = names::known(&columns.header[index]).and_then(|(field, ..)| columns.index(field)) {
        return format!("not used: {} is taken for this", columns.header[other]);
    }
    match different {
        0 => "not used: it is empty".into(),
        1 => "not used: it says the same everywhere".into(),
        _ => "not used: nothing is known of it, and no quantity is lost without it".into(),
    }
}
