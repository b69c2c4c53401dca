//! What all pictures that the hub draws share, so that they look alike and need nothing of the machine they are
//! drawn on: canvas, colours, sizes, the font, and the way to a file.
//!
//! The Latin part of DejaVu Sans is embedded (its licence is beside it, in `hub/plots/assets/fonts`). What it
//! lacks, such as other scripts, no text of a picture can have.

/// From a picture to the bytes of a file.
pub mod canvas;

/// As which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `image/svg+xml`
    Svg,
    /// `image/png`
    Png,
}

impl Format {
    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

/// A picture that cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The drawing library failed.
    #[error("the plot cannot be drawn: {0}")]
    Draw(String),
    /// The PNG cannot be encoded.
    #[error("the plot cannot be encoded")]
    Encode(#[from] image::ImageError),
}
