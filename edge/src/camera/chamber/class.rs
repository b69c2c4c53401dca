//! The classes of things.

use pilah_models::name::Label;

/// The classes that the chamber draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    Cardboard,
    Glass,
    Metal,
    Paper,
    Plastic,
    Trash,
}

impl Class {
    pub(crate) const ALL: [Self; 6] =
        [Self::Cardboard, Self::Glass, Self::Metal, Self::Paper, Self::Plastic, Self::Trash];

    /// Its name in the taxonomy that ships.
    pub(crate) fn label(self) -> Label {
        Label::new(match self {
            Self::Cardboard => "cardboard",
            Self::Glass => "glass",
            Self::Metal => "metal",
            Self::Paper => "paper",
            Self::Plastic => "plastic",
            Self::Trash => "trash",
        })
        .expect("six valid names")
    }
}
