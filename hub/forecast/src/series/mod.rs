//! A series: one value per step of time, some of them unknown. Built from dated quantities in any order.
//!
//! The step is stated, or read from the dates ([`step`]): a month if they fall on the same day of the month (or its
//! last), a week if on the same day of the week, otherwise the longest part of the calendar that has hardly ever more
//! than one of them; receipts at any minute make days.
//!
//! A date without a row may mean that nothing was sold or that nobody counted. Rows that say 0 show that the
//! source counts; then absence means unknown. Where no row says 0 and many dates are absent, absence means 0. A
//! stretch that is far longer than the others is a hole in the data: unknown, and named.

/// The distance between values.
mod step;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use self::step::index;
pub(crate) use self::step::step_of;
pub use self::step::{Cadence, Step};

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// The longest series, in steps: 8 bytes each.
const LONGEST: usize = 200_000;

/// A share of absent dates above which they mean 0, unless rows say 0.
const SPARSE: f64 = 0.3;

/// Absent dates in a row, in days, that are never taken for 0.
const GAP: i64 = 90;

/// How many times as long as nine of ten others absent dates in a row are that nobody takes for 0.
const FAR_LONGER: usize = 4;

/// Absent dates in a row, in days, that can be 0 however long the others are.
const SHORT: f64 = 7.0;

/// How many holes are named; the others are counted.
const HOLES_NAMED: usize = 5;

/// A gap after which what was before is left out, in days.
const BREAK: i64 = 400;

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
    /// A series of dated quantities in any order; those of the same step add up. Also what was noticed, in
    /// sentences.
    ///
    /// # Errors
    /// If there is no quantity, or too much time between the first and the last.
    pub fn build(points: &[(i64, f64)], absent: Absent) -> Result<(Self, Vec<String>), SeriesError> {
        Self::build_by(points, absent, None)
    }

    /// The same with a stated step.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_by(
        points: &[(i64, f64)],
        absent: Absent,
        cadence: Option<Cadence>,
    ) -> Result<(Self, Vec<String>), SeriesError> {
        let mut points = points.to_vec();
        points.sort_by_key(|point| point.0);
        points.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let (Some(&(first, _)), Some(&(end, _))) = (points.first(), points.last()) else {
            return Err(SeriesError::Empty);
        };
        let (step, start) = match cadence {
            Some(cadence) => (cadence.step(), cadence.floor(first)),
            // What is unknown between two times cannot be added to either.
            None => step_of(&points.iter().map(|point| point.0).collect::<Vec<_>>(), absent != Absent::Unknown),
        };
        let steps = index(start, step, end) + 1;
        if steps > LONGEST as i64 {
            let (first, last) = (civil(start).date(), civil(end).date());
            return Err(SeriesError::TooLong { first, last, steps, step: step.in_words() });
        }
        let mut values = vec![f64::NAN; steps as usize];
        for (at, value) in &points {
            let sum = &mut values[index(start, step, *at) as usize];
            *sum = if sum.is_nan() { *value } else { *sum + value };
        }
        let with = values.iter().filter(|value| !value.is_nan()).count();
        let mut series = Self { start, step, values };
        let mut notes = Vec::new();
        if with < points.len() {
            notes.push(format!(
                "{} times were added up per {}, of which {with} have any",
                points.len(),
                step.in_words()
            ));
        }
        notes.extend(series.interpret(absent));
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

    /// The largest known value; 0 if there is none.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.values.iter().copied().filter(|v| v.is_finite()).reduce(f64::max).unwrap_or(0.0)
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
        let gaps = self.gaps();
        let longest = self.longest_zeros(&gaps, absent);
        let holes: Vec<(usize, usize)> = gaps.iter().copied().filter(|(from, to)| to - from > longest).collect();
        let in_holes = holes.iter().map(|(from, to)| to - from).sum::<usize>();
        let share = (missing - in_holes) as f64 / (self.len() - in_holes) as f64;
        let zero = match absent {
            Absent::Zero => true,
            Absent::Unknown => false,
            Absent::Auto => {
                share > SPARSE && !self.values.contains(&0.0) && self.values.iter().all(|v| v.is_nan() || *v >= 0.0)
            }
        };
        let (word, length) = (self.step.in_words(), self.len());
        let mut notes = Vec::new();
        if zero {
            for (from, to) in gaps.into_iter().filter(|(from, to)| to - from <= longest) {
                self.values[from..to].fill(0.0);
            }
            notes.push(format!("{} of {length} steps of a {word} have no row: taken as 0", missing - in_holes));
        } else if missing > in_holes {
            notes.push(format!("{} of {length} steps of a {word} have no row: taken as not known", missing - in_holes));
        }
        for (from, to) in holes.iter().take(HOLES_NAMED) {
            let (first, last) = (civil(self.time(*from)).date(), civil(self.time(to - 1)).date());
            notes.push(format!(
                "from {first} to {last} there is no row, {} steps of a {word} and far more than elsewhere: taken as not known",
                to - from
            ));
        }
        if let Some(more) = holes.len().checked_sub(HOLES_NAMED).filter(|more| *more > 0) {
            notes.push(format!("{more} further stretches as long have no row either: taken as not known"));
        }
        notes
    }

    /// How many absent steps in a row can be 0.
    fn longest_zeros(&self, gaps: &[(usize, usize)], absent: Absent) -> usize {
        let limit = self.step.covering(GAP as f64);
        if absent == Absent::Zero {
            return limit;
        }
        let mut lengths: Vec<usize> = gaps.iter().map(|(from, to)| to - from).collect();
        lengths.sort_unstable();
        lengths.pop();
        let usual = lengths.len().checked_sub(1).map_or(0, |last| lengths[last * 9 / 10]);
        (FAR_LONGER * usual).max(self.step.covering(SHORT)).max(3).min(limit)
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

#[cfg(test)]
mod tests;
