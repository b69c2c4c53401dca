//! Forecasts over HTTP: `POST /retrain`, `POST /forecast`, plots, the collection plan.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::Stream;
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::answer::{self, Answer, History, Known, Question};
use super::artefact::Metadata;
use super::ensemble::Ensemble;
use super::intake::{self, DateOrder, Decimal, Intake, IntakeError, Report, RowError};
use super::job::{JobError, Order, Training, TrainingEvent, TrainingStatus};
use super::plan::{BinState, Collection, Terms};
use super::series::{DAY, seconds};
use super::store::{self, Filter, Merged};
use super::training::TrainingError;
use super::{ensemble, holidays, lstm, plan, plot, training};
use crate::auth::{Admin, User};
use crate::error::{HttpError, JsonBody, Problem, QueryArgs};
use crate::evaluate::plots::Format;
use crate::state::AppState;
use crate::store::entity::forecast_result;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(retrain, training_status, cancel, forecast, plot_file, products, result, collection_plan),
    components(schemas(
        Question,
        Answer,
        History,
        ForecastView,
        PlotUrls,
        TrainingEvent,
        TrainingStatus,
        Accepted,
        Report,
        RowError,
        Merged,
        ProductList,
        PlanRequest,
        PlanBin,
        PlanView,
        Collection
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    // The form around the file is small.
    let retrain = post(retrain).layer(DefaultBodyLimit::max(intake::LARGEST + (1 << 20)));
    Router::new()
        .route("/retrain", retrain)
        .route("/forecast", post(forecast))
        .route("/api/v1/forecast/trainings/{id}", get(training_status))
        .route("/api/v1/forecast/trainings/{id}/cancel", post(cancel))
        .route("/api/v1/forecast/products", get(products))
        .route("/api/v1/forecast/result", get(result))
        .route("/api/v1/forecast/plot/{file}", get(plot_file))
        .route("/api/v1/forecast/plan", post(collection_plan))
}

/// A training that runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastTrainingAccepted)]
pub(crate) struct Accepted {
    /// Its id: ask `/api/v1/forecast/trainings/{id}` how far it is.
    id: String,
}

/// What comes with a file.
#[derive(Debug, Default)]
struct Form {
    file: Option<(String, Vec<u8>)>,
    options: intake::Options,
    accept_errors: bool,
    as_job: bool,
    settings: ensemble::Settings,
    network: lstm::Options,
}

/// Merges a CSV file with what is stored, and trains the forecasts anew. A form with the file, and, if they are
/// not as usual, `accept_errors` (`true`: go on without the rows that cannot be read), `dates` (such as
/// `DD/MM/YYYY`), `delimiter`, `decimal` (`point` or `comma`), `product` (of a file without that column),
/// `allow_negative`, `weights` (`fixed` or `validated`), `epochs`, `country`, `seed`. Without a file, what is
/// stored is trained. Progress comes as server-sent events named by their stage; with `job` = `true` the answer
/// is an id to ask for.
#[utoipa::path(post, path = "/retrain", tag = "forecast",
    request_body(content_type = "multipart/form-data", description = "The file, at most 64 MiB, and options"),
    responses(
        (status = 200, description = "Server-sent events; each `data` is a ForecastTrainingEvent", content_type = "text/event-stream", body = TrainingEvent),
        (status = 202, description = "It runs", body = Accepted),
        (status = 400, description = "The form or an option makes no sense", body = Problem),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 403, description = "Needs the role admin", body = Problem),
        (status = 409, description = "Another training runs", body = Problem),
        (status = 413, description = "The file is too large", body = Problem),
        (status = 422, description = "The file or some of its rows cannot be read; nothing was merged", body = Problem),
    ))]
pub(crate) async fn retrain(
    State(state): State<AppState>,
    Admin(user): Admin,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    let form = form.map_err(|error| HttpError::new(error.status(), "bad-form", error.body_text()))?;
    let form = read_form(form).await?;
    let (name, rows) = match form.file {
        None => (None, None),
        Some((name, bytes)) => {
            let options = intake::Options { latest: Some(crate::store::now_ms() / 1000 + DAY), ..form.options };
            let read = tokio::task::spawn_blocking(move || intake::read(&bytes, &options));
            let Intake { rows, report } = read.await.expect("reading does not panic").map_err(bad_file)?;
            if report.bad > 0 && !form.accept_errors {
                let detail = format!(
                    "{} of {} rows cannot be read, and nothing was merged: mend them, or send accept_errors=true to go on without them",
                    report.bad, report.rows
                );
                return Err(HttpError::unprocessable("bad-rows", detail).with("report", json!(report)));
            }
            (Some(name), Some((rows, report)))
        }
    };
    let settings = ensemble::Settings { lstm: Some(form.network), ..form.settings };
    let order = Order { by: user.name, file: name, rows, settings };
    let training = state.forecasts.start(order).await.map_err(job_error)?;
    if form.as_job {
        return Ok((StatusCode::ACCEPTED, Json(Accepted { id: training.id.clone() })).into_response());
    }
    Ok(Sse::new(stream(&training)).keep_alive(KeepAlive::default()).into_response())
}

