//! The collection plan over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job_error;
use crate::auth::User;
use crate::error::{HttpError, JsonBody, Problem};
use crate::forecast::ensemble::Ensemble;
use crate::forecast::plan::{self, BinState, Collection, Terms};
use crate::forecast::series::{DAY, seconds};
use crate::forecast::store::Filter;
use crate::state::AppState;

/// What a plan is made for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CollectionPlanRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRequest {
    /// The bins.
    bins: Vec<PlanBin>,
    /// How many days ahead, 1 to 60; 14 if left out.
    days: Option<u32>,
    /// The accepted probability of an overflow, above 0, at most 0.5; 0.05 if left out.
    accepted_risk: Option<f64>,
    /// The days on which trucks go, such as `monday`; every day if left out.
    #[serde(default)]
    weekdays: Vec<String>,
    /// `json`, `csv` or `ics`; `json` if left out.
    format: Option<String>,
}

/// A bin of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CollectionPlanBin)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanBin {
    /// Which.
    bin: String,
    /// How many items are in it.
    items: f64,
    /// How many it holds.
    capacity: f64,
}

/// A plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CollectionPlan)]
pub(crate) struct PlanView {
    /// The most urgent bin first.
    collections: Vec<Collection>,
}

/// When each bin is to be collected, so that it overflows no likelier than is accepted.
#[utoipa::path(post, path = "/api/v1/forecast/plan", tag = "forecast", request_body = PlanRequest, responses(
    (status = 200, description = "The plan, as JSON, CSV or iCalendar", body = PlanView),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 404, description = "A bin has sent nothing yet", body = Problem),
    (status = 422, description = "A number is out of its range", body = Problem),
))]
pub(crate) async fn collection_plan(
    State(state): State<AppState>,
    _user: User,
    JsonBody(request): JsonBody<PlanRequest>,
) -> Result<Response, HttpError> {
    let refused = |detail: String| HttpError::unprocessable("out-of-range", detail);
    let days = request.days.unwrap_or(14);
    let risk = request.accepted_risk.unwrap_or(0.05);
    if !(1..=60).contains(&days) || request.bins.is_empty() || request.bins.len() > 10_000 {
        return Err(refused("a plan is for 1 to 60 days, and for 1 to 10,000 bins".into()));
    }
    if !(risk > 0.0 && risk <= 0.5) {
        return Err(refused(format!("accepted_risk is {risk}, and must be above 0 and at most 0.5")));
    }
    let weekdays: Result<Vec<_>, _> = request.weekdays.iter().map(|name| weekday(name)).collect();
    let weekdays = weekdays.map_err(refused)?;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut bins = Vec::with_capacity(request.bins.len());
    for bin in request.bins {
        if !(bin.capacity > 0.0 && bin.capacity <= 1e9 && (0.0..=1e9).contains(&bin.items)) {
            return Err(refused(format!("bin {}: items must be 0 or more, and capacity above 0", bin.bin)));
        }
        let filter = Filter { store: Some(bin.bin.clone()), category: Some("items".into()), ..Filter::default() };
        let fit = state.forecasts.fitted(&filter).await.map_err(job_error)?;
        let fit = fit.ok_or_else(|| HttpError::not_found(format!("bin {} has sent no item before today", bin.bin)))?;
        let futures = tokio::task::spawn_blocking(move || futures_from(&fit, today, days as usize));
        let futures = futures.await.expect("drawing futures does not panic");
        bins.push(BinState { bin: bin.bin, level: bin.items, capacity: bin.capacity, futures });
    }
    let collections = plan::plan(&bins, &Terms { today, weekdays, risk });
    let typed = |kind: &'static str, text: String| ([(header::CONTENT_TYPE, kind)], text).into_response();
    match request.format.as_deref() {
        None | Some("json") => Ok(Json(PlanView { collections }).into_response()),
        Some("csv") => Ok(typed("text/csv; charset=utf-8", plan::to_csv(&collections))),
        Some("ics") => {
            let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
            Ok(typed("text/calendar; charset=utf-8", plan::to_icalendar(&collections, &stamp)))
        }
        Some(other) => Err(refused(format!("format is {other}, and must be json, csv or ics"))),
    }
}

/// Futures of `days` days from today on; the forecast starts at the end of the history, which may be earlier.
fn futures_from(fit: &Ensemble, today: jiff::civil::Date, days: usize) -> Vec<Vec<f64>> {
    let start = fit.series.time(fit.series.len());
    let late = usize::try_from((seconds(today.at(0, 0, 0, 0)) - start) / DAY).unwrap_or(0).min(365);
    let futures = fit.futures(late + days, 1000);
    futures.into_iter().map(|future| future[late..].to_vec()).collect()
}

fn weekday(name: &str) -> Result<jiff::civil::Weekday, String> {
    use jiff::civil::Weekday as W;
    let days = [W::Monday, W::Tuesday, W::Wednesday, W::Thursday, W::Friday, W::Saturday, W::Sunday];
    let wanted = name.to_lowercase();
    let found = days.into_iter().find(|day| format!("{day:?}").to_lowercase() == wanted);
    found.ok_or_else(|| format!("{name} is no day of the week: write monday"))
}
