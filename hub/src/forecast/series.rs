//! A series: one value per step of time, some of them unknown. Built from dated quantities in any order.
//!
//! The step is read from the dates: a month if they fall on the same day of the month (or its last), a week if
//! on the same day of the week, otherwise the largest number of days, or of seconds, that divides all distances.
//!
//! A date without a row may mean that nothing was sold or that nobody counted. Rows that say 0 show that the
//! source counts; then absence means unknown. Where no row says 0 and many dates are absent, absence means 0.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, ToSpan as _};
use serde::{Deserialize, Serialize};

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// The longest series, in steps: 8 bytes each.
const LONGEST: usize = 200_000;

/// A share of absent dates above which they mean 0, unless rows say 0.
const SPARSE: f64 = 0.3;

/// Absent dates in a row, in days, that are never taken for 0.
const GAP: i64 = 90;

/// A gap after which what was before is left out, in days.
const BREAK: i64 = 400;

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

/// What a date without a row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// What the rows suggest.
    #[default]
    Auto,
    /// That the quantity was 0.
    Zero,
    /// That nobody knows.
    Unknown,
}

/// Why there is no series.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SeriesError {
    /// No value.
    #[error("there is no value")]
    Empty,
    /// From the first to the last date there are too many steps.
    #[error(
        "from {first} to {last} there are {steps} steps of a {step}, and {LONGEST} are the most: look for a wrong date"
    )]
    TooLong {
        /// The first date.
        first: Date,
        /// The last date.
        last: Date,
        /// How many steps.
        steps: i64,
        /// Of what.
        step: String,
    },
}

/// One value per step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// When the first value is, in seconds since 1970-01-01 without a time zone.
    pub start: i64,
    /// The distance between values.
    pub step: Step,
    /// The values; NaN where it is not known.
    pub values: Vec<f64>,
}

impl Series {
    /// A series of dated quantities in any order; those at the same time add up. Also what was noticed, in
    /// sentences.
    ///
    /// # Errors
    /// If there is no quantity, or too much time between the first and the last.
    pub fn build(points: &[(i64, f64)], absent: Absent) -> Result<(Self, Vec<String>), SeriesError> {
        let mut points = points.to_vec();
        points.sort_by_key(|point| point.0);
        points.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let (Some(&(start, _)), Some(&(end, _))) = (points.first(), points.last()) else {
            return Err(SeriesError::Empty);
        };
        let step = step_of(&points.iter().map(|point| point.0).collect::<Vec<_>>());
        let steps = index(start, step, end) + 1;
        if steps > LONGEST as i64 {
            let (first, last) = (civil(start).date(), civil(end).date());
            return Err(SeriesError::TooLong { first, last, steps, step: step.in_words() });
        }
        let mut values = vec![f64::NAN; steps as usize];
        for (at, value) in &points {
            values[index(start, step, *at) as usize] = *value;
        }
        let mut series = Self { start, step, values };
        let notes = series.interpret(absent);
        Ok((series, notes))
    }

    /// How many values, known or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// When the value `index` is; beyond the last it is a time to come.
    #[must_use]
    pub fn time(&self, index: usize) -> i64 {
        self.step.after(self.start, index)
    }

    /// The times from `from` up to but without `to`.
    #[must_use]
    pub fn times(&self, from: usize, to: usize) -> Vec<i64> {
        (from..to).map(|index| self.time(index)).collect()
    }

    /// The known values with their times.
    #[must_use]
    pub fn known(&self) -> (Vec<i64>, Vec<f64>) {
        let known = self.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        known.map(|(index, value)| (self.time(index), *value)).unzip()
    }

    /// The first `count` values as a series of their own.
    #[must_use]
    pub fn head(&self, count: usize) -> Self {
        Self { values: self.values[..count.min(self.len())].to_vec(), ..*self }
    }

    /// All values, the unknown ones by a straight line between their neighbours; at the ends, the nearest.
    #[must_use]
    pub fn filled(&self) -> Vec<f64> {
        let mut values = self.values.clone();
        let mut last: Option<usize> = None;
        for index in 0..values.len() {
            if !values[index].is_finite() {
                continue;
            }
            let from = last.map_or(0, |last| last + 1);
            let before = last.map_or(values[index], |last| values[last]);
            let width = (index + 1 - from) as f64;
            for gap in from..index {
                let share = if last.is_none() { 1.0 } else { (gap + 1 - from) as f64 / width };
                values[gap] = before + share * (values[index] - before);
            }
            last = Some(index);
        }
        let fill = last.map_or(0.0, |last| values[last]);
        values.iter_mut().skip(last.map_or(0, |last| last + 1)).for_each(|value| *value = fill);
        values
    }

