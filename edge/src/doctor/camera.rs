//! What the camera sees.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use image::RgbImage;

use super::{Finding, fail, ok, warn};
use crate::camera::{CameraConfig, CameraError, Frame};
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
        Ok(Ok(seen)) => judge(&seen, &config.camera),
        Ok(Err(error)) => fail(CHECK, crate::words::in_words(&error), advice(&config.camera)),
        Err(_) => fail(CHECK, format!("no picture within {} s", PATIENCE.as_secs()), silent(&config.camera)),
    }
}

/// What to do about a camera that does not work.
fn advice(camera: &CameraConfig) -> String {
    match camera {
        CameraConfig::V4l(_) => {
            "Is it plugged in (ls -l /dev/v4l/by-id), is camera.device right, does another program use \
                                 it (fuser -v /dev/video*), and is this user in the group video?"
                .to_owned()
        }
        CameraConfig::Nokhwa(_) => {
            "Is it plugged in, is camera.index right, and do the system's settings let this program use it?".to_owned()
        }
        CameraConfig::Http(http) => format!(
            "Open {} in a browser of this network: it has to show the picture. Is the camera on, and are camera.user and \
             the password its own? Cameras ask for them by Basic or by Digest: if the words above name one that is not \
             understood, choose the other in the camera's own settings.",
            http.url
        ),
        CameraConfig::Command(command) => {
            let name = command.command.first().map_or("", String::as_str);
            let program = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name);
            match (program.strip_prefix("libcamera-"), program.starts_with("raspi")) {
                (Some(rest), _) => format!(
                    "{program} is called rpicam-{rest} now (package rpicam-apps): write that in camera.command."
                ),
                (None, true) => format!(
                    "{program} is gone from Raspberry Pi OS; the sample configuration has the line for rpicam-vid \
                     (package rpicam-apps)."
                ),
                (None, false) if program.starts_with("rpicam-") => {
                    "Does rpicam-hello --list-cameras name the module? If not, look at its ribbon cable; if it does, run \
                     camera.command by hand, as the user pilah-edge."
                        .to_owned()
                }
                _ => "Run camera.command by hand, as the user pilah-edge: it has to print JPEG pictures without end, as \
                      Motion JPEG, and no H.264."
                    .to_owned(),
            }
        }
        CameraConfig::Replay(_) => "camera.folder has to hold photos that this user may read.".to_owned(),
        CameraConfig::Virtual(_) => "Section [camera] of the configuration has its settings.".to_owned(),
    }
}

/// What to do about a camera that says nothing at all.
fn silent(camera: &CameraConfig) -> String {
    match camera {
        CameraConfig::V4l(_) | CameraConfig::Nokhwa(_) => {
            "Unplug it and plug it in again; a weak power supply makes cameras hang (vcgencmd get_throttled)."
                .to_owned()
        }
        CameraConfig::Http(http) => format!(
            "Open {} in a browser of this network: it has to show the picture. Restart the camera if it does not; some \
             serve one viewer at a time.",
            http.url
        ),
        other => advice(other),
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

fn judge(seen: &Seen, source: &CameraConfig) -> Finding {
    const CHECK: &str = "camera";
    let Seen { frames, damaged, ref reason, size: (width, height), brightness, took, ended } = *seen;
    if frames == 0 {
        let words = if ended {
            "it has nothing to show".to_owned()
        } else {
            format!("{damaged} pictures, all damaged: {reason}")
        };
        return fail(CHECK, words, damage(source));
    }
    let rate = if took.is_zero() { f32::INFINITY } else { (frames - 1) as f32 / took.as_secs_f32() };
    let what = format!("{width}×{height}");
    if brightness < DARK {
        return warn(CHECK, format!("{what}, and dark"), "Is there light in the chamber, and is the lens free?");
    }
    if rate < LEAST_RATE {
        let advice = "Give it more light or a smaller picture: items are told apart while they lie still, and by the \
                      moments between them.";
        return warn(CHECK, format!("{what}, only {rate:.1} frames/s"), advice);
    }
    if damaged * 4 > frames {
        let words = format!("{what}, {damaged} of {} pictures damaged: {reason}", frames + damaged);
        return warn(CHECK, words, damage(source));
    }
    if rate.is_finite() { ok(CHECK, format!("{what}, {rate:.1} frames/s")) } else { ok(CHECK, what) }
}

/// What to do about pictures that are damaged.
fn damage(source: &CameraConfig) -> &'static str {
    match source {
        CameraConfig::V4l(_) | CameraConfig::Nokhwa(_) => {
            "Try another cable, port or camera.format; a weak power supply damages pictures as well."
        }
        CameraConfig::Http(_) => {
            "Look at the network between bin and camera (ping, Wi-Fi), and ask for smaller pictures."
        }
        CameraConfig::Command(_) => {
            "Look at what camera.command prints: it has to be Motion JPEG, picture after picture."
        }
        CameraConfig::Replay(_) | CameraConfig::Virtual(_) => "Take the damaged files out of camera.folder.",
    }
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
    use crate::camera::chamber::ChamberConfig;

    fn source(camera: &str) -> CameraConfig {
        toml::from_str(camera).expect("valid")
    }

    #[test]
    fn what_to_do_depends_on_what_the_camera_is() {
        let network = "kind = \"http\"\nurl = \"http://10.0.0.9/s.mjpg?token=t0p\"";
        for (camera, expected) in [
            ("kind = \"v4l\"\ndevice = \"/dev/video0\"", "ls -l /dev/v4l/by-id"),
            (network, "Open http://10.0.0.9/s.mjpg in a browser"),
            (network, "by Basic or by Digest"),
            ("kind = \"command\"\ncommand = [\"libcamera-vid\", \"-n\"]", "libcamera-vid is called rpicam-vid now"),
            ("kind = \"command\"\ncommand = [\"/usr/bin/libcamera-still\"]", "libcamera-still is called rpicam-still"),
            ("kind = \"command\"\ncommand = [\"raspivid\"]", "raspivid is gone from Raspberry Pi OS"),
            ("kind = \"command\"\ncommand = [\"rpicam-vid\"]", "rpicam-hello --list-cameras"),
            ("kind = \"command\"\ncommand = [\"ffmpeg\"]", "Run camera.command by hand"),
            ("kind = \"replay\"\nfolder = \"photos\"", "camera.folder"),
        ] {
            let said = advice(&source(camera));
            assert!(said.contains(expected), "{camera}: {said}");
            assert!(!said.contains("t0p"), "{said}");
        }
        for words in [advice(&source(network)), silent(&source(network)), damage(&source(network)).to_owned()] {
            assert!(!words.to_lowercase().contains("plug"), "nobody unplugs a network: {words}");
        }
        assert!(silent(&source("kind = \"v4l\"\ndevice = \"/dev/video0\"")).contains("Unplug it"));
    }

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
            let finding = judge(&seen, &CameraConfig::Virtual(ChamberConfig::default()));
            assert_eq!(finding.verdict, expected, "{finding}");
            assert!(finding.words.contains(words), "{finding}");
        }
    }
}
