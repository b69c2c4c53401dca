//! Numbers, with a decimal point or a decimal comma, thousands grouped or not, as tills and spreadsheets write them.
//!
//! `1.500` is fifteen hundred or one and a half. What decides is every column of the file that holds numbers: one
//! `12,50` anywhere is enough. Where no value decides, the file shows where it comes from: semicolons between fields,
//! the language of the column names, how dates are written. Where these say nothing or disagree, a person is asked.

use super::names::Language;

/// What separates the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// 1,234.5
    Point,
    /// 1.234,5
    Comma,
}

/// What a file shows of where it comes from, in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    reasons: Vec<(Decimal, String)>,
}

impl Origin {
    /// Adds a reason for a decimal sign.
    pub(super) fn says(&mut self, decimal: Decimal, reason: impl Into<String>) {
        self.reasons.push((decimal, reason.into()));
    }

    /// Adds what names of columns say.
    pub(super) fn names(&mut self, language: Language, names: &[&str]) {
        let decimal = match language {
            Language::Any => return,
            Language::Point => Decimal::Point,
            Language::Comma => Decimal::Comma,
        };
        if !names.is_empty() {
            self.says(decimal, format!("columns are called {}", names.join(", ")));
        }
    }

    fn reasons(&self, decimal: Decimal) -> Vec<&str> {
        self.reasons.iter().filter(|(of, _)| *of == decimal).map(|(_, reason)| reason.as_str()).collect()
    }
}

/// What a value shows of its decimal sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// It has none, and groups no thousands.
    Nothing,
    /// It has this sign.
    Is(Decimal),
    /// It can be read with either sign.
    Either,
}

/// What is known of the decimal sign of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// This one, and what is to be said of it.
    Sign(Decimal, Option<String>),
    /// A value that can be read in two ways, and why nothing decides between them.
    Asked(String, String),
}

impl Decimal {
    /// What `values` of all columns with numbers suggest, and where they say nothing, what the file shows.
    pub(super) fn detect<'a>(values: impl Iterator<Item = &'a str>, origin: &Origin) -> Found {
        let (mut points, mut commas, mut doubtful) = (0_usize, 0_usize, None);
        for value in values {
            match evidence(value) {
                Evidence::Nothing => {}
                Evidence::Is(Self::Point) => points += 1,
                Evidence::Is(Self::Comma) => commas += 1,
                Evidence::Either => doubtful = doubtful.or(Some(value)),
            }
        }
        match (points, commas, doubtful) {
            (0, 0, None) => Found::Sign(Self::Point, None),
            (0, 0, Some(value)) => Self::by_origin(value.trim(), origin),
            (_, 0, _) => Found::Sign(Self::Point, None),
            (0, _, _) => Found::Sign(Self::Comma, None),
            _ => {
                let decimal = if points > commas { Self::Point } else { Self::Comma };
                let note = format!(
                    "{points} numbers have a decimal point and {commas} a decimal comma: taken with a {}",
                    decimal.in_words()
                );
                Found::Sign(decimal, Some(note))
            }
        }
    }

    fn by_origin(value: &str, origin: &Origin) -> Found {
        let (point, comma) = (origin.reasons(Self::Point), origin.reasons(Self::Comma));
        let sign = |decimal: Self, reasons: &[&str]| {
            let number = decimal.read(value).unwrap_or(f64::NAN);
            let note = format!(
                "{value} could be read in two ways: taken with a {}, as {number}, since {}; state it if that is wrong",
                decimal.in_words(),
                reasons.join(" and ")
            );
            Found::Sign(decimal, Some(note))
        };
        match (point.as_slice(), comma.as_slice()) {
            ([], []) => Found::Asked(value.to_owned(), "nothing in the file says which".into()),
            (_, []) => sign(Self::Point, &point),
            ([], _) => sign(Self::Comma, &comma),
            _ => Found::Asked(
                value.to_owned(),
                format!("{} speaks for a decimal point, and {} for a comma", point.join(" and "), comma.join(" and ")),
            ),
        }
    }

    /// The number, or what is wrong.
    pub(super) fn read(self, text: &str) -> Result<f64, String> {
        let wrong = || format!("it is no number with a {}", self.in_words());
        let (negative, bare) = bare(text);
        let (mark, group) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let (whole, fraction) = bare.split_once(mark).unwrap_or((bare, ""));
        let separator = whole.chars().find(|c| *c == group || is_blank_group(*c));
        if separator.is_some_and(|separator| !grouped(whole, separator)) || fraction.contains([mark, group]) {
            return Err(wrong());
        }
        let mut plain: String = whole.chars().filter(|c| Some(*c) != separator).collect();
        if !fraction.is_empty() {
            plain.push('.');
            plain.push_str(fraction);
        }
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() && !plain.starts_with(['+', '-']) => {
                Ok(if negative { -number } else { number })
            }
            _ => Err(wrong()),
        }
    }

    /// As a report names it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Point => "decimal point",
            Self::Comma => "decimal comma",
        }
    }
}

fn evidence(value: &str) -> Evidence {
    if !is_number(value) {
        return Evidence::Nothing;
    }
    let (_, value) = bare(value);
    match (value.rfind(','), value.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => Evidence::Is(Decimal::Comma),
        (Some(_), Some(_)) => Evidence::Is(Decimal::Point),
        (None, None) => Evidence::Nothing,
        (Some(_), None) if !grouped(value, ',') => Evidence::Is(Decimal::Comma),
        (None, Some(_)) if !grouped(value, '.') => Evidence::Is(Decimal::Point),
        (None, Some(_)) if value.matches('.').count() > 1 => Evidence::Is(Decimal::Comma),
        (Some(_), None) if value.matches(',').count() > 1 => Evidence::Is(Decimal::Point),
        _ => Evidence::Either,
    }
}

