//! One answer from several frames: the mean of their calibrated probabilities.
//!
//! A single frame may be blurred or lit badly; the mean is surer than most of its parts, and frames
//! that disagree are a reason to keep the image. Pure, and of fixed size.

use heapless::Vec;
use pilah_models::infer::best;
use pilah_models::labels::MAX_LABELS;

/// Votes for one item.
#[derive(Debug, Clone, Default)]
pub struct Vote {
    sums: Vec<f32, MAX_LABELS>,
    frames: u8,
    first_winner: usize,
    disagreed: bool,
}

/// The outcome of a vote.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The mean, in the order of the labels.
    pub probabilities: Vec<f32, MAX_LABELS>,
    /// How many frames voted.
    pub frames: u8,
    /// Whether every frame had the same likeliest class.
    pub agreed: bool,
}

impl Vote {
    /// Adds the probabilities of one frame. Those of another length than the first ones, which a
    /// model that was swapped in between could give, begin the vote anew.
    pub fn add(&mut self, probabilities: &[f32]) {
        let winner = best(probabilities).0;
        if self.frames == 0 || self.sums.len() != probabilities.len() {
            self.clear();
            self.sums.extend(probabilities.iter().take(MAX_LABELS).copied());
            self.first_winner = winner;
        } else {
            for (sum, p) in self.sums.iter_mut().zip(probabilities) {
                *sum += p;
            }
            self.disagreed |= winner != self.first_winner;
        }
        self.frames = self.frames.saturating_add(1);
    }

    /// How many frames have voted.
    #[must_use]
    pub fn frames(&self) -> u8 {
        self.frames
    }

    /// Forgets all votes.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The mean so far; `None` without a vote.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        (self.frames > 0).then(|| Verdict {
            probabilities: self.sums.iter().map(|sum| sum / f32::from(self.frames)).collect(),
            frames: self.frames,
            agreed: !self.disagreed,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_mean_wins_and_disagreement_is_noted() {
        let mut vote = Vote::default();
        assert_eq!(vote.verdict(), None);
        vote.add(&[0.6, 0.4]);
        assert!(vote.verdict().expect("one vote").agreed);
        vote.add(&[0.1, 0.9]);
        vote.add(&[0.55, 0.45]);
        let verdict = vote.verdict().expect("three votes");
        assert_eq!((verdict.frames, verdict.agreed), (3, false));
        assert_eq!(best(&verdict.probabilities).0, 1, "two frames for the first, but the mean for the second");
        vote.clear();
        assert_eq!(vote.verdict(), None);
    }

    #[test]
    fn a_model_with_other_labels_begins_anew() {
        let mut vote = Vote::default();
        vote.add(&[0.6, 0.4]);
        vote.add(&[0.1, 0.2, 0.7]);
        assert_eq!(vote.verdict().map(|v| (v.frames, v.agreed, v.probabilities.len())), Some((1, true, 3)));
    }

    proptest! {
        #[test]
        fn means_of_distributions_are_distributions(
            rows in prop::collection::vec(prop::collection::vec(0.01_f32..1.0, 6), 1..20)
        ) {
            let mut vote = Vote::default();
            for row in &rows {
                let total: f32 = row.iter().sum();
                let row: std::vec::Vec<f32> = row.iter().map(|p| p / total).collect();
                vote.add(&row);
            }
            let verdict = vote.verdict().expect("at least one");
            prop_assert_eq!(usize::from(verdict.frames), rows.len());
            prop_assert!((verdict.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
