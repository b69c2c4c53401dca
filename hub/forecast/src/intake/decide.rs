//! What of a file can be meant in two ways: its decimal sign, and columns that nobody knows. It is decided by all that
//! the file shows, with the reason in the report, or asked with the answers that there are.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

use super::apart::{self, Apart};
use super::number::{Found, Origin};
use super::report::short;
use super::table::Table;
use super::{Choice, DateForm, Decimal, Field, IntakeError, Options, Report, describe, names, number};

/// The decimal sign, by all columns with numbers, and by where the file seems to come from.
pub(super) fn decimal(table: &Table<'_>, dates: DateForm, report: &mut Report) -> Result<Decimal, IntakeError> {
    let columns = &table.columns;
    let is_number = |index: &usize| table.values(*index).all(|value| value.is_empty() || number::is_number(value));
    let numbers = Field::NUMBERS.into_iter().filter_map(|field| columns.index(field));
    let numbers: Vec<usize> = numbers.chain(columns.unknown().into_iter().filter(is_number)).collect();
    let mut origin = Origin::default();
    match table.delimiter {
        ';' => origin.says(Decimal::Comma, "fields are separated by semicolons"),
        ',' => origin.says(Decimal::Point, "fields are separated by commas"),
        _ => {}
    }
    for language in [names::Language::Point, names::Language::Comma] {
        origin.names(language, &columns.names_of(language));
    }
    let date = columns.index(Field::Date).and_then(|index| table.values(index).find(|value| !value.is_empty()));
    match (dates, date) {
        (DateForm::DayMonthYear | DateForm::Months, Some(date)) if date.contains('.') => {
            origin.says(Decimal::Comma, format!("dates are written {}", short(date)));
        }
        (DateForm::MonthDayYear, Some(date)) => {
            origin.says(Decimal::Point, format!("dates are written {}", short(date)));
        }
        _ => {}
    }
    match Decimal::detect(numbers.iter().flat_map(|index| table.values(*index)), &origin) {
        Found::Sign(decimal, note) => {
            report.notes.extend(note);
            Ok(decimal)
        }
        Found::Asked(value, why) => {
            let choice = |decimal: Decimal, name: &str| Choice {
                value: name.to_owned(),
                meaning: decimal.read(&value).map(|number| number.to_string()).unwrap_or_default(),
            };
            let choices = vec![choice(Decimal::Comma, "comma"), choice(Decimal::Point, "point")];
            describe(table, Some(dates), None, report);
            let question = format!("{value} could be read in two ways, and {why}");
            Err(IntakeError::Unclear { question, option: "decimal", choices, found: Box::new(report.clone()) })
        }
    }
}

/// Takes a column that nobody knows and that tells rows apart for the product or the store, or asks what it is.
pub(super) fn what_tells_apart(
    table: &mut Table<'_>,
    options: &Options,
    times: &[Option<i64>],
    (dates, decimal): (DateForm, Decimal),
    report: &mut Report,
) -> Result<(), IntakeError> {
    let columns = &table.columns;
    let (product, store) = (columns.index(Field::Product), columns.index(Field::Store));
    let no_product = product.is_none() && options.product.is_none();
    let hash = RandomState::new();
    let known = |record: &[Cow<'_, str>]| {
        let value = |index: Option<usize>| index.and_then(|index| record.get(index)).map_or("", |value| value.trim());
        hash.hash_one((value(product), value(store)))
    };
    let keys: Vec<Option<(i64, u64)>> =
        table.records.iter().zip(times).map(|((_, record), at)| Some(((*at)?, known(record)))).collect();
    let named = |index: &usize| !columns.header[*index].is_empty();
    let unknown: Vec<usize> = columns.unknown().into_iter().filter(named).collect();
    let header = columns.header.clone();
    let asked = match apart::find(table, &unknown, &keys, no_product) {
        Apart::Nothing => return Ok(()),
        Apart::By(column) => {
            let field = match (no_product, store) {
                (true, _) => Some(Field::Product),
                (false, None) => Some(Field::Store),
                (false, Some(_)) => None,
            };
            if let Some(field) = field {
                let name = &header[column];
                let word = if field == Field::Product { "product" } else { "store" };
                report.notes.push(format!(
                    "rows of one date are told apart by the column {name}, of which nothing else is known: taken for the {word}. State columns={name}={word} with other files of this kind, or what else it is (columns={name}=ignore) if that is wrong"
                ));
                table.columns.take(field, column);
                return Ok(());
            }
            vec![column]
        }
        Apart::Asked(columns) => columns,
    };
    let asked: Vec<&str> = asked.into_iter().map(|index| header[index].as_str()).collect();
    let others = |one: &str, what: &str| -> Vec<String> {
        asked.iter().filter(|other| **other != one).map(|other| format!("{other}={what}")).collect()
    };
    let all = |first: String, others: Vec<String>| [vec![first], others].concat().join(",");
    let mut choices = Vec::new();
    for name in &asked {
        if no_product {
            let is_one = asked.len() == 1;
            let rest = if store.is_none() && asked.len() == 2 { "store" } else { "ignore" };
            let meaning =
                if is_one { "it is what the rows are of".into() } else { format!("{name} is what the rows are of") };
            choices.push(Choice { value: all(format!("{name}=product"), others(name, rest)), meaning });
        } else if store.is_none() {
            let meaning = format!("{name} is where");
            choices.push(Choice { value: all(format!("{name}=store"), others(name, "ignore")), meaning });
        } else if let Some(product) = product {
            let first = format!("{}=ignore,{name}=product", header[product]);
            choices.push(Choice {
                value: all(first, others(name, "ignore")),
                meaning: format!("{name} is what the rows are of"),
            });
        }
    }
    let none = asked.iter().map(|name| format!("{name}=ignore")).collect::<Vec<_>>().join(",");
    choices.push(Choice { value: none, meaning: "they are added up".into() });
    describe(table, Some(dates), Some(decimal), report);
    let question =
        format!("rows of one date are told apart by {}, and it is not clear what that is", asked.join(" and "));
    Err(IntakeError::Unclear { question, option: "columns", choices, found: Box::new(report.clone()) })
}
