//! Numbers, with a decimal point or a decimal comma, thousands grouped or not.

/// What separates the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// 1,234.5
    Point,
    /// 1.234,5
    Comma,
}

impl Decimal {
    /// What the values suggest: the separator that comes last, or that groups do not explain.
    pub(super) fn detect<'a>(values: impl Iterator<Item = &'a str>, delimiter: char, notes: &mut Vec<String>) -> Self {
        let mut doubtful = None;
        for value in values {
            match (value.rfind(','), value.rfind('.')) {
                (Some(comma), Some(point)) => return if comma > point { Self::Comma } else { Self::Point },
                (Some(_), None) if !grouped(value, ',') => return Self::Comma,
                (None, Some(_)) if !grouped(value, '.') => return Self::Point,
                (None, Some(_)) if value.matches('.').count() > 1 => return Self::Comma,
                (Some(_), None) if value.matches(',').count() > 1 => return Self::Point,
                (Some(_), None) | (None, Some(_)) => doubtful = Some(value),
                (None, None) => {}
            }
        }
        let Some(value) = doubtful else { return Self::Point };
        // Files with semicolons come from where the comma is the decimal sign.
        let decimal = if delimiter == ';' && value.contains(',') { Self::Comma } else { Self::Point };
        notes.push(format!(
            "{value} could be read in two ways: taken with a {}; state it if that is wrong",
            decimal.in_words()
        ));
        decimal
    }

    /// The number, or what is wrong.
    pub(super) fn read(self, text: &str) -> Result<f64, String> {
        let (mark, group) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let bare = text.trim_start_matches(['$', '€', '£']).trim_start_matches("Rp").trim_start_matches('.');
        let bare = if bare.len() == text.len() { text } else { bare.trim() };
        let mut plain = String::with_capacity(bare.len());
        for c in bare.chars() {
            match c {
                c if c == mark => plain.push('.'),
                c if c == group || matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'') => {}
                c => plain.push(c),
            }
        }
        let whole = bare.split(mark).next().unwrap_or("");
        if whole.contains(group) && !grouped(whole, group) {
            return Err(format!("it is no number with a {}", self.in_words()));
        }
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(format!("it is no number with a {}", self.in_words())),
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

/// Whether `mark` only separates groups of three digits.
fn grouped(value: &str, mark: char) -> bool {
    let mut parts = value.trim_start_matches(['-', '+']).split(mark);
    let first = parts.next().unwrap_or("");
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (1..=3).contains(&first.len()) && digits(first) && first != "0" && parts.all(|part| part.len() == 3 && digits(part))
}
