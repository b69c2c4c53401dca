//! How full the bin is, from a sensor: polled, or told over MQTT, and smoothed.
//!
//! ```text
//! program, HTTP, MQTT ─► text ─► reading ─► share of full ─► median of the last few ─► telemetry
//! ```
//!
//! Cheap ultrasonic sensors miss echoes and see a hand for the floor: of the last [`KEPT`] readings the
//! median counts, so that two wild ones in a row change nothing. A reading far outside the range of
//! empty to full is none at all. A level that no reading has confirmed for [`STALE`] periods is not told.

/// Sensors that are asked.
pub mod source;

use std::time::{Duration, Instant};

use heapless::HistoryBuf;

use self::source::Polled;

/// How many readings the median is of.
pub const KEPT: usize = 5;

/// After how many periods without a reading nobody knows the level.
pub const STALE: u32 = 10;

/// How far a reading may be outside empty to full, as a share of the range: sensors drift, and bags bulge.
const BEYOND: f64 = 0.25;

/// Where the level comes from, and what the readings mean.
#[derive(Debug, Clone, PartialEq)]
pub struct FillConfig {
    /// Where readings come from.
    pub from: From,
    /// Where in a JSON text the number is, as in `/sensor/0` (RFC 6901); empty: the text is the number.
    pub pointer: String,
    /// How often readings are due.
    pub every: Duration,
    /// The reading of an empty bin.
    pub empty: f64,
    /// The reading of a full bin.
    pub full: f64,
}

/// Where readings come from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// A program or an address, which is asked.
    Polled(Polled),
    /// A topic of the broker.
    Topic(String),
}

/// A reading that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadingError {
    /// It is no number.
    #[error("{0:?} is no number")]
    NoNumber(String),
    /// It is JSON without that value.
    #[error("there is no number at {pointer:?} in {text:?}")]
    NotThere {
        /// Where it should be.
        pointer: String,
        /// The text, cut.
        text: String,
    },
    /// It is not between empty and full.
    #[error("{0} is far outside fill.empty to fill.full")]
    Outside(f64),
}

/// The level from readings.
#[derive(Debug)]
pub struct Gauge {
    config: FillConfig,
    shares: HistoryBuf<f32, KEPT>,
    last: Option<Instant>,
}

impl Gauge {
    /// A gauge without a reading.
    #[must_use]
    pub fn new(config: FillConfig) -> Self {
        Self { config, shares: HistoryBuf::new(), last: None }
    }

    /// Takes in what a sensor said.
    ///
    /// # Errors
    /// [`ReadingError`]: it does not count.
    pub fn handle_text(&mut self, text: &str, now: Instant) -> Result<(), ReadingError> {
        let FillConfig { empty, full, pointer, .. } = &self.config;
        let reading = number(text, pointer)?;
        let share = (reading - empty) / (full - empty);
        if !(-BEYOND..=1.0 + BEYOND).contains(&share) {
            return Err(ReadingError::Outside(reading));
        }
        self.shares.write(share.clamp(0.0, 1.0) as f32);
        self.last = Some(now);
        Ok(())
    }

    /// How full the bin is, 0 to 1; `None` if nobody knows.
    #[must_use]
    pub fn level(&self, now: Instant) -> Option<f32> {
        let fresh = now.saturating_duration_since(self.last?) <= self.config.every * STALE;
        let mut sorted: heapless::Vec<f32, KEPT> = self.shares.as_slice().iter().copied().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        // Of an even number the lower of the two in the middle.
        fresh.then(|| sorted.get(sorted.len().saturating_sub(1) / 2).copied()).flatten()
    }
}

