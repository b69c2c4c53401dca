//! Exponential smoothing: level, trend and season that follow the series, each at its own pace.
//!
//! Source: Hyndman, Koehler, Ord and Snyder, "Forecasting with exponential smoothing", 2008, in error-correction
//! form with additive errors. Which components there are is chosen by the corrected information criterion of
//! Akaike; the paces and the starting level and trend are those with the least squared errors one step ahead.

use serde::{Deserialize, Serialize};

/// Longer histories are cut to their end: what is older has no weight left.
const LONGEST: usize = 1500;

/// Seasons longer than this are not followed: there would be a state for each of their steps.
const LONGEST_SEASON: usize = 60;

/// How the trend goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Trend {
    None,
    Damped,
    Straight,
}

/// How the season is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Season {
    None,
    Added,
    Multiplied,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Smoothing {
    trend: Trend,
    season: Season,
    length: usize,
    /// Paces of level, trend (as a share of the level's) and season, and the damping of the trend.
    paces: [f64; 4],
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    level: f64,
    slope: f64,
    /// The season, the next step's value first.
    season: Vec<f64>,
}

impl Smoothing {
    /// Fits to values without gaps; `season` is its number of steps. `None` if there are fewer than four values.
    #[must_use]
    pub fn fit(values: &[f64], season: usize) -> Option<Self> {
        let values = &values[values.len().saturating_sub(LONGEST)..];
        let length = if (2..=LONGEST_SEASON).contains(&season) && values.len() >= 2 * season { season } else { 1 };
        if values.len() < 4 {
            return None;
        }
        let positive = values.iter().all(|v| *v > 0.0);
        let seasons: &[Season] = match (length > 1, positive) {
            (false, _) => &[Season::None],
            (true, false) => &[Season::None, Season::Added],
            (true, true) => &[Season::None, Season::Added, Season::Multiplied],
        };
        let candidates = seasons.iter().flat_map(|&season| {
            [Trend::None, Trend::Damped, Trend::Straight].into_iter().map(move |trend| (trend, season))
        });
        let fits = candidates.filter_map(|(trend, season)| Self::of_form(values, trend, season, length));
        fits.min_by(|a, b| a.0.total_cmp(&b.0)).map(|best| best.1)
    }

    /// The same components and paces, run over other values of the same series.
    #[must_use]
    pub fn run_over(&self, values: &[f64]) -> Self {
        let values = &values[values.len().saturating_sub(LONGEST)..];
        if values.len() < 2 * self.length.max(2) {
            return self.clone();
        }
        let mut model = Self { state: start(values, self.season, self.length), ..self.clone() };
        if self.trend == Trend::None {
            model.state.slope = 0.0;
        }
        model.run(values);
        model
    }

    /// The next `steps` values.
    #[must_use]
    pub fn predict(&self, steps: usize) -> Vec<f64> {
        let (mut level, mut slope) = (self.state.level, self.state.slope);
        (0..steps)
            .map(|step| {
                slope *= self.damping();
                level += slope;
                self.with_season(level, self.state.season[step % self.length])
            })
            .collect()
    }

