//! What the gate asks for, from the file `gate.toml` in the data folder; what is left out, or the whole
//! file if there is none, has its default.
//!
//! ```toml
//! significance = 0.05        # below this chance, a loss does not count as chance
//! margin = 0.005             # by what share of the test images a model may fall behind and still pass
//! require_better = false     # whether a model must label more images right than the one in service
//! calibration_error = 0.1    # how far confidence and accuracy may lie apart, 0 to 1
//! latency_ms = 250.0         # median time for an image on the hub's machine
//! megabytes = 64.0           # size of backbone and head as one file, in 10^6 bytes
//! ```
//!
//! It lies with the data, so that the hub, its workers and the commands judge alike.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The file's name in the data folder.
pub const FILE: &str = "gate.toml";

/// What a model must be to go into service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateRules {
    /// A loss against the model in service, over all or in one class, does not count as chance below this
    /// probability; above 0, at most 0.5.
    pub significance: f64,
    /// By what share of the test images a model may fall behind and still count as equal, 0 to 1. With so few
    /// images that this is less than one, it may not fall behind at all.
    pub margin: f64,
    /// Whether it must label more images right than the model in service, not just as many.
    pub require_better: bool,
    /// The largest expected calibration error, 0 to 1, unless chance explains it.
    pub calibration_error: f64,
    /// The largest median time for an image on the hub's machine, in milliseconds.
    pub latency_ms: f64,
    /// The largest size of backbone and head as one file, in millions of bytes.
    pub megabytes: f64,
}

impl Default for GateRules {
    /// A bin has about a quarter of a server's speed and a second for an item, hence 250 ms.
    fn default() -> Self {
        Self {
            significance: 0.05,
            margin: 0.005,
            require_better: false,
            calibration_error: 0.1,
            latency_ms: 250.0,
            megabytes: 64.0,
        }
    }
}

/// Rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It is no TOML, or has a key that is not known.
    #[error("{} cannot be used", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("{}: {key} is {value}; it must be {range}", path.display())]
    Range {
        /// The file.
        path: PathBuf,
        /// Which.
        key: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
}

impl GateRules {
    /// The rules that the text of the file says, with defaults for what it leaves out; `path` is for errors alone.
    ///
    /// # Errors
    /// [`RulesError`], which names the file and the key.
    pub fn parse(text: &str, path: &Path) -> Result<Self, RulesError> {
        let path = path.to_owned();
        let rules: Self = match toml::from_str(text) {
            Ok(rules) => rules,
            Err(source) => return Err(RulesError::Malformed { path, source: Box::new(source) }),
        };
        match rules.out_of_range() {
            None => Ok(rules),
            Some((key, value, range)) => Err(RulesError::Range { path, key, value, range }),
        }
    }

    fn out_of_range(&self) -> Option<(&'static str, f64, &'static str)> {
        let share = |x: f64| (0.0..=1.0).contains(&x);
        [
            (
                "significance",
                self.significance,
                self.significance > 0.0 && self.significance <= 0.5,
                "above 0 and at most 0.5",
            ),
            ("margin", self.margin, share(self.margin), "0 to 1"),
            ("calibration_error", self.calibration_error, share(self.calibration_error), "0 to 1"),
            ("latency_ms", self.latency_ms, self.latency_ms > 0.0 && self.latency_ms.is_finite(), "above 0"),
            ("megabytes", self.megabytes, self.megabytes > 0.0 && self.megabytes.is_finite(), "above 0"),
        ]
        .into_iter()
        .find(|(_, _, is_in_range, _)| !is_in_range)
        .map(|(key, value, _, range)| (key, value, range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GateRules, RulesError> {
        GateRules::parse(text, Path::new(FILE))
    }

    /// An error with its source.
    fn in_words(error: &RulesError) -> String {
        let source = std::error::Error::source(error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(read("").expect("nothing is no error"), GateRules::default());
        let rules = read("margin = 0.02\nrequire_better = true").expect("valid");
        assert_eq!(rules, GateRules { margin: 0.02, require_better: true, ..GateRules::default() });
    }

    #[test]
    fn the_file_and_the_key_are_named() {
        let cases = [
            ("margin = 2.0", "margin is 2; it must be 0 to 1"),
            ("significance = 0.0", "significance is 0; it must be above 0"),
            ("latency_ms = nan", "latency_ms is NaN"),
            ("latency = 3.0", "unknown field `latency`"),
            ("margin = \"small\"", "margin"),
            ("margin", "gate.toml"),
        ];
        for (text, expected) in cases {
            let error = read(text).expect_err(text);
            let words = in_words(&error);
            assert!(words.contains(expected) && words.contains(FILE), "{text}: {words}");
        }
    }

    #[test]
    fn the_documented_file_is_the_default() {
        let essay = include_str!("rules.rs");
        let inside = essay.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        let text: String = inside.lines().map(|line| line.trim_start_matches("//!")).collect::<Vec<_>>().join("\n");
        assert_eq!(read(&text).expect("valid"), GateRules::default());
    }
}
