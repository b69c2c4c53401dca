//! What is thrown away: six classes, each with six kinds of things, each of them drawn anew in size,
//! shape, colour and wear.

mod cardboard;
mod glass;
mod metal;
mod paper;
mod plastic;
mod trash;

use super::class::Class;
use super::dice::Dice;
use super::geometry::{Turn, V3, grey, v};
use super::item::{Finish, Item, Material};
use super::look::Taste;
use super::sdf::{Part, Shape, Warp};
use super::texture::Texture;

impl Class {
    /// A thing of this class.
    pub(crate) fn draw(self, dice: &mut Dice, taste: &Taste) -> Item {
        let kind = taste.kind(dice, self);
        match self {
            Self::Cardboard => cardboard::draw(kind, dice, taste),
            Self::Glass => glass::draw(kind, dice, taste),
            Self::Metal => metal::draw(kind, dice, taste),
            Self::Paper => paper::draw(kind, dice, taste),
            Self::Plastic => plastic::draw(kind, dice, taste),
            Self::Trash => trash::draw(kind, dice, taste),
        }
    }
}

/// A crumb, a cap, a torn corner: what is left on the floor.
pub(crate) fn scrap(dice: &mut Dice, taste: &Taste) -> Item {
    let colour = match dice.below(4) {
        0 => taste.board,
        1 => taste.paper,
        2 => {
            let class = dice.pick(&Class::ALL);
            taste.print(dice, class)
        }
        _ => v(0.12, 0.08, 0.04),
    };
    let material =
        Material::new(Finish::Matte, colour * 0.8, Texture::Mottled { amount: 0.3, per_unit: 20.0, seed: dice.seed() });
    let size = dice.between(0.03, 0.09);
    let part = match dice.below(3) {
        0 => Part::new(Shape::Block { half: v(size, 0.006, size * dice.between(0.4, 1.0)), round: 0.002 }, 0)
            .warped(Warp::Sheet { curl: 1.5, wave: 0.03, fold: 0.01, seed: dice.seed() }),
        1 => Part::new(Shape::Drum { low: 0.06, high: 0.06, half: 0.02, round: 0.01 }, 0),
        _ => Part::new(Shape::Egg { radii: v(size * 0.7, size * 0.4, size * 0.5) }, 0).warped(Warp::Lumps {
            high: size * 0.25,
            per_unit: 14.0,
            seed: dice.seed(),
        }),
    };
    Item::new(vec![part], vec![material])
}

/// A sheet about the origin, y its normal.
fn sheet(half_x: f32, half_z: f32, thick: f32, material: usize) -> Part {
    Part::new(Shape::Block { half: v(half_x, thick, half_z), round: thick * 0.5 }, material)
}

/// A bottle on the lathe: body radius and height, neck radius, heights relative to the middle.
fn bottle_profile(radius: f32, half: f32, neck: f32, shoulder: f32) -> Vec<(f32, f32)> {
    let lip = half - 0.05;
    vec![
        (-half, radius * 0.86),
        (-half + 0.035, radius),
        (half * shoulder, radius),
        (half * (shoulder + (1.0 - shoulder) * 0.55), neck * 1.05),
        (lip, neck),
        (lip + 0.012, neck * 1.22),
        (half, neck * 1.2),
    ]
}

/// On its side, as a bottle lies.
fn lying() -> Turn {
    Turn::about(v(0.0, 0.0, 1.0), super::look::ON_ITS_SIDE)
}
