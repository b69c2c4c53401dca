//! Lines of a GPIO chip, through the kernel's character device (`linux/gpio.h`, version 2).
//!
//! A line belongs to one program at a time: the kernel gives it to the first that asks, and takes it
//! back when the program ends. Other systems than Linux have no such lines, and say so.
//!
//! A chip is named by its path, or by its label: kernels count chips in another order from time to time (the header of
//! a Raspberry Pi 5 was `gpiochip4` and became `gpiochip0`), and its label stays (`pinctrl-rp1`).

#[cfg(any(target_os = "linux", test))]
use std::path::Path;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Input, Outputs, look};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Input, Outputs, look};

/// Who has the lines, as `gpioinfo` shows it.
pub const CONSUMER: &str = "pilah-edge";

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

/// A chip that the machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownChip {
    /// Its path, as in `/dev/gpiochip0`.
    pub path: PathBuf,
    /// What its driver calls it, as in `pinctrl-rp1`.
    pub label: String,
}

/// What lines are like while nobody takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinesSeen {
    /// The chip that was meant.
    pub chip: KnownChip,
    /// Those that are taken, and by whom; the kernel's own by nobody.
    pub taken: Vec<(u32, String)>,
}

/// Which chip is meant: a path is one, anything else is the label of one, or the last part of its path.
///
/// # Errors
/// Why it is none, in words.
#[cfg(any(target_os = "linux", test))]
fn choose(wanted: &Path, chips: &[KnownChip]) -> Result<PathBuf, String> {
    if wanted.is_absolute() {
        return Ok(wanted.to_owned());
    }
    let is_meant =
        |chip: &&KnownChip| Path::new(&chip.label) == wanted || chip.path.file_name() == Some(wanted.as_os_str());
    let meant: Vec<_> = chips.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [chip] => Ok(chip.path.clone()),
        [] => Err(format!("no chip has this label; there are: {}", listed(chips))),
        _ => Err(format!("several chips have this label, so name one by its path: {}", listed(chips))),
    }
}

/// That a line is taken, in words.
pub(crate) fn in_use(line: u32, consumer: &str) -> String {
    let by = if consumer.is_empty() { "the kernel".to_owned() } else { format!("{consumer:?}") };
    format!("line {line} is in use by {by}; choose another, or end what uses it")
}

#[cfg(any(target_os = "linux", test))]
fn listed(chips: &[KnownChip]) -> String {
    let named: Vec<_> = chips.iter().map(|chip| format!("{} ({})", chip.path.display(), chip.label)).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_is_found_by_path_label_or_name_and_its_absence_lists_what_there_is() {
        let chip = |path: &str, label: &str| KnownChip { path: path.into(), label: label.into() };
        // As on a Raspberry Pi 5 with kernel 6.6.
        let chips = [
            chip("/dev/gpiochip4", "pinctrl-rp1"),
            chip("/dev/gpiochip10", "gpio-brcmstb@107d508500"),
            chip("/dev/gpiochip11", "twin"),
            chip("/dev/gpiochip12", "twin"),
        ];
        let chosen = |wanted: &str| choose(Path::new(wanted), &chips).map(|path| path.display().to_string());
        assert_eq!(chosen("pinctrl-rp1").as_deref(), Ok("/dev/gpiochip4"));
        assert_eq!(chosen("gpiochip10").as_deref(), Ok("/dev/gpiochip10"));
        assert_eq!(chosen("/dev/gpiochip0").as_deref(), Ok("/dev/gpiochip0"), "whether it is there is seen later");
        let error = chosen("pinctrl-bcm2711").expect_err("another machine's");
        assert!(error.starts_with("no chip has this label; there are: /dev/gpiochip4 (pinctrl-rp1), "), "{error}");
        assert!(chosen("twin").expect_err("two").contains("/dev/gpiochip12 (twin)"));
        assert_eq!(choose(Path::new("x"), &[]), Err("no chip has this label; there are: none".to_owned()));
    }
}
