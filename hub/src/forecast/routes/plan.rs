//! The collection plan over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use pilah_forecast::ensemble::Ensemble;
use pilah_forecast::plan::{self, BinState, Collection, Terms, Unit};
use pilah_forecast::series::{DAY, seconds};
use sea_orm::{EntityTrait, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::job_error;
use crate::auth::User;
use crate::error::{HttpError, JsonBody, QueryArgs};
use crate::forecast::job::Forecasts;
use crate::forecast::store::fill;
use crate::store::Store;
use crate::store::entity::bin;

/// How many futures of a bin are looked at.
const FUTURES: usize = 1000;

/// The most days between the end of a bin's history and today.
const LATEST: i64 = 365;

/// What a plan is made for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = CollectionPlanRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRequest {
    /// The bins; all that tell their fill if left out.
    #[schema(min_items = 1, max_items = 10_000)]
    bins: Option<Vec<PlanBin>>,
    /// How many days ahead, 1 to 60; 14 if left out.
    #[schema(minimum = 1, maximum = 60)]
    days: Option<u32>,
    /// The accepted probability of an overflow, above 0, at most 0.5; 0.05 if left out.
    #[schema(exclusive_minimum = 0, maximum = 0.5)]
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
    /// How many items are in it; what its fill sensor says if left out.
    items: Option<f64>,
    /// How many items it holds; together with `items`.
    capacity: Option<f64>,
}

/// What a plan of all bins is made for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanQuery {
    /// How many days ahead, 1 to 60; 14 if left out.
    #[param(minimum = 1, maximum = 60)]
    days: Option<u32>,
    /// The accepted probability of an overflow, above 0, at most 0.5; 0.05 if left out.
    #[param(exclusive_minimum = 0, maximum = 0.5)]
    accepted_risk: Option<f64>,
    /// The days on which trucks go, such as `monday,thursday`; every day if left out.
    weekdays: Option<String>,
    /// `json`, `csv` or `ics`; `json` if left out.
    format: Option<String>,
}

/// A plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CollectionPlan)]
pub(crate) struct PlanView {
    /// Its first day: today, in UTC.
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// How many days it is for.
    days: u32,
    /// The accepted probability of an overflow.
    accepted_risk: f64,
    /// The most urgent bin first.
    collections: Vec<Collection>,
    /// Bins that cannot be planned for.
    unplanned: Vec<Unplanned>,
}

/// A bin that cannot be planned for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CollectionPlanUnplanned)]
pub(crate) struct Unplanned {
    /// Which.
    bin: String,
    /// Why, and what helps.
    reason: String,
}

/// When each bin is to be collected, so that it overflows no likelier than is accepted: all bins that tell their fill.
#[utoipa::path(get, path = "/api/v1/forecast/plan", tag = "forecast", params(PlanQuery), responses(
    (status = 200, description = "The plan, as JSON, CSV or iCalendar", content(
        (PlanView = "application/json"), (String = "text/csv"), (String = "text/calendar"))),
    (status = 422, description = "A number is out of its range"),
))]
pub(crate) async fn plan_of_all(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    _user: User,
    QueryArgs(query): QueryArgs<PlanQuery>,
) -> Result<Response, HttpError> {
    let PlanQuery { days, accepted_risk, weekdays, format } = query;
    let weekdays = weekdays.unwrap_or_default();
    let weekdays = weekdays.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    make(&store, &forecasts, PlanRequest { bins: None, days, accepted_risk, weekdays, format }).await
}

/// When each bin is to be collected, so that it overflows no likelier than is accepted. Of bins that are named, each
/// must be known.
#[utoipa::path(post, path = "/api/v1/forecast/plan", tag = "forecast", request_body = PlanRequest, responses(
    (status = 200, description = "The plan, as JSON, CSV or iCalendar", content(
        (PlanView = "application/json"), (String = "text/csv"), (String = "text/calendar"))),
    (status = 404, description = "A bin has sent nothing yet"),
    (status = 422, description = "A number is out of its range"),
))]
pub(crate) async fn collection_plan(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    _user: User,
    JsonBody(request): JsonBody<PlanRequest>,
) -> Result<Response, HttpError> {
    make(&store, &forecasts, request).await
}

fn refused(detail: String) -> HttpError {
    HttpError::unprocessable("out-of-range", detail)
}

