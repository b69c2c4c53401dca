//! What a handler asks for by its arguments.

use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use pilah_models::name::BinId;

use super::origin::{self, Origin};
use super::role::Role;
use super::{Access, Logins, accounts, bins, session};
use crate::address::Caller;
use crate::error::HttpError;
use crate::store::Store;

/// The most administrators whom a refusal names.
const MOST_ASKED: usize = 3;

/// A person who is logged in. As an argument of a handler it makes the login necessary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Row number.
    pub(super) id: i32,
    /// What they have shown.
    pub(super) proof: Proof,
}

/// What a person has shown to be who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// The cookie of a session, of which this is the fingerprint.
    Session(String),
    /// A password, of which this is the hash.
    Password(String),
}

impl User {
    /// Refuses who may not do what needs this role, and says whom to ask.
    ///
    /// # Errors
    /// 403, with `needs`, `role` and `ask`; or the database failed.
    pub async fn require(&self, needed: Role, store: &Store) -> Result<(), HttpError> {
        if self.role >= needed {
            return Ok(());
        }
        let ask = accounts::administrators(store.db(), MOST_ASKED).await?;
        let detail = format!(
            "this needs the role {needed}, and {} has the role {}: ask an administrator of this hub ({}) for it",
            self.name,
            self.role,
            ask.join(", ")
        );
        let refusal = HttpError::forbidden("role", detail);
        Err(refusal.with("needs", needed.name()).with("role", self.role.name()).with("ask", ask))
    }

    /// Whether this login still holds: the session or the password of before, and the role.
    ///
    /// # Errors
    /// The database failed.
    #[cfg(test)]
    pub(crate) async fn holds(&self, store: &Store) -> Result<bool, sea_orm::DbErr> {
        Ok(session::remaining(store, self).await?.is_some())
    }

    /// Completes when this login holds no more: it ran out, was ended, or the account was changed. What this hub
    /// does is heard of at once, what another process does within `every`.
    pub(crate) async fn ended(&self, store: &Store, logins: &Logins, every: Duration) {
        let mut changes = logins.changes();
        loop {
            changes.borrow_and_update();
            let wait = match session::remaining(store, self).await {
                Ok(None) => return,
                Ok(Some(left)) => left.min(every),
                Err(error) => {
                    tracing::warn!(%error, "it cannot be checked whether a login holds; later again");
                    every
                }
            };
            // Either way it is asked again; the sender lives as long as the hub.
            tokio::time::timeout(wait, changes.changed()).await.ok();
        }
    }

    /// The fingerprint of their session, if they have one.
    pub(super) fn session(&self) -> Option<&str> {
        match &self.proof {
            Proof::Session(fingerprint) => Some(fingerprint),
            Proof::Password(_) => None,
        }
    }
}

/// A person who may label and review: a reviewer or an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer(pub User);

/// An administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin(pub User);

/// A bin with its secret, or a person who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinOrUser {
    /// A bin.
    Bin(BinId),
    /// A person.
    User(User),
}

impl<S> FromRequestParts<S> for User
where
    S: Send + Sync,
    Access: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let caller = Caller::of(parts);
        let origin = origin::of(&parts.headers, &caller);
        let safe = origin::is_safe(&parts.method);
        if !safe && origin == Origin::Foreign {
            return Err(foreign(&parts.headers));
        }
        let access = Access::from_ref(state);
        if let Some((name, password)) = basic(parts)? {
            return access.logins.verify(&access.store, &caller, &name, &password).await;
        }
        let Some(user) = session::find(&access.store, &parts.headers).await? else {
            return Err(HttpError::unauthorized("log in first: POST /api/v1/login, or send name and password"));
        };
        // A cookie is sent by the browser, whoever makes it send: the request must show where it is from.
        if !safe && origin != Origin::Own {
            return Err(foreign(&parts.headers));
        }
        Ok(user)
    }
}

impl<S> FromRequestParts<S> for Reviewer
where
    S: Send + Sync,
    Access: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let user = User::from_request_parts(parts, state).await?;
        user.require(Role::Reviewer, &Access::from_ref(state).store).await?;
        Ok(Self(user))
    }
}

impl<S> FromRequestParts<S> for Admin
where
    S: Send + Sync,
    Access: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let user = User::from_request_parts(parts, state).await?;
        user.require(Role::Admin, &Access::from_ref(state).store).await?;
        Ok(Self(user))
    }
}

impl<S> FromRequestParts<S> for BinOrUser
where
    S: Send + Sync,
    Access: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        if let Some((name, secret)) = basic(parts)?
            && let Ok(bin) = BinId::from_str(&name)
            && bins::verify(&Access::from_ref(state).store, &bin, &secret).await?
        {
            return Ok(Self::Bin(bin));
        }
        User::from_request_parts(parts, state).await.map(Self::User)
    }
}

/// A bin with its secret, or a person who may review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinOrReviewer(pub BinOrUser);

impl<S> FromRequestParts<S> for BinOrReviewer
where
    S: Send + Sync,
    Access: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let who = BinOrUser::from_request_parts(parts, state).await?;
        if let BinOrUser::User(user) = &who {
            user.require(Role::Reviewer, &Access::from_ref(state).store).await?;
        }
        Ok(Self(who))
    }
}

/// 403, for another site in the user's browser; or for our own page, behind a proxy that the hub was not told of.
pub(super) fn foreign(headers: &HeaderMap) -> HttpError {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let words = match (text("sec-fetch-site"), text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
        (None, Some(origin), Some(host)) => {
            let origin: String = origin.chars().take(200).collect();
            format!(
                "this request comes from a page of {origin}, and to the hub its own address is {host}. If that page is \
                 the hub's, behind a proxy, start the hub with --public-url {origin}/ (and the path, if it has one)"
            )
        }
        _ => "this request comes from another site; send the header X-Pilah-CSRF: 1".to_owned(),
    };
    HttpError::forbidden("foreign-origin", words)
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
