//! When a bin may be told of a new version, by the clock of where it stands.
//!
//! A window is a span between two times of day, and belongs to the day on which it begins: one from 22:00 to 04:00 on
//! Friday ends on Saturday. On days on which clocks are moved it lasts from what the clock shows first as its beginning
//! to what it shows first as its end; a beginning that is left out is as much later as the clock jumps. No day loses its
//! window.

use std::collections::HashMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A span of time on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MaintenanceWindow)]
pub struct Window {
    /// The days on which it begins; none: every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// When it begins, by the clock of where the bin stands: `22:00`.
    #[schema(value_type = String)]
    pub from: Time,
    /// When it ends; on the next day, if that is no later than when it begins.
    #[schema(value_type = String)]
    pub to: Time,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
#[schema(as = Weekday)]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

impl Window {
    /// Whether it is open now where clocks go by this zone.
    #[must_use]
    pub fn is_open(&self, zone: &TimeZone, now: Timestamp) -> bool {
        let today = now.to_zoned(zone.clone()).date();
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter().flatten().any(|date| {
            let is_of = self.days.is_empty() || self.days.contains(&date.weekday().into());
            is_of && self.span(date, zone).is_some_and(|(from, to)| from <= now && now < to)
        })
    }

    /// From when to when it is open that begins on this date; `None` at the end of the calendar.
    fn span(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let at = |date: Date, time| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
        let last = if self.to <= self.from { date.tomorrow().ok()? } else { date };
        let (from, to) = (at(date, self.from)?, at(last, self.to)?);
        if from < to {
            return Some((from, to));
        }
        // It begins in an hour that is left out, and would end before that is over.
        let length: SignedDuration = last.to_datetime(self.to).duration_since(date.to_datetime(self.from));
        Some((from, from.checked_add(length).ok()?))
    }
}

/// Whether bins may be told now; each zone is looked up once.
#[derive(Debug)]
pub(crate) struct Openings<'a> {
    windows: &'a [Window],
    otherwise: TimeZone,
    now: Timestamp,
    by_zone: HashMap<&'a str, bool>,
    open_otherwise: bool,
}

