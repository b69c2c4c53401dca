//! A text to a table: its header, its records, and the lines around them that are no data: titles above the header,
//! the header again, totals.

use std::borrow::Cow;

use super::fields::{self, Records};
use super::header::{Columns, Field, Stated};
use super::names;
use super::report::LeftOut;

/// How far down a header is looked for, in records.
const HEADER_WITHIN: usize = 30;

/// A record, and the line that it starts in.
pub(super) type Record<'a> = (u64, Vec<Cow<'a, str>>);

/// A text as a table.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) delimiter: char,
    pub(super) columns: Columns,
    pub(super) records: Vec<Record<'a>>,
    /// Lines that are no data.
    pub(super) left_out: Vec<LeftOut>,
    /// How many of them are beneath the header.
    pub(super) below: usize,
}

impl<'a> Table<'a> {
    /// Cuts a text; `None` if there is no record in it.
    pub(super) fn of(text: &'a str, delimiter: Option<char>, stated: &Stated) -> Option<Self> {
        let (mark, rest, line) = match fields::stated(text) {
            Some((mark, rest)) => (Some(mark), rest, 2),
            None => (None, text, 1),
        };
        let fit = |fields: &[Cow<'_, str>]| Columns::of(fields, stated).fit();
        let delimiter = delimiter.or(mark).unwrap_or_else(|| fields::delimiter(rest, |fields| fit(fields).1));
        let mut records: Vec<Record<'a>> = Records::new(rest, delimiter).counting_from(line).collect();
        if records.is_empty() {
            return None;
        }
        let data = records.split_off(header(&records, fit) + 1);
        let (_, header) = records.pop()?;
        let mut left_out: Vec<LeftOut> =
            records.iter().map(|record| LeftOut::new(record, "it is above the header")).collect();
        let columns = Columns::of(&header, stated);
        let (mut kept, above) = (Vec::with_capacity(data.len()), left_out.len());
        for record in data {
            match no_data(&record.1, &header, &columns) {
                Some(reason) => left_out.push(LeftOut::new(&record, reason)),
                None => kept.push(record),
            }
        }
        let below = left_out.len() - above;
        Some(Self { delimiter, columns, records: kept, left_out, below })
    }

    /// The value of a column in every record, without blanks around it; empty where there is none.
    pub(super) fn values_of_all(&self, index: usize) -> impl Iterator<Item = &str> {
        self.records.iter().map(move |(_, record)| record.get(index).map_or("", |value| value.trim()))
    }

    /// The values of a column, without blanks around them.
    pub(super) fn values(&self, index: usize) -> impl Iterator<Item = &str> + Clone {
        self.records.iter().filter_map(move |(_, record)| record.get(index)).map(|value| value.trim())
    }
}

/// Which record is the header: the first that names a date and a quantity, else the one that names the most, else the
/// first that has as many fields as most.
fn header(records: &[Record<'_>], fit: impl Fn(&[Cow<'_, str>]) -> (bool, usize)) -> usize {
    let looked_at = &records[..records.len().min(HEADER_WITHIN)];
    let fits: Vec<(bool, usize)> = looked_at.iter().map(|(_, fields)| fit(fields)).collect();
    if let Some(found) = fits.iter().position(|fit| fit.0) {
        return found;
    }
    // One word of a title can be the name of a column: two columns are needed.
    let named = fits.iter().map(|fit| fit.1).max().filter(|named| *named > 1);
    if let Some(found) = named.and_then(|named| fits.iter().position(|fit| fit.1 == named)) {
        return found;
    }
    let (width, _) = fields::usual_width(records.iter().take(1000).map(|(_, fields)| fields.len()));
    looked_at.iter().position(|(_, fields)| fields.len() == width).unwrap_or(0)
}

/// Why a record is no data, if it is none.
fn no_data(record: &[Cow<'_, str>], header: &[Cow<'_, str>], columns: &Columns) -> Option<&'static str> {
    if record == header {
        return Some("it is the header again");
    }
    let first = record.iter().map(|value| value.trim()).find(|value| !value.is_empty())?;
    let date = columns.index(Field::Date).and_then(|index| record.get(index)).map_or("", |value| value.trim());
    // The line of a total has no date: it begins with the word, wherever that stands.
    ((date.is_empty() || date == first) && names::is_total(first)).then_some("it is a total")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, header: &[&str], lines: &[u64], left_out: &[(u64, &str)]) {
        let table = Table::of(text, None, &Stated::default()).expect("a table");
        assert_eq!(table.columns.header, header, "{text}");
        assert_eq!(table.records.iter().map(|record| record.0).collect::<Vec<_>>(), lines, "{text}");
        let found: Vec<(u64, &str)> = table.left_out.iter().map(|l| (l.line, l.reason.as_str())).collect();
        assert_eq!(found, left_out, "{text}");
    }

    #[test]
    fn titles_totals_and_repeated_headers_are_no_data() {
        let title = "it is above the header";
        check("date,qty\n1,2\n", &["date", "qty"], &[2], &[]);
        check("sep=;\nDatum;Menge\n1;2,5\n", &["Datum", "Menge"], &[3], &[]);
        check(
            "Sales report\n\nof May, all shops\ndate,sku,qty\n1,a,2\n",
            &["date", "sku", "qty"],
            &[5],
            &[(1, title), (3, title)],
        );
        check(
            "Datum;Menge\n1;2\nSumme;2\n2;3\n;5\nGesamtsumme\n",
            &["Datum", "Menge"],
            &[2, 4, 5],
            &[(3, "it is a total"), (6, "it is a total")],
        );
        check(
            "date,sku,qty\n1,a,2\ndate,sku,qty\n2,Total,3\n,Total,5\n",
            &["date", "sku", "qty"],
            &[2, 4],
            &[(3, "it is the header again"), (5, "it is a total")],
        );
        check("Umsatz\nFoo;Bar\n1;2\n3;4\n", &["Foo", "Bar"], &[3, 4], &[(1, title)]);
    }
}
