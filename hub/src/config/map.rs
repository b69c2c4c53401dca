//! Where map pictures come from. Without such an address the dashboard asks no other server for anything.

use std::fmt;
use std::str::FromStr;

/// The address of map pictures, with `{z}`, `{x}` and `{y}` for zoom, column and row (Web Mercator).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    url: String,
    origin: String,
}

/// An address that map pictures cannot come from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: give an address such as https://tiles.example.org/{{z}}/{{x}}/{{y}}.png")]
pub struct MapTilesError {
    problem: &'static str,
}

impl MapTiles {
    /// The address, with its three places.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Scheme, host and port: what the page's content security policy must allow.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for MapTiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl FromStr for MapTiles {
    type Err = MapTilesError;

    fn from_str(url: &str) -> Result<Self, MapTilesError> {
        let wrong = |problem| Err(MapTilesError { problem });
        let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        else {
            return wrong("it begins neither with https:// nor with http://");
        };
        let Some((host, path)) = rest.split_once('/') else { return wrong("it has no path") };
        // What ends up in a header must not say more than where.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(plain) {
            return wrong("its host is not a name or an address with an optional port");
        }
        if !["{z}", "{x}", "{y}"].iter().all(|place| path.contains(place)) {
            return wrong("its path lacks one of {z}, {x} and {y}");
        }
        if !path.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '\\')) {
            return wrong("it holds a character that does not belong into an address");
        }
        Ok(Self { url: url.to_owned(), origin: format!("{scheme}://{host}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_their_origins() {
        let cases = [
            ("https://tiles.example.org/{z}/{x}/{y}.png", Some("https://tiles.example.org")),
            ("http://127.0.0.1:8082/osm/{z}/{x}/{y}.webp?key=a1", Some("http://127.0.0.1:8082")),
            ("https://[::1]:8082/{z}/{y}/{x}", Some("https://[::1]:8082")),
            ("tiles.example.org/{z}/{x}/{y}.png", None),
            ("ftp://tiles.example.org/{z}/{x}/{y}.png", None),
            ("https://tiles.example.org", None),
            ("https:///{z}/{x}/{y}.png", None),
            ("https://{s}.example.org/{z}/{x}/{y}.png", None),
            ("https://user@tiles.example.org/{z}/{x}/{y}.png", None),
            ("https://a; script-src *.example.org/{z}/{x}/{y}.png", None),
            ("https://tiles.example.org/{z}/{x}.png", None),
            ("https://tiles.example.org/{z}/{x}/{y}.png\r\nx: y", None),
        ];
        for (url, origin) in cases {
            assert_eq!(url.parse::<MapTiles>().ok().as_ref().map(MapTiles::origin), origin, "{url}");
        }
        let error = "tiles".parse::<MapTiles>().expect_err("is refused").to_string();
        assert!(error.contains("https://tiles.example.org/{z}/{x}/{y}.png"), "{error}");
    }
}