impl<'a> Openings<'a> {
    /// At this time, with the zone of bins that name none, or one that nobody knows.
    pub(crate) fn new(windows: &'a [Window], otherwise: &str, now_ms: i64) -> Self {
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::MAX);
        let otherwise = TimeZone::get(otherwise).unwrap_or(TimeZone::UTC);
        let mut this = Self { windows, otherwise, now, by_zone: HashMap::new(), open_otherwise: false };
        this.open_otherwise = this.is_open_in(&this.otherwise);
        this
    }

    fn is_open_in(&self, zone: &TimeZone) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.is_open(zone, self.now))
    }

    /// Whether a bin of this zone may be told.
    pub(crate) fn is_open(&mut self, zone: Option<&'a str>) -> bool {
        let Some(zone) = zone.filter(|_| !self.windows.is_empty()) else { return self.open_otherwise };
        if let Some(open) = self.by_zone.get(zone) {
            return *open;
        }
        let open = TimeZone::get(zone).map_or(self.open_otherwise, |zone| self.is_open_in(&zone));
        self.by_zone.insert(zone, open);
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[Day], from: &str, to: &str) -> Window {
        Window { days: days.to_vec(), from: from.parse().expect("a time"), to: to.parse().expect("a time") }
    }

    /// The minutes of a stretch of time at which it is open.
    fn minutes(window: &Window, zone: &str, from: &str, hours: i64) -> Vec<Timestamp> {
        let zone = TimeZone::get(zone).expect("is known");
        let from: Timestamp = from.parse().expect("a time");
        let all = (0..hours * 60).map(|minute| from + SignedDuration::from_mins(minute));
        all.filter(|at| window.is_open(&zone, *at)).collect()
    }

    #[test]
    fn a_window_goes_by_the_clock_of_where_the_bin_stands() {
        let at_night = window(&[], "22:00", "04:00");
        let cases = [
            ("Asia/Jakarta", "2026-12-01T14:59:00Z", false),
            ("Asia/Jakarta", "2026-12-01T15:00:00Z", true),
            ("Asia/Jakarta", "2026-12-01T20:59:00Z", true),
            ("Asia/Jakarta", "2026-12-01T21:00:00Z", false),
            ("Asia/Jayapura", "2026-12-01T13:00:00Z", true),
            ("UTC", "2026-12-01T15:00:00Z", false),
        ];
        for (zone, now, open) in cases {
            let zone_of = TimeZone::get(zone).expect("is known");
            assert_eq!(at_night.is_open(&zone_of, now.parse().expect("a time")), open, "{zone} {now}");
        }
    }

    #[test]
    fn a_window_over_midnight_is_of_the_day_on_which_it_begins() {
        let friday = window(&[Day::Friday], "22:00", "04:00");
        let zone = TimeZone::UTC;
        // 4 December 2026 is a Friday.
        let cases = [
            ("2026-12-04T03:00:00Z", false),
            ("2026-12-04T23:00:00Z", true),
            ("2026-12-05T03:59:59Z", true),
            ("2026-12-05T04:00:00Z", false),
            ("2026-12-05T23:00:00Z", false),
        ];
        for (now, open) in cases {
            assert_eq!(friday.is_open(&zone, now.parse().expect("a time")), open, "{now}");
        }
        assert_eq!(minutes(&window(&[], "00:00", "00:00"), "UTC", "2026-12-04T00:00:00Z", 24).len(), 24 * 60);
    }

    #[test]
    fn days_of_23_and_25_hours_have_their_window() {
        // In Berlin, the clocks of 2026 jump from 2 to 3 on 29 March, and from 3 back to 2 on 25 October.
        let (spring, autumn) = ("2026-03-28T23:00:00Z", "2026-10-24T22:00:00Z");
        let cases = [
            ("01:00", "04:00", spring, 23, 120),
            ("01:00", "04:00", autumn, 25, 240),
            ("02:15", "02:45", spring, 23, 30),
            ("02:30", "03:15", spring, 23, 45),
            ("02:15", "02:45", autumn, 25, 30),
            ("00:00", "00:00", spring, 23, 23 * 60),
            ("00:00", "00:00", autumn, 25, 25 * 60),
        ];
        for (from, to, day, hours, expected) in cases {
            let found = minutes(&window(&[Day::Sunday], from, to), "Europe/Berlin", day, hours);
            assert_eq!(found.len(), expected, "{from} to {to} on {day}: {found:?}");
        }
    }

    #[test]
    fn a_zone_that_nobody_knows_is_the_one_of_the_plan() {
        let windows = [window(&[], "22:00", "04:00")];
        let at = "2026-12-01T16:00:00Z".parse::<Timestamp>().expect("a time").as_millisecond();
        let mut openings = Openings::new(&windows, "Asia/Jakarta", at);
        for (zone, open) in [(None, true), (Some("Mars/Olympus"), true), (Some("Europe/Berlin"), false)] {
            assert_eq!(openings.is_open(zone), open, "{zone:?}");
            assert_eq!(openings.is_open(zone), open, "{zone:?}, asked again");
        }
    }

    #[test]
    fn a_window_is_written_as_people_write_it() {
        let read: Window = serde_json::from_str(r#"{"days":["friday"],"from":"22:00","to":"04:30"}"#).expect("reads");
        assert_eq!(read, window(&[Day::Friday], "22:00", "04:30"));
        for bad in [r#"{"from":"25:00","to":"04:00"}"#, r#"{"from":"22:00"}"#, r#"{"from":"22:00","to":"1","day":[]}"#]
        {
            assert!(serde_json::from_str::<Window>(bad).is_err(), "{bad}");
        }
    }
}
