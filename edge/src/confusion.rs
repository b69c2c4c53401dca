//! How often the trigger errs, counted over drawn bins in which everything happens that makes it err.
//!
//! An item that is asked about once, while it is there, is right. One that is never asked about is missed;
//! every further question about it is doubled; a question while there is no item is spurious. Two items
//! that come at once are one question, to which nobody can be sure of the answer.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use crate::camera::chamber::trouble::Trouble;
use crate::camera::chamber::{Chamber, ChamberConfig, ChamberError};
use crate::camera::{Camera as _, CameraError};
use crate::trigger::{Look, Thumbnail, Trigger, TriggerRules};

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Items, or pairs of items that came at once.
    pub items: u32,
    /// Never asked about.
    pub missed: u32,
    /// Asked about again.
    pub doubled: u32,
    /// Asked about without an item.
    pub spurious: u32,
    /// Taken for several things.
    pub several: u32,
}

impl Confusion {
    /// Errors in a thousand items.
    #[must_use]
    pub fn per_thousand(&self) -> f64 {
        f64::from(self.missed + self.doubled + self.spurious) * 1000.0 / f64::from(self.items.max(1))
    }
}

impl AddAssign for Confusion {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.missed += other.missed;
        self.doubled += other.doubled;
        self.spurious += other.spurious;
        self.several += other.several;
    }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:5} items: {:3} missed, {:3} doubled, {:3} spurious, {:5.1} in 1,000; {:4} taken for several",
            self.items,
            self.missed,
            self.doubled,
            self.spurious,
            self.per_thousand(),
            self.several
        )
    }
}

/// Watches a drawn bin until so many items have gone, with a vote of `votes` frames.
///
/// # Errors
/// The bin cannot be drawn like this.
pub fn watch(config: ChamberConfig, items: u32, rules: TriggerRules, votes: u32) -> Result<Confusion, ChamberError> {
    let mut chamber = Chamber::new(config)?;
    let mut trigger = Trigger::new(rules);
    let (mut counted, mut voted, mut asked, mut several, mut truth) = (Confusion::default(), 0, 0, false, None);
    while counted.items < items {
        let frame = match chamber.next_frame() {
            Ok(frame) => frame,
            Err(CameraError::Damaged { .. } | CameraError::NotYet) => continue,
            Err(CameraError::Failed(_) | CameraError::Ended) => break,
        };
        if frame.truth != truth {
            if truth.is_some() {
                counted.items += 1;
                counted.missed += u32::from(asked == 0);
                counted.doubled += u32::max(asked, 1) - 1;
                counted.several += u32::from(several);
            } else {
                counted.spurious += asked;
            }
            (asked, several, truth) = (0, false, frame.truth);
        }
        match trigger.handle_frame(&Thumbnail::of(&frame.rgb), frame.at) {
            Look::Away => continue,
            Look::Void => voted = 0,
            Look::First => voted = 1,
            Look::Again => voted += 1,
        }
        if voted == votes {
            trigger.handle_classified(frame.at);
            (voted, asked) = (0, asked + 1);
            several |= trigger.sees_several();
        }
    }
    Ok(counted)
}

/// What came of bins that were started while an item lay in view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Starts {
    /// Bins.
    pub bins: u32,
    /// The item in view was asked about while it lay there.
    pub seen: u32,
    /// The gap that it left was asked about, as if it were an item.
    pub gaps: u32,
    /// That while the empty chamber counted as known: a flap has opened for nothing.
    pub opened: u32,
    /// Of the two items that came next, those that were never asked about.
    pub missed: u32,
    /// The chamber was known when those two had gone.
    pub known: u32,
}

impl AddAssign for Starts {
    fn add_assign(&mut self, other: Self) {
        self.bins += other.bins;
        self.seen += other.seen;
        self.gaps += other.gaps;
        self.opened += other.opened;
        self.missed += other.missed;
        self.known += other.known;
    }
}

impl fmt::Display for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bins, seen, gaps, opened, missed, known } = self;
        write!(
            f,
            "{bins:5} starts with an item in view: {seen} seen, {gaps} gaps asked about, {opened} of them known to be \
             none, {missed} of the next two missed, {known} chambers known then"
        )
    }
}

