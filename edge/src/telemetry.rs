//! How the bin is: counters, and what the machine tells of itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is counted from any thread.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted while the program runs; from 0 at its start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames that the trigger looked at.
    pub frames: Counter,
    /// Frames that could not be decoded.
    pub frames_corrupt: Counter,
    /// Items that were classified.
    pub items: Counter,
    /// Messages from the hub that were refused.
    pub refused: Counter,
}

/// The temperature of the processor in °C, where Linux tells it.
#[must_use]
pub fn temperature_c() -> Option<f32> {
    let text = std::fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok()?;
    parse_temperature(&text)
}

/// The kernel states thousandths of a degree.
fn parse_temperature(text: &str) -> Option<f32> {
    let thousandths: i32 = text.trim().parse().ok()?;
    (-60_000..=200_000).contains(&thousandths).then(|| thousandths as f32 / 1000.0)
}

/// Whether the clock can be trusted: it was set over the network, or the machine has a clock that runs
/// on a battery. A Raspberry Pi has none, and starts in the past.
#[must_use]
pub fn clock_synced() -> bool {
    let tells_so = |path: &str| std::path::Path::new(path).exists();
    !cfg!(target_os = "linux") || tells_so("/run/systemd/timesync/synchronized") || tells_so("/sys/class/rtc/rtc0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_temperature_is_in_thousandths() {
        let cases = [("48312\n", Some(48.312)), ("-3000", Some(-3.0)), ("", None), ("n/a", None), ("9999999", None)];
        for (text, expected) in cases {
            assert_eq!(parse_temperature(text), expected, "{text:?}");
        }
    }
}
