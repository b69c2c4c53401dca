//! The item that was classified: it lies there, goes, or gives its place to another. Pure, of fixed size.
//!
//! An item has gone when nothing is there for a while. The next one seldom waits for that: so one frame
//! in which nearly nothing was there is enough, if something came before it and comes after it. Where there
//! was no such frame, what lies there after it has moved is compared with what was classified: it is
//! another item if it looks unlike it, or lies in quite another place. An item that looks and lies like
//! the one before cannot be told from one that was pushed: that is counted as unclear, and not asked about.

use std::time::Duration;

use super::cover::{Cover, Looks};
use super::thumbnail::Thumbnail;
use super::{MUCH, Seen, TriggerRules};

/// With less of it than this share, an item that moves is on its way out, and what stays still was left by it.
const LEFT: f32 = 0.35;

/// What lies with less than this share of itself where the item lay is in another place.
const ELSEWHERE: f32 = 0.15;

/// What differs in more than this share of its cells from the item has changed.
const CHANGED: f32 = 0.3;

/// An item that was classified.
#[derive(Debug, Clone)]
pub(super) struct Lying {
    at: Duration,
    /// What it looked like there.
    picture: Thumbnail,
    cover: Cover,
    looks: Option<Looks>,
    /// How much it covered, and how much of that is outline.
    covered: f32,
    outlined: f32,
    /// Whether anything has moved since.
    moved: bool,
    /// How much was covered at least since something moved.
    least: f32,
    /// Whether what lies there was compared with it since something moved last.
    judged: bool,
}

/// What came of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It lies there.
    Lies,
    /// It lies there, or something like it does.
    Unclear,
    /// It went, and something comes.
    Comes,
    /// Another one lies there, and no moment without either was seen.
    Another,
    /// More lies there: a hand was taken for an item, or a small item was followed by a large one.
    Grew,
    /// The chamber is empty.
    Gone,
    /// It is gone but for something small.
    LeftSomething,
    /// What still differs is the light.
    OtherLight,
    /// It has lain there for too long.
    Stuck,
}

impl Lying {
    /// What lies in `picture`, and not in `empty`, was classified.
    pub(super) fn new(picture: &Thumbnail, empty: &Thumbnail, level: u8, at: Duration) -> Self {
        let cover = Cover::of(picture, empty, level);
        Self {
            at,
            picture: *picture,
            cover,
            looks: cover.looks(picture),
            covered: cover.share(),
            outlined: Cover::of_outlines(picture, empty, level).share(),
            moved: false,
            least: f32::MAX,
            judged: false,
        }
    }

    /// Takes in a frame.
    pub(super) fn handle_frame(
        &mut self,
        frame: &Thumbnail,
        empty: &Thumbnail,
        seen: &Seen,
        rules: &TriggerRules,
    ) -> Next {
        self.moved |= seen.moves;
        self.judged &= !seen.moves;
        if self.moved {
            self.least = self.least.min(seen.covered);
        }
        // A small item that can hardly be seen flickers about the limit.
        let nothing = rules.presence_share.min(self.covered * 0.5);
        let is_clear = seen.is_still(rules.clear);
        if is_clear && seen.covered <= nothing {
            return Next::Gone;
        }
        if is_clear && self.moved && seen.covered <= self.covered * LEFT {
            return Next::LeftSomething;
        }
        // Of what goes, ever less is to be seen.
        if self.least <= nothing.max(self.covered * LEFT) && seen.covered > 2.0 * self.least + rules.presence_share {
            return Next::Comes;
        }
        if is_clear
            && self.moved
            && let Some(next) = self.judge(frame, empty, seen, rules)
        {
            return next;
        }
        if is_clear && seen.at.saturating_sub(self.at) >= rules.stuck_after {
            return Next::Stuck;
        }
        Next::Lies
    }

    /// What lies there, now that it is still again.
    fn judge(&mut self, frame: &Thumbnail, empty: &Thumbnail, seen: &Seen, rules: &TriggerRules) -> Option<Next> {
        let outlines = Cover::of_outlines(frame, empty, rules.presence_level);
        let has_none = outlines.share() <= rules.presence_share.min(self.outlined * 0.5);
        if seen.covered > MUCH && seen.cover.shows_the_same(frame, empty) {
            // With an item in it, it is another light as well, but not the empty chamber.
            return (has_none || outlines.shows_the_same(frame, empty)).then_some(Next::OtherLight);
        }
        if has_none {
            return seen.is_calm(rules.reach_settle).then_some(Next::OtherLight);
        }
        let patience = if seen.cover.reaches_in() { rules.reach_settle } else { rules.settle };
        let is_larger = outlines.share() > 1.5 * self.outlined + rules.presence_share;
        if is_larger && seen.covered > 2.0 * self.covered + rules.presence_share && seen.is_still(rules.settle) {
            return Some(Next::Grew);
        }
        if self.judged || !seen.is_calm(patience) {
            return None;
        }
        self.judged = true;
        let changed = Cover::of(frame, &self.picture, rules.presence_level).share();
        if changed <= rules.presence_share.max(CHANGED * self.covered) {
            return None;
        }
        let is_unlike = match (seen.cover.looks(frame), self.looks) {
            (Some(looks), Some(before)) => looks.is_unlike(&before),
            _ => false,
        };
        let is_another = is_unlike || seen.cover.within(&self.cover) < ELSEWHERE;
        Some(if is_another { Next::Another } else { Next::Unclear })
    }
}

/// How items were told from each other since the program started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Items that came before the one before them had gone, and were known by their looks alone.
    pub unseen: u32,
    /// How often something moved and then lay there that could have been the same item or the next.
    pub unclear: u32,
    /// Of the last items, the newest in the lowest bit: whether there was no gap before it.
    recent: u16,
    /// Whether there was no gap since the last item.
    pending: bool,
}

impl Gaps {
    /// How many of the last items are remembered.
    pub const RECENT: u32 = u16::BITS;

    /// So many of them without a gap are more than chance.
    const MANY: u32 = 4;

    /// How many of the last [`Gaps::RECENT`] items came without a gap, or may have, if that is more than chance: then
    /// others have been missed.
    #[must_use]
    pub fn are_not_seen(&self) -> Option<u32> {
        let count = self.recent.count_ones();
        (count >= Self::MANY).then_some(count)
    }

    pub(super) fn handle_item(&mut self) {
        self.recent = self.recent << 1 | u16::from(std::mem::take(&mut self.pending));
    }

    pub(super) fn handle_unseen(&mut self) {
        self.unseen = self.unseen.saturating_add(1);
        self.pending = true;
    }

    pub(super) fn handle_unclear(&mut self) {
        self.unclear = self.unclear.saturating_add(1);
        self.pending = true;
    }
}