/// All events of a training, as they come, up to its end.
fn stream(training: &Training) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let start = (training.events(), 0, training.id.clone(), false);
    futures::stream::unfold(start, |(mut events, at, id, over)| async move {
        if over {
            return None;
        }
        let found = events.wait_for(|events| events.len() > at).await.ok().map(|events| events[at].clone())?;
        let over = matches!(found.stage.as_str(), "result" | "failed" | "cancelled");
        let event = Event::default().id(format!("{id}/{at}")).event(&found.stage);
        let event = event.json_data(&found).unwrap_or_else(|_| Event::default().comment("unserialisable"));
        Some((Ok(event), (events, at + 1, id, over)))
    })
}

async fn read_form(mut fields: Multipart) -> Result<Form, HttpError> {
    let mut form = Form::default();
    while let Some(field) = fields.next_field().await.map_err(bad_form)? {
        if let Some(file) = field.file_name().map(|name| name.chars().take(200).collect::<String>()) {
            if form.file.is_some() {
                return Err(HttpError::bad_request("two-files", "the form has two files: send one after the other"));
            }
            form.file = Some((file, field.bytes().await.map_err(bad_form)?.to_vec()));
            continue;
        }
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(bad_form)?;
        set(&mut form, &name, value.trim()).map_err(|allowed| {
            let shown: String = value.chars().take(60).collect();
            HttpError::bad_request("bad-option", format!("the field {name} is {shown}, and must be {allowed}"))
        })?;
    }
    Ok(form)
}

/// Sets an option by its name, or says what it may be.
fn set(form: &mut Form, name: &str, value: &str) -> Result<(), String> {
    let truth = || value.parse::<bool>().map_err(|_| "true or false".to_owned());
    match name {
        "accept_errors" => form.accept_errors = truth()?,
        "job" => form.as_job = truth()?,
        "allow_negative" => form.options.allow_negative = truth()?,
        "product" => form.options.product = Some(value.to_owned()).filter(|value| !value.is_empty()),
        "dates" => {
            let order = DateOrder::parse(value).ok_or("day, month and year in their order, such as DD/MM/YYYY")?;
            form.options.dates = Some(order);
        }
        "delimiter" => {
            let one =
                if value == "tab" { Some('\t') } else { value.chars().next().filter(|_| value.chars().count() == 1) };
            form.options.delimiter = Some(one.ok_or("one character, or tab")?);
        }
        "decimal" => {
            form.options.decimal = Some(match value {
                "point" => Decimal::Point,
                "comma" => Decimal::Comma,
                _ => return Err("point or comma".into()),
            });
        }
        "weights" => {
            form.settings.weighing = match value {
                "fixed" => ensemble::Weighing::Fixed,
                "validated" => ensemble::Weighing::Validated,
                _ => return Err("fixed or validated".into()),
            };
        }
        "epochs" => {
            let epochs = value.parse().ok().filter(|epochs| (1..=1000).contains(epochs));
            form.network.epochs = epochs.ok_or("1 to 1000")?;
        }
        "seed" => {
            form.settings.seed = value.parse().map_err(|_| "a whole number".to_owned())?;
            form.network.seed = form.settings.seed;
        }
        "country" => {
            form.settings.prophet.holidays =
                holidays::of_country(value).map_err(|error| format!("one of {}", error.known.join(", ")))?;
        }
        _ => return Err("left out: there is no such option".into()),
    }
    Ok(())
}

fn bad_form(error: MultipartError) -> HttpError {
    HttpError::new(error.status(), "bad-form", error.body_text())
}

fn bad_file(error: IntakeError) -> HttpError {
    match &error {
        IntakeError::TooLarge(_) => HttpError::too_large(error.to_string()),
        _ => HttpError::unprocessable("bad-file", error.to_string()),
    }
}

