//! Whether a request comes from our own page, from a program, or from another site in the user's
//! browser. Pure: headers in, answer out.
//!
//! Browsers tell by `Sec-Fetch-Site`, and older ones by `Origin`. The cookie is `SameSite=Strict`
//! besides; this is the second lock.

use axum::http::{HeaderMap, Method, header};

use crate::address::Caller;

/// A header that our page sends. Another site cannot, without asking the server first (CORS), and the
/// server never agrees.
pub(super) const HEADER: &str = "x-pilah-csrf";

/// What the headers say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It shows that it is from our own page.
    Own,
    /// It shows that it is from somewhere else.
    Foreign,
    /// It shows nothing: a program, or a browser from before 2020.
    Unknown,
}

/// Where a request comes from.
pub(super) fn of(headers: &HeaderMap, caller: &Caller) -> Origin {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        // "none": typed, or from a bookmark.
        Some("same-origin" | "none") => return Origin::Own,
        Some(_) => return Origin::Foreign,
        None => {}
    }
    if let Some(origin) = text(header::ORIGIN.as_str()) {
        return if caller.is_own_origin(origin, headers) { Origin::Own } else { Origin::Foreign };
    }
    if headers.contains_key(HEADER) { Origin::Own } else { Origin::Unknown }
}

/// Whether a request with this method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn own_foreign_and_unknown() {
        let cases: [(&[(&str, &str)], Origin); 10] = [
            (&[], Origin::Unknown),
            (&[("x-pilah-csrf", "1")], Origin::Own),
            (&[("sec-fetch-site", "same-origin")], Origin::Own),
            (&[("sec-fetch-site", "none")], Origin::Own),
            (&[("sec-fetch-site", "cross-site"), ("x-pilah-csrf", "1")], Origin::Foreign),
            (&[("sec-fetch-site", "same-site")], Origin::Foreign),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], Origin::Own),
            (&[("origin", "http://127.0.0.1:9999"), ("host", "127.0.0.1:8080")], Origin::Foreign),
            (&[("origin", "null"), ("host", "127.0.0.1:8080")], Origin::Foreign),
            (&[("origin", "https://evil.example"), ("host", "hub.example"), ("x-pilah-csrf", "1")], Origin::Foreign),
        ];
        for (headers, expected) in cases {
            let map = headers
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value")))
                .collect();
            assert_eq!(of(&map, &Caller::default()), expected, "{headers:?}");
        }
    }
}