/// The number in a text; in JSON, a string of digits will do as well.
fn number(text: &str, pointer: &str) -> Result<f64, ReadingError> {
    let shown = || text.trim().chars().take(80).collect::<String>();
    let parse = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    if pointer.is_empty() {
        return parse(text).ok_or_else(|| ReadingError::NoNumber(shown()));
    }
    let json: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let found = json.as_ref().and_then(|json| json.pointer(pointer));
    let read = found.and_then(|value| value.as_f64().or_else(|| parse(value.as_str()?)));
    read.ok_or_else(|| ReadingError::NotThere { pointer: pointer.to_owned(), text: shown() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERY: Duration = Duration::from_secs(60);

    fn gauge(empty: f64, full: f64) -> Gauge {
        let from = From::Topic("sensors/b1".into());
        Gauge::new(FillConfig { from, pointer: String::new(), every: EVERY, empty, full })
    }

    fn told(gauge: &mut Gauge, readings: &[&str]) -> Option<f32> {
        let now = Instant::now();
        for reading in readings {
            gauge.handle_text(reading, now).ok();
        }
        gauge.level(now).map(|level| (level * 1000.0).round() / 1000.0)
    }

    #[test]
    fn readings_become_shares_whichever_way_they_count() {
        assert_eq!(told(&mut gauge(0.0, 100.0), &["62\n"]), Some(0.62));
        assert_eq!(told(&mut gauge(80.0, 10.0), &["45"]), Some(0.5), "a distance to the waste");
        assert_eq!(told(&mut gauge(0.0, 100.0), &["104.5"]), Some(1.0), "a little beyond is full");
        assert_eq!(told(&mut gauge(0.0, 100.0), &[]), None);
    }

    #[test]
    fn wild_readings_change_nothing() {
        assert_eq!(told(&mut gauge(0.0, 100.0), &["40", "41", "99", "100", "42"]), Some(0.42));
        assert_eq!(told(&mut gauge(0.0, 100.0), &["40", "65535", "-1000", "nan", "inf"]), Some(0.4));
        assert_eq!(told(&mut gauge(0.0, 100.0), &["10", "90"]), Some(0.1), "the lower of two");
    }

    #[test]
    fn a_level_that_nothing_confirms_is_not_told() {
        let (mut gauge, now) = (gauge(0.0, 100.0), Instant::now());
        gauge.handle_text("40", now).expect("a number");
        assert_eq!(gauge.level(now + EVERY * STALE), Some(0.4));
        assert_eq!(gauge.level(now + EVERY * STALE + Duration::from_secs(1)), None);
    }

    #[test]
    fn numbers_are_found_in_json_and_what_is_none_is_shown() {
        let json = r#"{"sensor": [{"cm": 45}, {"cm": "12.5"}], "name": "b1"}"#;
        assert_eq!(number(json, "/sensor/0/cm"), Ok(45.0));
        assert_eq!(number(json, "/sensor/1/cm"), Ok(12.5));
        let words = |text: &str, pointer: &str| number(text, pointer).expect_err("none").to_string();
        assert_eq!(words("full\n", ""), "\"full\" is no number");
        assert_eq!(words(r#"{"a": 1}"#, "/b"), r#"there is no number at "/b" in "{\"a\": 1}""#);
        assert_eq!(words("<html>", "/b"), r#"there is no number at "/b" in "<html>""#);
        let outside = gauge(0.0, 100.0).handle_text("300", Instant::now()).expect_err("far outside");
        assert_eq!(outside.to_string(), "300 is far outside fill.empty to fill.full");
    }

    proptest! {
        #[test]
        fn the_level_is_one_of_the_last_shares_and_no_text_panics(
            readings in prop::collection::vec(-30.0..130.0_f64, 1..30), text: String, pointer: String,
        ) {
            let (mut gauge, now) = (gauge(0.0, 100.0), Instant::now());
            gauge.handle_text(&text, now).ok();
            number(&text, &pointer).ok();
            for reading in &readings {
                gauge.handle_text(&reading.to_string(), now).ok();
            }
            prop_assert!(gauge.level(now).is_none_or(|level| (0.0..=1.0).contains(&level)));
        }
    }
}
