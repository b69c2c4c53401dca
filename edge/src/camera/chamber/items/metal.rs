//! Drink cans, tins, foil, spray cans, lids.

use super::*;

pub(super) fn draw(kind: usize, dice: &mut Dice, taste: &Taste) -> Item {
    let s = taste.scale;
    let bare = v(0.78, 0.78, 0.77) * dice.between(0.8, 1.05);
    let worn = |dice: &mut Dice| Texture::Mottled { amount: 0.18, per_unit: 14.0, seed: dice.seed() };
    let metal = Material::new(Finish::Metal { rough: 0.22, drawn: true }, bare, worn(dice));
    let print = Material::new(
        Finish::Metal { rough: 0.30, drawn: true },
        taste.print(dice, Class::Metal),
        Texture::Label { second: taste.print(dice, Class::Metal), third: bare, seed: dice.seed() },
    );
    match kind {
        0 | 1 => drink_can(dice, taste, vec![metal, print, Material::plain(Finish::Matte, grey(0.01))]),
        2 => {
            let radius = dice.between(0.2, 0.31) * s;
            let half = dice.between(0.16, 0.33) * s;
            let ribs = Warp::Ribs { deep: 0.008, per_unit: 13.0, low: -half * 0.6, high: half * 0.6 };
            let wrapped = dice.chance(0.55);
            let paper = Material::new(
                Finish::Gloss(0.3),
                taste.print(dice, Class::Metal),
                Texture::Label { second: taste.print(dice, Class::Metal), third: taste.paper, seed: dice.seed() },
            );
            let ring = |y: f32| Part::new(Shape::Ring { radius, thick: 0.012 }, 0).at(0.0, y, 0.0);
            let body = Shape::Cup { low: radius, high: radius, half, wall: 0.016 };
            let body =
                if dice.chance(0.5) { body } else { Shape::Drum { low: radius, high: radius, half, round: 0.01 } };
            let mut parts = vec![Part::new(body.clone(), usize::from(wrapped)).warped(ribs), ring(half), ring(-half)];
            let end = |y: f32| {
                let disc = Shape::Drum { low: radius * 0.95, high: radius * 0.95, half: 0.006, round: 0.003 };
                Part::new(disc, 0).at(0.0, y, 0.0)
            };
            parts.push(end(-half - 0.002));
            if matches!(body, Shape::Drum { .. }) {
                parts.push(end(half + 0.002));
            }
            if dice.chance(0.5) {
                let lid =
                    Part::new(Shape::Drum { low: radius * 0.92, high: radius * 0.92, half: 0.008, round: 0.004 }, 0);
                parts.push(lid.turned(Turn::about(v(0.0, 0.0, 1.0), dice.between(0.7, 1.4))).at(
                    radius * 1.1,
                    half + radius * 0.7,
                    0.0,
                ));
            }
            let rest = if dice.chance(0.6) { lying() } else { Turn::NONE };
            Item::new(parts, vec![metal, paper]).resting(rest)
        }
        3 => {
            let foil = Material::plain(Finish::Metal { rough: 0.12, drawn: false }, bare);
            let r = dice.between(0.2, 0.36) * s;
            let folds = Warp::Folds { high: r * 0.30, per_unit: 3.0 / r * 0.55, seed: dice.seed() };
            let radii = v(r * dice.between(0.9, 1.4), r * dice.between(0.5, 0.85), r);
            Item::new(vec![Part::new(Shape::Egg { radii }, 0).warped(folds)], vec![foil])
        }
        4 => {
            let foil = Material::new(Finish::Metal { rough: 0.2, drawn: false }, bare, worn(dice));
            if dice.chance(0.5) {
                let crumpled = Warp::Sheet {
                    curl: dice.between(-0.4, 0.5),
                    wave: 0.08,
                    fold: 0.06 * taste.dents,
                    seed: dice.seed(),
                };
                let parts =
                    vec![sheet(dice.between(0.3, 0.5) * s, dice.between(0.25, 0.4) * s, 0.008, 0).warped(crumpled)];
                return Item::new(parts, vec![foil]);
            }
            let tray = Shape::Cup { low: 0.30 * s, high: 0.38 * s, half: 0.08 * s, wall: 0.012 };
            let folds = Warp::Crush { deep: 0.015 * taste.dents, seed: dice.seed() };
            let rim = Part::new(Shape::Ring { radius: 0.38 * s, thick: 0.015 }, 0).at(0.0, 0.08 * s, 0.0);
            Item::new(vec![Part::new(tray, 0).warped(folds), rim], vec![foil])
        }
        _ => {
            let radius = dice.between(0.11, 0.15) * s;
            let half = dice.between(0.38, 0.52) * s;
            let profile = vec![
                (-half, radius * 0.9),
                (-half + 0.03, radius),
                (half * 0.7, radius),
                (half * 0.82, radius * 0.5),
                (half * 0.86, radius * 0.4),
            ];
            let cap = Material::plain(Finish::Gloss(0.5), taste.print(dice, Class::Metal));
            let mut parts = vec![
                Part::new(Shape::Lathe { profile }, 1),
                Part::new(Shape::Ring { radius: radius * 0.93, thick: 0.014 }, 0).at(0.0, half * 0.71, 0.0),
            ];
            let high = if dice.chance(0.6) { 0.11 } else { 0.04 };
            let wide = if high > 0.1 { radius * 0.88 } else { radius * 0.25 };
            parts.push(Part::new(Shape::Drum { low: wide, high: wide * 0.95, half: high, round: 0.015 }, 2).at(
                0.0,
                half * 0.72 + high,
                0.0,
            ));
            Item::new(parts, vec![metal, print, cap]).resting(lying())
        }
    }
}

/// Printed or bare, whole or crushed, with the tab and the dark mouth of an open one.
fn drink_can(dice: &mut Dice, taste: &Taste, materials: Vec<Material>) -> Item {
    let s = taste.scale;
    let radius = dice.between(0.15, 0.18) * s;
    let half = dice.between(0.26, 0.40) * s;
    let crushed = dice.chance(0.45);
    let profile = vec![
        (-half, radius * 0.76),
        (-half + 0.045, radius),
        (half - 0.07, radius),
        (half - 0.015, radius * 0.82),
        (half, radius * 0.8),
    ];
    let deep = if crushed { dice.between(0.02, 0.045) * taste.dents } else { 0.002 };
    let body = Part::new(Shape::Lathe { profile }, usize::from(dice.chance(0.85)))
        .warped(Warp::Crush { deep, seed: dice.seed() });
    let parts = vec![
        body,
        Part::new(Shape::Ring { radius: radius * 0.8, thick: 0.011 }, 0).at(0.0, half, 0.0),
        Part::new(Shape::Ring { radius: radius * 0.72, thick: 0.012 }, 0).at(0.0, -half, 0.0),
        Part::new(Shape::Drum { low: radius * 0.76, high: radius * 0.76, half: 0.006, round: 0.002 }, 0).at(
            0.0,
            half - 0.012,
            0.0,
        ),
        Part::new(Shape::Egg { radii: v(0.05, 0.008, 0.035) }, 2).at(radius * 0.38, half - 0.004, 0.0),
        Part::new(Shape::Block { half: v(0.045, 0.006, 0.022), round: 0.005 }, 0).at(-radius * 0.15, half, 0.0),
    ];
    let rest = if dice.chance(0.75) { lying() } else { Turn::NONE };
    Item::new(parts, materials).resting(rest)
}
