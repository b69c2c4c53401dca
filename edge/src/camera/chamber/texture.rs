//! What is on a surface: print, text, fibres, stains; a function of the place in the part's own space.

use super::dice::{fractal, hash_share, noise, ridges};
use super::geometry::{V3, grey, smoothstep, v};

/// A pattern on a surface.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Texture {
    Plain,
    /// Lighter and darker, as recycled board or worn metal: how much, how fine.
    Mottled {
        amount: f32,
        per_unit: f32,
        seed: u32,
    },
    /// Corrugated board: faint flutes on its faces, open flutes at its edges, tape and print if any.
    Board {
        tape: bool,
        print: bool,
        seed: u32,
    },
    /// Lines of text, and pictures if it is a newspaper.
    Text {
        ink: V3,
        pictures: bool,
        line: f32,
        seed: u32,
    },
    /// Print around the axis, as on cans and labels: two more colours.
    Label {
        second: V3,
        third: V3,
        seed: u32,
    },
    /// Fields of colour, as on wrappers and magazines: two more colours.
    Colourful {
        second: V3,
        third: V3,
        per_unit: f32,
        seed: u32,
    },
    /// Spots of another colour, over a share of the surface.
    Stained {
        stain: V3,
        share: f32,
        per_unit: f32,
        seed: u32,
    },
    /// One colour on a crinkled surface: how deep, how fine.
    Crinkled {
        amount: f32,
        per_unit: f32,
        seed: u32,
    },
    /// Fine grains, as foamed plastic.
    Grains {
        seed: u32,
    },
}

impl Texture {
    /// The colour at a point of the part's own space with its outward normal there.
    pub(crate) fn colour(&self, base: V3, p: V3, normal: V3) -> V3 {
        match *self {
            Self::Plain | Self::Crinkled { .. } => base,
            Self::Mottled { amount, per_unit, seed } => base * (1.0 + amount * fractal(p * per_unit, 3, seed)),
            Self::Board { tape, print, seed } => board(base, p, normal, tape, print, seed),
            Self::Text { ink, pictures, line, seed } => text(base, ink, p, pictures, line, seed),
            Self::Label { second, third, seed } => label(base, second, third, p, normal, seed),
            Self::Colourful { second, third, per_unit, seed } => {
                let field = noise(p * per_unit, seed);
                let colour = if field > 0.18 {
                    second
                } else if field < -0.3 {
                    third
                } else {
                    base
                };
                let lettering = p * per_unit * 2.0;
                if field.abs() < 0.09 {
                    text(colour, base.mix(third, 0.7) * 0.5, p, false, 0.05, seed)
                } else {
                    colour * (1.0 + 0.25 * noise(lettering, seed ^ 5))
                }
            }
            Self::Stained { stain, share, per_unit, seed } => {
                let amount = smoothstep(0.0, 0.25, fractal(p * per_unit, 3, seed) * 1.4 + share * 2.0 - 1.0);
                base.mix(stain * (1.0 + 0.4 * noise(p * per_unit * 3.0, seed ^ 9)), amount)
            }
            Self::Grains { seed } => base * (1.0 + 0.10 * noise(p * 45.0, seed)),
        }
    }

    /// How far the pattern bends the normal, for flutes, crinkles and the like.
    pub(crate) fn bump(&self, p: V3) -> V3 {
        match *self {
            Self::Board { seed, .. } => v((p.x * 95.0).sin() * 0.05, 0.0, 0.0) + crinkle(p * 5.0, 0.06, seed),
            Self::Mottled { seed, .. } => crinkle(p * 12.0, 0.07, seed),
            Self::Colourful { seed, .. } => crinkle(p * 7.0, 0.18, seed),
            Self::Crinkled { amount, per_unit, seed } => crinkle(p * per_unit, amount, seed),
            Self::Grains { seed } => crinkle(p * 40.0, 0.12, seed),
            Self::Stained { seed, .. } => crinkle(p * 9.0, 0.12, seed),
            Self::Text { seed, .. } => crinkle(p * 4.0, 0.06, seed),
            Self::Plain | Self::Label { .. } => V3::default(),
        }
    }
}

fn crinkle(p: V3, amount: f32, seed: u32) -> V3 {
    v(noise(p, seed), noise(p, seed ^ 1), noise(p, seed ^ 2)) * amount
}

