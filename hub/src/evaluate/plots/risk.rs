//! Risk against coverage: how many of the answers are wrong, if only the surest are taken.

use pilah_plots::canvas::{self, BLUE, FAINT, FAMILY, GUIDE, INK, ORANGE, Painted, Picture, SMALL, TEXT, text};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::super::selective::RiskCoverage;

pub(super) struct Risk<'a> {
    pub(super) curve: &'a RiskCoverage,
    pub(super) title: &'a str,
}

impl Picture for Risk<'_> {
    fn size(&self) -> (u32, u32) {
        (760, 560)
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let area = canvas::titled(area, self.title)?;
        let points = &self.curve.points;
        let own = self.curve.at_thresholds;
        let highest = points.iter().chain(&own).map(|point| point.risk).fold(0.02, f64::max);
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(30)
            .x_label_area_size(48)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..100.0, 0.0..(highest * 115.0).min(100.0))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GUIDE)
            .x_labels(11)
            .y_labels(8)
            .x_label_formatter(&|share| format!("{share:.0} %"))
            .y_label_formatter(&|share| if highest < 0.08 { format!("{share:.1} %") } else { format!("{share:.0} %") })
            .x_desc("images that are answered, surest first")
            .y_desc("wrong among them")
            .label_style(text(SMALL, INK))
            .axis_desc_style(text(TEXT, INK))
            .axis_style(FAINT)
            .draw()?;
        let curve = points.iter().map(|point| (point.coverage * 100.0, point.risk * 100.0));
        chart
            .draw_series(LineSeries::new(curve, BLUE.stroke_width(3)))?
            .label(format!("if the surest are taken (area {:.3})", self.curve.area))
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLUE.stroke_width(3)));
        if let Some(own) = own {
            let at = (own.coverage * 100.0, own.risk * 100.0);
            chart
                .draw_series([Circle::new(at, 7, ORANGE.filled())])?
                .label(format!("the model's thresholds: {:.1} % wrong of {:.0} %", at.1, at.0))
                .legend(|(x, y)| Circle::new((x + 9, y), 6, ORANGE.filled()));
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
}
