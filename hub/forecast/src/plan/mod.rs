//! The collection plan: for each bin, the last possible day before an overflow becomes too likely.
//!
//! A bin may be emptied on the days that trucks go. Possible futures of what is thrown in are drawn from the
//! forecast; the risk of a day is the share of futures in which the bin is over its capacity before the next day
//! that trucks go. The bin is collected on the first day whose risk is above what is accepted. Collecting empties
//! it.
//!
//! What is in a bin is what its fill sensor told last, as a share of what it holds, or a number of items that
//! somebody counted. A whole day of today is still to come in, which errs on the safe side.

/// Plans as CSV and as a calendar.
mod export;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::export::{to_csv, to_icalendar};

/// What a plan goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = CollectionPlanUnit)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// The bin's fill sensor, and what it gained per day.
    Fill,
    /// Items, as somebody counted them, and those that the bin saw per day.
    Items,
}

/// A bin, what is in it, and what may come.
#[derive(Debug, Clone, PartialEq)]
pub struct BinState {
    /// The bin.
    pub bin: String,
    /// What the plan goes by.
    pub by: Unit,
    /// What is in it now, in the unit of its capacity.
    pub level: f64,
    /// What it holds.
    pub capacity: f64,
    /// What comes each day from today on, in many futures, each as long.
    pub futures: Vec<Vec<f64>>,
}

/// When a bin is to be collected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// The bin.
    pub bin: String,
    /// What the plan goes by.
    pub by: Unit,
    /// How full it is now, as a share of its capacity.
    pub fill: f64,
    /// What comes in per day, on average over the plan, as a share of its capacity.
    pub per_day: f64,
    /// The day; none if the bin holds until the end of the plan.
    #[schema(value_type = Option<String>, format = Date)]
    pub day: Option<Date>,
    /// The probability that it overflows before the possible collection after that day, or by the end of the plan.
    pub risk: f64,
    /// How full it is expected to be on that day, as a share of its capacity.
    pub expected_fill: f64,
    /// The fill, as a share of the capacity, from which on it should be collected at the next chance: fuller bins
    /// overflow too likely before the chance after that.
    pub collect_from: f64,
    /// Whether the accepted risk is passed already before the first possible day.
    pub overdue: bool,
}

/// What holds for all bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The first day of the futures.
    pub today: Date,
    /// The days of the week on which trucks go; every day if there is none.
    pub weekdays: Vec<Weekday>,
    /// The accepted probability of an overflow.
    pub risk: f64,
}

/// When each bin is to be collected: the most urgent first.
#[must_use]
pub fn plan(bins: &[BinState], terms: &Terms) -> Vec<Collection> {
    let mut collections: Vec<Collection> = bins.iter().map(|bin| of_bin(bin, terms)).collect();
    let key = |c: &Collection| (c.day.is_none(), c.day);
    collections.sort_by(|a, b| key(a).cmp(&key(b)).then(b.risk.total_cmp(&a.risk)).then(a.bin.cmp(&b.bin)));
    collections
}

fn of_bin(bin: &BinState, terms: &Terms) -> Collection {
    let days = bin.futures.first().map_or(0, Vec::len);
    let date = |day: usize| terms.today.saturating_add((day as i64).days());
    let possible: Vec<usize> =
        (0..days).filter(|day| terms.weekdays.is_empty() || terms.weekdays.contains(&date(*day).weekday())).collect();
    // A truck comes at the end of its day.
    let by_end_of = |day: usize| overflow(bin, bin.level, day + 1);
    let fill = bin.level / bin.capacity;
    let holds = Collection {
        bin: bin.bin.clone(),
        by: bin.by,
        fill,
        per_day: (expected(bin, days) - fill) / days.max(1) as f64,
        day: None,
        risk: if days == 0 { 0.0 } else { by_end_of(days - 1) },
        expected_fill: expected(bin, days),
        collect_from: highest_safe(bin, &possible, days, terms.risk),
        overdue: false,
    };
    for (index, &day) in possible.iter().enumerate() {
        let until = possible.get(index + 1).copied().unwrap_or(days.saturating_sub(1));
        let risk = by_end_of(until);
        if risk > terms.risk {
            let expected_fill = expected(bin, day + 1);
            let overdue = index == 0 && by_end_of(day) > terms.risk;
            return Collection { day: Some(date(day)), risk, expected_fill, overdue, ..holds };
        }
    }
    holds
}

