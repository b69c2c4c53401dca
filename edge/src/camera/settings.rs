//! What a bin sees with: the settings of each camera, and the secrets that some take.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::chamber::ChamberConfig;
use super::replay::ReplayConfig;
use crate::address::CameraAddress;
use crate::masked::{encoded, masked};
use crate::secret::{CAMERA_PASSWORD_VARIABLE, Secret};

/// What a bin sees with.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CameraConfig {
    /// Drawn items in a drawn bin.
    Virtual(ChamberConfig),
    /// Photos from a folder.
    Replay(ReplayConfig),
    /// A program that prints Motion JPEG.
    Command(CommandConfig),
    /// A camera on the network.
    Http(HttpConfig),
    /// A camera of Video4Linux: USB cameras.
    V4l(V4lConfig),
    /// A camera of the operating system, on laptops.
    Nokhwa(NokhwaConfig),
}

/// The settings of the camera `command`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// The program and its arguments, as they are: no shell reads them. `{secret}` stands for the secret, and
    /// `{secret:url}` for the secret as a part of an address.
    pub command: Vec<String>,
    /// The file that holds the secret; `None`: the environment does, if there is a place for one.
    pub secret_file: Option<PathBuf>,
    /// The environment variable in which the program finds the secret.
    pub secret_variable: Option<String>,
    /// At most so many frames per second are decoded, 1 to 60.
    #[serde(default = "frames_per_second")]
    pub frames_per_second: f32,
}

/// The settings of the camera `http`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Where the stream or the single picture is.
    pub url: CameraAddress,
    /// The user name, if the camera asks for one.
    pub user: Option<String>,
    /// The file that holds the password; `None`: the environment does.
    pub password_file: Option<PathBuf>,
    /// Certificates, in PEM, of those who may vouch for the camera; `None`: the public ones.
    pub ca_file: Option<PathBuf>,
    /// At most so many frames per second are decoded, and fetched where they come one by one, 1 to 60.
    #[serde(default = "frames_per_second")]
    pub frames_per_second: f32,
}

/// The settings of the camera `v4l`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V4lConfig {
    /// The device, such as `/dev/video0`, or a link to it from `/dev/v4l/by-id`.
    pub device: PathBuf,
    /// How its pictures are coded.
    #[serde(default)]
    pub format: V4lFormat,
    /// Of the picture, in pixels, 32 to 4096. The driver takes the nearest that it has.
    #[serde(default = "width")]
    pub width: u32,
    /// Of the picture, in pixels, 32 to 4096.
    #[serde(default = "height")]
    pub height: u32,
    /// What the driver is asked for, and the most that are decoded, 1 to 60.
    #[serde(default = "frames_per_second")]
    pub frames_per_second: f32,
}

/// How the pictures of a Video4Linux device are coded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum V4lFormat {
    /// Motion JPEG if the device has it, YUYV otherwise.
    #[default]
    Any,
    /// Motion JPEG: little on the bus, some work to decode.
    Mjpeg,
    /// YUYV 4:2:2: much on the bus, little work, no artefacts.
    Yuyv,
}

/// The settings of the camera `nokhwa`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NokhwaConfig {
    /// Which camera of the system, from 0.
    #[serde(default)]
    pub index: u32,
    /// Of the picture, in pixels, 32 to 4096; the nearest that the camera has is taken.
    #[serde(default = "width")]
    pub width: u32,
    /// Of the picture, in pixels, 32 to 4096.
    #[serde(default = "height")]
    pub height: u32,
    /// What the camera is asked for, and the most that are decoded, 1 to 60.
    #[serde(default = "frames_per_second")]
    pub frames_per_second: f32,
}

fn frames_per_second() -> f32 {
    10.0
}

fn width() -> u32 {
    640
}

fn height() -> u32 {
    480
}

/// In the words of a command: the secret, and the secret as a part of an address.
const SECRET: &str = "{secret}";
const SECRET_IN_URL: &str = "{secret:url}";

impl CommandConfig {
    /// Whether there is a place for a secret.
    pub(crate) fn wants_secret(&self) -> bool {
        let has_place = |word: &String| word.contains(SECRET) || word.contains(SECRET_IN_URL);
        self.secret_variable.is_some() || self.command.iter().any(has_place)
    }

    /// The secret of the program, from its file or from the environment; `None` if it wants none.
    ///
    /// # Errors
    /// There is none: the message says where it was looked for.
    pub fn secret(&self) -> io::Result<Option<Secret>> {
        if !self.wants_secret() {
            return Ok(None);
        }
        Secret::find("camera.secret_file", self.secret_file.as_deref(), CAMERA_PASSWORD_VARIABLE).map(Some)
    }

    /// The program and its arguments, with the secret in its places.
    #[must_use]
    pub(crate) fn words(&self, secret: Option<&Secret>) -> Vec<String> {
        let secret = secret.map(Secret::expose).unwrap_or_default();
        // In the order in which neither is found in what was put in.
        let put_in = |word: &String| -> String {
            let parts = word.split(SECRET_IN_URL).map(|part| part.replace(SECRET, secret));
            parts.collect::<Vec<_>>().join(&encoded(secret))
        };
        self.command.iter().map(put_in).collect()
    }
}

impl fmt::Debug for CommandConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.command.iter().map(|word| masked(word, &[])).collect();
        f.debug_struct("CommandConfig")
            .field("command", &words)
            .field("secret_file", &self.secret_file)
            .field("secret_variable", &self.secret_variable)
            .field("frames_per_second", &self.frames_per_second)
            .finish()
    }
}

impl HttpConfig {
    /// The password that belongs to the user name, from its file or from the environment; `None` without a user.
    ///
    /// # Errors
    /// There is none: the message says where it was looked for.
    pub fn password(&self) -> io::Result<Option<Secret>> {
        if self.user.is_none() {
            return Ok(None);
        }
        Secret::find("camera.password_file", self.password_file.as_deref(), CAMERA_PASSWORD_VARIABLE).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> CommandConfig {
        toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_secret_takes_its_places_and_is_shown_nowhere() {
        let config = command(
            "command = [\"ffmpeg\", \"rtsp://me:{secret:url}@cam/1\", \"{secret}{secret}\", \"{other}\"]\n\
             secret_file = \"/etc/pilah/camera\"",
        );
        let secret = Secret::from("a{secret}/b".to_owned());
        let words = config.words(Some(&secret));
        assert_eq!(words, ["ffmpeg", "rtsp://me:a%7Bsecret%7D%2Fb@cam/1", "a{secret}/ba{secret}/b", "{other}"]);
        assert!(config.wants_secret());
        let open = command("command = [\"ffmpeg\", \"rtsp://me:hunter2@cam/1\"]");
        assert!(!format!("{open:?}").contains("hunter2") && open.secret().expect("wants none").is_none());
    }
}