    /// The part after the last gap of more than a year, if there is such a gap, and the gap in words.
    #[must_use]
    pub fn since_break(&self) -> (Self, Option<String>) {
        let limit = self.step.covering(BREAK as f64);
        let Some((from, to)) = self.gaps().into_iter().rfind(|(from, to)| to - from > limit) else {
            return (self.clone(), None);
        };
        let part = Self { start: self.time(to), step: self.step, values: self.values[to..].to_vec() };
        let (first, last) = (civil(self.time(from)).date(), civil(self.time(to - 1)).date());
        (part, Some(format!("nothing is known from {first} to {last}; what was before is not used")))
    }

    /// The unknown stretches between known values, as half-open ranges.
    fn gaps(&self) -> Vec<(usize, usize)> {
        let known: Vec<usize> = (0..self.len()).filter(|&index| self.values[index].is_finite()).collect();
        known.windows(2).filter(|w| w[1] > w[0] + 1).map(|w| (w[0] + 1, w[1])).collect()
    }

    /// Gives absent values their meaning.
    fn interpret(&mut self, absent: Absent) -> Vec<String> {
        let missing = self.values.iter().filter(|v| v.is_nan()).count();
        if missing == 0 {
            return Vec::new();
        }
        let share = missing as f64 / self.len() as f64;
        let zero = match absent {
            Absent::Zero => true,
            Absent::Unknown => false,
            Absent::Auto => {
                share > SPARSE && !self.values.contains(&0.0) && self.values.iter().all(|v| v.is_nan() || *v >= 0.0)
            }
        };
        let word = self.step.in_words();
        if !zero {
            return vec![format!("{missing} of {} steps of a {word} have no row: taken as not known", self.len())];
        }
        let limit = self.step.covering(GAP as f64);
        let (mut filled, mut left) = (0, 0);
        for (from, to) in self.gaps() {
            if to - from > limit {
                left += to - from;
            } else {
                self.values[from..to].fill(0.0);
                filled += to - from;
            }
        }
        let mut notes = vec![format!("{filled} of {} steps of a {word} have no row: taken as 0", self.len())];
        if left > 0 {
            notes.push(format!("{left} steps without a row, more than {GAP} days at a time, are taken as not known"));
        }
        notes
    }
}

/// The date and time of seconds since 1970-01-01.
#[must_use]
pub fn civil(at: i64) -> DateTime {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0).saturating_add(SignedDuration::from_secs(at))
}

/// Seconds since 1970-01-01 of a date and time.
#[must_use]
pub fn seconds(at: DateTime) -> i64 {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0).duration_until(at).as_secs()
}

/// Months since the year 0, and the day of the month.
fn month(at: i64) -> (i64, i8) {
    let date = civil(at).date();
    (i64::from(date.year()) * 12 + i64::from(date.month()) - 1, date.day())
}

/// How many steps after `start` a time is.
fn index(start: i64, step: Step, at: i64) -> i64 {
    match step {
        Step::Seconds(seconds) => (at - start) / seconds,
        Step::Months(months) => (month(at).0 - month(start).0) / months,
    }
}

