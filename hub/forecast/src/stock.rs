//! How much to keep, and when to order: quantiles of simulated demand over the lead time.
//!
//! The usual formula, a factor of the normal distribution times a deviation, is wrong for demand that comes now
//! and then or is skewed. Here possible futures are drawn from the forecast, each is added up, and the sums are
//! counted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::random::quantile;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Steps from an order to its arrival; fractions count in proportion.
    pub lead_time: f64,
    /// Steps between one chance to order and the next.
    pub review: f64,
    /// The accepted probability that the stock lasts for the lead time.
    pub service_level: f64,
    /// What is there now, if that is known.
    pub on_hand: Option<f64>,
    /// Days per step.
    pub step_days: f64,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = StockAdvice)]
pub struct Advice {
    /// Expected demand over the lead time.
    pub lead_time_demand: f64,
    /// Order when the stock is down to this: it lasts for the lead time with the probability of the service level.
    pub reorder_point: f64,
    /// The part of it that is for bad luck.
    pub safety_stock: f64,
    /// The least that should be there.
    pub minimum: f64,
    /// Order up to this: it lasts until the next chance to order, and its lead time.
    pub maximum: f64,
    /// What to order now; `None` if it is not known what is there.
    pub order_quantity: Option<f64>,
    /// Days until the stock is used up, in the median of the futures; `None` if it lasts for all of them, or it is
    /// not known what is there.
    pub days_until_stockout: Option<f64>,
    /// The probability that the stock is used up within the lead time.
    pub stockout_risk: Option<f64>,
}

/// What to keep and to order, given possible futures, each at least as long as lead time and review together.
///
/// # Panics
/// If there is no future.
#[must_use]
pub fn advise(futures: &[Vec<f64>], terms: &Terms) -> Advice {
    assert!(!futures.is_empty(), "advice needs a future");
    let sums = |steps: f64| futures.iter().map(|future| sum_over(future, steps)).collect::<Vec<_>>();
    let mut lead = sums(terms.lead_time);
    let mean = lead.iter().sum::<f64>() / lead.len() as f64;
    let risk = |on_hand: f64| lead.iter().filter(|sum| **sum > on_hand).count() as f64 / lead.len() as f64;
    let stockout_risk = terms.on_hand.map(risk);
    let reorder_point = quantile(&mut lead, terms.service_level);
    let maximum = quantile(&mut sums(terms.lead_time + terms.review), terms.service_level).max(reorder_point);
    Advice {
        lead_time_demand: mean,
        reorder_point,
        safety_stock: (reorder_point - mean).max(0.0),
        minimum: reorder_point,
        maximum,
        order_quantity: terms.on_hand.map(|on_hand| if on_hand <= reorder_point { maximum - on_hand } else { 0.0 }),
        days_until_stockout: terms.on_hand.and_then(|on_hand| lasts(futures, on_hand, terms.step_days)),
        stockout_risk,
    }
}

/// The sum of the first `steps` values, the last one in proportion.
fn sum_over(future: &[f64], steps: f64) -> f64 {
    let whole = (steps.max(0.0).floor() as usize).min(future.len());
    let rest = future.get(whole).map_or(0.0, |value| value * (steps - whole as f64).clamp(0.0, 1.0));
    future[..whole].iter().sum::<f64>() + rest
}

/// The median of the days after which `on_hand` is used up.
fn lasts(futures: &[Vec<f64>], on_hand: f64, step_days: f64) -> Option<f64> {
    let of_future = |future: &Vec<f64>| {
        let mut left = on_hand;
        for (step, value) in future.iter().enumerate() {
            if *value > 0.0 && left <= *value {
                return (step as f64 + left.max(0.0) / value) * step_days;
            }
            left -= value;
        }
        f64::INFINITY
    };
    let mut days: Vec<f64> = futures.iter().map(of_future).collect();
    days.sort_by(f64::total_cmp);
    Some(days[days.len() / 2]).filter(|days| days.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(on_hand: Option<f64>) -> Terms {
        Terms { lead_time: 2.0, review: 1.0, service_level: 0.9, on_hand, step_days: 1.0 }
    }

    /// A hundred futures of 1, 2, … 100 per step.
    fn futures() -> Vec<Vec<f64>> {
        (1..=100).map(|value| vec![f64::from(value); 10]).collect()
    }

    #[test]
    fn the_reorder_point_is_a_quantile_of_sums() {
        let advice = advise(&futures(), &terms(Some(50.0)));
        assert!((advice.lead_time_demand - 101.0).abs() < 1e-9);
        assert!((advice.reorder_point - 180.2).abs() < 1e-9);
        assert!((advice.safety_stock - 79.2).abs() < 1e-9);
        assert!((advice.maximum - 270.3).abs() < 1e-9);
        assert!((advice.order_quantity.expect("stock is known") - 220.3).abs() < 1e-9);
        assert_eq!(advice.stockout_risk, Some(0.75));
        assert!((advice.days_until_stockout.expect("it ends") - 50.0 / 51.0).abs() < 0.03);
    }

    #[test]
    fn a_skewed_demand_needs_more_than_the_normal_formula_says() {
        // One step in ten asks for 100: mean 10, deviation 30, so mean + 1.28 deviations is 48.
        let futures: Vec<Vec<f64>> = (0..1000).map(|i| vec![if i % 10 == 0 { 100.0 } else { 0.0 }]).collect();
        let terms = Terms { lead_time: 1.0, review: 0.0, service_level: 0.95, on_hand: None, step_days: 1.0 };
        assert_eq!(advise(&futures, &terms).reorder_point, 100.0);
    }

    #[test]
    fn enough_stock_is_not_ordered_and_lasts() {
        let advice = advise(&futures(), &terms(Some(1e6)));
        assert_eq!(advice.order_quantity, Some(0.0));
        assert_eq!((advice.days_until_stockout, advice.stockout_risk), (None, Some(0.0)));
        let unknown = advise(&futures(), &terms(None));
        assert_eq!((unknown.order_quantity, unknown.days_until_stockout), (None, None));
    }

    #[test]
    fn a_part_of_a_step_counts_in_part() {
        assert_eq!(sum_over(&[4.0, 10.0], 1.5), 9.0);
        assert_eq!(sum_over(&[4.0], 3.0), 4.0);
        assert_eq!(sum_over(&[4.0], 0.0), 0.0);
    }
}
