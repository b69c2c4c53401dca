//! What a new model has to go through: `[updates.probation]`.

use std::time::Duration;

use serde::Deserialize;

use super::{Wrong, within};
use crate::model_store::standing::StandingRules;
use crate::model_store::starts::StartRules;
use crate::model_store::trial::ProbationRules;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProbation {
    enabled: bool,
    items: u64,
    minutes: f64,
    longest_hours: f64,
    unsure: f64,
    latency: f64,
    crashes: u32,
    healthy_minutes: f64,
}

impl Default for RawProbation {
    fn default() -> Self {
        let (rules, starts) = (ProbationRules::default(), StartRules::default());
        Self {
            enabled: true,
            items: rules.items,
            minutes: rules.time.as_secs_f64() / 60.0,
            longest_hours: rules.longest.as_secs_f64() / 3600.0,
            unsure: rules.unsure,
            latency: rules.latency,
            crashes: starts.most,
            healthy_minutes: starts.healthy_after.as_secs_f64() / 60.0,
        }
    }
}

impl RawProbation {
    pub(super) fn check(self) -> Result<StandingRules, Wrong> {
        let time = |key: &str, value: f64, seconds: f64, most: f64| {
            within(key, value, 0.0, most).map(|value| Duration::from_secs_f64(value * seconds))
        };
        let rules = ProbationRules {
            items: within("updates.probation.items", self.items, 1, 10_000)?,
            time: time("updates.probation.minutes", self.minutes, 60.0, 100_000.0)?,
            longest: time("updates.probation.longest_hours", self.longest_hours, 3600.0, 10_000.0)?,
            unsure: within("updates.probation.unsure", self.unsure, 0.05, 1.0)?,
            latency: within("updates.probation.latency", self.latency, 0.0, 1000.0)?,
        };
        let starts = StartRules {
            most: within("updates.probation.crashes", self.crashes, 0, 100)?,
            healthy_after: time("updates.probation.healthy_minutes", self.healthy_minutes, 60.0, 1000.0)?,
        };
        Ok(StandingRules { probation: self.enabled.then_some(rules), starts })
    }
}
