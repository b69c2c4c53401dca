//! When to look: empty → moving → settled → classified → empty.
//!
//! The trigger sees every frame as a [`Thumbnail`] of 32 × 24 grey cells and compares it with the one
//! before (is something moving?) and with what the empty chamber looks like (is something there?).
//! It asks for votes while an item lies still, and for nothing else until the chamber was empty
//! again, so that an item is classified exactly once.
//!
//! ```text
//!         ┌──────────── still, nothing there ───────────┐
//!         ▼                                             │
//!      EMPTY ── something moves or appears ──▶ MOVING ──┘
//!         ▲                                     │   ▲
//!         │                    still, item there│   │moves again: the votes are void
//!         │                                     ▼   │
//!         └── chamber empty ── CLASSIFIED ◀── SETTLED
//!                              or unchanged     enough votes
//!                              for too long
//! ```
//!
//! What the empty chamber looks like is learnt: slowly while it is empty (daylight, dust), at once
//! from the first frame, when an item left something small behind, and when something has lain there
//! for `stuck_after` since it was classified, which then belongs to the chamber.
//!
//! Pure: time is the frames' own, nothing is allocated, every buffer has a fixed size.

use std::time::Duration;

use image::RgbImage;

use crate::region::{Pixels, Region};

/// Cells from left to right.
pub const COLUMNS: usize = 32;
/// Cells from top to bottom.
pub const ROWS: usize = 24;
const CELLS: usize = COLUMNS * ROWS;

/// How the trigger decides. The defaults suit a chamber that an item fills by 2 % or more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TriggerRules {
    /// A cell counts as moving if it differs by more from the frame before, in grey levels.
    pub motion_level: u8,
    /// Something moves if more than this share of the cells does.
    pub motion_share: f32,
    /// A cell counts as covered if it differs by more from the empty chamber, in grey levels.
    pub presence_level: u8,
    /// Something is there if more than this share of the cells is covered.
    pub presence_share: f32,
    /// An item that has not moved for so long lies still.
    pub settle: Duration,
    /// A chamber that has been still and empty for so long is empty.
    pub clear: Duration,
    /// What has lain there for so long after it was classified belongs to the chamber.
    pub stuck_after: Duration,
}

impl Default for TriggerRules {
    fn default() -> Self {
        Self {
            motion_level: 12,
            motion_share: 0.004,
            presence_level: 12,
            presence_share: 0.012,
            settle: Duration::from_millis(300),
            clear: Duration::from_millis(200),
            stuck_after: Duration::from_secs(20),
        }
    }
}

/// A frame as the trigger sees it: mean brightness by cell, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thumbnail(pub [u8; CELLS]);

impl Thumbnail {
    /// Shrinks a picture. Of a large one, not every pixel is looked at.
    #[must_use]
    pub fn of(image: &RgbImage) -> Self {
        Self::within(image, Region::WHOLE)
    }

    /// As [`Thumbnail::of`], of a part of the picture.
    #[must_use]
    pub fn within(image: &RgbImage, region: Region) -> Self {
        let Pixels { x: left, y: top, width, height } = region.pixels(image.width(), image.height());
        let stride = image.width() as usize;
        let mut sums = [0_u32; CELLS];
        let mut counts = [0_u32; CELLS];
        let step = (width / (COLUMNS * 8)).max(1);
        let pixels = image.as_raw();
        for y in (0..height).step_by(step) {
            let row = y * ROWS / height * COLUMNS;
            for x in (0..width).step_by(step) {
                let pixel = &pixels[((top + y) * stride + left + x) * 3..][..3];
                let cell = row + x * COLUMNS / width;
                // Rec. 601 luma in 1/256.
                sums[cell] += (77 * u32::from(pixel[0]) + 150 * u32::from(pixel[1]) + 29 * u32::from(pixel[2])) >> 8;
                counts[cell] += 1;
            }
        }
        let mut cells = [0; CELLS];
        for (cell, (sum, count)) in cells.iter_mut().zip(sums.iter().zip(&counts)) {
            *cell = sum.checked_div(*count).map_or(0, |mean| mean.min(255) as u8);
        }
        Self(cells)
    }

    fn share_beyond(&self, other: &Self, level: u8) -> f32 {
        let beyond = self.0.iter().zip(&other.0).filter(|(a, b)| a.abs_diff(**b) > level).count();
        beyond as f32 / CELLS as f32
    }
}

/// What the trigger takes the scene for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Nothing there.
    Empty,
    /// Something moves.
    Moving,
    /// An item lies still and waits to be classified.
    Settled,
    /// The item that lies there has been classified.
    Classified,
}

