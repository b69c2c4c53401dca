//! A thing that is thrown away: parts, what they are made of, and how rays find them.

use super::geometry::{Turn, V3, grey, v};
use super::sdf::Part;
use super::texture::Texture;

/// How a material treats light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Finish {
    /// Scatters it, as paper.
    Matte,
    /// Scatters it under a clear coat, as printed film or glazed card; how smooth, 0 to 1.
    Gloss(f32),
    /// Mirrors it; how rough, 0 to 1, and whether brushed or drawn around the part's axis.
    Metal { rough: f32, drawn: bool },
    /// Lets it through a thin wall: how thick the wall is, how much it mirrors, and how much it scatters.
    Clear { wall: f32, shine: f32, haze: f32 },
    /// Scatters some of it and lets some through, as a bag; the share that goes through.
    Film(f32),
}

/// What a part is made of.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    pub(crate) finish: Finish,
    /// Linear RGB; of a clear material, what one wall lets through.
    pub(crate) colour: V3,
    pub(crate) texture: Texture,
}

impl Material {
    pub(crate) fn new(finish: Finish, colour: V3, texture: Texture) -> Self {
        Self { finish, colour, texture }
    }

    pub(crate) fn plain(finish: Finish, colour: V3) -> Self {
        Self::new(finish, colour, Texture::Plain)
    }

    pub(crate) fn is_clear(&self) -> bool {
        matches!(self.finish, Finish::Clear { .. })
    }
}

/// A thing, about its own origin.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    parts: Vec<Part>,
    materials: Vec<Material>,
    /// How it lies when it lies still, before the turn about the vertical.
    pub(crate) rest: Turn,
    /// No part of it is farther from its origin.
    pub(crate) radius: f32,
}

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pose {
    pub(crate) at: V3,
    pub(crate) turn: Turn,
}

/// Where a ray met an item.
pub(crate) struct Hit {
    pub(crate) along: f32,
    pub(crate) part: usize,
}

impl Item {
    pub(crate) fn new(parts: Vec<Part>, materials: Vec<Material>) -> Self {
        let radius = parts.iter().map(Part::extent).fold(0.0, f32::max);
        Self { parts, materials, rest: Turn::NONE, radius }
    }

    pub(crate) fn resting(mut self, rest: Turn) -> Self {
        self.rest = rest;
        self
    }

    pub(crate) fn part(&self, index: usize) -> &Part {
        &self.parts[index]
    }

    pub(crate) fn material(&self, part: usize) -> &Material {
        &self.materials[self.parts[part].material]
    }

    /// The distance to the nearest part, and which it is. Clear parts can be left out.
    pub(crate) fn distance(&self, p: V3, with_clear: bool) -> (f32, usize) {
        let mut best = (f32::MAX, 0);
        for (index, part) in self.parts.iter().enumerate() {
            if !with_clear && self.materials[part.material].is_clear() {
                continue;
            }
            let d = part.distance(p);
            if d < best.0 {
                best = (d, index);
            }
        }
        best
    }

    /// Follows a ray, in the item's space, to the first surface.
    pub(crate) fn trace(&self, origin: V3, direction: V3, with_clear: bool) -> Option<Hit> {
        let (mut along, end) = ball(origin, direction, self.radius)?;
        for _ in 0..72 {
            let (d, part) = self.distance(origin + direction * along, with_clear);
            if d < 0.0012 {
                return Some(Hit { along, part });
            }
            along += d.max(0.0008);
            if along > end {
                break;
            }
        }
        None
    }

    /// The outward normal at a surface, by the tetrahedron of four samples.
    pub(crate) fn normal(&self, p: V3, part: usize) -> V3 {
        const E: f32 = 0.0025;
        let part = &self.parts[part];
        [v(1.0, -1.0, -1.0), v(-1.0, -1.0, 1.0), v(-1.0, 1.0, -1.0), v(1.0, 1.0, 1.0)]
            .into_iter()
            .fold(V3::default(), |sum, k| sum + k * part.distance(p + k * E))
            .unit()
    }

    /// From a point inside of a part to where the ray leaves it.
    pub(crate) fn leave(&self, origin: V3, direction: V3, part: usize) -> f32 {
        let part = &self.parts[part];
        let mut along = 0.01;
        for _ in 0..28 {
            let d = -part.distance(origin + direction * along);
            if d < 0.002 {
                break;
            }
            along += d.max(0.004);
        }
        along
    }

    /// How much light reaches a point, in the item's space, from a light: past opaque parts, and past
    /// clear ones, each 0 to 1. The nearer a ray passes, the darker: a soft shadow.
    pub(crate) fn lit(&self, point: V3, light: V3, soft: f32) -> (f32, f32) {
        let way = light - point;
        let length = way.len();
        let direction = way / length;
        let Some((start, end)) = ball(point, direction, self.radius * 1.15) else { return (1.0, 1.0) };
        let (mut along, end) = (start.max(0.02), end.min(length));
        let (mut opaque, mut clear) = (1.0f32, 1.0f32);
        for _ in 0..22 {
            if along >= end {
                break;
            }
            let (d, part) = self.distance(point + direction * along, true);
            let open = (0.5 + 0.5 * d / (soft * along + 0.004)).clamp(0.0, 1.0);
            let open = open * open * (3.0 - 2.0 * open);
            if self.material(part).is_clear() {
                clear = clear.min(open);
            } else {
                opaque = opaque.min(open);
                if opaque < 0.02 {
                    break;
                }
            }
            along += d.abs().clamp(0.025, 0.2);
        }
        (opaque, clear)
    }

    /// What its clear parts let through on the whole.
    pub(crate) fn clear_tint(&self) -> V3 {
        let clear = self.materials.iter().find(|m| m.is_clear());
        clear.map_or(grey(1.0), |m| (m.colour * m.colour * 0.8).mix(grey(0.8), 0.25))
    }

    /// How far below its origin the item reaches when it is turned so.
    pub(crate) fn depth_below(&self, turn: &Turn) -> f32 {
        const RAYS: i32 = 22;
        let mut lowest = self.radius;
        let up = turn.undo(v(0.0, 1.0, 0.0));
        for i in -RAYS..=RAYS {
            for j in -RAYS..=RAYS {
                let (x, z) = (i as f32 / RAYS as f32 * self.radius, j as f32 / RAYS as f32 * self.radius);
                let below = turn.undo(v(x, -self.radius - 0.01, z));
                if let Some(hit) = self.trace(below, up, true) {
                    lowest = lowest.min(hit.along);
                }
            }
        }
        self.radius + 0.01 - lowest
    }
}

impl Pose {
    /// A point of the chamber in the item's space.
    pub(crate) fn inward(&self, p: V3) -> V3 {
        self.turn.undo(p - self.at)
    }

    /// A point of the item's space in the chamber.
    pub(crate) fn outward(&self, p: V3) -> V3 {
        self.turn.apply(p) + self.at
    }
}

/// Where a ray enters and leaves a ball about the origin; nothing if it misses or lies behind.
pub(crate) fn ball(origin: V3, direction: V3, radius: f32) -> Option<(f32, f32)> {
    let b = origin.dot(direction);
    let h = b * b - (origin.dot(origin) - radius * radius);
    if h <= 0.0 {
        return None;
    }
    let root = h.sqrt();
    (root - b > 0.0).then(|| ((-b - root).max(0.0), root - b))
}
