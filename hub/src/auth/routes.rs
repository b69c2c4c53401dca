//! `POST /api/v1/login` and what belongs to it.

use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::extract::foreign;
use super::origin::{self, Origin};
use super::role::Role;
use super::subscribers::routes as subscribers;
use super::{Access, Evictions, User, audit_log, session, users};
use crate::address::Caller;
use crate::audit;
use crate::error::{HttpError, JsonBody};

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(
        login,
        logout,
        me,
        users::choose_password,
        users::list,
        users::add,
        users::change,
        users::delete,
        subscribers::list,
        subscribers::add,
        subscribers::renew,
        subscribers::remove,
        audit_log::read
    ),
    components(schemas(
        Credentials,
        Me,
        Role,
        users::NewPassword,
        users::UserView,
        users::NewUser,
        users::UserChange,
        subscribers::SubscriberView,
        subscribers::NewSubscriber,
        subscribers::SubscriberSecret,
        audit_log::AuditEntry
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Evictions: FromRef<S>,
{
    Router::new()
        .route("/api/v1/login", post(login))
        .route("/api/v1/logout", post(logout))
        .route("/api/v1/me", get(me))
        .route("/api/v1/me/password", post(users::choose_password))
        .route("/api/v1/users", get(users::list).post(users::add))
        .route("/api/v1/users/{name}", patch(users::change).delete(users::delete))
        .route("/api/v1/subscribers", get(subscribers::list).post(subscribers::add))
        .route("/api/v1/subscribers/{name}", delete(subscribers::remove))
        .route("/api/v1/subscribers/{name}/secret", post(subscribers::renew))
        .route("/api/v1/audit", get(audit_log::read))
}

/// What a person logs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// Login name.
    user: String,
    /// Password.
    password: String,
}

/// Who is logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Login name.
    user: String,
    /// What they may do.
    role: Role,
}

/// Logs in: the answer sets a cookie. After ten failures from one address, or thirty to one account, one try in ten
/// seconds; `Retry-After` says when.
#[utoipa::path(post, path = "/api/v1/login", tag = "login", request_body = Credentials, responses(
    (status = 200, description = "Logged in", body = Me),
    (status = 401, description = "Name or password is wrong"),
    (status = 429, description = "Too many failures"),
))]
pub(crate) async fn login(State(access): State<Access>, request: Request) -> Result<Response, HttpError> {
    let (parts, body) = request.into_parts();
    let (caller, headers) = (Caller::of(&parts), parts.headers.clone());
    if origin::of(&headers, &caller) == Origin::Foreign {
        return Err(foreign(&headers));
    }
    let JsonBody(credentials): JsonBody<Credentials> = JsonBody::read(Request::from_parts(parts, body)).await?;
    let user = access.logins.verify(&access.store, &caller, &credentials.user, &credentials.password).await?;
    let cookie = session::begin(&access.store, &user, &headers, &caller).await?;
    let detail = serde_json::json!({ "address": caller.ip });
    audit::note(access.store.db(), &user.name, "login.succeeded", &detail).await?;
    tracing::info!(user = user.name, address = ?caller.ip, "logged in");
    Ok(([(header::SET_COOKIE, cookie)], Json(Me { user: user.name, role: user.role })).into_response())
}

/// Logs out.
#[utoipa::path(post, path = "/api/v1/logout", tag = "login", responses(
    (status = 204, description = "Logged out, or was not logged in"),
))]
pub(crate) async fn logout(
    State(access): State<Access>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    if origin::of(&headers, &caller) == Origin::Foreign {
        return Err(foreign(&headers));
    }
    let cookie = session::end(&access.store, &headers, &caller).await?;
    access.logins.something_ended();
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/me", tag = "login", responses(
    (status = 200, description = "Who", body = Me),
    (status = 401, description = "Nobody"),
))]
pub(crate) async fn me(user: User) -> Json<Me> {
    Json(Me { user: user.name, role: user.role })
}
