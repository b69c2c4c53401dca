//! Randomness that is the same with every version of every library: SplitMix64 for draws, and an
//! integer hash for noise in space.

use super::geometry::{V3, v};

/// A stream of random draws.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5049_4c41_4821_0001)
    }

    /// An independent stream for a purpose, which leaves this one as it is.
    pub(crate) fn fork(&self, purpose: u64) -> Self {
        let mut fork = Self(self.0 ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        fork.next();
        fork
    }

    /// Steele, Lea and Flood: Fast splittable pseudorandom number generators (2014).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    pub(crate) fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.share()
    }

    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.share() < probability
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A place among weights, in proportion to them.
    pub(crate) fn weighted(&mut self, weights: &[f32]) -> usize {
        let mut left = self.share() * weights.iter().sum::<f32>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }

    /// Of mean 0 and standard deviation 1, near enough: the sum of four uniform draws.
    pub(crate) fn normal(&mut self) -> f32 {
        ((0..4).map(|_| self.share()).sum::<f32>() - 2.0) * 1.732
    }

    /// A unit vector.
    pub(crate) fn direction(&mut self) -> V3 {
        v(self.normal(), self.normal(), self.normal()).unit()
    }

    pub(crate) fn angle(&mut self) -> f32 {
        self.between(0.0, std::f32::consts::TAU)
    }

    pub(crate) fn seed(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }
}

/// A hash of a lattice point.
pub(crate) fn hash(x: i32, y: i32, z: i32, seed: u32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f)
        ^ seed.wrapping_mul(0x9e37_79b1);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

/// The hash as a number from 0 to 1.
pub(crate) fn hash_share(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    (hash(x, y, z, seed) >> 8) as f32 / (1u32 << 24) as f32
}

/// Smooth noise from −1 to 1 with features about one unit large.
pub(crate) fn noise(p: V3, seed: u32) -> f32 {
    let cell = p.map(f32::floor);
    let f = p - cell;
    let (x, y, z) = (cell.x as i32, cell.y as i32, cell.z as i32);
    let s = f.map(|t| t * t * (3.0 - 2.0 * t));
    let corner = |dx, dy, dz| hash_share(x + dx, y + dy, z + dz, seed);
    let along = |dy, dz| {
        let a = corner(0, dy, dz);
        a + (corner(1, dy, dz) - a) * s.x
    };
    let plane = |dz| {
        let a = along(0, dz);
        a + (along(1, dz) - a) * s.y
    };
    let near = plane(0);
    (near + (plane(1) - near) * s.z) * 2.0 - 1.0
}

/// Noise with finer and weaker noise on it.
pub(crate) fn fractal(p: V3, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut scale, mut weight) = (0.0, 1.0, 0.5);
    for octave in 0..octaves {
        sum += weight * noise(p * scale, seed.wrapping_add(octave * 101));
        scale *= 2.1;
        weight *= 0.5;
    }
    sum
}

/// Noise with sharp ridges, from 0 to 1, as in crumpled paper and foil.
pub(crate) fn ridges(p: V3, seed: u32) -> f32 {
    let fine = noise(p * 2.3, seed.wrapping_add(17)).abs();
    1.0 - (noise(p, seed).abs() * 0.7 + fine * 0.3) * 2.0
}
