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

#[test]
fn the_step_is_the_longest_part_of_the_calendar_that_keeps_values_apart() {
    let step = |times: &[i64]| {
        let points: Vec<_> = times.iter().map(|at| (*at, 1.0)).collect();
        let (series, _) = Series::build(&points, Absent::Auto).expect("a series");
        assert_eq!(series.values.iter().filter(|v| v.is_finite()).sum::<f64>(), times.len() as f64, "nothing is lost");
        (series.step, civil(series.start).to_string())
    };
    let monday = at("2025-01-06");
    // Weeks, one of them counted a day later.
    let weeks: Vec<i64> = (0..30).map(|week| monday + (7 * week + i64::from(week == 9)) * DAY).collect();
    assert_eq!(step(&weeks), (Step::Seconds(7 * DAY), "2025-01-06T00:00:00".into()));
    // Invoices on any of the first days of a month.
    let months: Vec<i64> =
        (0..24).map(|m| Step::Months(1).after(at("2023-01-01"), m) + (m as i64 * 5 % 9) * DAY).collect();
    assert_eq!(step(&months), (Step::Months(1), "2023-01-01T00:00:00".into()));
    // A sensor that tells every hour, about on the hour.
    let hours: Vec<i64> = (0..200).map(|hour| monday + hour * 3600 + hour * 37 % 300).collect();
    assert_eq!(step(&hours), (Step::Seconds(3600), "2025-01-06T00:00:00".into()));
    // Once a day in the morning, never at the same second.
    let mornings: Vec<i64> = (0..60).map(|day| monday + day * DAY + 6 * 3600 + day * 97 % 400).collect();
    assert_eq!(step(&mornings), (Step::DAY, "2025-01-06T00:00:00".into()));
    // Receipts in the hours that a shop is open.
    let receipts: Vec<i64> =
        (0..300).map(|n| monday + n / 6 * DAY + 8 * 3600 + n % 6 * 4000 + n * 131 % 3000).collect();
    assert_eq!(step(&receipts), (Step::DAY, "2025-01-06T00:00:00".into()));
    // Twice a month on no fixed day is neither a month nor a week.
    let sporadic: Vec<i64> = (0..40).map(|n| monday + (n * 15 + n * n * 7 % 11) * DAY).collect();
    assert_eq!(step(&sporadic).0, Step::DAY);
}

#[test]
fn a_stated_step_adds_up_by_the_calendar() {
    let points: Vec<_> = (0..31).map(|day| (at("2025-01-01") + day * DAY + 7000, 1.0)).collect();
    for (cadence, start, values) in [
        (Cadence::Week, "2024-12-30", &[5.0, 7.0, 7.0, 7.0, 5.0][..]),
        (Cadence::Month, "2025-01-01", &[31.0]),
        (Cadence::Year, "2025-01-01", &[31.0]),
    ] {
        let (series, notes) = Series::build_by(&points, Absent::Auto, Some(cadence)).expect("a series");
        assert_eq!((series.start, series.values.as_slice()), (at(start), values), "{cadence:?}");
        assert!(notes[0].contains("31 times were added up"), "{notes:?}");
    }
    assert_eq!(Cadence::NAMES.map(|name| Cadence::parse(name).is_some()), [true; 6]);
    assert_eq!((Cadence::parse("fortnight"), Cadence::Quarter.floor(at("2025-05-17"))), (None, at("2025-04-01")));
}

#[test]
fn a_hole_is_not_zeros() {
    // Weekdays, without seven weeks.
    let open = |day: &i64| day % 7 < 5 && !(70..119).contains(day);
    let points: Vec<_> = (0..200).filter(open).map(|day| (at("2025-01-06") + day * DAY, 3.0)).collect();
    let (series, notes) = Series::build(&points, Absent::Auto).expect("a series");
    let hole = (at("2025-03-17") - series.start) / DAY;
    assert!(series.values[hole as usize..hole as usize + 49].iter().all(|v| v.is_nan()), "{:?}", series.values);
    assert!(notes.iter().any(|note| note.contains("from 2025-03-15 to 2025-05-04 there is no row")), "{notes:?}");
    // Two sales a month are no reason to speak of holes.
    let rare: Vec<_> = (0..40).map(|n| (at("2025-01-06") + (n * 15 + n * n * 7 % 11) * DAY, 1.0)).collect();
    let (series, notes) = Series::build(&rare, Absent::Auto).expect("a series");
    assert!(series.values.iter().all(|v| v.is_finite()) && notes.len() == 1, "{notes:?}");
}
