//! When to look: empty → moving → settled → classified → empty.
//!
//! The trigger sees every frame as a [`Thumbnail`] of 32 × 24 cells of brightness and colour, and compares it with the one
//! before (is something moving?) and with what the empty chamber looks like (is something there?). The
//! light is taken out of both comparisons (`light.rs`, `cover.rs`): a lamp, the sun, the camera's own exposure and the
//! shadow of somebody who walks by move nothing. It asks for votes while an item lies still, and for nothing else until
//! that item has gone, so that an item is classified exactly once.
//!
//! ```text
//!         ┌───── still, nothing there, or other light ──┐
//!         ▼                                             │
//!      EMPTY ── something moves or appears ──▶ MOVING ──┘
//!         ▲                                     │   ▲ ▲
//!         │                    still, item there│   │ │ moves again: the votes are void
//!         │                                     ▼   │ │
//!         └── chamber empty ── CLASSIFIED ◀── SETTLED │
//!                              or unchanged     enough votes
//!                              for too long           │
//!                                └── it went, and the next comes
//! ```
//!
//! - **A hand** that holds something into the chamber hangs in from a side from first to last. So may an
//!   item; what does has to lie still for longer (`reach_settle`).
//! - **Two items** that lie apart are told apart ([`Trigger::sees_several`]): no flap is right for both.
//! - **Items that follow each other** are told from each other by the moment in which nearly nothing was
//!   there, however short; where there was none, by what lies there now (`lying.rs`). What can be told by neither
//!   is counted ([`Trigger::gaps`]).
//! - **What the empty chamber looks like** is learnt: slowly while it is empty (daylight, dust), fast when
//!   the light has changed, at once when an item left something small behind, and
//!   when something has lain there for `stuck_after` since it was classified, which then belongs to the
//!   chamber. When it goes after all, the chamber of before is known again.
//! - **Whether it is known** at all ([`Trigger::knows_the_chamber`]): the first frame may show an item. It is the empty
//!   chamber if it looks as that did when the bin ran last, if it comes back after an item, or if nothing changes in it
//!   for `stuck_after`. Until then the first frame is an assumption, and gives way to one that looks emptier.
//!
//! Pure: time is the frames' own, nothing is allocated, every buffer has a fixed size.

/// The empty chamber, as it is kept from one run to the next.
pub mod memory;

/// What the empty chamber looks like.
mod background;

/// By how much brighter one frame is than another.
mod light;

/// What differs between two frames, whatever the light does.
mod cover;

/// The item that was classified, and what comes after it.
mod lying;

/// Frames as the trigger sees them.
mod thumbnail;

use std::time::Duration;

use background::Background;
use cover::Cover;
pub use lying::Gaps;
use lying::{Lying, Next};
use thumbnail::CELLS;
pub use thumbnail::{COLUMNS, ROWS, Thumbnail};

/// More than this share of the picture is seldom an item, and worth asking whether it is the light.
const MUCH: f32 = 0.25;

/// In the dark a chamber is not brighter than this, in grey levels: a camera may begin so.
const DARK: u8 = 10;

/// What covers more than this share of the chamber of the last run is no item in it, but another chamber.
const MOST: f32 = 0.5;

/// A shadow without an outline covers more than this share.
const BROAD: f32 = 0.1;

/// With less than this share of its grey levels, the light of the chamber is out.
const OUT: f32 = 0.2;

/// By how many times the steps across its outline, squared, are larger where a thing was before it was taken away.
const TAKEN_AWAY: f32 = 1.3;

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

/// How well the empty chamber is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// What was seen first is taken for it, since then.
    Assumed {
        /// Since when.
        since: Duration,
    },
    /// Nothing has changed in it for long.
    Waited,
    /// It has come back: after an item, or after the program was started again.
    Seen,
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Trigger {
    rules: TriggerRules,
    scene: Scene,
    background: Option<Background>,
    knowledge: Knowledge,
    /// What the chamber looked like before something stuck became a part of it, or in the last run.
    before: Option<Background>,
    /// What settled first while nobody knew the chamber, and whether something else did since.
    rival: Option<(Thumbnail, bool)>,
    last: Thumbnail,
    /// Since when nothing has moved.
    still_since: Option<Duration>,
    /// Since when the light has not changed either.
    calm_since: Option<Duration>,
    /// Whether what is there has hung in from a side ever since it came.
    hangs_in: bool,
    /// Whether the item that settled is more than one.
    several: bool,
    lying: Option<Lying>,
    gaps: Gaps,
}

/// What a frame shows.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Duration,
    moves: bool,
    /// For how long nothing has moved; `None` while something does.
    still_for: Option<Duration>,
    /// For how long the light has not changed either.
    calm_for: Option<Duration>,
    cover: Cover,
    covered: f32,
}

