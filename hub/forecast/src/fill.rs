//! The fill of a bin, a day at a time: from readings of its sensor to what it gained, and whether it was emptied.
//!
//! Readings waver and waste settles, so that the sum of all rises is too much. A bin has gained what it is fuller
//! than ever since it was last emptied; a fall of [`FALL`] below that is a collection. What came in while a bin said
//! nothing is spread evenly over the days without a word. If it was emptied meanwhile, or was silent for longer than
//! [`LONGEST_SILENCE`], nobody knows what came in: these days have no row. Days are those of UTC.

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// A fall of the level, as a share of what the bin holds, that is a collection. Sensors waver by a few hundredths.
pub const FALL: f64 = 0.15;

/// The most days without a word over which a gain is spread.
pub const LONGEST_SILENCE: i64 = 30;

/// A day of a bin. Levels are shares of what it holds, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct FillDay {
    /// Days since 1970-01-01.
    pub day: i64,
    /// The last reading.
    pub last: f64,
    /// When that was, in milliseconds since 1970.
    pub last_at_ms: i64,
    /// The highest reading of the day.
    pub highest: f64,
    /// The highest reading since the bin was last emptied.
    pub peak: f64,
    /// What came in.
    pub gained: f64,
    /// How often it was emptied.
    pub collections: i32,
    /// How many readings there are; 0 if the day is filled in between others.
    pub readings: i32,
}

/// What a reading changes: the days that are new or different, in their order; the last is the reading's. `before` is
/// the last known day up to the reading's.
#[must_use]
pub fn handle_reading(before: Option<&FillDay>, fill: f64, at_ms: i64) -> Vec<FillDay> {
    let day = at_ms.div_euclid(DAY_MS);
    let fresh = FillDay {
        day,
        last: fill,
        last_at_ms: at_ms,
        highest: fill,
        peak: fill,
        gained: 0.0,
        collections: 0,
        readings: 1,
    };
    let Some(before) = before else { return vec![fresh] };
    let emptied = before.peak - fill >= FALL;
    let gain = (fill - before.peak).max(0.0);
    let peak = if emptied { fill } else { before.peak.max(fill) };
    let collections = i32::from(emptied);
    if day <= before.day {
        return vec![FillDay {
            highest: before.highest.max(fill),
            peak,
            gained: before.gained + gain,
            collections: before.collections + collections,
            readings: before.readings.saturating_add(1),
            day: before.day,
            ..fresh
        }];
    }
    let silent = day - before.day - 1;
    if emptied || silent > LONGEST_SILENCE {
        return vec![FillDay { collections, ..fresh }];
    }
    let share = gain / (silent + 1) as f64;
    let between = (1..=silent).map(|passed| {
        let level = before.peak + share * passed as f64;
        FillDay {
            day: before.day + passed,
            last: level,
            last_at_ms: before.last_at_ms,
            highest: level,
            peak: level,
            gained: share,
            collections: 0,
            readings: 0,
        }
    });
    let own = FillDay { peak, gained: share, ..fresh };
    between.chain([own]).collect()
}

/// The days up to but without `today` of which all is known that came in, with what it was: those after a day that is
/// known, too. The days are in their order.
pub fn gains(days: &[FillDay], today: i64) -> impl Iterator<Item = (i64, f64)> {
    let pairs = days.windows(2).filter(move |pair| pair[1].day == pair[0].day + 1 && pair[1].day < today);
    pairs.map(|pair| (pair[1].day, pair[1].gained))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    /// Days after readings, each at an hour since 1970.
    fn after(readings: &[(i64, f64)]) -> Vec<FillDay> {
        let mut days: Vec<FillDay> = Vec::new();
        for &(hour, fill) in readings {
            for changed in handle_reading(days.last(), fill, hour * HOUR) {
                days.retain(|day| day.day != changed.day);
                days.push(changed);
            }
        }
        days
    }

    fn gained(days: &[FillDay]) -> Vec<(i64, f64)> {
        days.iter().map(|day| (day.day, (day.gained * 1000.0).round() / 1000.0)).collect()
    }

    #[test]
    fn a_day_gains_what_it_is_fuller_than_ever() {
        let days = after(&[(1, 0.2), (5, 0.3), (6, 0.28), (7, 0.31), (23, 0.29), (25, 0.35)]);
        assert_eq!(gained(&days), [(0, 0.11), (1, 0.04)]);
        assert_eq!((days[0].last, days[0].highest, days[0].readings, days[0].collections), (0.29, 0.31, 5, 0));
        assert_eq!((days[1].peak, days[1].last_at_ms), (0.35, 25 * HOUR));
    }

    #[test]
    fn a_deep_fall_is_a_collection_and_a_shallow_one_is_none() {
        let days = after(&[(1, 0.8), (2, 0.9), (3, 0.8), (4, 0.05), (5, 0.15), (30, 0.02), (31, 0.4)]);
        assert_eq!(gained(&days), [(0, 0.2), (1, 0.25)]);
        assert_eq!((days[0].collections, days[0].highest, days[0].peak), (1, 0.9, 0.15));
        assert_eq!(days[1].collections, 0, "0.13 below its peak it wavers");
        assert_eq!(after(&[(1, 0.3), (30, 0.1)])[1].collections, 1);
    }

    #[test]
    fn what_came_in_silence_is_spread_unless_nobody_knows() {
        let days = after(&[(1, 0.1), (4 * 24, 0.5)]);
        assert_eq!(gained(&days), [(0, 0.0), (1, 0.1), (2, 0.1), (3, 0.1), (4, 0.1)]);
        assert_eq!((days[2].readings, days[2].last_at_ms, days[4].readings), (0, HOUR, 1));
        assert!((days[3].last - 0.4).abs() < 1e-9);
        let emptied = after(&[(1, 0.8), (4 * 24, 0.1)]);
        assert_eq!(gained(&emptied), [(0, 0.0), (4, 0.0)]);
        assert_eq!(emptied[1].collections, 1);
        let years = after(&[(1, 0.1), (900 * 24, 0.9)]);
        assert_eq!(gained(&years), [(0, 0.0), (900, 0.0)]);
    }

    #[test]
    fn only_whole_days_that_are_over_are_learned_from() {
        let days = after(&[(1, 0.1), (30, 0.2), (50, 0.3), (75, 0.4), (9 * 24, 0.1), (10 * 24, 0.3)]);
        let known: Vec<(i64, f64)> = gains(&days, 10).map(|(day, g)| (day, (g * 1000.0).round() / 1000.0)).collect();
        // The first day, the one after the collection that nobody saw, and today are known in part.
        assert_eq!(known, [(1, 0.1), (2, 0.1), (3, 0.1)]);
        assert_eq!(gains(&days, 11).count(), 4);
    }

    proptest! {
        #[test]
        fn gains_are_never_negative_and_explain_the_level(
            readings in prop::collection::vec((1..60_i64, 0.0..=1.0_f64), 1..60),
        ) {
            let mut hour = 0;
            let timed: Vec<(i64, f64)> = readings.iter().map(|(hours, fill)| { hour += hours; (hour, *fill) }).collect();
            let days = after(&timed);
            prop_assert!(days.windows(2).all(|pair| pair[0].day < pair[1].day));
            prop_assert!(days.iter().all(|day| day.gained >= 0.0 && day.peak >= day.last - 1e-9 && day.last <= 1.0 + 1e-9));
            if days.iter().all(|day| day.collections == 0) {
                let sum: f64 = days.iter().map(|day| day.gained).sum();
                prop_assert!((timed[0].1 + sum - days.last().expect("a day").peak).abs() < 1e-9);
            }
        }
    }
}