/// Whether a value looks like a number with any decimal sign.
pub(super) fn is_number(value: &str) -> bool {
    Decimal::Point.read(value).is_ok() || Decimal::Comma.read(value).is_ok()
}

/// Whether it is below 0, and what is left without sign, currency, and the apostrophe by which spreadsheets mark text.
fn bare(text: &str) -> (bool, &str) {
    const CURRENCIES: [&str; 9] = ["$", "€", "£", "Rp.", "Rp", "EUR", "USD", "CHF", "IDR"];
    let mut rest = text.trim().trim_start_matches(['\'', '’']).trim();
    let mut negative = false;
    loop {
        let before = rest;
        if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (negative, rest) = (true, inner.trim());
        }
        if let Some(positive) = rest.strip_prefix(['-', '−', '–']).or_else(|| rest.strip_suffix(['-', '−'])) {
            // Two signs are none.
            if negative {
                return (false, text);
            }
            (negative, rest) = (true, positive.trim());
        }
        for currency in CURRENCIES {
            rest = rest.strip_prefix(currency).or_else(|| rest.strip_suffix(currency)).unwrap_or(rest).trim();
        }
        if rest == before {
            return (negative, rest.strip_prefix('+').unwrap_or(rest));
        }
    }
}

/// What separates thousands wherever people write.
fn is_blank_group(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’')
}

/// Whether `mark` only separates groups of three digits.
fn grouped(value: &str, mark: char) -> bool {
    let mut parts = value.split(mark);
    let first = parts.next().unwrap_or("");
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (1..=3).contains(&first.len()) && digits(first) && first != "0" && parts.all(|part| part.len() == 3 && digits(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_tills_and_spreadsheets_write_them() {
        use Decimal::{Comma, Point};
        for (decimal, text, number) in [
            (Point, "12.5", 12.5),
            (Point, "1,234.5", 1234.5),
            (Comma, "1.234,5", 1234.5),
            (Point, "1’253.19", 1253.19),
            (Point, "1'253'190", 1_253_190.0),
            (Comma, "1\u{202f}253,19", 1253.19),
            (Comma, "1 253", 1253.0),
            (Point, "'-4", -4.0),
            (Point, "4-", -4.0),
            (Comma, "1.234,50-", -1234.5),
            (Point, "(12.50)", -12.5),
            (Point, "−3", -3.0),
            (Comma, "12,50 €", 12.5),
            (Point, "-$5", -5.0),
            (Comma, "Rp 1.250", 1250.0),
            (Point, "CHF 1'250.05", 1250.05),
            (Point, "1e3", 1000.0),
            (Comma, "1,5E3", 1500.0),
            (Point, ".5", 0.5),
        ] {
            assert_eq!(decimal.read(text), Ok(number), "{text}");
        }
        for (decimal, text) in [
            (Point, "1,5"),
            (Comma, "1.5"),
            (Point, "1 2"),
            (Point, "12,34,567"),
            (Point, "1.2.3"),
            (Point, "--4"),
            (Point, "-(4)-"),
            (Point, ""),
            (Point, "NaN"),
            (Point, "inf"),
            (Point, "many"),
            (Comma, "1,234.5"),
        ] {
            assert!(decimal.read(text).is_err(), "{text}");
        }
    }

    fn origin(point: &[&str], comma: &[&str]) -> Origin {
        let mut origin = Origin::default();
        point.iter().for_each(|reason| origin.says(Decimal::Point, *reason));
        comma.iter().for_each(|reason| origin.says(Decimal::Comma, *reason));
        origin
    }

    #[test]
    fn one_value_that_decides_is_enough_and_without_one_the_origin_does() {
        let sign = |values: &[&str], origin: &Origin| match Decimal::detect(values.iter().copied(), origin) {
            Found::Sign(decimal, _) => Some(decimal),
            Found::Asked(..) => None,
        };
        let nowhere = origin(&[], &[]);
        for (values, expected) in [
            (&["1.500", "12,50"][..], Some(Decimal::Comma)),
            (&["1.500", "0.125"], Some(Decimal::Point)),
            (&["1.500", "1.234.567"], Some(Decimal::Comma)),
            (&["1,500", "2"], None),
            (&["1500", "2"], Some(Decimal::Point)),
            (&["1.500", "05.01.2025 at noon"], None),
        ] {
            assert_eq!(sign(values, &nowhere), expected, "{values:?}");
        }
        assert_eq!(sign(&["1.500"], &origin(&[], &["semicolons"])), Some(Decimal::Comma));
        assert_eq!(sign(&["1.500"], &origin(&["English"], &[])), Some(Decimal::Point));
        let Found::Asked(value, why) = Decimal::detect(["1.500"].into_iter(), &origin(&["English"], &["semicolons"]))
        else {
            panic!("reasons that disagree decide nothing");
        };
        assert!(value == "1.500" && why.contains("English") && why.contains("semicolons"), "{why}");
        let Found::Sign(_, Some(note)) = Decimal::detect(["1.500"].into_iter(), &origin(&[], &["semicolons"])) else {
            panic!("the origin decides and is named");
        };
        assert!(note.contains("as 1500, since semicolons"), "{note}");
    }
}
