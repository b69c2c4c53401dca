//! What is where at which time: an item falls in, bounces, rocks, lies still, slides out through the
//! flap, and the chamber is empty for a while.
//!
//! Pure: a pose is a closed formula of time, so that any frame can be drawn without those before it.

use super::class::Class;
use super::dice::Dice;
use super::geometry::{Turn, V3, v};
use super::item::{Item, Pose};
use super::look::Taste;

/// Units per second squared: 9.8 m/s² at 5 units to the metre.
const GRAVITY: f32 = 49.0;
/// Where an item comes into sight, in units above where it lies.
const DROP: f32 = 1.35;
/// How fast it is then.
const ENTRY_SPEED: f32 = 4.0;
/// How long an item rocks after it has landed, in seconds.
const ROCKING: f32 = 0.45;
/// How long it takes to slide out, in seconds.
const SLIDE: f32 = 0.4;
/// It lies still for at least this long, in seconds.
const LEAST_REST: f32 = 0.9;
/// The chamber is empty for at least this long, in seconds.
const LEAST_GAP: f32 = 0.5;

/// The shortest mean time between items that leaves each of them time to fall, lie and leave.
pub(crate) const FASTEST: f32 = 2.5;

/// One item's way through the chamber. Times are in seconds of the camera's timeline.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) class: Class,
    pub(crate) item: Item,
    /// Where it lies in the end.
    pub(crate) rest: Pose,
    enters: f32,
    lands: f32,
    /// From here on it does not move.
    still: f32,
    leaves: f32,
    /// From here on it is out of sight.
    gone: f32,
    ends: f32,
    from: V3,
    spin: (V3, f32),
    rock: (V3, f32),
    bounce: f32,
    /// The second bounce, as a share of the first.
    again: f32,
    exit: V3,
}

/// What is to be seen at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    /// No item is in sight.
    Empty,
    /// It moves, at so many units per second.
    Moving(Pose, V3),
    /// It lies still.
    Still,
}

impl Act {
    /// Draws the next item and its way. The chamber is empty until `begins`.
    pub(crate) fn draw(dice: &mut Dice, taste: &Taste, class: Class, begins: f32, every: f32) -> Self {
        let item = class.draw(dice, taste);
        let rest = lay(&item, dice);
        let fall = (-ENTRY_SPEED + (ENTRY_SPEED * ENTRY_SPEED + 2.0 * GRAVITY * DROP).sqrt()) / GRAVITY;
        let bounce = dice.between(0.0, 0.25);
        let lands = begins + fall;
        let still = lands + 2.0 * bounce * impact() / GRAVITY + ROCKING;
        let spare = every * dice.between(0.75, 1.25) - (still - begins) - SLIDE - LEAST_REST - LEAST_GAP;
        let leaves = still + LEAST_REST + (0.55 * spare).max(0.0);
        let gone = leaves + SLIDE;
        Self {
            class,
            enters: begins,
            lands,
            still,
            leaves,
            gone,
            ends: gone + LEAST_GAP + (0.45 * spare).max(0.0),
            from: v(0.35 * dice.normal(), 0.0, 0.25 * dice.normal()),
            spin: (dice.direction(), dice.between(-2.0, 2.0)),
            rock: (v(dice.normal(), 0.0, dice.normal()), dice.between(0.03, 0.2)),
            bounce,
            again: 0.0,
            exit: v(dice.pick(&[-1.0, 1.0]), 0.0, dice.between(-0.3, 0.2)),
            item,
            rest,
        }
    }

    /// It comes later by so many seconds.
    pub(crate) fn delay(&mut self, by: f32) {
        for time in
            [&mut self.enters, &mut self.lands, &mut self.still, &mut self.leaves, &mut self.gone, &mut self.ends]
        {
            *time += by;
        }
    }

    /// It stays for so many seconds more.
    pub(crate) fn stay(&mut self, by: f32) {
        for time in [&mut self.leaves, &mut self.gone, &mut self.ends] {
            *time += by;
        }
    }

    /// It is thrown, and bounces twice.
    pub(crate) fn throw(&mut self, dice: &mut Dice) {
        let still = self.still;
        (self.bounce, self.again) = (dice.between(0.3, 0.5), 0.5);
        self.still = self.lands + 2.0 * self.bounce * (1.0 + self.again) * impact() / GRAVITY + ROCKING;
        self.stay((self.still - still).max(0.0));
    }

