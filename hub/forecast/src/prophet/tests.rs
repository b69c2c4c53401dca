//! Agreement with the Python package prophet 1.5.0, and what bad input gets.

use super::*;

const N: i64 = 900;

/// 2021-03-01.
const START: i64 = 1_614_556_800;

fn times(from: i64, to: i64) -> Vec<i64> {
    (from..to).map(|day| START + day * 86_400).collect()
}

/// A bent line, a week, a year, and disturbances that are the same everywhere.
fn values() -> Vec<f64> {
    (0..N)
        .map(|i| {
            let i = i as f64;
            200.0 + 0.1 * i - 0.25 * (i - 500.0).max(0.0)
                + 20.0 * (std::f64::consts::TAU * i / 7.0).sin()
                + 30.0 * (std::f64::consts::TAU * i / 365.25).cos()
                + disturbance(i)
        })
        .collect()
}

fn disturbance(i: f64) -> f64 {
    8.0 * (i * i * 0.37).sin()
}

/// Checks the forecast of days 0, 450, 899, 920 and 959 against Python's.
fn check(values: &[f64], options: &Options, python: [f64; 5], interval: [f64; 4]) {
    for exact in [false, true] {
        let options = Options { exact, ..options.clone() };
        let model = Prophet::fit(&times(0, N), values, &options).expect("a fit");
        let prediction = model.predict(&times(0, N + 60), 0.8, 1);
        for (day, expected) in [0, 450, 899, 920, 959].into_iter().zip(python) {
            let relative = (prediction.mean[day] - expected).abs() / expected;
            // Python stops before the optimum, where the prior has kinks.
            assert!(
                relative < if exact { 2e-2 } else { 3e-3 },
                "day {day}, exact {exact}: {} but {expected}",
                prediction.mean[day]
            );
        }
        let ends = [prediction.lower[450], prediction.upper[450], prediction.lower[959], prediction.upper[959]];
        for (end, expected) in ends.into_iter().zip(interval) {
            // Python draws the noise of the past too, so its own ends vary by about a hundredth.
            assert!((end - expected).abs() / expected < 0.02, "{end} but {expected}");
        }
    }
}

#[test]
fn additive_seasons_agree_with_python() {
    let python = [231.2772, 267.0863, 168.1455, 166.4866, 158.0197];
    check(&values(), &Options::default(), python, [260.325, 274.016, 151.001, 165.271]);
}

#[test]
fn multiplicative_seasons_agree_with_python() {
    let options = Options { multiplicative: true, ..Options::default() };
    let python = [231.3875, 269.2106, 168.8975, 166.7899, 157.809];
    check(&values(), &options, python, [262.026, 276.657, 150.021, 165.481]);
}

#[test]
fn flat_growth_agrees_with_python() {
    let options = Options { growth: Growth::Flat, ..Options::default() };
    let python = [252.1821, 241.3356, 201.6813, 211.9176, 207.511];
    check(&values(), &options, python, [220.967, 262.035, 188.367, 228.769]);
}

#[test]
fn holidays_agree_with_python() {
    let days = [100, 300, 500, 700, 920].map(|day| START / 86_400 + day);
    let mut values = values();
    for day in [100, 300, 500, 700] {
        values[day] += 90.0;
    }
    let holiday = Holiday { name: "x".into(), days: days.into_iter().collect() };
    let options = Options { holidays: vec![holiday], ..Options::default() };
    let python = [231.2881, 267.1097, 168.0693, 250.1257, 157.9191];
    check(&values, &options, python, [260.062, 274.088, 150.443, 165.199]);
}

#[test]
fn logistic_growth_agrees_with_python() {
    let values: Vec<f64> = (0..N)
        .map(|i| {
            let i = i as f64;
            300.0 / (1.0 + (-0.008 * (i - 400.0)).exp())
                + disturbance(i)
                + 10.0 * (std::f64::consts::TAU * i / 7.0).sin()
        })
        .collect();
    let options = Options { growth: Growth::Logistic { capacity: 320.0, floor: 0.0 }, ..Options::default() };
    let model = Prophet::fit(&times(0, N), &values, &options).expect("a fit");
    let mean = model.mean(&times(0, N + 60));
    for (day, expected) in [(450, 188.1433), (899, 301.5207), (920, 307.0954), (959, 303.7228)] {
        assert!((mean[day] - expected).abs() / expected < 2e-3, "day {day}: {} but {expected}", mean[day]);
    }
}

#[test]
fn the_same_seed_gives_the_same_interval_and_another_one_does_not() {
    let model = Prophet::fit(&times(0, N), &values(), &Options::default()).expect("a fit");
    let future = times(N, N + 30);
    assert_eq!(model.predict(&future, 0.8, 7), model.predict(&future, 0.8, 7));
    assert_ne!(model.predict(&future, 0.8, 7).upper, model.predict(&future, 0.8, 8).upper);
}

#[test]
fn a_constant_series_stays_constant_and_is_sure() {
    let model = Prophet::fit(&times(0, 50), &[3.0; 50], &Options::default()).expect("a fit");
    let prediction = model.predict(&times(50, 60), 0.8, 1);
    assert!(prediction.mean.iter().all(|m| (m - 3.0).abs() < 1e-6), "{prediction:?}");
    let zeros = Prophet::fit(&times(0, 50), &[0.0; 50], &Options::default()).expect("a fit");
    assert!(zeros.mean(&times(50, 60)).iter().all(|m| m.abs() < 1e-9));
}

#[test]
fn two_values_make_a_line() {
    let model = Prophet::fit(&times(0, 2), &[10.0, 12.0], &Options::default()).expect("a fit");
    assert!(model.mean(&times(2, 4)).iter().all(|m| m.is_finite()));
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let fit = |times: &[i64], values: &[f64], growth| {
        Prophet::fit(times, values, &Options { growth, ..Options::default() }).err()
    };
    assert_eq!(fit(&[0], &[1.0], Growth::Linear), Some(ProphetError::TooFew(1)));
    assert_eq!(fit(&[0, 5], &[1.0, f64::NAN], Growth::Linear), Some(ProphetError::Values { index: 1 }));
    assert_eq!(fit(&[0, 0], &[1.0, 2.0], Growth::Linear), Some(ProphetError::Values { index: 1 }));
    let growth = Growth::Logistic { capacity: 1.0, floor: 2.0 };
    assert_eq!(fit(&[0, 5], &[1.0, 2.0], growth), Some(ProphetError::Capacity { capacity: 1.0, floor: 2.0 }));
}
