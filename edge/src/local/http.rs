//! As much of HTTP/1.1 as the local pages take: one request per connection, a head of 8 KiB, a body of
//! 4 KiB, answers that are whole or a stream of pictures.
//!
//! The bin is no web server: a framework would be most of its size. What parses is `httparse`; what is
//! here bounds it. At most [`MOST_CONNECTIONS`] are served at once, each request must be there within
//! [`PATIENCE`], and whoever reads slower than that is dropped. So a client that does nothing, or a
//! hundred of them, hold at most 16 × 12 KiB and a task each.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::live::{Pictures, send_pictures};

/// Connections at once; a further one is closed at once.
pub const MOST_CONNECTIONS: usize = 16;

/// The most bytes of a request before its body.
const LARGEST_HEAD: usize = 8 * 1024;

/// The most bytes of a request's body.
const LARGEST_BODY: usize = 4 * 1024;

/// The most headers of a request.
const MOST_HEADERS: usize = 64;

/// How long a request may take to arrive, and one write to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause when the machine has no room for a further connection.
const NO_ROOM: Duration = Duration::from_millis(200);

/// What answers requests.
pub trait Serve: Send + Sync + 'static {
    /// Answers a request that came at `now`. Must not block.
    fn handle(&self, request: &Request, now: Instant) -> Reply;

    /// It is served from now on, at this address.
    fn begins(&self, _at: std::net::SocketAddr) {}
}

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// As `GET`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Names in lower case; values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.iter().filter(|(header, _)| header == "cookie");
        let mut pairs = cookies.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// One that is there.
    Whole {
        /// The status code.
        status: u16,
        /// Headers beyond length, caching and safety.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Pictures, as they come.
    Live(Pictures),
}

impl Reply {
    /// A body of this media type.
    #[must_use]
    pub fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    /// A line of words.
    #[must_use]
    pub fn plain(status: u16, words: &str) -> Self {
        Self::text(status, "text/plain; charset=utf-8", format!("{words}\n"))
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// A request that is not answered as asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is no HTTP.
    #[error("not an HTTP request")]
    Malformed,
    /// Its head or body is too large.
    #[error("the request is too large")]
    TooLarge,
    /// Its body comes in a way that is not read here.
    #[error("a body needs a Content-Length")]
    Length,
}

impl RequestError {
    fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Length => 411,
            Self::TooLarge => 413,
        }
    }
}

/// Answers connections until the listener fails for good, which it does not.
pub async fn serve(listener: TcpListener, server: Arc<impl Serve>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                tokio::time::sleep(NO_ROOM).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            // Whoever breaks off has no use for an error.
            answer(stream, &*server).await.ok();
            drop(place);
        });
    }
}

async fn answer(mut stream: TcpStream, server: &impl Serve) -> io::Result<()> {
    let reply = match timeout(PATIENCE, read(&mut stream)).await {
        Ok(Ok(Ok(request))) => server.handle(&request, Instant::now()),
        Ok(Ok(Err(error))) => Reply::plain(error.status(), &error.to_string()),
        Ok(Err(error)) => return Err(error),
        Err(_) => Reply::plain(408, "the request did not come in time"),
    };
    match reply {
        Reply::Whole { status, headers, body } => {
            let mut head = head(status, &headers);
            head += &format!("Content-Length: {}\r\n\r\n", body.len());
            let bytes = [head.as_bytes(), &body].concat();
            timeout(PATIENCE, stream.write_all(&bytes)).await??;
            timeout(PATIENCE, stream.shutdown()).await?
        }
        Reply::Live(pictures) => {
            let head = head(200, &[("Content-Type", pictures.content_type())]) + "\r\n";
            timeout(PATIENCE, stream.write_all(head.as_bytes())).await??;
            send_pictures(&mut stream, pictures, PATIENCE).await
        }
    }
}

