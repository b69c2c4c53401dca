//! From a picture to the bytes of a file, and the look that all pictures share.

use std::io::Cursor;
use std::sync::Once;

use image::{ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;

use super::Format;

/// The one family; a viewer of an SVG takes its own font of that kind.
pub(crate) const FAMILY: &str = "sans-serif";

/// Sizes of text, in pixels.
pub(crate) const TITLE: i32 = 22;
pub(crate) const TEXT: i32 = 17;
pub(crate) const SMALL: i32 = 14;

/// Text and lines, secondary text, guides.
pub(crate) const INK: RGBColor = RGBColor(28, 34, 40);
pub(crate) const FAINT: RGBColor = RGBColor(95, 104, 114);
pub(crate) const GUIDE: RGBColor = RGBColor(221, 226, 231);

/// Two colours that are told apart by everybody (Okabe and Ito), and a light shade of the first.
pub(crate) const BLUE: RGBColor = RGBColor(0, 104, 168);
pub(crate) const ORANGE: RGBColor = RGBColor(204, 85, 0);
pub(crate) const PALE: RGBColor = RGBColor(176, 209, 232);

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

/// What drawing on some backend gives.
pub(crate) type Painted<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Something that can be drawn on any backend.
pub(crate) trait Picture {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it on an area of that size, which is white.
    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB>;
}

/// Draws a picture into a file.
pub(crate) fn render(picture: &impl Picture, format: Format) -> Result<Vec<u8>, PlotError> {
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
        let font = include_bytes!("../../../assets/fonts/DejaVuSans-subset.ttf");
        assert!(register_font(FAMILY, FontStyle::Normal, font).is_ok(), "the embedded font is a font");
    });
}

/// Text of a size and colour.
pub(crate) fn text(size: i32, colour: RGBColor) -> TextStyle<'static> {
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from((FAMILY, size).into_font()) }
}

/// Text that is placed by its middle.
pub(crate) fn centred(size: i32, colour: RGBColor) -> TextStyle<'static> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    text(size, colour).pos(Pos::new(HPos::Center, VPos::Center))
}

/// Cuts the title off an area, and gives the rest.
pub(crate) fn titled<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    title: &str,
) -> Result<DrawingArea<DB, Shift>, DrawingAreaErrorKind<DB::ErrorType>> {
    let (head, rest) = area.split_vertically(48);
    head.draw(&Text::new(title.to_owned(), (24, 16), text(TITLE, INK)))?;
    Ok(rest)
}
