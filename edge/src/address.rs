//! Where the broker and the hub are. No secret can be part of an address.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// An address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(&'static str);

/// A broker: `mqtt://host[:port]`, or `mqtts://host[:port]` for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Name or IP address; an IPv6 address in brackets.
    pub host: String,
    /// 1883, or 8883 with TLS, unless another is named.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// A hub: `http://host[:port]` or `https://host[:port]`, and a path if a proxy puts it under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAddress(String);

/// A camera on the network: `http://host[:port]/path?query` or `https://…`. Shown without its query, which may hold
/// a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CameraAddress(Hidden);

/// A text whose query is not shown.
#[derive(Clone, PartialEq, Eq)]
struct Hidden(String);

impl FromStr for BrokerAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (tls, rest) = match text.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            _ => return Err(AddressError("it must begin with mqtt:// or mqtts://")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = authority(rest)?;
        Ok(Self { host: host.to_owned(), port: port.unwrap_or(if tls { 8883 } else { 1883 }), tls })
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl FromStr for HubAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = match text.split_once("://") {
            Some(("http" | "https", rest)) => rest,
            _ => return Err(AddressError("it must begin with http:// or https://")),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        authority(host)?;
        if path.contains(['?', '#']) {
            return Err(AddressError("it must have neither a query nor a fragment"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl HubAddress {
    /// The address with `path`, which begins with a slash, behind it.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// What lies below it: `path` begins with a slash.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        Self(self.join(path))
    }

    /// Protocol, host and port: whom a request reaches.
    #[must_use]
    pub fn origin(&self) -> &str {
        let host = self.0.find("://").map_or(0, |colon| colon + 3);
        self.0[host..].find('/').map_or(&self.0, |end| &self.0[..host + end])
    }
}

impl fmt::Display for HubAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CameraAddress {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        let rest = match text.split_once("://") {
            Some(("http" | "https", rest)) => rest,
            Some(("rtsp" | "rtsps" | "rtmp", _)) => {
                let words = "it must begin with http:// or https://; RTSP is read by ffmpeg, with kind = \"command\", as \
                             the sample configuration shows";
                return Err(AddressError(words));
            }
            _ => return Err(AddressError("it must begin with http:// or https://")),
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority(host)?;
        if rest.bytes().any(|b| b <= b' ' || b == b'#' || b >= 0x7f) {
            return Err(AddressError("it must have neither spaces nor a fragment, and other signs written as %XX"));
        }
        Ok(Self(Hidden(text)))
    }
}

impl CameraAddress {
    /// The whole address, query included: for the request, not for people.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.0
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.0.starts_with("https://")
    }
}

impl fmt::Display for CameraAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.0.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.split('?').next().unwrap_or_default())
    }
}

fn authority(text: &str) -> Result<(&str, Option<u16>), AddressError> {
    if text.contains('@') {
        return Err(AddressError("a password must not be part of an address: put it into a password_file"));
    }
    let (host, port) = match text.rfind(':') {
        Some(colon) if !text[colon..].contains(']') => (&text[..colon], Some(&text[colon + 1..])),
        _ => (text, None),
    };
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || !host.bytes().all(valid) || (host.contains(':') && !bracketed) {
        return Err(AddressError("it must name a host, as in host:1234 or [::1]:1234"));
    }
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err(AddressError("the port must be a number from 1 to 65535")),
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_brokers() {
        let cases = [
            ("mqtt://localhost", Some("mqtt://localhost:1883")),
            ("mqtts://hub.example.org", Some("mqtts://hub.example.org:8883")),
            ("mqtt://10.0.0.7:2883/", Some("mqtt://10.0.0.7:2883")),
            ("mqtt://[::1]:1884", Some("mqtt://[::1]:1884")),
            ("mqtt://[::1]", Some("mqtt://[::1]:1883")),
            ("http://localhost", None),
            ("localhost:1883", None),
            ("mqtt://", None),
            ("mqtt://:1883", None),
            ("mqtt://host:0", None),
            ("mqtt://host:99999", None),
            ("mqtt://b1:secret@host", None),
            ("mqtt://::1", None),
            ("mqtt://ho st", None),
            ("mqtt://host/path", None),
        ];
        for (text, expected) in cases {
            let parsed = text.parse::<BrokerAddress>().ok().map(|address| address.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_of_hubs() {
        let joined = |text: &str| text.parse::<HubAddress>().ok().map(|address| address.join("/api"));
        assert_eq!(joined("http://127.0.0.1:8080").as_deref(), Some("http://127.0.0.1:8080/api"));
        assert_eq!(joined("https://example.org/pilah/").as_deref(), Some("https://example.org/pilah/api"));
        for bad in ["ftp://x", "x", "http://", "http://a:b@x", "http://x/?q", "http://x:y"] {
            assert_eq!(joined(bad), None, "{bad}");
        }
    }
    #[test]
    fn addresses_of_cameras_are_shown_without_their_query() {
        let parse = |text: &str| CameraAddress::try_from(text.to_owned());
        let address = parse("http://10.0.0.9:81/stream?token=s3cret").expect("valid");
        assert_eq!(address.to_string(), "http://10.0.0.9:81/stream");
        assert!(!format!("{address:?}").contains("s3cret") && address.expose().ends_with("?token=s3cret"));
        assert!(parse("https://cam").is_ok_and(|address| address.is_tls()));
        for bad in
            ["rtsp://cam/1", "cam/1", "http://", "http://a:b@cam/", "http://cam/a b", "http://cam/#x", "http://c:y/"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
