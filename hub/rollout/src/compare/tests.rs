//! Tables for the verdict, and simulations with fixed seeds of what the intervals promise.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn label(name: &str) -> Label {
    name.parse().expect("a label")
}

/// Items of which some are unsure and some, of those that were reviewed, right.
fn seen(items: u64, unsure: u64, reviewed: u64, right: u64) -> Seen {
    let confidence = 0.9 * items as f64;
    let labels = [(label("glass"), items / 2), (label("metal"), items - items / 2)].into();
    Seen { items, unsure, confidence, confidence_squares: 0.82 * items as f64, labels, reviewed, right }
}

/// Twenty bins, five of which have the new version.
fn fleet(before: &Seen, others: &Seen, new: &Seen) -> Vec<BinField> {
    let none = Seen::default();
    let bin = |i: usize| {
        let (others, new) = if i < 5 { (&none, new) } else { (others, &none) };
        BinField { before: before.clone(), others: others.clone(), new: new.clone() }
    };
    (0..20).map(bin).collect()
}

fn verdict_of(others: &Seen, new: &Seen) -> Comparison {
    compare(&fleet(&seen(2000, 200, 2000, 1800), others, new), &Tolerance::default())
}

#[test]
fn each_verdict_has_its_case() {
    let usual = seen(4000, 400, 4000, 3600);
    let none = verdict_of(&usual, &seen(0, 0, 0, 0));
    assert_eq!(none.verdict, Verdict::NotYet);
    assert!(none.missing.iter().any(|words| words.contains("30 of each are the least")), "{:?}", none.missing);

    assert_eq!(verdict_of(&usual, &seen(4000, 400, 4000, 3600)).verdict, Verdict::NoWorse);
    assert_eq!(verdict_of(&usual, &seen(4000, 200, 4000, 3600)).verdict, Verdict::Better);
    assert_eq!(verdict_of(&usual, &seen(4000, 400, 2, 2)).verdict, Verdict::NotYet, "nobody reviewed");

    let Verdict::Worse { words } = verdict_of(&usual, &seen(4000, 800, 0, 0)).verdict else {
        panic!("unsure twice as often")
    };
    assert!(words.starts_with("20.0 % of the items are unsure, 10.0 % with the version in service"), "{words}");
    let Verdict::Worse { words } = verdict_of(&usual, &seen(4000, 400, 4000, 2800)).verdict else {
        panic!("70 % right")
    };
    assert!(words.starts_with("70.0 % of what it is sure of is right, 90.0 %"), "{words}");
}

#[test]
fn all_items_for_one_label_are_worth_a_look() {
    let usual = seen(4000, 400, 400, 360);
    let mut one = usual.clone();
    one.labels = [(label("glass"), 4000)].into();
    let Verdict::Worse { words } = verdict_of(&usual, &one).verdict else { panic!("all for glass") };
    assert!(words.contains("it takes 100.0 % of the items for glass, the version in service 50.0 %"), "{words}");
    assert!(words.contains("metal"), "a label that is not said any more is there, too: {words}");
}

#[test]
fn what_is_surely_a_little_worse_holds_nothing() {
    let usual = seen(400_000, 40_000, 40_000, 36_000);
    let mut bins = fleet(&usual, &usual, &seen(400_000, 44_000, 40_000, 36_000));
    bins.iter_mut().for_each(|bin| bin.before = usual.clone());
    let found = compare(&bins, &Tolerance::default());
    let unsure = found.measures.iter().find(|each| each.measure == Measure::Unsure).expect("is measured");
    assert!(unsure.interval.expect("known")[0] > 0.0, "one point more, for sure: {unsure:?}");
    assert_eq!((unsure.finding, &found.verdict), (Finding::NoWorse, &Verdict::NoWorse));
}

#[test]
fn the_chance_of_error_is_split() {
    let found = verdict_of(&seen(4000, 400, 400, 360), &seen(4000, 400, 400, 360));
    assert_eq!(found.measures.len(), 5, "two labels");
    let all: f64 = found.measures.iter().map(|each| each.alpha).sum();
    assert!((all - ALPHA).abs() < 1e-12, "{all}");
}

#[test]
fn tolerances_are_checked() {
    assert_eq!(Tolerance::default().check(), Ok(()));
    let none = Tolerance { unsure: 0.0, ..Tolerance::default() };
    assert_eq!(none.check(), Err("the tolerance unsure is 0; it takes a number above 0 and at most 1".to_owned()));
    assert!(Tolerance { right: f64::NAN, ..Tolerance::default() }.check().is_err());
}

#[test]
fn a_comparison_is_read_as_it_is_written() {
    let found = verdict_of(&seen(4000, 400, 400, 360), &seen(4000, 800, 400, 360));
    let json = serde_json::to_value(&found).expect("plain data");
    assert_eq!(json["verdict"], "worse");
    assert_eq!(json["measures"][0]["measure"], "right");
    assert_eq!(serde_json::from_value::<Comparison>(json).expect("reads"), found);
}

/// A fleet in which every bin has a rate of its own, which moves when the rollout begins and from look to look.
#[derive(Debug, Clone, Copy)]
struct World {
    bins: usize,
    /// How many of them get the new version.
    new: usize,
    /// The rate of the middle bin.
    rate: f64,
    /// How far bins differ, as a standard deviation of log odds.
    differ: f64,
    /// How far a bin moves away from what it was before.
    drift: f64,
    /// How far it moves from look to look.
    daily: f64,
    /// What the new version adds to the rate.
    effect: f64,
    items_before: u64,
    items_a_look: u64,
    looks: usize,
}