fn head(status: u16, headers: &[(&'static str, String)]) -> String {
    let reason = match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        _ => "",
    };
    let mut head = format!(
        "HTTP/1.1 {status} {reason}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head
}

/// Reads one request. The outer error: the connection broke.
async fn read(stream: &mut TcpStream) -> io::Result<Result<Request, RequestError>> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        match parse(&bytes) {
            Ok(Parsed::Whole(request)) => return Ok(Ok(request)),
            Err(error) => return Ok(Err(error)),
            Ok(Parsed::More) => {}
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Whole(Request),
    More,
}

/// The request at the beginning of `bytes`. Pure.
fn parse(bytes: &[u8]) -> Result<Parsed, RequestError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= LARGEST_HEAD => length,
        Ok(httparse::Status::Partial) if bytes.len() < LARGEST_HEAD => return Ok(Parsed::More),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(RequestError::TooLarge),
        Err(_) => return Err(RequestError::Malformed),
    };
    let (Some(method), Some(target)) = (head.method, head.path) else { return Err(RequestError::Malformed) };
    let path = target.split('?').next().unwrap_or_default();
    let mut request = Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() };
    for header in head.headers.iter() {
        if let Ok(value) = std::str::from_utf8(header.value) {
            request.headers.push((header.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    if request.header("transfer-encoding").is_some() {
        return Err(RequestError::Length);
    }
    let mut lengths = request.headers.iter().filter(|(name, _)| name == "content-length").map(|(_, value)| value);
    let body = match (lengths.next(), lengths.next()) {
        (None, _) => 0,
        // Only digits: parse() would take a sign as well.
        (Some(text), None) if text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse::<usize>().map_err(|_| RequestError::Malformed)?
        }
        _ => return Err(RequestError::Malformed),
    };
    if body > LARGEST_BODY {
        return Err(RequestError::TooLarge);
    }
    match bytes.get(length..length + body) {
        Some(found) => {
            request.body = found.to_vec();
            Ok(Parsed::Whole(request))
        }
        None => Ok(Parsed::More),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<Parsed, RequestError> {
        parse(text.as_bytes())
    }

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let text = "POST /region?x=1 HTTP/1.1\r\nHost: a\r\nCookie: a=b; session=s1\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..end]), Ok(Parsed::More), "{end} bytes of it");
        }
        let Ok(Parsed::Whole(request)) = parsed(text) else { panic!("it is whole") };
        assert_eq!((request.method.as_str(), request.path.as_str(), &*request.body), ("POST", "/region", &b"abc"[..]));
        assert_eq!((request.header("host"), request.cookie("session")), (Some("a"), Some("s1")));
        assert_eq!((request.cookie("sess"), request.header("accept")), (None, None));
    }

    #[test]
    fn what_is_no_request_or_too_large_is_refused() {
        let long = "x".repeat(LARGEST_HEAD);
        let many = "A: b\r\n".repeat(MOST_HEADERS + 1);
        let post = |headers: &str| format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
        for (text, expected) in [
            ("\u{16}\u{3}\u{1}\u{2}\u{0} a TLS client".to_owned(), RequestError::Malformed),
            ("GET / SPDY\r\n\r\n".to_owned(), RequestError::Malformed),
            (format!("GET /{long}"), RequestError::TooLarge),
            (format!("GET / HTTP/1.1\r\n{many}\r\n"), RequestError::TooLarge),
            (post("Content-Length: 4097"), RequestError::TooLarge),
            (post("Content-Length: 99999999999999999999999"), RequestError::Malformed),
            (post("Content-Length: -1"), RequestError::Malformed),
            (post("Content-Length: +1"), RequestError::Malformed),
            (post("Content-Length: 1\r\nContent-Length: 2"), RequestError::Malformed),
            (post("Transfer-Encoding: chunked"), RequestError::Length),
        ] {
            assert_eq!(parsed(&text), Err(expected), "{text:.60}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&[b"GET / HTTP/1.1\r\n", &bytes[..]].concat());
        }
    }

    struct Echo;

    impl Serve for Echo {
        fn handle(&self, request: &Request, _: Instant) -> Reply {
            Reply::plain(200, &request.path).with("X-Test", "1")
        }
    }

    async fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(request).await.expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer in text");
        answer
    }

    #[tokio::test]
    async fn requests_are_answered_and_too_many_connections_are_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let task = tokio::spawn(serve(listener, Arc::new(Echo)));
        let answer = ask(address, b"GET /here HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n/here\n"), "{answer}");
        assert!(answer.contains("X-Test: 1\r\n") && answer.contains("Content-Length: 6\r\n"), "{answer}");
        assert!(ask(address, b"nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));

        // Of three times as many as may be, two thirds are closed unread; the others hold their places.
        let (closed, mut closings) = tokio::sync::mpsc::channel(MOST_CONNECTIONS * 3);
        let idle: Vec<_> = (0..MOST_CONNECTIONS * 3)
            .map(|_| {
                let closed = closed.clone();
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.expect("the system takes it");
                    if matches!(stream.read(&mut [0; 16]).await, Ok(0) | Err(_)) {
                        closed.send(()).await.expect("the test listens");
                    }
                })
            })
            .collect();
        for _ in 0..MOST_CONNECTIONS * 2 {
            closings.recv().await.expect("one that is too many is closed");
        }
        for task in idle {
            task.abort();
        }
        // Once they are gone, there is room again.
        loop {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            let mut answer = String::new();
            let asked = stream.write_all(b"GET /again HTTP/1.1\r\n\r\n").await;
            if asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok() && answer.ends_with("/again\n") {
                break;
            }
        }
        task.abort();
    }
}
