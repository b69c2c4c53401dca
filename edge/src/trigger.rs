//! When to look: empty → moving → settled → classified → empty.
//!
//! The trigger sees every frame as a [`Thumbnail`] of 32 × 24 cells of brightness and colour, and compares it with the one
//! before (is something moving?) and with what the empty chamber looks like (is something there?). The
//! light is taken out of both comparisons (`cover.rs`): a lamp, the sun and the camera's own exposure move
//! nothing. It asks for votes while an item lies still, and for nothing else until the chamber was empty
//! again, so that an item is classified exactly once.
//!
//! ```text
//!         ┌───── still, nothing there, or other light ──┐
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
//! - **A hand** that holds something into the chamber hangs in from a side from first to last. So may an
//!   item; what does has to lie still for longer (`reach_settle`).
//! - **Two items** that lie apart are told apart ([`Trigger::sees_several`]): no flap is right for both.
//! - **What the empty chamber looks like** is learnt: slowly while it is empty (daylight, dust), fast when
//!   the light has changed, at once from the first frame, when an item left something small behind, and
//!   when something has lain there for `stuck_after` since it was classified, which then belongs to the
//!   chamber. When it goes after all, the chamber of before is known again.
//!
//! Pure: time is the frames' own, nothing is allocated, every buffer has a fixed size.

/// How often it errs.
pub mod confusion;

/// What differs between two frames, whatever the light does.
mod cover;

/// Frames as the trigger sees them.
mod thumbnail;

use std::time::Duration;

use cover::Cover;
use thumbnail::CELLS;
pub use thumbnail::{COLUMNS, ROWS, Thumbnail};

/// More than this share of the picture is seldom an item, and worth asking whether it is the light.
const MUCH: f32 = 0.25;

/// With less than this share of its grey levels, the light of the chamber is out.
const OUT: f32 = 0.2;

/// How the trigger decides. The defaults suit a chamber that an item fills by 2 % or more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TriggerRules {
    /// A cell counts as moving if its brightness or a colour differs by more from the frame before, in levels of 256.
    pub motion_level: u8,
    /// Something moves if more than this share of the cells does.
    pub motion_share: f32,
    /// A cell counts as covered if it differs by more from the empty chamber, likewise.
    pub presence_level: u8,
    /// Something is there if more than this share of the cells is covered.
    pub presence_share: f32,
    /// An item that has not moved for so long lies still.
    pub settle: Duration,
    /// The same for what hangs into the picture from a side: an item, or the hand that holds it.
    pub reach_settle: Duration,
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
            reach_settle: Duration::from_millis(1000),
            clear: Duration::from_millis(200),
            stuck_after: Duration::from_secs(20),
        }
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

/// The empty chamber, in 1/256 levels so that it can be learnt slowly.
#[derive(Debug, Clone)]
struct Background {
    grey: [u16; CELLS],
    blue: [u16; CELLS],
    red: [u16; CELLS],
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Trigger {
    rules: TriggerRules,
    scene: Scene,
    background: Option<Background>,
    /// What the chamber looked like before something stuck became a part of it.
    before_stuck: Option<Background>,
    last: Thumbnail,
    /// Since when nothing has moved.
    still_since: Option<Duration>,
    /// Whether what is there has hung in from a side ever since it came.
    hangs_in: bool,
    /// Whether the item that settled is more than one.
    several: bool,
    classified: Option<Classified>,
}

/// The item that was classified.
#[derive(Debug, Clone, Copy)]
struct Classified {
    at: Duration,
    /// How much it covered.
    covered: f32,
    /// Whether anything has moved since.
    moved: bool,
}

/// What a frame shows.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Duration,
    moves: bool,
    still_for: Duration,
    cover: Cover,
    covered: f32,
}

impl Trigger {
    /// A trigger that takes its first frame for the empty chamber.
    #[must_use]
    pub fn new(rules: TriggerRules) -> Self {
        Self {
            rules,
            scene: Scene::Empty,
            background: None,
            before_stuck: None,
            last: Thumbnail::of_grey([0; CELLS]),
            still_since: None,
            hangs_in: false,
            several: false,
            classified: None,
        }
    }

    /// What the scene is taken for.
    #[must_use]
    pub fn scene(&self) -> Scene {
        self.scene
    }

    /// Whether more than one thing lay there when the vote began.
    #[must_use]
    pub fn sees_several(&self) -> bool {
        self.several
    }

    /// Looks at the next frame, taken at `at`.
    pub fn handle_frame(&mut self, frame: &Thumbnail, at: Duration) -> Look {
        let Some(background) = &self.background else {
            self.adopt(frame);
            self.last = *frame;
            return Look::Away;
        };
        let empty = background.picture();
        let seen = self.compare(frame, &empty, at);
        self.last = *frame;
        let there = seen.covered > self.rules.presence_share;
        match self.scene {
            Scene::Empty if seen.moves || there => {
                self.scene = Scene::Moving;
                self.hangs_in = true;
                // An item that is simply there, as after a skipped frame, has to lie still as well.
                self.still_since = None;
                Look::Away
            }
            Scene::Empty => {
                self.learn(frame, seen.cover.light);
                Look::Away
            }
            Scene::Moving if there => self.wait_until_still(frame, &empty, &seen),
            Scene::Moving => {
                if self.still_since.is_some() && seen.still_for >= self.rules.clear {
                    self.scene = Scene::Empty;
                }
                Look::Away
            }
            Scene::Settled if seen.moves => {
                self.scene = Scene::Moving;
                Look::Void
            }
            Scene::Settled => Look::Again,
            Scene::Classified => self.wait_until_gone(frame, &empty, &seen),
        }
    }