impl World {
    const USUAL: Self = Self {
        bins: 40,
        new: 10,
        rate: 0.1,
        differ: 0.5,
        drift: 0.1,
        daily: 0.2,
        effect: 0.0,
        items_before: 300,
        items_a_look: 20,
        looks: 30,
    };

    /// What is seen at each look of one rollout.
    fn run(self, seed: u64) -> Vec<Vec<Bin>> {
        let mut rng = SmallRng::seed_from_u64(seed);
        let odds = (self.rate / (1.0 - self.rate)).ln();
        let rates: Vec<(f64, f64)> = (0..self.bins)
            .map(|_| {
                let before = odds + self.differ * normal(&mut rng);
                (before, before + self.drift * normal(&mut rng))
            })
            .collect();
        let mut bins: Vec<Bin> = rates
            .iter()
            .map(|(before, _)| Bin { before: drawn(&mut rng, self.items_before, share(*before)), ..Bin::default() })
            .collect();
        (0..self.looks)
            .map(|_| {
                for (i, (bin, (_, since))) in bins.iter_mut().zip(&rates).enumerate() {
                    let rate = share(since + self.daily * normal(&mut rng));
                    let (side, rate) = if i < self.new {
                        (&mut bin.new, (rate + self.effect).min(0.99))
                    } else {
                        (&mut bin.others, rate)
                    };
                    *side = side.plus(drawn(&mut rng, self.items_a_look, rate));
                }
                bins.clone()
            })
            .collect()
    }

    /// How many of so many rollouts ever have an interval, at any look, for which `is_so`.
    fn ever(self, runs: u64, alpha: f64, is_so: impl Fn([f64; 2]) -> bool) -> usize {
        let at_a_look =
            |bins: &Vec<Bin>| difference::difference(bins).is_some_and(|found| is_so(interval(&found, alpha, 0.03)));
        (0..runs).filter(|seed| self.run(*seed).iter().any(at_a_look)).count()
    }
}

fn share(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// The sum of twelve draws is normal enough.
fn normal(rng: &mut SmallRng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// A draw from the binomial distribution, by inversion.
fn drawn(rng: &mut SmallRng, items: u64, rate: f64) -> Tally {
    let mut left: f64 = rng.random();
    let mut chance = (1.0 - rate).powi(i32::try_from(items).expect("few"));
    let mut so = 0;
    while left > chance && so < items {
        left -= chance;
        chance *= (items - so) as f64 / (so + 1) as f64 * rate / (1.0 - rate);
        so += 1;
    }
    Tally::of_count(items, so)
}

/// The chance of error in the simulations, and how often each is run: a true 5 % gives 10 of 200.
const RUNS: u64 = 200;
const MOST: usize = 10;

#[test]
fn looking_all_the_time_finds_no_difference_where_there_is_none() {
    let usual = World::USUAL;
    let worlds = [
        ("usual", usual),
        ("bins alike", World { differ: 0.0, drift: 0.0, daily: 0.0, ..usual }),
        ("bins that stray", World { differ: 1.0, drift: 0.3, daily: 0.5, ..usual }),
        ("new bins", World { items_before: 0, ..usual }),
        ("two of the new version", World { bins: 20, new: 2, ..usual }),
        ("five bins", World { bins: 5, new: 2, ..usual }),
        ("rare", World { rate: 0.01, ..usual }),
        ("few reviews", World { bins: 20, new: 5, items_before: 5, items_a_look: 2, ..usual }),
    ];
    let found = worlds.map(|(name, world)| (name, world.ever(RUNS, ALPHA, |[low, high]| low > 0.0 || high < 0.0)));
    assert!(found.iter().all(|(_, errors)| *errors <= MOST), "of {RUNS}: {found:?}");
}

#[test]
fn an_interval_for_one_look_would_find_one() {
    // The same world by 1.96 standard errors at each look: what this method is there to avoid.
    let lies = |bins: &Vec<Bin>| {
        difference::difference(bins).is_some_and(|found| found.value.abs() > 1.96 * found.variance.sqrt())
    };
    let errors = (0..RUNS).filter(|seed| World::USUAL.run(*seed).iter().any(lies)).count();
    assert!(errors > 2 * MOST, "{errors} of {RUNS}");
}

#[test]
fn intervals_hold_the_truth_at_every_look() {
    let effect = 0.05;
    let worlds = [
        ("usual", World { effect, ..World::USUAL }),
        ("bins that stray", World { effect, differ: 1.0, drift: 0.3, daily: 0.5, ..World::USUAL }),
        ("few reviews", World { effect, bins: 20, new: 5, items_before: 5, items_a_look: 2, ..World::USUAL }),
    ];
    let found =
        worlds.map(|(name, world)| (name, world.ever(RUNS, ALPHA, |[low, high]| low > effect || high < effect)));
    assert!(found.iter().all(|(_, misses)| *misses <= MOST), "of {RUNS}: {found:?}");
}

#[test]
fn a_bad_version_is_found() {
    // Unsure of 18 % instead of 10 %: 10 bins, at most 600 items each; α is that of one measure of four.
    let world = World { effect: 0.08, ..World::USUAL };
    let found = world.ever(100, ALPHA / MEASURES, |[low, _]| low > 0.0);
    assert!(found >= 95, "{found} of 100");
    // And early: within 100 items of each bin more often than not.
    let early = World { looks: 5, ..world }.ever(100, ALPHA / MEASURES, |[low, _]| low > 0.0);
    assert!(early >= 50, "{early} of 100");
}
