//! Which split a group of samples belongs to: 80 % training, 10 % validation, 10 % test.
//!
//! Samples that show the same thing are one group, and a group is never torn apart, or the test
//! would ask for what training has shown. The decision is taken once, when the first sample of a
//! group gets a label, and is stored: it never changes as the dataset grows, so that figures of
//! successive models can be compared.
//!
//! A new group goes to the split that is furthest below its share of that label; where two are
//! equally far, to the one furthest below its share of all labels. Each label's first three
//! groups are therefore training data, and its fourth is the first that is not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a sample is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Heads are fitted on it.
    Train,
    /// Decides when to stop, the temperature and the thresholds.
    Validation,
    /// Figures and the gate; nothing is chosen by it.
    Test,
}

impl Split {
    /// Every split, in the order in which ties are broken.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name in the database, in folders and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The split that a dataset's folder is named for, `val` and `valid` included.
    #[must_use]
    pub fn of_folder(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "validation" | "val" | "valid" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }

    /// Tenths of all samples that it should have.
    fn tenths(self) -> i64 {
        match self {
            Self::Train => 8,
            Self::Validation | Self::Test => 1,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A stored split that no build has ever written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no split")]
pub struct UnknownSplit(String);

impl FromStr for Split {
    type Err = UnknownSplit;
    fn from_str(name: &str) -> Result<Self, UnknownSplit> {
        Self::ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| UnknownSplit(name.to_owned()))
    }
}

/// How many samples each split has, of one label or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In training.
    pub train: u64,
    /// In validation.
    pub validation: u64,
    /// In test.
    pub test: u64,
}

impl Counts {
    /// How many one split has.
    #[must_use]
    pub fn of(&self, split: Split) -> u64 {
        match split {
            Split::Train => self.train,
            Split::Validation => self.validation,
            Split::Test => self.test,
        }
    }

    /// Counts `samples` more in `split`.
    pub fn add(&mut self, split: Split, samples: u64) {
        *match split {
            Split::Train => &mut self.train,
            Split::Validation => &mut self.validation,
            Split::Test => &mut self.test,
        } += samples;
    }

    /// How many there are in all splits.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.train + self.validation + self.test
    }

    /// By how many tenths of a sample a split is below its share once one more has come.
    fn shortfall(&self, split: Split) -> i64 {
        let total = i64::try_from(self.total()).unwrap_or(i64::MAX / 16) + 1;
        split.tenths() * total - 10 * i64::try_from(self.of(split)).unwrap_or(i64::MAX / 16)
    }
}

/// The split of a new group, by what there is of its label, and of all labels.
#[must_use]
pub fn assign(of_label: &Counts, of_all: &Counts) -> Split {
    let mut best = Split::Train;
    for split in Split::ALL {
        let rank = |s: Split| (of_label.shortfall(s), of_all.shortfall(s));
        if rank(split) > rank(best) {
            best = split;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Assigns groups of one label one by one, as the store does, and tells where they went.
    fn grow(groups: &[u64]) -> (Vec<Split>, Counts) {
        let mut counts = Counts::default();
        let splits = groups
            .iter()
            .map(|samples| {
                let split = assign(&counts, &counts);
                counts.add(split, *samples);
                split
            })
            .collect();
        (splits, counts)
    }

    #[test]
    fn the_first_groups_of_a_label_are_training_data() {
        use Split::{Test, Train, Validation};
        let (splits, _) = grow(&[1; 10]);
        assert_eq!(splits[..7], [Train, Train, Train, Validation, Train, Train, Test]);
        let (_, counts) = grow(&[1; 1000]);
        assert_eq!(counts, Counts { train: 800, validation: 100, test: 100 });
    }

    #[test]
    fn a_few_samples_of_each_of_many_labels_reach_every_split() {
        let mut all = Counts::default();
        for _label in 0..6 {
            let mut own = Counts::default();
            for _group in 0..5 {
                let split = assign(&own, &all);
                own.add(split, 1);
                all.add(split, 1);
            }
        }
        assert_eq!(all, Counts { train: 24, validation: 3, test: 3 });
    }

    #[test]
    fn names_are_read_back() {
        for split in Split::ALL {
            assert_eq!(split.name().parse(), Ok(split));
            assert_eq!(Split::of_folder(split.name()), Some(split));
        }
        assert_eq!(Split::of_folder("Val"), Some(Split::Validation));
        assert_eq!(Split::of_folder("glass"), None);
        assert!("train ".parse::<Split>().is_err());
    }

    proptest! {
        #[test]
        fn shares_are_kept_to_within_the_largest_group(groups in prop::collection::vec(1u64..30, 1..200)) {
            let (_, counts) = grow(&groups);
            let largest = *groups.iter().max().expect("at least one") as f64;
            for split in Split::ALL {
                let due = counts.total() as f64 * split.tenths() as f64 / 10.0;
                let off = counts.of(split) as f64 - due;
                prop_assert!(off.abs() <= 2.0 * largest + 1.0, "{split}: {counts:?}");
            }
        }

        #[test]
        fn what_is_assigned_stays_as_the_dataset_grows(
            groups in prop::collection::vec(1u64..30, 2..100),
            cut in 1usize..100,
        ) {
            let cut = cut.min(groups.len());
            let (all, _) = grow(&groups);
            let (first, _) = grow(&groups[..cut]);
            prop_assert_eq!(&all[..cut], &first[..]);
        }

        #[test]
        fn no_group_straddles(samples in prop::collection::vec((0u32..20, 0usize..3), 1..300)) {
            // As the store does: a group's split is looked up before one is assigned.
            let mut of_group: HashMap<u32, Split> = HashMap::new();
            let mut counts = [Counts::default(); 3];
            let mut all = Counts::default();
            let mut seen: HashMap<u32, Vec<Split>> = HashMap::new();
            for (group, label) in samples {
                let split = *of_group.entry(group).or_insert_with(|| assign(&counts[label], &all));
                counts[label].add(split, 1);
                all.add(split, 1);
                seen.entry(group).or_default().push(split);
            }
            for splits in seen.values() {
                prop_assert!(splits.windows(2).all(|w| w[0] == w[1]));
            }
        }
    }
}
