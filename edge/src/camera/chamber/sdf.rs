//! The shapes of things, as signed distances: how far a point is outside (positive) or inside
//! (negative) of a surface. An item is a handful of parts; a part is a shape, warped, turned and
//! placed. Formulas after Inigo Quilez, <https://iquilezles.org/articles/distfunctions/>.

use super::dice::{noise, ridges};
use super::geometry::{Turn, V3, smoothstep, v};

/// A plain shape about the origin, y its axis.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Half the side lengths, and the radius of the edges.
    Block { half: V3, round: f32 },
    /// The three radii.
    Egg { radii: V3 },
    /// A cylinder or cone: radius below, radius above, half the height.
    Drum { low: f32, high: f32, half: f32, round: f32 },
    /// As [`Shape::Drum`], hollow and open above, with a wall.
    Cup { low: f32, high: f32, half: f32, wall: f32 },
    /// A hollow cylinder, open at both ends.
    Pipe { radius: f32, half: f32, wall: f32 },
    /// A bar with round ends.
    Rod { half: f32, radius: f32 },
    /// A ring: its radius and its thickness.
    Ring { radius: f32, thick: f32 },
    /// Turned on a lathe: heights with radii, in rising order, as a bottle.
    Lathe { profile: Vec<(f32, f32)> },
    /// An arc of a ring in the xz plane, over an angle to both sides of +x, thinner at its ends.
    Bow { radius: f32, thick: f32, angle: f32 },
}

/// What use and a hard life did to a shape.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Warp {
    None,
    /// Smooth lumps: how high, how many per unit.
    Lumps {
        high: f32,
        per_unit: f32,
        seed: u32,
    },
    /// Sharp folds: how high, how many per unit.
    Folds {
        high: f32,
        per_unit: f32,
        seed: u32,
    },
    /// A sheet that does not lie flat: curl along x, waves, sharp folds.
    Sheet {
        curl: f32,
        wave: f32,
        fold: f32,
        seed: u32,
    },
    /// Ribs around the axis: how deep, how many per unit of height, between which heights.
    Ribs {
        deep: f32,
        per_unit: f32,
        low: f32,
        high: f32,
    },
    /// Pressed in from the side, with folds around the axis: how deep.
    Crush {
        deep: f32,
        seed: u32,
    },
}

/// A shape in its place within an item.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    shape: Shape,
    warp: Warp,
    at: V3,
    turn: Turn,
    reach: f32,
    /// Which of the item's materials it is of.
    pub(crate) material: usize,
}

impl Part {
    pub(crate) fn new(shape: Shape, material: usize) -> Self {
        let reach = shape.reach();
        Self { shape, warp: Warp::None, at: V3::default(), turn: Turn::NONE, reach, material }
    }

    pub(crate) fn at(mut self, x: f32, y: f32, z: f32) -> Self {
        self.at = v(x, y, z);
        self
    }

    pub(crate) fn turned(mut self, turn: Turn) -> Self {
        self.turn = turn;
        self
    }

    pub(crate) fn warped(mut self, warp: Warp) -> Self {
        self.reach = self.shape.reach()
            + match warp {
                Warp::None | Warp::Ribs { .. } | Warp::Crush { .. } => 0.0,
                Warp::Lumps { high, .. } | Warp::Folds { high, .. } => high,
                Warp::Sheet { curl, wave, fold, .. } => curl.abs() * 0.5 + wave + fold,
            };
        self.warp = warp;
        self
    }

    /// How far the part reaches from the item's origin.
    pub(crate) fn extent(&self) -> f32 {
        self.at.len() + self.reach
    }

    /// The point in the part's own space, for textures.
    pub(crate) fn local(&self, p: V3) -> V3 {
        self.turn.undo(p - self.at)
    }

    /// A direction in the part's own space.
    pub(crate) fn local_direction(&self, d: V3) -> V3 {
        self.turn.undo(d)
    }

    /// A direction of the part's own space in the item's.
    pub(crate) fn item_direction(&self, d: V3) -> V3 {
        self.turn.apply(d)
    }

