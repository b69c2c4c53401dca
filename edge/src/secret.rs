//! Secrets: in a file of their own or in the environment, never in the configuration, never shown.

use std::fmt;
use std::io;
use std::path::Path;

/// The environment variable that holds the bin's password if no file does.
pub const PASSWORD_VARIABLE: &str = "PILAH_BIN_PASSWORD";

/// The environment variable that holds the password for the camera `http` if no file does.
pub const CAMERA_PASSWORD_VARIABLE: &str = "PILAH_CAMERA_PASSWORD";

/// A secret. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a file holds, which the configuration names under `key`, or else an environment variable.
    pub(crate) fn find(key: &str, file: Option<&Path>, variable: &str) -> io::Result<Self> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| io::Error::new(e.kind(), format!("{key} = {:?}: {e}", path.display().to_string())))?,
            None => std::env::var(variable)
                .map_err(|_| io::Error::other(format!("neither {key} nor the variable {variable} is set")))?,
        };
        Ok(Self(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
