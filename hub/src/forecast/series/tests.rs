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
