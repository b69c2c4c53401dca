//! Several models of one series, weighed against each other: fitted, tested on the past, and asked.
//!
//! The test is a rolling-origin backtest: the last stretches of the history are forecast in turn, each from what
//! was known before it. It gives each model's errors, the ensemble's weights if they are to be learned, and the
//! width of intervals. The network is trained once on what was before the first origin, and sees later values
//! without learning from them. Sporadic series are forecast by the intermittent method alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::accuracy::{self, Accuracy};
use super::intermittent::{Character, Intermittent};
use super::lstm::{self, Lstm, LstmError};
use super::naive::SeasonalNaive;
use super::prophet::{self, Prophet};
use super::random::generator;
use super::series::{Series, Step};
use super::smoothing::Smoothing;
use super::spread::Spread;

/// A model of the ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// Trend, seasons and holidays.
    Prophet,
    /// The recurrent network.
    Lstm,
    /// Exponential smoothing.
    Smoothing,
    /// The last season again.
    Naive,
    /// For sporadic demand.
    Intermittent,
}

impl Member {
    /// As it is called outside.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prophet => "prophet",
            Self::Lstm => "lstm",
            Self::Smoothing => "smoothing",
            Self::Naive => "naive",
            Self::Intermittent => "intermittent",
        }
    }
}

/// How the models are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighing {
    /// Prophet 60, network 40; without a network as `Validated`.
    #[default]
    Fixed,
    /// By their errors in the backtest.
    Validated,
}

/// What an ensemble is fitted with.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Of Prophet.
    pub prophet: prophet::Options,
    /// Of the network; `None`: without one.
    pub lstm: Option<lstm::Options>,
    /// How the models are weighed.
    pub weighing: Weighing,
    /// How many steps ahead the backtest forecasts; `None`: a season or a month, whichever is more.
    pub horizon: Option<usize>,
    /// From how many origins, at most.
    pub origins: usize,
    /// The probability of the truth to be inside an interval, in the backtest.
    pub level: f64,
    /// Of all that is random.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prophet: prophet::Options::default(),
            lstm: None,
            weighing: Weighing::Fixed,
            horizon: None,
            origins: 6,
            level: 0.8,
            seed: 0,
        }
    }
}

/// What a fit is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// Prophet is fitted.
    Prophet,
    /// The network that is tested on the past has done an epoch.
    LstmTested(lstm::Epoch),
    /// The network that will forecast has done an epoch.
    Lstm(lstm::Epoch),
}

/// Why there is no model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Fewer known values than a forecast takes.
    #[error("{0} known values are too few for a forecast: it takes {LEAST} or more")]
    TooFew(usize),
    /// Whoever watches said so.
    #[error("the fit was cancelled")]
    Cancelled,
}

/// The fewest known values of a series that is forecast.
pub const LEAST: usize = 3;

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
            Some(layout) => backtest(&series, layout, settings, sporadic, &mut watch)?,
            None => {
                notes.push(format!("{} values are too few to test the forecast on the past", known.len()));
                BTreeMap::new()
            }
        };
        if watch(Stage::Prophet).is_break() {
            return Err(FitError::Cancelled);
        }
        let (times, values) = series.known();
        let prophet = Prophet::fit(&times, &values, &settings.prophet).ok();
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
            prophet,
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
        let low = super::random::quantile(&mut draws, 0.5 - level / 2.0);
        let high = super::random::quantile(&mut draws, 0.5 + level / 2.0);
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
        self.weights = weights(&available, runs, self.character, settings.weighing);
        let Some(layout) = layout else {
            self.spread = Spread::learn(&[self.differences()]);
            return;
        };
        let filled = self.series.filled();
        let scale = accuracy::naive_scale(&filled[..layout.origins[0]], self.series.step.season());
        for (member, runs) in runs {
            let (accuracy, spread) = judged(runs, scale, settings.level);
            self.accuracy.insert(*member, accuracy);
            self.spreads.insert(*member, spread);
        }
        let all = combined(runs, &self.weights, self.non_negative);
        let (accuracy, spread) = judged(&all, scale, settings.level);
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