async fn make(store: &Store, forecasts: &Forecasts, request: PlanRequest) -> Result<Response, HttpError> {
    let days = request.days.unwrap_or(14);
    let risk = request.accepted_risk.unwrap_or(0.05);
    if !(1..=60).contains(&days) || request.bins.as_ref().is_some_and(|bins| !(1..=10_000).contains(&bins.len())) {
        return Err(refused("a plan is for 1 to 60 days, and for 1 to 10,000 bins".into()));
    }
    if !(risk > 0.0 && risk <= 0.5) {
        return Err(refused(format!("accepted_risk is {risk}, and must be above 0 and at most 0.5")));
    }
    let format = request.format.as_deref().unwrap_or("json");
    if !["json", "csv", "ics"].contains(&format) {
        return Err(refused(format!("format is {format}, and must be json, csv or ics")));
    }
    let weekdays: Result<Vec<Weekday>, String> = request.weekdays.iter().map(|name| weekday(name)).collect();
    let now = Timestamp::now();
    let today = now.to_zoned(TimeZone::UTC).date();
    let terms = Terms { today, weekdays: weekdays.map_err(refused)?, risk };

    let named = request.bins.is_some();
    let (bins, mut unplanned) = bins(store, request.bins, today).await?;
    let keys: Vec<(String, Unit)> = bins.iter().map(|bin| (bin.bin.clone(), bin.by)).collect();
    let fits = forecasts.of_bins(&keys).await.map_err(job_error)?;
    let mut fitted = Vec::with_capacity(bins.len());
    for (bin, fit) in bins.into_iter().zip(fits) {
        match fit {
            Ok(fit) => fitted.push((bin, fit)),
            Err(reason) => unplanned.push(Unplanned { bin: bin.bin, reason }),
        }
    }
    if let Some(Unplanned { bin, reason }) = unplanned.first().filter(|_| named) {
        return Err(HttpError::not_found(format!("bin {bin} cannot be planned for: {reason}")));
    }
    let length = days as usize;
    let work = move || {
        let states: Vec<BinState> = fitted
            .into_iter()
            .map(|(bin, fit)| BinState { futures: futures(&fit, &bin, today, length), ..bin.state() })
            .collect();
        plan::plan(&states, &terms)
    };
    let collections = tokio::task::spawn_blocking(work).await.expect("planning does not panic");
    let typed = |kind: &'static str, text: String| ([(header::CONTENT_TYPE, kind)], text).into_response();
    Ok(match format {
        "csv" => typed("text/csv; charset=utf-8", plan::to_csv(&collections)),
        "ics" => {
            let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
            typed("text/calendar; charset=utf-8", plan::to_icalendar(&collections, &stamp))
        }
        _ => Json(PlanView { from: today, days, accepted_risk: risk, collections, unplanned }).into_response(),
    })
}

/// A bin before its futures are known.
#[derive(Debug)]
struct Planned {
    bin: String,
    by: Unit,
    level: f64,
    capacity: f64,
    /// The day of the level.
    known: Date,
}

impl Planned {
    fn state(self) -> BinState {
        let Self { bin, by, level, capacity, known: _ } = self;
        BinState { bin, by, level, capacity, futures: Vec::new() }
    }
}

/// The bins of a plan, and those whose level nobody knows.
async fn bins(
    store: &Store,
    asked: Option<Vec<PlanBin>>,
    today: Date,
) -> Result<(Vec<Planned>, Vec<Unplanned>), HttpError> {
    let db = store.db();
    let asked = match asked {
        Some(asked) => asked,
        None => {
            let ids: Vec<String> = bin::Entity::find()
                .select_only()
                .column(bin::Column::Id)
                .order_by_asc(bin::Column::Id)
                .into_tuple()
                .all(db)
                .await?;
            ids.into_iter().map(|bin| PlanBin { bin, items: None, capacity: None }).collect()
        }
    };
    let levels = fill::now(db, seconds(today.at(0, 0, 0, 0)) / DAY).await?;
    let (mut bins, mut unplanned) = (Vec::with_capacity(asked.len()), Vec::new());
    for PlanBin { bin, items, capacity } in asked {
        match (items, capacity) {
            (Some(level), Some(capacity)) => {
                if !(capacity > 0.0 && capacity <= 1e9 && (0.0..=1e9).contains(&level)) {
                    return Err(refused(format!("bin {bin}: items must be 0 or more, and capacity above 0")));
                }
                bins.push(Planned { bin, by: Unit::Items, level, capacity, known: today });
            }
            (None, None) => match levels.get(&bin) {
                // The series of fill are in percent.
                Some(day) => {
                    let known = pilah_forecast::series::civil(day.last_at_ms.div_euclid(1000)).date();
                    bins.push(Planned { bin, by: Unit::Fill, level: 100.0 * day.last, capacity: 100.0, known });
                }
                None => {
                    let reason = "it has told no fill in the last 30 days: send items and capacity for it".into();
                    unplanned.push(Unplanned { bin, reason });
                }
            },
            _ => return Err(refused(format!("bin {bin}: items and capacity go together: give both, or neither"))),
        }
    }
    Ok((bins, unplanned))
}

/// Futures of `days` days from today on; the forecast starts at the end of the history, and the level may be of a day
/// after that.
fn futures(fit: &Ensemble, bin: &Planned, today: Date, days: usize) -> Vec<Vec<f64>> {
    let day = |date: Date| seconds(date.at(0, 0, 0, 0)) / DAY;
    let first = fit.series.time(fit.series.len()) / DAY;
    let late = (day(today) - first).clamp(0, LATEST);
    // What comes on the day of the level is in it, unless that is today.
    let counted = (day(bin.known) + 1 - first).clamp(0, late);
    let (late, counted) = (late as usize, counted as usize);
    let futures = fit.futures(late + days, FUTURES);
    futures.iter().map(|future| plan::from_today(future, counted, late - counted, days)).collect()
}

fn weekday(name: &str) -> Result<Weekday, String> {
    use Weekday as W;
    let days = [W::Monday, W::Tuesday, W::Wednesday, W::Thursday, W::Friday, W::Saturday, W::Sunday];
    let wanted = name.to_lowercase();
    let found = days.into_iter().find(|day| format!("{day:?}").to_lowercase() == wanted);
    found.ok_or_else(|| format!("{name} is no day of the week: write monday"))
}
