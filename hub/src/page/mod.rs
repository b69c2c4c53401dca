//! The page that a browser gets: three files, compiled in. What is on it comes from the same interface
//! that everybody else uses; the page itself holds nothing private and needs no login.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::state::AppState;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The files beside the page.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/page.css", get(|| async { file(CSS, include_str!("page.css")) }))
        .route("/page.js", get(|| async { file(SCRIPT, include_str!("page.js")) }))
        .route("/charts.js", get(|| async { file(SCRIPT, include_str!("charts.js")) }))
        .route("/icon.svg", get(|| async { file(SVG, include_str!("icon.svg")) }))
}

/// The page.
pub(crate) fn index() -> Response {
    file(HTML, include_str!("index.html"))
}

fn file(kind: &'static str, content: &'static str) -> Response {
    // "no-cache": kept, but asked for again, so that a new version of the hub shows its own page.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], content).into_response()
}
