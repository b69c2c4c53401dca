//! Which line, or which number on a few lines, opens which flap.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pilah_models::name::Label;

use super::gpio::Outputs;
use super::{ActError, Drive, Flap};

/// The lines that move flaps. Both ways of wiring are the same here: a flap is open while its pattern is
/// on the lines, and all are closed while every line is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The chip, as in `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The lines, at most 32; the first is bit 0 of a pattern.
    pub lines: Vec<u32>,
    /// Whether a line is on when it is at 0 volt.
    pub active_low: bool,
    /// What opens the flap of a class. Never 0.
    pub patterns: BTreeMap<Label, u32>,
    /// What opens the flap of the rest, and of classes that have none.
    pub rest: Option<u32>,
}

impl Wiring {
    /// What opens a flap; `None` if there is none for such items.
    #[must_use]
    pub fn pattern(&self, flap: &Flap) -> Option<u32> {
        match flap {
            Flap::Class(label) => self.patterns.get(label).copied().or(self.rest),
            Flap::Rest => self.rest,
        }
    }
}

/// Flaps on GPIO lines. The lines are asked for when they are first needed, and again after an error.
#[derive(Debug)]
pub struct Wired {
    wiring: Wiring,
    outputs: Option<Outputs>,
}

impl Wired {
    /// Flaps wired like this.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { wiring, outputs: None }
    }

    fn set(&mut self, pattern: u32) -> Result<(), ActError> {
        let outputs = match self.outputs.take() {
            Some(outputs) => outputs,
            None => Outputs::request(&self.wiring.chip, &self.wiring.lines, self.wiring.active_low)?,
        };
        outputs.set(pattern)?;
        self.outputs = Some(outputs);
        Ok(())
    }
}

impl Drive for Wired {
    fn has(&self, flap: &Flap) -> bool {
        self.wiring.pattern(flap).is_some()
    }

    fn open(&mut self, flap: &Flap) -> Result<(), ActError> {
        self.set(self.wiring.pattern(flap).unwrap_or(0))
    }

    fn close(&mut self) -> Result<(), ActError> {
        self.set(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> Flap {
        Flap::Class(Label::new(name).expect("valid"))
    }

    #[test]
    fn a_class_without_a_flap_goes_to_the_rest_if_there_is_one() {
        let glass = Label::new("glass").expect("valid");
        let wiring = |rest| Wiring {
            chip: "/dev/gpiochip0".into(),
            lines: vec![17, 27],
            active_low: false,
            patterns: BTreeMap::from([(glass.clone(), 1)]),
            rest,
        };
        let cases = [
            (class("glass"), Some(2), Some(1)),
            (class("metal"), Some(2), Some(2)),
            (Flap::Rest, Some(2), Some(2)),
            (class("glass"), None, Some(1)),
            (class("metal"), None, None),
            (Flap::Rest, None, None),
        ];
        for (flap, rest, expected) in cases {
            assert_eq!(wiring(rest).pattern(&flap), expected, "{flap} with {rest:?}");
            assert_eq!(Wired::new(wiring(rest)).has(&flap), expected.is_some());
        }
    }

    #[test]
    fn a_chip_that_is_not_there_is_named_with_what_to_do() {
        let wiring = Wiring {
            chip: "/dev/gpiochip-none".into(),
            lines: vec![17],
            active_low: false,
            patterns: BTreeMap::new(),
            rest: Some(1),
        };
        let error = Wired::new(wiring).open(&Flap::Rest).expect_err("there is no such chip").to_string();
        assert!(error.starts_with("GPIO line 17 of /dev/gpiochip-none: "), "{error}");
    }
}
