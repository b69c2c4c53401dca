//! The collection plan: for each bin, the last possible day before an overflow becomes too likely.
//!
//! A bin may be emptied on the days that trucks go. Possible futures of what is thrown in are drawn from the
//! forecast; the risk of a day is the share of futures in which the bin is over its capacity before the next day
//! that trucks go. The bin is collected on the first day whose risk is above what is accepted. Collecting empties
//! it.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bin, what is in it, and what may come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BinState {
    /// The bin.
    pub(crate) bin: String,
    /// What is in it now, in the unit of its capacity.
    pub(crate) level: f64,
    /// What it holds.
    pub(crate) capacity: f64,
    /// What comes each day from today on, in many futures, each as long.
    pub(crate) futures: Vec<Vec<f64>>,
}

/// When a bin is to be collected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// The bin.
    pub bin: String,
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
pub(crate) struct Terms {
    /// The first day of the futures.
    pub(crate) today: Date,
    /// The days of the week on which trucks go; every day if there is none.
    pub(crate) weekdays: Vec<Weekday>,
    /// The accepted probability of an overflow.
    pub(crate) risk: f64,
}

/// When each bin is to be collected: the most urgent first.
#[must_use]
pub(crate) fn plan(bins: &[BinState], terms: &Terms) -> Vec<Collection> {
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
    let collect_from = highest_safe(bin, &possible, days, terms.risk);
    for (index, &day) in possible.iter().enumerate() {
        let until = possible.get(index + 1).copied().unwrap_or(days.saturating_sub(1));
        let risk = by_end_of(until);
        if risk > terms.risk {
            let expected_fill = expected(bin, day + 1);
            let overdue = index == 0 && by_end_of(day) > terms.risk;
            let day = Some(date(day));
            return Collection { bin: bin.bin.clone(), day, risk, expected_fill, collect_from, overdue };
        }
    }
    let risk = if days == 0 { 0.0 } else { by_end_of(days - 1) };
    let expected_fill = expected(bin, days);
    Collection { bin: bin.bin.clone(), day: None, risk, expected_fill, collect_from, overdue: false }
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
    let needed = super::random::quantile(&mut sums, 1.0 - risk);
    ((bin.capacity - needed) / bin.capacity).clamp(0.0, 1.0)
}

/// As CSV: a line per bin.
#[must_use]
pub(crate) fn to_csv(collections: &[Collection]) -> String {
    let mut text = String::from("day,bin,risk,expected_fill,collect_from,overdue\r\n");
    for c in collections {
        let day = c.day.map(|day| day.to_string()).unwrap_or_default();
        let line =
            format!("{day},{},{:.4},{:.3},{:.3},{}\r\n", c.bin, c.risk, c.expected_fill, c.collect_from, c.overdue);
        text.push_str(&line);
    }
    text
}

/// As iCalendar (RFC 5545): an all-day event per day of collections. `stamp` is when it was made, in UTC, as
/// `20260102T030405Z`.
#[must_use]
pub(crate) fn to_icalendar(collections: &[Collection], stamp: &str) -> String {
    let mut text = String::new();
    let mut line = |content: &str| fold(content, &mut text);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//Pilah//collection plan//EN");
    let mut days: Vec<Date> = collections.iter().filter_map(|c| c.day).collect();
    days.sort();
    days.dedup();
    for day in days {
        let bins: Vec<&str> = collections.iter().filter(|c| c.day == Some(day)).map(|c| c.bin.as_str()).collect();
        let written = day.strftime("%Y%m%d").to_string();
        line("BEGIN:VEVENT");
        line(&format!("UID:collection-{written}@pilah"));
        line(&format!("DTSTAMP:{stamp}"));
        line(&format!("DTSTART;VALUE=DATE:{written}"));
        line(&format!("SUMMARY:Collect {} {}", bins.len(), if bins.len() == 1 { "bin" } else { "bins" }));
        line(&format!("DESCRIPTION:{}", bins.join("\\, ")));
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    text
}

/// Lines end with CR LF, and none is longer than 75 bytes: the next starts with a space.
fn fold(content: &str, text: &mut String) {
    let mut length = 0;
    for c in content.chars() {
        if length + c.len_utf8() > 75 {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
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
        BinState { bin: name.into(), level, capacity: 100.0, futures }
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
    fn a_calendar_has_an_event_per_day() {
        let plan = plan(&[bin("a", 99.0, 10.0), bin("b", 99.0, 10.0), bin("holds", 0.0, 1.0)], &terms());
        let text = to_icalendar(&plan, "20260105T000000Z");
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 1);
        assert!(
            text.contains("DTSTART;VALUE=DATE:20260105\r\n") && text.contains("SUMMARY:Collect 2 bins\r\n"),
            "{text}"
        );
        assert!(text.contains("DESCRIPTION:a\\, b\r\n") && !text.contains("holds"));
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
        let mut folded = String::new();
        fold(&"x".repeat(200), &mut folded);
        assert!(folded.lines().all(|line| line.len() <= 75), "{folded}");
        assert_eq!(folded.replace("\r\n ", ""), format!("{}\r\n", "x".repeat(200)));
        let csv = to_csv(&plan);
        assert!(csv.contains("2026-01-05,a,1.0000,") && csv.contains("\r\n,holds,"), "{csv}");
    }
}
