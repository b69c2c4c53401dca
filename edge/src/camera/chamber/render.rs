//! From a scene to a picture of linear light. What does not change from frame to frame is kept: the
//! empty chamber with, for each pixel, where it is and which light falls on it, so that an item costs
//! only its own pixels and its shadow.

use super::geometry::{V3, grey};
use super::item::{Item, Pose, ball};
use super::look::Lens;
use super::room::{Light, Room};
use super::shade::Scene;

/// A picture of linear light, rows from the top.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<V3>,
}

/// The camera's place, as rays.
#[derive(Debug, Clone)]
pub(crate) struct Rays {
    pub(crate) origin: V3,
    ahead: V3,
    right: V3,
    down: V3,
    width: usize,
    height: usize,
}

impl Rays {
    pub(crate) fn new(lens: &Lens, width: usize, height: usize) -> Self {
        let ahead = (lens.target - lens.at).unit();
        let level = ahead.cross(super::geometry::UP).unit();
        let top = level.cross(ahead);
        let (s, c) = lens.roll.sin_cos();
        let (right, up) = (level * c + top * s, top * c - level * s);
        let step = 2.0 * lens.spread / height as f32;
        Self { origin: lens.at, ahead, right: right * step, down: -up * step, width, height }
    }

    /// The direction through a point of the picture, in pixels.
    fn through(&self, x: f32, y: f32) -> V3 {
        (self.ahead + self.right * (x - self.width as f32 / 2.0) + self.down * (y - self.height as f32 / 2.0)).unit()
    }

    /// Where a point of the chamber is in the picture, in pixels.
    pub(crate) fn project(&self, p: V3) -> (f32, f32) {
        let way = p - self.origin;
        let far = way.dot(self.ahead).max(0.1);
        let step2 = self.right.dot(self.right);
        (
            way.dot(self.right) / (far * step2) + self.width as f32 / 2.0,
            way.dot(self.down) / (far * step2) + self.height as f32 / 2.0,
        )
    }
}

/// A pixel of the empty chamber.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    at: V3,
    colour: V3,
    light: Light,
    glint: V3,
}

/// The empty chamber, drawn.
#[derive(Debug, Clone)]
pub(crate) struct Backdrop {
    spots: Vec<Spot>,
    rays: Rays,
}

