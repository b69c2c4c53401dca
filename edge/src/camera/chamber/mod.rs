//! A drawn bin: a lit chamber into which items of six classes fall, lie still, and are taken away. The
//! camera `virtual`, for demonstrations, journeys and load tests, where the truth must be known.
//!
//! ```text
//! seed ─► timeline (what is where when) ─► item (parts, materials) ─► render (light) ─► sensor ─► frame
//! look ─► room, lens, sensor, taste ──────────────┴────────────────────────┘             │
//! ```
//!
//! - **Deterministic**: the same configuration gives the same frames, byte for byte, on the same kind
//!   of processor. The draws are our own ([`dice`](self)), so that no library's update changes them.
//! - **Truthful**: every frame that shows an item names its class.
//! - **Like photos**: things are signed distance fields, ray-marched in linear light under strips of
//!   LEDs with soft shadows; glass bends and tints what lies behind it, metal mirrors the chamber; the
//!   floor is worn and littered; falling things are smeared; the sensor adds defocus, vignetting, a
//!   wrong white balance, noise and JPEG.
//! - **Fast**: what lies still is drawn once. Only noise is new in each frame.
//!
//! A *look* is what makes one bin unlike another: light, floor, camera, dirt, brands, and which things
//! people throw in. It stands for the gap between a model's training photos and the field.

mod class;
mod dice;
mod geometry;
mod item;
mod items;
mod look;
mod render;
mod room;
mod sdf;
mod sensor;
mod shade;
mod texture;
mod timeline;

/// What happens besides items.
pub mod trouble;

/// Pictures of settled items of known class, written to a folder.
pub mod scenes;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use pilah_models::name::Label;
use pilah_models::wire::{Truth, TruthSource};
use serde::{Deserialize, Serialize};

use self::class::Class;
use self::dice::Dice;
use self::geometry::V3;
use self::item::Pose;
use self::look::Look;
use self::render::Backdrop;
use self::render::Picture;
use self::room::Room;
use self::sensor::{Exposed, Sensor};
use self::timeline::{Act, Stage};
use self::trouble::{Hand, Lighting, Shadows, Trouble};
use super::{Camera, CameraError, Frame};

/// The share of the time between frames for which the shutter is open while something moves.
const SHUTTER: f32 = 0.25;
/// At most so many scraps lie about before the chamber counts as cleaned.
const MOST_SCRAPS: usize = 9;

/// The settings of the camera `virtual`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChamberConfig {
    /// Which items come when. The same seed gives the same frames.
    pub seed: u64,
    /// Which bin it is: light, floor, camera, dirt, brands. Any number is a look.
    pub look: u64,
    /// Of the picture, in pixels, 32 to 1920.
    pub width: u32,
    /// Of the picture, in pixels, 32 to 1080.
    pub height: u32,
    /// On the camera's own timeline, 1 to 60.
    pub frames_per_second: f32,
    /// The mean time from one item to the next, in seconds, 2.5 or more.
    pub item_every_s: f32,
    /// How often each class comes, as weights; a class that is not named does not come. Empty: all
    /// equally often.
    pub mix: BTreeMap<Label, f32>,
    /// What happens besides, each with the share of the items that it happens to; together at most 1.
    pub trouble: BTreeMap<Trouble, f32>,
}

impl Default for ChamberConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            look: 1,
            width: 320,
            height: 240,
            frames_per_second: 10.0,
            item_every_s: 6.0,
            mix: BTreeMap::new(),
            trouble: BTreeMap::new(),
        }
    }
}

/// A setting of the camera `virtual` that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ChamberError {
    /// The setting.
    pub key: &'static str,
    /// What is wrong with its value.
    pub problem: String,
}

impl ChamberConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// One that is out of its range, or a class that the chamber does not draw.
    pub fn check(&self) -> Result<(), ChamberError> {
        self.weights().map(|_| ())
    }

    fn weights(&self) -> Result<[f32; 6], ChamberError> {
        let wrong = |key, problem| Err(ChamberError { key, problem });
        if !(32..=1920).contains(&self.width) {
            return wrong("width", format!("{} is outside 32 to 1920", self.width));
        }
        if !(32..=1080).contains(&self.height) {
            return wrong("height", format!("{} is outside 32 to 1080", self.height));
        }
        if !(1.0..=60.0).contains(&self.frames_per_second) {
            return wrong("frames_per_second", format!("{} is outside 1 to 60", self.frames_per_second));
        }
        if !(timeline::FASTEST..=86_400.0).contains(&self.item_every_s) {
            return wrong("item_every_s", format!("{} is outside {} to 86400", self.item_every_s, timeline::FASTEST));
        }
        let shares = || self.trouble.values();
        if shares().any(|share| !(0.0..=1.0).contains(share)) || shares().sum::<f32>() > 1.001 {
            return wrong("trouble", "shares are from 0 to 1, together at most 1".into());
        }
        if self.mix.is_empty() {
            return Ok([1.0; 6]);
        }
        let mut weights = [0.0; 6];
        for (label, &weight) in &self.mix {
            let Some(class) = Class::ALL.into_iter().find(|class| class.label() == *label) else {
                return wrong("mix", format!("there are no drawn items of class {label}"));
            };
            if !(0.0..=1e6).contains(&weight) {
                return wrong("mix", format!("the weight {weight} of {label} is outside 0 to 1000000"));
            }
            weights[class as usize] = weight;
        }
        if weights.iter().sum::<f32>() <= 0.0 {
            return wrong("mix", "no class has a weight".into());
        }
        Ok(weights)
    }
}

