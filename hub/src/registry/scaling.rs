//! How the pixels of an imported network are scaled: said by whoever imports it, stated by its file, or tried out on
//! labelled images. Never assumed: what is none of these is asked for, since a wrong scaling shows nowhere.
//!
//! Whatever says it, the images have a word: where another scaling agrees with their labels better beyond chance, the
//! answer says so.

use pilah_models::bundle::Scaling;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use pilah_evaluate::McNemar;

/// How likely a difference by chance is that counts as none.
const CHANCE: f64 = 0.05;

/// What says how pixels are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Whoever imports it.
    Said,
    /// The manifest of a hub that exported it.
    Manifest,
    /// The file itself.
    File,
    /// It takes bytes, which have one scaling only.
    Bytes,
    /// It agrees with the labels of images best, beyond chance.
    Images,
}

/// What a network makes of labelled images with one scaling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    pub(crate) scaling: Scaling,
    /// For each image whether it was labelled right.
    pub(crate) right: Vec<bool>,
}

/// How well a scaling agrees with labelled images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tried {
    /// The scaling, by its name or numbers.
    pub scaling: String,
    /// How many of the images it labels right.
    pub right: u64,
}

/// Something that speaks against a scaling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doubt {
    /// What speaks against it.
    pub by: Because,
    /// The scaling that this is for.
    pub scaling: String,
}

/// The scaling that was found, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    pub(crate) scaling: Scaling,
    pub(crate) because: Because,
    pub(crate) doubts: Vec<Doubt>,
}

/// What is known of a network's scaling before any image is looked at: the first counts.
pub(crate) type Evidence = [(Scaling, Because)];

/// Decides, or says that it cannot.
pub(crate) fn decide(evidence: &Evidence, trials: &[Trial]) -> Option<Decided> {
    let best = clear_best(trials);
    let Some((scaling, because)) = evidence.first().copied() else {
        return Some(Decided { scaling: best?.scaling, because: Because::Images, doubts: Vec::new() });
    };
    let others = evidence[1..].iter().copied();
    let mut doubts: Vec<Doubt> = others
        .filter(|(other, _)| !other.is_near(&scaling))
        .map(|(other, by)| Doubt { by, scaling: other.to_string() })
        .collect();
    let own = trials.iter().find(|trial| trial.scaling.is_near(&scaling));
    let better = trials.iter().max_by_key(|trial| trial.rights()).zip(own).filter(|(best, own)| best.beats(own));
    doubts.extend(better.map(|(best, _)| Doubt { by: Because::Images, scaling: best.scaling.to_string() }));
    Some(Decided { scaling, because, doubts })
}

/// The trial that beats all others beyond chance.
fn clear_best(trials: &[Trial]) -> Option<&Trial> {
    let best = trials.iter().max_by_key(|trial| trial.rights())?;
    let others = trials.iter().filter(|trial| !std::ptr::eq(*trial, best));
    others.into_iter().all(|other| best.beats(other)).then_some(best)
}

impl Trial {
    fn rights(&self) -> usize {
        self.right.iter().filter(|right| **right).count()
    }

    fn beats(&self, other: &Self) -> bool {
        McNemar::compare(&self.right, &other.right).p_worse < CHANCE
    }

    pub(crate) fn tried(&self) -> Tried {
        Tried { scaling: self.scaling.to_string(), right: self.rights() as u64 }
    }
}

/// What was tried out on how many images, in words.
#[must_use]
pub fn in_words(tried: &[Tried], images: u64) -> String {
    if images == 0 {
        return "there are no labelled images to try it out on".to_owned();
    }
    let each: Vec<String> =
        tried.iter().map(|tried| format!("{} labels {} right", tried.scaling, tried.right)).collect();
    format!("of {images} labelled images, {}", each.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial that is right on the first so many of 40 images.
    fn trial(scaling: Scaling, right: usize) -> Trial {
        Trial { scaling, right: (0..40).map(|image| image < right).collect() }
    }

    fn trials(rights: [usize; 4]) -> Vec<Trial> {
        Scaling::NAMED.iter().zip(rights).map(|((_, scaling), right)| trial(*scaling, right)).collect()
    }

    #[test]
    fn images_decide_only_beyond_chance() {
        let cases = [
            ([20, 38, 15, 22], Some("0..1")),
            ([38, 38, 15, 22], None),
            ([35, 38, 15, 22], None),
            ([33, 38, 15, 22], Some("0..1")),
            ([10, 10, 10, 10], None),
        ];
        for (rights, expected) in cases {
            let found = decide(&[], &trials(rights)).map(|found| found.scaling.to_string());
            assert_eq!(found.as_deref(), expected, "{rights:?}");
        }
        assert_eq!(decide(&[], &[]), None);
        let few: Vec<Trial> =
            trials([2, 4, 2, 2]).into_iter().map(|t| Trial { right: t.right[..4].to_vec(), ..t }).collect();
        assert_eq!(decide(&[], &few), None, "four images say nothing");
    }

    #[test]
    fn what_is_said_counts_and_what_speaks_against_it_is_told() {
        let said = (Scaling::SIGNED, Because::Said);
        let found = decide(&[said], &trials([37, 38, 15, 22])).expect("is said");
        assert_eq!((found.scaling, found.because, found.doubts), (Scaling::SIGNED, Because::Said, vec![]));
        let found = decide(&[said, (Scaling::UNIT, Because::File)], &trials([20, 38, 15, 22])).expect("is said");
        let doubt = |by| Doubt { by, scaling: "0..1".into() };
        assert_eq!(found.doubts, [doubt(Because::File), doubt(Because::Images)]);
        let own = Scaling { mean: [9.0; 3], std: [3.0; 3] };
        let found = decide(&[(own, Because::Said)], &[trial(own, 30), trial(Scaling::UNIT, 12)]).expect("is said");
        assert_eq!((found.scaling, found.doubts), (own, vec![]));
        assert_eq!(decide(&[said], &[]).map(|found| found.because), Some(Because::Said));
    }
}
