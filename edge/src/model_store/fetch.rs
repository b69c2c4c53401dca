//! Artifacts over HTTP: `GET {hub}/api/v1/artifacts/{sha256}` with the bin's credentials.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pilah_models::name::{BinId, ContentId};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::config::address::HubAddress;
use crate::config::{HubConfig, Secret};

/// How long the hub may take to accept a connection, and to begin its answer.
const CONNECT: Duration = Duration::from_secs(10);

/// How long one artifact may take: 64 MiB at 1 Mbit/s.
const WHOLE: Duration = Duration::from_secs(600);

/// An artifact that did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer, or it broke off.
    #[error("{url}: {reason}")]
    Transport {
        /// What was asked for.
        url: String,
        /// What is wrong, in words.
        reason: String,
    },
    /// The hub answered, but not with the artifact.
    #[error("{url}: the hub answers {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// Its status code.
        status: u16,
    },
    /// There is more than there may be.
    #[error("{url}: more than the {limit} bytes that it may have")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The most bytes.
        limit: u64,
    },
    /// No hub is configured.
    #[error("no [hub] is configured to fetch it from")]
    NoHub,
}

impl FetchError {
    /// Whether the same attempt may succeed later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::Status { .. })
    }
}

/// The hub cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("hub.ca_file: {} cannot be used: {reason}", path.display())]
pub struct CertificateError {
    path: PathBuf,
    reason: String,
}

/// Those who may vouch for a server, from a PEM file; or why not, in words.
pub(crate) fn root_certs(path: &Path) -> Result<RootCerts, String> {
    let pem = std::fs::read(path).map_err(|e| e.to_string())?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// A hub and the credentials for it.
#[derive(Clone)]
pub struct Hub {
    agent: ureq::Agent,
    address: HubAddress,
    authorization: String,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Hub {
    /// Prepares requests; makes none.
    ///
    /// # Errors
    /// The file with the certificates cannot be read or holds none.
    pub fn new(config: &HubConfig, bin: &BinId, password: &Secret) -> Result<Self, CertificateError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &config.ca_file {
            let failed = |reason: String| CertificateError { path: path.clone(), reason };
            tls = tls.root_certs(root_certs(path).map_err(failed)?);
        }
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        let credentials = STANDARD.encode(format!("{bin}:{}", password.expose()));
        Ok(Self { agent, address: config.address.clone(), authorization: format!("Basic {credentials}") })
    }

    /// Fetches an artifact of at most `limit` bytes. Blocks.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn fetch(&self, id: &ContentId, limit: u64) -> Result<Vec<u8>, FetchError> {
        let url = self.address.join(&format!("/api/v1/artifacts/{id}"));
        let failed = |error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(_) => FetchError::TooLarge { url: url.clone(), limit },
            error => FetchError::Transport { url: url.clone(), reason: error.to_string() },
        };
        let response = self.agent.get(&url).header("Authorization", &self.authorization).call();
        let mut response = response.map_err(failed)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url, status });
        }
        let stated = response.body().content_length();
        if stated.is_some_and(|stated| stated > limit) {
            return Err(FetchError::TooLarge { url, limit });
        }
        // One byte more, so that what has exactly the limit passes.
        let bytes = response.body_mut().with_config().limit(limit + 1).read_to_vec().map_err(failed)?;
        match stated {
            _ if bytes.len() as u64 > limit => Err(FetchError::TooLarge { url, limit }),
            Some(stated) if stated != bytes.len() as u64 => {
                let broke_off = io::Error::from(io::ErrorKind::UnexpectedEof);
                Err(FetchError::Transport { url, reason: broke_off.to_string() })
            }
            _ => Ok(bytes),
        }
    }
}

/// How a hub answers who only asks whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAnswer {
    /// The status code.
    pub status: u16,
    /// What time it is there, as the header `Date` says.
    pub date: Option<String>,
}

impl Hub {
    /// Asks for the page at `path`, which begins with a slash, and reads none of it. Blocks.
    ///
    /// # Errors
    /// [`FetchError::Transport`]: no answer.
    pub fn ask(&self, path: &str) -> Result<HubAnswer, FetchError> {
        let url = self.address.join(path);
        let response = self.agent.get(&url).header("Authorization", &self.authorization).call();
        let response = response.map_err(|error| FetchError::Transport { url, reason: error.to_string() })?;
        let date = response.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
        Ok(HubAnswer { status: response.status().as_u16(), date })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request with these bytes, and returns the request.
    fn answer(response: Vec<u8>) -> (Hub, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/pilah", listener.local_addr().expect("bound"));
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).expect("a request");
            stream.write_all(&response).expect("writes");
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let config = HubConfig { address: address.parse().expect("valid"), ca_file: None };
        let bin = BinId::new("b1").expect("valid");
        (Hub::new(&config, &bin, &Secret::from("pw".to_owned())).expect("no certificates needed"), thread)
    }

    fn http(head: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    #[test]
    fn asks_by_content_with_the_bins_credentials() {
        let id = ContentId::of(b"x");
        let (hub, request) = answer(http("200 OK", b"12345"));
        assert_eq!(hub.fetch(&id, 5).expect("it fits exactly"), b"12345");
        let request = request.join().expect("answered").to_ascii_lowercase();
        assert!(request.starts_with(&format!("get /pilah/api/v1/artifacts/{id} ")), "{request}");
        assert!(request.contains("authorization: basic yje6chc="), "base64 of b1:pw: {request}");
        assert!(!format!("{hub:?}").contains("YjE6"), "the credentials are not shown");
    }

    #[test]
    fn what_does_not_come_whole_is_an_error_that_says_whether_it_may_pass() {
        let mut short = http("200 OK", b"12345");
        short.truncate(short.len() - 2);
        let cases = [
            (http("200 OK", b"123456"), "more than the 5 bytes", false),
            (http("401 Unauthorized", b""), "the hub answers 401", true),
            (http("404 Not Found", b"12"), "the hub answers 404", true),
            (http("302 Found\r\nLocation: http://127.0.0.1:1/", b""), "the hub answers 302", true),
            (short, "http://127.0.0.1", true),
            (b"nonsense\r\n\r\n".to_vec(), "http://127.0.0.1", true),
        ];
        for (response, expected, may_pass) in cases {
            let (hub, request) = answer(response);
            let error = hub.fetch(&ContentId::of(b"x"), 5).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.may_pass(), may_pass, "{error}");
            request.join().expect("answered");
        }
    }
}
