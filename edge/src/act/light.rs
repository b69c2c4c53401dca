//! The light with which a bin shows which one it is.

use std::path::PathBuf;
use std::time::Duration;

use super::gpio::{GpioError, Outputs};

/// How long it is on, and how long off.
const HALF: Duration = Duration::from_millis(250);

/// How often: for ten seconds.
const TIMES: u32 = 20;

/// A light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Light {
    /// The chip.
    pub chip: PathBuf,
    /// The line.
    pub line: u32,
    /// Whether it is on when the line is at 0 volt.
    pub active_low: bool,
}

impl Light {
    /// Lets it blink for ten seconds, beside what goes on.
    ///
    /// # Errors
    /// [`GpioError`]: the line cannot be used. It is in use as well while the light blinks already.
    pub fn blink(&self) -> Result<(), GpioError> {
        let output = Outputs::request(&self.chip, &[self.line], self.active_low)?;
        std::thread::spawn(move || {
            for half in 0..2 * TIMES {
                // The line was there a moment ago; that it has gone is of no consequence for a light.
                output.set((half + 1) % 2).ok();
                std::thread::sleep(HALF);
            }
        });
        Ok(())
    }
}
