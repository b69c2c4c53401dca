//! Crumpled sheets, newspapers, office paper, magazines, envelopes, paper bags.

use super::*;

pub(super) fn draw(kind: usize, dice: &mut Dice, taste: &Taste) -> Item {
    let s = taste.scale;
    let white = taste.paper * dice.between(0.82, 1.05);
    let ink = dice.pick(&[grey(0.03), v(0.03, 0.04, 0.12)]);
    let written = Texture::Text { ink, pictures: false, line: dice.between(0.028, 0.05), seed: dice.seed() };
    let page = Material::new(Finish::Matte, white, written);
    let (hx, hz) = (dice.between(0.34, 0.48) * s, dice.between(0.26, 0.36) * s);
    match kind {
        0 => {
            let r = dice.between(0.18, 0.33) * s;
            let plain = Material::new(
                Finish::Matte,
                white,
                Texture::Crinkled { amount: 0.22, per_unit: 13.0, seed: dice.seed() },
            );
            let folds = Warp::Folds { high: r * 0.26, per_unit: 1.9 / r, seed: dice.seed() };
            let radii = v(r * dice.between(0.9, 1.35), r * dice.between(0.6, 0.9), r);
            let material = if dice.chance(0.5) { plain } else { page };
            Item::new(vec![Part::new(Shape::Egg { radii }, 0).warped(folds)], vec![material])
        }
        1 => {
            let tone = white.mix(v(0.55, 0.52, 0.46), dice.between(0.2, 0.8));
            let news =
                Texture::Text { ink: grey(0.04), pictures: true, line: dice.between(0.025, 0.035), seed: dice.seed() };
            let news = Material::new(Finish::Matte, tone, news);
            let layers = 1 + dice.below(3);
            let parts = (0..layers).map(|i| {
                let bend = Warp::Sheet {
                    curl: dice.between(-0.12, 0.25),
                    wave: 0.05 * taste.dents,
                    fold: 0.012,
                    seed: dice.seed(),
                };
                let layer = sheet(hx * 1.1, hz * 1.1, 0.016, 0).warped(bend).turned(Turn::yaw(0.12 * dice.normal()));
                layer.at(dice.between(-0.06, 0.06), i as f32 * 0.05, dice.between(-0.05, 0.05))
            });
            Item::new(parts.collect(), vec![news])
        }
        2 | 3 => {
            let sheets = 1 + dice.below(3);
            let fold = if kind == 3 { 0.07 * taste.dents } else { 0.012 };
            let parts = (0..sheets).map(|i| {
                let bend = Warp::Sheet { curl: dice.between(-0.3, 0.7), wave: 0.06, fold, seed: dice.seed() };
                let sheet = sheet(hx, hz, 0.007, 0).warped(bend).turned(Turn::yaw(0.5 * dice.normal()));
                sheet.at(dice.between(-0.12, 0.12), i as f32 * 0.06, dice.between(-0.1, 0.1))
            });
            Item::new(parts.collect(), vec![page])
        }
        4 => {
            let glossy = Texture::Colourful {
                second: taste.print(dice, Class::Paper),
                third: white,
                per_unit: dice.between(3.0, 6.0),
                seed: dice.seed(),
            };
            let cover = Material::new(Finish::Gloss(0.3), taste.print(dice, Class::Paper), glossy);
            let bend = Warp::Sheet { curl: dice.between(-0.2, 0.4), wave: 0.03, fold: 0.0, seed: dice.seed() };
            let inner = sheet(hx * 0.98, hz * 0.98, 0.012, 1).warped(bend).at(0.0, -0.025, 0.0);
            Item::new(vec![sheet(hx, hz, 0.008, 0).warped(bend), inner], vec![cover, page])
        }
        _ => {
            let kraft = dice.chance(0.3);
            let tone = if kraft { taste.board.mix(white, 0.25) } else { white };
            let seed = dice.seed();
            let bag = Material::new(Finish::Matte, tone, Texture::Mottled { amount: 0.1, per_unit: 9.0, seed });
            let mark = Material::new(
                Finish::Matte,
                tone,
                Texture::Text { ink: taste.print(dice, Class::Paper), pictures: false, line: 0.06, seed },
            );
            let folds = Warp::Folds { high: 0.09 * taste.dents, per_unit: 2.6, seed };
            let body = Part::new(
                Shape::Block { half: v(hx * 0.95, 0.1 * s, hz * 0.95), round: 0.03 },
                usize::from(dice.chance(0.5)),
            );
            Item::new(vec![body.warped(folds)], vec![bag, mark])
        }
    }
}
