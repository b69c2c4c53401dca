//! Several models of one series, weighed against each other: fitted, tested on the past, and asked.
//!
//! The test is a rolling-origin backtest: the last stretches of the history are forecast in turn, each from what
//! was known before it. It gives each model's errors, the ensemble's weights if they are to be learned, and the
//! width of intervals. The network is trained once on what was before the first origin, and sees later values
//! without learning from them. Sporadic series are forecast by the intermittent method alone.

/// The test on the past.
mod backtest;

/// What it is fitted with.
mod settings;

/// What each model counts.
mod weights;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use settings::{FitError, LEAST, Member, Settings, Stage, Weighing};

use self::backtest::{Layout, Run};
use crate::accuracy::{self, Accuracy};
use crate::intermittent::{Character, Intermittent};
use crate::lstm::{self, Lstm, LstmError};
use crate::naive::SeasonalNaive;
use crate::prophet::{Growth, Prophet};
use crate::random::generator;
use crate::series::{Series, Step};
use crate::smoothing::Smoothing;
use crate::spread::Spread;

/// A fitted ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// The history that it was fitted to.
    pub series: Series,
    /// How demand comes.
    pub character: Character,
    /// What each model counts.
    pub weights: BTreeMap<Member, f64>,
    /// The errors of each model in the backtest; empty if the history was too short for one.
    pub accuracy: BTreeMap<Member, Accuracy>,
    /// The errors of the ensemble in the backtest.
    pub ensemble_accuracy: Option<Accuracy>,
    /// What a person should know of the data and the fit.
    pub notes: Vec<String>,
    /// Whether forecasts below 0 are cut off: no value of the history is.
    pub non_negative: bool,
    prophet: Option<Prophet>,
    lstm: Option<Lstm>,
    smoothing: Option<Smoothing>,
    naive: SeasonalNaive,
    intermittent: Option<Intermittent>,
    spreads: BTreeMap<Member, Spread>,
    spread: Spread,
    seed: u64,
}

/// Values with an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastBand)]
pub struct Band {
    /// Expected values.
    pub mean: Vec<f64>,
    /// Lower ends.
    pub lower: Vec<f64>,
    /// Upper ends.
    pub upper: Vec<f64>,
}

/// A forecast by each model and by all together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// When, in seconds since 1970-01-01.
    pub times: Vec<i64>,
    /// Each model's.
    pub members: BTreeMap<Member, Band>,
    /// The ensemble's.
    pub ensemble: Band,
}

impl Ensemble {
    /// Fits to a series. `watch` hears how far it is, and can end it. The same seed gives the same ensemble.
    ///
    /// # Errors
    /// If there are too few known values, or `watch` ends it.
    pub fn fit(
        series: &Series,
        settings: &Settings,
        mut watch: impl FnMut(Stage) -> ControlFlow<()>,
    ) -> Result<Self, FitError> {
        let (series, gap) = series.since_break();
        let known = series.known().1;
        if known.len() < LEAST {
            return Err(FitError::TooFew(known.len()));
        }
        let mut notes: Vec<String> = gap.into_iter().collect();
        let filled = series.filled();
        let season = series.step.season();
        let character = if series.step == Step::DAY { Character::of(&filled) } else { Character::Smooth };
        let sporadic = character.is_sporadic();
        let non_negative = known.iter().all(|v| *v >= 0.0);
        if known.iter().all(|v| *v == known[0]) {
            notes.push(format!("all values are {}: the forecast is too", known[0]));
        }

        let layout = Layout::of(&series, settings);
        let runs = match &layout {
            Some(layout) => backtest::run(&series, layout, settings, sporadic, &mut watch)?,
            None => {
                notes.push(format!("{} values are too few to test the forecast on the past", known.len()));
                BTreeMap::new()
            }
        };
        if watch(Stage::Prophet).is_break() {
            return Err(FitError::Cancelled);
        }
        let (times, values) = series.known();
        let prophet = Prophet::fit(&times, &values, &settings.prophet);
        notes.extend(prophet.as_ref().err().map(|error| format!("no Prophet: {error}")));
        notes.extend(too_low(&settings.prophet.growth, series.largest()));
        let mut train = |options: &lstm::Options| match Lstm::train(&filled, options, |e| watch(Stage::Lstm(e))) {
            Err(LstmError::Cancelled) => Err(FitError::Cancelled),
            Err(error) => {
                notes.push(format!("no network: {error}"));
                Ok(None)
            }
            Ok(network) => Ok(Some(network)),
        };
        let lstm = match &settings.lstm {
            Some(options) if !sporadic => train(options)?,
            _ => None,
        };
        let mut ensemble = Self {
            character,
            weights: BTreeMap::new(),
            accuracy: BTreeMap::new(),
            ensemble_accuracy: None,
            non_negative,
            prophet: prophet.ok(),
            lstm,
            smoothing: if sporadic { None } else { Smoothing::fit(&filled, season) },
            naive: SeasonalNaive::fit(&filled, season),
            intermittent: sporadic.then(|| Intermittent::fit(&filled)),
            spreads: BTreeMap::new(),
            spread: Spread::learn(&[]),
            seed: settings.seed,
            notes,
            series,
        };
        ensemble.weigh(&runs, layout.as_ref(), settings);
        Ok(ensemble)
    }

