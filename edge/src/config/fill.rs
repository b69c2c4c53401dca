//! Where the fill level comes from: `[fill]`.

use pilah_models::wire::topic;
use serde::Deserialize;

use super::{Wrong, seconds, wrong};
use crate::fill::source::Polled;
use crate::fill::{FillConfig, From};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawFrom {
    #[default]
    Nothing,
    Program,
    Http,
    Mqtt,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFill {
    from: RawFrom,
    command: Option<Vec<String>>,
    url: Option<String>,
    topic: Option<String>,
    pointer: String,
    every_s: f64,
    empty: f64,
    full: f64,
}

impl Default for RawFill {
    fn default() -> Self {
        Self {
            from: RawFrom::default(),
            command: None,
            url: None,
            topic: None,
            pointer: String::new(),
            every_s: 60.0,
            empty: 0.0,
            full: 100.0,
        }
    }
}

impl RawFill {
    pub(super) fn check(self) -> Result<Option<FillConfig>, Wrong> {
        let every = seconds("fill.every_s", self.every_s, 1.0, 86_400.0)?;
        if !self.empty.is_finite() || !self.full.is_finite() || self.empty == self.full {
            return Err(wrong("fill.full", self.full, "it must be a number other than fill.empty"));
        }
        if !self.pointer.is_empty() && !self.pointer.starts_with('/') {
            return Err(wrong("fill.pointer", self.pointer, "a JSON pointer begins with /, as in /sensor/0"));
        }
        let given = [
            ("command", self.command.is_some(), RawFrom::Program, "program"),
            ("url", self.url.is_some(), RawFrom::Http, "http"),
            ("topic", self.topic.is_some(), RawFrom::Mqtt, "mqtt"),
        ];
        for (key, is_given, from, name) in given {
            if is_given && self.from != from {
                return Err(wrong("fill.from", self.from, format!("fill.{key} is of use only with {name:?}")));
            }
        }
        let from = match self.from {
            RawFrom::Nothing => return Ok(None),
            RawFrom::Program => match self.command {
                Some(command) if command.first().is_some_and(|program| !program.is_empty()) => {
                    From::Polled(Polled::Program(command))
                }
                other => {
                    return Err(wrong(
                        "fill.command",
                        other.unwrap_or_default(),
                        "name a program, as in [\"/usr/local/bin/fill\"]",
                    ));
                }
            },
            RawFrom::Http => match self.url {
                Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                    From::Polled(Polled::Http(url))
                }
                other => {
                    return Err(wrong("fill.url", other.unwrap_or_default(), "it must begin with http:// or https://"));
                }
            },
            RawFrom::Mqtt => From::Topic(own_topic(self.topic)?),
        };
        Ok(Some(FillConfig { from, pointer: self.pointer, every, empty: self.empty, full: self.full }))
    }
}

fn own_topic(given: Option<String>) -> Result<String, Wrong> {
    let problem = match given.as_deref() {
        None | Some("") => "name the topic on which the sensor publishes",
        Some(topic) if topic.contains(['#', '+', '\0']) => "it must be one topic, without # and +",
        Some(topic) if topic.starts_with(topic::ROOT) => "the topics of Pilah carry no sensors",
        Some(topic) => return Ok(topic.to_owned()),
    };
    Err(wrong("fill.topic", given.unwrap_or_default(), problem))
}
