//! What a review of a sample is expected to bring: pure.
//!
//! Each signal is taken for the chance that a person's look changes something, of as much as its weight
//! says. The chances are joined as if they were independent: 1 − Π (1 − weight · signal). So the value
//! stays within 0 to 1, each signal can only raise it, and one strong signal suffices.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

/// Someone stood at the bin and saw that it was wrong: nearly always so.
const MARKED_WRONG: f64 = 0.9;

/// A label that out-of-fold probabilities contradict: half to four fifths of those are wrong labels
/// (Northcutt et al., "Confident Learning", 2021, table 2), and a wrong label harms more than a missing
/// one helps.
const SUSPECT: f64 = 0.8;

/// A sample near a border between classes moves it.
const UNSURE: f64 = 0.6;

/// Images of one item that are taken for different things: at least one guess is wrong.
const DISAGREEMENT: f64 = 0.5;

/// Something that nothing labelled looks like.
const NOVELTY: f64 = 0.4;

/// What speaks for a review of a sample, each 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signals {
    /// How unsure the model is: [`unsure`].
    pub unsure: f64,
    /// How much guesses on one item differ: [`disagreement`].
    pub disagreement: f64,
    /// How strongly the model contradicts the label.
    pub suspect: f64,
    /// How far it is from what is labelled: [`novelty`].
    pub novelty: f64,
    /// Whether someone at the bin said that the bin was wrong.
    pub marked_wrong: bool,
}

impl Signals {
    /// The value of a review, 0 to 1. A signal that is no number counts as 0.
    #[must_use]
    pub fn value(&self) -> f64 {
        let signals = [
            (UNSURE, self.unsure),
            (DISAGREEMENT, self.disagreement),
            (SUSPECT, self.suspect),
            (NOVELTY, self.novelty),
            (MARKED_WRONG, f64::from(u8::from(self.marked_wrong))),
        ];
        let sound = |signal: f64| if signal.is_finite() { signal.clamp(0.0, 1.0) } else { 0.0 };
        1.0 - signals.into_iter().map(|(weight, signal)| 1.0 - weight * sound(signal)).product::<f64>()
    }

    /// The value for a sample that has a label: what would teach if there were none says nothing then.
    #[must_use]
    pub fn value_of_second_look(&self) -> f64 {
        Self { suspect: self.suspect, marked_wrong: self.marked_wrong, ..Self::default() }.value()
    }
}

/// How unsure a model is: 1 − margin between the two likeliest classes, 0 to 1. `None` for fewer than two
/// probabilities, or if one is no number.
#[must_use]
pub fn unsure(probabilities: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut first, mut second, mut count) = (0.0f64, 0.0f64, 0);
    for p in probabilities {
        if !p.is_finite() {
            return None;
        }
        count += 1;
        if p > first {
            (first, second) = (p, first);
        } else if p > second {
            second = p;
        }
    }
    (count >= 2).then(|| (1.0 - (first - second)).clamp(0.0, 1.0))
}

/// How much the guesses on images of one group disagree: the share that is not the most frequent guess.
#[must_use]
pub fn disagreement<'a>(guesses: impl IntoIterator<Item = &'a str>) -> f64 {
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    guesses.into_iter().for_each(|guess| *votes.entry(guess).or_default() += 1);
    let all: usize = votes.values().sum();
    votes.values().max().map_or(0.0, |most| 1.0 - *most as f64 / all as f64)
}

/// How new a sample is, 0 to 1, by its cosine distance to the nearest labelled one: one half at the
/// distance that is `typical`.
#[must_use]
pub fn novelty(highest_cosine: f32, typical: f64) -> f64 {
    let distance = f64::from(1.0 - highest_cosine).max(0.0);
    if distance.is_finite() && distance > 0.0 { distance / (distance + typical.max(1e-9)) } else { 0.0 }
}

/// A number from 0 up to 1 that depends on a sample's id alone, and looks random: whether a sample is in
/// the random share is decided before anything is known of it, and the same wherever it is asked.
#[must_use]
pub fn draw(sample: &str) -> f64 {
    let digest = Sha256::new().chain_update(b"pilah random share/").chain_update(sample).finalize();
    let (head, _) = digest.as_slice().split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
    // The 53 highest bits, so that the number is exact.
    (u64::from_be_bytes(*head) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_margin_says_how_unsure() {
        let cases: [(&[f64], Option<f64>); 6] = [
            (&[0.5, 0.5], Some(1.0)),
            (&[0.2, 0.7, 0.1], Some(0.5)),
            (&[1.0, 0.0], Some(0.0)),
            (&[1.0], None),
            (&[], None),
            (&[f64::NAN, 0.5], None),
        ];
        for (probabilities, expected) in cases {
            let found = unsure(probabilities.iter().copied());
            assert!(
                found.is_some() == expected.is_some() && (found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-9,
                "{probabilities:?}: {found:?}"
            );
        }
    }

    #[test]
    fn votes_of_a_burst() {
        assert_eq!(disagreement(["glass", "glass"]), 0.0);
        assert_eq!(disagreement(["glass", "metal"]), 0.5);
        assert_eq!(disagreement(["glass", "metal", "glass", "glass"]), 0.25);
        assert_eq!(disagreement([]), 0.0);
    }

    #[test]
    fn what_is_far_is_new() {
        assert_eq!(novelty(1.0, 0.1), 0.0);
        assert!((novelty(0.9, 0.1) - 0.5).abs() < 1e-6);
        assert!(novelty(0.0, 0.1) > 0.9);
        assert_eq!(novelty(f32::NAN, 0.1), 0.0);
        assert!(novelty(0.5, 0.0) <= 1.0);
    }

    #[test]
    fn a_label_hides_what_only_an_unlabelled_sample_teaches() {
        let signals = Signals { unsure: 1.0, novelty: 1.0, ..Signals::default() };
        assert!(signals.value() > 0.7);
        assert_eq!(signals.value_of_second_look(), 0.0);
        let wrong = Signals { marked_wrong: true, ..signals };
        assert!((wrong.value_of_second_look() - 0.9).abs() < 1e-9);
        let broken = Signals { unsure: f64::NAN, ..Signals::default() };
        assert_eq!(broken.value(), 0.0);
    }

    #[test]
    fn draws_are_even_and_stay() {
        let draws: Vec<f64> = (0..10_000).map(|i| draw(&format!("sample {i}"))).collect();
        let below = draws.iter().filter(|draw| **draw < 0.1).count();
        assert!((900..1100).contains(&below), "{below}");
        assert_eq!(draw("sample 7"), draws[7]);
    }

    proptest! {
        #[test]
        fn a_signal_only_raises_the_value(a in prop::array::uniform4(0.0f64..=1.0), which in 0usize..4, more in 0.0f64..=1.0) {
            let of = |s: [f64; 4]| Signals { unsure: s[0], disagreement: s[1], suspect: s[2], novelty: s[3], marked_wrong: false };
            let mut b = a;
            b[which] = b[which].max(more);
            let (before, after) = (of(a).value(), of(b).value());
            prop_assert!((0.0..=1.0).contains(&before) && after >= before);
        }
    }
}