fn board(base: V3, p: V3, normal: V3, tape: bool, print: bool, seed: u32) -> V3 {
    let fibres = 1.0 + 0.10 * noise(v(p.x * 90.0, p.y * 25.0, p.z * 25.0), seed) + 0.12 * fractal(p * 6.0, 2, seed ^ 3);
    let flutes = 1.0 + 0.035 * (p.x * 95.0).sin();
    let mut colour = base * fibres * flutes;
    if normal.x.abs() > 0.8 && p.y.abs() < 0.02 {
        colour = colour * (0.8 + 0.25 * (p.z * 130.0).sin() * (p.y * 70.0).cos());
    }
    let crease = ridges(p * 2.2, seed ^ 11);
    if crease > 0.93 {
        colour = colour * (1.0 + (crease - 0.93) * 3.5);
    }
    if print && normal.y.abs() < 0.5 {
        let (across, up) = if normal.z.abs() > normal.x.abs() { (p.x, p.y) } else { (p.z, p.y) };
        if (up - 0.02).abs() < 0.1 && across.abs() < 0.24 {
            colour = text(colour, colour * 0.2, v(across, 0.0, up), false, 0.055, seed);
        }
    }
    if tape && normal.y > 0.7 && p.z.abs() < 0.055 {
        let film = v(0.46, 0.34, 0.2).mix(grey(0.5), hash_share(0, 1, 2, seed) * 0.6);
        colour = colour.mix(film, 0.55) * (1.0 + 0.15 * noise(p * 30.0, seed ^ 4));
    }
    colour
}

/// Words are dashes of random lengths in lines; blocks of lines are columns; some blocks are pictures.
fn text(base: V3, ink: V3, p: V3, pictures: bool, line: f32, seed: u32) -> V3 {
    let paper = base * (1.0 + 0.05 * noise(p * 20.0, seed));
    let (x, y) = (p.x, p.z);
    let column = (x / 0.24).floor() as i32;
    let in_column = x / 0.24 - column as f32;
    let block = (y / 0.22).floor() as i32;
    let kind = hash_share(column, block, 0, seed);
    if pictures && kind < 0.28 {
        let tone = 0.35 + 0.5 * fractal(v(x * 11.0, 0.0, y * 11.0), 3, seed ^ 31);
        let hue = v(
            hash_share(column, block, 1, seed),
            hash_share(column, block, 2, seed),
            hash_share(column, block, 3, seed),
        );
        return paper.mix(grey(1.0).mix(hue, 0.45) * tone.clamp(0.03, 0.8), 0.85);
    }
    if kind > 0.9 || !(0.07..0.95).contains(&in_column) {
        return paper;
    }
    let large = pictures && kind > 0.74;
    let pitch = if large { line * 2.4 } else { line };
    let row = (y / pitch).floor() as i32;
    let in_row = y / pitch - row as f32;
    if !(0.25..0.75).contains(&in_row) {
        return paper;
    }
    let letter = (x / (pitch * 0.55)).floor() as i32;
    let inked = hash_share(letter, row, 5, seed) > 0.22 && hash_share(letter / 3, row, 6, seed) > 0.12;
    if inked { paper.mix(ink, if large { 0.9 } else { 0.62 }) } else { paper }
}

/// Bands, a round mark, lines of small print and a bar code around the axis.
fn label(base: V3, second: V3, third: V3, p: V3, normal: V3, seed: u32) -> V3 {
    if normal.y.abs() > 0.75 {
        return base;
    }
    let around = p.z.atan2(p.x);
    let turns = around / std::f32::consts::TAU;
    let edge = |k: i32| (hash_share(k, 0, 0, seed) - 0.5) * 0.7;
    let mut colour = base;
    let slant = edge(7) * 0.35 * (around * 2.0).sin();
    if (p.y + slant - edge(1)).abs() < 0.05 + 0.12 * hash_share(2, 0, 0, seed) {
        colour = second;
    }
    if (p.y - edge(3)).abs() < 0.012 + 0.03 * hash_share(4, 0, 0, seed) {
        colour = third;
    }
    let centre = hash_share(5, 0, 0, seed) - 0.5;
    let mut across = turns - centre;
    across -= across.round();
    let mark = (across * 4.6).hypot((p.y - edge(6) * 0.5) * 3.4);
    if mark < 0.5 {
        colour = if mark > 0.40 { third } else { second.mix(base, 0.35) };
        if mark < 0.36 && noise(v(across * 60.0, p.y * 22.0, 0.0), seed) > 0.1 {
            colour = third;
        }
    } else if across.abs() > 0.3 && across.abs() < 0.42 && (p.y - edge(8) * 0.3).abs() < 0.15 {
        let bars = across < 0.0 && (p.y - edge(8) * 0.3).abs() < 0.09;
        let ink = if bars {
            hash_share((turns * 240.0).floor() as i32, 9, 0, seed) > 0.5
        } else {
            (p.y * 45.0).fract().abs() > 0.5
                && hash_share((turns * 110.0).floor() as i32, (p.y * 45.0).floor() as i32, 1, seed) > 0.3
        };
        let ground = if bars { grey(0.75) } else { colour };
        colour = if ink { ground.mix(grey(0.03), 0.8) } else { ground };
    }
    colour
}
