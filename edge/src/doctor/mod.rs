//! `pilah-edge doctor`: what is wrong with an installation, and what to do. It looks at the
//! configuration, the disk, the model, the clock, the hub, the broker, the id and the camera, says one line of
//! each, and changes nothing but a file of its own that it removes.
//!
//! ```text
//! ok    disk           /var/lib/pilah-edge: 21.4 GB free
//! fail  broker         mqtt://192.0.2.1:1883: no answer within 15 s
//!                      → Is the address right, and is the broker on? Try: nc -vz 192.0.2.1 1883
//! ```
//!
//! It may run beside the bin: it connects under a name of its own, and leaves the camera alone that a
//! running bin holds.

/// What does not need a network: password, disk, model, clock.
mod machine;

/// The broker, the hub, and whether another bin has this one's id.
mod network;

/// What the camera sees.
mod camera;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::config::Config;
use crate::run::twin::Note;
use crate::run::{RunError, lock};

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
                crate::in_words(&error),
                "Mend the file; `pilah-edge check-config FILE` says whether it is valid.",
            ))?;
            return Ok(worst);
        }
    };
    tell(ok("configuration", format!("{}: bin {}", path.display(), config.bin)))?;
    let runs = matches!(lock(&config.data_dir), Err(RunError::InUse(_)));
    let (finding, password) = machine::password(&config);
    tell(finding)?;
    tell(machine::disk(&config))?;
    let (finding, model) = machine::model(&config);
    tell(finding)?;
    let (finding, hub_time) = network::hub(&config, password.as_ref());
    let made = model.map(|model| model.classifier.manifest().created_at);
    tell(machine::clock(Timestamp::now(), crate::health::machine::clock_synced(), made, hub_time))?;
    tell(finding)?;
    tell(network::broker(&config, password.as_ref()))?;
    tell(network::identity(&config, Note::read(&config.data_dir).as_ref()))?;
    tell(camera::camera(&config, runs))?;
    Ok(worst)
}

#[cfg(test)]
mod tests;
