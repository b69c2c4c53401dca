//! How far macro-F1 could have come out otherwise: a bootstrap over groups of images.
//!
//! Images of one burst show one object, so they are right or wrong together. Drawing images one by one
//! would take them for independent and give an interval that is too narrow; whole groups are drawn
//! instead (the cluster bootstrap; Davison and Hinkley, *Bootstrap Methods and their Application*, 1997).

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
    let mut groups: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for outcome in outcomes {
        let index = *place.entry(outcome.group).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[index].push((outcome.truth, outcome.answer));
    }
    if groups.len() < 2 {
        return None;
    }
    let draws = (MOST_IMAGES / outcomes.len()).clamp(LEAST_DRAWS, DRAWS);
    let mut draw = Draw::new(0);
    let mut found: Vec<f64> = (0..draws)
        .map(|_| {
            let mut confusion = vec![vec![0u64; classes]; classes];
            for _ in 0..groups.len() {
                groups[draw.below(groups.len())].iter().for_each(|(truth, answer)| confusion[*truth][*answer] += 1);
            }
            macro_f1(&confusion)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found[((draws - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(images: usize, per_group: usize) -> (Vec<String>, Vec<(usize, usize)>) {
        let groups = (0..images).map(|i| format!("g{}", i / per_group)).collect();
        // Whole groups are right or wrong together: every fourth one is wrong.
        let answers =
            (0..images).map(|i| (i % 2, if (i / per_group).is_multiple_of(4) { 1 - i % 2 } else { i % 2 })).collect();
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
    fn one_group_says_nothing_of_others() {
        assert_eq!(interval(10, 10), None);
        assert_eq!(macro_f1_interval(&[], 2), None);
        assert_eq!(interval(40, 2), interval(40, 2), "the same draws each time");
    }
}
