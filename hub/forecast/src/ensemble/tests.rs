use super::*;
use crate::random::normal;
use crate::series::DAY;

fn go_on(_: Stage) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Days with a week, a trend and noise.
fn weekly(count: usize, noise: f64) -> Series {
    let mut rng = generator(11);
    let value = |day: usize| {
        60.0 + 0.05 * day as f64 + [0.0, 2.0, 5.0, 8.0, 14.0, 20.0, -9.0][day % 7] + noise * normal(&mut rng)
    };
    Series { start: 19_000 * DAY, step: Step::DAY, values: (0..count).map(value).collect() }
}

fn fit(series: &Series, settings: &Settings) -> Ensemble {
    Ensemble::fit(series, settings, go_on).expect("a fit")
}

#[test]
fn the_ensemble_beats_the_naive_forecast_and_its_intervals_hold() {
    let whole = weekly(428, 3.0);
    let ensemble = fit(&whole.head(400), &Settings::default());
    let skill = ensemble.ensemble_accuracy.expect("a backtest");
    assert!(skill.rmsse < ensemble.accuracy[&Member::Naive].rmsse, "{skill:?} {:?}", ensemble.accuracy);
    let coverage = skill.coverage.expect("intervals");
    assert!((0.65..0.95).contains(&coverage), "{coverage}");
    assert!((ensemble.weights.values().sum::<f64>() - 1.0).abs() < 1e-9);
    let forecast = ensemble.forecast(28, 0.8);
    let inside = (0..28).filter(|&step| {
        let band = &forecast.ensemble;
        (band.lower[step]..=band.upper[step]).contains(&whole.values[400 + step])
    });
    assert!(inside.count() >= 17);
    assert_eq!(forecast.times[0], whole.time(400));
    assert!(forecast.ensemble.upper[27] - forecast.ensemble.lower[27] < 40.0);
}

#[test]
fn weights_are_sixty_to_forty_with_a_network_and_learned_on_request() {
    let network = lstm::Options { window: 7, cells: 4, epochs: 3, ..lstm::Options::default() };
    let settings = Settings { lstm: Some(network), ..Settings::default() };
    let series = weekly(150, 2.0);
    let mut stages = Vec::new();
    let fixed = Ensemble::fit(&series, &settings, |stage| {
        stages.push(stage);
        ControlFlow::Continue(())
    });
    let fixed = fixed.expect("a fit");
    assert_eq!(fixed.weights, BTreeMap::from([(Member::Prophet, 0.6), (Member::Lstm, 0.4)]));
    assert!(matches!(stages[0], Stage::LstmTested(_)) && matches!(stages[6], Stage::Lstm(e) if e.epoch == 3));
    let validated = fit(&series, &Settings { weighing: Weighing::Validated, ..settings });
    let best = validated.accuracy.iter().min_by(|a, b| a.1.rmsse.total_cmp(&b.1.rmsse)).expect("models").0;
    let heaviest = validated.weights.iter().max_by(|a, b| a.1.total_cmp(b.1)).expect("weights").0;
    assert_eq!(best, heaviest);
}

#[test]
fn sporadic_demand_gets_the_intermittent_method() {
    let values = (0..300).map(|day| if day % 6 == 2 { 4.0 } else { 0.0 }).collect();
    let series = Series { start: 0, step: Step::DAY, values };
    let ensemble = fit(&series, &Settings::default());
    assert_eq!(ensemble.weights, BTreeMap::from([(Member::Intermittent, 1.0)]));
    let forecast = ensemble.forecast(10, 0.8);
    assert!((forecast.ensemble.mean[0] - 4.0 / 6.0).abs() < 0.1);
    assert_eq!(forecast.ensemble.lower[0], 0.0);
    assert!(ensemble.futures(5, 50).iter().flatten().any(|v| *v == 0.0));
}

#[test]
fn what_is_hard_for_models_is_answered_all_the_same() {
    for values in [vec![5.0; 40], vec![0.0; 40], vec![1.0, 2.0, 3.0], vec![1e12, 0.0, 5.0, 1e12, 7.0, 8.0, 9.0, 1.0]] {
        let series = Series { start: 0, step: Step::DAY, values: values.clone() };
        let forecast = fit(&series, &Settings::default()).forecast(30, 0.9);
        let band = &forecast.ensemble;
        for step in 0..30 {
            let ends = [band.lower[step], band.mean[step], band.upper[step]];
            assert!(
                ends.iter().all(|v| v.is_finite()) && ends[0] <= ends[1] && ends[1] <= ends[2],
                "{values:?} {ends:?}"
            );
        }
    }
    let series = Series { start: 0, step: Step::DAY, values: vec![5.0; 40] };
    let forecast = fit(&series, &Settings::default()).forecast(3, 0.8);
    assert!((forecast.ensemble.mean[2] - 5.0).abs() < 0.01);
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let series = weekly(120, 2.0);
    let one = fit(&series, &Settings::default());
    assert_eq!(one, fit(&series, &Settings::default()));
    assert_eq!(one.futures(7, 20), one.futures(7, 20));
}

#[test]
fn too_few_values_and_a_cancelled_fit_are_errors() {
    let series = Series { start: 0, step: Step::DAY, values: vec![1.0, f64::NAN, 2.0] };
    let fit =
        |watch: fn(Stage) -> ControlFlow<()>, series: &Series| Ensemble::fit(series, &Settings::default(), watch).err();
    assert_eq!(fit(go_on, &series), Some(FitError::TooFew(2)));
    assert_eq!(fit(|_| ControlFlow::Break(()), &weekly(60, 1.0)), Some(FitError::Cancelled));
}

#[test]
fn a_change_of_the_last_weeks_is_seen() {
    let mut series = weekly(300, 1.0);
    series.values[280..].iter_mut().for_each(|value| *value *= 2.5);
    assert!(fit(&series, &Settings::default()).drift().is_some());
    assert_eq!(fit(&weekly(300, 1.0), &Settings::default()).drift(), None);
}