/// Starts a drawn bin while its first item lies there, and watches it until two more have gone. `remembers`: it knows
/// what the empty chamber looked like before.
///
/// # Errors
/// The bin cannot be drawn like this.
pub fn start_with_item(
    config: ChamberConfig,
    remembers: bool,
    rules: TriggerRules,
    votes: u32,
) -> Result<Starts, ChamberError> {
    const LIES_AFTER: u32 = 8;
    let mut chamber = Chamber::new(config)?;
    let mut next = move || chamber.next_frame().ok();
    let empty = next().map(|frame| Thumbnail::of(&frame.rgb));
    let mut lain = 0;
    while let Some(frame) = next() {
        lain += u32::from(frame.truth.is_some());
        if lain == LIES_AFTER {
            break;
        }
    }
    let mut trigger = Trigger::remembering(rules, empty.as_ref().filter(|_| remembers));
    // The item in view, its gap, the next item, and so on.
    let (mut asked, mut opened, mut part, mut voted, mut there) = ([0_u32; 6], [0_u32; 6], 0, 0, true);
    while let Some(frame) = next() {
        if frame.truth.is_some() != there {
            there = !there;
            part += 1;
            if part == asked.len() {
                break;
            }
        }
        match trigger.handle_frame(&Thumbnail::of(&frame.rgb), frame.at) {
            Look::Away => continue,
            Look::Void => voted = 0,
            Look::First => voted = 1,
            Look::Again => voted += 1,
        }
        if voted == votes {
            asked[part] += 1;
            opened[part] += u32::from(trigger.knows_the_chamber());
            trigger.handle_classified(frame.at);
            voted = 0;
        }
    }
    let count = |yes: bool| u32::from(yes);
    Ok(Starts {
        bins: 1,
        seen: count(asked[0] > 0),
        gaps: asked[1] + asked[3] + asked[5],
        opened: opened[1] + opened[3] + opened[5],
        missed: count(asked[2] == 0) + count(asked[4] == 0),
        known: count(trigger.knows_the_chamber()),
    })
}

/// A bin of this look, to be watched: small pictures, which are drawn fast and shrunk by the trigger anyway.
#[must_use]
pub fn bin(look: u64, seed: u64, trouble: BTreeMap<Trouble, f32>) -> ChamberConfig {
    ChamberConfig { look, seed, width: 96, height: 72, item_every_s: 4.0, trouble, ..ChamberConfig::default() }
}

/// A bin in use: nine of twenty items come with some trouble.
#[must_use]
pub fn everyday() -> BTreeMap<Trouble, f32> {
    [
        (Trouble::Exposure, 0.1),
        (Trouble::Lamp, 0.05),
        (Trouble::Hand, 0.1),
        (Trouble::Pair, 0.05),
        (Trouble::Stay, 0.05),
        (Trouble::Bounce, 0.1),
    ]
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bound that holds what was reached on these six bins; over long sequences there are 3 errors in 1,000 items, most
    /// of them hands that are held still for a second.
    #[test]
    fn bins_in_use_are_watched_with_few_errors() {
        let mut all = Confusion::default();
        for look in 1..=6 {
            let seen = watch(bin(look, 70 + look, everyday()), 12, TriggerRules::default(), 3).expect("valid");
            eprintln!("look {look}: {seen}");
            all += seen;
        }
        eprintln!("{all}");
        assert!(all.items == 72 && all.missed + all.doubled + all.spurious <= 1, "{all}");
        assert!(all.several <= 9, "most items are one thing: {all}");
    }

    /// Broad, fast shadows, and items that follow each other at once: here, too, the bound holds what was reached.
    #[test]
    fn shadows_and_items_that_follow_at_once_are_seen_with_few_errors() {
        for (trouble, most) in [(Trouble::Follow, 1), (Trouble::Push, 6), (Trouble::Shadow, 3)] {
            let mut all = Confusion::default();
            for look in 1..=5 {
                let bin = bin(look, 90 + look, BTreeMap::from([(trouble, 1.0)]));
                all += watch(bin, 5, TriggerRules::default(), 3).expect("valid");
            }
            eprintln!("{trouble:?}: {all}");
            assert!(all.items == 25 && all.missed + all.doubled + all.spurious <= most, "{trouble:?}: {all}");
        }
    }

    #[test]
    fn a_bin_that_starts_with_an_item_in_view_opens_no_flap_for_the_gap() {
        for remembers in [false, true] {
            let mut all = Starts::default();
            for look in 1..=10 {
                let bin = bin(look, 30 + look, BTreeMap::new());
                all += start_with_item(bin, remembers, TriggerRules::default(), 3).expect("valid");
            }
            eprintln!("remembers {remembers}: {all}");
            assert_eq!((all.bins, all.opened, all.missed), (10, 0, 0), "{all}");
            assert!(all.gaps <= 1 && all.known >= 9, "{all}");
            assert!(
                !remembers || all.seen >= 6,
                "what looks most like another chamber is not taken for an item: {all}"
            );
        }
    }

    #[test]
    fn errors_are_counted() {
        let blind = TriggerRules { presence_share: 1.0, ..TriggerRules::default() };
        let seen = watch(bin(1, 1, BTreeMap::new()), 3, blind, 3).expect("valid");
        assert_eq!((seen.items, seen.missed, seen.per_thousand()), (3, 3, 1000.0));
        let mut all = Confusion { items: 497, missed: 1, doubled: 1, spurious: 1, several: 9 };
        all += Confusion { items: 3, several: 1, ..Confusion::default() };
        assert_eq!((all.items, all.several, all.per_thousand()), (500, 10, 6.0));
    }
}
