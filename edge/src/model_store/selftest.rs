//! A model that is ready to be swapped in answers the last pictures that the bin saw, before it is in force.
//!
//! Golden outputs say that a model computes here what it computed where it was made. They are drawn, and of one
//! size. What comes before this camera may be something else: so the pipeline's last items are kept, a few and small, in
//! memory alone, and the new model has to answer each with finite probabilities, without a panic, and in a time
//! that the old one, asked about the same pictures in turn, does not put to shame.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use image::RgbImage;
use pilah_models::infer::{Classifier, InferError};
use pilah_models::preprocess;

use super::answer::{Unanswered, answer};

/// Pictures that are kept; the oldest goes. With [`LARGEST_SIDE`] they take 1.9 MB at most.
pub const PICTURES: usize = 6;

/// The longer side of a picture, in pixels.
pub const LARGEST_SIDE: u32 = 320;

/// How many times as long as the old one a new model may take; the machine is doing something else meanwhile.
pub const SLOWER: u32 = 4;

/// A model that answers within this is fast enough, whatever the old one takes: a third of a decision's budget.
pub const FAST: Duration = Duration::from_millis(100);

/// The last pictures of items.
#[derive(Debug, Default)]
pub struct Album(Mutex<VecDeque<Arc<RgbImage>>>);

impl Album {
    /// Keeps the picture of an item, made smaller.
    pub fn keep(&self, picture: &Arc<RgbImage>) {
        let (width, height) = picture.dimensions();
        let small = if width.max(height) <= LARGEST_SIDE {
            Arc::clone(picture)
        } else {
            Arc::new(preprocess::shrink(RgbImage::clone(picture), LARGEST_SIDE))
        };
        let mut pictures = self.lock();
        if pictures.len() == PICTURES {
            pictures.pop_front();
        }
        pictures.push_back(small);
    }

    /// Those that are kept, the oldest first.
    #[must_use]
    pub fn pictures(&self) -> Vec<Arc<RgbImage>> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<RgbImage>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model that does not stand up to what this bin sees.
#[derive(Debug, thiserror::Error)]
#[error("it was tried on the last {of} pictures of this bin: {problem}")]
pub struct Unfit {
    of: usize,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Unanswered { picture: usize, why: Unanswered },
    NotFinite { picture: usize, found: f32 },
    Slow { new: Duration, old: Duration },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered { picture, why } => write!(f, "number {picture} it could not answer: {why}"),
            Self::NotFinite { picture, found } => {
                write!(f, "to number {picture} it answered with a probability of {found}")
            }
            Self::Slow { new, old } => write!(
                f,
                "it took {} ms for one (median), the model in force {} ms; {SLOWER} times as long is allowed",
                new.as_millis(),
                old.as_millis()
            ),
        }
    }
}

/// What came of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Pictures that were answered.
    pub pictures: usize,
    /// The median time of an answer.
    pub median: Duration,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pictures {
            0 => f.write_str("the bin has not seen anything yet to try it on"),
            pictures => write!(f, "{pictures} pictures answered, {} ms each (median)", self.median.as_millis()),
        }
    }
}

/// Lets a new model answer the pictures, in turn with the one in force.
///
/// # Errors
/// [`Unfit`]: what it did wrong.
pub fn examine(pictures: &[Arc<RgbImage>], old: &Classifier, new: &Classifier) -> Result<Fit, Unfit> {
    let probabilities = |model: &Classifier, picture: &RgbImage| model.classify(picture).map(|p| p.probabilities);
    examine_by(pictures, |picture| probabilities(old, picture), |picture| probabilities(new, picture))
}

type Answer = Result<Vec<f32>, InferError>;