impl Backdrop {
    pub(crate) fn draw(room: &Room, lens: &Lens, width: usize, height: usize) -> Self {
        let rays = Rays::new(lens, width, height);
        let mut spots = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let direction = rays.through(x as f32 + 0.5, y as f32 + 0.5);
                let (at, normal) = room.meet(rays.origin, direction);
                spots.push(Spot {
                    at,
                    colour: room.surface(at, normal),
                    light: room.light(at, normal),
                    glint: room.glint(at, normal, direction),
                });
            }
        }
        Self { spots, rays }
    }

    /// Leaves an item where it lies, as a part of the backdrop.
    pub(crate) fn leave(&mut self, room: &Room, item: &Item, pose: &Pose) {
        let with = self.with_item(room, item, pose, None);
        let layer = self.layer(room, item, pose, true);
        for (index, spot) in self.spots.iter_mut().enumerate() {
            let lit = spot.colour * (spot.light.direct[0] + spot.light.direct[1] + spot.light.ambient) + spot.glint;
            let share = (with.pixels[index].luma() / lit.luma().max(1e-4)).clamp(0.0, 1.2);
            let (colour, cover) = layer[index];
            if cover > 0.5 {
                let light = spot.light.direct[0] + spot.light.direct[1] + spot.light.ambient;
                spot.colour = colour.map(|c| c / cover / light.luma().max(1e-3));
                spot.light.direct = spot.light.direct.map(|l| grey(l.luma()));
                spot.light.ambient = grey(spot.light.ambient.luma());
                spot.glint = V3::default();
                spot.at.y += 0.02;
            } else if share < 1.0 {
                spot.colour = spot.colour * share;
                spot.glint = spot.glint * share;
            }
        }
    }

    /// The chamber alone.
    pub(crate) fn empty(&self) -> Picture {
        let lit = |s: &Spot| s.colour * (s.light.direct[0] + s.light.direct[1] + s.light.ambient) + s.glint;
        self.picture(self.spots.iter().map(lit).collect())
    }

    /// The chamber with an item in it, which moves by `motion` pixels while the shutter is open.
    pub(crate) fn with_item(&self, room: &Room, item: &Item, pose: &Pose, motion: Option<(f32, f32)>) -> Picture {
        let shadows = self.shadows(room, item, pose);
        let mut pixels: Vec<V3> = self
            .spots
            .iter()
            .zip(&shadows)
            .map(|(s, shadow)| {
                let direct = s.light.direct[0] * shadow.direct[0] + s.light.direct[1] * shadow.direct[1];
                s.colour * (direct + s.light.ambient * shadow.open)
                    + s.glint * shadow.direct[0].mix(shadow.direct[1], 0.5)
            })
            .collect();
        let layer = self.layer(room, item, pose, motion.is_none());
        let layer = match motion {
            Some(motion) => smear(&layer, self.rays.width, self.rays.height, motion),
            None => layer,
        };
        for (pixel, (colour, cover)) in pixels.iter_mut().zip(layer) {
            if cover > 0.0 {
                *pixel = *pixel * (1.0 - cover) + colour;
            }
        }
        self.picture(pixels)
    }

    pub(crate) fn rays(&self) -> &Rays {
        &self.rays
    }

    fn picture(&self, pixels: Vec<V3>) -> Picture {
        Picture { width: self.rays.width, height: self.rays.height, pixels }
    }

    /// The item's own pixels: light times cover, and cover. What is behind a wall is hidden. Fine: edges
    /// between parts are sampled more than once.
    fn layer(&self, room: &Room, item: &Item, pose: &Pose, fine: bool) -> Vec<(V3, f32)> {
        let (width, height) = (self.rays.width, self.rays.height);
        let scene = Scene { room, item, pose };
        let around = self.rays.origin - pose.at;
        let mut parts = vec![-1i16; width * height];
        let mut layer = vec![(V3::default(), 0.0); width * height];
        for y in 0..height {
            for x in 0..width {
                let direction = self.rays.through(x as f32 + 0.5, y as f32 + 0.5);
                if ball(around, direction, item.radius).is_none() {
                    continue;
                }
                let wall = (self.spots[y * width + x].at - self.rays.origin).len() + 0.03;
                if let Some(seen) = scene.look(self.rays.origin, direction).filter(|seen| seen.along < wall) {
                    parts[y * width + x] = seen.part as i16;
                    layer[y * width + x] = (seen.colour, 1.0);
                }
            }
        }
        let rows = if fine { height.saturating_sub(1) } else { 0 };
        for y in 0..rows {
            for x in 0..width - 1 {
                let index = y * width + x;
                if parts[index] == parts[index + 1] && parts[index] == parts[index + width] {
                    continue;
                }
                let mut sum = (V3::default(), 0.0);
                for (dx, dy) in [(0.25, 0.35), (0.75, 0.15), (0.35, 0.85), (0.85, 0.65)] {
                    let direction = self.rays.through(x as f32 + dx, y as f32 + dy);
                    if let Some(seen) = scene.look(self.rays.origin, direction) {
                        sum = (sum.0 + seen.colour * 0.25, sum.1 + 0.25);
                    }
                }
                layer[index] = sum;
            }
        }
        layer
    }

    /// What of the light reaches each pixel of the backdrop, found at half the resolution.
    fn shadows(&self, room: &Room, item: &Item, pose: &Pose) -> Vec<Shadow> {
        let (width, height) = (self.rays.width, self.rays.height);
        let (w, h) = (width.div_ceil(2), height.div_ceil(2));
        let tint = item.clear_tint();
        let keys = room.keys.map(|key| pose.inward(key));
        let mut coarse = Vec::with_capacity(w * h);
        for y in 0..h {
            for x in 0..w {
                let spot = &self.spots[(2 * y) * width + 2 * x];
                let p = pose.inward(spot.at);
                let far = p.len();
                let mut shadow = Shadow { direct: [grey(1.0); 2], open: 1.0 };
                for (key, light) in keys.iter().enumerate() {
                    let (opaque, clear) = item.lit(p, *light, 0.13);
                    shadow.direct[key] = tint.mix(grey(1.0), clear) * opaque;
                }
                if far < item.radius + 0.4 {
                    let (d, nearest) = item.distance(p, true);
                    let dark = if item.material(nearest).is_clear() { 0.4 } else { 0.8 };
                    shadow.open = 1.0 - dark * (1.0 - (d / 0.3).clamp(0.0, 1.0)).powi(2);
                }
                coarse.push(shadow);
            }
        }
        let mut fine = Vec::with_capacity(width * height);
        for y in 0..height {
            let (j, fy) = (y / 2, (y % 2) as f32 * 0.5);
            let below = (j + 1).min(h - 1);
            for x in 0..width {
                let (i, fx) = (x / 2, (x % 2) as f32 * 0.5);
                let right = (i + 1).min(w - 1);
                let top = coarse[j * w + i].mix(&coarse[j * w + right], fx);
                let bottom = coarse[below * w + i].mix(&coarse[below * w + right], fx);
                fine.push(top.mix(&bottom, fy));
            }
        }
        fine
    }
}

#[derive(Debug, Clone, Copy)]
struct Shadow {
    direct: [V3; 2],
    open: f32,
}

impl Shadow {
    fn mix(&self, other: &Self, share: f32) -> Self {
        Self {
            direct: [self.direct[0].mix(other.direct[0], share), self.direct[1].mix(other.direct[1], share)],
            open: self.open + (other.open - self.open) * share,
        }
    }
}

/// Spreads a layer along a way, as an open shutter does.
fn smear(layer: &[(V3, f32)], width: usize, height: usize, (dx, dy): (f32, f32)) -> Vec<(V3, f32)> {
    let steps = (dx.hypot(dy).ceil() as usize).clamp(1, 48);
    let mut smeared = vec![(V3::default(), 0.0); layer.len()];
    let share = 1.0 / steps as f32;
    for step in 0..steps {
        let along = (step as f32 + 0.5) * share - 0.5;
        let (ox, oy) = ((dx * along).round() as isize, (dy * along).round() as isize);
        for y in 0..height {
            let Some(from) = y.checked_add_signed(-oy).filter(|&from| from < height) else { continue };
            for x in 0..width {
                let Some(at) = x.checked_add_signed(-ox).filter(|&at| at < width) else { continue };
                let (colour, cover) = layer[from * width + at];
                if cover > 0.0 {
                    let sum = &mut smeared[y * width + x];
                    sum.0 += colour * share;
                    sum.1 += cover * share;
                }
            }
        }
    }
    smeared
}