fn job_error(error: JobError) -> HttpError {
    match &error {
        JobError::Running(id) => HttpError::conflict("training-runs", error.to_string()).with("training", id.clone()),
        JobError::NoData => HttpError::conflict("no-data", error.to_string()),
        JobError::Training(TrainingError::Cancelled) => HttpError::conflict("cancelled", error.to_string()),
        JobError::Training(_) => HttpError::unprocessable("no-forecast", error.to_string()),
        JobError::Save(_) | JobError::Database(_) => HttpError::internal(error),
    }
}

/// How far a training is, or what came of it.
#[utoipa::path(get, path = "/api/v1/forecast/trainings/{id}", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 200, description = "How far it is", body = TrainingStatus),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such training", body = Problem),
    ))]
pub(crate) async fn training_status(
    State(state): State<AppState>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<TrainingStatus>, HttpError> {
    let status = state.forecasts.status(&id).await?;
    status.map(Json).ok_or_else(|| HttpError::not_found("there is no training of this id"))
}

/// Ends a training. What was merged stays; what was trained before goes on to answer.
#[utoipa::path(post, path = "/api/v1/forecast/trainings/{id}/cancel", tag = "forecast",
    params(("id" = String, Path, description = "The training")), responses(
        (status = 202, description = "It ends soon"),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 403, description = "Needs the role admin", body = Problem),
        (status = 409, description = "It does not run", body = Problem),
    ))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    _admin: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, HttpError> {
    if state.forecasts.cancel(&id) {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(HttpError::conflict("not-running", "this training does not run"))
}

/// An answer, and where its picture is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForecastView {
    #[serde(flatten)]
    answer: Answer,
    /// Pictures.
    plot: PlotUrls,
    /// How the model was made; null if it was fitted for this question.
    #[schema(value_type = Object)]
    trained: Option<Metadata>,
}

/// Where a picture is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastPlotUrls)]
pub(crate) struct PlotUrls {
    png: String,
    svg: String,
}

/// Forecasts the total by what was trained last, or, with filters, what they take by a model fitted to that.
#[utoipa::path(post, path = "/forecast", tag = "forecast", request_body = Question, responses(
    (status = 200, description = "The forecast", body = ForecastView),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 404, description = "There is no such product, or nothing that the filters take", body = Problem),
    (status = 409, description = "Nothing was trained yet", body = Problem),
    (status = 422, description = "A number is out of its range", body = Problem),
))]
pub(crate) async fn forecast(
    State(state): State<AppState>,
    _user: User,
    JsonBody(question): JsonBody<Question>,
) -> Result<Json<ForecastView>, HttpError> {
    let (answer, trained) = ask(&state, &question).await?;
    let query = query_of(&question);
    let url = |format: &str| format!("/api/v1/forecast/plot/forecast.{format}{query}");
    Ok(Json(ForecastView { answer, plot: PlotUrls { png: url("png"), svg: url("svg") }, trained }))
}

async fn ask(state: &AppState, question: &Question) -> Result<(Answer, Option<Metadata>), HttpError> {
    let out_of_range = |error: answer::QuestionError| HttpError::unprocessable("out-of-range", error.to_string());
    question.check().map_err(out_of_range)?;
    if !question.is_filtered() {
        let artefact = state.forecasts.trained().ok_or_else(|| {
            HttpError::conflict(
                "not-trained",
                "nothing was trained yet: POST /retrain with a CSV file, or name a product_id",
            )
        })?;
        let metadata = artefact.metadata.clone();
        let question = question.clone();
        let work = move || answer::answer(&artefact.total, &question, None);
        let answer = tokio::task::spawn_blocking(work).await.expect("answering does not panic");
        return Ok((answer.map_err(out_of_range)?, Some(metadata)));
    }
    let filter = filter_of(question);
    let Some(fit) = state.forecasts.fitted(&filter).await.map_err(job_error)? else {
        return Err(nothing(state, question).await?);
    };
    let known = known(state, &filter).await?;
    let question = question.clone();
    let work = move || answer::answer(&fit, &question, Some(known));
    let answer = tokio::task::spawn_blocking(work).await.expect("answering does not panic");
    Ok((answer.map_err(out_of_range)?, None))
}

fn filter_of(question: &Question) -> Filter {
    Filter {
        product: question.product_id.clone(),
        store: question.store.clone(),
        category: question.category.clone(),
        from: question.from.map(|day| seconds(day.at(0, 0, 0, 0))),
        to: question.to.map(|day| seconds(day.at(23, 59, 59, 0))),
    }
}

