//! The dashboard: one page whose script draws all others, and the files beside it, compiled in. What is on it
//! comes from the same interface that everybody else uses; its files hold nothing private and need no login.
//!
//! The page answers at `/` and at every address that a browser opens and that is no part of the interface,
//! such as `/fleet/bin-1`: the script reads the address. Its `<base>` names the path of the public address, if that
//! has one, and everything else is named relative to it. Files under `assets/` are named by their content and
//! kept by browsers for ever; the others are asked for again each time, so that a new hub shows its own page.

/// The files, if the program has them.
mod files;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use crate::address::Caller;
use crate::error::HttpError;
use files::File;

/// The page.
const INDEX: &str = "index.html";

/// Files named by their content.
const ASSETS: &str = "assets";

/// The interface: what is missing there is no page.
const INTERFACE: [&str; 4] = ["api", "health", "retrain", "forecast"];

/// How the page names the path that it is under, in the file.
const BASE: &str = "<base href=\"/\" />";

/// The page, which finds everything else under the path `base`.
pub(crate) fn index(headers: &HeaderMap, base: &str) -> Response {
    match files::get(INDEX) {
        Some(file) => answer(INDEX, &under(file, base), headers),
        None => HttpError::internal("index.html is not in the program").into_response(),
    }
}

/// What no route answers: a file, the page, or nothing.
pub(crate) async fn fallback(method: Method, uri: Uri, caller: Caller, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if matches!(method, Method::GET | Method::HEAD) {
        if let Some(file) = files::get(path).filter(|_| path != INDEX) {
            return answer(path, &file, &headers);
        }
        if path == INDEX || is_page(path) && wants_html(&headers) {
            return index(&headers, caller.base());
        }
    }
    let path: String = uri.path().chars().take(200).collect();
    HttpError::not_found(format!("there is nothing at {path}; /api/v1/openapi.json lists what there is"))
        .into_response()
}

/// The page with the path that it is under.
fn under(file: File, base: &str) -> File {
    let Some(text) = std::str::from_utf8(&file.content).ok().filter(|_| base != "/") else { return file };
    let content = text.replacen(BASE, &format!("<base href=\"{base}\" />"), 1);
    // The path has letters that a tag may have, once its slashes are none.
    File { name: format!("{}{}", file.name, base.replace('/', "-")), content: Bytes::from(content) }
}

/// Whether the script may have a page at this path.
fn is_page(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    first != ASSETS && !INTERFACE.contains(&first)
}

/// Browsers ask so for what a person opens, and not for what a page loads.
fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn answer(path: &str, file: &File, headers: &HeaderMap) -> Response {
    let keep = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    // Weak: the same content may be sent compressed.
    let tag = format!("W/\"{}\"", file.name);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
    let tag = HeaderValue::try_from(tag).expect("hexadecimal digits");
    let about = [(header::CACHE_CONTROL, HeaderValue::from_static(keep)), (header::ETAG, tag)];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(header::CONTENT_TYPE, content_type(path))], file.content.clone()).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "webmanifest" => "application/json",
        "md" | "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
