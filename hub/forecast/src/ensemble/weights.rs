//! What each model counts in the ensemble, learned from the backtest.

use std::collections::BTreeMap;

use super::backtest::Run;
use super::{Member, Weighing};
use crate::intermittent::Character;

/// What each model counts; together 1.
pub(super) fn learn(
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