    /// The next one comes so many seconds after it has gone.
    pub(crate) fn hasten(&mut self, gap: f32) {
        self.ends = self.gone + gap;
    }

    /// The next one comes while it still lies there, and it leaves then.
    pub(crate) fn give_way(&mut self) {
        self.ends = self.leaves;
    }

    /// A second item comes with this one, and leaves with it. Both lie off the middle.
    pub(crate) fn accompany(&mut self, mut second: Self, dice: &mut Dice) -> Self {
        second.delay(self.enters - second.enters + dice.between(0.1, 0.35));
        self.stay((second.still - self.still).max(0.0));
        (second.leaves, second.gone, second.ends, second.exit) = (self.leaves, self.gone, self.ends, self.exit);
        let apart = dice.between(0.2, 0.6) * dice.pick(&[-1.0, 1.0]);
        self.rest.at.x += apart;
        second.rest.at.x -= apart;
        second
    }

    /// When it comes into sight.
    pub(crate) fn enters(&self) -> f32 {
        self.enters
    }

    /// When the chamber is ready for the next item.
    pub(crate) fn ends(&self) -> f32 {
        self.ends
    }

    /// What is to be seen at a time.
    pub(crate) fn at(&self, time: f32) -> Stage {
        if time < self.enters || time >= self.gone {
            Stage::Empty
        } else if (self.still..self.leaves).contains(&time) {
            Stage::Still
        } else {
            const SHUTTER: f32 = 0.004;
            let (pose, later) = (self.pose(time), self.pose(time + SHUTTER));
            Stage::Moving(pose, (later.at - pose.at) / SHUTTER)
        }
    }

    fn pose(&self, time: f32) -> Pose {
        if time < self.lands {
            let t = time - self.enters;
            let left = 1.0 - t / (self.lands - self.enters);
            let height = DROP - ENTRY_SPEED * t - 0.5 * GRAVITY * t * t;
            return Pose {
                at: self.rest.at + self.from * left + v(0.0, height.max(0.0), 0.0),
                turn: self.rest.turn.then(Turn::about(self.spin.0, self.spin.1 * left)),
            };
        }
        if time < self.still {
            let t = time - self.lands;
            let first = 2.0 * self.bounce * impact() / GRAVITY;
            let (t, speed) = match t < first {
                true => (t, self.bounce * impact()),
                false => (t - first, self.again * self.bounce * impact()),
            };
            let height = (speed * t - 0.5 * GRAVITY * t * t).max(0.0);
            let t = time - self.lands;
            let fades = (1.0 - t / (self.still - self.lands)).powi(2);
            let angle = self.rock.1 * fades * (t * 24.0).cos();
            return Pose {
                at: self.rest.at + v(0.0, height + angle.abs() * 0.15, 0.0),
                turn: self.rest.turn.then(Turn::about(self.rock.0, angle)),
            };
        }
        if time < self.leaves {
            return self.rest;
        }
        let t = (time - self.leaves) / SLIDE;
        Pose {
            at: self.rest.at + self.exit * (2.9 * t * t) + v(0.0, 0.15 * t, 0.0),
            turn: self.rest.turn.then(Turn::about(v(0.0, 0.0, 1.0), -0.5 * t * self.exit.x)),
        }
    }
}

/// The speed at which an item lands.
fn impact() -> f32 {
    (ENTRY_SPEED * ENTRY_SPEED + 2.0 * GRAVITY * DROP).sqrt()
}

/// How an item comes to lie: on the floor, turned any way about the vertical, nearer to the middle than
/// to the walls.
pub(crate) fn lay(item: &Item, dice: &mut Dice) -> Pose {
    let roll = Turn::about(v(0.0, 1.0, 0.0), dice.angle());
    let tilt = Turn::about(v(dice.normal(), 0.0, dice.normal()), 0.06 * dice.normal());
    let turn = roll.then(item.rest).then(tilt).then(Turn::yaw(dice.angle()));
    let lift = item.depth_below(&turn);
    let (room_x, room_z) = ((1.1 - item.radius).max(0.05), (0.9 - item.radius).max(0.05));
    let (x, z) = ((0.2 * dice.normal()).clamp(-room_x, room_x), (0.13 * dice.normal()).clamp(-room_z, room_z));
    Pose { at: v(x, lift - 0.004, z), turn }
}
