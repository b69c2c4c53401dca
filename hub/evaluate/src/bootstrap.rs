//! How far macro-F1 could have come out otherwise: a bootstrap over groups of images.
//!
//! Images of one burst show one object, so they are right or wrong together. Drawing images one by one
//! would take them for independent and give an interval that is too narrow; whole groups are drawn
//! instead (the cluster bootstrap; Davison and Hinkley, *Bootstrap Methods and their Application*, 1997), and
//! within each class, so that no draw lacks one and takes its F1 for 0.
//!
//! Of a class that has one group only, images are drawn one by one: how other groups of it would have done,
//! nobody knows, and the interval says too little of that class.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::Draw;
use super::macro_f1;

/// How often the groups are drawn.
const DRAWS: usize = 1000;

/// No more than this many images are drawn in all, so that a large test split takes a second, not a minute.
const MOST_IMAGES: usize = 4_000_000;

/// With fewer draws than this, the ends of the interval would be chance.
const LEAST_DRAWS: usize = 200;

/// An image: the true class, the answer, and the group that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The true class, as its place among the labels.
    pub truth: usize,
    /// The answer.
    pub answer: usize,
    /// Its group.
    pub group: &'a str,
}

/// The 95 % interval of macro-F1, by percentiles; `None` with fewer than two groups, of which nothing can
/// be learned about others.
#[must_use]
pub fn macro_f1_interval(outcomes: &[Outcome<'_>], classes: usize) -> Option<[f64; 2]> {
    // A group with images of two classes is one in each of them.
    let mut of_class: Vec<BTreeMap<&str, Vec<usize>>> = vec![BTreeMap::new(); classes];
    for outcome in outcomes {
        of_class[outcome.truth].entry(outcome.group).or_default().push(outcome.answer);
    }
    let groups: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.group).collect();
    if groups.len() < 2 {
        return None;
    }
    let of_class: Vec<Vec<Vec<usize>>> = of_class.into_iter().map(drawn_together).collect();
    let draws = (MOST_IMAGES / outcomes.len()).clamp(LEAST_DRAWS, DRAWS);
    let mut draw = Draw::new(0);
    let mut found: Vec<f64> = (0..draws)
        .map(|_| {
            let mut confusion = vec![vec![0u64; classes]; classes];
            for (truth, groups) in of_class.iter().enumerate() {
                for _ in 0..groups.len() {
                    groups[draw.below(groups.len())].iter().for_each(|answer| confusion[truth][*answer] += 1);
                }
            }
            macro_f1(&confusion)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found[((draws - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

/// What is drawn together of a class: its groups, or, if it has one only, its images.
fn drawn_together(groups: BTreeMap<&str, Vec<usize>>) -> Vec<Vec<usize>> {
    if groups.len() == 1 {
        return groups.into_values().flatten().map(|answer| vec![answer]).collect();
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(images: usize, per_group: usize) -> (Vec<String>, Vec<(usize, usize)>) {
        let groups = (0..images).map(|i| format!("g{}", i / per_group)).collect();
        // Groups are of one class each, and right or wrong as a whole: a fourth of them is wrong.
        let answer = |group: usize| (group % 2, if group % 8 < 2 { 1 - group % 2 } else { group % 2 });
        let answers = (0..images).map(|i| answer(i / per_group)).collect();
        (groups, answers)
    }

    fn interval(images: usize, per_group: usize) -> Option<[f64; 2]> {
        let (groups, answers) = outcomes(images, per_group);
        let outcomes: Vec<Outcome<'_>> = groups
            .iter()
            .zip(&answers)
            .map(|(group, (truth, answer))| Outcome { truth: *truth, answer: *answer, group })
            .collect();
        macro_f1_interval(&outcomes, 2)
    }

    #[test]
    fn images_that_hang_together_say_less() {
        let width = |interval: [f64; 2]| interval[1] - interval[0];
        let alone = interval(400, 1).expect("400 groups");
        let together = interval(400, 10).expect("40 groups");
        assert!(alone[0] < 0.75 && 0.75 < alone[1], "{alone:?}");
        // By theory √10 times as wide.
        assert!(width(together) > 2.0 * width(alone), "{together:?} {alone:?}");
    }

    #[test]
    fn no_draw_lacks_a_class() {
        // Nine of ten images of each class are right, each class has one group.
        let outcomes: Vec<Outcome<'_>> = (0..60)
            .map(|i| Outcome {
                truth: i / 10,
                answer: if i % 10 == 0 { 0 } else { i / 10 },
                group: ["a", "b", "c", "d", "e", "f"][i / 10],
            })
            .collect();
        let [low, high] = macro_f1_interval(&outcomes, 6).expect("six groups");
        assert!(low > 0.8 && high < 1.0, "{low} {high}");
    }

    #[test]
    fn one_group_says_nothing_of_others() {
        assert_eq!(interval(10, 10), None);
        assert_eq!(macro_f1_interval(&[], 2), None);
        assert_eq!(interval(40, 2), interval(40, 2), "the same draws each time");
    }
}
