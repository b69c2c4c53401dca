//! What makes one bin's pictures differ from another's: light, floor, camera, dirt, and what people
//! throw away there. A model that was trained on other looks does worse on a new one: that is the gap
//! that samples from the field close.

use std::f32::consts::PI;

use super::class::Class;
use super::dice::Dice;
use super::geometry::{V3, grey, v};

/// A bin's own ways, all of them drawn from one number.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) seed: u64,
    pub(crate) room: RoomLook,
    pub(crate) lens: Lens,
    pub(crate) sensor: SensorLook,
    pub(crate) taste: Taste,
}

/// The chamber and its light.
#[derive(Debug, Clone)]
pub(crate) struct RoomLook {
    pub(crate) floor: Floor,
    pub(crate) floor_colour: V3,
    pub(crate) wall_colour: V3,
    /// LED strips: from, to, power.
    pub(crate) strips: Vec<(V3, V3, f32)>,
    pub(crate) light: V3,
    /// Light that comes from all sides, as a share of the strips'.
    pub(crate) ambient: f32,
    /// 0 is clean, 1 is filthy.
    pub(crate) dirt: f32,
    /// How many scraps lie about.
    pub(crate) scraps: usize,
}

/// What the floor is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    Steel,
    Galvanised,
    Rubber,
    Plastic,
}

/// Where the camera is and what it sees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lens {
    pub(crate) at: V3,
    pub(crate) target: V3,
    pub(crate) roll: f32,
    /// Half the height of the picture at distance 1.
    pub(crate) spread: f32,
}

/// What the sensor makes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SensorLook {
    pub(crate) exposure: f32,
    pub(crate) gains: V3,
    pub(crate) contrast: f32,
    pub(crate) saturation: f32,
    pub(crate) vignette: f32,
    /// Standard deviation at mid grey, in steps of 1/255.
    pub(crate) noise: f32,
    /// Of the defocus, in pixels at a height of 240.
    pub(crate) blur: f32,
    /// Light that a dirty lens spreads over the whole picture, as a share of its mean.
    pub(crate) veil: f32,
    pub(crate) jpeg_quality: u8,
}

/// What is thrown away here: which kinds of things, in which colours.
#[derive(Debug, Clone)]
pub(crate) struct Taste {
    /// Of each class, how often each of its kinds comes.
    kinds: [[f32; 6]; 6],
    /// The colours of the brands that are sold here, by class.
    brands: [[V3; 3]; 6],
    /// How coloured print is, 0 to 1.
    vivid: f32,
    /// The colour of board.
    pub(crate) board: V3,
    /// The colour of paper.
    pub(crate) paper: V3,
    /// How often glass is green, brown, clear, blue.
    pub(crate) glass: [f32; 4],
    /// How often bottles are clear, blue, green, of another colour.
    pub(crate) plastic: [f32; 4],
    /// How much things are crumpled and dented.
    pub(crate) dents: f32,
    /// How large things are.
    pub(crate) scale: f32,
}

/// Linear RGB from hue, saturation and value, each 0 to 1.
pub(crate) fn hsv(hue: f32, saturation: f32, value: f32) -> V3 {
    let channel = |offset: f32| {
        let k = (offset + hue.rem_euclid(1.0) * 6.0) % 6.0;
        let srgb = value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0);
        srgb.powf(2.2)
    };
    v(channel(5.0), channel(3.0), channel(1.0))
}

impl Look {
    pub(crate) fn draw(seed: u64) -> Self {
        let dice = Dice::new(seed.wrapping_mul(0x9e6c_63d0_876a_3f6b));
        Self {
            seed,
            room: RoomLook::draw(&mut dice.fork(1)),
            lens: Lens::draw(&mut dice.fork(2)),
            sensor: SensorLook::draw(&mut dice.fork(3)),
            taste: Taste::draw(&mut dice.fork(4)),
        }
    }
}

