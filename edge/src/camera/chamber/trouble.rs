//! What happens in a bin besides items that fall, lie and leave: light that changes, shadows, hands, two items at
//! once, items that bounce, stay, or follow each other. It makes the drawn bin as hard for what looks at it as a real one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::geometry::{V3, grey, smoothstep, v};
use super::render::Picture;

/// Something that can happen with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The camera corrects its exposure, within tenths of a second or some seconds.
    Exposure,
    /// A lamp goes on or off: brighter or darker at once, and more so on one side.
    Lamp,
    /// A hand reaches in, stays for a moment and leaves, before the item falls.
    Hand,
    /// Two items fall, one a moment after the other.
    Pair,
    /// It stays for half a minute.
    Stay,
    /// It is thrown, and bounces twice.
    Bounce,
    /// The next item comes a moment after this one has gone.
    Follow,
    /// The next item pushes this one out: both are in sight at once.
    Push,
    /// Somebody walks by: broad, soft shadows cross the chamber.
    Shadow,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Exposure,
        Self::Lamp,
        Self::Hand,
        Self::Pair,
        Self::Stay,
        Self::Bounce,
        Self::Follow,
        Self::Push,
        Self::Shadow,
    ];

    /// What happens with the next item; nothing is drawn where nothing can happen.
    pub(super) fn draw(dice: &mut Dice, shares: &BTreeMap<Self, f32>) -> Option<Self> {
        if shares.is_empty() {
            return None;
        }
        let mut left = dice.share();
        shares
            .iter()
            .find(|(_, share)| {
                left -= **share;
                left < 0.0
            })
            .map(|(trouble, _)| *trouble)
    }
}

/// The light in the chamber, relative to that of its look.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    gain: f32,
    /// How much more there is at the right and at the lower edge than in the middle, as a share.
    tilt: (f32, f32),
}

/// The light over time: from one level to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lighting {
    from: Level,
    to: Level,
    begins: f32,
    takes: f32,
}

impl Default for Lighting {
    fn default() -> Self {
        let level = Level { gain: 1.0, tilt: (0.0, 0.0) };
        Self { from: level, to: level, begins: 0.0, takes: 1.0 }
    }
}

impl Lighting {
    /// The camera's exposure goes elsewhere.
    pub(super) fn drift(&mut self, dice: &mut Dice, at: f32) {
        let gain = dice.between(0.5, 1.7);
        *self = Self { from: self.to, to: Level { gain, ..self.to }, begins: at, takes: dice.between(0.2, 3.0) };
    }

    /// A lamp goes on, or off again.
    pub(super) fn switch(&mut self, dice: &mut Dice, at: f32) {
        let is_on = self.to.tilt != (0.0, 0.0);
        let tilt = (dice.between(0.15, 0.5) * dice.pick(&[-1.0, 1.0]), dice.between(-0.3, 0.3));
        let gain = dice.pick(&[0.45, 1.5, 1.9]);
        let to = if is_on { Self::default().to } else { Level { gain, tilt } };
        *self = Self { from: self.to, to, begins: at, takes: 0.02 };
    }

    /// Puts the light of a time on a picture.
    pub(super) fn shine(&self, picture: &mut Picture, time: f32) {
        let share = smoothstep(self.begins, self.begins + self.takes, time);
        let mix = |from: f32, to: f32| from + (to - from) * share;
        let gain = mix(self.from.gain, self.to.gain);
        let tilt = (mix(self.from.tilt.0, self.to.tilt.0), mix(self.from.tilt.1, self.to.tilt.1));
        if gain == 1.0 && tilt == (0.0, 0.0) {
            return;
        }
        let (width, height) = (picture.width, picture.height);
        for (index, pixel) in picture.pixels.iter_mut().enumerate() {
            let (x, y) = ((index % width) as f32 / width as f32, (index / width) as f32 / height as f32);
            *pixel = *pixel * (gain * (1.0 + tilt.0 * (2.0 * x - 1.0) + tilt.1 * (2.0 * y - 1.0)));
        }
    }
}

/// A hand and its arm, from above. Lengths are shares of the picture's height.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hand {
    begins: f32,
    reaches: f32,
    stays: f32,
    leaves: f32,
    /// Where it comes in, 0 to 1 from left to right.
    x: f32,
    slant: f32,
    deep: f32,
    wide: f32,
    colour: V3,
}

