//! The confusion matrix: a row per true class, a column per answer. A cell is as dark as its share of the
//! row, so that classes with few images are as readable as others.

use pilah_plots::canvas::{self, BLUE, FAINT, GUIDE, INK, Painted, Picture, SMALL, TEXT, centred, text};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::report::SetReport;

/// A matrix of this many classes or more has no room for numbers.
const CROWDED: usize = 25;

pub(super) struct Confusion<'a> {
    pub(super) set: &'a SetReport,
    pub(super) title: &'a str,
}

impl Confusion<'_> {
    fn classes(&self) -> usize {
        self.set.figures.per_class.len()
    }

    /// The side of a cell in pixels.
    fn cell(&self) -> i32 {
        (600 / self.classes().max(1)).clamp(14, 92) as i32
    }

    fn font(&self) -> i32 {
        (self.cell() - 2).clamp(10, TEXT)
    }

    /// How many pixels the longest class name takes.
    fn longest(&self) -> i32 {
        let characters = self.set.figures.per_class.iter().map(|class| class.label.as_str().len()).max().unwrap_or(0);
        characters as i32 * self.font() * 11 / 20
    }

    /// Pixels for the class names and the axis on the left.
    fn left(&self) -> i32 {
        self.longest() + 64
    }

    /// Whether the names fit side by side below the matrix.
    fn fits(&self) -> bool {
        self.longest() < self.cell()
    }

    /// Pixels for the class names and the axis below.
    fn below(&self) -> i32 {
        let names = if self.fits() { 30 } else { self.longest() + 14 };
        names + 44
    }
}

impl Picture for Confusion<'_> {
    fn size(&self) -> (u32, u32) {
        let side = self.cell().unsigned_abs() * self.classes() as u32;
        ((self.left().unsigned_abs() + side + 40).max(560), 48 + 20 + side + self.below().unsigned_abs())
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let area = canvas::titled(area, self.title)?;
        let (cell, top, left) = (self.cell(), 20, self.left());
        let side = cell * self.classes() as i32;
        let rows = self.set.figures.confusion.iter().zip(&self.set.figures.per_class).enumerate();
        for (row, (counts, class)) in rows {
            let y = top + row as i32 * cell;
            let right = text(self.font(), INK).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(class.label.to_string(), (left - 10, y + cell / 2), right))?;
            for (column, count) in counts.iter().enumerate() {
                let x = left + column as i32 * cell;
                let share = if class.images == 0 { 0.0 } else { *count as f64 / class.images as f64 };
                area.draw(&Rectangle::new([(x, y), (x + cell, y + cell)], shade(share).filled()))?;
                area.draw(&Rectangle::new([(x, y), (x + cell, y + cell)], GUIDE.stroke_width(1)))?;
                if *count > 0 && self.classes() < CROWDED {
                    let ink = if share > 0.5 { WHITE } else { INK };
                    let middle = (x + cell / 2, y + cell / 2);
                    if cell >= 60 {
                        area.draw(&Text::new(count.to_string(), (middle.0, middle.1 - 9), centred(TEXT, ink)))?;
                        let percent = format!("{:.0} %", share * 100.0);
                        area.draw(&Text::new(percent, (middle.0, middle.1 + 11), centred(SMALL, ink)))?;
                    } else {
                        area.draw(&Text::new(count.to_string(), middle, centred(self.font(), ink)))?;
                    }
                }
            }
        }
        for (column, class) in self.set.figures.per_class.iter().enumerate() {
            let x = left + column as i32 * cell + cell / 2;
            let label = class.label.to_string();
            if self.fits() {
                area.draw(&Text::new(label, (x, top + side + 16), centred(self.font(), INK)))?;
            } else {
                let turned =
                    text(self.font(), INK).transform(FontTransform::Rotate90).pos(Pos::new(HPos::Left, VPos::Center));
                area.draw(&Text::new(label, (x, top + side + 8), turned))?;
            }
        }
        let middle = left + side / 2;
        area.draw(&Text::new("model's answer", (middle, top + side + self.below() - 24), centred(TEXT, FAINT)))?;
        let turned = text(TEXT, FAINT).transform(FontTransform::Rotate270).pos(Pos::new(HPos::Center, VPos::Center));
        area.draw(&Text::new("true class", (20, top + side / 2), turned))?;
        Ok(())
    }
}

/// From white to blue.
fn shade(share: f64) -> RGBColor {
    let mix = |full: u8| (255.0 - (255.0 - f64::from(full)) * share.clamp(0.0, 1.0)) as u8;
    RGBColor(mix(BLUE.0), mix(BLUE.1), mix(BLUE.2))
}
