//! Diapers, wrappers, food remains, dirty tissues, soiled plates and foam, sweepings.

use super::*;

pub(super) fn draw(kind: usize, dice: &mut Dice, taste: &Taste) -> Item {
    let s = taste.scale;
    let stain = v(0.22, 0.13, 0.05) * dice.between(0.5, 1.4);
    let stained = |base: V3, share: f32, dice: &mut Dice| {
        Material::new(Finish::Matte, base, Texture::Stained { stain, share, per_unit: 5.0, seed: dice.seed() })
    };
    match kind {
        0 => {
            let white = stained(grey(0.78), dice.between(0.1, 0.35), dice);
            let tape = Material::new(
                Finish::Gloss(0.3),
                taste.print(dice, Class::Trash),
                Texture::Mottled { amount: 0.2, per_unit: 20.0, seed: dice.seed() },
            );
            let r = dice.between(0.26, 0.36) * s;
            let soft = |seed| Warp::Lumps { high: 0.045, per_unit: 4.5, seed };
            let parts = vec![
                Part::new(Shape::Egg { radii: v(r * 1.25, r * 0.5, r * 0.75) }, 0).warped(soft(dice.seed())),
                Part::new(Shape::Bow { radius: r * 0.8, thick: r * 0.28, angle: 1.6 }, 0)
                    .at(-r * 0.2, r * 0.1, 0.0)
                    .warped(soft(dice.seed())),
                Part::new(Shape::Block { half: v(0.1, 0.012, 0.045), round: 0.01 }, 1)
                    .turned(Turn::yaw(dice.angle()))
                    .at(0.0, r * 0.52, 0.0),
            ];
            Item::new(parts, vec![white, tape])
        }
        1 => {
            let print = Texture::Colourful {
                second: taste.print(dice, Class::Trash),
                third: taste.print(dice, Class::Trash),
                per_unit: dice.between(4.0, 8.0),
                seed: dice.seed(),
            };
            let finish = if dice.chance(0.5) { Finish::Gloss(0.9) } else { Finish::Metal { rough: 0.4, drawn: false } };
            let wrapper = Material::new(finish, taste.print(dice, Class::Trash), print);
            let lining = Material::plain(Finish::Metal { rough: 0.3, drawn: false }, grey(0.7));
            let warp =
                Warp::Sheet { curl: dice.between(-1.0, 1.2), wave: 0.1, fold: 0.06 * taste.dents, seed: dice.seed() };
            let (hx, hz) = (dice.between(0.28, 0.42) * s, dice.between(0.15, 0.26) * s);
            let parts = if dice.chance(0.5) {
                vec![
                    sheet(hx, hz, 0.009, 0).warped(warp),
                    sheet(hx * 0.6, hz * 0.7, 0.008, 1).warped(warp).at(0.05, -0.035, 0.03),
                ]
            } else {
                let folds = Warp::Folds { high: 0.06, per_unit: 5.0, seed: dice.seed() };
                vec![
                    Part::new(Shape::Egg { radii: v(hx * 0.9, 0.09, hz) }, 0).warped(folds),
                    sheet(hx * 1.15, hz * 0.8, 0.009, 0).warped(warp),
                ]
            };
            Item::new(parts, vec![wrapper, lining])
        }
        2 => {
            let peel = stained(v(0.62, 0.42, 0.06), dice.between(0.2, 0.5), dice);
            let flesh = stained(v(0.7, 0.58, 0.32), 0.3, dice);
            let stem = Material::plain(Finish::Matte, v(0.1, 0.06, 0.02));
            let mut parts = Vec::new();
            for i in 0..3 + dice.below(2) {
                let turn = Turn::about(v(1.0, 0.0, 0.0), 0.35 * dice.normal())
                    .then(Turn::yaw(i as f32 * 1.7 + 0.4 * dice.normal()));
                let strip = Part::new(
                    Shape::Bow { radius: dice.between(0.3, 0.42) * s, thick: 0.06, angle: 1.0 },
                    usize::from(i == 0),
                );
                parts.push(strip.warped(Warp::Lumps { high: 0.02, per_unit: 8.0, seed: dice.seed() }).turned(turn).at(
                    -0.2,
                    0.02 * i as f32,
                    0.0,
                ));
            }
            parts.push(
                Part::new(Shape::Egg { radii: v(0.12, 0.09, 0.1) * s }, 1)
                    .warped(Warp::Lumps { high: 0.03, per_unit: 9.0, seed: dice.seed() })
                    .at(0.22, 0.03, 0.12),
            );
            parts.push(
                Part::new(Shape::Rod { half: 0.06, radius: 0.015 }, 2)
                    .turned(Turn::about(v(0.3, 0.0, 1.0), 0.9))
                    .at(0.24, 0.11, 0.12),
            );
            Item::new(parts, vec![peel, flesh, stem])
        }
        3 => {
            let r = dice.between(0.13, 0.2) * s;
            let materials = vec![
                stained(grey(0.6), dice.between(0.35, 0.6), dice),
                stained(v(0.16, 0.12, 0.08), 0.5, dice),
                Material::plain(Finish::Gloss(0.6), taste.print(dice, Class::Trash)),
            ];
            let parts = (0..6).map(|i| {
                let at = dice.direction() * dice.between(0.12, 0.3) * s;
                let radii = v(r * dice.between(0.5, 1.3), r * dice.between(0.4, 0.8), r * dice.between(0.5, 1.2));
                let part = Part::new(Shape::Egg { radii }, [0, 1, 0, 1, 0, 2][i]);
                part.warped(Warp::Folds { high: 0.05, per_unit: 6.0, seed: dice.seed() }).at(at.x, at.y * 0.25, at.z)
            });
            Item::new(parts.collect(), materials)
        }
        4 => {
            let white = grey(dice.between(0.65, 0.85));
            let plate = Material::new(
                Finish::Matte,
                white,
                Texture::Stained { stain, share: dice.between(0.25, 0.5), per_unit: 4.0, seed: dice.seed() },
            );
            let sauce =
                Material::plain(Finish::Gloss(0.8), dice.pick(&[v(0.35, 0.05, 0.02), stain, v(0.5, 0.3, 0.03)]));
            let radius = dice.between(0.3, 0.4) * s;
            let mut parts = vec![
                Part::new(Shape::Cup { low: radius * 0.75, high: radius, half: 0.045, wall: 0.014 }, 0)
                    .warped(Warp::Crush { deep: 0.012 * taste.dents, seed: dice.seed() }),
            ];
            for _ in 0..3 {
                let blob = Shape::Egg { radii: v(dice.between(0.05, 0.13), 0.03, dice.between(0.05, 0.1)) };
                parts.push(
                    Part::new(blob, 1).warped(Warp::Lumps { high: 0.015, per_unit: 12.0, seed: dice.seed() }).at(
                        dice.between(-0.15, 0.15),
                        0.0,
                        dice.between(-0.15, 0.15),
                    ),
                );
            }
            Item::new(parts, vec![plate, sauce])
        }
        _ => {
            let foam = Material::new(Finish::Matte, grey(0.8), Texture::Grains { seed: dice.seed() });
            let dirty = stained(grey(0.72), 0.35, dice);
            let half = v(dice.between(0.24, 0.36), 0.05, dice.between(0.2, 0.28)) * s;
            let lid = sheet(half.x, half.z, 0.025, 0).turned(Turn::about(v(1.0, 0.0, 0.0), dice.between(0.5, 1.2)));
            let straw = Material::plain(Finish::Gloss(0.4), taste.print(dice, Class::Trash));
            let parts = vec![
                Part::new(Shape::Block { half, round: 0.03 }, 1).warped(Warp::Lumps {
                    high: 0.02,
                    per_unit: 4.0,
                    seed: dice.seed(),
                }),
                lid.at(0.0, half.z * 0.6, -half.z * 1.3),
                Part::new(Shape::Rod { half: 0.3 * s, radius: 0.02 }, 2)
                    .turned(Turn::about(v(0.2, 0.1, 1.0), 1.4))
                    .at(0.05, 0.08, 0.1),
            ];
            Item::new(parts, vec![foam, dirty, straw])
        }
    }
}
