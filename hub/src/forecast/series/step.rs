//! The distance between values: a number of seconds, or months by the calendar.

use jiff::ToSpan as _;
use serde::{Deserialize, Serialize};

use super::{DAY, civil, seconds};

/// The distance between values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Always the same.
    Seconds(i64),
    /// By the calendar.
    Months(i64),
}

impl Step {
    /// A day.
    pub const DAY: Self = Self::Seconds(DAY);

    /// The time `count` steps after `start`. A day that the month does not have becomes its last.
    #[must_use]
    pub fn after(self, start: i64, count: usize) -> i64 {
        match self {
            Self::Seconds(seconds) => start + seconds * count as i64,
            Self::Months(months) => {
                let from = civil(start);
                let span = (months * count as i64).min(100_000).months();
                seconds(from.saturating_add(span))
            }
        }
    }

    /// In days, on average.
    #[must_use]
    pub fn days(self) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds as f64 / DAY as f64,
            Self::Months(months) => months as f64 * 365.25 / 12.0,
        }
    }

    /// How many steps cover `days`, at least one.
    #[must_use]
    pub fn covering(self, days: f64) -> usize {
        (days / self.days() - 1e-9).ceil().max(1.0) as usize
    }

    /// How many steps a season has: a day of hours, a week of days, a year of weeks, months or quarters; 1 if
    /// there is none.
    #[must_use]
    pub fn season(self) -> usize {
        match self {
            Self::Seconds(s) if s <= 0 => 1,
            Self::Seconds(s) if s < DAY && DAY % s == 0 => (DAY / s) as usize,
            Self::Seconds(DAY) => 7,
            Self::Seconds(s) if s > DAY => ((365.25 * DAY as f64 / s as f64).round() as usize).max(1),
            Self::Months(m) if m > 0 && 12 % m == 0 => (12 / m) as usize,
            _ => 1,
        }
    }

    /// In words.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::DAY => "day".into(),
            Self::Seconds(604_800) => "week".into(),
            Self::Seconds(3600) => "hour".into(),
            Self::Seconds(s) if s % DAY == 0 => format!("{} days", s / DAY),
            Self::Seconds(s) if s % 60 == 0 => format!("{} minutes", s / 60),
            Self::Seconds(s) => format!("{s} seconds"),
            Self::Months(1) => "month".into(),
            Self::Months(3) => "quarter".into(),
            Self::Months(12) => "year".into(),
            Self::Months(m) => format!("{m} months"),
        }
    }
}

/// Months since the year 0, and the day of the month.
fn month(at: i64) -> (i64, i8) {
    let date = civil(at).date();
    (i64::from(date.year()) * 12 + i64::from(date.month()) - 1, date.day())
}

/// How many steps after `start` a time is.
pub(super) fn index(start: i64, step: Step, at: i64) -> i64 {
    match step {
        Step::Seconds(seconds) => (at - start) / seconds,
        Step::Months(months) => (month(at).0 - month(start).0) / months,
    }
}

/// The step of ascending times without repetition.
pub(super) fn step_of(times: &[i64]) -> Step {
    if times.len() < 3 {
        return if times.iter().all(|at| at % DAY == 0) { Step::DAY } else { Step::Seconds(sub_daily(times)) };
    }
    if times.iter().any(|at| at.rem_euclid(DAY) != 0) {
        return Step::Seconds(sub_daily(times));
    }
    let months: Vec<(i64, i8)> = times.iter().map(|&at| month(at)).collect();
    let last_of_month = |&at: &i64| civil(at).date().last_of_month() == civil(at).date();
    let same_day = months.iter().all(|m| m.1 == months[0].1) || times.iter().all(last_of_month);
    if same_day && months.windows(2).all(|w| w[1].0 > w[0].0) {
        return Step::Months(months.windows(2).fold(0, |sum, w| divisor(sum, w[1].0 - w[0].0)));
    }
    let days = times.windows(2).fold(0, |sum, w| divisor(sum, (w[1] - w[0]) / DAY));
    Step::Seconds(days.max(1) * DAY)
}

fn sub_daily(times: &[i64]) -> i64 {
    times.windows(2).fold(0, |sum, w| divisor(sum, w[1] - w[0])).max(1)
}

/// The greatest common divisor.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}