/// A drawn bin.
#[derive(Debug)]
pub struct Chamber {
    config: ChamberConfig,
    weights: [f32; 6],
    look: Look,
    room: Room,
    clean: Backdrop,
    backdrop: Backdrop,
    scraps: usize,
    sensor: Sensor,
    dice: Dice,
    act: Act,
    empty: Exposed,
    lying: Option<Exposed>,
    lighting: Lighting,
    hand: Option<Hand>,
    shadows: Option<Shadows>,
    /// Whether the next item pushes this one out.
    pushed: bool,
    /// The item that came with the other or is pushed out by it, and the chamber with it.
    second: Option<(Act, Backdrop)>,
    /// As `lying`, before the light of the moment is on it.
    still: Option<Picture>,
    frame: u64,
}

impl Chamber {
    /// Builds the chamber and draws it empty. Takes some tenths of a second.
    ///
    /// # Errors
    /// As [`ChamberConfig::check`].
    pub fn new(config: ChamberConfig) -> Result<Self, ChamberError> {
        let weights = config.weights()?;
        let look = Look::draw(config.look);
        let room = Room::new(&look.room, look.seed);
        let clean = Backdrop::draw(&room, &look.lens, config.width as usize, config.height as usize);
        let mut dice = Dice::new(config.seed);
        let sensor = Sensor::new(&look.sensor, dice.fork(1));
        let mut backdrop = clean.clone();
        for _ in 0..look.room.scraps {
            drop_scrap(&mut backdrop, &room, &look, &mut dice);
        }
        let begins = dice.between(1.0, 2.0);
        let act = next_act(&mut dice, &look, &weights, begins, config.item_every_s);
        let empty = sensor.expose(&backdrop.empty());
        let scraps = look.room.scraps;
        Ok(Self {
            config,
            weights,
            look,
            room,
            clean,
            backdrop,
            scraps,
            sensor,
            dice,
            act,
            empty,
            lying: None,
            lighting: Lighting::default(),
            hand: None,
            shadows: None,
            pushed: false,
            second: None,
            still: None,
            frame: 0,
        })
    }

    fn time(&self) -> f32 {
        (self.frame as f64 / f64::from(self.config.frames_per_second)) as f32
    }

    /// The item is gone; the next is due. Now and then something of it stays behind, or someone cleans.
    fn turn_over(&mut self) {
        let ends = self.act.ends();
        let mut next = || next_act(&mut self.dice, &self.look, &self.weights, ends, self.config.item_every_s);
        let mut act = next();
        if self.pushed {
            // One that is of the same class could not be told from the one before by the truth.
            for _ in 0..8 {
                if act.class == self.act.class {
                    act = next();
                }
            }
        }
        let before = std::mem::replace(&mut self.act, act);
        self.lying = None;
        self.still = None;
        self.second = std::mem::take(&mut self.pushed).then(|| (before, self.backdrop.clone()));
        if self.dice.chance(0.15) {
            if self.scraps >= MOST_SCRAPS {
                self.backdrop = self.clean.clone();
                self.scraps = 0;
            }
            drop_scrap(&mut self.backdrop, &self.room, &self.look, &mut self.dice);
            self.scraps += 1;
            self.empty = self.sensor.expose(&self.backdrop.empty());
        }
        self.draw_trouble();
    }

