//! `pilah-edge doctor`: what is wrong with an installation, and what to do. It looks at the
//! configuration, the disk, the model, the clock, the hub, the updates, the broker, the id, the camera, the flaps and whatever else
//! is wired, says one line of each, and changes nothing but files of its own that it removes.
//!
//! ```text
//! ok    disk           /var/lib/pilah-edge: 21.4 GB free
//! fail  broker         mqtt://192.0.2.1:1883: no answer within 15 s
//!                      → Is the address right, and is the broker on? Try: nc -vz 192.0.2.1 1883
//! ```
//!
//! It may run beside the bin: it connects under a name of its own, and leaves the camera and the lines alone that a
//! running bin holds. `pilah-edge check-config` looks at less of it: at what is wired, and asks nobody.

/// What does not need a network: password, disk, model, clock.
mod machine;

/// The broker, the hub, and whether another bin has this one's id.
mod network;

/// Whose word counts for updates.
mod updates;

/// What the camera sees.
mod camera;

/// What the bin moves and feels.
mod body;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use pilah_models::labels::Labels;

use crate::config::Config;
use crate::config::classes::wiring;
use crate::model_store::{ModelStore, shipped};
use crate::run::is_running;
use crate::run::twin::Note;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It works, but someone should look at it.
    Warn,
    /// The bin cannot do its work.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub words: String,
    /// What to do, unless all is well.
    pub advice: Option<String>,
}

fn ok(check: &'static str, words: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Ok, words: words.into(), advice: None }
}

fn warn(check: &'static str, words: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Warn, words: words.into(), advice: Some(advice.into()) }
}

fn fail(check: &'static str, words: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Fail, words: words.into(), advice: Some(advice.into()) }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<5} {:<14} {}", self.verdict, self.check, self.words)?;
        match &self.advice {
            Some(advice) => write!(f, "\n{:21}→ {advice}", ""),
            None => Ok(()),
        }
    }
}

/// Looks at the installation that the configuration at `path` describes; writes each finding to `out`
/// as soon as it is there, and returns the worst verdict.
///
/// # Errors
/// `out` cannot be written.
pub fn examine(path: &Path, out: &mut impl Write) -> io::Result<Verdict> {
    let mut worst = Verdict::Ok;
    let mut tell = |finding: Finding| {
        worst = worst.max(finding.verdict);
        writeln!(out, "{finding}").and_then(|()| out.flush())
    };
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(error) => {
            tell(fail(
                "configuration",
                crate::words::in_words(&error),
                "Mend the file; `pilah-edge check-config FILE` says whether it is valid.",
            ))?;
            return Ok(worst);
        }
    };
    tell(ok("configuration", format!("{}: bin {}", path.display(), config.bin)))?;
    let runs = is_running(&config.data_dir);
    let (finding, password) = machine::password(&config);
    tell(finding)?;
    tell(machine::disk(&config))?;
    let (finding, model) = machine::model(&config);
    tell(finding)?;
    for finding in machine::trial(&config) {
        tell(finding)?;
    }
    let (finding, hub_time) = network::hub(&config, password.as_ref());
    let made = model.as_ref().map(|model| model.classifier.manifest().created_at);
    tell(machine::clock(Timestamp::now(), crate::health::machine::clock_synced(), made, hub_time))?;
    tell(finding)?;
    tell(updates::updates(&config, password.as_ref(), made))?;
    tell(network::broker(&config, password.as_ref()))?;
    tell(network::identity(&config, Note::read(&config.data_dir).as_ref()))?;
    for finding in [network::largest_message(&config, password.as_ref()), network::undelivered(&config)] {
        finding.map_or(Ok(()), &mut tell)?;
    }
    tell(camera::camera(&config, runs))?;
    tell(machine::chamber(&config))?;
    let labels = model.as_ref().map(|model| &model.classifier.manifest().labels);
    let classes = body::classes(config.body.act.as_ref(), labels.ok_or_else(|| "there is none".to_owned()));
    for finding in body::body(&config, runs, true).into_iter().chain(classes) {
        tell(finding)?;
    }
    Ok(worst)
}

/// Looks at what a valid configuration names: flaps, lines, button, light, fill sensor, and the classes that the model
/// knows. What is not on this machine is a warning, for the file may be another one's; a class that the model does not
/// know fails. Only what is not well is written to `out`.
///
/// # Errors
/// `out` cannot be written.
pub fn check(config: &Config, out: &mut impl Write) -> io::Result<Verdict> {
    let runs = is_running(&config.data_dir);
    let labels = wiring(config.body.act.as_ref()).ok_or_else(String::new).and_then(|_| labels_of_model(config));
    let machine = body::body(config, runs, false).into_iter().map(|finding| match finding.verdict {
        Verdict::Fail => Finding { verdict: Verdict::Warn, ..finding },
        Verdict::Ok | Verdict::Warn => finding,
    });
    let mut worst = Verdict::Ok;
    let all = body::classes(config.body.act.as_ref(), labels.as_ref().map_err(Clone::clone)).into_iter().chain(machine);
    for finding in all.filter(|finding| finding.verdict != Verdict::Ok) {
        worst = worst.max(finding.verdict);
        writeln!(out, "{finding}")?;
    }
    Ok(worst)
}

/// The classes of the model that the bin begins with.
fn labels_of_model(config: &Config) -> Result<Labels, String> {
    let shipped = shipped::bundle(config.bundle.as_deref()).map_err(|error| error.to_string())?;
    let found = ModelStore::new(config.data_dir.join("models"), shipped).find(|_| {});
    let model = found.map_err(|error| crate::words::in_words(&error))?;
    Ok(model.classifier.manifest().labels.clone())
}

#[cfg(test)]
mod tests;
