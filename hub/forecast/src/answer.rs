//! What is asked of a forecast, and what is answered: values, intervals, errors, stock advice, warnings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accuracy::Accuracy;
use crate::ensemble::{Band, Ensemble, Member};
use crate::modelling::OutOfRange;
use crate::question::{Known, Question};
use crate::series::{DAY, civil};
use crate::stock::{self, Advice, Terms};

/// How many steps of history an answer shows at most.
const HISTORY: usize = 1000;

/// What all models together are called.
const ENSEMBLE: &str = "ensemble";

/// How many futures stock advice looks at.
const FUTURES: usize = 2000;

/// Fewer values than this are worth a warning.
const FEW: usize = 60;

/// The past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastHistory)]
pub struct History {
    /// Dates.
    pub dates: Vec<String>,
    /// Quantities; null where they are not known.
    pub values: Vec<Option<f64>>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastAnswer)]
pub struct Answer {
    /// Of what.
    pub title: String,
    /// The distance between values, in words.
    pub step: String,
    /// The probability of the truth to be inside an interval.
    pub level: f64,
    /// The past, its end.
    pub history: History,
    /// When the forecast values are.
    pub dates: Vec<String>,
    /// By each model, and by all together under `ensemble`: `mean`, `lower`, `upper`.
    pub forecast: BTreeMap<String, Band>,
    /// What each model counts in the ensemble.
    pub weights: BTreeMap<String, f64>,
    /// Errors on the past, by each model, and by all together under `ensemble`; `naive` is the one to beat.
    pub backtest: BTreeMap<String, Accuracy>,
    /// What to keep and to order.
    pub stock: Advice,
    /// What a person should act on, or beware of.
    pub warnings: Vec<String>,
    /// What had to be assumed of the data.
    pub notes: Vec<String>,
}

impl Answer {
    /// The forecast as CSV, a line per date: of all models together, then of each.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let all = self.forecast.iter().filter(|(name, _)| *name == ENSEMBLE);
        let bands: Vec<(&String, &Band)> =
            all.chain(self.forecast.iter().filter(|(name, _)| *name != ENSEMBLE)).collect();
        let mut text = String::from("date");
        for (name, _) in &bands {
            text.push_str(&format!(",{name},{name}_lower,{name}_upper"));
        }
        text.push_str("\r\n");
        for (step, date) in self.dates.iter().enumerate() {
            text.push_str(date);
            for (_, band) in &bands {
                text.push_str(&format!(",{:.4},{:.4},{:.4}", band.mean[step], band.lower[step], band.upper[step]));
            }
            text.push_str("\r\n");
        }
        text
    }
}

/// Answers from a fitted ensemble.
///
/// # Errors
/// If the question is out of range.
pub fn answer(ensemble: &Ensemble, question: &Question, known: Option<Known>) -> Result<Answer, OutOfRange> {
    question.check()?;
    let known = known.unwrap_or_default();
    let (series, level) = (&ensemble.series, question.level.unwrap_or(0.8));
    let steps = series.step.covering(f64::from(question.days.unwrap_or(30)));
    let forecast = ensemble.forecast(steps, level);
    let step_days = series.step.days();
    let lead_time = question.lead_time_days.or(known.lead_time_days).unwrap_or(7.0).clamp(0.0, 365.0) / step_days;
    let review = question.review_days.unwrap_or(7.0) / step_days;
    let terms = Terms {
        lead_time,
        review,
        service_level: question.service_level.unwrap_or(0.95),
        on_hand: question.on_hand.or(known.on_hand),
        step_days,
    };
    let length = steps.max((lead_time + review).ceil() as usize + 1);
    let stock = stock::advise(&ensemble.futures(length, FUTURES), &terms);
    let from = series.len().saturating_sub(HISTORY);
    let history = History {
        dates: (from..series.len()).map(|index| date(series.time(index))).collect(),
        values: series.values[from..].iter().map(|v| Some(*v).filter(|v| v.is_finite())).collect(),
    };
    let mut bands: BTreeMap<String, Band> =
        forecast.members.into_iter().map(|(member, band)| (member.name().to_owned(), band)).collect();
    bands.insert(ENSEMBLE.into(), forecast.ensemble);
    let mut backtest: BTreeMap<String, Accuracy> =
        ensemble.accuracy.iter().map(|(member, accuracy)| (member.name().to_owned(), *accuracy)).collect();
    backtest.extend(ensemble.ensemble_accuracy.map(|accuracy| (ENSEMBLE.to_owned(), accuracy)));
    Ok(Answer {
        title: question.title(),
        step: series.step.in_words(),
        level,
        history,
        dates: forecast.times.into_iter().map(date).collect(),
        forecast: bands,
        weights: ensemble.weights.iter().map(|(member, weight)| (member.name().to_owned(), *weight)).collect(),
        backtest,
        warnings: warnings(ensemble, &stock, &terms),
        stock,
        notes: ensemble.notes.clone(),
    })
}

