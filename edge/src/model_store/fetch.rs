//! Artifacts over HTTP: `GET {hub}/api/v1/artifacts/{sha256}` with the bin's credentials. What has come of one is asked
//! for no second time (`Range: bytes=N-`); a hub that does not know how sends all of it again.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pilah_models::durable::Growing;
use pilah_models::name::{BinId, ContentId};
use pilah_trust::target::{STEP, fill};
use ureq::tls::TlsConfig;

use crate::address::HubAddress;
use crate::certificates::{self, root_certs};
use crate::secret::Secret;

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
    /// What comes cannot be kept.
    #[error("what comes cannot be written")]
    Write(#[source] io::Error),
    /// Nobody wants it any more.
    #[error("it is not wanted any more")]
    NotWanted,
    /// No hub is configured.
    #[error("no [hub] is configured to fetch it from")]
    NoHub,
}

impl FetchError {
    /// Whether the same attempt may succeed later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::Status { .. } | Self::Write(_) | Self::NotWanted)
    }
}

/// An artifact that comes.
pub struct Incoming {
    /// From which of its bytes on.
    pub from: u64,
    /// How many bytes follow, if the hub says so.
    pub stated: Option<u64>,
    /// The bytes.
    pub body: Box<dyn Read>,
    /// What was asked for.
    pub url: String,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("from", &self.from).field("url", &self.url).finish_non_exhaustive()
    }
}

/// Bytes that are read at once, and after which it is asked whether they are still wanted.
const PIECE: usize = STEP;

impl Incoming {
    /// Appends what comes to `sink`, piece by piece, as long as `is_wanted`, until the artifact has `limit` bytes at most.
    ///
    /// # Errors
    /// [`FetchError`]; what came before it is in `sink`.
    pub fn copy_to(self, sink: &mut Growing, limit: u64, is_wanted: &dyn Fn() -> bool) -> Result<(), FetchError> {
        let Self { from, stated, mut body, url } = self;
        let (mut piece, mut come) = (vec![0; PIECE], 0_u64);
        loop {
            if !is_wanted() {
                return Err(FetchError::NotWanted);
            }
            let (read, broken) = fill(&mut body, &mut piece);
            come += read as u64;
            if from + come > limit {
                return Err(FetchError::TooLarge { url, limit });
            }
            if read > 0 {
                sink.append(&piece[..read]).map_err(FetchError::Write)?;
            }
            match broken {
                Some(error) => return Err(FetchError::Transport { url, reason: error.to_string() }),
                None if read == 0 => break,
                None => {}
            }
        }
        if stated.is_some_and(|stated| stated != come) {
            let broke_off = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(FetchError::Transport { url, reason: broke_off.to_string() });
        }
        Ok(())
    }
}

/// Where the part begins that `Content-Range: bytes FROM-TO/ALL` (RFC 9110, 14.4) announces.
pub(super) fn begins_at(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// The configuration's key of those who may vouch for the hub.
const CA_FILE: &str = "hub.ca_file";

/// A server cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {} cannot be used: {reason}", path.display())]
pub struct CertificateError {
    key: &'static str,
    path: PathBuf,
    reason: String,
}

/// What asks a server. Those in `ca_file`, by its key in the configuration, may vouch for it; `whole` is how long one answer
/// may take.
pub(super) fn agent(
    key: &'static str,
    ca_file: Option<&Path>,
    whole: Duration,
) -> Result<ureq::Agent, CertificateError> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = ca_file {
        let failed = |reason: String| CertificateError { key, path: path.to_owned(), reason };
        tls = tls.root_certs(root_certs(path).map_err(failed)?);
    }
    let config = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(CONNECT))
        .timeout_global(Some(whole))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .build();
    Ok(config.new_agent())
}

/// The bin's credentials, as HTTP has them.
pub(super) fn basic(bin: &BinId, password: &Secret) -> String {
    format!("Basic {}", STANDARD.encode(format!("{bin}:{}", password.expose())))
}

