//! The address that people open.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// The address at which people's browsers find the hub: `https://pilah.example.org/`, or with a path,
/// `https://example.org/pilah/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    base: String,
}

/// What cannot be a public address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// It is no address.
    #[error(
        "{0:?} is not the address of a page: write it as https://pilah.example.org/ or http://10.0.0.7:8080/pilah/"
    )]
    NotAnAddress(String),
    /// It has more than scheme, host, port and path.
    #[error("the public address has no name, password, query or fragment in it")]
    TooMuch,
    /// Its path has what cannot stand in a page or a cookie as it is.
    #[error("the path {0:?} of the public address has letters other than a-z, A-Z, 0-9, '-', '_', '.', '~' and '/'")]
    Path(String),
}

impl PublicUrl {
    /// Scheme, host and port, as browsers write it into `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path, with a slash at both ends.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether browsers speak TLS to it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.base)
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let not_one = || PublicUrlError::NotAnAddress(text.chars().take(200).collect());
        let uri: Uri = text.parse().map_err(|_| not_one())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(not_one)?;
        let authority = uri.authority().ok_or_else(not_one)?;
        if authority.as_str().contains('@') || uri.query().is_some() || text.contains('#') {
            return Err(PublicUrlError::TooMuch);
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err(not_one());
        }
        // Browsers leave out the port that a scheme has anyway.
        let usual = if scheme == "https" { 443 } else { 80 };
        let port = authority.port_u16().filter(|port| *port != usual);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~/".contains(c);
        let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
        if !uri.path().chars().all(plain) || segments.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(PublicUrlError::Path(uri.path().chars().take(200).collect()));
        }
        let base = segments.iter().fold("/".to_owned(), |base, segment| format!("{base}{segment}/"));
        Ok(Self { origin: format!("{scheme}://{host}{port}"), base })
    }
}
