//! What there are quantities of, and what the last training said of it.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::User;
use crate::error::{HttpError, Problem, QueryArgs};
use crate::forecast::answer::Answer;
use crate::forecast::store;
use crate::state::AppState;
use crate::store::entity::forecast_result;

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
