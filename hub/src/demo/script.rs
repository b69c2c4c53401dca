//! When the demo retrains: pure, and told by counts.
//!
//! The first training waits until there are enough labels to learn from and enough items to judge
//! the shipped model by. Each further one waits for half as many labels again as the last had:
//! accuracy grows with the logarithm of the labels, so that this is when there is something to gain,
//! and when a model that the gate refused has a better successor.

/// Labels and judged items before the first training.
pub(super) const FIRST_TRAINING: u64 = 90;

/// What the script goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Samples with a label.
    pub labelled: u64,
    /// Items whose truth is known, classified by any model.
    pub judged: u64,
    /// Whether a training runs.
    pub training: bool,
}

/// The demo's course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Script {
    next_at: u64,
}

impl Default for Script {
    fn default() -> Self {
        Self { next_at: FIRST_TRAINING }
    }
}

impl Script {
    /// Whether it is time to train. Having said so, it waits for half as many labels again.
    #[must_use]
    pub(super) fn is_time_to_train(&mut self, seen: Seen) -> bool {
        let due = !seen.training && seen.labelled >= self.next_at && seen.judged >= self.next_at;
        if due {
            self.next_at = seen.labelled + seen.labelled / 2;
        }
        due
    }

    /// How many labels the next training waits for.
    #[must_use]
    pub(super) fn next_at(&self) -> u64 {
        self.next_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(labelled: u64, judged: u64, training: bool) -> Seen {
        Seen { labelled, judged, training }
    }

    #[test]
    fn it_waits_for_labels_and_for_items_to_judge_by() {
        let mut script = Script::default();
        assert!(!script.is_time_to_train(Seen::default()));
        assert!(!script.is_time_to_train(seen(FIRST_TRAINING - 1, 500, false)), "too few labels");
        assert!(!script.is_time_to_train(seen(500, FIRST_TRAINING - 1, false)), "too few judged items");
        assert!(script.is_time_to_train(seen(FIRST_TRAINING, FIRST_TRAINING, false)));
    }

    #[test]
    fn each_training_waits_for_half_the_labels_again_and_for_the_last_one_to_end() {
        let mut script = Script::default();
        assert!(script.is_time_to_train(seen(100, 100, false)));
        assert!(!script.is_time_to_train(seen(149, 1000, false)));
        assert!(!script.is_time_to_train(seen(150, 1000, true)), "one runs");
        assert!(script.is_time_to_train(seen(180, 1000, false)));
        assert_eq!(script.next_at(), 270);
    }
}