/// A future of `days` days from today on, out of one that begins earlier: what comes on its first `counted` days is
/// in the bin's level already, what comes on the `missed` ones after them is not, and counts as today's.
#[must_use]
pub fn from_today(future: &[f64], counted: usize, missed: usize, days: usize) -> Vec<f64> {
    let mut coming: Vec<f64> = future.iter().skip(counted + missed).take(days).copied().collect();
    let late: f64 = future.iter().skip(counted).take(missed).sum();
    coming.iter_mut().take(1).for_each(|first| *first += late);
    coming
}

/// The share of futures in which a bin that starts at `level` is over its capacity within `days`.
fn overflow(bin: &BinState, level: f64, days: usize) -> f64 {
    let over = |future: &&Vec<f64>| level + future.iter().take(days).sum::<f64>() > bin.capacity;
    bin.futures.iter().filter(over).count() as f64 / bin.futures.len().max(1) as f64
}

fn expected(bin: &BinState, days: usize) -> f64 {
    let sum: f64 = bin.futures.iter().map(|future| future.iter().take(days).sum::<f64>()).sum();
    (bin.level + sum / bin.futures.len().max(1) as f64) / bin.capacity
}

/// The reorder point of bins: the highest fill now at which a bin that is left for the longest pause between
/// trucks keeps the accepted risk.
fn highest_safe(bin: &BinState, possible: &[usize], days: usize, risk: f64) -> f64 {
    let longest = possible.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(days);
    let mut sums: Vec<f64> = bin.futures.iter().map(|future| future.iter().take(longest).sum()).collect();
    let needed = crate::random::quantile(&mut sums, 1.0 - risk);
    ((bin.capacity - needed) / bin.capacity).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn bin(name: &str, level: f64, per_day: f64) -> BinState {
        // Half of the futures are a little fuller.
        let futures = (0..100).map(|i| vec![per_day * if i % 2 == 0 { 1.0 } else { 1.2 }; 14]).collect();
        BinState { bin: name.into(), by: Unit::Items, level, capacity: 100.0, futures }
    }

    /// From a Monday on; trucks go on Mondays and Thursdays.
    fn terms() -> Terms {
        Terms { today: date("2026-01-05"), weekdays: vec![Weekday::Monday, Weekday::Thursday], risk: 0.1 }
    }

    #[test]
    fn a_bin_is_collected_on_the_last_safe_day() {
        // 10 or 12 a day: the fuller half passes 100 on day 8, the second Monday, so the truck of Thursday takes it.
        let collection = &plan(&[bin("a", 10.0, 10.0)], &terms())[0];
        assert_eq!(collection.day, Some(date("2026-01-08")));
        assert!((collection.risk - 0.5).abs() < 1e-9 && !collection.overdue);
        assert!((collection.expected_fill - 0.54).abs() < 1e-9, "{collection:?}");
        assert!((collection.fill - 0.1).abs() < 1e-9 && (collection.per_day - 0.11).abs() < 1e-9, "{collection:?}");
        // The longest pause is four days: 48 must fit.
        assert!((collection.collect_from - 0.52).abs() < 1e-9, "{collection:?}");
    }

    #[test]
    fn the_most_urgent_comes_first_and_what_holds_last() {
        let bins = [bin("holds", 0.0, 1.0), bin("later", 10.0, 10.0), bin("full", 99.0, 10.0)];
        let plan = plan(&bins, &terms());
        let names: Vec<&str> = plan.iter().map(|c| c.bin.as_str()).collect();
        assert_eq!(names, ["full", "later", "holds"]);
        assert!(plan[0].overdue && plan[0].day == Some(date("2026-01-05")));
        assert_eq!(plan[2].day, None);
    }

    #[test]
    fn trucks_may_go_every_day() {
        let terms = Terms { weekdays: Vec::new(), ..terms() };
        let collection = &plan(&[bin("a", 10.0, 10.0)], &terms)[0];
        assert_eq!(collection.day, Some(date("2026-01-11")), "100 is passed on the 12th");
    }

    #[test]
    fn days_that_nobody_measured_count_as_todays() {
        let future = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(from_today(&future, 0, 0, 3), [1.0, 2.0, 3.0]);
        assert_eq!(from_today(&future, 1, 0, 3), [2.0, 3.0, 4.0]);
        assert_eq!(from_today(&future, 1, 2, 2), [9.0, 5.0], "2 and 3 are added to 4");
        assert_eq!(from_today(&future, 4, 2, 2), [0.0; 0]);
    }
}
