//! What the fill sensors of bins told, a day at a time.

use axum::Json;
use axum::extract::State;
use pilah_forecast::fill::FillDay;
use pilah_forecast::series::{DAY, civil};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::User;
use crate::error::{HttpError, QueryArgs};
use crate::forecast::store::fill;
use crate::store::Store;

/// The most days of an answer.
const MOST: u64 = 3650;

/// Which bin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FillQuery {
    /// The bin.
    bin: String,
    /// How many of the last days, at most 3650; 90 if left out.
    #[param(maximum = 3650)]
    days: Option<u64>,
}

/// The fill of a bin. Levels are shares of what it holds, 0 to 1.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BinFill)]
pub(crate) struct FillView {
    /// The bin.
    bin: String,
    /// Days of which something is known, in their order.
    days: Vec<FillDayView>,
}

/// A day of a bin.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BinFillDay)]
pub(crate) struct FillDayView {
    /// The day, in UTC.
    date: String,
    /// The last reading.
    last: f64,
    /// When that was, in milliseconds since 1970.
    last_at_ms: i64,
    /// The highest reading.
    highest: f64,
    /// What came in.
    gained: f64,
    /// How often the bin was emptied.
    collections: i32,
    /// How many readings there were; 0 if the day is filled in between others.
    readings: i32,
}

/// How full a bin was, what came in, and when it was emptied, by day; nothing of a bin without a fill sensor.
#[utoipa::path(get, path = "/api/v1/forecast/fill", tag = "forecast", params(FillQuery), responses(
    (status = 200, description = "The days", body = FillView),
))]
pub(crate) async fn fill_of_bin(
    State(store): State<Store>,
    _user: User,
    QueryArgs(FillQuery { bin, days }): QueryArgs<FillQuery>,
) -> Result<Json<FillView>, HttpError> {
    let found = fill::days(store.db(), &bin, days.unwrap_or(90).min(MOST)).await?;
    Ok(Json(FillView { bin, days: found.into_iter().map(view).collect() }))
}

fn view(day: FillDay) -> FillDayView {
    let FillDay { day, last, last_at_ms, highest, peak: _, gained, collections, readings } = day;
    let date = civil(day * DAY).date().to_string();
    FillDayView { date, last, last_at_ms, highest, gained, collections, readings }
}
