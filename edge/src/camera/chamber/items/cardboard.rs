//! Boxes closed, open and crushed, sheets, tubes, egg boxes.

use super::*;

pub(super) fn draw(kind: usize, dice: &mut Dice, taste: &Taste) -> Item {
    let s = taste.scale;
    let tone = if dice.chance(0.06) { grey(0.55) } else { taste.board } * dice.between(0.8, 1.15);
    let texture = Texture::Board { tape: dice.chance(0.6), print: dice.chance(0.5), seed: dice.seed() };
    let board = vec![Material::new(Finish::Matte, tone, texture), Material::new(Finish::Matte, tone * 0.85, texture)];
    let wear = Warp::Lumps { high: 0.025 * taste.dents, per_unit: 3.0, seed: dice.seed() };
    let half = v(dice.between(0.24, 0.46), dice.between(0.1, 0.3), dice.between(0.2, 0.36)) * s;
    match kind {
        0 => Item::new(vec![Part::new(Shape::Block { half, round: 0.012 }, 0).warped(wear)], board),
        1 => open_box(half, board, dice, taste),
        2 => {
            let warp =
                Warp::Sheet { curl: dice.between(-0.5, 0.6), wave: 0.03 * taste.dents, fold: 0.008, seed: dice.seed() };
            let mut parts = vec![sheet(half.x * 1.25, half.z * 1.3, 0.016, 0).warped(warp)];
            if dice.chance(0.6) {
                let second = sheet(half.x * 0.8, half.z * 0.9, 0.016, 1).turned(Turn::yaw(dice.angle()));
                parts.push(second.at(dice.between(-0.2, 0.2), 0.075, dice.between(-0.15, 0.15)));
            }
            Item::new(parts, board)
        }
        3 => {
            let pipe = |radius, half| Shape::Pipe { radius, half, wall: 0.016 };
            let long = dice.between(0.22, 0.5) * s;
            let radius = dice.between(0.10, 0.16) * s;
            let crush = Warp::Crush { deep: 0.03 * taste.dents, seed: dice.seed() };
            let mut parts = vec![Part::new(pipe(radius, long), 0).warped(crush)];
            if dice.chance(0.4) {
                let beside = Part::new(pipe(radius, long * 0.8), 1).turned(Turn::about(v(1.0, 0.0, 0.0), 0.3));
                parts.push(beside.at(0.0, 0.0, radius * 2.3));
            }
            Item::new(parts, board).resting(lying())
        }
        4 => {
            let folds = Warp::Folds { high: 0.11 * taste.dents.min(1.2), per_unit: 2.2, seed: dice.seed() };
            let crushed = v(half.x, half.y * 0.6, half.z);
            let flap =
                sheet(half.x * 0.8, 0.13, 0.014, 1).turned(Turn::about(v(1.0, 0.0, 0.0), dice.between(-0.6, 0.9)));
            let parts = vec![
                Part::new(Shape::Block { half: crushed, round: 0.02 }, 0).warped(folds),
                flap.at(0.0, half.y * 0.4, half.z + 0.08),
            ];
            Item::new(parts, board)
        }
        _ => {
            let pulp = Material::new(Finish::Matte, tone.mix(grey(0.35), 0.5), Texture::Grains { seed: dice.seed() });
            let (cup, gap) = (0.125 * s, 0.2 * s);
            let mut parts = vec![sheet(gap * 2.0, gap * 1.05, 0.02, 0)];
            for i in 0..4 {
                for j in 0..2 {
                    let bowl = Part::new(Shape::Cup { low: cup * 0.55, high: cup * 0.8, half: 0.07, wall: 0.014 }, 0);
                    parts.push(bowl.at((i as f32 - 1.5) * gap, 0.06, (j as f32 - 0.5) * gap));
                }
            }
            Item::new(parts, vec![pulp])
        }
    }
}

fn open_box(half: V3, board: Vec<Material>, dice: &mut Dice, taste: &Taste) -> Item {
    let t = 0.014;
    let mut parts = vec![
        sheet(half.x, half.z, t, 1).at(0.0, -half.y, 0.0),
        Part::new(Shape::Block { half: v(half.x, half.y, t), round: 0.004 }, 0).at(0.0, 0.0, half.z),
        Part::new(Shape::Block { half: v(half.x, half.y, t), round: 0.004 }, 0).at(0.0, 0.0, -half.z),
        Part::new(Shape::Block { half: v(t, half.y, half.z), round: 0.004 }, 0).at(half.x, 0.0, 0.0),
        Part::new(Shape::Block { half: v(t, half.y, half.z), round: 0.004 }, 0).at(-half.x, 0.0, 0.0),
    ];
    let flap = half.z * 0.75;
    for side in [-1.0, 1.0] {
        if dice.chance(0.8) {
            let lean = dice.between(0.1, 1.2) * side;
            let (dy, dz) = (lean.sin().abs() * flap * 0.6, lean.cos() * flap * side);
            let warp = Warp::Sheet { curl: 0.0, wave: 0.02 * taste.dents, fold: 0.0, seed: dice.seed() };
            let turn = Turn::about(v(1.0, 0.0, 0.0), -lean);
            parts.push(sheet(half.x, flap, t * 0.8, 0).warped(warp).turned(turn).at(
                0.0,
                half.y + dy,
                half.z * side + dz,
            ));
        }
    }
    let rest = if dice.chance(0.35) { Turn::about(v(1.0, 0.0, 0.0), dice.pick(&[1.571, -1.571])) } else { Turn::NONE };
    Item::new(parts, board).resting(rest)
}