/// What is to be done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Away,
    /// Classify it: an item has settled in this frame. A vote begins.
    First,
    /// Classify it: the item of the vote still lies there.
    Again,
    /// Nothing, and the votes so far are void: the item moved again.
    Void,
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Trigger {
    rules: TriggerRules,
    scene: Scene,
    /// The empty chamber, in 1/256 grey levels so that it can be learnt slowly.
    background: Option<[u16; CELLS]>,
    last: Thumbnail,
    /// Since when nothing has moved.
    still_since: Option<Duration>,
    /// When the item was classified, how much it covered, and whether anything has moved since.
    classified: Option<Classified>,
}

#[derive(Debug, Clone, Copy)]
struct Classified {
    at: Duration,
    covered: f32,
    moved: bool,
}

impl Trigger {
    /// A trigger that takes its first frame for the empty chamber.
    #[must_use]
    pub fn new(rules: TriggerRules) -> Self {
        Self {
            rules,
            scene: Scene::Empty,
            background: None,
            last: Thumbnail([0; CELLS]),
            still_since: None,
            classified: None,
        }
    }

    /// What the scene is taken for.
    #[must_use]
    pub fn scene(&self) -> Scene {
        self.scene
    }

    /// Looks at the next frame, taken at `at`.
    pub fn handle_frame(&mut self, frame: &Thumbnail, at: Duration) -> Look {
        let Some(background) = self.background else {
            self.adopt(frame);
            self.last = *frame;
            return Look::Away;
        };
        let empty = Thumbnail(background.map(|level| (level >> 8) as u8));
        let moves = frame.share_beyond(&self.last, self.rules.motion_level) > self.rules.motion_share;
        let covered = frame.share_beyond(&empty, self.rules.presence_level);
        self.last = *frame;
        if moves {
            self.still_since = None;
        } else {
            self.still_since.get_or_insert(at);
        }
        let still_for = self.still_since.map_or(Duration::ZERO, |since| at.saturating_sub(since));
        let there = covered > self.rules.presence_share;
        match self.scene {
            Scene::Empty if moves || there => {
                self.scene = Scene::Moving;
                // An item that is simply there, as after a skipped frame, has to lie still as well.
                self.still_since = None;
                Look::Away
            }
            Scene::Empty => {
                self.learn(frame);
                Look::Away
            }
            Scene::Moving if there && self.still_since.is_some() && still_for >= self.rules.settle => {
                self.scene = Scene::Settled;
                Look::First
            }
            Scene::Moving => {
                if !there && self.still_since.is_some() && still_for >= self.rules.clear {
                    self.scene = Scene::Empty;
                }
                Look::Away
            }
            Scene::Settled if moves => {
                self.scene = Scene::Moving;
                Look::Void
            }
            Scene::Settled => Look::Again,
            Scene::Classified => {
                self.wait_until_gone(frame, at, covered, moves, still_for);
                Look::Away
            }
        }
    }

    /// Says that the vote is over: nothing more is asked until the chamber was empty.
    pub fn handle_classified(&mut self, at: Duration) {
        if self.scene == Scene::Settled {
            let empty = Thumbnail(self.background.unwrap_or([0; CELLS]).map(|level| (level >> 8) as u8));
            let covered = self.last.share_beyond(&empty, self.rules.presence_level);
            self.classified = Some(Classified { at, covered, moved: false });
            self.scene = Scene::Classified;
        }
    }

    fn wait_until_gone(&mut self, frame: &Thumbnail, at: Duration, covered: f32, moves: bool, still_for: Duration) {
        let Some(item) = &mut self.classified else { return };
        item.moved |= moves;
        let clear = self.still_since.is_some() && still_for >= self.rules.clear;
        let gone = clear && covered <= self.rules.presence_share;
        let left_something = clear && item.moved && covered <= item.covered * 0.35;
        let stuck = clear && at.saturating_sub(item.at) >= self.rules.stuck_after;
        if left_something || stuck {
            self.adopt(frame);
        }
        if gone || left_something || stuck {
            self.classified = None;
            self.scene = Scene::Empty;
        }
    }

    fn adopt(&mut self, frame: &Thumbnail) {
        self.background = Some(frame.0.map(|level| u16::from(level) << 8));
    }

    /// Moves the empty chamber by 1/32 of the difference to what is seen.
    fn learn(&mut self, frame: &Thumbnail) {
        let Some(background) = &mut self.background else { return };
        for (known, seen) in background.iter_mut().zip(&frame.0) {
            let seen = i32::from(*seen) << 8;
            let next = i32::from(*known) + (seen - i32::from(*known)) / 32;
            *known = next.clamp(0, i32::from(u16::MAX)) as u16;
        }
    }
}

#[cfg(test)]
mod tests;
