//! What a bin says is bounded before it is kept or shown: its texts are cut, its numbers must be possible. Pure.
//!
//! A text that is too long is not the end of its message: a camera that fails with a page of words has failed all
//! the same. It is cut, and ends in `…`. A number that cannot be makes an event or a sample a damaged one, and the
//! rest unreadable, since half of a message would be taken for the whole.

use std::ops::RangeInclusive;

use pilah_models::wire::{CameraState, CommandResult, FORMER_EPOCHS, Telemetry, ThrottlingReason, UpdateState};

use super::observation::Observation;

/// The longest version of a program, in characters.
pub(super) const LONGEST_VERSION: usize = 100;

/// The longest that a bin may say in words, in characters.
pub(super) const LONGEST_WORDS: usize = 500;

/// How long a decision may take, in milliseconds: an hour.
const LATENCY_MS: RangeInclusive<f32> = 0.0..=3_600_000.0;

/// In °C: what a sensor of a processor can say.
const TEMPERATURE_C: RangeInclusive<f32> = -100.0..=200.0;

/// Cuts what is too long.
pub(super) fn bound(observation: &mut Observation) {
    match observation {
        Observation::Status(status) => {
            cut(&mut status.software, LONGEST_VERSION);
            status.former.truncate(FORMER_EPOCHS);
            if let CameraState::Failed { error } = &mut status.camera {
                cut(error, LONGEST_WORDS);
            }
        }
        Observation::Reported(reported) => {
            if let UpdateState::Failed { error, .. } = &mut reported.update {
                cut(error, LONGEST_WORDS);
            }
        }
        Observation::Reply(reply) => match &mut reply.result {
            CommandResult::Done { what, .. } => cut(what, LONGEST_WORDS),
            CommandResult::Refused { error } => cut(error, LONGEST_WORDS),
        },
        Observation::Telemetry(telemetry) => {
            if let Some(fault) = telemetry.actuator.as_mut().and_then(|actuator| actuator.fault.as_mut()) {
                cut(fault, LONGEST_WORDS);
            }
            if let Some(fault) = telemetry.chamber.as_mut().and_then(|chamber| chamber.fault.as_mut()) {
                cut(fault, LONGEST_WORDS);
            }
            if let Some(throttling) = &mut telemetry.throttling {
                once(&mut throttling.now);
                once(&mut throttling.since_boot);
            }
        }
        Observation::Damaged { reason, .. } => cut(reason, LONGEST_WORDS),
        Observation::Event(_) | Observation::Sample(_) => {}
    }
}

/// Why a latency cannot be.
pub(super) fn impossible_latency(latency_ms: f32) -> Option<String> {
    let words = || format!("latency_ms {latency_ms} is outside {} to {}", LATENCY_MS.start(), LATENCY_MS.end());
    (!LATENCY_MS.contains(&latency_ms)).then(words)
}

/// Why the health of a bin cannot be as it says.
pub(super) fn impossible_health(telemetry: &Telemetry) -> Option<String> {
    let outside = |name: &str, value: Option<f32>, bounds: RangeInclusive<f32>| {
        let value = value.filter(|value| !bounds.contains(value))?;
        Some(format!("{name} {value} is outside {} to {}", bounds.start(), bounds.end()))
    };
    let fill = outside("fill", telemetry.fill, 0.0..=1.0);
    fill.or_else(|| outside("temperature_c", telemetry.temperature_c, TEMPERATURE_C))
}

/// Cuts a text to so many characters, and takes out what is not to be printed.
fn cut(text: &mut String, longest: usize) {
    let is_fine = text.chars().count() <= longest && !text.chars().any(char::is_control);
    if is_fine {
        return;
    }
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let is_long = text.chars().count() > longest;
    let kept = if is_long { longest - 1 } else { longest };
    let mut bounded: String = text.chars().take(kept).map(plain).collect();
    if is_long {
        bounded.push('…');
    }
    *text = bounded;
}

/// Each reason once.
fn once(reasons: &mut Vec<ThrottlingReason>) {
    let mut seen = Vec::new();
    reasons.retain(|reason| {
        let is_new = !seen.contains(reason);
        if is_new {
            seen.push(*reason);
        }
        is_new
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_say_so() {
        for (text, longest, expected) in [
            ("0.1.0", 5, "0.1.0"),
            ("0.1.0-beta", 5, "0.1.…"),
            ("ü→ü→ü→", 4, "ü→ü…"),
            ("two\nlines\u{1b}[31m", 100, "two lines [31m"),
            ("", 5, ""),
        ] {
            let mut bounded = text.to_owned();
            cut(&mut bounded, longest);
            assert_eq!(bounded, expected);
            assert!(bounded.chars().count() <= longest);
        }
    }

    #[test]
    fn numbers_must_be_possible() {
        for (latency, is_possible) in
            [(0.0, true), (212.5, true), (-1.0, false), (f32::NAN, false), (f32::INFINITY, false), (1e9, false)]
        {
            assert_eq!(impossible_latency(latency).is_none(), is_possible, "{latency}");
        }
    }
}