/// What the last rows of a product say of its stock; of several products nothing is known together.
async fn known(state: &AppState, filter: &Filter) -> Result<Known, HttpError> {
    if filter.product.is_none() {
        return Ok(Known::default());
    }
    let rows = store::rows(state.store.db(), filter).await?;
    let last = rows.last().map_or(0, |row| row.at);
    let on_hand: Vec<f64> = rows.iter().filter(|row| row.at == last).filter_map(|row| row.on_hand).collect();
    Ok(Known {
        on_hand: (!on_hand.is_empty()).then(|| on_hand.iter().sum()),
        lead_time_days: rows.iter().rev().find_map(|row| row.lead_time_days),
    })
}

/// The error for filters that take nothing.
async fn nothing(state: &AppState, question: &Question) -> Result<HttpError, HttpError> {
    let Some(product) = &question.product_id else {
        return Ok(HttpError::not_found("the filters take no row: leave one of them out"));
    };
    let products = store::products(state.store.db()).await?;
    if products.contains(product) {
        return Ok(HttpError::not_found("the other filters leave no row of this product: leave one of them out"));
    }
    let near = training::nearest(product, products.iter().map(String::as_str));
    let hint = if near.is_empty() { String::new() } else { format!(": is it {}?", near.join(", ")) };
    let shown: String = product.chars().take(200).collect();
    Ok(HttpError::not_found(format!("there is no product {shown}{hint}")).with("nearest", json!(near)))
}

/// The question as the query of a URL.
fn query_of(question: &Question) -> String {
    let fields = serde_json::to_value(question).unwrap_or_default();
    let mut query = String::new();
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => query.push(char::from(byte)),
                _ => query.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    query
}

/// A forecast as a picture: `forecast.svg` or `forecast.png`, with the question as query.
#[utoipa::path(get, path = "/api/v1/forecast/plot/{file}", tag = "forecast",
    params(("file" = String, Path, description = "`forecast.svg` or `forecast.png`"), Question), responses(
        (status = 200, description = "The picture", content_type = "image/svg+xml", body = Vec<u8>),
        (status = 401, description = "Not logged in", body = Problem),
        (status = 404, description = "No such picture or product", body = Problem),
    ))]
pub(crate) async fn plot_file(
    State(state): State<AppState>,
    _user: User,
    Path(file): Path<String>,
    QueryArgs(question): QueryArgs<Question>,
) -> Result<Response, HttpError> {
    let format = match file.as_str() {
        "forecast.svg" => Format::Svg,
        "forecast.png" => Format::Png,
        _ => return Err(HttpError::not_found("there are forecast.svg and forecast.png")),
    };
    let (answer, _) = ask(&state, &question).await?;
    let draw = tokio::task::spawn_blocking(move || plot::draw(&answer, format));
    let picture = draw.await.expect("drawing does not panic").map_err(HttpError::internal)?;
    Ok(([(header::CONTENT_TYPE, format.media_type())], Body::from(picture)).into_response())
}

/// Products by name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastProducts)]
pub(crate) struct ProductList {
    products: Vec<String>,
}

/// The products that there are quantities of; those of bins are called `bin/class`.
#[utoipa::path(get, path = "/api/v1/forecast/products", tag = "forecast", responses(
    (status = 200, description = "Their names", body = ProductList),
    (status = 401, description = "Not logged in", body = Problem),
))]
pub(crate) async fn products(State(state): State<AppState>, _user: User) -> Result<Json<ProductList>, HttpError> {
    Ok(Json(ProductList { products: store::products(state.store.db()).await? }))
}

/// Which stored result.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResultQuery {
    /// Of this product; of the total if left out.
    #[serde(default)]
    product_id: String,
}

/// What the last training said of a product, 90 days ahead, as it was stored: at once, however many there are.
#[utoipa::path(get, path = "/api/v1/forecast/result", tag = "forecast", params(ResultQuery), responses(
    (status = 200, description = "The forecast", body = Answer),
    (status = 401, description = "Not logged in", body = Problem),
    (status = 404, description = "The last training said nothing of it", body = Problem),
))]
pub(crate) async fn result(
    State(state): State<AppState>,
    _user: User,
    QueryArgs(query): QueryArgs<ResultQuery>,
) -> Result<Response, HttpError> {
    let row = forecast_result::Entity::find_by_id(query.product_id).one(state.store.db()).await?;
    let row = row.ok_or_else(|| HttpError::not_found("the last training said nothing of this product"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], row.result_json).into_response())
}

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
