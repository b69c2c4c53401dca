//! Vectors and turns in the chamber's space: x to the right, y up, z towards the camera; one unit is
//! about 20 cm.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A point, a direction, or a linear RGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct V3 {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

/// A [`V3`] from its parts.
pub(crate) const fn v(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

/// A [`V3`] with three equal parts.
pub(crate) const fn grey(x: f32) -> V3 {
    v(x, x, x)
}

pub(crate) const UP: V3 = v(0.0, 1.0, 0.0);

impl V3 {
    pub(crate) fn dot(self, o: Self) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    pub(crate) fn cross(self, o: Self) -> Self {
        v(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)
    }

    pub(crate) fn len(self) -> f32 {
        self.dot(self).sqrt()
    }

    pub(crate) fn unit(self) -> Self {
        self / self.len().max(1e-9)
    }

    pub(crate) fn map(self, f: impl Fn(f32) -> f32) -> Self {
        v(f(self.x), f(self.y), f(self.z))
    }

    pub(crate) fn abs(self) -> Self {
        self.map(f32::abs)
    }

    pub(crate) fn largest(self) -> f32 {
        self.x.max(self.y).max(self.z)
    }

    pub(crate) fn mix(self, o: Self, share: f32) -> Self {
        self * (1.0 - share) + o * share
    }

    /// Mirrored at a surface with this normal.
    pub(crate) fn reflect(self, normal: Self) -> Self {
        self - normal * (2.0 * self.dot(normal))
    }

    /// Bent at a surface; `None` where all of it is reflected.
    pub(crate) fn refract(self, normal: Self, ratio: f32) -> Option<Self> {
        let cos = -self.dot(normal);
        let k = 1.0 - ratio * ratio * (1.0 - cos * cos);
        (k >= 0.0).then(|| self * ratio + normal * (ratio * cos - k.sqrt()))
    }

    /// How bright the colour is (ITU-R BT.709).
    pub(crate) fn luma(self) -> f32 {
        self.dot(v(0.2126, 0.7152, 0.0722))
    }
}

impl Add for V3 {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        v(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}

impl AddAssign for V3 {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}

impl Sub for V3 {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        v(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}

impl Neg for V3 {
    type Output = Self;
    fn neg(self) -> Self {
        v(-self.x, -self.y, -self.z)
    }
}

impl Mul<f32> for V3 {
    type Output = Self;
    fn mul(self, k: f32) -> Self {
        v(self.x * k, self.y * k, self.z * k)
    }
}

impl Div<f32> for V3 {
    type Output = Self;
    fn div(self, k: f32) -> Self {
        self * (1.0 / k)
    }
}

/// Part by part, as a filter acts on light.
impl Mul for V3 {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        v(self.x * o.x, self.y * o.y, self.z * o.z)
    }
}

/// A turn: the columns of a rotation matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Turn(V3, V3, V3);

impl Turn {
    pub(crate) const NONE: Self = Self(v(1.0, 0.0, 0.0), UP, v(0.0, 0.0, 1.0));

    /// By an angle in radians about an axis through the origin (Rodrigues' formula).
    pub(crate) fn about(axis: V3, angle: f32) -> Self {
        let (a, (s, c)) = (axis.unit(), angle.sin_cos());
        let column = |e: V3| e * c + a.cross(e) * s + a * (a.dot(e) * (1.0 - c));
        Self(column(Self::NONE.0), column(Self::NONE.1), column(Self::NONE.2))
    }

    /// About the vertical.
    pub(crate) fn yaw(angle: f32) -> Self {
        Self::about(UP, angle)
    }

    /// First `self`, then `next`.
    pub(crate) fn then(self, next: Self) -> Self {
        Self(next.apply(self.0), next.apply(self.1), next.apply(self.2))
    }

    pub(crate) fn apply(&self, p: V3) -> V3 {
        self.0 * p.x + self.1 * p.y + self.2 * p.z
    }

    /// Undoes the turn.
    pub(crate) fn undo(&self, p: V3) -> V3 {
        v(self.0.dot(p), self.1.dot(p), self.2.dot(p))
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(crate) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
