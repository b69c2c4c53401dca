//! The button with which people say that the last item was taken for the wrong thing.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::gpio::{GpioError, Input};

/// How often a thread that waits for the button looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(500);

/// When a line that could not be used is asked for again.
const RETRY: Duration = Duration::from_secs(30);

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// The chip.
    pub chip: PathBuf,
    /// The line.
    pub line: u32,
    /// Whether it connects the line to ground.
    pub active_low: bool,
}

impl Button {
    /// Waits for the button until nobody holds the other end of `wanted`. `pressed` is told of every
    /// press, and of the first of several errors in a row; it says whether anybody still listens.
    pub fn watch(&self, wanted: &Receiver<()>, mut pressed: impl FnMut(Result<(), GpioError>) -> bool) {
        let mut failing = false;
        loop {
            let failed = match Input::request(&self.chip, self.line, self.active_low) {
                Ok(input) => loop {
                    failing = false;
                    match input.wait(PATIENCE) {
                        Ok(true) if !pressed(Ok(())) => return,
                        Ok(_) => {}
                        Err(error) => break error,
                    }
                    if is_over(wanted, Duration::ZERO) {
                        return;
                    }
                },
                Err(error) => error,
            };
            if !failing && !pressed(Err(failed)) {
                return;
            }
            failing = true;
            if is_over(wanted, RETRY) {
                return;
            }
        }
    }
}

fn is_over(wanted: &Receiver<()>, patience: Duration) -> bool {
    wanted.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_be_used_is_told_once_and_the_thread_ends_when_told() {
        let button = Button { chip: "/dev/gpiochip-none".into(), line: 5, active_low: true };
        let (alive, wanted) = std::sync::mpsc::channel();
        let mut alive = Some(alive);
        let mut told = Vec::new();
        button.watch(&wanted, |pressed| {
            told.push(pressed.expect_err("there is no such chip").to_string());
            alive = None;
            true
        });
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("GPIO line 5 of /dev/gpiochip-none: "), "{told:?}");
    }
}
