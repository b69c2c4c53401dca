//! Several people on one sample: what follows from what they say, and how far they agree. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What follows from the opinions on a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This is its label.
    Agreed(String),
    /// Another reviewer has to look at it.
    Disputed,
}

/// What follows from the opinions on a sample, one per reviewer, and from an administrator's word, which
/// is final. One opinion stands; of several, the label that two or more name, and more than any other.
#[must_use]
pub fn resolve<'a>(opinions: impl IntoIterator<Item = &'a str>, final_word: Option<&str>) -> Resolution {
    if let Some(label) = final_word {
        return Resolution::Agreed(label.to_owned());
    }
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    opinions.into_iter().for_each(|label| *votes.entry(label).or_default() += 1);
    let mut ranked: Vec<(&str, usize)> = votes.into_iter().collect();
    ranked.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
    match ranked[..] {
        [(label, _)] => Resolution::Agreed(label.to_owned()),
        [(label, most), (_, next), ..] if most > next => Resolution::Agreed(label.to_owned()),
        _ => Resolution::Disputed,
    }
}

/// What someone says a sample shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// The sample.
    pub sample: String,
    /// Who.
    pub reviewer: String,
    /// A class, or `unusable`.
    pub label: String,
}

/// How far two reviewers agree on the samples that both have looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PairAgreement {
    /// One, by name the first.
    pub a: String,
    /// The other.
    pub b: String,
    /// Samples on which both have an opinion.
    pub samples: u64,
    /// Those on which it is the same.
    pub agreed: u64,
    /// `agreed / samples`, 0 to 1.
    pub raw: f64,
    /// Cohen's kappa: 1 is perfect, 0 what chance alone would give, below 0 worse than chance. `null` if
    /// both always said the same one thing: chance would agree as well then.
    pub kappa: Option<f64>,
}

/// How far reviewers agree, over all and by pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agreement {
    /// Samples on which more than one reviewer has an opinion.
    pub samples: u64,
    /// Those on which all say the same.
    pub unanimous: u64,
    /// Every pair of reviewers with a sample in common, by name.
    pub pairs: Vec<PairAgreement>,
}

/// How far reviewers agree. Of several opinions of one reviewer on one sample, the last counts.
#[must_use]
pub fn agreement(opinions: &[Opinion]) -> Agreement {
    let mut of_sample: HashMap<&str, BTreeMap<&str, &str>> = HashMap::new();
    for opinion in opinions {
        of_sample.entry(&opinion.sample).or_default().insert(&opinion.reviewer, &opinion.label);
    }
    let mut pairs: BTreeMap<(&str, &str), Vec<(&str, &str)>> = BTreeMap::new();
    let (mut samples, mut unanimous) = (0, 0);
    for labels in of_sample.values().filter(|labels| labels.len() > 1) {
        samples += 1;
        let mut said = labels.values();
        let first = said.next();
        unanimous += u64::from(said.all(|label| Some(label) == first));
        let all: Vec<(&&str, &&str)> = labels.iter().collect();
        for (place, (a, label_a)) in all.iter().enumerate() {
            for (b, label_b) in &all[place + 1..] {
                pairs.entry((a, b)).or_default().push((label_a, label_b));
            }
        }
    }
    let pairs = pairs.into_iter().map(|((a, b), labels)| of_pair(a, b, &labels)).collect();
    Agreement { samples, unanimous, pairs }
}

/// Cohen's kappa, (p_o − p_e) / (1 − p_e): J. Cohen, "A Coefficient of Agreement for Nominal Scales",
/// *Educational and Psychological Measurement* 20, 1960.
fn of_pair(a: &str, b: &str, labels: &[(&str, &str)]) -> PairAgreement {
    let n = labels.len() as f64;
    let agreed = labels.iter().filter(|(a, b)| a == b).count() as u64;
    let mut shares: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (a, b) in labels {
        shares.entry(a).or_default().0 += 1.0 / n;
        shares.entry(b).or_default().1 += 1.0 / n;
    }
    let by_chance: f64 = shares.values().map(|(a, b)| a * b).sum();
    let raw = agreed as f64 / n;
    let kappa = (by_chance < 1.0 - 1e-9).then(|| (raw - by_chance) / (1.0 - by_chance));
    PairAgreement { a: a.to_owned(), b: b.to_owned(), samples: labels.len() as u64, agreed, raw, kappa }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_agree_suffice_and_two_who_do_not_need_a_third() {
        let agreed = |label: &str| Resolution::Agreed(label.to_owned());
        let cases: [(&[&str], Option<&str>, Resolution); 7] = [
            (&["glass"], None, agreed("glass")),
            (&["glass", "glass"], None, agreed("glass")),
            (&["glass", "metal"], None, Resolution::Disputed),
            (&["glass", "metal", "metal"], None, agreed("metal")),
            (&["glass", "metal", "paper"], None, Resolution::Disputed),
            (&["glass", "glass", "metal", "metal"], None, Resolution::Disputed),
            (&["glass", "metal"], Some("paper"), agreed("paper")),
        ];
        for (opinions, word, expected) in cases {
            assert_eq!(resolve(opinions.iter().copied(), word), expected, "{opinions:?} {word:?}");
        }
    }

    fn opinions(rows: &[(&str, &str, &str)]) -> Vec<Opinion> {
        let opinion = |(sample, reviewer, label): &(&str, &str, &str)| Opinion {
            sample: (*sample).into(),
            reviewer: (*reviewer).into(),
            label: (*label).into(),
        };
        rows.iter().map(opinion).collect()
    }

    #[test]
    fn kappa_as_computed_by_hand() {
        // By hand: 35 of 50 agree; by chance 0.5 · 0.6 + 0.5 · 0.4 = 0.5 would; (0.7 − 0.5) / 0.5 = 0.4.
        let mut rows = Vec::new();
        for (a, b, count) in [("y", "y", 20), ("y", "n", 5), ("n", "y", 10), ("n", "n", 15)] {
            for _ in 0..count {
                let sample = rows.len().to_string();
                for (reviewer, label) in [("ada", a), ("bob", b)] {
                    rows.push(Opinion { sample: sample.clone(), reviewer: reviewer.into(), label: label.into() });
                }
            }
        }
        let found = agreement(&rows);
        assert_eq!((found.samples, found.unanimous, found.pairs[0].agreed), (50, 35, 35));
        assert!((found.pairs[0].raw - 0.7).abs() < 1e-9);
        assert!((found.pairs[0].kappa.expect("defined") - 0.4).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn kappa_is_undefined_where_chance_agrees_always() {
        let rows = opinions(&[("s", "ada", "glass"), ("s", "bob", "glass"), ("t", "ada", "metal")]);
        let found = agreement(&rows);
        assert_eq!((found.samples, found.unanimous), (1, 1));
        assert_eq!((found.pairs[0].raw, found.pairs[0].kappa), (1.0, None));
        assert_eq!(agreement(&[]), Agreement { samples: 0, unanimous: 0, pairs: vec![] });
    }

    #[test]
    fn the_last_opinion_of_a_reviewer_counts() {
        let rows =
            opinions(&[("s", "ada", "glass"), ("s", "bob", "metal"), ("s", "ada", "metal"), ("s", "cy", "metal")]);
        let found = agreement(&rows);
        assert_eq!((found.unanimous, found.pairs.len()), (1, 3));
    }
}
