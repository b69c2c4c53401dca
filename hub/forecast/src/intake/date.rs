//! Dates, with or without a time: days, weeks, months, quarters or years, or the numbers that spreadsheets and
//! computers count days and seconds by. A week is dated by its Monday, a longer time by its first day.

use std::collections::HashMap;

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};

use super::names::without_accent;
use crate::series::{DAY, civil, seconds};

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateForm {
    /// 2024-12-31, 2024/12, 20241231.
    YearMonthDay,
    /// 31/12/2024, 31 Desember 2024.
    DayMonthYear,
    /// 12/31/2024, Dec 31, 2024.
    MonthDayYear,
    /// 2025-W01, KW 1/2025; 2025-01 in a column that is called so.
    Weeks,
    /// 01.2025, Jan 2025, 202501.
    Months,
    /// 2025-Q1.
    Quarters,
    /// 2025.
    Years,
    /// 45658: days as Excel counts them.
    Serial,
    /// 1735689600: seconds since 1970, or thousandths of them.
    Unix,
}

const FORMS: [DateForm; 9] = [
    DateForm::YearMonthDay,
    DateForm::DayMonthYear,
    DateForm::MonthDayYear,
    DateForm::Weeks,
    DateForm::Months,
    DateForm::Quarters,
    DateForm::Years,
    DateForm::Serial,
    DateForm::Unix,
];

/// Excel's number of 1970-01-01. Its count has a 29 February 1900 that never was, which is long before any of these.
const EXCEL_1970: f64 = 25_569.0;

/// The first letters of the months' names, without accents: English, Indonesian, German, French, Spanish, Italian,
/// Portuguese and Dutch. Those that share three letters come with four.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "peb", "fev"],
    &["mar", "mrz", "mrt", "maar"],
    &["apr", "avr", "abr"],
    &["may", "mei", "mai", "mag"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "agu", "agt", "ags", "aou", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott", "out"],
    &["nov", "nop"],
    &["dec", "des", "dez", "dic"],
];