impl Hand {
    pub(super) fn draw(dice: &mut Dice, begins: f32) -> Self {
        Self {
            begins,
            reaches: dice.between(0.3, 0.8),
            stays: dice.between(0.0, 0.9),
            leaves: dice.between(0.2, 0.6),
            x: dice.between(0.25, 0.75),
            slant: dice.between(-0.3, 0.3),
            deep: dice.between(0.3, 0.75),
            wide: dice.between(0.07, 0.12),
            colour: v(0.42, 0.24, 0.16) * dice.between(0.35, 1.3),
        }
    }

    /// When it is out of sight.
    pub(super) fn ends(&self) -> f32 {
        self.begins + self.reaches + self.stays + self.leaves
    }

    /// Puts it into a picture.
    pub(super) fn reach(&self, picture: &mut Picture, time: f32) {
        let t = time - self.begins;
        let held = self.reaches + self.stays;
        let out = if t < self.reaches { t / self.reaches } else { 1.0 - (t - held).max(0.0) / self.leaves };
        // Nobody holds quite still.
        let deep = self.deep * out.clamp(0.0, 1.0) + 0.012 * (t * 9.0).sin();
        if !(0.0..=self.ends() - self.begins).contains(&t) || deep <= 0.0 {
            return;
        }
        let (width, height) = (picture.width, picture.height);
        let lit = picture.pixels.iter().map(|pixel| pixel.luma()).sum::<f32>() / picture.pixels.len() as f32;
        let start = self.x * width as f32 / height as f32;
        for (index, pixel) in picture.pixels.iter_mut().enumerate() {
            let (x, y) = ((index % width) as f32 / height as f32, (index / width) as f32 / height as f32);
            let along = y.clamp(0.0, deep);
            let middle = start + self.slant * along + 0.012 * (t * 7.0).cos();
            // The fist is wider than the arm.
            let wide = self.wide * if deep - along < 0.15 { 1.3 } else { 1.0 };
            let (dx, dy) = (x - middle, y - along);
            let far = dx.hypot(dy);
            if far < wide {
                *pixel = self.colour * (2.0 * lit) + grey(0.02 * (wide - far));
            }
        }
    }
}

/// Shadows that cross the chamber, one after the other. Lengths are shares of the picture's width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shadows {
    begins: f32,
    /// How long one takes from side to side.
    takes: f32,
    /// How many cross.
    count: f32,
    wide: f32,
    /// How broad its edges are.
    soft: f32,
    /// The share of the light that it takes.
    deep: f32,
    /// From left to right, or the other way.
    to_the_right: bool,
}

impl Shadows {
    pub(super) fn draw(dice: &mut Dice, begins: f32) -> Self {
        Self {
            begins,
            takes: dice.between(0.3, 1.2),
            count: dice.pick(&[1.0, 2.0, 4.0]),
            wide: dice.between(0.3, 0.9),
            soft: dice.between(0.2, 0.5),
            deep: dice.between(0.3, 0.65),
            to_the_right: dice.chance(0.5),
        }
    }

