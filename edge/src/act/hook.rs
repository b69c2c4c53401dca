//! A program that moves the flaps: for what hangs on a relay board, a PLC, or a bus.
//!
//! It gets the class as its last argument, or `rest`, moves the flap, closes it again and ends with 0.
//! While it runs no other is started: one flap at a time holds for programs as well.

use std::time::Duration;

use super::{ActError, Drive, Flap};
use crate::program;

/// A program and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The program and its first arguments. Never empty.
    pub command: Vec<String>,
    /// Longer and it is ended.
    pub limit: Duration,
}

impl Drive for Hook {
    fn has(&self, _flap: &Flap) -> bool {
        true
    }

    fn open(&mut self, flap: &Flap) -> Result<(), ActError> {
        program::run(&self.command, Some(&flap.to_string()), self.limit)?;
        Ok(())
    }

    /// It has closed it itself.
    fn close(&mut self) -> Result<(), ActError> {
        Ok(())
    }
}
