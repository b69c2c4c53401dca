//! `/api/v1/users` for administrators, and `POST /api/v1/me/password` for everybody.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::{self, AccountError, By, Change, UserName};
use super::role::Role;
use super::{Access, Admin, User};
use crate::address::Caller;
use crate::error::{HttpError, JsonBody};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::store::entity::user;

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    /// Login name.
    name: String,
    /// What they may do.
    role: Role,
    /// When the account was made, in milliseconds since 1970.
    created_ms: i64,
    /// When they last logged in; `null` if never.
    last_login_ms: Option<i64>,
}

impl TryFrom<user::Model> for UserView {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        let role = super::role_of(&row)?;
        Ok(Self { name: row.name, role, created_ms: row.created_ms, last_login_ms: row.last_login_ms })
    }
}

/// An account to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// Login name: 1 to 64 of a-z, 0-9, '.', '_', '-' and '@'.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9][a-z0-9._@-]*$")]
    name: String,
    /// 10 to 256 characters.
    #[schema(min_length = 10, max_length = 256)]
    password: String,
    /// What they may do.
    role: Role,
}

/// What to change of an account; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// Another role.
    role: Option<Role>,
    /// Another password, of 10 to 256 characters.
    #[schema(min_length = 10, max_length = 256)]
    password: Option<String>,
}

/// Another password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The one until now.
    old: String,
    /// The one from now on: 10 to 256 characters.
    #[schema(min_length = 10, max_length = 256)]
    new: String,
}

/// Every account.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", responses(
    (status = 200, description = "By name", body = Vec<UserView>),
))]
pub(crate) async fn list(State(access): State<Access>, _admin: Admin) -> Result<Json<Vec<UserView>>, HttpError> {
    let rows = accounts::list(access.store.db()).await?;
    Ok(Json(rows.into_iter().map(UserView::try_from).collect::<Result<_, _>>()?))
}

/// Makes an account.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = NewUser, responses(
    (status = 201, description = "The account", body = UserView),
    (status = 409, description = "The name is taken"),
    (status = 422, description = "The name or the password is not good; the answer says why"),
))]
pub(crate) async fn add(
    State(access): State<Access>,
    Admin(user): Admin,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<UserView>), HttpError> {
    let name: UserName = new.name.parse()?;
    let password = Secret::new(new.password);
    accounts::add(&access.store, &name, Some(&password), new.role, By::User(&user.name)).await?;
    tracing::info!(user = %name, role = %new.role, by = user.name, "account made");
    let view = UserView {
        name: name.as_str().to_owned(),
        role: new.role,
        created_ms: crate::store::now_ms(),
        last_login_ms: None,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Changes role or password of somebody else. They have to log in again.
#[utoipa::path(patch, path = "/api/v1/users/{name}", tag = "users", request_body = UserChange,
    params(("name" = String, Path, description = "Login name")), responses(
        (status = 200, description = "The account", body = UserView),
        (status = 404, description = "No such user"),
        (status = 409, description = "It is the only administrator, or the caller"),
        (status = 422, description = "The password is not good; the answer says why"),
    ))]
pub(crate) async fn change(
    State(access): State<Access>,
    Admin(user): Admin,
    Path(name): Path<String>,
    JsonBody(wanted): JsonBody<UserChange>,
) -> Result<Json<UserView>, HttpError> {
    let password = wanted.password.map(Secret::new);
    let change = Change { role: wanted.role, password: password.as_ref() };
    let row = accounts::change(&access.store, &name, change, By::User(&user.name)).await?;
    access.logins.something_ended();
    tracing::info!(user = name, role = row.role, by = user.name, "account changed");
    Ok(Json(row.try_into()?))
}

/// Deletes the account of somebody else. What they did stays, under their name.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "users",
    params(("name" = String, Path, description = "Login name")), responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such user"),
        (status = 409, description = "It is the only administrator, or the caller"),
    ))]
pub(crate) async fn delete(
    State(access): State<Access>,
    Admin(user): Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, HttpError> {
    accounts::delete(&access.store, &name, By::User(&user.name)).await?;
    access.logins.something_ended();
    tracing::info!(user = name, by = user.name, "account deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password. All other sessions of the caller end; this one goes on.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "login", request_body = NewPassword, responses(
    (status = 204, description = "Changed"),
    (status = 422, description = "The old password is wrong, or the new one not good; the answer says which"),
    (status = 429, description = "Too many wrong passwords"),
))]
pub(crate) async fn choose_password(
    State(access): State<Access>,
    user: User,
    caller: Caller,
    JsonBody(passwords): JsonBody<NewPassword>,
) -> Result<StatusCode, HttpError> {
    let old = access.logins.verify(&access.store, &caller, &user.name, &passwords.old).await;
    old.map_err(|error| match error.status() {
        // 401 would say that nobody is logged in.
        StatusCode::UNAUTHORIZED => HttpError::unprocessable("wrong-password", "the old password is wrong"),
        _ => error,
    })?;
    accounts::choose_password(&access.store, &user.name, &Secret::new(passwords.new), user.session()).await?;
    access.logins.something_ended();
    tracing::info!(user = user.name, "password changed");
    Ok(StatusCode::NO_CONTENT)
}

impl From<AccountError> for HttpError {
    fn from(error: AccountError) -> Self {
        let words = error.to_string();
        match error {
            AccountError::Name(_) => Self::unprocessable("bad-name", words),
            AccountError::Password(_) => Self::unprocessable("bad-password", words),
            AccountError::Exists(_) | AccountError::Reserved => Self::conflict("user-exists", words),
            AccountError::Unknown(_) => Self::not_found(words),
            AccountError::LastAdministrator(_) => Self::conflict("last-administrator", words),
            AccountError::Oneself | AccountError::OwnPassword => Self::conflict("oneself", words),
            AccountError::Database(error) => Self::internal(error),
        }
    }
}
