//! From a picture to the bytes of a file, and the look that all pictures share.

use std::io::Cursor;
use std::sync::Once;

use image::{ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;

use crate::{Format, PlotError};

/// The one family; a viewer of an SVG takes its own font of that kind.
pub const FAMILY: &str = "sans-serif";

/// The title, in pixels.
pub const TITLE: i32 = 22;
/// Words beside axes.
pub const TEXT: i32 = 17;
/// Numbers at axes, legends.
pub const SMALL: i32 = 14;

/// Text and lines.
pub const INK: RGBColor = RGBColor(28, 34, 40);
/// Secondary text.
pub const FAINT: RGBColor = RGBColor(95, 104, 114);
/// Lines that guide the eye.
pub const GUIDE: RGBColor = RGBColor(221, 226, 231);

/// With [`ORANGE`], two colours that everybody tells apart (Okabe and Ito).
pub const BLUE: RGBColor = RGBColor(0, 104, 168);
/// See [`BLUE`].
pub const ORANGE: RGBColor = RGBColor(204, 85, 0);
/// A light shade of [`BLUE`].
pub const PALE: RGBColor = RGBColor(176, 209, 232);

/// What drawing on some backend gives.
pub type Painted<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Something that can be drawn on any backend.
pub trait Picture {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it on an area of that size, which is white.
    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB>;
}

/// Draws a picture into a file.
///
/// # Errors
/// [`PlotError`].
pub fn render(picture: &impl Picture, format: Format) -> Result<Vec<u8>, PlotError> {
    embed_font();
    let (width, height) = picture.size();
    match format {
        Format::Svg => {
            let mut svg = String::new();
            finish(picture, &SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area())?;
            Ok(svg.into_bytes())
        }
        Format::Png => {
            let mut pixels = vec![0; width as usize * height as usize * 3];
            finish(picture, &BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area())?;
            let image = RgbImage::from_raw(width, height, pixels).expect("three bytes a pixel");
            let mut png = Vec::new();
            image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
            Ok(png)
        }
    }
}

fn finish<DB: DrawingBackend>(picture: &impl Picture, area: &DrawingArea<DB, Shift>) -> Result<(), PlotError> {
    let paint = || -> Painted<DB> {
        area.fill(&WHITE)?;
        picture.paint(area)?;
        area.present()
    };
    paint().map_err(|error| PlotError::Draw(error.to_string()))
}

fn embed_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = include_bytes!("../assets/fonts/DejaVuSans-subset.ttf");
        assert!(register_font(FAMILY, FontStyle::Normal, font).is_ok(), "the embedded font is a font");
    });
}

/// Text of a size and colour.
#[must_use]
pub fn text(size: i32, colour: RGBColor) -> TextStyle<'static> {
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from((FAMILY, size).into_font()) }
}

/// Text that is placed by its middle.
#[must_use]
pub fn centred(size: i32, colour: RGBColor) -> TextStyle<'static> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    text(size, colour).pos(Pos::new(HPos::Center, VPos::Center))
}

/// Cuts the title off an area, and gives the rest.
///
/// # Errors
/// What the backend says.
pub fn titled<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    title: &str,
) -> Result<DrawingArea<DB, Shift>, DrawingAreaErrorKind<DB::ErrorType>> {
    let (head, rest) = area.split_vertically(48);
    head.draw(&Text::new(title.to_owned(), (24, 16), text(TITLE, INK)))?;
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that is its title and nothing else.
    struct Titled(&'static str);

    impl Picture for Titled {
        fn size(&self) -> (u32, u32) {
            (320, 120)
        }

        fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
            titled(area, self.0).map(drop)
        }
    }

    #[test]
    fn text_is_drawn_by_the_embedded_font_in_both_formats() {
        let svg = String::from_utf8(render(&Titled("Größe"), Format::Svg).expect("draws")).expect("text");
        assert!(svg.contains("Größe") && svg.contains("width=\"320\""), "{svg}");
        let ink = |title| {
            let png = render(&Titled(title), Format::Png).expect("draws");
            let image = image::load_from_memory(&png).expect("a PNG").to_rgb8();
            assert_eq!(image.dimensions(), (320, 120));
            image.pixels().filter(|pixel| pixel.0.iter().all(|value| *value < 90)).count()
        };
        assert_eq!(ink(""), 0);
        assert!(ink("Größe") > 100);
    }
}