/// Where a backtest forecasts from, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    /// Indices of the first value that is forecast, ascending.
    origins: Vec<usize>,
    horizon: usize,
}

impl Layout {
    /// Stretches at the end of the history, side by side, each after at least half of it and two seasons; `None`
    /// if there is no room.
    fn of(series: &Series, settings: &Settings) -> Option<Self> {
        let length = series.len();
        let season = series.step.season();
        let month = series.step.covering(28.0).min(28);
        let wanted = settings.horizon.unwrap_or(season.min(60).max(month)).max(1);
        let least = if length >= 4 * season { 2 * season + 1 } else { length / 2 }.max(6);
        let room = length.checked_sub(least.max(length / 2)).filter(|room| *room > 0)?;
        let horizon = wanted.min(room.div_ceil(2));
        let count = (room / horizon).clamp(1, settings.origins.max(1));
        Some(Self { origins: (1..=count).rev().map(|back| length - back * horizon).collect(), horizon })
    }
}

/// What a model said from one origin, and what was true; NaN where that is not known.
#[derive(Debug, Clone)]
struct Run {
    forecast: Vec<f64>,
    truth: Vec<f64>,
}

impl Run {
    fn errors(&self) -> Vec<f64> {
        self.truth.iter().zip(&self.forecast).map(|(truth, forecast)| truth - forecast).collect()
    }
}

/// The forecasts of each model from each origin.
fn backtest(
    series: &Series,
    layout: &Layout,
    settings: &Settings,
    sporadic: bool,
    watch: &mut impl FnMut(Stage) -> ControlFlow<()>,
) -> Result<BTreeMap<Member, Vec<Run>>, FitError> {
    let season = series.step.season();
    let first = series.head(layout.origins[0]).filled();
    let lstm = match &settings.lstm {
        Some(options) if !sporadic => match Lstm::train(&first, options, |e| watch(Stage::LstmTested(e))) {
            Err(LstmError::Cancelled) => return Err(FitError::Cancelled),
            network => network.ok(),
        },
        _ => None,
    };
    let smoothing = if sporadic { None } else { Smoothing::fit(&first, season) };
    let mut runs: BTreeMap<Member, Vec<Run>> = BTreeMap::new();
    for &origin in &layout.origins {
        let head = series.head(origin);
        let filled = head.filled();
        let truth = series.values[origin..origin + layout.horizon].to_vec();
        let times = series.times(origin, origin + layout.horizon);
        let (known_times, known) = head.known();
        let prophet = Prophet::fit(&known_times, &known, &settings.prophet).ok();
        let forecasts = [
            (Member::Naive, Some(SeasonalNaive::fit(&filled, season).predict(layout.horizon))),
            (Member::Prophet, prophet.map(|model| model.mean(&times))),
            (Member::Lstm, lstm.as_ref().map(|model| model.predict_after(&filled, layout.horizon))),
            (Member::Smoothing, smoothing.as_ref().map(|model| model.run_over(&filled).predict(layout.horizon))),
            (Member::Intermittent, sporadic.then(|| Intermittent::fit(&filled).predict(layout.horizon))),
        ];
        for (member, forecast) in forecasts {
            let Some(forecast) = forecast.filter(|values| values.iter().all(|v| v.is_finite())) else { continue };
            runs.entry(member).or_default().push(Run { forecast, truth: truth.clone() });
        }
    }
    // A model that failed from one origin is not compared with those that did not.
    runs.retain(|_, runs| runs.len() == layout.origins.len());
    Ok(runs)
}