    /// The best model of a form, and its criterion.
    fn of_form(values: &[f64], trend: Trend, season: Season, length: usize) -> Option<(f64, Self)> {
        let length = if season == Season::None { 1 } else { length };
        let state = start(values, season, length);
        let spread = (values.iter().map(|v| (v - state.level).abs()).sum::<f64>() / values.len() as f64).max(1e-9);
        let model = |x: &[f64]| {
            let pace = |x: f64| 1.0 / (1.0 + (-x).exp());
            let mut model = Self { trend, season, length, paces: [0.0; 4], state: state.clone() };
            model.paces = [pace(x[0]).clamp(1e-4, 0.9999), pace(x[1]), pace(x[2]), 0.8 + 0.18 * pace(x[3])];
            model.state.level += spread * x[4];
            model.state.slope = if trend == Trend::None { 0.0 } else { model.state.slope + 0.1 * spread * x[5] };
            model
        };
        let free: Vec<usize> = [
            (0, true),
            (1, trend != Trend::None),
            (2, season != Season::None),
            (3, trend == Trend::Damped),
            (4, true),
            (5, trend != Trend::None),
        ]
        .into_iter()
        .filter_map(|(index, used)| used.then_some(index))
        .collect();
        let mut from = [-1.0, -2.0, -2.0, 1.5, 0.0, 0.0];
        let error = |x: &[f64]| {
            let squares = model(x).run(values);
            if squares.is_finite() { squares } else { f64::MAX }
        };
        let squares = nelder_mead(&mut from, &free, error);
        let n = values.len() as f64;
        let count = (free.len() + 1 + if season == Season::None { 0 } else { length - 1 }) as f64;
        if n - count - 1.0 <= 0.0 {
            return None;
        }
        let floor = 1e-12 * spread * spread;
        let criterion =
            n * (squares / n).max(floor).ln() + 2.0 * count + 2.0 * count * (count + 1.0) / (n - count - 1.0);
        let mut best = model(&from);
        best.run(values);
        Some((criterion, best))
    }

    fn damping(&self) -> f64 {
        match self.trend {
            Trend::None => 0.0,
            Trend::Damped => self.paces[3],
            Trend::Straight => 1.0,
        }
    }

    fn with_season(&self, level: f64, season: f64) -> f64 {
        match self.season {
            Season::Multiplied => level * season,
            _ => level + season,
        }
    }

    /// Moves the state over values; the sum of squared errors one step ahead.
    fn run(&mut self, values: &[f64]) -> f64 {
        let [alpha, share, gamma, _] = self.paces;
        let (beta, gamma, damping) = (alpha * share, gamma * (1.0 - alpha), self.damping());
        let State { level, slope, season } = &mut self.state;
        let mut squares = 0.0;
        for (index, value) in values.iter().enumerate() {
            let base = *level + damping * *slope;
            let seasonal = &mut season[index % self.length];
            let (error, scaled, by_season) = match self.season {
                Season::Multiplied => {
                    let error = value - base * *seasonal;
                    (error, error / seasonal.max(1e-6), if base.abs() > 1e-9 { error / base } else { 0.0 })
                }
                _ => {
                    let error = value - base - *seasonal;
                    (error, error, error)
                }
            };
            squares += error * error;
            *level = base + alpha * scaled;
            *slope = damping * *slope + beta * scaled;
            if self.season != Season::None {
                *seasonal += gamma * by_season;
            }
        }
        let turn = values.len() % self.length;
        season.rotate_left(turn);
        squares
    }
}

/// Level, trend and season at the start, from averages over the first seasons.
fn start(values: &[f64], season: Season, length: usize) -> State {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    if season == Season::None {
        let few = values.len().min(10);
        let slope = (values[few - 1] - values[0]) / (few - 1).max(1) as f64;
        return State { level: mean(&values[..few]) - slope * few as f64 / 2.0, slope, season: vec![0.0] };
    }
    let seasons = (values.len() / length).min(4);
    let means: Vec<f64> = values.chunks_exact(length).take(seasons).map(mean).collect();
    let slope = (means[seasons - 1] - means[0]) / ((seasons - 1).max(1) * length) as f64;
    let middle = (length as f64 - 1.0) / 2.0;
    let away = |phase: usize| {
        let shares = (0..seasons).map(|s| {
            let level = means[s] + slope * (phase as f64 - middle);
            let value = values[s * length + phase];
            if season == Season::Multiplied { value / level.max(1e-9) } else { value - level }
        });
        shares.sum::<f64>() / seasons as f64
    };
    State { level: means[0] - slope * (middle + 1.0), slope, season: (0..length).map(away).collect() }
}

