//! What a handler asks for by its arguments.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine as _;
use pilah_models::name::BinId;

use super::origin::{self, Origin};
use super::{bins, session};
use crate::error::HttpError;
use crate::state::AppState;

/// A person who is logged in. As an argument of a handler it makes the login necessary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// `admin`.
    pub role: String,
    /// Row number.
    pub(super) id: i32,
}

/// A bin with its secret, or a person who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinOrUser {
    /// A bin.
    Bin(BinId),
    /// A person.
    User(User),
}

impl FromRequestParts<AppState> for User {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, HttpError> {
        let origin = origin::of(&parts.headers);
        let safe = origin::is_safe(&parts.method);
        if !safe && origin == Origin::Foreign {
            return Err(foreign());
        }
        if let Some((name, password)) = basic(parts)? {
            return state.logins.verify(&state.store, client(parts), &name, &password).await;
        }
        let Some(user) = session::find(&state.store, &parts.headers).await? else {
            return Err(HttpError::unauthorized("log in first: POST /api/v1/login, or send name and password"));
        };
        // A cookie is sent by the browser, whoever makes it send: the request must show where it is from.
        if !safe && origin != Origin::Own {
            return Err(foreign());
        }
        Ok(user)
    }
}

impl FromRequestParts<AppState> for BinOrUser {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, HttpError> {
        if let Some((name, secret)) = basic(parts)?
            && let Ok(bin) = BinId::from_str(&name)
            && bins::verify(&state.store, &bin, &secret).await?
        {
            return Ok(Self::Bin(bin));
        }
        User::from_request_parts(parts, state).await.map(Self::User)
    }
}

/// The address that a request comes from. Behind a proxy it is the proxy's.
pub(super) fn client(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

pub(super) fn foreign() -> HttpError {
    HttpError::forbidden("foreign-origin", "this request comes from another site; send the header X-Pilah-CSRF: 1")
}

/// Name and password of an `Authorization: Basic` header.
fn basic(parts: &Parts) -> Result<Option<(String, String)>, HttpError> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let malformed = || HttpError::unauthorized("the Authorization header is not HTTP Basic with name:password");
    let encoded = value.to_str().ok().and_then(|value| value.strip_prefix("Basic ")).ok_or_else(malformed)?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let text = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (name, password) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Some((name.to_owned(), password.to_owned())))
}
