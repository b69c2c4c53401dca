//! Logins that last: a random token in a cookie, and its SHA-256 in the database.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};

use super::{Proof, User, bins, role_of};
use crate::address::Caller;
use crate::store::entity::{session, user};
use crate::store::{Store, StoreError, now_ms};

/// How long a login lasts.
pub(crate) const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

const COOKIE: &str = "pilah_session";

/// Begins a session and gives its cookie.
pub(super) async fn begin(
    store: &Store,
    user: &User,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<HeaderValue, StoreError> {
    let now = now_ms();
    session::Entity::delete_many().filter(session::Column::ExpiresMs.lt(now)).exec(store.db()).await?;
    let token = bins::draw();
    let lifetime = i64::try_from(LIFETIME.as_millis()).expect("a week");
    let row = session::ActiveModel {
        token_hash: Set(bins::fingerprint(token.reveal())),
        user_id: Set(user.id),
        expires_ms: Set(now + lifetime),
    };
    session::Entity::insert(row).exec_without_returning(store.db()).await?;
    note_login(store, user.id).await?;
    Ok(cookie(token.reveal(), LIFETIME, headers, caller))
}

/// The user of a request's cookie, if its session is alive.
pub(super) async fn find(store: &Store, headers: &HeaderMap) -> Result<Option<User>, StoreError> {
    let Some(token) = token(headers) else { return Ok(None) };
    let fingerprint = bins::fingerprint(token);
    let found = session::Entity::find_by_id(&fingerprint).one(store.db()).await?;
    let Some(session) = found.filter(|session| session.expires_ms > now_ms()) else { return Ok(None) };
    let row = user::Entity::find_by_id(session.user_id).one(store.db()).await?;
    let user = |row: user::Model| {
        Ok(User { role: role_of(&row)?, name: row.name, id: row.id, proof: Proof::Session(fingerprint) })
    };
    row.map(user).transpose()
}

/// Ends the session of a request, and gives the cookie that takes the token out of the browser.
pub(super) async fn end(store: &Store, headers: &HeaderMap, caller: &Caller) -> Result<HeaderValue, StoreError> {
    if let Some(token) = token(headers) {
        session::Entity::delete_by_id(bins::fingerprint(token)).exec(store.db()).await?;
    }
    Ok(cookie("", Duration::ZERO, headers, caller))
}

/// Ends every session of a user.
pub(super) async fn end_all_of(db: &impl ConnectionTrait, user_id: i32) -> Result<(), DbErr> {
    end_others_of(db, user_id, None).await
}

/// Ends the sessions of a user except for this one, named by its fingerprint.
pub(super) async fn end_others_of(db: &impl ConnectionTrait, user_id: i32, except: Option<&str>) -> Result<(), DbErr> {
    let mut others = session::Entity::delete_many().filter(session::Column::UserId.eq(user_id));
    if let Some(kept) = except {
        others = others.filter(session::Column::TokenHash.ne(kept));
    }
    others.exec(db).await?;
    Ok(())
}

/// How long a login from before still holds as it is now; `None` if it does not. A password has no end of its own.
pub(super) async fn remaining(store: &Store, user: &User) -> Result<Option<Duration>, DbErr> {
    match &user.proof {
        Proof::Session(fingerprint) => {
            let found = session::Entity::find_by_id(fingerprint).one(store.db()).await?;
            let left = found.and_then(|session| u64::try_from(session.expires_ms - now_ms()).ok());
            Ok(left.filter(|left| *left > 0).map(Duration::from_millis))
        }
        Proof::Password(hash) => {
            let same = user::Entity::find_by_id(user.id)
                .filter(user::Column::PasswordHash.eq(hash))
                .filter(user::Column::Role.eq(user.role.name()))
                .count(store.db())
                .await?;
            Ok((same > 0).then_some(Duration::MAX))
        }
    }
}

/// Notes that a user has shown their password.
pub(super) async fn note_login(store: &Store, user_id: i32) -> Result<(), DbErr> {
    user::Entity::update_many()
        .col_expr(user::Column::LastLoginMs, Expr::value(now_ms()))
        .filter(user::Column::Id.eq(user_id))
        .exec(store.db())
        .await?;
    Ok(())
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value)
}

/// The cookie is sent to the hub's own path alone, and by TLS alone if that is how the browser asks: its page says so
/// by `Origin`, a program by what is known of the proxy.
fn cookie(token: &str, lifetime: Duration, headers: &HeaderMap, caller: &Caller) -> HeaderValue {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let said = text("x-forwarded-proto") == Some("https");
    let https = text("origin").map_or(caller.https || said, |origin| origin.starts_with("https://"));
    let secure = if https { "; Secure" } else { "" };
    let (path, age) = (caller.base(), lifetime.as_secs());
    HeaderValue::try_from(format!("{COOKIE}={token}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"))
        .expect("the token is base64, and the path plain")
}