/// The step of ascending times without repetition.
fn step_of(times: &[i64]) -> Step {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        seconds(text.parse::<Date>().expect("a date").at(0, 0, 0, 0))
    }

    fn check(dates: &[&str], step: Step, length: usize) {
        let points: Vec<_> = dates.iter().map(|date| (at(date), 1.0)).collect();
        let (series, _) = Series::build(&points, Absent::Unknown).expect("a series");
        assert_eq!((series.step, series.len()), (step, length), "{dates:?}");
    }

    #[test]
    fn the_step_is_read_from_the_dates() {
        check(&["2024-01-01", "2024-01-02", "2024-01-05"], Step::DAY, 5);
        check(&["2024-01-05", "2024-01-01"], Step::DAY, 5);
        check(&["2024-01-01", "2024-01-08", "2024-01-29"], Step::Seconds(7 * DAY), 5);
        check(&["2024-01-01", "2024-02-01", "2024-04-01"], Step::Months(1), 4);
        check(&["2024-01-31", "2024-02-29", "2024-03-31"], Step::Months(1), 3);
        check(&["2023-01-01", "2023-04-01", "2024-01-01"], Step::Months(3), 5);
        check(&["2020-07-01", "2021-07-01", "2023-07-01"], Step::Months(12), 4);
        check(&["2024-01-01"], Step::DAY, 1);
        let hours: Vec<_> = [0, 3600, 3 * 3600].into_iter().map(|s| (s, 2.0)).collect();
        let (series, _) = Series::build(&hours, Absent::Unknown).expect("a series");
        assert_eq!((series.step, series.len(), series.step.season()), (Step::Seconds(3600), 4, 24));
    }

    #[test]
    fn months_go_on_by_the_calendar() {
        let step = Step::Months(1);
        let start = at("2024-01-31");
        let dates: Vec<String> = (0..4).map(|i| civil(step.after(start, i)).date().to_string()).collect();
        assert_eq!(dates, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]);
    }

    #[test]
    fn quantities_of_one_date_add_up() {
        let points = [(at("2024-01-02"), 2.0), (at("2024-01-01"), 1.0), (at("2024-01-02"), 5.0)];
        let (series, notes) = Series::build(&points, Absent::Auto).expect("a series");
        assert_eq!(series.values, [1.0, 7.0]);
        assert!(notes.is_empty());
    }

    #[test]
    fn absent_dates_mean_zero_only_where_the_source_names_no_zeros() {
        let build = |rows: &[(i64, f64)], absent| {
            let points: Vec<_> = rows.iter().map(|(day, value)| (day * DAY, *value)).collect();
            Series::build(&points, absent).expect("a series").0.values
        };
        let sparse = [(0, 3.0), (3, 1.0), (4, 2.0), (8, 1.0)];
        assert_eq!(build(&sparse, Absent::Auto).iter().filter(|v| **v == 0.0).count(), 5);
        assert_eq!(build(&sparse, Absent::Unknown).iter().filter(|v| v.is_nan()).count(), 5);
        let counted = [(0, 3.0), (3, 0.0), (4, 2.0), (8, 1.0)];
        assert_eq!(build(&counted, Absent::Auto).iter().filter(|v| v.is_nan()).count(), 5);
        let dense = [(0, 3.0), (1, 1.0), (2, 2.0), (4, 1.0), (5, 1.0)];
        assert!(build(&dense, Absent::Auto)[3].is_nan());
        let long = [(0, 3.0), (3, 1.0), (4, 2.0), (200, 1.0)];
        assert!(build(&long, Absent::Zero)[100].is_nan(), "a gap of months is no lack of sales");
    }

    #[test]
    fn unknown_values_are_filled_by_straight_lines() {
        let nan = f64::NAN;
        let series = Series { start: 0, step: Step::DAY, values: vec![nan, 2.0, nan, nan, 8.0, nan] };
        assert_eq!(series.filled(), [2.0, 2.0, 4.0, 6.0, 8.0, 8.0]);
        let nothing = Series { start: 0, step: Step::DAY, values: vec![nan; 2] };
        assert_eq!(nothing.filled(), [0.0, 0.0]);
    }

    #[test]
    fn a_gap_of_years_splits() {
        let mut points: Vec<_> = (0..20).map(|day| (day * DAY, 1.0)).collect();
        points.extend((1000..1040).map(|day| (day * DAY, 2.0)));
        let (series, _) = Series::build(&points, Absent::Auto).expect("a series");
        let (part, note) = series.since_break();
        assert_eq!((part.len(), part.start), (40, 1000 * DAY));
        assert!(note.expect("a note").contains("1970-01-21"));
    }

    #[test]
    fn what_makes_no_series_is_refused() {
        assert_eq!(Series::build(&[], Absent::Auto).err(), Some(SeriesError::Empty));
        let points = [(at("0024-01-01"), 1.0), (at("2024-01-01"), 1.0)];
        let error = Series::build(&points, Absent::Auto).expect_err("too long").to_string();
        assert!(error.contains("0024-01-01") && error.contains("wrong date"), "{error}");
    }
}