/// Minimises over the `free` coordinates of `x` by a shrinking simplex (Nelder and Mead, 1965). Returns the value.
fn nelder_mead(x: &mut [f64; 6], free: &[usize], mut value: impl FnMut(&[f64]) -> f64) -> f64 {
    let size = free.len();
    let mut points = vec![*x; size + 1];
    for (point, &index) in points[1..].iter_mut().zip(free) {
        point[index] += 1.0;
    }
    let mut simplex: Vec<(f64, [f64; 6])> = points.into_iter().map(|point| (value(&point), point)).collect();
    for _ in 0..60 * size {
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (best, worst) = (simplex[0].0, simplex[size]);
        if worst.0 - best <= 1e-7 * best.abs() {
            break;
        }
        let mut centre = *x;
        for &index in free {
            centre[index] = simplex[..size].iter().map(|s| s.1[index]).sum::<f64>() / size as f64;
        }
        let mut along = |by: f64| {
            let mut point = centre;
            for &index in free {
                point[index] = (centre[index] + by * (centre[index] - worst.1[index])).clamp(-8.0, 8.0);
            }
            (value(&point), point)
        };
        let reflected = along(1.0);
        let next = if reflected.0 < best {
            let expanded = along(2.0);
            if expanded.0 < reflected.0 { expanded } else { reflected }
        } else if reflected.0 < simplex[size - 1].0 {
            reflected
        } else {
            along(if reflected.0 < worst.0 { 0.5 } else { -0.5 })
        };
        if next.0 < worst.0 {
            simplex[size] = next;
        } else {
            let towards = simplex[0].1;
            for (old, point) in &mut simplex[1..] {
                for &index in free {
                    point[index] = 0.5 * (point[index] + towards[index]);
                }
                *old = value(point);
            }
        }
    }
    simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
    *x = simplex[0].1;
    simplex[0].0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(count: usize, of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..count).map(|i| of(i as f64, (std::f64::consts::TAU * i as f64 / 12.0).sin())).collect()
    }

    fn check(values: &[f64], of: impl Fn(f64, f64) -> f64, tolerance: f64) {
        let model = Smoothing::fit(values, 12).expect("a model");
        let truth = series(values.len() + 24, of);
        for (step, forecast) in model.predict(24).iter().enumerate() {
            let truth = truth[values.len() + step];
            assert!((forecast - truth).abs() < tolerance * truth.abs(), "{step}: {forecast} but {truth}, {model:?}");
        }
    }

    #[test]
    fn an_added_season_goes_on() {
        let of = |i: f64, wave: f64| 50.0 + 0.5 * i + 10.0 * wave;
        check(&series(100, of), of, 0.03);
    }

    #[test]
    fn a_multiplied_season_grows_with_the_level() {
        let of = |i: f64, wave: f64| (50.0 + i) * (1.0 + 0.3 * wave);
        let model = Smoothing::fit(&series(120, of), 12).expect("a model");
        assert_eq!(model.season, Season::Multiplied);
        check(&series(120, of), of, 0.03);
    }

    #[test]
    fn what_has_no_season_gets_none() {
        let noise = |i: f64, _| 20.0 + (i * i * 0.7).sin();
        let model = Smoothing::fit(&series(90, noise), 12).expect("a model");
        assert_eq!(model.season, Season::None, "{model:?}");
    }

    #[test]
    fn running_over_more_values_moves_the_state_only() {
        let of = |i: f64, wave: f64| 50.0 + 0.5 * i + 10.0 * wave;
        let model = Smoothing::fit(&series(96, of), 12).expect("a model");
        let later = model.run_over(&series(101, of));
        assert_eq!(later.paces, model.paces);
        let truth = of(101.0, (std::f64::consts::TAU * 101.0 / 12.0).sin());
        assert!((later.predict(1)[0] - truth).abs() < 3.0);
    }

    #[test]
    fn few_and_constant_values_are_no_trouble() {
        assert_eq!(Smoothing::fit(&[1.0, 2.0, 3.0], 12), None);
        for values in [vec![4.0; 30], vec![0.0; 30], vec![1.0, 5.0, 2.0, 4.0]] {
            let forecast = Smoothing::fit(&values, 7).map(|m| m.predict(5)).unwrap_or_default();
            assert!(forecast.iter().all(|v| v.is_finite()), "{values:?}: {forecast:?}");
        }
        assert!((Smoothing::fit(&[4.0; 30], 7).expect("a model").predict(3)[2] - 4.0).abs() < 1e-3);
    }
}
