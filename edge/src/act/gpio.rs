//! Lines of a GPIO chip, through the kernel's character device (`linux/gpio.h`, version 2).
//!
//! A line belongs to one program at a time: the kernel gives it to the first that asks, and takes it
//! back when the program ends. Other systems than Linux have no such lines, and say so.

use std::path::PathBuf;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Input, Outputs};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Input, Outputs};

/// Lines that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("GPIO {} of {}: {problem}", named(lines), chip.display())]
pub struct GpioError {
    /// The chip.
    pub chip: PathBuf,
    /// The lines that were asked for.
    pub lines: Vec<u32>,
    /// What is wrong, and how to mend it.
    pub problem: String,
}

fn named(lines: &[u32]) -> String {
    let numbers: Vec<_> = lines.iter().map(u32::to_string).collect();
    format!("line{} {}", if lines.len() == 1 { "" } else { "s" }, numbers.join(", "))
}
