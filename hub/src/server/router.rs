//! Every route, and what applies to all of them.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::trace::TraceLayer;

use super::{AppState, openapi, status};
use crate::address::know_the_caller;
use crate::config::MapTiles;
use crate::error::HttpError;
use crate::{
    auth, dashboard, dataset, evaluate, exchange, fleet, forecast, live, predict, registry, review, rollout, search,
    settings, statistics, train, updates,
};

/// No request body is larger, in bytes, except where a route says otherwise.
const LARGEST_BODY: usize = 256 * 1024;

/// Nothing but our own scripts may run, and nobody may frame us. Styles may stand in the page, because the
/// dashboard's components set them on elements. Pictures may come from memory, because what a person
/// chooses to upload is shown before it is sent, and those of maps from where the hub was told. The page names
/// the path that it is under, which is ours.
fn content_security_policy(tiles: Option<&MapTiles>) -> HeaderValue {
    let maps = tiles.map(|tiles| format!(" {}", tiles.origin())).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:{maps}; \
         media-src blob:; connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("an origin is printable")
}

/// Headers of every answer, besides the policy.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    // A photo of an item may be taken; nobody listens.
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=()"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The routes of every stage.
fn stages() -> Router<AppState> {
    Router::new()
        .merge(status::routes())
        .route("/api/v1/openapi.json", get(openapi::serve))
        .merge(settings::routes::routes())
        .merge(auth::routes())
        .merge(fleet::routes())
        .merge(dataset::routes::routes())
        .merge(review::routes::routes())
        .merge(statistics::routes::routes())
        .merge(search::routes::routes())
        .merge(train::routes::routes())
        .merge(registry::routes::routes())
        .merge(exchange::routes::routes())
        .merge(evaluate::routes::routes())
        .merge(updates::routes::routes())
        .merge(rollout::routes::routes())
        .merge(predict::routes::routes())
        .merge(forecast::routes::routes())
        .merge(live::routes())
}

/// The hub's HTTP interface. There is no CORS: no other site may read what is here.
pub(super) fn router(state: AppState) -> Router {
    let policy = content_security_policy(state.config.map_tiles.as_ref());
    stages()
        .fallback(dashboard::fallback)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(as_problem))
        .layer(middleware::from_fn_with_state(state.config.site.clone(), know_the_caller))
        .layer(middleware::from_fn_with_state(policy, with_headers))
        .layer(CompressionLayer::new().quality(QUALITY).compress_when(text()))
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}

/// How hard answers are compressed. Brotli at 5 makes scripts 6 % smaller than at 4, in the same time; at 9 it
/// saves 2 % more in four times the time.
const QUALITY: CompressionLevel = CompressionLevel::Precise(5);

/// What gets smaller by compression: scripts, styles and JSON. Streams of events go out as they come; pictures,
/// archives and weights are as small as they get, and what fits into a packet is sent as it is.
fn text() -> impl Predicate {
    DefaultPredicate::new()
        .and(SizeAbove::new(1024))
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/octet-stream"))
}

async fn with_headers(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        // nginx, and those who copied this of it, would gather events until a buffer is full.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    }
    // What is private must not stay in a cache; a route that is not says so itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The longest words of a refusal that is made one of ours, in bytes.
const LONGEST_WORDS: usize = 4096;

/// What the framework refuses by itself (a number in a path that is none, a form without a boundary) becomes a
/// problem document, too.
async fn as_problem(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_text = kind.is_none_or(|kind| kind.starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_text {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), LONGEST_WORDS).await.unwrap_or_default();
    let words = match String::from_utf8_lossy(&words).trim() {
        "" => status.canonical_reason().unwrap_or("refused").to_owned(),
        words => words.to_owned(),
    };
    HttpError::new(status, "bad-request", words).into_response()
}

async fn no_such_method(method: Method, uri: Uri) -> HttpError {
    let path: String = uri.path().chars().take(200).collect();
    HttpError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        format!("{path} does not know {method}; /api/v1/openapi.json lists what it knows"),
    )
}

#[cfg(test)]
mod tests;
