//! What the bin moves and feels: flaps, button, light, fill sensor. Nothing moves, and no line is taken: a bin that
//! runs keeps what it has, and one that does not stays closed.

use std::path::Path;
use std::time::Instant;

use pilah_models::labels::Labels;

use super::{Finding, fail, ok, warn};
use crate::act::gpio::{self, CONSUMER, GpioError, LinesSeen, in_use};
use crate::act::hook::Hook;
use crate::act::{ActConfig, By};
use crate::config::Config;
use crate::config::classes::Fit;
use crate::fill::source::Polled;
use crate::fill::{FillConfig, From, Gauge};
use crate::program;

/// Whether lines can be had that are looked at by this.
type Look = fn(&Path, &[u32]) -> Result<LinesSeen, GpioError>;

/// Looks at all that the configuration names. `runs`: the bin does, and has its lines. `asks`: the sensor may be asked.
pub(super) fn body(config: &Config, runs: bool, asks: bool) -> Vec<Finding> {
    let body = &config.body;
    let button = body.button.as_ref().map(|button| lines("button", &button.chip, &[button.line], runs, gpio::look));
    let light = body.light.as_ref().map(|light| lines("light", &light.chip, &[light.line], runs, gpio::look));
    let parts = [body.act.as_ref().map(|act| flaps(act, runs)), button, light];
    parts.into_iter().flatten().chain(config.fill.as_ref().map(|fill| level(fill, asks))).collect()
}

/// Whether the model knows the classes that flaps are for; `None` where no line moves a flap.
pub(super) fn classes(act: Option<&ActConfig>, labels: Result<&Labels, String>) -> Option<Finding> {
    const CHECK: &str = "classes";
    crate::config::classes::wiring(act)?;
    let labels = match labels {
        Ok(labels) => labels,
        Err(why) => return Some(warn(CHECK, format!("not compared with the model: {why}"), "See above.")),
    };
    let Fit { unknown, without_flap } = Fit::of(act, labels);
    if !unknown.is_empty() {
        let words: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        let advice = "Write the class as the model does in act.lines or act.codes: its flap never opens otherwise.";
        return Some(fail(CHECK, words.join("; "), advice));
    }
    if !without_flap.is_empty() {
        let names: Vec<_> = without_flap.iter().map(|label| label.as_str()).collect();
        let words = format!("no flap opens for {}", names.join(", "));
        return Some(warn(CHECK, words, "Give them lines, or name a line for all others as act.rest."));
    }
    Some(ok(CHECK, "there is a flap for each class of the model"))
}

fn flaps(act: &ActConfig, runs: bool) -> Finding {
    const CHECK: &str = "flaps";
    match &act.by {
        By::Lines(wiring) => lines(CHECK, &wiring.chip, &wiring.lines, runs, gpio::look),
        By::Program(Hook { command, .. }) => match program::locate(command.first().map_or("", String::as_str)) {
            Ok(path) => ok(CHECK, format!("moved by {}", path.display())),
            Err(why) => fail(CHECK, why, "Install it, or name its whole path as the first word of act.command."),
        },
    }
}

fn lines(check: &'static str, chip: &Path, lines: &[u32], runs: bool, look: Look) -> Finding {
    let seen = match look(chip, lines) {
        Ok(seen) => seen,
        Err(error) => {
            let advice = "`gpioinfo` lists chips and lines. The chip of the pins is pinctrl-rp1 on a Raspberry Pi 5, \
                          pinctrl-bcm2711 on a 4, pinctrl-bcm2835 before: write that as gpio.chip.";
            return fail(check, error.to_string(), advice);
        }
    };
    let LinesSeen { chip: found, taken } = &seen;
    // What the bin itself has is well.
    if let Some((line, consumer)) = taken.iter().find(|(_, consumer)| !(runs && consumer == CONSUMER)) {
        let words = format!("{}: {}", chip.display(), in_use(*line, consumer));
        let advice =
            "If it is SPI, I²C or a serial port that has it, switch that off (raspi-config), or use another line.";
        return fail(check, words, advice);
    }
    let numbers: Vec<_> = lines.iter().map(u32::to_string).collect();
    let state = if taken.is_empty() { "free" } else { "held by the bin that runs" };
    let words =
        format!("{} {} of {} ({}): {state}", noun(lines), numbers.join(", "), found.path.display(), found.label);
    ok(check, words)
}

fn noun(lines: &[u32]) -> &'static str {
    if lines.len() == 1 { "line" } else { "lines" }
}

fn level(fill: &FillConfig, asks: bool) -> Finding {
    const CHECK: &str = "fill sensor";
    let sensor = match &fill.from {
        From::Topic(topic) => {
            return ok(CHECK, format!("told on the topic {topic}; what comes there is seen while the bin runs"));
        }
        From::Polled(sensor) => sensor,
    };
    if let Polled::Program(command) = sensor
        && let Err(why) = program::locate(command.first().map_or("", String::as_str))
    {
        return fail(CHECK, why, "Install it, or name its whole path as the first word of fill.command.");
    }
    if !asks {
        return ok(CHECK, "not asked");
    }
    let mut gauge = Gauge::new(fill.clone());
    let now = Instant::now();
    let taken = sensor
        .ask()
        .map_err(|error| crate::words::in_words(&error))
        .and_then(|text| gauge.handle_text(&text, now).map_err(|error| error.to_string()));
    match (taken, gauge.level(now)) {
        (Ok(()), Some(level)) => ok(CHECK, format!("{:.0} % full", level * 100.0)),
        (Ok(()), None) => fail(CHECK, "it says nothing", "See [fill] in the configuration."),
        (Err(why), _) => fail(
            CHECK,
            why,
            "Is the sensor on, and do fill.pointer, fill.empty and fill.full fit what it says? The bin works without it.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::act::gpio::KnownChip;

    fn seen(taken: &[(u32, &str)]) -> Result<LinesSeen, GpioError> {
        let chip = KnownChip { path: "/dev/gpiochip4".into(), label: "pinctrl-rp1".into() };
        Ok(LinesSeen { chip, taken: taken.iter().map(|(line, by)| (*line, (*by).to_owned())).collect() })
    }

    #[test]
    fn lines_are_judged_by_who_has_them() {
        let chip = Path::new("pinctrl-rp1");
        let cases: [(Look, bool, Verdict, &str); 6] = [
            (|_, _| seen(&[]), false, Verdict::Ok, "lines 17, 27 of /dev/gpiochip4 (pinctrl-rp1): free"),
            (|_, _| seen(&[(17, CONSUMER)]), true, Verdict::Ok, "held by the bin that runs"),
            (|_, _| seen(&[(17, CONSUMER)]), false, Verdict::Fail, "line 17 is in use by \"pilah-edge\""),
            (
                |_, _| seen(&[(17, CONSUMER), (27, "spi0 CS0")]),
                true,
                Verdict::Fail,
                "line 27 is in use by \"spi0 CS0\"",
            ),
            (|_, _| seen(&[(27, "")]), false, Verdict::Fail, "line 27 is in use by the kernel"),
            (gpio::look, false, Verdict::Fail, "GPIO lines 17, 27 of pinctrl-rp1: "),
        ];
        for (look, runs, expected, words) in cases {
            let finding = lines("flaps", chip, &[17, 27], runs, look);
            assert_eq!(finding.verdict, expected, "{finding}");
            assert!(finding.words.contains(words), "{finding}");
        }
    }
}
