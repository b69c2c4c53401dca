//! Text is sent compressed (gzip) to whoever can read that: the dashboard's scripts and styles, and JSON.
//!
//! Only what is whole in memory is compressed. A stream of events goes out as it comes, and images and
//! archives would not get smaller.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::HttpError;

/// What fits into a packet is sent as it is, in bytes.
const SMALLEST: u64 = 1024;

/// What is larger is sent as it is, in bytes: nothing that a page asks for. Each answer of this size costs
/// some 0.2 s of a processor.
const LARGEST: u64 = 16 << 20;

/// Compresses the answers that get smaller by it.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let accepted = accepts_gzip(request.headers());
    let mut response = next.run(request).await;
    let whole = response.body().size_hint().exact();
    let fits = whole.is_some_and(|size| (SMALLEST..=LARGEST).contains(&size));
    if !fits || !is_text(response.headers()) || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !accepted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, LARGEST as usize).await {
        Ok(bytes) => bytes,
        Err(error) => return HttpError::internal(error).into_response(),
    };
    let small = tokio::task::spawn_blocking(move || gzip(&bytes)).await;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(small.expect("compressing does not panic and is not aborted")))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes what is written")
}

/// Whether a client can read gzip (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings = lists.flat_map(|list| list.split(',')).filter_map(|coding| {
        let (name, rest) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>).ok()?;
        Some((name.trim().to_ascii_lowercase(), weight))
    });
    codings.into_iter().any(|(name, weight)| name == "gzip" && weight > 0.0)
}

/// Whether an answer gets smaller.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/") && kind != "text/event-stream";
    is_text || matches!(kind, "application/json" | "application/problem+json" | "image/svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_read_it() {
        let cases = [
            (None, false),
            (Some("gzip"), true),
            (Some("GZIP, deflate"), true),
            (Some("deflate, gzip;q=0.5"), true),
            (Some("br, gzip; q=0"), false),
            (Some("gzip;q=x"), false),
            (Some("identity"), false),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(accepts_gzip(&headers), expected, "{value:?}");
        }
    }

    #[test]
    fn what_gets_smaller() {
        for (kind, expected) in [
            ("text/html; charset=utf-8", true),
            ("text/javascript", true),
            ("application/json", true),
            ("application/problem+json", true),
            ("image/svg+xml", true),
            ("text/event-stream", false),
            ("image/jpeg", false),
            ("application/zip", false),
            ("application/octet-stream", false),
        ] {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect();
            assert_eq!(is_text(&headers), expected, "{kind}");
        }
    }
}