    /// The next `steps` values with intervals in which the truth is with probability `level`.
    #[must_use]
    pub fn forecast(&self, steps: usize, level: f64) -> Forecast {
        let times = self.series.times(self.series.len(), self.series.len() + steps);
        let mut members = BTreeMap::new();
        for (member, mean) in self.means(steps, &times) {
            let band = match (self.spreads.get(&member), &self.prophet) {
                (None, Some(prophet)) if member == Member::Prophet => {
                    let prediction = prophet.predict(&times, level, self.seed);
                    Band { mean, lower: prediction.lower, upper: prediction.upper }
                }
                (spread, _) => band(spread.unwrap_or(&self.spread), mean, level),
            };
            members.insert(member, self.cut(band));
        }
        let mut mean = vec![0.0; steps];
        for (member, weight) in &self.weights {
            let by = members.get(member).map_or(&[][..], |band: &Band| &band.mean);
            mean.iter_mut().zip(by).for_each(|(sum, v)| *sum += weight * v);
        }
        let ensemble = match &self.intermittent {
            Some(method) => self.drawn(method, mean, steps, level),
            None => self.cut(band(&self.spread, mean, level)),
        };
        Forecast { times, members, ensemble }
    }

    /// Possible futures of `steps` values each, for what depends on sums of them.
    #[must_use]
    pub fn futures(&self, steps: usize, count: usize) -> Vec<Vec<f64>> {
        let mut rng = generator(self.seed ^ 0x5eed);
        let mean = self.forecast(steps, 0.8).ensemble.mean;
        let cut = |value: f64| if self.non_negative { value.max(0.0) } else { value };
        let draw = |_| match &self.intermittent {
            Some(method) => method.simulate(steps, &mut rng),
            None => {
                let errors = self.spread.simulate(steps, &mut rng);
                mean.iter().zip(errors).map(|(mean, error)| cut(mean + error)).collect()
            }
        };
        (0..count).map(draw).collect()
    }

    /// Whether the ensemble's errors of the newest stretch are far from those before, in words.
    #[must_use]
    pub fn drift(&self) -> Option<String> {
        let (newest, before) = self.spread.newest()?;
        (newest > 2.0 * before)
            .then(|| format!("the newest stretch was forecast {:.1} times as badly as those before", newest / before))
    }

    /// Quantiles of simulated demand: a symmetric interval is wrong where most values are 0.
    fn drawn(&self, method: &Intermittent, mean: Vec<f64>, steps: usize, level: f64) -> Band {
        let mut rng = generator(self.seed);
        let mut draws = method.simulate(4000, &mut rng);
        let low = crate::random::quantile(&mut draws, 0.5 - level / 2.0);
        let high = crate::random::quantile(&mut draws, 0.5 + level / 2.0);
        let lower = mean.iter().map(|m| low.min(*m)).collect();
        let upper = mean.iter().map(|m| high.max(*m)).collect();
        debug_assert_eq!(mean.len(), steps);
        Band { mean, lower, upper }
    }

    fn means(&self, steps: usize, times: &[i64]) -> BTreeMap<Member, Vec<f64>> {
        let mut means = BTreeMap::from([(Member::Naive, self.naive.predict(steps))]);
        if let Some(model) = &self.prophet {
            means.insert(Member::Prophet, model.mean(times));
        }
        if let Some(model) = &self.lstm {
            means.insert(Member::Lstm, model.predict(steps));
        }
        if let Some(model) = &self.smoothing {
            means.insert(Member::Smoothing, model.predict(steps));
        }
        if let Some(model) = &self.intermittent {
            means.insert(Member::Intermittent, model.predict(steps));
        }
        means
    }

    fn cut(&self, mut band: Band) -> Band {
        if self.non_negative {
            for values in [&mut band.mean, &mut band.lower, &mut band.upper] {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
        band
    }

    /// Weights, errors and widths from the backtest.
    fn weigh(&mut self, runs: &BTreeMap<Member, Vec<Run>>, layout: Option<&Layout>, settings: &Settings) {
        let available: Vec<Member> = self.means(1, &[self.series.time(self.series.len())]).into_keys().collect();
        self.weights = weights::learn(&available, runs, self.character, settings.weighing);
        let Some(layout) = layout else {
            self.spread = Spread::learn(&[self.differences()]);
            return;
        };
        let filled = self.series.filled();
        let scale = accuracy::naive_scale(&filled[..layout.origins[0]], self.series.step.season());
        for (member, runs) in runs {
            let (accuracy, spread) = backtest::judged(runs, scale, settings.level);
            self.accuracy.insert(*member, accuracy);
            self.spreads.insert(*member, spread);
        }
        let all = backtest::combined(runs, &self.weights, self.non_negative);
        let (accuracy, spread) = backtest::judged(&all, scale, settings.level);
        self.ensemble_accuracy = Some(accuracy);
        self.spread = spread;
    }

    /// Differences over a season, as errors of a series that is too short for a backtest.
    fn differences(&self) -> Vec<f64> {
        let filled = self.series.filled();
        let lag = if filled.len() > 2 * self.series.step.season() { self.series.step.season() } else { 1 };
        filled.windows(lag + 1).map(|w| w[lag] - w[0]).collect()
    }
}

/// What is wrong with a capacity below the data, in words.
fn too_low(growth: &Growth, largest: f64) -> Option<String> {
    match growth {
        Growth::Logistic { capacity, .. } if *capacity < largest => Some(format!(
            "the capacity, {capacity}, is below the largest value, {largest}: the trend saturates too low"
        )),
        _ => None,
    }
}

fn band(spread: &Spread, mean: Vec<f64>, level: f64) -> Band {
    let (lower, upper) = spread.interval(&mean, level);
    Band { mean, lower, upper }
}

#[cfg(test)]
mod tests;
