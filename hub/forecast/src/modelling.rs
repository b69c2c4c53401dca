//! How trend and seasons are to be modelled, in the same words in forms, in questions and on the command line.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::prophet::{self, Growth};

/// The largest number that is believed.
const LARGEST: f64 = 1e12;

/// A part of what is asked that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} is {value}, and must be {allowed}")]
pub struct OutOfRange {
    /// Which part.
    pub field: &'static str,
    /// As it was given.
    pub value: String,
    /// What it may be.
    pub allowed: &'static str,
}

/// How the trend grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastGrowth)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// By a rate that changes now and then.
    Linear,
    /// Not at all.
    Flat,
    /// Towards a capacity, from a floor.
    Logistic,
}

/// How seasons and holidays change the trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastSeasonality)]
#[serde(rename_all = "snake_case")]
pub enum Seasons {
    /// They add the same at any level.
    Additive,
    /// They scale it.
    Multiplicative,
}

impl Trend {
    /// All, by name.
    pub const NAMES: [&'static str; 3] = ["linear", "flat", "logistic"];

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Linear, Self::Flat, Self::Logistic];
        Self::NAMES.iter().position(|known| *known == name).map(|index| all[index])
    }
}

impl Seasons {
    /// Both, by name.
    pub const NAMES: [&'static str; 2] = ["additive", "multiplicative"];

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Additive, Self::Multiplicative];
        Self::NAMES.iter().position(|known| *known == name).map(|index| all[index])
    }
}

/// What is asked of Prophet's model; what is left out stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Modelling {
    /// How the trend grows.
    pub growth: Option<Trend>,
    /// What logistic growth saturates at, in units of the quantity.
    pub capacity: Option<f64>,
    /// What it starts from; 0 if left out.
    pub floor: Option<f64>,
    /// How seasons change the trend.
    pub seasonality: Option<Seasons>,
}

impl Modelling {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let refused = |field, value: String, allowed| Err(OutOfRange { field, value, allowed });
        for (field, value) in [("capacity", self.capacity), ("floor", self.floor)] {
            let Some(value) = value else { continue };
            if self.growth != Some(Trend::Logistic) {
                return refused(field, value.to_string(), "left out unless growth is logistic");
            }
            if !(value.is_finite() && value.abs() <= LARGEST) {
                return refused(field, value.to_string(), "a number of at most 1e12");
            }
        }
        match (self.growth, self.capacity) {
            (Some(Trend::Logistic), None) => {
                refused("growth", "logistic".into(), "given with a capacity: the most that there can ever be")
            }
            (_, Some(capacity)) if capacity <= self.floor.unwrap_or(0.0) => {
                refused("capacity", capacity.to_string(), "above the floor, which is 0 if left out")
            }
            _ => Ok(()),
        }
    }

    /// Changes what is asked for. Logistic growth without a capacity, which [`Self::check`] refuses, changes nothing.
    pub fn apply(&self, options: &mut prophet::Options) {
        match (self.growth, self.capacity) {
            (Some(Trend::Linear), _) => options.growth = Growth::Linear,
            (Some(Trend::Flat), _) => options.growth = Growth::Flat,
            (Some(Trend::Logistic), Some(capacity)) => {
                options.growth = Growth::Logistic { capacity, floor: self.floor.unwrap_or(0.0) };
            }
            (Some(Trend::Logistic) | None, _) => {}
        }
        if let Some(seasons) = self.seasonality {
            options.multiplicative = seasons == Seasons::Multiplicative;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGISTIC: Option<Trend> = Some(Trend::Logistic);

    #[test]
    fn parts_that_do_not_fit_are_refused_by_name() {
        let usual = Modelling::default();
        let check = |modelling: Modelling, words: &str| {
            let error = modelling.check().expect_err("refused").to_string();
            assert!(error.contains(words), "{error}");
        };
        check(Modelling { growth: LOGISTIC, ..usual }, "given with a capacity");
        check(Modelling { capacity: Some(5.0), ..usual }, "capacity is 5, and must be left out");
        check(Modelling { growth: Some(Trend::Flat), floor: Some(1.0), ..usual }, "floor is 1");
        check(Modelling { growth: LOGISTIC, capacity: Some(f64::NAN), ..usual }, "capacity is NaN");
        check(Modelling { growth: LOGISTIC, capacity: Some(1e300), ..usual }, "at most 1e12");
        check(Modelling { growth: LOGISTIC, capacity: Some(0.0), ..usual }, "above the floor");
        check(Modelling { growth: LOGISTIC, capacity: Some(5.0), floor: Some(5.0), ..usual }, "above the floor");
        assert_eq!(usual.check(), Ok(()));
    }

    #[test]
    fn what_is_asked_changes_and_the_rest_stays() {
        let mut options = prophet::Options { multiplicative: true, ..prophet::Options::default() };
        let asked = Modelling { growth: LOGISTIC, capacity: Some(50.0), ..Modelling::default() };
        assert_eq!(asked.check(), Ok(()));
        asked.apply(&mut options);
        assert_eq!(options.growth, Growth::Logistic { capacity: 50.0, floor: 0.0 });
        assert!(options.multiplicative);
        Modelling { seasonality: Some(Seasons::Additive), ..Modelling::default() }.apply(&mut options);
        assert!(!options.multiplicative && options.growth != Growth::Linear);
        Modelling { growth: Some(Trend::Flat), ..Modelling::default() }.apply(&mut options);
        assert_eq!(options.growth, Growth::Flat);
        assert!(Trend::NAMES.iter().all(|name| Trend::parse(name).is_some()) && Trend::parse("exponential").is_none());
        assert_eq!(Seasons::parse("multiplicative"), Some(Seasons::Multiplicative));
    }
}
