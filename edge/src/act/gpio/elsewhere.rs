//! Lines on systems that have none.

use std::path::Path;
use std::time::Duration;

use super::{GpioError, LinesSeen};

/// Lines that are switched together.
#[derive(Debug)]
pub enum Outputs {}

/// A line that is watched for the moment in which it is switched on.
#[derive(Debug)]
pub enum Input {}

fn none(chip: &Path, lines: &[u32]) -> GpioError {
    GpioError {
        chip: chip.to_owned(),
        lines: lines.to_vec(),
        problem: "only Linux has GPIO lines; use a program".into(),
    }
}

impl Outputs {
    /// There are none.
    ///
    /// # Errors
    /// Always.
    pub fn request(chip: &Path, lines: &[u32], _active_low: bool) -> Result<Self, GpioError> {
        Err(none(chip, lines))
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn set(&self, _pattern: u32) -> Result<(), GpioError> {
        match *self {}
    }
}

impl Input {
    /// There are none.
    ///
    /// # Errors
    /// Always.
    pub fn request(chip: &Path, line: u32, _active_low: bool) -> Result<Self, GpioError> {
        Err(none(chip, &[line]))
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn wait(&self, _patience: Duration) -> Result<bool, GpioError> {
        match *self {}
    }
}

/// There are none.
///
/// # Errors
/// Always.
pub fn look(chip: &Path, lines: &[u32]) -> Result<LinesSeen, GpioError> {
    Err(none(chip, lines))
}