/// What each model counts; together 1.
fn weights(
    available: &[Member],
    runs: &BTreeMap<Member, Vec<Run>>,
    character: Character,
    weighing: Weighing,
) -> BTreeMap<Member, f64> {
    if character.is_sporadic() {
        return BTreeMap::from([(Member::Intermittent, 1.0)]);
    }
    let both = available.contains(&Member::Prophet) && available.contains(&Member::Lstm);
    if weighing == Weighing::Fixed && both {
        return BTreeMap::from([(Member::Prophet, 0.6), (Member::Lstm, 0.4)]);
    }
    let mut squares: BTreeMap<Member, f64> = BTreeMap::new();
    for (member, runs) in runs.iter().filter(|(member, _)| available.contains(member)) {
        let errors: Vec<f64> = runs.iter().flat_map(Run::errors).filter(|e| e.is_finite()).collect();
        if !errors.is_empty() {
            squares.insert(*member, errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64);
        }
    }
    let Some(best) = squares.values().copied().reduce(f64::min) else {
        // Nothing to learn from: what is simplest and stands on its own.
        let simple = [Member::Smoothing, Member::Naive].into_iter().find(|member| available.contains(member));
        return simple.into_iter().map(|member| (member, 1.0)).collect();
    };
    let floor = 1e-12 * best.max(1e-12);
    // Models far behind the best only add noise.
    squares.retain(|_, square| *square <= BEHIND * best + floor);
    let shares = squares.iter().map(|(member, square)| (*member, ((best + floor) / (square + floor)).powf(SHARPNESS)));
    let sum: f64 = shares.clone().map(|share| share.1).sum();
    shares.map(|(member, share)| (member, share / sum)).collect()
}

/// Models whose mean squared error is more than this times the best's count nothing.
const BEHIND: f64 = 2.5;

/// How much more the better models count: the power of the inverse mean squared error.
const SHARPNESS: f64 = 2.0;

/// What the ensemble would have said.
fn combined(runs: &BTreeMap<Member, Vec<Run>>, weights: &BTreeMap<Member, f64>, cut: bool) -> Vec<Run> {
    let used: Vec<(&Vec<Run>, f64)> = weights.iter().filter_map(|(m, w)| Some((runs.get(m)?, *w))).collect();
    let Some((first, _)) = used.first() else { return Vec::new() };
    let sum: f64 = used.iter().map(|u| u.1).sum();
    let run = |origin: usize| {
        let of_step = |step: usize| {
            let mean = used.iter().map(|(runs, weight)| weight * runs[origin].forecast[step]).sum::<f64>() / sum;
            if cut { mean.max(0.0) } else { mean }
        };
        let truth = first[origin].truth.clone();
        Run { forecast: (0..truth.len()).map(of_step).collect(), truth }
    };
    (0..first.len()).map(run).collect()
}

/// Errors over all origins, and the spread of them. Coverage is that of intervals learned from the other origins.
fn judged(runs: &[Run], scale: f64, level: f64) -> (Accuracy, Spread) {
    let errors: Vec<Vec<f64>> = runs.iter().map(Run::errors).collect();
    let inside = (errors.len() > 1).then(|| {
        let of_origin = |left_out: usize| {
            let others: Vec<Vec<f64>> =
                errors.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, e)| e.clone()).collect();
            let (low, high) = Spread::learn(&others).interval(&vec![0.0; errors[left_out].len()], level);
            let known = errors[left_out].iter().enumerate().filter(|(_, e)| e.is_finite());
            known.filter(|(step, error)| (low[*step]..=high[*step]).contains(*error)).count()
        };
        (0..errors.len()).map(of_origin).sum()
    });
    let all: Vec<f64> = errors.iter().flatten().copied().filter(|e| e.is_finite()).collect();
    (accuracy::of_errors(&all, scale, inside), Spread::learn(&errors))
}

fn band(spread: &Spread, mean: Vec<f64>, level: f64) -> Band {
    let (lower, upper) = spread.interval(&mean, level);
    Band { mean, lower, upper }
}

#[cfg(test)]
mod tests;
