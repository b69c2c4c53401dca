//! Text to fields, by RFC 4180: quotes around fields, doubled inside; lines end with CR, LF or both.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The records of a text, with the line that each starts in. Empty lines are left out.
#[derive(Debug)]
pub(super) struct Records<'a> {
    text: &'a str,
    delimiter: char,
    at: usize,
    line: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str, delimiter: char) -> Self {
        Self { text, delimiter, at: 0, line: 1 }
    }

    /// Counts lines from `line` on.
    pub(super) fn counting_from(self, line: u64) -> Self {
        Self { line, ..self }
    }

    /// The field at the current place, and what ended it.
    fn field(&mut self) -> (Cow<'a, str>, End) {
        let rest = &self.text[self.at..];
        if rest.starts_with('"') {
            return self.quoted();
        }
        let delimiter = self.delimiter;
        let length = rest.find([delimiter, '\n', '\r']).unwrap_or(rest.len());
        self.at += length;
        (Cow::Borrowed(&rest[..length]), self.end())
    }

    fn quoted(&mut self) -> (Cow<'a, str>, End) {
        self.at += 1;
        let start = self.at;
        let mut field = Cow::Borrowed("");
        let mut from = start;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                None => {
                    field += &self.text[from..];
                    return (field, End::Text);
                }
                Some(b'"') if bytes.get(self.at + 1) == Some(&b'"') => {
                    field += &self.text[from..=self.at];
                    self.at += 2;
                    from = self.at;
                    continue;
                }
                Some(b'"') => break,
                Some(b'\n') => self.line += u64::from(self.at == 0 || bytes[self.at - 1] != b'\r'),
                Some(b'\r') => self.line += 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        field += &self.text[from..self.at];
        self.at += 1;
        // What stands between the closing quote and the separator belongs to the field.
        let rest = &self.text[self.at..];
        let delimiter = self.delimiter;
        let length = rest.find([delimiter, '\n', '\r']).unwrap_or(rest.len());
        if !rest[..length].trim().is_empty() {
            field += &rest[..length];
        }
        self.at += length;
        (field, self.end())
    }

    /// Steps over what ends a field.
    fn end(&mut self) -> End {
        let rest = &self.text[self.at..];
        let Some(next) = rest.chars().next() else { return End::Text };
        if next == self.delimiter {
            self.at += next.len_utf8();
            return End::Field;
        }
        self.at += if rest.starts_with("\r\n") { 2 } else { 1 };
        self.line += 1;
        End::Record
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Field,
    Record,
    Text,
}

impl<'a> Iterator for Records<'a> {
    type Item = (u64, Vec<Cow<'a, str>>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.text.len() {
            let line = self.line;
            let mut fields = Vec::new();
            loop {
                let (field, end) = self.field();
                fields.push(field);
                if end != End::Field {
                    break;
                }
            }
            if fields.iter().any(|field| !field.trim().is_empty()) {
                return Some((line, fields));
            }
        }
        None
    }
}

/// What usually separates fields, the likeliest first.
const USUAL: [char; 4] = [',', ';', '\t', '|'];

/// How many records tell what separates fields.
const LOOKED_AT: usize = 200;

/// What spreadsheets write before all else, `sep=;`: what separates fields, and the text after it.
pub(super) fn stated(text: &str) -> Option<(char, &str)> {
    let (line, rest) = text.split_once('\n')?;
    let line = line.trim_end_matches('\r').trim_matches('"');
    let mark = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let mut chars = mark.chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) => Some((one, rest)),
        _ => None,
    }
}

/// What separates fields: of the usual separators the one that gives a header in which the most is `known`, then the
/// one by which the most records have the same number of fields, then the one with the most fields.
pub(super) fn delimiter(text: &str, known: impl Fn(&[Cow<'_, str>]) -> usize) -> char {
    let score = |delimiter: char| {
        let records: Vec<Vec<Cow<'_, str>>> =
            Records::new(text, delimiter).take(LOOKED_AT).map(|(_, fields)| fields).collect();
        let (width, alike) = usual_width(records.iter().map(Vec::len));
        let known = records.iter().filter(|fields| fields.len() > 1).map(|fields| known(fields)).max().unwrap_or(0);
        if width > 1 { (known, alike, width) } else { (known, 0, 0) }
    };
    // Of those that are equal, the first.
    USUAL.into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(',')
}

/// The number of fields that the most records have, the larger of two, and how many have it.
pub(super) fn usual_width(widths: impl Iterator<Item = usize>) -> (usize, usize) {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    widths.filter(|width| *width > 1).for_each(|width| *counts.entry(width).or_default() += 1);
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).unwrap_or((1, 0))
}

/// As a report names it.
pub(super) fn in_words(delimiter: char) -> &'static str {
    match delimiter {
        ',' => "comma",
        ';' => "semicolon",
        '\t' => "tab",
        '|' => "bar",
        _ => "as stated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let records: Vec<_> = Records::new(text, ',').collect();
        let records: Vec<(u64, Vec<&str>)> =
            records.iter().map(|(line, fields)| (*line, fields.iter().map(AsRef::as_ref).collect())).collect();
        let expected: Vec<(u64, Vec<&str>)> = expected.iter().map(|(line, fields)| (*line, fields.to_vec())).collect();
        assert_eq!(records, expected, "{text:?}");
    }

    #[test]
    fn lines_end_in_any_way_and_are_counted() {
        for end in ["\n", "\r", "\r\n"] {
            let text = format!("a,b{end}1,2{end}{end}3,4");
            check(&text, &[(1, &["a", "b"]), (2, &["1", "2"]), (4, &["3", "4"])]);
        }
    }

    #[test]
    fn quotes_hold_separators_quotes_and_lines() {
        check("\"a,\"\"b\"\"\",c\n1,2", &[(1, &["a,\"b\"", "c"]), (2, &["1", "2"])]);
        check("\"x\r\ny\",1\n2,3", &[(1, &["x\r\ny", "1"]), (3, &["2", "3"])]);
        check("\"open,1\n2", &[(1, &["open,1\n2"])]);
        check("\"a\" ,b", &[(1, &["a", "b"])]);
        check("a,,\n,,\n,x,", &[(1, &["a", "", ""]), (3, &["", "x", ""])]);
    }

    #[test]
    fn the_separator_is_the_most_frequent_outside_of_quotes() {
        let nothing = |text: &str| delimiter(text, |_| 0);
        assert_eq!(nothing("\"a,b,c\";d;e\n1"), ';');
        assert_eq!(nothing("a\tb,c\td"), '\t');
        assert_eq!(nothing("a|b"), '|');
        assert_eq!(nothing("\n\na,b"), ',');
        assert_eq!(nothing("alone"), ',');
        assert_eq!(nothing("Report, of today\na;b;c\n1;2;3,5\n2;3;4,5"), ';');
        let date =
            |fields: &[Cow<'_, str>]| fields.iter().filter(|field| matches!(field.as_ref(), "Datum" | "Menge")).count();
        assert_eq!(delimiter("Datum;Menge\n1;2,5\n2;3,5\nTotal, all of it", date), ';', "what is known counts most");
    }

    #[test]
    fn spreadsheets_state_what_separates() {
        assert_eq!(stated("sep=;\r\na;b"), Some((';', "a;b")));
        assert_eq!(stated("\"sep=\t\"\na"), Some(('\t', "a")));
        assert_eq!(stated("SEP=,\na"), Some((',', "a")));
        assert_eq!((stated("sep=ab\nc"), stated("separate\n"), stated("sé=;\n"), stated("")), (None, None, None, None));
    }
}