    /// A lower bound of the distance, exact near the surface.
    pub(crate) fn distance(&self, p: V3) -> f32 {
        let far = (p - self.at).len() - self.reach;
        if far > 0.08 {
            return far;
        }
        let q = self.local(p);
        match self.warp {
            Warp::None => self.shape.distance(q),
            Warp::Lumps { high, per_unit, seed } => {
                (self.shape.distance(q) - high * noise(q * per_unit, seed)) / (1.0 + 1.6 * high * per_unit)
            }
            Warp::Folds { high, per_unit, seed } => {
                (self.shape.distance(q) - high * ridges(q * per_unit, seed)) / (1.0 + 1.9 * high * per_unit)
            }
            Warp::Sheet { curl, wave, fold, seed } => {
                let mut height = curl * q.x * q.x;
                if wave > 0.0 {
                    height += wave * noise(v(q.x * 2.2, 0.0, q.z * 2.2), seed);
                }
                if fold > 0.0 {
                    height += fold * ridges(v(q.x * 3.5, 0.0, q.z * 3.5), seed);
                }
                let steep = 2.0 * curl.abs() * q.x.abs() + 3.5 * wave + 7.0 * fold;
                self.shape.distance(v(q.x, q.y - height, q.z)) / (1.0 + steep * steep).sqrt()
            }
            Warp::Ribs { deep, per_unit, low, high } => {
                let within = smoothstep(low - 0.03, low, q.y) * (1.0 - smoothstep(high, high + 0.03, q.y));
                let rib = (q.y * per_unit * std::f32::consts::TAU).sin() * within;
                (self.shape.distance(q) - deep * (rib - 1.0)) / (1.0 + 5.0 * deep * per_unit)
            }
            Warp::Crush { deep, seed } => {
                let around = v(q.x, 0.0, q.z).unit() * 1.6;
                let dent = noise(v(around.x, q.y * 4.0, around.z), seed)
                    + noise(v(around.x, q.y * 11.0, around.z), seed ^ 7) * 0.4;
                let pressed = v(q.x, 0.0, q.z) + v(q.x, 0.0, q.z).unit() * (deep * (0.6 + dent));
                self.shape.distance(v(pressed.x, q.y, pressed.z)) / (1.0 + 9.0 * deep)
            }
        }
    }
}

impl Shape {
    fn reach(&self) -> f32 {
        match self {
            Self::Block { half, .. } => half.len(),
            Self::Egg { radii } => radii.largest(),
            Self::Drum { low, high, half, .. } | Self::Cup { low, high, half, .. } => low.max(*high).hypot(*half),
            Self::Pipe { radius, half, .. } => radius.hypot(*half),
            Self::Rod { half, radius } => half + radius,
            Self::Ring { radius, thick } | Self::Bow { radius, thick, .. } => radius + thick,
            Self::Lathe { profile } => profile.iter().map(|(y, r)| y.hypot(*r)).fold(0.0, f32::max),
        }
    }

    fn distance(&self, p: V3) -> f32 {
        match self {
            Self::Block { half, round } => {
                let q = p.abs() - *half + v(*round, *round, *round);
                q.map(|x| x.max(0.0)).len() + q.largest().min(0.0) - round
            }
            Self::Egg { radii } => {
                let k0 = v(p.x / radii.x, p.y / radii.y, p.z / radii.z).len();
                let k1 = v(p.x / (radii.x * radii.x), p.y / (radii.y * radii.y), p.z / (radii.z * radii.z)).len();
                if k1 < 1e-6 { -radii.x.min(radii.y).min(radii.z) } else { k0 * (k0 - 1.0) / k1 }
            }
            Self::Drum { low, high, half, round } => drum(p, *low, *high, *half, *round),
            Self::Cup { low, high, half, wall } => {
                let inside = drum(v(p.x, p.y - 2.0 * wall, p.z), low - wall, high - wall, half + wall, 0.0);
                drum(p, *low, *high, *half, 0.005).max(-inside)
            }
            Self::Pipe { radius, half, wall } => {
                let ring = (p.x.hypot(p.z) - (radius - wall / 2.0)).abs() - wall / 2.0;
                ring.max(p.y.abs() - half)
            }
            Self::Rod { half, radius } => v(p.x, p.y - p.y.clamp(-half, *half), p.z).len() - radius,
            Self::Ring { radius, thick } => (p.x.hypot(p.z) - radius).hypot(p.y) - thick,
            Self::Lathe { profile } => lathe(p, profile),
            Self::Bow { radius, thick, angle } => {
                let at = p.z.atan2(p.x).clamp(-angle, *angle);
                let taper = 1.0 - 0.75 * (at / angle).powi(2);
                (p - v(at.cos(), 0.0, at.sin()) * *radius).len() - thick * taper
            }
        }
    }
}

fn drum(p: V3, low: f32, high: f32, half: f32, round: f32) -> f32 {
    let share = (p.y / half).clamp(-1.0, 1.0) * 0.5 + 0.5;
    let slope = (high - low) / (2.0 * half);
    let side = (p.x.hypot(p.z) - (low + (high - low) * share)) / (1.0 + slope * slope).sqrt() + round;
    let end = p.y.abs() - half + round;
    side.max(end).min(0.0) + side.max(0.0).hypot(end.max(0.0)) - round
}

fn lathe(p: V3, profile: &[(f32, f32)]) -> f32 {
    let (first, last) = (profile[0], profile[profile.len() - 1]);
    let mut radius = if p.y < first.0 { first.1 } else { last.1 };
    for pair in profile.windows(2) {
        let ((y0, r0), (y1, r1)) = (pair[0], pair[1]);
        if p.y >= y0 && p.y < y1 {
            radius = r0 + (r1 - r0) * smoothstep(y0, y1, p.y);
        }
    }
    let side = (p.x.hypot(p.z) - radius) * 0.75;
    let end = (first.0 - p.y).max(p.y - last.0);
    side.max(end).min(0.0) + side.max(0.0).hypot(end.max(0.0))
}