/// Where artifacts are fetched.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// The hub's address.
    pub address: HubAddress,
    /// Certificates, in PEM, of those who may vouch for the hub; `None`: the public ones.
    pub ca_file: Option<PathBuf>,
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
        let agent = agent(CA_FILE, config.ca_file.as_deref(), WHOLE)?;
        let authorization = basic(bin, password);
        Ok(Self { agent, address: config.address.clone(), authorization })
    }

    /// Asks for an artifact of at most `limit` bytes, of which the first `have` have come before. Blocks.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn fetch(&self, id: &ContentId, have: u64, limit: u64) -> Result<Incoming, FetchError> {
        let url = self.address.join(&format!("/api/v1/artifacts/{id}"));
        let mut request = self.agent.get(&url).header("Authorization", &self.authorization);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let response =
            request.call().map_err(|error| FetchError::Transport { url: url.clone(), reason: in_words(&error) })?;
        let from = match (response.status().as_u16(), response.headers().get("content-range")) {
            (200, _) => 0,
            (206, Some(range)) if have > 0 => match range.to_str().ok().and_then(begins_at) {
                Some(from) if from <= have => from,
                _ => return Err(FetchError::Status { url, status: 206 }),
            },
            (status, _) => return Err(FetchError::Status { url, status }),
        };
        let stated = response.body().content_length();
        if stated.is_some_and(|stated| from + stated > limit) {
            return Err(FetchError::TooLarge { url, limit });
        }
        Ok(Incoming { from, stated, body: Box::new(response.into_body().into_reader()), url })
    }
}

/// Why there is no answer. The client says of TLS what it cannot verify; what to do about it is said by
/// [`certificates::explained`].
fn in_words(error: &ureq::Error) -> String {
    certificates::explained(CA_FILE, error.to_string())
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
        let response = response.map_err(|error| FetchError::Transport { url, reason: in_words(&error) })?;
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

    /// All of an artifact, of which the first `have` have come before.
    fn fetch(hub: &Hub, id: &ContentId, have: u64, limit: u64) -> Result<(u64, Vec<u8>), FetchError> {
        let incoming = hub.fetch(id, have, limit)?;
        let from = incoming.from;
        let (copied, bytes) = copied(incoming, limit, &|| true);
        copied.map(|()| (from, bytes))
    }

    /// What of an artifact is written, whatever ends it.
    fn copied(incoming: Incoming, limit: u64, is_wanted: &dyn Fn() -> bool) -> (Result<(), FetchError>, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("part");
        let mut part = Growing::open(&path).expect("made");
        let result = incoming.copy_to(&mut part, limit, is_wanted);
        (result, std::fs::read(&path).expect("reads"))
    }

    #[test]
    fn what_has_come_before_is_not_asked_for_again() {
        let part = http("206 Partial Content\r\nContent-Range: bytes 3-4/5", b"45");
        let all = http("200 OK", b"12345");
        let elsewhere = http("206 Partial Content\r\nContent-Range: bytes 4-4/5", b"5");
        let beyond = http("416 Range Not Satisfiable\r\nContent-Range: bytes */5", b"");
        for (response, expected) in [
            (part, Ok((3, b"45".to_vec()))),
            (all, Ok((0, b"12345".to_vec()))),
            (elsewhere, Err("answers 206")),
            (beyond, Err("answers 416")),
        ] {
            let (hub, request) = answer(response);
            let came = fetch(&hub, &ContentId::of(b"x"), 3, 5);
            let request = request.join().expect("answered").to_ascii_lowercase();
            assert!(request.contains("\r\nrange: bytes=3-\r\n"), "{request}");
            match (came, expected) {
                (Ok(came), Ok(expected)) => assert_eq!(came, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (came, expected) => panic!("{came:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_wanted_any_more_ends_between_two_pieces() {
        let (hub, request) = answer(http("200 OK", &[7; 3 * PIECE]));
        let incoming = hub.fetch(&ContentId::of(b"x"), 0, 1 << 20).expect("it begins");
        let left = std::cell::Cell::new(2);
        let is_wanted = || left.replace(left.get() - 1) > 0;
        let (ended, bytes) = copied(incoming, 1 << 20, &is_wanted);
        let error = ended.expect_err("it ends");
        assert!(matches!(error, FetchError::NotWanted) && error.may_pass(), "{error}");
        assert!((1..3 * PIECE).contains(&bytes.len()), "what came before is kept: {}", bytes.len());
        drop(request);
    }

    #[test]
    fn asks_by_content_with_the_bins_credentials() {
        let id = ContentId::of(b"x");
        let (hub, request) = answer(http("200 OK", b"12345"));
        assert_eq!(fetch(&hub, &id, 0, 5).expect("it fits exactly"), (0, b"12345".to_vec()));
        let request = request.join().expect("answered").to_ascii_lowercase();
        assert!(request.starts_with(&format!("get /pilah/api/v1/artifacts/{id} ")), "{request}");
        assert!(request.contains("authorization: basic yje6chc="), "base64 of b1:pw: {request}");
        assert!(!request.contains("range:"), "{request}");
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
            let error = fetch(&hub, &ContentId::of(b"x"), 0, 5).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.may_pass(), may_pass, "{error}");
            request.join().expect("answered");
        }
    }
}
