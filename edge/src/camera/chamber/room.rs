//! The empty chamber: a box with a worn floor, walls, and strips of LEDs, as light and as surroundings
//! for what mirrors them.

use super::dice::{Dice, fractal, noise};
use super::geometry::{V3, grey, smoothstep, v};
use super::look::{Floor, RoomLook};

/// Half the width, the height, half the depth.
pub(crate) const SIZE: V3 = v(1.2, 2.4, 1.0);
/// The floor's texture has this many points to a side.
const FLOOR: usize = 448;
/// A strip shines as this many points.
const POINTS: usize = 3;

/// The chamber, its floor painted once.
#[derive(Debug)]
pub(crate) struct Room {
    look: RoomLook,
    seed: u32,
    floor: Vec<V3>,
    lamps: Vec<Lamp>,
    /// Where the strips are on the whole, for shadows: one place, or two with a share of the light each.
    pub(crate) keys: [V3; 2],
}

#[derive(Debug, Clone, Copy)]
struct Lamp {
    at: V3,
    colour: V3,
    key: usize,
}

/// The light on a surface: direct light from each key, and light from all sides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Light {
    pub(crate) direct: [V3; 2],
    pub(crate) ambient: V3,
}

impl Room {
    pub(crate) fn new(look: &RoomLook, seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x0f10_0f10);
        let split = look.strips.len() > 1;
        let mut lamps = Vec::new();
        let mut keys = [V3::default(); 2];
        for (index, &(from, to, power)) in look.strips.iter().enumerate() {
            for point in 0..POINTS {
                let share = (point as f32 + 0.5) / POINTS as f32;
                let key = if split { index.min(1) } else { usize::from(share > 0.5) };
                lamps.push(Lamp { at: from.mix(to, share), colour: look.light * (power / POINTS as f32), key });
            }
            if split {
                keys[index.min(1)] = from.mix(to, 0.5);
            } else {
                keys = [from.mix(to, 0.3), from.mix(to, 0.7)];
            }
        }
        let mut room = Self { look: look.clone(), seed: dice.seed(), floor: Vec::new(), lamps, keys };
        let middle = room.light(v(0.0, 0.0, 0.0), v(0.0, 1.0, 0.0));
        let level = (middle.direct[0] + middle.direct[1]).luma();
        for lamp in &mut room.lamps {
            lamp.colour = lamp.colour / level;
        }
        room.floor = paint_floor(look, &mut dice);
        room
    }

    /// Where a ray meets the inside of the box, and the normal there.
    pub(crate) fn meet(&self, origin: V3, direction: V3) -> (V3, V3) {
        let wall = |o: f32, d: f32, low: f32, high: f32| {
            if d > 1e-6 {
                (high - o) / d
            } else if d < -1e-6 {
                (low - o) / d
            } else {
                f32::MAX
            }
        };
        let x = wall(origin.x, direction.x, -SIZE.x, SIZE.x);
        let y = wall(origin.y, direction.y, 0.0, SIZE.y);
        let z = wall(origin.z, direction.z, -SIZE.z, SIZE.z);
        let (along, normal) = if y <= x && y <= z {
            (y, v(0.0, -direction.y.signum(), 0.0))
        } else if x <= z {
            (x, v(-direction.x.signum(), 0.0, 0.0))
        } else {
            (z, v(0.0, 0.0, -direction.z.signum()))
        };
        (origin + direction * along.max(0.0), normal)
    }

    /// The colour of the box's surface.
    pub(crate) fn surface(&self, p: V3, normal: V3) -> V3 {
        if normal.y > 0.5 {
            let at = |x: f32, half: f32| ((x / half * 0.5 + 0.5).clamp(0.0, 1.0) * (FLOOR - 2) as f32).max(0.0);
            let (x, z) = (at(p.x, SIZE.x), at(p.z, SIZE.z));
            let (i, j) = (x as usize, z as usize);
            let (fx, fz) = (x - i as f32, z - j as f32);
            let row = |j: usize| self.floor[j * FLOOR + i].mix(self.floor[j * FLOOR + i + 1], fx);
            return row(j).mix(row(j + 1), fz);
        }
        if normal.y < -0.5 {
            return grey(0.12);
        }
        let along = if normal.x.abs() > 0.5 { p.z } else { p.x };
        let streaks = noise(v(along * 9.0, p.y * 0.8, normal.x), self.seed);
        let grime = (1.0 - smoothstep(0.0, 0.55, p.y + 0.2 * noise(v(along * 4.0, 0.0, 3.0), self.seed)))
            * self.look.dirt
            * 0.6;
        let seam = smoothstep(0.006, 0.016, (p.y - 0.62).abs());
        self.look.wall_colour * (1.0 + 0.09 * streaks) * (1.0 - grime) * (0.55 + 0.45 * seam)
    }

    /// The light that falls on a surface of the empty chamber.
    pub(crate) fn light(&self, p: V3, normal: V3) -> Light {
        let mut light = Light::default();
        for lamp in &self.lamps {
            let way = lamp.at - p;
            let d2 = way.dot(way).max(0.04);
            let cos = normal.dot(way) / d2.sqrt();
            if cos > 0.0 {
                light.direct[lamp.key] += lamp.colour * (cos / d2);
            }
        }
        let near = |d: f32| 0.5 + 0.5 * smoothstep(0.0, 0.5, d);
        let corner = if normal.y.abs() > 0.5 {
            near(SIZE.x - p.x.abs()) * near(SIZE.z - p.z.abs())
        } else {
            near(p.y) * near(if normal.x.abs() > 0.5 { SIZE.z - p.z.abs() } else { SIZE.x - p.x.abs() })
        };
        let sky = 0.7 + 0.3 * normal.y;
        light.ambient = (self.look.light.mix(self.look.wall_colour * 2.0, 0.3)) * (self.look.ambient * corner * sky);
        light
    }

    /// What a ray sees of the chamber and its lamps; the rougher the mirror, the wider the lamps.
    pub(crate) fn seen(&self, origin: V3, direction: V3, rough: f32) -> V3 {
        let (p, normal) = self.meet(origin, direction);
        let light = self.light(p, normal);
        let mut colour = self.surface(p, normal) * (light.direct[0] + light.direct[1] + light.ambient)
            + self.glint(p, normal, direction);
        for &(from, to, power) in &self.look.strips {
            let d = ray_to_segment(origin, direction, from, to);
            let wide = 0.035 + 0.5 * rough;
            let share = 1.0 / (1.0 + (d / wide).powi(2));
            colour += self.look.light * (power * share * share * 0.8 / (0.05 + wide));
        }
        colour
    }

    /// The sheen of the floor under the lamps, seen along a direction.
    pub(crate) fn glint(&self, p: V3, normal: V3, direction: V3) -> V3 {
        let strength = match self.look.floor {
            Floor::Steel => 0.30,
            Floor::Galvanised => 0.16,
            Floor::Plastic => 0.07,
            Floor::Rubber => 0.03,
        } * (1.0 - 0.6 * self.look.dirt);
        if normal.y < 0.5 || strength <= 0.0 {
            return V3::default();
        }
        let mirrored = direction.reflect(normal);
        let wide = if self.look.floor == Floor::Steel { 0.35 } else { 0.25 };
        self.look.strips.iter().fold(V3::default(), |sum, &(from, to, power)| {
            let d = ray_to_segment(p, mirrored, from, to);
            let share = 1.0 / (1.0 + (d / wide).powi(2));
            sum + self.look.light * (power * strength * share * share)
        })
    }
}

