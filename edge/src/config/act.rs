//! What the bin moves, and the button, the light and the lines of its body: `[act]` and `[gpio]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use pilah_models::name::Label;
use serde::Deserialize;

use super::{Wrong, seconds, within, wrong};
use crate::act::button::Button;
use crate::act::hook::Hook;
use crate::act::interlock::Pulse;
use crate::act::light::Light;
use crate::act::wiring::Wiring;
use crate::act::{ActConfig, BodyConfig, By};

/// The highest line of a chip that is believed.
const HIGHEST_LINE: u32 = 1023;

/// A pattern has this many bits.
const MOST_LINES: usize = 32;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawGpio {
    chip: PathBuf,
    active_low: bool,
    button: Option<u32>,
    button_active_low: bool,
    light: Option<u32>,
}

impl Default for RawGpio {
    fn default() -> Self {
        Self { chip: "/dev/gpiochip0".into(), active_low: false, button: None, button_active_low: true, light: None }
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawBy {
    #[default]
    Nothing,
    Lines,
    Code,
    Program,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAct {
    by: RawBy,
    lines: Option<BTreeMap<Label, u32>>,
    code_lines: Option<Vec<u32>>,
    codes: Option<BTreeMap<Label, u32>>,
    rest: Option<u32>,
    command: Option<Vec<String>>,
    open_s: f64,
    pause_s: f64,
    limit_s: f64,
}

impl Default for RawAct {
    fn default() -> Self {
        Self {
            by: RawBy::default(),
            lines: None,
            code_lines: None,
            codes: None,
            rest: None,
            command: None,
            open_s: 1.5,
            pause_s: 0.3,
            limit_s: 10.0,
        }
    }
}

pub(super) fn check(gpio: RawGpio, act: RawAct) -> Result<BodyConfig, Wrong> {
    let is_label = gpio.chip.components().count() == 1;
    if !(gpio.chip.is_absolute() || is_label) {
        let problem = "it must be a path, as in /dev/gpiochip0, or the label of a chip, as in pinctrl-rp1";
        return Err(wrong("gpio.chip", gpio.chip, problem));
    }
    for (key, line) in [("gpio.button", gpio.button), ("gpio.light", gpio.light)] {
        line.map(|line| within(key, line, 0, HIGHEST_LINE)).transpose()?;
    }
    let act = act.check(&gpio)?;
    let mut taken: BTreeMap<u32, &str> = BTreeMap::new();
    let flaps = match &act {
        Some(ActConfig { by: By::Lines(wiring), .. }) => wiring.lines.as_slice(),
        _ => &[],
    };
    let others = [("gpio.button", gpio.button), ("gpio.light", gpio.light)];
    let all = flaps.iter().map(|line| ("act", *line)).chain(others.iter().filter_map(|(k, l)| Some((*k, (*l)?))));
    for (key, line) in all {
        if let Some(other) = taken.insert(line, key) {
            return Err(wrong(key, line, format!("line {line} has another use already, in {other}")));
        }
    }
    let RawGpio { chip, active_low, button_active_low, .. } = gpio;
    Ok(BodyConfig {
        act,
        button: gpio.button.map(|line| Button { chip: chip.clone(), line, active_low: button_active_low }),
        light: gpio.light.map(|line| Light { chip, line, active_low }),
    })
}

impl RawAct {
    fn check(self, gpio: &RawGpio) -> Result<Option<ActConfig>, Wrong> {
        let pulse = Pulse {
            open: seconds("act.open_s", self.open_s, 0.01, 60.0)?,
            pause: seconds("act.pause_s", self.pause_s, 0.0, 60.0)?,
        };
        let limit = seconds("act.limit_s", self.limit_s, 0.1, 600.0)?;
        self.only_what_is_of_use()?;
        let by = match self.by {
            RawBy::Nothing => return Ok(None),
            RawBy::Lines => By::Lines(self.one_line_each(gpio)?),
            RawBy::Code => By::Lines(self.binary_code(gpio)?),
            RawBy::Program => By::Program(self.hook(limit)?),
        };
        // A program takes its own time, and closes what it opened.
        let pulse = if matches!(by, By::Program(_)) { Pulse { open: Duration::ZERO, ..pulse } } else { pulse };
        Ok(Some(ActConfig { by, pulse }))
    }

    fn only_what_is_of_use(&self) -> Result<(), Wrong> {
        let keys: [(&str, bool, &[RawBy]); 5] = [
            ("lines", self.lines.is_some(), &[RawBy::Lines]),
            ("code_lines", self.code_lines.is_some(), &[RawBy::Code]),
            ("codes", self.codes.is_some(), &[RawBy::Code]),
            ("rest", self.rest.is_some(), &[RawBy::Lines, RawBy::Code]),
            ("command", self.command.is_some(), &[RawBy::Program]),
        ];
        for (key, given, of_use) in keys {
            if given && !of_use.contains(&self.by) {
                let with: Vec<_> = of_use.iter().map(|by| format!("act.by = {:?}", by.name())).collect();
                let by =
                    wrong("act.by", self.by.name(), format!("act.{key} is of use only with {}", with.join(" or ")));
                return Err(by);
            }
        }
        Ok(())
    }

    fn one_line_each(self, gpio: &RawGpio) -> Result<Wiring, Wrong> {
        let Some(by_class) = self.lines.filter(|lines| !lines.is_empty()) else {
            return Err(wrong("act.lines", "nothing", "name a line for each class, as in { glass = 17 }"));
        };
        let mut lines: Vec<u32> = by_class.values().copied().chain(self.rest).collect();
        lines.sort_unstable();
        lines.dedup();
        // Classes may share a flap: their line is then the same.
        let bit = |line: u32| 1 << lines.iter().position(|known| *known == line).unwrap_or_default();
        let patterns = by_class.into_iter().map(|(label, line)| (label, bit(line))).collect();
        let rest = self.rest.map(bit);
        wiring(gpio, "act.lines", lines, patterns, rest)
    }

    fn binary_code(self, gpio: &RawGpio) -> Result<Wiring, Wrong> {
        let lines = self.code_lines.unwrap_or_default();
        let Some(codes) = self.codes.filter(|codes| !codes.is_empty()) else {
            return Err(wrong("act.codes", "nothing", "give each class its number, as in { glass = 1 }"));
        };
        let highest = 1_u32.checked_shl(lines.len() as u32).map_or(u32::MAX, |beyond| beyond - 1);
        for (key, code) in
            codes.values().map(|code| ("act.codes", *code)).chain(self.rest.map(|rest| ("act.rest", rest)))
        {
            if code == 0 || code > highest {
                let words = format!("with {} code_lines it must be from 1 to {highest}; 0 opens nothing", lines.len());
                return Err(wrong(key, code, words));
            }
        }
        let mut sorted = lines.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(wrong("act.code_lines", &lines, "each bit needs a line of its own"));
        }
        wiring(gpio, "act.code_lines", lines, codes, self.rest)
    }

    fn hook(self, limit: Duration) -> Result<Hook, Wrong> {
        match self.command {
            Some(command) if command.first().is_some_and(|program| !program.is_empty()) => Ok(Hook { command, limit }),
            other => {
                Err(wrong("act.command", other.unwrap_or_default(), "name a program, as in [\"/usr/local/bin/flap\"]"))
            }
        }
    }
}

impl RawBy {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Lines => "lines",
            Self::Code => "code",
            Self::Program => "program",
        }
    }
}

fn wiring(
    gpio: &RawGpio,
    key: &str,
    lines: Vec<u32>,
    patterns: BTreeMap<Label, u32>,
    rest: Option<u32>,
) -> Result<Wiring, Wrong> {
    if lines.len() > MOST_LINES {
        return Err(wrong(key, lines.len(), format!("at most {MOST_LINES} lines can be switched together")));
    }
    for line in &lines {
        within(key, *line, 0, HIGHEST_LINE)?;
    }
    Ok(Wiring { chip: gpio.chip.clone(), lines, active_low: gpio.active_low, patterns, rest })
}
