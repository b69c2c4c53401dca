//! A plan as CSV and as a calendar.

use jiff::civil::Date;

use super::{Collection, Unit};

/// As CSV: a line per bin.
#[must_use]
pub fn to_csv(collections: &[Collection]) -> String {
    let mut text = String::from("day,bin,risk,expected_fill,collect_from,overdue,fill,per_day,by\r\n");
    for c in collections {
        let day = c.day.map(|day| day.to_string()).unwrap_or_default();
        let by = match c.by {
            Unit::Fill => "fill",
            Unit::Items => "items",
        };
        let (risk, expected, from) = (c.risk, c.expected_fill, c.collect_from);
        let now = format!("{:.3},{:.4},{by}", c.fill, c.per_day);
        text.push_str(&format!("{day},{},{risk:.4},{expected:.3},{from:.3},{},{now}\r\n", c.bin, c.overdue));
    }
    text
}

/// As iCalendar (RFC 5545): an all-day event per day of collections. `stamp` is when it was made, in UTC, as
/// `20260102T030405Z`.
#[must_use]
pub fn to_icalendar(collections: &[Collection], stamp: &str) -> String {
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

    fn collection(bin: &str, day: Option<Date>) -> Collection {
        Collection {
            bin: bin.into(),
            by: Unit::Fill,
            fill: 0.99,
            per_day: 0.11,
            day,
            risk: 1.0,
            expected_fill: 1.09,
            collect_from: 0.52,
            overdue: true,
        }
    }

    #[test]
    fn a_calendar_has_an_event_per_day() {
        let monday = "2026-01-05".parse().ok();
        let plan = [collection("a", monday), collection("b", monday), collection("holds", None)];
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
        assert!(
            csv.contains("2026-01-05,a,1.0000,1.090,0.520,true,0.990,0.1100,fill\r\n") && csv.contains("\r\n,holds,"),
            "{csv}"
        );
    }
}