/// The least distance between a ray and a segment, near enough for glare.
fn ray_to_segment(origin: V3, direction: V3, from: V3, to: V3) -> f32 {
    let along_segment = to - from;
    let between = origin - from;
    let (b, c) = (direction.dot(along_segment), along_segment.dot(along_segment));
    let (d, e) = (direction.dot(between), along_segment.dot(between));
    let det = c - b * b;
    let s = if det.abs() < 1e-6 { 0.5 } else { ((e - b * d) / det).clamp(0.0, 1.0) };
    let on_segment = from + along_segment * s;
    let t = (on_segment - origin).dot(direction);
    if t <= 0.0 { f32::MAX } else { (origin + direction * t - on_segment).len() }
}

fn paint_floor(look: &RoomLook, dice: &mut Dice) -> Vec<V3> {
    let seed = dice.seed();
    let place = |i: usize, half: f32| (i as f32 / (FLOOR - 1) as f32 * 2.0 - 1.0) * half;
    let mut floor = Vec::with_capacity(FLOOR * FLOOR);
    for j in 0..FLOOR {
        for i in 0..FLOOR {
            let p = v(place(i, SIZE.x), 0.0, place(j, SIZE.z));
            let mut colour = look.floor_colour;
            match look.floor {
                Floor::Steel => colour = colour * (1.0 + 0.16 * noise(v(p.x * 3.0, 0.0, p.z * 120.0), seed)),
                Floor::Galvanised => {
                    let spangle = noise(p * 9.0, seed).signum() * 0.05 + noise(p * 14.0, seed ^ 1) * 0.13;
                    colour = colour * (1.0 + spangle);
                }
                Floor::Rubber => {
                    let (x, z) = ((p.x * 9.0).fract().abs() - 0.5, (p.z * 9.0).fract().abs() - 0.5);
                    let stud = 1.0 - smoothstep(0.2, 0.28, x.hypot(z));
                    colour = colour * (1.0 + 0.5 * stud + 0.2 * noise(p * 60.0, seed));
                }
                Floor::Plastic => colour = colour * (1.0 + 0.05 * noise(p * 25.0, seed)),
            }
            let soiled = smoothstep(0.0, 0.35, fractal(p * 2.6, 4, seed ^ 77) + 0.5 * look.dirt - 0.32);
            let soil = v(0.10, 0.075, 0.05) * (1.0 + 0.4 * noise(p * 12.0, seed ^ 5));
            floor.push(colour.mix(soil, 0.75 * soiled * look.dirt));
        }
    }
    for _ in 0..(25.0 + 110.0 * look.dirt) as usize {
        scratch(&mut floor, dice);
    }
    for _ in 0..(70.0 * look.dirt) as usize {
        crumb(&mut floor, dice);
    }
    floor
}

