//! Lines on Linux.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gpiocdev::line::{Bias, EdgeDetection, Value, Values};
use gpiocdev::{Chip, Request};

use super::{CONSUMER, GpioError, KnownChip, LinesSeen, choose, in_use, listed};

/// A contact that closes or opens bounces for some milliseconds.
const DEBOUNCE: Duration = Duration::from_millis(30);

/// Lines that are switched together.
#[derive(Debug)]
pub struct Outputs {
    request: Request,
    chip: PathBuf,
    lines: Vec<u32>,
}

impl Outputs {
    /// Takes lines, and switches them off.
    ///
    /// # Errors
    /// [`GpioError`]: there is no such chip or line, it may not be used, or another program has it.
    pub fn request(chip: &Path, lines: &[u32], active_low: bool) -> Result<Self, GpioError> {
        let path = find(chip, lines)?;
        let mut builder = Request::builder();
        builder.on_chip(&path).with_consumer(CONSUMER).with_lines(lines).as_output(Value::Inactive);
        if active_low {
            builder.as_active_low();
        }
        let request = builder.request().map_err(|error| explain(chip, &path, lines, &error))?;
        Ok(Self { request, chip: chip.to_owned(), lines: lines.to_vec() })
    }

    /// Switches line `i` on if bit `i` of `pattern` is set, and off otherwise, all in one call.
    ///
    /// # Errors
    /// [`GpioError`]: the chip has gone.
    pub fn set(&self, pattern: u32) -> Result<(), GpioError> {
        let mut values = Values::default();
        for (bit, line) in self.lines.iter().enumerate() {
            let on = pattern.checked_shr(bit as u32).unwrap_or(0) & 1 == 1;
            values.set(*line, if on { Value::Active } else { Value::Inactive });
        }
        self.request.set_values(&values).map_err(|error| gone(&self.chip, &self.lines, &error))
    }
}

/// A line that is watched for the moment in which it is switched on.
#[derive(Debug)]
pub struct Input {
    request: Request,
    chip: PathBuf,
    line: u32,
}

impl Input {
    /// Takes a line that a contact pulls to ground, or, if it is not `active_low`, to the supply; the
    /// chip's own resistor, if it has one, pulls it the other way.
    ///
    /// # Errors
    /// As [`Outputs::request`].
    pub fn request(chip: &Path, line: u32, active_low: bool) -> Result<Self, GpioError> {
        let path = find(chip, &[line])?;
        let mut builder = Request::builder();
        builder
            .on_chip(&path)
            .with_consumer(CONSUMER)
            .with_line(line)
            .as_input()
            .with_bias(if active_low { Bias::PullUp } else { Bias::PullDown })
            .with_edge_detection(EdgeDetection::RisingEdge)
            .with_debounce_period(DEBOUNCE);
        if active_low {
            builder.as_active_low();
        }
        let request = builder.request().map_err(|error| explain(chip, &path, &[line], &error))?;
        Ok(Self { request, chip: chip.to_owned(), line })
    }

    /// Waits until it is switched on, or `patience` is over. Tells whether it was.
    ///
    /// # Errors
    /// [`GpioError`]: the chip has gone.
    pub fn wait(&self, patience: Duration) -> Result<bool, GpioError> {
        let waited = self.request.wait_edge_event(patience).and_then(|there| {
            if there {
                self.request.read_edge_event()?;
            }
            Ok(there)
        });
        waited.map_err(|error| gone(&self.chip, &[self.line], &error))
    }
}

/// What lines are like. None is taken, and nothing moves.
///
/// # Errors
/// [`GpioError`]: there is no such chip or line, or it may not be used.
pub fn look(chip: &Path, lines: &[u32]) -> Result<LinesSeen, GpioError> {
    let path = find(chip, lines)?;
    let failed = |problem| GpioError { chip: chip.to_owned(), lines: lines.to_vec(), problem };
    let opened = open(&path, lines).map_err(failed)?;
    let label = opened.info().map(|info| info.label).unwrap_or_default();
    let taken = |line: &u32| opened.line_info(*line).ok().filter(|info| info.used).map(|info| (*line, info.consumer));
    Ok(LinesSeen { chip: KnownChip { path, label }, taken: lines.iter().filter_map(taken).collect() })
}

/// The path of the chip that is meant.
fn find(chip: &Path, lines: &[u32]) -> Result<PathBuf, GpioError> {
    let chips = if chip.is_absolute() { Vec::new() } else { chips() };
    choose(chip, &chips).map_err(|problem| GpioError { chip: chip.to_owned(), lines: lines.to_vec(), problem })
}

/// The chips of this machine that can be looked at.
fn chips() -> Vec<KnownChip> {
    let paths = gpiocdev::chip::chips().unwrap_or_default();
    let label = |path: &Path| Chip::from_path(path).and_then(|chip| chip.info()).map(|info| info.label);
    paths.into_iter().map(|path| KnownChip { label: label(&path).unwrap_or_default(), path }).collect()
}

/// Lines that were ours and cannot be used any more.
fn gone(path: &Path, lines: &[u32], error: &gpiocdev::Error) -> GpioError {
    GpioError { chip: path.to_owned(), lines: lines.to_vec(), problem: error.to_string() }
}

/// Why lines are not given to us, in words that help: the kernel says no more than a number.
fn explain(chip: &Path, path: &Path, lines: &[u32], error: &gpiocdev::Error) -> GpioError {
    let problem = reason(path, lines).unwrap_or_else(|| error.to_string());
    GpioError { chip: chip.to_owned(), lines: lines.to_vec(), problem }
}

fn reason(path: &Path, lines: &[u32]) -> Option<String> {
    let chip = match open(path, lines) {
        Ok(chip) => chip,
        Err(problem) => return Some(problem),
    };
    let taken = lines.iter().filter_map(|line| chip.line_info(*line).ok()).find(|info| info.used)?;
    Some(in_use(taken.offset, &taken.consumer))
}

/// Opens a chip that has these lines.
///
/// # Errors
/// Why there is none, in words.
fn open(path: &Path, lines: &[u32]) -> Result<Chip, String> {
    match std::fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!("there is no such chip; there are: {}", listed(&chips())));
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let words = "permission denied; add the user of pilah-edge to the group that owns it, mostly \"gpio\"";
            return Err(words.to_owned());
        }
        Err(error) => return Err(error.to_string()),
        Ok(_) => {}
    }
    let chip = Chip::from_path(path).map_err(|error| error.to_string())?;
    let count = chip.info().map_err(|error| error.to_string())?.num_lines;
    match lines.iter().find(|line| **line >= count) {
        Some(line) => Err(format!("there is no line {line}: the chip has {count}, from 0")),
        None => Ok(chip),
    }
}