/// What a person should act on, or beware of.
fn warnings(ensemble: &Ensemble, stock: &Advice, terms: &Terms) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(risk) = stock.stockout_risk.filter(|risk| *risk > 1.0 - terms.service_level) {
        warnings.push(format!(
            "stock-out: with probability {:.0} % what is there does not last for the lead time; order {:.0} now",
            risk * 100.0,
            stock.order_quantity.unwrap_or(0.0)
        ));
    }
    if let Some(on_hand) = terms.on_hand.filter(|on_hand| stock.maximum > 0.0 && *on_hand > 1.5 * stock.maximum) {
        warnings
            .push(format!("overstock: {on_hand:.0} are there, and {:.0} are the most that are needed", stock.maximum));
    }
    let known = ensemble.series.known().0.len();
    if known < FEW {
        warnings.push(format!("too little data: {known} values; {FEW} or more make a forecast trustworthy"));
    }
    warnings.extend(ensemble.drift().map(|drift| format!("drift: {drift}; train again, or look for what changed")));
    if let (Some(all), Some(naive)) = (ensemble.ensemble_accuracy, ensemble.accuracy.get(&Member::Naive))
        && all.rmsse > 0.98 * naive.rmsse
        && naive.rmsse > 0.0
    {
        warnings.push(format!(
            "poor skill: on the past the forecast was no better (RMSSE {:.2}) than repeating the last season ({:.2})",
            all.rmsse, naive.rmsse
        ));
    }
    warnings
}

/// A date, with its time if that is not midnight.
#[must_use]
pub fn date(at: i64) -> String {
    let civil = civil(at);
    if at.rem_euclid(DAY) == 0 { civil.date().to_string() } else { civil.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Settings;
    use crate::training;

    fn ensemble(count: i64) -> Ensemble {
        let points: Vec<(i64, f64)> = (0..count).map(|day| (day * DAY, (day % 7 * 2) as f64 + 10.0)).collect();
        training::fit(&points, &Settings::default(), |_| std::ops::ControlFlow::Continue(())).expect("a fit")
    }

    #[test]
    fn an_answer_has_all_that_was_asked_for() {
        let question =
            Question { days: Some(14), on_hand: Some(20.0), lead_time_days: Some(2.0), ..Question::default() };
        let answer = answer(&ensemble(120), &question, None).expect("an answer");
        assert_eq!(answer.dates.len(), 14);
        assert_eq!(answer.dates[0], "1970-05-01");
        for name in ["ensemble", "prophet", "naive", "smoothing"] {
            assert_eq!(answer.forecast[name].mean.len(), 14, "{name}");
            assert!(answer.backtest.contains_key(name), "{name}");
        }
        let csv = answer.to_csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].starts_with("date,ensemble,ensemble_lower,ensemble_upper,naive,"), "{csv}");
        assert!(lines.len() == 15 && lines[1].starts_with("1970-05-01,") && csv.ends_with("\r\n"), "{csv}");
        assert!(lines.iter().all(|line| line.split(',').count() == 13), "{csv}");
        assert_eq!(answer.history.values.len(), 120);
        assert!(answer.stock.reorder_point >= answer.stock.lead_time_demand);
        assert!(answer.warnings[0].starts_with("stock-out"), "{:?}", answer.warnings);
    }

    #[test]
    fn warnings_name_too_much_stock_and_too_little_data() {
        let question = Question { on_hand: Some(1e6), ..Question::default() };
        let warnings = answer(&ensemble(30), &question, None).expect("an answer").warnings;
        assert!(warnings.iter().any(|w| w.starts_with("overstock")), "{warnings:?}");
        assert!(warnings.iter().any(|w| w.starts_with("too little data")), "{warnings:?}");
    }

    #[test]
    fn what_the_rows_say_of_stock_counts_unless_the_question_says_more() {
        let known = Known { on_hand: Some(0.0), lead_time_days: Some(1.0) };
        let ensemble = ensemble(120);
        let by_rows = answer(&ensemble, &Question::default(), Some(known)).expect("an answer").stock;
        assert!(by_rows.order_quantity.is_some() && by_rows.lead_time_demand < 25.0, "{by_rows:?}");
        let question = Question { lead_time_days: Some(7.0), ..Question::default() };
        let asked = answer(&ensemble, &question, Some(known)).expect("an answer").stock;
        assert!(asked.lead_time_demand > 80.0, "{asked:?}");
    }

    #[test]
    fn questions_out_of_range_are_refused_by_name() {
        let refused = |question: Question| question.check().expect_err("out of range").to_string();
        assert!(refused(Question { days: Some(0), ..Question::default() }).contains("days is 0"));
        assert!(refused(Question { days: Some(10_000), ..Question::default() }).contains("1 to 730"));
        assert!(refused(Question { service_level: Some(1.0), ..Question::default() }).contains("service_level"));
        let (from, to) = ("2024-02-01".parse().ok(), "2024-01-01".parse().ok());
        assert!(refused(Question { from, to, ..Question::default() }).contains("from"));
        assert!(refused(Question { capacity: Some(9.0), ..Question::default() }).contains("growth is logistic"));
        assert_eq!(Question::default().check(), Ok(()));
    }
}