fn scratch(floor: &mut [V3], dice: &mut Dice) {
    let (mut x, mut z) = (dice.share() * FLOOR as f32, dice.share() * FLOOR as f32);
    let mut heading = dice.angle();
    let factor = if dice.chance(0.6) { dice.between(1.1, 1.6) } else { dice.between(0.55, 0.85) };
    let turn = 0.006 * dice.normal();
    for _ in 0..dice.between(15.0, 160.0) as usize {
        x += heading.cos();
        z += heading.sin();
        heading += turn;
        if (0.0..FLOOR as f32).contains(&x) && (0.0..FLOOR as f32).contains(&z) {
            let point = &mut floor[z as usize * FLOOR + x as usize];
            *point = (*point * factor).map(|c| c.min(0.9));
        }
    }
}

fn crumb(floor: &mut [V3], dice: &mut Dice) {
    let (x, z) = (dice.below(FLOOR - 8) + 4, dice.below(FLOOR - 8) + 4);
    let colour = if dice.chance(0.7) { v(0.08, 0.05, 0.03) } else { grey(0.6) } * dice.between(0.6, 1.3);
    let size = dice.below(3) + 1;
    for dz in 0..=size {
        for dx in 0..=size {
            if dice.chance(0.75) {
                floor[(z + dz) * FLOOR + x + dx] = colour;
            }
        }
    }
}
