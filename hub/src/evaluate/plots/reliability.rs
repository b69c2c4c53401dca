//! The reliability diagram: of the answers of some confidence, which share is right? On the diagonal, the
//! model means what it says. Below, how many answers there are of each confidence.

use pilah_plots::canvas::{self, BLUE, FAINT, FAMILY, GUIDE, INK, ORANGE, PALE, Painted, Picture, SMALL, TEXT, text};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::super::calibration::{Calibration, ReliabilityBin};

pub(super) struct Reliability<'a> {
    pub(super) calibration: &'a Calibration,
    pub(super) title: &'a str,
}

impl Picture for Reliability<'_> {
    fn size(&self) -> (u32, u32) {
        (720, 760)
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let area = canvas::titled(area, self.title)?;
        let (upper, lower) = area.split_vertically(520);
        self.diagram(&upper)?;
        self.counts(&lower)
    }
}

impl Reliability<'_> {
    fn diagram<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GUIDE)
            .x_labels(11)
            .y_labels(11)
            .y_desc("share that is right")
            .label_style(text(SMALL, INK))
            .axis_desc_style(text(TEXT, INK))
            .axis_style(FAINT)
            .draw()?;
        let bins = &self.calibration.bins;
        chart
            .draw_series(
                bins.iter().map(|bin| {
                    Rectangle::new([(bin.from + 0.004, 0.0), (bin.to - 0.004, bin.accuracy)], PALE.filled())
                }),
            )?
            .label(format!("right, with 95 % interval (error {:.3})", self.calibration.error))
            .legend(|(x, y)| Rectangle::new([(x, y - 6), (x + 18, y + 6)], PALE.filled()));
        chart
            .draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], FAINT.stroke_width(2)))?
            .label("calibrated: right as often as it says")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], FAINT.stroke_width(2)));
        chart.draw_series(bins.iter().map(|bin| {
            let [low, high] = bin.interval;
            PathElement::new([(bin.confidence, low), (bin.confidence, high)], BLUE.stroke_width(2))
        }))?;
        let at = |bin: &ReliabilityBin| (bin.confidence, bin.accuracy);
        chart.draw_series(bins.iter().map(|bin| Circle::new(at(bin), 5, BLUE.filled())))?;
        if let Some(before) = &self.calibration.before_temperature {
            chart
                .draw_series(LineSeries::new(before.bins.iter().map(at), ORANGE.stroke_width(2)))?
                .label(format!("before temperature {:.2} (error {:.3})", before.temperature, before.error))
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], ORANGE.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .margin(14)
            .background_style(WHITE.mix(0.9))
            .border_style(GUIDE)
            .label_font((FAMILY, SMALL).into_font().color(&INK))
            .draw()
    }

    fn counts<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let bins = &self.calibration.bins;
        let most = bins.iter().map(|bin| bin.images).max().unwrap_or(0).max(1);
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..1.0, 0.0..most as f64 * 1.1)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GUIDE)
            .x_labels(11)
            .y_labels(4)
            .y_label_formatter(&|images| format!("{images:.0}"))
            .x_desc("the model's confidence")
            .y_desc("images")
            .label_style(text(SMALL, INK))
            .axis_desc_style(text(TEXT, INK))
            .axis_style(FAINT)
            .draw()?;
        chart.draw_series(bins.iter().map(|bin| {
            Rectangle::new([(bin.from + 0.004, 0.0), (bin.to - 0.004, bin.images as f64)], BLUE.filled())
        }))?;
        Ok(())
    }
}
