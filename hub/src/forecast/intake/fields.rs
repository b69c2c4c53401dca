//! Text to fields, by RFC 4180: quotes around fields, doubled inside; lines end with CR, LF or both.

use std::borrow::Cow;

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

/// What separates the fields of the first line: of the usual separators the one that is most often there.
pub(super) fn delimiter(text: &str) -> char {
    let first = text.split(['\n', '\r']).find(|line| !line.trim().is_empty()).unwrap_or("");
    let mut quoted = false;
    let outside: Vec<char> = first
        .chars()
        .filter(|c| {
            quoted ^= *c == '"';
            !quoted
        })
        .collect();
    let count = |delimiter: char| outside.iter().filter(|c| **c == delimiter).count();
    // The first of those that are equally often there.
    [',', ';', '\t', '|'].into_iter().rev().max_by_key(|c| count(*c)).unwrap_or(',')
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
        assert_eq!(delimiter("\"a,b,c\";d;e\n1"), ';');
        assert_eq!(delimiter("a\tb,c\td"), '\t');
        assert_eq!(delimiter("a|b"), '|');
        assert_eq!(delimiter("\n\na,b"), ',');
        assert_eq!(delimiter("alone"), ',');
    }
}
