//! Drink bottles, detergent bottles, bags, tubs, clear trays, lids.

use super::*;

fn tint(dice: &mut Dice, taste: &Taste) -> V3 {
    match dice.weighted(&taste.plastic) {
        0 => v(0.93, 0.95, 0.96),
        1 => v(0.60, 0.80, 0.93),
        2 => v(0.55, 0.82, 0.58),
        _ => taste.print(dice, Class::Plastic).map(|x| 0.35 + 0.6 * x),
    }
}

pub(super) fn draw(kind: usize, dice: &mut Dice, taste: &Taste) -> Item {
    let s = taste.scale;
    let clear = Material::new(
        Finish::Clear { wall: 0.7, shine: 0.8, haze: dice.between(0.08, 0.22) },
        tint(dice, taste),
        Texture::Crinkled { amount: dice.between(0.1, 0.35) * taste.dents, per_unit: 7.0, seed: dice.seed() },
    );
    let solid = Material::plain(Finish::Gloss(dice.between(0.4, 0.8)), taste.print(dice, Class::Plastic));
    let label = Material::new(
        Finish::Gloss(0.45),
        taste.print(dice, Class::Plastic),
        Texture::Label { second: taste.print(dice, Class::Plastic), third: grey(0.8), seed: dice.seed() },
    );
    match kind {
        0 | 1 => {
            let (radius, half) = (dice.between(0.16, 0.2) * s, dice.between(0.48, 0.64) * s);
            let neck = 0.07 * s;
            let shoulder = dice.between(0.25, 0.5);
            let opaque = kind == 1 && dice.chance(0.6);
            let crush = Warp::Crush { deep: dice.between(0.01, 0.05) * taste.dents, seed: dice.seed() };
            let ribs = Warp::Ribs {
                deep: 0.007,
                per_unit: dice.between(9.0, 15.0),
                low: -half * 0.85,
                high: half * (shoulder - 0.1),
            };
            let body = Part::new(
                Shape::Lathe { profile: bottle_profile(radius, half, neck, shoulder) },
                usize::from(opaque) * 2,
            );
            let body = body.warped(if dice.chance(0.5) { crush } else { ribs });
            let mut parts = vec![body];
            if dice.chance(0.75) {
                parts.push(
                    Part::new(Shape::Drum { low: neck * 1.35, high: neck * 1.3, half: 0.045, round: 0.012 }, 2)
                        .at(0.0, half, 0.0),
                );
            }
            if dice.chance(0.65) {
                let high = half * dice.between(0.25, 0.4);
                parts.push(Part::new(Shape::Pipe { radius: radius + 0.006, half: high, wall: 0.008 }, 1).at(
                    0.0,
                    -half * 0.15,
                    0.0,
                ));
            }
            let cap = Material::plain(Finish::Gloss(0.5), taste.print(dice, Class::Plastic));
            let body = if opaque { solid } else { cap };
            Item::new(parts, vec![clear, label, body]).resting(lying())
        }
        2 => {
            let half = v(dice.between(0.18, 0.26), dice.between(0.34, 0.46), dice.between(0.09, 0.13)) * s;
            let cap = Material::plain(Finish::Gloss(0.5), taste.print(dice, Class::Plastic));
            let parts = vec![
                Part::new(Shape::Block { half, round: 0.08 * s }, 0).warped(Warp::Lumps {
                    high: 0.02 * taste.dents,
                    per_unit: 4.0,
                    seed: dice.seed(),
                }),
                Part::new(Shape::Block { half: v(half.x * 0.7, half.y * 0.45, half.z + 0.012), round: 0.02 }, 1),
                Part::new(Shape::Drum { low: 0.09 * s, high: 0.07 * s, half: 0.08, round: 0.02 }, 2).at(
                    half.x * 0.35,
                    half.y + 0.05,
                    0.0,
                ),
            ];
            Item::new(parts, vec![solid, label, cap]).resting(Turn::about(v(1.0, 0.0, 0.0), 1.571))
        }
        3 => {
            let tone =
                if dice.chance(0.5) { grey(0.8) } else { taste.print(dice, Class::Plastic).map(|x| 0.15 + 0.8 * x) };
            let film = Material::new(
                Finish::Film(dice.between(0.15, 0.5)),
                tone,
                Texture::Mottled { amount: 0.1, per_unit: 6.0, seed: dice.seed() },
            );
            let r = dice.between(0.26, 0.4) * s;
            let folds = Warp::Folds { high: r * 0.42, per_unit: 0.85 / r, seed: dice.seed() };
            let radii = v(r * dice.between(0.9, 1.3), r * dice.between(0.35, 0.65), r);
            let mut parts = vec![Part::new(Shape::Egg { radii }, 0).warped(folds)];
            for side in [-1.0, 1.0] {
                let handle = Part::new(Shape::Bow { radius: 0.13, thick: 0.02, angle: 2.0 }, 0);
                parts.push(handle.turned(Turn::about(v(1.0, 0.0, 0.0), 0.4 * side)).at(r * 0.9, 0.02, side * r * 0.4));
            }
            Item::new(parts, vec![film])
        }
        4 => {
            let low = dice.between(0.14, 0.22) * s;
            let half = dice.between(0.13, 0.26) * s;
            let high = low * dice.between(1.1, 1.4);
            let white = grey(dice.between(0.6, 0.85));
            let print = Texture::Label {
                second: taste.print(dice, Class::Plastic),
                third: taste.print(dice, Class::Plastic),
                seed: dice.seed(),
            };
            let tub = Material::new(Finish::Gloss(0.5), white, if dice.chance(0.7) { print } else { Texture::Plain });
            let mut parts = vec![
                Part::new(Shape::Cup { low, high, half, wall: 0.013 }, 0),
                Part::new(Shape::Ring { radius: high, thick: 0.014 }, 0).at(0.0, half, 0.0),
            ];
            if dice.chance(0.35) {
                let lid = Part::new(Shape::Drum { low: high, high, half: 0.012, round: 0.006 }, 1);
                parts.push(lid.turned(Turn::about(v(0.0, 0.0, 1.0), 0.25)).at(high * 1.3, half * 0.7, 0.1));
            }
            let rest = if dice.chance(0.5) { lying() } else { Turn::NONE };
            Item::new(parts, vec![tub, solid]).resting(rest)
        }
        _ => {
            let half = v(dice.between(0.26, 0.38), 0.09, dice.between(0.2, 0.3)) * s;
            let crush = Warp::Lumps { high: 0.02 * taste.dents, per_unit: 5.0, seed: dice.seed() };
            let parts = vec![
                Part::new(Shape::Block { half, round: 0.05 }, 0).warped(crush),
                sheet(half.x + 0.05, half.z + 0.05, 0.01, 0).at(0.0, half.y * 0.8, 0.0),
            ];
            Item::new(parts, vec![clear])
        }
    }
}
