//! The curves of a training: loss on training and validation split, and accuracy on the latter, by epoch.

use pilah_plots::canvas::{self, BLUE, FAINT, FAMILY, GUIDE, INK, ORANGE, Painted, Picture, SMALL, TEXT, text};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::train::progress::EpochFigures;

/// So few epochs are shown as dots as well: one alone is no line.
const FEW: usize = 12;

pub(super) struct Curves<'a> {
    pub(super) history: &'a [EpochFigures],
    pub(super) title: &'a str,
}

/// A panel: what it shows, its lines, its range.
struct Panel<'a> {
    describes: &'a str,
    lines: &'a [Line],
    range: std::ops::Range<f64>,
    legend: SeriesLabelPosition,
}

type Line = (&'static str, RGBColor, fn(&EpochFigures) -> f64);

impl Picture for Curves<'_> {
    fn size(&self) -> (u32, u32) {
        (760, 720)
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let area = canvas::titled(area, self.title)?;
        let (upper, lower) = area.split_vertically(336);
        let losses: [Line; 2] = [
            ("training split", BLUE, |epoch| epoch.train_loss),
            ("validation split", ORANGE, |epoch| epoch.validation_loss),
        ];
        let accuracy: [Line; 1] = [("validation split", ORANGE, |epoch| epoch.validation_accuracy * 100.0)];
        let highest = self.values(&losses).fold(0.0, f64::max);
        let lowest = self.values(&accuracy).fold(100.0, f64::min);
        self.panel(
            &upper,
            &Panel {
                describes: "loss (nats)",
                lines: &losses,
                range: 0.0..(highest * 1.05).max(0.01),
                legend: SeriesLabelPosition::UpperRight,
            },
        )?;
        self.panel(
            &lower,
            &Panel {
                describes: "right (%)",
                lines: &accuracy,
                range: (lowest - 5.0).max(0.0)..101.0,
                legend: SeriesLabelPosition::LowerRight,
            },
        )
    }
}

impl Curves<'_> {
    fn values(&self, lines: &[Line]) -> impl Iterator<Item = f64> {
        let values: Vec<f64> = lines.iter().flat_map(|line| self.history.iter().map(line.2)).collect();
        values.into_iter().filter(|value| value.is_finite())
    }

    fn panel<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, panel: &Panel<'_>) -> Painted<DB> {
        let last = self.history.last().map_or(1, |epoch| epoch.epoch).max(2);
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(24)
            .x_label_area_size(46)
            .y_label_area_size(68)
            .build_cartesian_2d(1..last, panel.range.clone())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GUIDE)
            .x_labels(10)
            .y_labels(7)
            .x_desc("epoch")
            .y_desc(panel.describes)
            .label_style(text(SMALL, INK))
            .axis_desc_style(text(TEXT, INK))
            .axis_style(FAINT)
            .draw()?;
        for (name, colour, value) in panel.lines {
            let points = || {
                let points = self.history.iter().map(|epoch| (epoch.epoch, value(epoch)));
                points.filter(|point| point.1.is_finite())
            };
            let colour = *colour;
            if self.history.len() <= FEW {
                chart.draw_series(points().map(|point| Circle::new(point, 4, colour.filled())))?;
            }
            chart
                .draw_series(LineSeries::new(points(), colour.stroke_width(3)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        }
        chart
            .configure_series_labels()
            .position(panel.legend.clone())
            .margin(14)
            .background_style(WHITE.mix(0.9))
            .border_style(GUIDE)
            .label_font((FAMILY, SMALL).into_font().color(&INK))
            .draw()
    }
}
