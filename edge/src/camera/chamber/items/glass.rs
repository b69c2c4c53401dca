//! Bottles, jars and tumblers.

use super::*;

fn tint(dice: &mut Dice, taste: &Taste) -> V3 {
    let strength = dice.between(0.75, 1.15);
    let wall = match dice.weighted(&taste.glass) {
        0 => v(0.30, 0.62, 0.26),
        1 => v(0.60, 0.33, 0.10),
        2 => return v(0.90, 0.94, 0.92),
        _ => v(0.45, 0.66, 0.80),
    };
    wall.map(|x| x.powf(strength))
}

pub(super) fn draw(kind: usize, dice: &mut Dice, taste: &Taste) -> Item {
    let s = taste.scale;
    let glass = Material::plain(Finish::Clear { wall: 1.1, shine: 1.0, haze: 0.03 }, tint(dice, taste));
    let label = Material::new(
        Finish::Gloss(0.25),
        taste.print(dice, Class::Glass),
        Texture::Label { second: taste.print(dice, Class::Glass), third: taste.paper, seed: dice.seed() },
    );
    let lid = Material::new(
        Finish::Metal { rough: 0.35, drawn: false },
        if dice.chance(0.5) { taste.print(dice, Class::Glass) } else { v(0.75, 0.68, 0.5) },
        Texture::Mottled { amount: 0.15, per_unit: 18.0, seed: dice.seed() },
    );
    let materials = vec![glass, label, lid];
    let labelled = dice.chance(0.55);
    let band = |radius: f32, low: f32, high: f32| {
        Part::new(Shape::Pipe { radius: radius + 0.006, half: (high - low) / 2.0, wall: 0.008 }, 1).at(
            0.0,
            (low + high) / 2.0,
            0.0,
        )
    };
    match kind {
        0..=2 => {
            let (radius, half, neck, shoulder) = match kind {
                0 => (dice.between(0.18, 0.22), dice.between(0.62, 0.72), 0.065, dice.between(0.1, 0.3)),
                1 => (dice.between(0.155, 0.18), dice.between(0.46, 0.55), 0.06, dice.between(0.05, 0.25)),
                _ => (dice.between(0.12, 0.17), dice.between(0.32, 0.45), 0.07, dice.between(0.3, 0.5)),
            };
            let (radius, half) = (radius * s, half * s);
            let mut parts =
                vec![Part::new(Shape::Lathe { profile: bottle_profile(radius, half, neck * s, shoulder) }, 0)];
            if labelled {
                parts.push(band(radius, -half * 0.7, half * (shoulder - 0.15)));
            }
            if dice.chance(0.5) {
                parts.push(
                    Part::new(Shape::Drum { low: neck * 1.4, high: neck * 1.25, half: 0.035, round: 0.012 }, 2)
                        .at(0.0, half, 0.0),
                );
            }
            Item::new(parts, materials).resting(lying())
        }
        3 | 4 => {
            let radius = dice.between(0.19, 0.27) * s;
            let half = dice.between(0.2, 0.36) * s;
            let profile = vec![
                (-half, radius * 0.88),
                (-half + 0.04, radius),
                (half * 0.62, radius),
                (half * 0.8, radius * 0.82),
                (half, radius * 0.84),
            ];
            let mut parts = vec![Part::new(Shape::Lathe { profile }, 0)];
            if labelled {
                parts.push(band(radius, -half * 0.6, half * 0.45));
            }
            if dice.chance(0.6) {
                let cap = Shape::Drum { low: radius * 0.9, high: radius * 0.88, half: 0.05, round: 0.015 };
                parts.push(Part::new(cap, 2).at(0.0, half + 0.02, 0.0));
            }
            let rest = if dice.chance(0.6) { lying() } else { Turn::NONE };
            Item::new(parts, materials).resting(rest)
        }
        _ => {
            let low = dice.between(0.14, 0.2) * s;
            let cup = Shape::Cup {
                low,
                high: low * dice.between(1.05, 1.4),
                half: dice.between(0.22, 0.36) * s,
                wall: 0.022,
            };
            let rest = if dice.chance(0.6) { lying() } else { Turn::NONE };
            Item::new(vec![Part::new(cup, 0)], materials).resting(rest)
        }
    }
}
