//! Dates, with or without a time: which number is the day, the month, the year.

use jiff::civil::DateTime;

use crate::forecast::series::{DAY, seconds};

/// How day, month and year follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// 2024-12-31, 2024/12, 20241231.
    YearMonthDay,
    /// 31/12/2024, 31 Desember 2024.
    DayMonthYear,
    /// 12/31/2024, Dec 31, 2024.
    MonthDayYear,
}

const ORDERS: [DateOrder; 3] = [DateOrder::YearMonthDay, DateOrder::DayMonthYear, DateOrder::MonthDayYear];

/// The first letters of the months' names, English and Indonesian.
const MONTHS: [&[&str]; 12] = [
    &["jan"],
    &["feb", "peb"],
    &["mar"],
    &["apr"],
    &["may", "mei"],
    &["jun"],
    &["jul"],
    &["aug", "agu", "agt", "ags"],
    &["sep"],
    &["oct", "okt"],
    &["nov", "nop"],
    &["dec", "des"],
];

impl DateOrder {
    /// From what a person states: `YYYY-MM-DD`, `DD/MM/YYYY`, `%m/%d/%Y`, or `ymd`, `dmy`, `mdy`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut letters: Vec<char> = text.to_lowercase().chars().filter(|c| "dmy".contains(*c)).collect();
        letters.dedup();
        match letters.into_iter().collect::<String>().as_str() {
            "ymd" | "ym" => Some(Self::YearMonthDay),
            "dmy" => Some(Self::DayMonthYear),
            "mdy" => Some(Self::MonthDayYear),
            _ => None,
        }
    }

    /// The order in which the most values are dates. If day and month could be either, that in which neighbours
    /// are closer together, and a note says so.
    pub(super) fn detect<'a>(values: impl Iterator<Item = &'a str> + Clone, notes: &mut Vec<String>) -> Self {
        let fits = ORDERS.map(|order| {
            let read: Vec<i64> = values.clone().filter_map(|value| order.read(value).ok()).collect();
            let jumps = read.windows(2).map(|w| (w[1] - w[0]).abs() / DAY).sum::<i64>();
            (order, read.len(), jumps)
        });
        let best = fits.iter().map(|fit| fit.1).max().unwrap_or(0);
        let mut fitting: Vec<_> = fits.iter().filter(|fit| fit.1 == best).collect();
        fitting.sort_by_key(|fit| fit.2);
        let chosen = fitting[0].0;
        let either = fitting.iter().any(|fit| fit.0 == Self::DayMonthYear)
            && fitting.iter().any(|fit| fit.0 == Self::MonthDayYear)
            && chosen != Self::YearMonthDay;
        if either {
            notes.push(format!(
                "dates could be day or month first: taken as {}; state it if that is wrong",
                chosen.in_words()
            ));
        }
        chosen
    }

    /// Seconds since 1970-01-01, or what is wrong.
    pub(super) fn read(self, text: &str) -> Result<i64, String> {
        let wrong = || match text {
            "" => "the date is missing".to_owned(),
            _ => format!("it is no date written as {}", self.in_words()),
        };
        let (date, time) = split(text);
        let (year, month, day) = self.parts(date).ok_or_else(wrong)?;
        let (hour, minute, second) = clock(time).ok_or_else(wrong)?;
        DateTime::new(year, month, day, hour, minute, second, 0).map(seconds).map_err(|_| wrong())
    }

    /// As a report names it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::YearMonthDay => "year-month-day",
            Self::DayMonthYear => "day-month-year",
            Self::MonthDayYear => "month-day-year",
        }
    }

    fn parts(self, text: &str) -> Option<(i16, i8, i8)> {
        let compact = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        if compact && self == Self::YearMonthDay {
            return Some((text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?));
        }
        let parts: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).collect();
        let (year, month, day) = match (self, parts.as_slice()) {
            (Self::YearMonthDay, [year, month]) if year.len() == 4 => (*year, *month, "1"),
            (Self::YearMonthDay, [year, month, day]) if year.len() == 4 => (*year, *month, *day),
            (Self::DayMonthYear, [day, month, year]) => (*year, *month, *day),
            (Self::MonthDayYear, [month, day, year]) => (*year, *month, *day),
            _ => return None,
        };
        let written: i16 = year.parse().ok()?;
        let year = match year.len() {
            4 => written,
            2 => written + if written < 70 { 2000 } else { 1900 },
            _ => return None,
        };
        Some((year, month_of(month)?, day.parse().ok()?))
    }
}

/// The date, and the time if there is one.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.find(':') {
        // The time starts after the last T or space before its first colon.
        Some(colon) => match text[..colon].rfind(['T', ' ']) {
            Some(at) => (text[..at].trim(), text[at + 1..].trim()),
            None => (text, ""),
        },
        None => (text, ""),
    }
}

/// Hours, minutes and seconds; fractions and a zone are left out.
fn clock(text: &str) -> Option<(i8, i8, i8)> {
    if text.is_empty() {
        return Some((0, 0, 0));
    }
    let plain = text.split(['.', 'Z', '+', '-']).next()?.trim();
    let mut parts = plain.split(':').map(|part| part.trim().parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    parts.next().is_none().then_some((hour, minute, second))
}

fn month_of(text: &str) -> Option<i8> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let start: String = text.chars().take(3).collect::<String>().to_lowercase();
    MONTHS.iter().position(|names| names.contains(&start.as_str())).map(|index| index as i8 + 1)
}
