//! The one error of the HTTP interface: RFC 9457 problem details.
//!
//! `detail` is for the caller and says how to mend it. The cause is for the log, never for the
//! caller: it may name files, tables and other people's data.

use std::error::Error;
use std::fmt;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sea_orm::DbErr;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::store::{BlobError, StoreError, Trouble};

/// When to try again, in seconds: a field of the answer, and the header `Retry-After`.
const RETRY_AFTER: &str = "retry_after_s";

/// An answer that is an error. It is boxed, because every handler's result has room for one.
#[derive(Debug)]
pub struct HttpError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    extra: serde_json::Map<String, serde_json::Value>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// RFC 9457 problem details, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A name for this kind of problem that stays, such as `urn:pilah:problem:not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words: the HTTP status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and how to mend it.
    pub detail: String,
    /// More, by kind.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl HttpError {
    /// An error with a status, a short name for programs such as `not-a-label`, and words for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { status, code, detail: detail.into(), extra: serde_json::Map::new(), cause: None }))
    }

    /// 400: the request is malformed.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody is logged in, or the credentials are wrong.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403: the caller may not do this.
    #[must_use]
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 409: not in this state.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413: too large.
    #[must_use]
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// 422: well-formed, but it makes no sense here.
    #[must_use]
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429: too often.
    #[must_use]
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
    }

    /// 503: not now.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// 500: our fault. The caller is told nothing else; the log has the cause. If the cause is a storage that
    /// takes nothing, the answer is 503 and says so.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let cause = cause.into();
        if let Some(trouble) = Trouble::in_error(cause.as_ref()) {
            return Self::cannot_store(trouble).with_cause(cause);
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the hub failed to do this; its log says why")
            .with_cause(cause)
    }

    /// 503: the storage takes nothing now.
    #[must_use]
    pub fn cannot_store(trouble: Trouble) -> Self {
        let words = trouble.words();
        Self::unavailable("cannot-store", format!("the hub cannot store this, because {words}. Then try again"))
    }

    /// Adds the private cause, for the log.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds a field to the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to try again: a header, and a field of the answer.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, seconds)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What the caller is told.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl HttpError {
    /// What the caller is told, with the HTTP status; the cause goes to the log.
    pub(crate) fn into_problem(self) -> (StatusCode, Problem) {
        let Inner { status, code, detail, extra, cause } = *self.0;
        if let Some(cause) = &cause {
            let chain = Chain(cause.as_ref());
            if status.is_server_error() {
                tracing::error!(status = status.as_u16(), code, cause = %chain, "request failed");
            } else {
                tracing::info!(status = status.as_u16(), code, cause = %chain, "request refused");
            }
        }
        let problem = Problem {
            kind: format!("urn:pilah:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail,
            extra,
        };
        (status, problem)
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let (status, problem) = self.into_problem();
        let wait = problem.extra.get(RETRY_AFTER).and_then(serde_json::Value::as_u64);
        let mut response = (status, axum::Json(problem)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<DbErr> for HttpError {
    fn from(error: DbErr) -> Self {
        Self::internal(error)
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<BlobError> for HttpError {
    fn from(error: BlobError) -> Self {
        match &error {
            BlobError::Missing(_) => Self::not_found("nothing is stored under this name").with_cause(error),
            BlobError::Damaged(_) | BlobError::Storage(_) => Self::internal(error),
        }
    }
}

/// The JSON body of a request; one that cannot be read is a problem document, too.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> JsonBody<T> {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// 400, 413, 415 or 422, as the body is.
    pub async fn read(request: Request) -> Result<Self, HttpError> {
        match axum::Json::<T>::from_request(request, &()).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(HttpError::new(rejection.status(), "bad-json", rejection.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, _: &S) -> Result<Self, HttpError> {
        Self::read(request).await
    }
}

/// The query of a request; one that cannot be read is a problem document, too.
#[derive(Debug)]
pub struct QueryArgs<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryArgs<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(HttpError::new(rejection.status(), "bad-query", rejection.body_text())),
        }
    }
}

/// An error with its sources, each once, for one line of a log.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_cause_stays_inside() {
        let error = HttpError::internal(std::io::Error::other("/secret/path is full"));
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a small body");
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["type"], "urn:pilah:problem:internal");
        assert_eq!(problem["status"], 500);
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = HttpError::conflict("busy", "busy").with_cause(std::io::Error::other("because"));
        assert_eq!(Chain(&error).to_string(), "busy: because");
    }
}
