//! The distance between values: a number of seconds, or months by the calendar; found out from times, or stated.

use jiff::ToSpan as _;
use jiff::civil::Date;
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
        Step::Seconds(seconds) => (at - start).div_euclid(seconds),
        Step::Months(months) => (month(at).0 - month(start).0) / months,
    }
}

/// What a person states of the distance between values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// By the calendar.
    Month,
    /// By the calendar, three months.
    Quarter,
    /// By the calendar, twelve months.
    Year,
}

impl Cadence {
    /// All, the shortest first.
    const ALL: [(Self, &'static str); 6] = [
        (Self::Hour, "hour"),
        (Self::Day, "day"),
        (Self::Week, "week"),
        (Self::Month, "month"),
        (Self::Quarter, "quarter"),
        (Self::Year, "year"),
    ];

    /// As people name them.
    pub const NAMES: [&'static str; 6] = ["hour", "day", "week", "month", "quarter", "year"];

    /// From its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(cadence, _)| cadence)
    }

    /// The step from one to the next.
    #[must_use]
    pub fn step(self) -> Step {
        match self {
            Self::Hour => Step::Seconds(HOUR),
            Self::Day => Step::DAY,
            Self::Week => Step::Seconds(7 * DAY),
            Self::Month => Step::Months(1),
            Self::Quarter => Step::Months(3),
            Self::Year => Step::Months(12),
        }
    }

    /// When the one begins that a time is in.
    #[must_use]
    pub fn floor(self, at: i64) -> i64 {
        floor(self.step(), at)
    }
}

/// Seconds in an hour.
const HOUR: i64 = 3600;

/// Shorter steps than a day that are looked for, the longest first.
const PARTS_OF_A_DAY: [i64; 6] = [HOUR, 1800, 900, 600, 300, 60];

/// Steps of a day or more that are looked for, the longest first.
const CALENDAR: [Step; 4] = [Step::Months(12), Step::Months(3), Step::Months(1), Step::Seconds(7 * DAY)];

/// When the step of the calendar begins that a time is in: a week on a Monday.
fn floor(step: Step, at: i64) -> i64 {
    match step {
        Step::Seconds(seconds) if seconds == 7 * DAY => {
            let day = at.div_euclid(DAY);
            (day - (day + 3).rem_euclid(7)) * DAY
        }
        Step::Seconds(seconds) => at - at.rem_euclid(seconds),
        Step::Months(months) => {
            let month = month(at).0;
            let month = month - month.rem_euclid(months);
            let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
            Date::new(year as i16, month as i8, 1).map_or(at, |day| seconds(day.at(0, 0, 0, 0)))
        }
    }
}

/// The step of ascending times without repetition, and when the first begins.
///
/// Times at equal distances, some of which may be absent, have that distance. Otherwise it is the longest part of the
/// calendar in which there is hardly ever more than one time, if at least half of them have one: weeks whose day was
/// moved by a holiday, sensors that tell every hour at about the full one. Receipts come at any minute: then it is
/// an hour if most hours have some, else a day.
///
/// `may_move` is whether times may be dated by the begin of their step.
pub(crate) fn step_of(times: &[i64], may_move: bool) -> (Step, i64) {
    let Some((&first, &last)) = times.first().zip(times.last()) else { return (Step::DAY, 0) };
    if times.iter().all(|at| at.rem_euclid(DAY) == 0) {
        return days(times, may_move);
    }
    let exact = times.windows(2).fold(0, |sum, w| divisor(sum, w[1] - w[0])).max(1);
    let is_part = (60..DAY).contains(&exact) && (times.len() > 2 || last - first < DAY);
    if is_part && is_dense(times.len(), (last - first) / exact + 1) {
        return (Step::Seconds(exact), first);
    }
    let of_days = starts(Step::DAY, times);
    if is_apart(times.len(), of_days.len()) {
        return days(&of_days, may_move);
    }
    let fits = |step: i64, alone: bool| {
        let starts = starts(Step::Seconds(step), times);
        let steps = (starts.last().unwrap_or(&0) - starts.first().unwrap_or(&0)) / step + 1;
        let dense = is_dense(starts.len(), steps) && (!alone || is_apart(times.len(), starts.len()));
        dense.then(|| (Step::Seconds(step), floor(Step::Seconds(step), first)))
    };
    let part = PARTS_OF_A_DAY.into_iter().find_map(|step| fits(step, true));
    part.or_else(|| fits(HOUR, false)).unwrap_or_else(|| days(&of_days, may_move))
}

/// The step of days.
fn days(days: &[i64], may_move: bool) -> (Step, i64) {
    let (first, last) = (days[0], days[days.len() - 1]);
    let exact = exact_days(days);
    if !may_move || days.len() < 3 || is_dense(days.len(), index(first, exact, last) + 1) {
        return (exact, first);
    }
    let fits = |step: &Step| {
        let starts = starts(*step, days);
        let steps = index(starts[0], *step, last) + 1;
        is_apart(days.len(), starts.len()) && is_dense(starts.len(), steps)
    };
    let calendar = CALENDAR.into_iter().find(fits);
    calendar.map_or((exact, first), |step| (step, floor(step, first)))
}

/// The longest step at whose multiples all days are.
fn exact_days(days: &[i64]) -> Step {
    if days.len() < 3 {
        return Step::DAY;
    }
    let months: Vec<(i64, i8)> = days.iter().map(|&at| month(at)).collect();
    let last_of_month = |&at: &i64| civil(at).date().last_of_month() == civil(at).date();
    let same_day = months.iter().all(|m| m.1 == months[0].1) || days.iter().all(last_of_month);
    if same_day && months.windows(2).all(|w| w[1].0 > w[0].0) {
        return Step::Months(months.windows(2).fold(0, |sum, w| divisor(sum, w[1].0 - w[0].0)));
    }
    let distance = days.windows(2).fold(0, |sum, w| divisor(sum, (w[1] - w[0]) / DAY));
    Step::Seconds(distance.max(1) * DAY)
}

/// When the steps begin that ascending times are in, each once.
fn starts(step: Step, times: &[i64]) -> Vec<i64> {
    let mut starts: Vec<i64> = times.iter().map(|at| floor(step, *at)).collect();
    starts.dedup();
    starts
}

/// Whether at least half of the steps have a time.
fn is_dense(with: usize, steps: i64) -> bool {
    2 * with as i64 >= steps
}

/// Whether hardly ever two times are in one step: one of twenty at most.
fn is_apart(times: usize, steps: usize) -> bool {
    20 * (times - steps) <= times
}

/// The greatest common divisor.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}