impl DateForm {
    /// From what a person states: `YYYY-MM-DD`, `DD/MM/YYYY`, `%m/%d/%Y`, `ymd`, `dmy`, `mdy`, `MM.YYYY`, `YYYY-WW`,
    /// or `week`, `month`, `quarter`, `year`, `excel`, `unix`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        match text.as_str() {
            "week" => return Some(Self::Weeks),
            "month" => return Some(Self::Months),
            "quarter" => return Some(Self::Quarters),
            "year" => return Some(Self::Years),
            "excel" => return Some(Self::Serial),
            "unix" => return Some(Self::Unix),
            _ => {}
        }
        let mut letters: Vec<char> = text.chars().filter(|c| "dmyw".contains(*c)).collect();
        letters.dedup();
        match letters.into_iter().collect::<String>().as_str() {
            "ymd" | "ym" => Some(Self::YearMonthDay),
            "dmy" => Some(Self::DayMonthYear),
            "mdy" => Some(Self::MonthDayYear),
            "my" => Some(Self::Months),
            "yw" | "wy" => Some(Self::Weeks),
            _ => None,
        }
    }

    /// The form in which the most values are dates. If day and month could be either, that in which neighbours
    /// are closer together, and a note says so. `column` is what the column is called: 2025-01 is a week where it says so.
    pub(super) fn detect<'a>(
        values: impl Iterator<Item = &'a str> + Clone,
        column: &str,
        notes: &mut Vec<String>,
    ) -> Self {
        let weeks = ["week", "woche", "kw", "minggu", "semaine", "semana", "settimana"];
        let weeks = weeks.contains(&super::names::normal(column).trim_start_matches("kalender"));
        let fits = FORMS.map(|form| {
            let read: Vec<i64> = values.clone().filter_map(|value| form.read(value).ok()).collect();
            let jumps = read.windows(2).map(|w| (w[1] - w[0]).abs() / DAY).sum::<i64>();
            (form, read.len(), jumps)
        });
        let best = fits.iter().map(|fit| fit.1).max().unwrap_or(0);
        let mut fitting: Vec<_> = fits.iter().filter(|fit| fit.1 == best).collect();
        if weeks && let Some(fit) = fitting.iter().find(|fit| fit.0 == Self::Weeks && best > 0) {
            return fit.0;
        }
        // Only who calls a column so means weeks by 2025-01.
        let plain = values.clone().all(|value| !value.contains(char::is_alphabetic));
        if fitting.len() > 1 && plain {
            fitting.retain(|fit| fit.0 != Self::Weeks);
        }
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
        let text = text.trim().trim_start_matches('\'').trim();
        let wrong = || match text {
            "" => "the date is missing".to_owned(),
            _ => format!("it is no date written as {}", self.in_words()),
        };
        if matches!(self, Self::Serial | Self::Unix) {
            return self.counted(text).ok_or_else(wrong);
        }
        let (date, time) = split(text);
        let (hour, minute, second) = clock(time).ok_or_else(wrong)?;
        let day = self.date(date).ok_or_else(wrong)?;
        DateTime::new(day.year(), day.month(), day.day(), hour, minute, second, 0).map(seconds).map_err(|_| wrong())
    }

    /// As a report names it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::YearMonthDay => "year-month-day",
            Self::DayMonthYear => "day-month-year",
            Self::MonthDayYear => "month-day-year",
            Self::Weeks => "week of the year",
            Self::Months => "month and year",
            Self::Quarters => "quarter and year",
            Self::Years => "year",
            Self::Serial => "days as Excel counts them",
            Self::Unix => "seconds since 1970",
        }
    }

    fn date(self, text: &str) -> Option<Date> {
        let mut parts: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).collect();
        let is_word = |part: &str| !part.starts_with(|c: char| c.is_ascii_digit()) && month_of(part).is_none();
        match self {
            Self::Weeks => return week(&parts),
            Self::Quarters => return quarter(&parts),
            _ => {}
        }
        // The name of the day of the week may go before a date.
        if parts.len() > 2 && is_word(parts[0]) {
            parts.remove(0);
        }
        let compact = |length: usize| parts.len() == 1 && digits(parts[0]) && parts[0].len() == length;
        let (year, month, day) = match (self, parts.as_slice()) {
            (Self::YearMonthDay, [all]) if compact(8) => (&all[..4], &all[4..6], &all[6..]),
            (Self::YearMonthDay, [year, month]) if year.len() == 4 => (*year, *month, "1"),
            (Self::YearMonthDay, [year, month, day]) if year.len() == 4 => (*year, *month, *day),
            (Self::DayMonthYear, [day, month, year]) => (*year, *month, *day),
            (Self::MonthDayYear, [month, day, year]) => (*year, *month, *day),
            (Self::Months, [all]) if compact(6) => (&all[..4], &all[4..], "1"),
            (Self::Months, [year, month]) if year.len() == 4 && digits(year) => (*year, *month, "1"),
            (Self::Months, [month, year]) if year.len() == 4 || !digits(month) => (*year, *month, "1"),
            (Self::Years, [year]) if compact(4) && (1900..2200).contains(&year.parse::<i16>().ok()?) => {
                (*year, "1", "1")
            }
            _ => return None,
        };
        let written: i16 = year.parse().ok()?;
        let year = match year.len() {
            4 => written,
            2 => written + if written < 70 { 2000 } else { 1900 },
            _ => return None,
        };
        Date::new(year, month_of(month)?, day.parse().ok()?).ok()
    }

    fn counted(self, text: &str) -> Option<i64> {
        let number: f64 = text.replace(',', ".").parse().ok()?;
        match self {
            // From 1954 to 2119; whole seconds, for which a fraction of a day has digits enough.
            Self::Serial if (20_000.0..80_000.0).contains(&number) => {
                Some(((number - EXCEL_1970) * DAY as f64).round() as i64)
            }
            Self::Unix if digits(text) && text.len() == 10 => Some(number as i64),
            Self::Unix if digits(text) && text.len() == 13 => Some((number / 1000.0).floor() as i64),
            _ => None,
        }
    }
}

/// The different values of a column in the order in which they come, at most `most`.
pub(super) fn different<'a>(values: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    values.filter(|value| !value.is_empty() && seen.insert(value, ()).is_none()).take(most).collect()
}