impl RoomLook {
    fn draw(dice: &mut Dice) -> Self {
        let floor = dice.pick(&[Floor::Steel, Floor::Galvanised, Floor::Rubber, Floor::Plastic]);
        let floor_colour = match floor {
            Floor::Steel => grey(dice.between(0.28, 0.45)),
            Floor::Galvanised => v(0.33, 0.35, 0.37) * dice.between(0.8, 1.2),
            Floor::Rubber => grey(dice.between(0.03, 0.08)),
            Floor::Plastic => hsv(dice.share(), dice.between(0.03, 0.4), dice.between(0.35, 0.85)),
        };
        let wall_colour = if dice.chance(0.5) {
            grey(dice.between(0.12, 0.5))
        } else {
            hsv(dice.share(), dice.between(0.03, 0.35), dice.between(0.3, 0.75))
        };
        let height = dice.between(1.5, 1.95);
        let back = (v(-0.8, height, -0.92), v(0.8, height, -0.92));
        let left = (v(-1.1, height, -0.6), v(-1.1, height, 0.7));
        let right = (v(1.1, height, -0.6), v(1.1, height, 0.7));
        let front = (v(-0.6, height + 0.1, 0.9), v(0.6, height + 0.1, 0.9));
        let strips: &[(V3, V3)] = match dice.below(5) {
            0 => &[back],
            1 => &[left],
            2 => &[right, back],
            3 => &[front],
            _ => &[left, right],
        };
        let strips = strips.iter().map(|&(a, b)| (a, b, dice.between(0.7, 1.3))).collect();
        let warm = dice.between(-1.0, 1.0);
        Self {
            floor,
            floor_colour,
            wall_colour,
            strips,
            light: v(1.0 + 0.22 * warm, 1.0 + 0.03 * warm, 1.0 - 0.28 * warm),
            ambient: dice.between(0.08, 0.28),
            dirt: dice.between(0.1, 1.0),
            scraps: dice.below(7),
        }
    }
}

impl Lens {
    fn draw(dice: &mut Dice) -> Self {
        let slant = dice.between(0.25, 0.85);
        let far = dice.between(2.0, 2.3);
        let side = dice.between(-0.3, 0.3);
        Self {
            at: v(far * side, far * slant.cos(), far * slant.sin()),
            target: v(dice.between(-0.08, 0.08), 0.12, dice.between(-0.05, 0.08)),
            roll: dice.between(-0.12, 0.12),
            spread: dice.between(0.25, 0.32),
        }
    }
}

impl SensorLook {
    fn draw(dice: &mut Dice) -> Self {
        Self {
            exposure: dice.between(-0.8, 0.55).exp2(),
            gains: v(1.0 + 0.18 * dice.normal(), 1.0, 1.0 + 0.18 * dice.normal()).map(|g| g.clamp(0.55, 1.6)),
            contrast: dice.between(0.85, 1.35),
            saturation: dice.between(0.5, 1.25),
            vignette: dice.between(0.05, 0.4),
            noise: dice.between(1.5, 6.0),
            blur: dice.between(0.35, 1.0),
            veil: dice.between(-0.06, 0.1).max(0.0),
            jpeg_quality: dice.between(72.0, 93.0) as u8,
        }
    }
}

impl Taste {
    fn draw(dice: &mut Dice) -> Self {
        let mut kinds = [[0.0; 6]; 6];
        for weight in kinds.iter_mut().flatten() {
            *weight = (2.5 * dice.normal()).exp();
        }
        let vivid = dice.between(0.5, 1.0);
        let brands = [[(); 3]; 6].map(|brands| brands.map(|()| ink(dice, vivid)));
        let mut shares = |strong: f32| {
            let mut shares = [0.0; 4];
            shares.iter_mut().for_each(|share| *share = (strong * dice.normal()).exp());
            shares
        };
        let (glass, plastic) = (shares(2.5), shares(2.5));
        Self {
            kinds,
            brands,
            vivid,
            board: hsv(dice.between(0.07, 0.1), dice.between(0.3, 0.52), dice.between(0.58, 0.82)),
            paper: hsv(dice.between(0.09, 0.15), dice.between(0.0, 0.14), dice.between(0.82, 0.96)),
            glass,
            plastic,
            dents: dice.between(0.4, 1.5),
            scale: dice.between(0.88, 1.12),
        }
    }

    /// Which kind of thing of a class comes.
    pub(crate) fn kind(&self, dice: &mut Dice, class: Class) -> usize {
        dice.weighted(&self.kinds[class as usize])
    }

    /// A colour that is printed on things of a class here: mostly one of its few brands'.
    pub(crate) fn print(&self, dice: &mut Dice, class: Class) -> V3 {
        if dice.chance(0.85) {
            dice.pick(&self.brands[class as usize]) * dice.between(0.85, 1.15)
        } else {
            ink(dice, self.vivid)
        }
    }
}

/// Any colour that things are printed in.
fn ink(dice: &mut Dice, vivid: f32) -> V3 {
    match dice.below(8) {
        0 => grey(0.72),
        1 => grey(0.05),
        _ => hsv(dice.share(), dice.between(0.45, 0.95) * vivid, dice.between(0.4, 0.92)),
    }
}

/// A turn that lays a thing on its side.
pub(crate) const ON_ITS_SIDE: f32 = PI / 2.0;