    /// Says that the vote is over: nothing more is asked until the chamber was empty.
    pub fn handle_classified(&mut self, at: Duration) {
        if self.scene == Scene::Settled {
            let empty = self.background.as_ref().map_or(self.last, Background::picture);
            let covered = Cover::of(&self.last, &empty, self.rules.presence_level).share();
            self.classified = Some(Classified { at, covered, moved: false });
            self.scene = Scene::Classified;
        }
    }

    fn compare(&mut self, frame: &Thumbnail, empty: &Thumbnail, at: Duration) -> Seen {
        let moves = Cover::of(frame, &self.last, self.rules.motion_level).share() > self.rules.motion_share;
        if moves {
            self.still_since = None;
        } else {
            self.still_since.get_or_insert(at);
        }
        let still_for = self.still_since.map_or(Duration::ZERO, |since| at.saturating_sub(since));
        let cover = Cover::of(frame, empty, self.rules.presence_level);
        Seen { at, moves, still_for, cover, covered: cover.share() }
    }

    /// Something is there, and may still move.
    fn wait_until_still(&mut self, frame: &Thumbnail, empty: &Thumbnail, seen: &Seen) -> Look {
        self.hangs_in &= seen.cover.reaches_in();
        if self.still_since.is_none() || seen.still_for < self.rules.settle {
            return Look::Away;
        }
        if let Some(before) = &self.before_stuck
            && Cover::of(frame, &before.picture(), self.rules.presence_level).share() <= self.rules.presence_share
        {
            self.adopt(frame);
            self.scene = Scene::Empty;
            return Look::Away;
        }
        if seen.covered > MUCH && seen.cover.shows_the_same(frame, empty) {
            self.adopt(frame);
            self.scene = Scene::Empty;
            return Look::Away;
        }
        if self.hangs_in && seen.still_for < self.rules.reach_settle {
            return Look::Away;
        }
        self.several = seen.cover.things(self.rules.presence_share) > 1;
        self.scene = Scene::Settled;
        Look::First
    }

    fn wait_until_gone(&mut self, frame: &Thumbnail, empty: &Thumbnail, seen: &Seen) -> Look {
        let Some(item) = &mut self.classified else { return Look::Away };
        item.moved |= seen.moves;
        let clear = self.still_since.is_some() && seen.still_for >= self.rules.clear;
        // A small item that can hardly be seen flickers about the limit.
        let gone = clear && seen.covered <= self.rules.presence_share.min(item.covered * 0.5);
        let left_something = clear && item.moved && seen.covered <= item.covered * 0.35;
        let other_light = clear && item.moved && seen.covered > MUCH && seen.cover.shows_the_same(frame, empty);
        let stuck = clear && seen.at.saturating_sub(item.at) >= self.rules.stuck_after;
        let grew = seen.covered > 2.0 * item.covered + self.rules.presence_share;
        if item.moved && grew && !other_light && self.still_since.is_some() && seen.still_for >= self.rules.settle {
            // A hand was taken for an item, or a small item was followed by a large one.
            self.several = seen.cover.things(self.rules.presence_share) > 1;
            self.scene = Scene::Settled;
            return Look::First;
        }
        let before = self.background.clone();
        if left_something || other_light || stuck {
            self.adopt(frame);
        }
        if !gone && !left_something && !other_light && stuck {
            self.before_stuck = before;
        }
        if gone || left_something || other_light || stuck {
            self.classified = None;
            self.scene = Scene::Empty;
        }
        Look::Away
    }

    fn adopt(&mut self, frame: &Thumbnail) {
        self.background = Some(Background::of(frame));
        self.before_stuck = None;
    }

    /// Moves the empty chamber by 1/32 of the difference to what is seen; by 1/4 while the light is another.
    /// Of a chamber without light there is nothing to be learnt.
    fn learn(&mut self, frame: &Thumbnail, light: f32) {
        if let Some(background) = &mut self.background
            && light >= OUT
        {
            background.learn(frame, if light == 1.0 { 32 } else { 4 });
        }
    }
}

impl Background {
    fn of(frame: &Thumbnail) -> Self {
        let fine = |cells: &[u8; CELLS]| cells.map(|level| u16::from(level) << 8);
        Self { grey: fine(&frame.grey), blue: fine(&frame.blue), red: fine(&frame.red) }
    }

    fn picture(&self) -> Thumbnail {
        let coarse = |cells: &[u16; CELLS]| cells.map(|level| (level >> 8) as u8);
        Thumbnail { grey: coarse(&self.grey), blue: coarse(&self.blue), red: coarse(&self.red) }
    }

    /// Goes one of so many parts of the way to what is seen.
    fn learn(&mut self, frame: &Thumbnail, parts: i32) {
        let planes = [(&mut self.grey, &frame.grey), (&mut self.blue, &frame.blue), (&mut self.red, &frame.red)];
        for (known, seen) in planes.into_iter().flat_map(|(known, seen)| known.iter_mut().zip(seen)) {
            let seen = i32::from(*seen) << 8;
            let next = i32::from(*known) + (seen - i32::from(*known)) / parts;
            *known = next.clamp(0, i32::from(u16::MAX)) as u16;
        }
    }
}

#[cfg(test)]
mod tests;