/// A time as a report shows it.
pub(super) fn shown(at: i64) -> String {
    let at_midnight = at.rem_euclid(DAY) == 0;
    if at_midnight { civil(at).date().to_string() } else { civil(at).to_string().replace('T', " ") }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// 2025 W01, 2025W01, 2025W01 3, KW 1 2025, W1 2025, 2025 KW 1, 2025 1.
fn week(parts: &[&str]) -> Option<Date> {
    let mut numbers: Vec<String> = Vec::new();
    for part in parts {
        let mut run = String::new();
        for c in part.to_lowercase().chars() {
            match c {
                '0'..='9' => run.push(c),
                // Only the words for a week stand between the numbers.
                'a'..='z' if "weekwochekwsem".contains(c) => {
                    if !run.is_empty() {
                        numbers.push(std::mem::take(&mut run));
                    }
                }
                _ => return None,
            }
        }
        if !run.is_empty() {
            numbers.push(run);
        }
    }
    if let [all] = numbers.as_slice() {
        let all = all.clone();
        if all.len() == 6 {
            numbers = vec![all[..4].to_owned(), all[4..].to_owned()];
        }
    }
    let (year, week, day) = match numbers.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [year, week] if year.len() == 4 && week.len() <= 2 => (*year, *week, 1),
        [year, week, day] if year.len() == 4 && week.len() <= 2 && day.len() == 1 => (*year, *week, day.parse().ok()?),
        [week, year] if year.len() == 4 && week.len() <= 2 => (*year, *week, 1),
        _ => return None,
    };
    let weekday = Weekday::from_monday_one_offset(day).ok()?;
    Some(ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, weekday).ok()?.date())
}

/// 2025 Q1, Q1 2025, 2025Q1.
fn quarter(parts: &[&str]) -> Option<Date> {
    let text = parts.concat().to_lowercase();
    let (before, after) = text.split_once('q')?;
    let (year, quarter) = match (before.len(), after.len()) {
        (4, 1) => (before, after),
        (0, 5) => (&after[1..], &after[..1]),
        _ => return None,
    };
    let quarter: i8 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
    Date::new(year.parse().ok()?, quarter * 3 - 2, 1).ok()
}

/// The date, and the time if there is one.
fn split(text: &str) -> (&str, &str) {
    if let Some(colon) = text.find(':') {
        // The time starts after the last T or space before its first colon.
        return match text[..colon].rfind(['T', ' ']) {
            Some(at) => (text[..at].trim(), text[at + 1..].trim()),
            None => (text, ""),
        };
    }
    let Some((before, last)) = text.rsplit_once(' ') else { return (text, "") };
    // 10 AM, or 08.14 and 08.14.33 as some write the time.
    if half(last).is_some()
        && let Some((date, _)) = before.trim_end().rsplit_once(' ')
    {
        return (date.trim(), text[date.len()..].trim());
    }
    let dotted: Vec<&str> = last.split('.').collect();
    let is_time = (2..=3).contains(&dotted.len()) && dotted.iter().all(|part| part.len() <= 2 && digits(part));
    if is_time && !before.trim().is_empty() { (before.trim(), last) } else { (text, "") }
}

/// Whether a word says that it is after noon.
fn half(word: &str) -> Option<bool> {
    match word.to_lowercase().replace('.', "").as_str() {
        "am" => Some(false),
        "pm" => Some(true),
        _ => None,
    }
}