fn examine_by(
    pictures: &[Arc<RgbImage>],
    old: impl Fn(&RgbImage) -> Answer,
    new: impl Fn(&RgbImage) -> Answer,
) -> Result<Fit, Unfit> {
    let unfit = |problem| Unfit { of: pictures.len(), problem };
    let (mut old_times, mut new_times) = (Vec::new(), Vec::new());
    for (picture, image) in (1..).zip(pictures) {
        let begun = Instant::now();
        // That the old one fails is no fault of the new one.
        if answer(|| old(image)).is_ok() {
            old_times.push(begun.elapsed());
        }
        let begun = Instant::now();
        let probabilities = answer(|| new(image)).map_err(|why| unfit(Problem::Unanswered { picture, why }))?;
        new_times.push(begun.elapsed());
        if let Some(found) = probabilities.iter().copied().find(|p| !p.is_finite()) {
            return Err(unfit(Problem::NotFinite { picture, found }));
        }
    }
    let (new, old) = (median(new_times), median(old_times));
    match (new, old) {
        (Some(new), Some(old)) if is_slow(new, old) => Err(unfit(Problem::Slow { new, old })),
        _ => Ok(Fit { pictures: pictures.len(), median: new.unwrap_or_default() }),
    }
}

fn is_slow(new: Duration, old: Duration) -> bool {
    new > SLOWER * old.max(FAST)
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::classifier;

    fn pictures(count: u32) -> Vec<Arc<RgbImage>> {
        let album = Album::default();
        for n in 0..count {
            album.keep(&Arc::new(RgbImage::from_pixel(640 + n, 480, image::Rgb([n as u8; 3]))));
        }
        album.pictures()
    }

    #[test]
    fn only_the_last_pictures_are_kept_and_none_is_large() {
        let kept = pictures(20);
        assert_eq!(kept.len(), PICTURES);
        assert_eq!(kept.last().map(|picture| picture.get_pixel(0, 0).0[0]), Some(19), "the newest last");
        assert!(kept.iter().all(|picture| picture.width().max(picture.height()) == LARGEST_SIDE));
        let album = Album::default();
        album.keep(&Arc::new(RgbImage::new(64, 48)));
        assert_eq!(album.pictures()[0].dimensions(), (64, 48), "what is small stays");
    }

    #[test]
    fn a_good_model_answers_all_of_them() {
        let fit = examine(&pictures(3), &classifier("m1", 1), &classifier("m2", 2)).expect("it is fit");
        assert_eq!(fit.pictures, 3);
        assert!(fit.to_string().starts_with("3 pictures answered"), "{fit}");
        let none = examine(&[], &classifier("m1", 1), &classifier("m2", 2)).expect("nothing to say against it");
        assert_eq!(none.to_string(), "the bin has not seen anything yet to try it on");
    }

    #[test]
    fn what_is_wrong_with_a_model_is_said_and_at_which_picture() {
        let good = |_: &RgbImage| -> Answer { Ok(vec![0.5, 0.5]) };
        let second = |picture: &RgbImage| picture.get_pixel(0, 0).0[0] == 1;
        let refused = |new: &dyn Fn(&RgbImage) -> Answer| {
            examine_by(&pictures(3), good, new).expect_err("it is unfit").to_string()
        };
        let infinite = refused(&|picture| Ok(vec![1.0, if second(picture) { f32::NAN } else { 0.0 }]));
        assert_eq!(
            infinite,
            "it was tried on the last 3 pictures of this bin: to number 2 it answered with a probability of NaN"
        );
        let panics = refused(&|picture| if second(picture) { panic!("index out of bounds") } else { good(picture) });
        assert!(panics.ends_with("number 2 it could not answer: it panicked: index out of bounds"), "{panics}");

        // A model in force that fails itself says nothing about the next one.
        let broken = |_: &RgbImage| -> Answer { panic!("as the old one does") };
        assert!(examine_by(&pictures(3), broken, good).is_ok());
    }

    #[test]
    fn a_model_is_slow_by_what_the_old_one_takes_and_never_if_it_is_fast() {
        let ms = Duration::from_millis;
        let cases = [(400, 1, false), (401, 1, true), (401, 101, false), (2000, 500, false), (2001, 500, true)];
        for (new, old, expected) in cases {
            assert_eq!(is_slow(ms(new), ms(old)), expected, "{new} ms after {old} ms");
        }
        let slow = Unfit { of: 6, problem: Problem::Slow { new: ms(900), old: ms(200) } }.to_string();
        assert!(slow.contains("900 ms for one (median), the model in force 200 ms"), "{slow}");
    }
}