impl Seen {
    fn is_still(&self, least: Duration) -> bool {
        self.still_for.is_some_and(|still| still >= least)
    }

    fn is_calm(&self, least: Duration) -> bool {
        self.calm_for.is_some_and(|calm| calm >= least)
    }
}

impl Trigger {
    /// A trigger that takes its first frame for the empty chamber until it knows better.
    #[must_use]
    pub fn new(rules: TriggerRules) -> Self {
        Self::remembering(rules, None)
    }

    /// A trigger that knows what the empty chamber looked like when the bin ran last.
    #[must_use]
    pub fn remembering(rules: TriggerRules, chamber: Option<&Thumbnail>) -> Self {
        Self {
            rules,
            scene: Scene::Empty,
            background: None,
            knowledge: Knowledge::Assumed { since: Duration::ZERO },
            before: chamber.map(Background::of),
            rival: None,
            last: Thumbnail::of_grey([0; CELLS]),
            still_since: None,
            calm_since: None,
            hangs_in: false,
            several: false,
            lying: None,
            gaps: Gaps::default(),
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

    /// Whether what is taken for the empty chamber is known to be it. Until then nobody can say what an item is: it may
    /// be the gap that something else has left.
    #[must_use]
    pub fn knows_the_chamber(&self) -> bool {
        !matches!(self.knowledge, Knowledge::Assumed { .. })
    }

    /// What the empty chamber looks like, once it was seen to come back: worth keeping for the next run.
    #[must_use]
    pub fn chamber(&self) -> Option<Thumbnail> {
        let background = self.background.as_ref().filter(|_| self.knowledge == Knowledge::Seen)?;
        Some(background.picture())
    }

    /// How items were told from each other.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        self.gaps
    }

    /// Looks at the next frame, taken at `at`.
    pub fn handle_frame(&mut self, frame: &Thumbnail, at: Duration) -> Look {
        let Some(background) = &self.background else {
            self.begin(frame, at);
            self.last = *frame;
            return Look::Away;
        };
        let empty = background.picture();
        let seen = self.compare(frame, &empty, at);
        self.last = *frame;
        let there = seen.covered > self.rules.presence_share;
        match self.scene {
            Scene::Empty if seen.moves || there => {
                self.expect();
                Look::Away
            }
            Scene::Empty => {
                self.learn(frame, seen.cover.light);
                self.wait_for_the_chamber(at);
                Look::Away
            }
            Scene::Moving if there => self.wait_until_still(frame, &empty, &seen),
            Scene::Moving => {
                if seen.is_still(self.rules.clear) {
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

    /// Says that the vote is over: nothing more is asked until that item has gone.
    pub fn handle_classified(&mut self, at: Duration) {
        if self.scene == Scene::Settled {
            let empty = self.background.as_ref().map_or(self.last, Background::picture);
            self.lying = Some(Lying::new(&self.last, &empty, self.rules.presence_level, at));
            self.scene = Scene::Classified;
            self.gaps.handle_item();
            if !self.knows_the_chamber() {
                match &mut self.rival {
                    Some((_, followed)) => *followed = true,
                    none => *none = Some((self.last, false)),
                }
            }
        }
    }

    /// The first frame: the chamber of the last run, with or without something in it, or nobody knows what.
    fn begin(&mut self, frame: &Thumbnail, at: Duration) {
        if let Some(before) = &self.before {
            let known = before.picture();
            let cover = Cover::of(frame, &known, self.rules.presence_level);
            let share = cover.share();
            let is_it = share <= self.rules.presence_share || share > MUCH && cover.shows_the_same(frame, &known);
            let is_in_it = share <= MOST
                && !cover.is_all_about()
                && cover.things(self.rules.presence_share) <= 1
                && !cover.was_taken_away(frame, &known, TAKEN_AWAY);
            if is_it {
                self.adopt(frame, Knowledge::Seen);
                return;
            } else if is_in_it {
                self.background = self.before.take();
                self.knowledge = Knowledge::Seen;
                return;
            }
        }
        self.background = Some(Background::of(frame));
        self.knowledge = Knowledge::Assumed { since: at };
    }

    fn compare(&mut self, frame: &Thumbnail, empty: &Thumbnail, at: Duration) -> Seen {
        let changes = Cover::of(frame, &self.last, self.rules.motion_level);
        let is_calm = changes.share() <= self.rules.motion_share;
        let moves =
            !is_calm && changes.move_more_than(self.rules.motion_share, frame, &self.last, self.rules.motion_level);
        let since = |since: &mut Option<Duration>, goes_on: bool| {
            *since = if goes_on { Some(since.unwrap_or(at)) } else { None };
            since.map(|since| at.saturating_sub(since))
        };
        let still_for = since(&mut self.still_since, !moves);
        let calm_for = since(&mut self.calm_since, is_calm);
        let cover = Cover::of(frame, empty, self.rules.presence_level);
        Seen { at, moves, still_for, calm_for, cover, covered: cover.share() }
    }

    /// Something comes.
    fn expect(&mut self) {
        self.scene = Scene::Moving;
        self.hangs_in = true;
        // An item that is simply there, as after a skipped frame, has to lie still as well.
        self.still_since = None;
        self.calm_since = None;
    }

    /// Something is there, and may still move.
    fn wait_until_still(&mut self, frame: &Thumbnail, empty: &Thumbnail, seen: &Seen) -> Look {
        self.hangs_in &= seen.cover.reaches_in();
        if !seen.is_still(self.rules.settle) {
            return Look::Away;
        }
        if let Some(knowledge) = self.recognise(frame, empty, seen) {
            self.adopt(frame, knowledge);
            self.scene = Scene::Empty;
            return Look::Away;
        }
        let outlines = Cover::of_outlines(frame, empty, self.rules.presence_level);
        let has_none = outlines.share() <= self.rules.presence_share;
        let is_light = seen.covered > MUCH
            && seen.cover.shows_the_same(frame, empty)
            && (has_none || outlines.shows_the_same(frame, empty));
        if is_light {
            if seen.is_calm(self.rules.settle) {
                self.adopt(frame, self.knowledge);
                self.scene = Scene::Empty;
            }
            return Look::Away;
        }
        // While the light changes, what has no outline is a shadow that passes.
        if has_none && seen.covered > BROAD && !seen.is_calm(self.rules.settle) {
            return Look::Away;
        }
        if self.hangs_in && !seen.is_still(self.rules.reach_settle) {
            return Look::Away;
        }
        self.settle(&seen.cover)
    }

    /// Whether what lies still is the empty chamber, and not what was taken for it; and how well it is known then.
    fn recognise(&self, frame: &Thumbnail, empty: &Thumbnail, seen: &Seen) -> Option<Knowledge> {
        let is_like =
            |known: &Thumbnail| Cover::of(frame, known, self.rules.presence_level).share() <= self.rules.presence_share;
        if self.before.as_ref().is_some_and(|before| is_like(&before.picture())) {
            return Some(Knowledge::Seen);
        }
        if self.knowledge == Knowledge::Seen {
            return None;
        }
        if self.rival.as_ref().is_some_and(|(rival, followed)| *followed && is_like(rival)) {
            return Some(Knowledge::Seen);
        }
        let was_dark = empty.darker_than(DARK) > 0.9 && frame.darker_than(2 * DARK) < 0.5;
        let was_taken_away = !seen.cover.is_all_about() && seen.cover.was_taken_away(frame, empty, TAKEN_AWAY);
        (was_dark || was_taken_away).then_some(Knowledge::Assumed { since: seen.at })
    }

    fn settle(&mut self, cover: &Cover) -> Look {
        self.several = cover.things(self.rules.presence_share) > 1;
        self.scene = Scene::Settled;
        Look::First
    }

    fn wait_until_gone(&mut self, frame: &Thumbnail, empty: &Thumbnail, seen: &Seen) -> Look {
        let Some(lying) = &mut self.lying else { return Look::Away };
        match lying.handle_frame(frame, empty, seen, &self.rules) {
            Next::Lies => {}
            Next::Unclear => self.gaps.handle_unclear(),
            Next::Comes => {
                self.lying = None;
                self.expect();
            }
            Next::Another => {
                self.gaps.handle_unseen();
                return self.settle(&seen.cover);
            }
            Next::Grew => return self.settle(&seen.cover),
            Next::Gone => {
                // What was taken for the empty chamber is there again.
                self.knowledge = Knowledge::Seen;
                self.rival = None;
                self.leave(Scene::Empty);
            }
            Next::LeftSomething | Next::OtherLight => {
                self.adopt(frame, self.knowledge);
                self.leave(Scene::Empty);
            }
            Next::Stuck => {
                let before = self.background.clone();
                self.adopt(frame, Knowledge::Waited);
                self.before = before;
                self.leave(Scene::Empty);
            }
        }
        Look::Away
    }

    fn leave(&mut self, scene: Scene) {
        self.lying = None;
        self.scene = scene;
    }

    fn adopt(&mut self, frame: &Thumbnail, knowledge: Knowledge) {
        self.background = Some(Background::of(frame));
        self.knowledge = knowledge;
        // What the last run knew is waited for until the chamber is known.
        if self.knows_the_chamber() {
            (self.before, self.rival) = (None, None);
        }
    }

    /// What has not changed for long belongs to the chamber.
    fn wait_for_the_chamber(&mut self, at: Duration) {
        if let Knowledge::Assumed { since } = self.knowledge
            && at.saturating_sub(since) >= self.rules.stuck_after
        {
            self.knowledge = Knowledge::Waited;
        }
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

#[cfg(test)]
mod tests;
