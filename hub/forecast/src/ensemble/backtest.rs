//! The rolling-origin backtest: the last stretches of the history, each forecast from what was known before it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{FitError, Member, Settings, Stage};
use crate::accuracy::{self, Accuracy};
use crate::intermittent::Intermittent;
use crate::lstm::{Lstm, LstmError};
use crate::naive::SeasonalNaive;
use crate::prophet::Prophet;
use crate::series::Series;
use crate::smoothing::Smoothing;
use crate::spread::Spread;

/// Where a backtest forecasts from, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Indices of the first value that is forecast, ascending.
    pub(super) origins: Vec<usize>,
    pub(super) horizon: usize,
}

impl Layout {
    /// Stretches at the end of the history, side by side, each after at least half of it and two seasons; `None`
    /// if there is no room.
    pub(super) fn of(series: &Series, settings: &Settings) -> Option<Self> {
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
pub(super) struct Run {
    pub(super) forecast: Vec<f64>,
    pub(super) truth: Vec<f64>,
}

impl Run {
    pub(super) fn errors(&self) -> Vec<f64> {
        self.truth.iter().zip(&self.forecast).map(|(truth, forecast)| truth - forecast).collect()
    }
}

/// The forecasts of each model from each origin.
pub(super) fn run(
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

/// What the ensemble would have said.
pub(super) fn combined(runs: &BTreeMap<Member, Vec<Run>>, weights: &BTreeMap<Member, f64>, cut: bool) -> Vec<Run> {
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
pub(super) fn judged(runs: &[Run], scale: f64, level: f64) -> (Accuracy, Spread) {
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
