//! `/api/v1/bins/{id}`: one bin, with all that it said of itself; changed and retired.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use pilah_models::name::{BinId, ModelVersion};
use serde::Serialize;
use utoipa::ToSchema;

use super::change::{self, BinChange, ChangeError};
use super::view::BinView;
use super::{EnrolError, store};
use crate::auth::{Admin, Evictions, User};
use crate::error::{HttpError, JsonBody};
use crate::live::{Live, LiveEvent};
use crate::rollout::Rollout;
use crate::store::Store;

/// A bin, with all that it said of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BinDetail {
    /// As in the list of bins.
    #[serde(flatten)]
    bin: BinView,
    /// The last `Reported` message: the model and what is in force there.
    #[schema(value_type = Option<Object>)]
    reported: Option<serde_json::Value>,
}

/// A bin.
#[utoipa::path(get, path = "/api/v1/bins/{id}", tag = "bins", params(("id" = String, Path)), responses(
    (status = 200, description = "The bin", body = BinDetail),
    (status = 404, description = "No such bin"),
))]
pub(crate) async fn one(
    State(store): State<Store>,
    _user: User,
    Path(id): Path<String>,
) -> Result<Json<BinDetail>, HttpError> {
    let id = BinId::new(id).map_err(|error| HttpError::not_found(error.to_string()))?;
    Ok(Json(detail(&store, &id).await?))
}

/// Changes what people say of a bin: its name, its group, where it stands.
#[utoipa::path(patch, path = "/api/v1/bins/{id}", tag = "bins", request_body = BinChange,
    params(("id" = String, Path)), responses(
        (status = 200, description = "The bin as it is now", body = BinDetail),
        (status = 404, description = "No such bin"),
        (status = 422, description = "A value is out of its range; the answer says which"),
    ))]
pub(crate) async fn change(
    State(store): State<Store>,
    State(live): State<Live>,
    Admin(user): Admin,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<BinChange>,
) -> Result<Json<BinDetail>, HttpError> {
    let id = BinId::new(id).map_err(|error| HttpError::not_found(error.to_string()))?;
    change::change(&store, &id, wanted.check()?, &user.name).await?;
    let detail = detail(&store, &id).await?;
    tell(&live, id, &detail.bin);
    Ok(Json(detail))
}

/// Retires a bin: it can log in nowhere any more. What it sent stays, under its id, which is not given
/// again. To delete its images as well, POST /api/v1/dataset/deletions.
#[utoipa::path(delete, path = "/api/v1/bins/{id}", tag = "bins", params(("id" = String, Path)), responses(
    (status = 204, description = "It is retired"),
    (status = 404, description = "No such bin"),
))]
pub(crate) async fn retire(
    State(store): State<Store>,
    State(rollout): State<Rollout>,
    State(evictions): State<Evictions>,
    State(live): State<Live>,
    Admin(user): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, HttpError> {
    let id = BinId::new(id).map_err(|error| HttpError::not_found(error.to_string()))?;
    change::retire(&store, &id, &user.name).await?;
    tracing::info!(bin = %id, by = user.name, "bin retired");
    rollout.nudge();
    evictions.nudge();
    live.publish(LiveEvent::Bin { bin: id, online: false, model: None, update: None });
    Ok(StatusCode::NO_CONTENT)
}

async fn detail(store: &Store, id: &BinId) -> Result<BinDetail, HttpError> {
    let Some(row) = store::serving(store.db(), id).await? else {
        return Err(EnrolError::Unknown(id.clone()).into());
    };
    let reported = row.reported_json.as_deref().and_then(|json| serde_json::from_str(json).ok());
    Ok(BinDetail { bin: store::bin(store, row).await?, reported })
}

fn tell(live: &Live, bin: BinId, view: &BinView) {
    let model = view.model.as_deref().and_then(|version| ModelVersion::new(version).ok());
    live.publish(LiveEvent::Bin { bin, online: view.online, model, update: view.update.clone() });
}

impl From<ChangeError> for HttpError {
    fn from(error: ChangeError) -> Self {
        let code = match error {
            ChangeError::Text { .. } => "bad-name",
            ChangeError::Degrees { .. } => "bad-place",
            ChangeError::TimeZone(_) => "bad-time-zone",
        };
        Self::unprocessable(code, error.to_string())
    }
}
