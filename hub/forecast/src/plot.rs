//! A forecast as a picture: the history, what is expected, and the interval around it.

use pilah_plots::canvas::{self, BLUE, FAINT, FAMILY, GUIDE, INK, ORANGE, PALE, Painted, Picture, SMALL, TEXT};
use pilah_plots::{Format, PlotError};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::answer::Answer;

/// How much of the history is shown, for each step of the forecast, and at least.
const PAST_PER_STEP: usize = 3;
const LEAST_PAST: usize = 60;

/// Draws an answer.
///
/// # Errors
/// If the drawing library fails.
pub fn draw(answer: &Answer, format: Format) -> Result<Vec<u8>, PlotError> {
    canvas::render(&Plot { answer }, format)
}

struct Plot<'a> {
    answer: &'a Answer,
}

impl Picture for Plot<'_> {
    fn size(&self) -> (u32, u32) {
        (960, 480)
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Painted<DB> {
        let answer = self.answer;
        let band = &answer.forecast["ensemble"];
        let past = answer.history.values.len();
        let shown = past.min(LEAST_PAST.max(PAST_PER_STEP * band.mean.len()));
        let from = past - shown;
        let total = past + band.mean.len();
        let known: Vec<(i64, f64)> = (from..past).filter_map(|i| Some((i as i64, answer.history.values[i]?))).collect();
        let values = known.iter().map(|k| k.1).chain(band.lower.iter().copied()).chain(band.upper.iter().copied());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low < high { (low, high) } else { (low - 1.0, low + 1.0) };
        let room = 0.06 * (high - low);
        let floor = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        let label = |index: i64| {
            let index = usize::try_from(index).unwrap_or(0);
            let date = if index < past { answer.history.dates.get(index) } else { answer.dates.get(index - past) };
            date.cloned().unwrap_or_default()
        };

        let area = canvas::titled(area, &answer.title)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(46)
            .y_label_area_size(84)
            .build_cartesian_2d(from as i64..(total as i64 - 1).max(from as i64 + 1), floor..high + room)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GUIDE)
            .x_labels(8)
            .y_labels(7)
            .x_label_formatter(&|index| label(*index))
            .y_desc("quantity")
            .label_style(canvas::text(SMALL, INK))
            .axis_desc_style(canvas::text(TEXT, INK))
            .axis_style(FAINT)
            .draw()?;
        let at = |step: usize| (past + step) as i64;
        let upper = band.upper.iter().enumerate().map(|(step, v)| (at(step), *v));
        let lower = band.lower.iter().enumerate().rev().map(|(step, v)| (at(step), *v));
        let outline: Vec<(i64, f64)> = upper.chain(lower).collect();
        chart
            .draw_series(std::iter::once(Polygon::new(outline, PALE.filled())))?
            .label(format!("{:.0} % interval", answer.level * 100.0))
            .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], PALE.filled()));
        chart
            .draw_series(LineSeries::new(known.iter().copied(), INK.stroke_width(2)))?
            .label("history")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], INK.stroke_width(2)));
        let naive = answer.forecast.get("naive");
        if let Some(naive) = naive {
            let points = naive.mean.iter().enumerate().map(|(step, v)| (at(step), *v));
            chart
                .draw_series(LineSeries::new(points, ORANGE.stroke_width(1)))?
                .label("naive")
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], ORANGE.stroke_width(1)));
        }
        let mean = band.mean.iter().enumerate().map(|(step, v)| (at(step), *v));
        chart
            .draw_series(LineSeries::new(mean, BLUE.stroke_width(3)))?
            .label("forecast")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLUE.stroke_width(3)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Settings;
    use crate::question::Question;
    use crate::{answer, training};

    #[test]
    fn both_formats_show_history_forecast_and_interval() {
        let points: Vec<(i64, f64)> = (0..90).map(|day| (day * 86_400, (day % 7) as f64 + 3.0)).collect();
        let ensemble = training::fit(&points, &Settings::default(), |_| std::ops::ControlFlow::Continue(()));
        let question = Question { days: Some(20), ..Question::default() };
        let answer = answer::answer(&ensemble.expect("a fit"), &question, None).expect("an answer");
        let svg = String::from_utf8(draw(&answer, Format::Svg).expect("draws")).expect("text");
        for words in ["history", "forecast", "80 % interval", "naive", "quantity"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(svg.contains("<polygon"));
        let png = image::load_from_memory(&draw(&answer, Format::Png).expect("draws")).expect("a PNG");
        assert_eq!((png.width(), png.height()), (960, 480));
    }
}
