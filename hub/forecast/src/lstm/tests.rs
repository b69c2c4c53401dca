//! What a network learns, and what it refuses.

use super::*;

fn season(count: usize) -> Vec<f64> {
    (0..count).map(|i| 100.0 + 0.05 * i as f64 + 10.0 * (std::f64::consts::TAU * i as f64 / 7.0).sin()).collect()
}

fn small() -> Options {
    Options { window: 14, cells: 8, epochs: 30, dropout: 0.0, learning_rate: 1e-2, ..Options::default() }
}

fn go_on(_: Epoch) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_season_is_learned_and_goes_on() {
    let network = Lstm::train(&season(200), &small(), go_on).expect("a network");
    let forecast = network.predict(14);
    for (forecast, truth) in forecast.iter().zip(&season(214)[200..]) {
        assert!((forecast - truth).abs() < 2.5, "{forecast} but {truth}");
    }
    assert!(network.losses()[29] < network.losses()[0] / 10.0);
}

#[test]
fn the_same_seed_gives_the_same_network_and_another_one_does_not() {
    let options = Options { epochs: 2, dropout: 0.2, ..small() };
    let train = |seed| Lstm::train(&season(80), &Options { seed, ..options }, go_on).expect("a network");
    assert_eq!(train(1), train(1));
    assert_ne!(train(1).predict(3), train(2).predict(3));
}

#[test]
fn a_constant_series_stays_constant() {
    let options = Options { epochs: 3, ..small() };
    let network = Lstm::train(&[5.0; 60], &options, go_on).expect("a network");
    assert!(network.predict(5).iter().all(|v| (v - 5.0).abs() < 1.0));
}

#[test]
fn whoever_watches_can_end_it() {
    let mut seen = Vec::new();
    let result = Lstm::train(&season(80), &small(), |epoch| {
        seen.push(epoch.epoch);
        if epoch.epoch == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(result.err(), Some(LstmError::Cancelled));
    assert_eq!(seen, [1, 2]);
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let train = |values: &[f64], options: &Options| Lstm::train(values, options, go_on).err();
    assert_eq!(train(&[1.0; 20], &small()), Some(LstmError::TooFew { values: 20, window: 14, least: 34 }));
    let mut values = season(80);
    values[3] = f64::NAN;
    assert_eq!(train(&values, &small()), Some(LstmError::Value(3)));
    assert_eq!(train(&season(80), &Options { cells: 0, ..small() }), Some(LstmError::Options));
    assert_eq!(train(&season(80), &Options { dropout: 1.0, ..small() }), Some(LstmError::Options));
}

#[test]
fn less_to_do_means_fewer_epochs_and_then_only_the_newest_values() {
    let within = |values, windows| {
        let options = Options::default().within(values, windows);
        (options.newest, options.epochs)
    };
    assert_eq!(within(130, 20_000), (Some(130), 50));
    assert_eq!(within(1030, 20_000), (Some(1030), 20));
    assert_eq!(within(200_000, 20_000), (Some(4030), 5));
    assert_eq!(within(10, 20_000), (Some(10), 50));
    let few = Options { epochs: 2, ..Options::default() };
    assert_eq!(few.within(730, 20_000).epochs, 2);
}

#[test]
fn a_network_of_the_newest_values_knows_nothing_else() {
    let options = Options { window: 5, cells: 3, epochs: 2, newest: Some(60), ..Options::default() };
    let train = |values: &[f64]| Lstm::train(values, &options, |_| ControlFlow::Continue(())).expect("a network");
    let newest: Vec<f64> = (0..60).map(|i| f64::from(i % 5)).collect();
    let mut values = vec![1e6; 40];
    values.extend(&newest);
    assert_eq!(train(&values), train(&newest));
}
