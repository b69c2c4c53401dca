//! `/api/v1/subscribers`, for administrators.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SubscriberError, SubscriberName};
use crate::auth::{Access, Admin, Evictions};
use crate::error::{HttpError, JsonBody};
use crate::store::entity::subscriber;

/// Somebody who listens to the bins over MQTT.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriberView {
    /// The MQTT user name.
    name: String,
    /// Whether images may be read as well.
    samples: bool,
    /// When the account was made, in milliseconds since 1970.
    created_ms: i64,
}

impl From<subscriber::Model> for SubscriberView {
    fn from(row: subscriber::Model) -> Self {
        Self { name: row.name, samples: row.samples, created_ms: row.created_ms }
    }
}

/// A subscriber to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSubscriber {
    /// The MQTT user name: 1 to 64 of a-z, 0-9, '_' and '-', and no bin's id.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    name: String,
    /// Whether images may be read as well.
    #[serde(default)]
    samples: bool,
}

/// What a subscriber logs in with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriberSecret {
    /// The MQTT user name.
    name: String,
    /// The secret: shown this once.
    secret: String,
}

/// Every subscriber.
#[utoipa::path(get, path = "/api/v1/subscribers", tag = "users", responses(
    (status = 200, description = "By name", body = Vec<SubscriberView>),
))]
pub(crate) async fn list(State(access): State<Access>, _admin: Admin) -> Result<Json<Vec<SubscriberView>>, HttpError> {
    Ok(Json(super::list(access.store.db()).await?.into_iter().map(SubscriberView::from).collect()))
}

/// Makes an account for somebody who listens over MQTT.
#[utoipa::path(post, path = "/api/v1/subscribers", tag = "users",
    request_body = NewSubscriber, responses(
    (status = 201, description = "Made; the secret is shown this once", body = SubscriberSecret),
    (status = 409, description = "The name is taken, by a subscriber or a bin"),
    (status = 422, description = "The name is not valid"),
))]
pub(crate) async fn add(
    State(access): State<Access>,
    Admin(user): Admin,
    JsonBody(new): JsonBody<NewSubscriber>,
) -> Result<(StatusCode, Json<SubscriberSecret>), HttpError> {
    let name: SubscriberName = new.name.parse()?;
    let secret = super::add(&access.store, &name, new.samples, &user.name).await?;
    tracing::info!(subscriber = %name, samples = new.samples, by = user.name, "subscriber made");
    Ok((StatusCode::CREATED, Json(SubscriberSecret { name: name.to_string(), secret: secret.reveal().to_owned() })))
}

/// Gives a subscriber a new secret, and ends the connections that were made by the old one.
#[utoipa::path(post, path = "/api/v1/subscribers/{name}/secret", tag = "users",
    params(("name" = String, Path)), responses(
    (status = 200, description = "The secret, shown this once", body = SubscriberSecret),
    (status = 404, description = "No such subscriber"),
))]
pub(crate) async fn renew(
    State(access): State<Access>,
    State(evictions): State<Evictions>,
    Admin(user): Admin,
    Path(name): Path<String>,
) -> Result<Json<SubscriberSecret>, HttpError> {
    let secret = super::renew(&access.store, &name, &user.name).await?;
    evictions.nudge();
    tracing::info!(subscriber = name, by = user.name, "subscriber's secret renewed");
    Ok(Json(SubscriberSecret { name, secret: secret.reveal().to_owned() }))
}

/// Takes an account away, and ends its connections.
#[utoipa::path(delete, path = "/api/v1/subscribers/{name}", tag = "users",
    params(("name" = String, Path)), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "No such subscriber"),
))]
pub(crate) async fn remove(
    State(access): State<Access>,
    State(evictions): State<Evictions>,
    Admin(user): Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, HttpError> {
    super::remove(&access.store, &name, &user.name).await?;
    evictions.nudge();
    tracing::info!(subscriber = name, by = user.name, "subscriber removed");
    Ok(StatusCode::NO_CONTENT)
}

impl From<SubscriberError> for HttpError {
    fn from(error: SubscriberError) -> Self {
        let words = error.to_string();
        match error {
            SubscriberError::Name { .. } => Self::unprocessable("bad-name", words),
            SubscriberError::Exists(_) | SubscriberError::Bin(_) | SubscriberError::Reserved => {
                Self::conflict("subscriber-exists", words)
            }
            SubscriberError::Unknown(_) => Self::not_found(words),
            SubscriberError::Database(error) => Self::internal(error),
        }
    }
}
