//! What there are quantities of, and what the last training said of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use pilah_forecast::answer::{self, Answer};
use pilah_forecast::intermittent::Character;
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::ask::ForecastView;
use super::files::{self, Files};
use crate::auth::User;
use crate::error::{HttpError, QueryArgs};
use crate::forecast::job::Forecasts;
use crate::forecast::store;
use crate::store::Store;
use crate::store::entity::forecast_result;

/// All products.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastProducts)]
pub(crate) struct ProductList {
    /// By name.
    products: Vec<ProductView>,
}

/// A product, and what is known of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastProduct)]
pub(crate) struct ProductView {
    /// Its name.
    product_id: String,
    /// Of what kind it is; `items` and `fill` are of bins.
    category: Option<String>,
    /// How many rows there are, over all stores.
    rows: u64,
    /// The first date.
    first: String,
    /// The last date.
    last: String,
    /// The sum of all quantities.
    total: f64,
    /// How demand comes, if the last training has a model of it.
    character: Option<Character>,
    /// Why the last training has no model of it, in words.
    skipped: Option<String>,
}

/// The products that there are quantities of; those of bins are called `bin/class`, and `bin/fill%` for the fill
/// that a bin gains per day, in percent of what it holds.
#[utoipa::path(get, path = "/api/v1/forecast/products", tag = "forecast", responses(
    (status = 200, description = "The products", body = ProductList),
))]
pub(crate) async fn products(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    _user: User,
) -> Result<Json<ProductList>, HttpError> {
    let trained = forecasts.trained();
    let view = |product: store::Product| {
        let fit = trained.as_ref().and_then(|artefact| artefact.products.get(&product.product));
        ProductView {
            category: product.category,
            rows: product.rows,
            first: answer::date(product.first),
            last: answer::date(product.last),
            total: product.total,
            character: fit.map(|ensemble| ensemble.character),
            skipped: trained.as_ref().and_then(|artefact| artefact.metadata.skipped.get(&product.product).cloned()),
            product_id: product.product,
        }
    };
    let products = store::products(store.db()).await?;
    Ok(Json(ProductList { products: products.into_iter().map(view).collect() }))
}

/// Which stored result.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultQuery {
    /// Of this product; of the total if left out.
    product_id: Option<String>,
}

/// What the last training said of a product, 90 days ahead, as it was stored: at once, however many there are. The
/// models of products are without a network.
#[utoipa::path(get, path = "/api/v1/forecast/result", tag = "forecast", params(ResultQuery), responses(
    (status = 200, description = "The forecast", body = ForecastView),
    (status = 404, description = "The last training said nothing of it"),
))]
pub(crate) async fn result(
    State(store): State<Store>,
    State(forecasts): State<Forecasts>,
    _user: User,
    QueryArgs(query): QueryArgs<ResultQuery>,
) -> Result<Json<serde_json::Map<String, serde_json::Value>>, HttpError> {
    let json = stored(&store, &query).await?;
    // As it was stored, whatever it holds.
    let mut view: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&json).map_err(HttpError::internal)?;
    let files = Files::under("/api/v1/forecast/result", &files::query_of(&query));
    view.insert("files".into(), json!(files));
    view.insert("trained".into(), json!(forecasts.trained().map(|artefact| artefact.metadata.clone())));
    Ok(Json(view))
}

/// What the last training said of a product as a picture or as CSV: `forecast.svg`, `forecast.png` or `forecast.csv`.
#[utoipa::path(get, path = "/api/v1/forecast/result/{file}", tag = "forecast",
    params(("file" = String, Path, description = "`forecast.svg`, `forecast.png` or `forecast.csv`"), ResultQuery),
    responses(
        (status = 200, description = "The file", content(
            (Vec<u8> = "image/svg+xml"), (Vec<u8> = "image/png"), (String = "text/csv"))),
        (status = 404, description = "No such file, or the last training said nothing of it"),
    ))]
pub(crate) async fn result_file(
    State(store): State<Store>,
    _user: User,
    Path(file): Path<String>,
    QueryArgs(query): QueryArgs<ResultQuery>,
) -> Result<Response, HttpError> {
    let kind = files::kind(&file)?;
    let answer: Answer = serde_json::from_str(&stored(&store, &query).await?).map_err(HttpError::internal)?;
    files::render(answer, kind).await
}

async fn stored(store: &Store, query: &ResultQuery) -> Result<String, HttpError> {
    let product = query.product_id.clone().unwrap_or_default();
    let row = forecast_result::Entity::find_by_id(product).one(store.db()).await?;
    row.map(|row| row.result_json).ok_or_else(|| {
        HttpError::not_found("the last training said nothing of this product: /api/v1/forecast/products says why")
    })
}