/// Hours, minutes and seconds; fractions and a zone are left out.
fn clock(text: &str) -> Option<(i8, i8, i8)> {
    if text.is_empty() {
        return Some((0, 0, 0));
    }
    let start = text.find(|c: char| c.is_ascii_alphabetic() && c != 'Z').unwrap_or(text.len());
    let (plain, word) = (text[..start].trim(), text[start..].trim());
    let afternoon = if word.is_empty() { None } else { half(word) };
    let plain = if plain.contains(':') { plain.split(['.', 'Z', '+', '-']).next()?.trim() } else { plain };
    let mut parts = plain.split([':', '.']).map(|part| part.trim().parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    let hour = match afternoon {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
    };
    parts.next().is_none().then_some((hour, minute, second))
}

fn month_of(text: &str) -> Option<i8> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let start: String = text.to_lowercase().chars().map(without_accent).take(4).collect();
    let is = |length: usize| {
        let start: String = start.chars().take(length).collect();
        MONTHS.iter().position(|names| names.contains(&start.as_str())).map(|index| index as i8 + 1)
    };
    is(4).or_else(|| is(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: DateForm, text: &str, expected: &str) {
        let read = form.read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shown(read), expected, "{text}");
        let form_found = DateForm::detect([text].into_iter(), "date", &mut Vec::new());
        assert_eq!(form_found.read(text), Ok(read), "{text} is found to be {form_found:?}");
    }

    #[test]
    fn dates_are_read_as_people_and_programs_write_them() {
        use DateForm::{DayMonthYear, MonthDayYear, Months, Quarters, Serial, Unix, Weeks, YearMonthDay, Years};
        for (form, text, expected) in [
            (YearMonthDay, "2024-12-31", "2024-12-31"),
            (YearMonthDay, "2024-12-31T05:30:00.123Z", "2024-12-31 05:30:00"),
            (YearMonthDay, "2024-12-31 05:30:00+07:00", "2024-12-31 05:30:00"),
            (DayMonthYear, "31.12.2024 08.14.33", "2024-12-31 08:14:33"),
            (DayMonthYear, "Di, 31. Dezember 2024", "2024-12-31"),
            (DayMonthYear, "31 août 2024", "2024-08-31"),
            (DayMonthYear, "13 juin 2024", "2024-06-13"),
            (DayMonthYear, "13 juillet 2024", "2024-07-13"),
            (MonthDayYear, "1/16/2025 10:57:00 AM", "2025-01-16 10:57:00"),
            (MonthDayYear, "1/17/2025 12:45:00 AM", "2025-01-17 00:45:00"),
            (MonthDayYear, "1/18/2025 12:58 p.m.", "2025-01-18 12:58:00"),
            (MonthDayYear, "1/18/2025 10 PM", "2025-01-18 22:00:00"),
            (MonthDayYear, "Sunday, January 5, 2025", "2025-01-05"),
            (Weeks, "2025-W01", "2024-12-30"),
            (Weeks, "2025W02", "2025-01-06"),
            (Weeks, "2025-W02-3", "2025-01-08"),
            (Weeks, "KW 2/2025", "2025-01-06"),
            (Weeks, "2026-W53", "2026-12-28"),
            (Months, "01.2017", "2017-01-01"),
            (Months, "3/2017", "2017-03-01"),
            (Months, "202503", "2025-03-01"),
            (Months, "Jan-25", "2025-01-01"),
            (Months, "März 2025", "2025-03-01"),
            (Quarters, "2025-Q2", "2025-04-01"),
            (Quarters, "Q4 2025", "2025-10-01"),
            (Years, "2025", "2025-01-01"),
            (Serial, "45658", "2025-01-01"),
            (Serial, "45658.5", "2025-01-01 12:00:00"),
            (Serial, "45658,25", "2025-01-01 06:00:00"),
            (Unix, "1735689600", "2025-01-01"),
            (Unix, "1735689600000", "2025-01-01"),
        ] {
            check(form, text, expected);
        }
        for (form, text) in [
            (MonthDayYear, "1/16/2025 13:00 PM"),
            (DayMonthYear, "31.02.2025"),
            (Weeks, "2025-W54"),
            (Months, "13.2017"),
            (Months, "24-Jan"),
            (Quarters, "2025-Q5"),
            (Serial, "12"),
            (YearMonthDay, "Total"),
            (YearMonthDay, "2024-01-01 25:00"),
        ] {
            assert!(form.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_column_of_weeks_is_one_by_its_name() {
        let values = ["2025-01", "2025-02", "2025-12"];
        let of = |column: &str| DateForm::detect(values.into_iter(), column, &mut Vec::new());
        assert_eq!(
            (of("Woche"), of("Kalenderwoche"), of("month")),
            (DateForm::Weeks, DateForm::Weeks, DateForm::YearMonthDay)
        );
        assert_eq!(DateForm::detect(["202501", "202502"].into_iter(), "KW", &mut Vec::new()), DateForm::Weeks);
    }

    #[test]
    fn forms_are_stated_in_several_ways() {
        for (text, form) in [
            ("DD/MM/YYYY", Some(DateForm::DayMonthYear)),
            ("MM.YYYY", Some(DateForm::Months)),
            ("YYYY-Www", Some(DateForm::Weeks)),
            ("excel", Some(DateForm::Serial)),
            ("whenever", None),
        ] {
            assert_eq!(DateForm::parse(text), form, "{text}");
        }
    }
}
