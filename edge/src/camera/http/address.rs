//! Where an answer sends elsewhere: followed within the same camera, and nowhere else.

use ureq::http::Uri;

/// The address that `location` means in an answer from `from`, if it is of the same host: on the same port, or by
/// TLS where there was none.
///
/// # Errors
/// It is elsewhere, or no address, in words.
pub(super) fn redirected(from: &str, location: &str) -> Result<String, String> {
    let no_address = || "it sends elsewhere, but not to an address".to_owned();
    let old: Uri = from.parse().map_err(|_| no_address())?;
    let (scheme, authority) = (old.scheme_str().unwrap_or("http"), old.authority().ok_or_else(no_address)?);
    let location = location.split('#').next().unwrap_or_default();
    let joined = match location {
        "" => return Err(no_address()),
        absolute if is_absolute(absolute) => absolute.to_owned(),
        other if other.starts_with("//") => format!("{scheme}:{other}"),
        path if path.starts_with('/') => format!("{scheme}://{authority}{path}"),
        query if query.starts_with('?') => format!("{scheme}://{authority}{}{query}", old.path()),
        relative => {
            let folder = old.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{scheme}://{authority}{folder}/{relative}")
        }
    };
    let new: Uri = joined.parse().map_err(|_| no_address())?;
    let place = |uri: &Uri| {
        let is_tls = uri.scheme_str() == Some("https");
        (
            uri.host().unwrap_or_default().to_ascii_lowercase(),
            uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
        )
    };
    let ((old_host, old_port, was_tls), (host, port, is_tls)) = (place(&old), place(&new));
    let is_http = matches!(new.scheme_str(), Some("http" | "https"));
    let is_same = is_http && host == old_host && ((port == old_port && is_tls == was_tls) || (is_tls && !was_tls));
    if is_same && !new.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Ok(joined);
    }
    Err(format!("it sends elsewhere, to {}:{port}: if that is the camera, set camera.url to that address", host))
}

fn is_absolute(location: &str) -> bool {
    location.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What a request for this address asks for: its path and query.
pub(super) fn path_of(address: &str) -> String {
    let uri = address.parse::<Uri>().ok();
    uri.and_then(|uri| uri.path_and_query().map(ToString::to_string)).unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_host_is_followed() {
        let from = "http://cam:81/a/snap.cgi?n=1";
        let cases = [
            ("/img.jpg", Some("http://cam:81/img.jpg")),
            ("img.jpg?x", Some("http://cam:81/a/img.jpg?x")),
            ("/login?next=http://other/", Some("http://cam:81/login?next=http://other/")),
            ("?n=2", Some("http://cam:81/a/snap.cgi?n=2")),
            ("http://CAM:81/b#top", Some("http://CAM:81/b")),
            ("//cam:81/b", Some("http://cam:81/b")),
            ("https://cam/b", Some("https://cam/b")),
            ("https://cam:8443/b", Some("https://cam:8443/b")),
            ("http://cam/b", None),
            ("http://other:81/b", None),
            ("//other/b", None),
            ("http://me@cam:81/b", None),
            ("ftp://cam:81/b", None),
            ("", None),
        ];
        for (location, expected) in cases {
            assert_eq!(redirected(from, location).ok().as_deref(), expected, "{location}");
        }
        assert_eq!(redirected("https://cam/", "/b").as_deref(), Ok("https://cam/b"));
        let words = redirected("https://cam/", "http://cam/b").expect_err("without TLS");
        assert!(words.contains("to cam:80") && words.contains("set camera.url to that address"), "{words}");
        assert_eq!((path_of(from).as_str(), path_of("http://cam").as_str()), ("/a/snap.cgi?n=1", "/"));
    }
}