    /// Puts them on a picture.
    pub(super) fn fall(&self, picture: &mut Picture, time: f32) {
        let crossed = (time - self.begins) / self.takes;
        if !(0.0..self.count).contains(&crossed) {
            return;
        }
        let whole = self.wide + 2.0 * self.soft;
        // It comes in from beyond one side, and goes beyond the other.
        let front = crossed.fract() * (1.0 + whole);
        let width = picture.width;
        for (index, pixel) in picture.pixels.iter_mut().enumerate() {
            let x = (index % width) as f32 / width as f32;
            let behind = front - if self.to_the_right { x } else { 1.0 - x };
            let share = smoothstep(0.0, self.soft, behind) * (1.0 - smoothstep(whole - self.soft, whole, behind));
            *pixel = *pixel * (1.0 - self.deep * share);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Chamber, ChamberConfig};
    use super::*;
    use crate::camera::{Camera, Frame};

    fn frames(trouble: BTreeMap<Trouble, f32>, count: usize) -> Vec<Frame> {
        let config = ChamberConfig { seed: 5, width: 48, height: 36, item_every_s: 2.5, trouble, ..Default::default() };
        let mut chamber = Chamber::new(config).expect("valid");
        (0..count).map(|_| chamber.next_frame().expect("a drawn camera does not fail")).collect()
    }

    fn brightness(frame: &Frame) -> f32 {
        frame.rgb.as_raw().iter().map(|value| f32::from(*value)).sum::<f32>() / frame.rgb.as_raw().len() as f32
    }

    #[test]
    fn troubled_bins_are_the_same_for_the_same_seed_and_unlike_quiet_ones() {
        let quiet = frames(BTreeMap::new(), 90);
        for trouble in Trouble::ALL {
            let shares = BTreeMap::from([(trouble, 1.0)]);
            let (troubled, again) = (frames(shares.clone(), 90), frames(shares, 90));
            assert!(troubled.iter().zip(&again).all(|(a, b)| a.rgb == b.rgb && a.truth == b.truth), "{trouble:?}");
            assert!(troubled.iter().zip(&quiet).any(|(a, b)| a.rgb != b.rgb), "{trouble:?}");
        }
    }

    #[test]
    fn light_changes_and_items_stay() {
        let empty = |frames: &[Frame]| -> Vec<f32> {
            frames.iter().filter(|frame| frame.truth.is_none()).map(brightness).collect()
        };
        let span = |levels: Vec<f32>| {
            levels.iter().copied().fold(0.0, f32::max) / levels.iter().copied().fold(255.0, f32::min)
        };
        assert!(span(empty(&frames(BTreeMap::new(), 150))) < 1.1);
        for trouble in [Trouble::Exposure, Trouble::Lamp] {
            assert!(span(empty(&frames(BTreeMap::from([(trouble, 1.0)]), 150))) > 1.25, "{trouble:?}");
        }
        let staying = frames(BTreeMap::from([(Trouble::Stay, 1.0)]), 400);
        let longest =
            staying.chunk_by(|a, b| a.truth == b.truth).filter(|run| run[0].truth.is_some()).map(<[Frame]>::len).max();
        assert!(longest > Some(150), "{longest:?}");
        assert_eq!(staying[10].at, Duration::from_secs(1));
    }

    #[test]
    fn items_follow_each_other_at_once_and_shadows_pass() {
        let gaps = |trouble: BTreeMap<Trouble, f32>| -> Vec<usize> {
            let frames = frames(trouble, 300);
            let runs = frames.chunk_by(|a, b| a.truth.is_some() == b.truth.is_some());
            runs.filter(|run| run[0].truth.is_none()).map(<[Frame]>::len).collect()
        };
        let (quiet, followed) = (gaps(BTreeMap::new()), gaps(BTreeMap::from([(Trouble::Follow, 1.0)])));
        assert!(quiet[1..].iter().all(|frames| *frames >= 5), "{quiet:?}");
        assert!(
            followed.len() > 6 && followed[2..followed.len() - 1].iter().all(|frames| *frames <= 4),
            "{followed:?}"
        );
        assert!(gaps(BTreeMap::from([(Trouble::Push, 1.0)])).len() <= 2, "after the first item, one is always there");

        let empty = |trouble: BTreeMap<Trouble, f32>| {
            let frames = frames(trouble, 300);
            let levels: Vec<f32> = frames.iter().filter(|frame| frame.truth.is_none()).map(brightness).collect();
            levels.iter().copied().fold(255.0, f32::min) / levels[0]
        };
        assert!(empty(BTreeMap::from([(Trouble::Shadow, 1.0)])) < 0.85);
    }

    #[test]
    fn shares_that_cannot_be_are_named() {
        let check = |shares: BTreeMap<Trouble, f32>| ChamberConfig { trouble: shares, ..Default::default() }.check();
        assert_eq!(check(BTreeMap::from([(Trouble::Hand, 0.5), (Trouble::Lamp, 0.5)])), Ok(()));
        for shares in [vec![(Trouble::Hand, -0.1)], vec![(Trouble::Hand, 0.6), (Trouble::Lamp, 0.6)]] {
            let error = check(shares.into_iter().collect()).expect_err("it cannot be").to_string();
            assert!(error.starts_with("trouble: "), "{error}");
        }
    }
}