    /// Whatever happens with the next item.
    fn draw_trouble(&mut self) {
        let Some(trouble) = Trouble::draw(&mut self.dice, &self.config.trouble) else { return };
        let dice = &mut self.dice;
        let begins = self.act.enters();
        let at = begins + (self.act.ends() - begins) * dice.between(-0.1, 0.9);
        match trouble {
            Trouble::Exposure => self.lighting.drift(dice, at),
            Trouble::Lamp => self.lighting.switch(dice, at),
            Trouble::Hand => {
                let hand = Hand::draw(dice, begins + 0.2);
                self.act.delay(hand.ends() - begins + dice.between(-0.2, 0.3));
                self.hand = Some(hand);
            }
            Trouble::Stay => self.act.stay(dice.between(10.0, 40.0)),
            Trouble::Bounce => self.act.throw(dice),
            Trouble::Follow => self.act.hasten(dice.between(0.15, 0.4)),
            Trouble::Push => {
                self.act.give_way();
                self.pushed = true;
            }
            Trouble::Shadow => self.shadows = Some(Shadows::draw(dice, at)),
            Trouble::Pair => {
                let second = next_act(dice, &self.look, &self.weights, begins, self.config.item_every_s);
                let second = self.act.accompany(second, dice);
                let mut with = self.backdrop.clone();
                with.leave(&self.room, &second.item, &second.rest);
                self.second = Some((second, with));
            }
        }
    }

    /// What is to be seen, before the light of the moment is on it.
    fn picture(&mut self, time: f32, stage: Stage) -> Picture {
        let falling;
        let (backdrop, is_still) = match &self.second {
            None => (&self.backdrop, true),
            Some((second, with)) => match second.at(time) {
                Stage::Empty => (&self.backdrop, false),
                Stage::Still => (with, true),
                Stage::Moving(pose, _) => {
                    let mut moving = self.backdrop.clone();
                    moving.leave(&self.room, &second.item, &pose);
                    falling = moving;
                    (&falling, false)
                }
            },
        };
        match stage {
            Stage::Empty => backdrop.empty(),
            Stage::Still if is_still => {
                let draw = || backdrop.with_item(&self.room, &self.act.item, &self.act.rest, None);
                self.still.get_or_insert_with(draw).clone()
            }
            Stage::Still => backdrop.with_item(&self.room, &self.act.item, &self.act.rest, None),
            Stage::Moving(pose, speed) => {
                let motion = Some(self.smear(&pose, speed));
                backdrop.with_item(&self.room, &self.act.item, &pose, motion)
            }
        }
    }

    /// How far an item moves while the shutter is open, in pixels.
    fn smear(&self, pose: &Pose, speed: V3) -> (f32, f32) {
        let open = SHUTTER / self.config.frames_per_second.max(10.0);
        let rays = self.backdrop.rays();
        let (from, to) = (rays.project(pose.at), rays.project(pose.at + speed * open));
        (to.0 - from.0, to.1 - from.1)
    }

    fn troubled_frame(&mut self, time: f32, stage: Stage) -> RgbImage {
        let mut picture = self.picture(time, stage);
        if let Some(hand) = &self.hand {
            hand.reach(&mut picture, time);
        }
        if let Some(shadows) = &self.shadows {
            shadows.fall(&mut picture, time);
        }
        self.lighting.shine(&mut picture, time);
        let exposed = self.sensor.expose(&picture);
        self.sensor.read(&exposed)
    }
}

impl Camera for Chamber {
    fn next_frame(&mut self) -> Result<Frame, CameraError> {
        while self.time() >= self.act.ends() {
            self.turn_over();
        }
        let stage = self.act.at(self.time());
        let rgb = match stage {
            stage if !self.config.trouble.is_empty() => self.troubled_frame(self.time(), stage),
            Stage::Empty => self.sensor.read(&self.empty),
            Stage::Still => {
                if self.lying.is_none() {
                    let picture = self.backdrop.with_item(&self.room, &self.act.item, &self.act.rest, None);
                    self.lying = Some(self.sensor.expose(&picture));
                }
                self.sensor.read(self.lying.as_ref().unwrap_or(&self.empty))
            }
            Stage::Moving(pose, speed) => {
                let motion = Some(self.smear(&pose, speed));
                let picture = self.backdrop.with_item(&self.room, &self.act.item, &pose, motion);
                let exposed = self.sensor.expose(&picture);
                self.sensor.read(&exposed)
            }
        };
        let truth =
            (stage != Stage::Empty).then(|| Truth { label: self.act.class.label(), source: TruthSource::Virtual });
        let at = Duration::from_secs_f64(self.frame as f64 / f64::from(self.config.frames_per_second));
        self.frame += 1;
        Ok(Frame { rgb: Arc::new(rgb), at, truth })
    }
}

fn next_act(dice: &mut Dice, look: &Look, weights: &[f32; 6], begins: f32, every: f32) -> Act {
    let class = Class::ALL[dice.weighted(weights)];
    Act::draw(dice, &look.taste, class, begins, every)
}

fn drop_scrap(backdrop: &mut Backdrop, room: &Room, look: &Look, dice: &mut Dice) {
    let scrap = items::scrap(dice, &look.taste);
    let mut pose = timeline::lay(&scrap, dice);
    pose.at.x = dice.between(-1.0, 1.0);
    pose.at.z = dice.between(-0.85, 0.85);
    backdrop.leave(room, &scrap, &pose);
}
