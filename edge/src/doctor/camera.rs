//! What the camera sees.

use std::sync::mpsc;
use std::time::Duration;

use image::RgbImage;

use super::{Finding, fail, ok, warn};
use crate::camera::{CameraError, Frame};
use crate::config::Config;
use crate::run::open_camera;

/// How long a camera may take to open and to give its frames.
const PATIENCE: Duration = Duration::from_secs(20);

/// Frames that are looked at.
const FRAMES: usize = 12;

/// A camera that only gives damaged frames does not work.
const MOST_DAMAGED: usize = 20;

/// Fewer frames per second see items fall, but not lie still in time.
const LEAST_RATE: f32 = 4.0;

/// Grey levels of a picture without light.
const DARK: f32 = 8.0;

/// What a camera gave.
#[derive(Debug, Default)]
struct Seen {
    frames: usize,
    damaged: usize,
    /// What is wrong with the last of them, in the decoder's words.
    reason: String,
    size: (u32, u32),
    brightness: f32,
    /// From the first to the last frame, by the camera's own time.
    took: Duration,
    ended: bool,
}

/// Whether the camera gives pictures with something on them.
pub(super) fn camera(config: &Config, runs: bool) -> Finding {
    const CHECK: &str = "camera";
    if runs {
        return warn(
            CHECK,
            "not looked at: the bin runs and holds it",
            "Stop it first (systemctl stop pilah-edge), or look at the preview ([preview] in the configuration).",
        );
    }
    // A driver may hang for ever: it is left to the end of the program.
    let (told, heard) = mpsc::channel();
    let of = config.clone();
    std::thread::spawn(move || told.send(look(&of)));
    match heard.recv_timeout(PATIENCE) {
        Ok(Ok(seen)) => judge(&seen),
        Ok(Err(error)) => fail(
            CHECK,
            crate::in_words(&error),
            "Is it plugged in, is the device's name right, does another program use it, and may this user open it? \
             Section [camera] of the configuration names it.",
        ),
        Err(_) => fail(
            CHECK,
            format!("no picture within {} s", PATIENCE.as_secs()),
            "Unplug it and plug it in again; a weak power supply makes cameras hang (vcgencmd get_throttled).",
        ),
    }
}

fn look(config: &Config) -> Result<Seen, CameraError> {
    let mut camera = open_camera(config)?;
    let (mut seen, mut first) = (Seen::default(), None);
    while seen.frames < FRAMES && seen.damaged < MOST_DAMAGED {
        match camera.next_frame() {
            Ok(Frame { rgb, at, .. }) => {
                let begun = *first.get_or_insert(at);
                seen.frames += 1;
                seen.size = rgb.dimensions();
                seen.brightness = brightness(&rgb);
                seen.took = at.saturating_sub(begun);
            }
            Err(CameraError::NotYet) => {} // whoever waits for this loses patience
            Err(CameraError::Damaged { source, .. }) => {
                seen.damaged += 1;
                seen.reason = source.to_string();
            }
            Err(CameraError::Ended) => {
                seen.ended = true;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}

fn judge(seen: &Seen) -> Finding {
    const CHECK: &str = "camera";
    let Seen { frames, damaged, ref reason, size: (width, height), brightness, took, ended } = *seen;
    if frames == 0 {
        let words = if ended {
            "it has nothing to show".to_owned()
        } else {
            format!("{damaged} pictures, all damaged: {reason}")
        };
        return fail(
            CHECK,
            words,
            "Try another cable or format; section [camera] of the configuration has its settings.",
        );
    }
    let rate = if took.is_zero() { f32::INFINITY } else { (frames - 1) as f32 / took.as_secs_f32() };
    let what = format!("{width}×{height}");
    if brightness < DARK {
        return warn(CHECK, format!("{what}, and dark"), "Is there light in the chamber, and is the lens free?");
    }
    if rate < LEAST_RATE {
        let advice = "Give it more light or a smaller picture: items are told apart while they lie still.";
        return warn(CHECK, format!("{what}, only {rate:.1} frames/s"), advice);
    }
    if damaged * 4 > frames {
        let advice = "Try another cable or port; a weak power supply damages pictures as well.";
        return warn(CHECK, format!("{what}, {damaged} of {} pictures damaged: {reason}", frames + damaged), advice);
    }
    if rate.is_finite() { ok(CHECK, format!("{what}, {rate:.1} frames/s")) } else { ok(CHECK, what) }
}

/// The mean grey level, from 0 to 255.
fn brightness(image: &RgbImage) -> f32 {
    let bytes = image.as_raw();
    let sum: u64 = bytes.iter().map(|&byte| u64::from(byte)).sum();
    sum as f32 / bytes.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_camera_is_judged_by_what_it_shows() {
        let why = || "bytes are missing".to_owned();
        let good = || Seen {
            frames: 12,
            size: (640, 480),
            brightness: 90.0,
            took: Duration::from_millis(1100),
            ..Seen::default()
        };
        for (seen, expected, words) in [
            (good(), Verdict::Ok, "640×480, 10.0 frames/s"),
            (Seen { took: Duration::ZERO, frames: 1, ..good() }, Verdict::Ok, "640×480"),
            (Seen { brightness: 2.0, ..good() }, Verdict::Warn, "dark"),
            (Seen { took: Duration::from_secs(11), ..good() }, Verdict::Warn, "only 1.0 frames/s"),
            (
                Seen { damaged: 5, reason: why(), ..good() },
                Verdict::Warn,
                "5 of 17 pictures damaged: bytes are missing",
            ),
            (Seen { frames: 0, damaged: 20, reason: why(), ..good() }, Verdict::Fail, "all damaged: bytes are missing"),
            (Seen { frames: 0, damaged: 20, ..good() }, Verdict::Fail, "20 pictures, all damaged"),
            (Seen { frames: 0, ended: true, ..good() }, Verdict::Fail, "nothing to show"),
        ] {
            let finding = judge(&seen);
            assert_eq!(finding.verdict, expected, "{finding}");
            assert!(finding.words.contains(words), "{finding}");
        }
    }
}
