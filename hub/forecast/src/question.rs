//! What is asked of a forecast.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::intake::Row;
use crate::modelling::{Modelling, OutOfRange, Seasons, Trend};

/// What is asked. Everything may be left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[schema(as = ForecastQuestion)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// How far ahead, 1 to 730; 30 if left out.
    #[schema(minimum = 1, maximum = 730)]
    #[param(minimum = 1, maximum = 730)]
    pub days: Option<u32>,
    /// Of this product only.
    pub product_id: Option<String>,
    /// Of this store only.
    pub store: Option<String>,
    /// Of this category only.
    pub category: Option<String>,
    /// Learn from quantities from this day on.
    #[schema(value_type = Option<String>, format = Date)]
    #[param(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// Learn from quantities up to this day.
    #[schema(value_type = Option<String>, format = Date)]
    #[param(value_type = Option<String>, format = Date)]
    pub to: Option<Date>,
    /// The probability that stock lasts for the lead time, 0.5 to 0.999; 0.95 if left out.
    #[schema(minimum = 0.5, maximum = 0.999)]
    #[param(minimum = 0.5, maximum = 0.999)]
    pub service_level: Option<f64>,
    /// Days from an order to its arrival, 0 to 365; what the data says last, or 7.
    #[schema(minimum = 0, maximum = 365)]
    #[param(minimum = 0, maximum = 365)]
    pub lead_time_days: Option<f64>,
    /// Days between one chance to order and the next, 0 to 365; 7 if left out.
    #[schema(minimum = 0, maximum = 365)]
    #[param(minimum = 0, maximum = 365)]
    pub review_days: Option<f64>,
    /// What is in stock; what the data says last if left out.
    #[schema(minimum = 0)]
    #[param(minimum = 0)]
    pub on_hand: Option<f64>,
    /// The probability of the truth to be inside an interval, 0.5 to 0.99; 0.8 if left out.
    #[schema(minimum = 0.5, maximum = 0.99)]
    #[param(minimum = 0.5, maximum = 0.99)]
    pub level: Option<f64>,
    /// How Prophet's trend grows; as it was trained if left out. Logistic growth takes a capacity.
    pub growth: Option<Trend>,
    /// What logistic growth saturates at, in units of the quantity.
    pub capacity: Option<f64>,
    /// What logistic growth starts from; 0 if left out.
    pub floor: Option<f64>,
    /// How seasons and holidays change Prophet's trend; as it was trained if left out.
    pub seasonality: Option<Seasons>,
}

/// What the rows say of stock.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Known {
    /// What is there.
    pub on_hand: Option<f64>,
    /// Days from an order to its arrival.
    pub lead_time_days: Option<f64>,
}

impl Known {
    /// What the rows of one product, in the order of time, say last: its stock in all places together, and its lead
    /// time.
    #[must_use]
    pub fn of<'a>(rows: impl DoubleEndedIterator<Item = &'a Row> + Clone) -> Self {
        let last = rows.clone().next_back().map_or(0, |row| row.at);
        let on_hand: Vec<f64> =
            rows.clone().rev().take_while(|row| row.at == last).filter_map(|row| row.on_hand).collect();
        Self {
            on_hand: (!on_hand.is_empty()).then(|| on_hand.iter().sum()),
            lead_time_days: rows.rev().find_map(|row| row.lead_time_days),
        }
    }
}

impl Question {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The first number that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let days = self.days.map(f64::from);
        for (field, value, range, allowed) in [
            ("days", days, 1.0..=730.0, "1 to 730"),
            ("service_level", self.service_level, 0.5..=0.999, "0.5 to 0.999"),
            ("lead_time_days", self.lead_time_days, 0.0..=365.0, "0 to 365"),
            ("review_days", self.review_days, 0.0..=365.0, "0 to 365"),
            ("on_hand", self.on_hand, 0.0..=1e12, "0 or more"),
            ("level", self.level, 0.5..=0.99, "0.5 to 0.99"),
        ] {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                return Err(OutOfRange { field, value: value.to_string(), allowed });
            }
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => {
                Err(OutOfRange { field: "from", value: from.to_string(), allowed: "a day up to the one in \"to\"" })
            }
            _ => self.modelling().check(),
        }
    }

    /// How trend and seasons are to be modelled.
    #[must_use]
    pub fn modelling(&self) -> Modelling {
        let Self { growth, capacity, floor, seasonality, .. } = *self;
        Modelling { growth, capacity, floor, seasonality }
    }

    /// Whether it asks for a part of the data.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.product_id.is_some()
            || self.store.is_some()
            || self.category.is_some()
            || self.from.is_some()
            || self.to.is_some()
    }

    pub(crate) fn title(&self) -> String {
        let parts: Vec<&str> =
            [&self.product_id, &self.category, &self.store].into_iter().filter_map(|part| part.as_deref()).collect();
        if parts.is_empty() { "All products".into() } else { parts.join(", ") }
    }
}
