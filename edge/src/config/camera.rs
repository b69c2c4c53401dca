//! The section `[camera]`: what a bin sees with.

use super::{Wrong, within, wrong};
use crate::camera::settings::{CameraConfig, CommandConfig};

impl CommandConfig {
    fn check(&self) -> Result<(), Wrong> {
        if self.command.first().is_none_or(String::is_empty) {
            let problem = "it must name a program and its arguments, as in [\"rpicam-vid\", \"-n\"]";
            return Err(wrong("camera.command", &self.command, problem));
        }
        if let (Some(file), false) = (&self.secret_file, self.wants_secret()) {
            let problem =
                "it is of use only with {secret} or {secret:url} in camera.command, or camera.secret_variable";
            return Err(wrong("camera.secret_file", file, problem));
        }
        let is_name = |name: &&String| {
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            !name.is_empty() && name.bytes().all(valid) && !name.starts_with(|first: char| first.is_ascii_digit())
        };
        if let Some(name) = self.secret_variable.as_ref().filter(|name| !is_name(name)) {
            return Err(wrong("camera.secret_variable", name, "it must be a name of letters, digits and _"));
        }
        within("camera.frames_per_second", self.frames_per_second, 1.0, 60.0).map(drop)
    }
}

impl CameraConfig {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let rate = |value: f32| within("camera.frames_per_second", value, 1.0, 60.0).map(drop);
        let size = |width: u32, height: u32| {
            within("camera.width", width, 32, 4096)?;
            within("camera.height", height, 32, 4096).map(drop)
        };
        match self {
            Self::Virtual(chamber) => chamber.check().map_err(|error| {
                let all = toml::Table::try_from(chamber).unwrap_or_default();
                let value = all.get(error.key).map(ToString::to_string).unwrap_or_default();
                Wrong { key: format!("camera.{}", error.key), value, problem: error.problem }
            }),
            Self::Replay(replay) => within("camera.frames_per_second", replay.frames_per_second, 0.0, 240.0).map(drop),
            Self::Command(command) => command.check(),
            Self::Http(http) => {
                if let (Some(file), None) = (&http.password_file, &http.user) {
                    return Err(wrong("camera.password_file", file, "it is of use only with camera.user"));
                }
                if let Some(user) = http.user.as_ref().filter(|user| user.contains(':')) {
                    return Err(wrong("camera.user", user, "it must not contain a colon"));
                }
                if let (Some(file), false) = (&http.ca_file, http.url.is_tls()) {
                    return Err(wrong("camera.ca_file", file, "it is of use only with an https:// url"));
                }
                rate(http.frames_per_second)
            }
            Self::V4l(v4l) => {
                if !cfg!(target_os = "linux") {
                    let problem = "Video4Linux is part of Linux: use kind = \"nokhwa\" or \"command\" here";
                    return Err(wrong("camera.kind", "v4l", problem));
                }
                if !v4l.device.is_absolute() {
                    return Err(wrong("camera.device", &v4l.device, "it must be a path such as /dev/video0"));
                }
                size(v4l.width, v4l.height)?;
                rate(v4l.frames_per_second)
            }
            Self::Nokhwa(nokhwa) => {
                if !cfg!(feature = "nokhwa") {
                    let problem =
                        "this program was built without it: build with `--features nokhwa`, or use another kind";
                    return Err(wrong("camera.kind", "nokhwa", problem));
                }
                size(nokhwa.width, nokhwa.height)?;
                rate(nokhwa.frames_per_second)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> CommandConfig {
        toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_secret_without_a_place_and_a_place_without_a_name_are_wrong() {
        let problem = |text: &str| command(text).check().err().map(|wrong| wrong.key);
        let cases = [
            ("command = [\"x\"]\nsecret_file = \"s\"", Some("camera.secret_file")),
            ("command = [\"x\"]\nsecret_file = \"s\"\nsecret_variable = \"CAM\"", None),
            ("command = [\"x\"]\nsecret_variable = \"1 CAM\"", Some("camera.secret_variable")),
            ("command = [\"x\", \"{secret}\"]", None),
            (
                "command = [\"ffmpeg\", \"rtsp://me:{secret:url}@cam/1\", \"{secret}{secret}\", \"{other}\"]\n\
                 secret_file = \"/etc/pilah/camera\"",
                None,
            ),
            ("command = []", Some("camera.command")),
            ("command = [\"x\"]\nframes_per_second = 0", Some("camera.frames_per_second")),
        ];
        for (text, expected) in cases {
            assert_eq!(problem(text).as_deref(), expected, "{text}");
        }
    }
}
